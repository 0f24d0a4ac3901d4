"""What an audit is told: one flat configuration, whose names are the command line's flags."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from tyro.conf import Positional, arg

from dataparams.errors import ArgumentError


@dataclass(frozen=True)
class AuditConfig:
    """Configuration of an audit."""

    dataset: Annotated[Positional[str], arg(metavar="PATH")]
    """The path of an image folder (<class>/<image>) or of Parquet; digits, cifar10, cifar100, mnist
    or fashion-mnist; or a name on the Hugging Face hub."""
    encoder: str | None = None
    """The pretrained network that makes features: any name of timm that has pretrained weights,
    downloaded once; by default efficientnet-lite0, which comes with the program."""
    weights: str | None = None
    """Weights of the network in a file of one's own: safetensors or a state dict."""
    features: str | None = None
    """Ready features in place of a network: a .npy file with a row per sample."""
    image_column: str | None = None
    """Which column of a table has the images, where that is not clear."""
    label_column: str | None = None
    """Which column of a table has the labels, where that is not clear."""
    out: str | None = None
    """The run folder; by default weights_CL/<dataset>/audit. Where the data changed since, another
    one is made beside it, with a number."""
    data_dir: str = "data"
    """Where built-in data sets are kept and downloaded to."""
    hf_token_file: str | None = None
    """File with a token of the Hugging Face hub, for gated data sets. It is not stored."""
    offline: bool = False
    """Never ask the hub, not even for what is new."""
    rand_fraction: float = 0.0
    """Share of the labels made wrong on purpose, to see how many are found."""
    noise: str = "swap"
    """How: swap, symmetric, pairflip, or file:PATH with the labels in .npy or .csv."""
    seed: int = 0
    """What everything random depends on."""


def require_valid(config: AuditConfig) -> None:
    """Check what can be checked before any data is read.

    Raises:
        ArgumentError: Naming the argument, what was given and what is expected.

    Example:
        >>> require_valid(AuditConfig("photos", encoder="vit", features="x.npy"))
        Traceback (most recent call last):
        ...
        dataparams.errors.ArgumentError: `features=x.npy` is given with `encoder=vit`; ready
        features need no network: expected one of them.
    """
    network = {"encoder": config.encoder, "weights": config.weights}
    for name, value in network.items():
        if config.features is not None and value is not None:
            raise ArgumentError(
                f"`features={config.features}` is given with `{name}={value}`; ready features "
                "need no network: expected one of them."
            )
    if not isinstance(config.seed, int) or not 0 <= config.seed < 2**63:
        raise ArgumentError(f"`seed` is {config.seed!r}; expected a whole number, 0 or above.")
