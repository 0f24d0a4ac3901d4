"""What an audit is told: one flat configuration, whose names are the command line's flags."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from tyro.conf import Positional, arg

from dataparams.errors import ArgumentError
from dataparams.sources.split_names import ALL_SPLITS, require_split_words


@dataclass(frozen=True)
class AuditConfig:
    """Configuration of an audit."""

    dataset: Annotated[Positional[str | None], arg(metavar="PATH")] = None
    """The path of an image folder (<class>/<image>), or of a table of images, texts or rows (CSV,
    JSON lines, Parquet, a spreadsheet); digits, cifar10, cifar100, mnist or fashion-mnist; or a
    name on the Hugging Face hub."""
    encoder: str | None = None
    """The pretrained network that makes features. Of images any name of timm that has pretrained
    weights, by default efficientnet-lite0; of texts the name or folder of a model of
    sentence-transformers, by default wordllama. The defaults come with the program; others are
    downloaded once."""
    weights: str | None = None
    """Weights of a network of images in a file of one's own: safetensors or a state dict."""
    features: str | None = None
    """Ready features in place of a network: a .npy file with a row per sample."""
    labels: str | None = None
    """With --features, the labels in place of PATH: a .npy file, or a table."""
    image_column: str | None = None
    """Which column of a table has the images, where that is not clear."""
    text_column: str | None = None
    """Which column of a table has the texts, where that is not clear; of several, such as
    title,body, a text is made of all."""
    label_column: str | None = None
    """Which column of a table has the labels, where that is not clear."""
    row_columns: tuple[str, ...] = ()
    """Which columns belong to a row, where samples are rows of a table; * for all but the labels.
    By default what numbers the rows, or gives the label away, is left out."""
    out: str | None = None
    """The run folder; by default weights_CL/<dataset>/audit. Where the data changed since, another
    one is made beside it, with a number."""
    split: str = ALL_SPLITS
    """Which splits are judged, where the data come split: all, or names with commas between, such
    as train,validation. Heads learn from these alone."""
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

    @property
    def place(self) -> str:
        """What is opened: the data set, or the table of its labels."""
        return str(self.labels if self.dataset is None else self.dataset)


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
    if (config.dataset is None) == (config.labels is None):
        given = "neither is given" if config.labels is None else f"`labels={config.labels}` is too"
        raise ArgumentError(
            f"`dataset` is {config.dataset!r}, and {given}; expected the place of the data, or in "
            "its place a table of labels beside ready features (`labels=FILE`, `features=FILE`)."
        )
    if config.labels is not None and config.features is None:
        raise ArgumentError(
            f"`labels={config.labels}` is given without `features`; expected a .npy file with a "
            "row of numbers for each label, or the place of the data in place of their labels."
        )
    network = {"encoder": config.encoder, "weights": config.weights}
    for name, value in network.items():
        if config.features is not None and value is not None:
            raise ArgumentError(
                f"`features={config.features}` is given with `{name}={value}`; ready features "
                "need no network: expected one of them."
            )
    require_split_words(config.split)
    if not isinstance(config.seed, int) or not 0 <= config.seed < 2**63:
        raise ArgumentError(f"`seed` is {config.seed!r}; expected a whole number, 0 or above.")
