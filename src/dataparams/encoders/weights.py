"""Weights from a file of the user's own, loaded into a network."""

from __future__ import annotations

import sys
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

from dataparams.errors import ArgumentError
from dataparams.terminal.words import counted, printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from torch import Tensor, nn

_INSIDE = ("state_dict_ema", "model_ema", "ema", "state_dict", "model", "module")
_DEEPEST = 3
_SHOWN = 5
# A count of batches, which old files lack, and which no feature depends on.
_IGNORED = "num_batches_tracked"


class _Fit(NamedTuple):
    """How the weights of a file fit a network.

    Attributes:
        weights: The weights whose names the network has.
        missing: Names in the network without weights.
        mismatched: Names with different shapes, and both shapes.
        unused: Names that the network does not have.
    """

    weights: dict[str, Tensor]
    missing: list[str]
    mismatched: list[str]
    unused: list[str]

    @property
    def is_whole(self) -> bool:
        return not self.missing and not self.mismatched


def load_weights(
    network: nn.Module,
    file: Path,
    name: str,
    *,
    on_notice: Callable[[str], None] | None = None,
    named_by: str = "encoder",
) -> None:
    """Load the weights of a file into a network.

    The file is a safetensors file, or a PyTorch file with a state dict, perhaps inside a checkpoint
    (``state_dict``, ``model``, ``ema``) and with a prefix (``module.``, ``backbone.``) before all
    names. No code in it is run. Weights that the network does not have, such as those of a
    classifier, are left out.

    Args:
        network: The network, without a classifier.
        file: The file.
        name: The network's name for the user.
        on_notice: Called with a sentence if weights other than a classifier's are left out.
        named_by: The argument that names the network.

    Raises:
        ArgumentError: If the file cannot be read or does not fit; the message names the tensors.
    """
    stored = read_weights(file)
    fit = _best_fit(stored, network)
    if not fit.is_whole:
        raise ArgumentError(_misfit_text(fit, file, name, named_by))
    network.load_state_dict(fit.weights, strict=False)
    classifier = _classifier_prefixes(network)
    left_out = [each for each in fit.unused if not each.startswith(classifier)]
    if left_out and on_notice is not None:
        on_notice(
            f"{counted(len(left_out), 'tensor')} of {file} are left out, which {name} does not "
            f"have: {_listed(left_out)}."
        )


def read_weights(file: Path) -> dict[str, Tensor]:
    """The tensors of a file, by name.

    Raises:
        ArgumentError: If it cannot be read, or has no tensors by name.
    """
    import torch

    try:
        loaded = _loaded(file)
    except FileNotFoundError:
        raise ArgumentError(
            f"`weights` is {file}, which does not exist; expected a safetensors file or a PyTorch "
            "file with a state dict."
        ) from None
    except Exception as error:  # noqa: BLE001 - a damaged file can make a loader raise anything
        reason = str(error).strip().partition("\n")[0].rstrip(".") or type(error).__name__
        raise ArgumentError(
            f"`weights` is {file}, which cannot be read as weights alone ({reason[:200]}); "
            "expected a safetensors file or a PyTorch file with a state dict."
        ) from None
    for _ in range(_DEEPEST):
        inner = next((loaded[key] for key in _INSIDE if isinstance(loaded.get(key), dict)), None)
        loaded = loaded if inner is None else inner
    tensors = {str(key): value for key, value in loaded.items() if isinstance(value, torch.Tensor)}
    if not tensors:
        raise ArgumentError(
            f"`weights` is {file}, which holds no tensors by name; expected a state dict, or a "
            f"checkpoint with one inside ({', '.join(_INSIDE)})."
        )
    return tensors


def _loaded(file: Path) -> Mapping[str, Any]:
    with file.open("rb") as stream:
        # A safetensors file begins with the length of its header, which is a JSON object.
        is_safetensors = stream.read(9)[8:] == b"{"
    if is_safetensors:
        from safetensors.torch import load_file

        tensors: Mapping[str, Any] = load_file(file)
        return tensors
    import torch

    loaded = torch.load(file, map_location="cpu", weights_only=True)
    if not isinstance(loaded, dict):
        raise TypeError(f"it holds a {type(loaded).__name__}")
    return loaded


def _best_fit(stored: dict[str, Tensor], network: nn.Module) -> _Fit:
    """How weights fit as they are, or after timm's conversion of files of other projects."""
    fit = _fit(stored, network)
    convert = getattr(sys.modules[type(network).__module__], "checkpoint_filter_fn", None)
    if fit.is_whole or convert is None:
        return fit
    try:
        converted = _fit(convert(dict(stored), network), network)
    except Exception:  # noqa: BLE001 - the conversion fails in many ways on other files
        return fit
    return converted if converted.is_whole else fit


def _fit(stored: Mapping[str, Tensor], network: nn.Module) -> _Fit:
    wanted = network.state_dict()
    named = _without_prefix(stored, wanted)
    weights = {key: value for key, value in named.items() if key in wanted}
    mismatched = [
        f"{key} ({_shape(value)}, expected {_shape(wanted[key])})"
        for key, value in weights.items()
        if value.shape != wanted[key].shape
    ]
    missing = [key for key in wanted if key not in named and not key.endswith(_IGNORED)]
    return _Fit(weights, missing, mismatched, [key for key in named if key not in wanted])


def _without_prefix(
    stored: Mapping[str, Tensor], wanted: Mapping[str, Tensor]
) -> Mapping[str, Tensor]:
    """The same weights without the prefix of all names, if there is one."""
    anchor = next(iter(wanted))
    prefixes = {key.removesuffix(anchor) for key in stored if key.endswith(f".{anchor}")}
    best, most = stored, len(wanted.keys() & stored.keys())
    for prefix in sorted(prefixes):
        named = {key.removeprefix(prefix): value for key, value in stored.items()}
        if len(wanted.keys() & named.keys()) > most:
            best, most = named, len(wanted.keys() & named.keys())
    return best


def _misfit_text(fit: _Fit, file: Path, name: str, named_by: str) -> str:
    faults = []
    if fit.missing:
        faults.append(f"{counted(len(fit.missing), 'tensor')} missing: {_listed(fit.missing)}")
    if fit.mismatched:
        faults.append(
            f"{counted(len(fit.mismatched), 'tensor')} of another shape: {_listed(fit.mismatched)}"
        )
    if fit.unused:
        faults.append(f"{counted(len(fit.unused), 'tensor')} not known: {_listed(fit.unused)}")
    return (
        f"`weights` is {file}, which does not fit the network {name}: {'; '.join(faults)}. Name "
        f"the network that they belong to by `{named_by}`."
    )


def _classifier_prefixes(network: nn.Module) -> tuple[str, ...]:
    configuration = getattr(network, "pretrained_cfg", None) or {}
    names = configuration.get("classifier") or ()
    return tuple(f"{each}." for each in ((names,) if isinstance(names, str) else names))


def _listed(names: Iterable[str]) -> str:
    every = list(names)
    more = f" and {len(every) - _SHOWN:,} more" if len(every) > _SHOWN else ""
    return printable(", ".join(every[:_SHOWN])) + more


def _shape(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "a number"


def hash_of_weights(weights: Mapping[str, Tensor]) -> str:
    """SHA-256, in hex, of the names and values of a network's weights.

    Example:
        >>> import torch
        >>> hash_of_weights({"bias": torch.zeros(2)}) != hash_of_weights({"bias": torch.ones(2)})
        True
    """
    import torch

    digest = sha256()
    for name, tensor in weights.items():
        digest.update(f"{name} {tuple(tensor.shape)} {tensor.dtype}".encode())
        stored = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
        digest.update(stored.numpy().data)
    return digest.hexdigest()
