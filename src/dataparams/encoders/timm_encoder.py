"""Pretrained networks of timm, whose weights are downloaded once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataparams.errors import DataError
from dataparams.sources.hub.download import (
    HubFile,
    download,
    downloaded_path,
    measure_files,
    require_room,
)
from dataparams.sources.hub.library import quiet_libraries
from dataparams.sources.hub.refusals import Place, explain_refusal
from dataparams.sources.hub.token import find_token
from dataparams.terminal.words import size_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import nn

_NAMES = ("model.safetensors", "pytorch_model.bin")
_MAIN = "main"


def pretrained_network(
    name: str, *, offline: bool = False, on_notice: Callable[[str], None] | None = None
) -> nn.Module:
    """A network of timm with its pretrained weights, without its classifier.

    Args:
        name: A name of timm with pretrained weights.
        offline: Do not access the network; weights that were downloaded before are used.
        on_notice: Called with a sentence before a download.

    Raises:
        DataError: If the weights cannot be downloaded, or ``offline`` forbids it.
    """
    import timm

    configuration = timm.get_pretrained_cfg(name)
    repository, _, revision = (configuration.hf_hub_id or "").partition("@")
    place = _place(repository or name)
    try:
        if not repository:
            return _from_address(name, configuration.url, offline=offline, on_notice=on_notice)
        names = (configuration.hf_hub_filename,) if configuration.hf_hub_filename else _NAMES
        files = [HubFile(repository, revision or _MAIN, each, kind="model") for each in names]
        path = next(filter(None, map(downloaded_path, files)), None)
        if path is None:
            path = _fetched(name, files, place, offline=offline, on_notice=on_notice)
        # The file's format is known: timm must not try other loaders.
        overlay = {"file": path, "custom_load": False}
        return _made(name, pretrained_cfg_overlay=overlay)
    except Exception as error:  # noqa: BLE001 - which kinds there are depends on the HTTP library
        refusal = explain_refusal(error, place, find_token())
    # Not from the error, which refers to requests with the token.
    raise refusal.with_traceback(None)


def _made(name: str, **options: Any) -> nn.Module:
    import timm

    network: nn.Module = timm.create_model(name, pretrained=True, num_classes=0, **options)
    return network


def _fetched(
    name: str,
    files: list[HubFile],
    place: Place,
    *,
    offline: bool,
    on_notice: Callable[[str], None] | None,
) -> str:
    """Download the first of these files that the hub has; returns where it is."""
    from huggingface_hub import constants

    if offline:
        raise _forbidden(name, place.page)
    token = find_token()
    measured = [file for file in measure_files(files, token) if file.size]
    if not measured:
        raise DataError(
            f"{place.page} has no file {' or '.join(file.path for file in files)}; choose another "
            f"encoder, or {place.instead}."
        )
    cache = Path(constants.HF_HUB_CACHE)
    size = measured[0].size
    require_room(place.name, {cache: size}, {cache: "to download"}, kind=place.kind)
    if on_notice is not None:
        on_notice(f"downloading the weights of {name}, {size_text(size)}, from {place.page}, once")
    with quiet_libraries():
        download(measured[:1], token)
    path = downloaded_path(measured[0])
    if path is None:
        raise DataError(f"The weights of {name} were downloaded and are gone again; try once more.")
    return path


def _from_address(
    name: str, address: str, *, offline: bool, on_notice: Callable[[str], None] | None
) -> nn.Module:
    """A network whose weights are in a file that is not on the hub; torch keeps it."""
    import torch

    kept = Path(torch.hub.get_dir()) / "checkpoints" / address.rpartition("/")[2]
    if not kept.is_file():
        if offline:
            raise _forbidden(name, address)
        if on_notice is not None:
            on_notice(f"downloading the weights of {name} from {address}, once")
    return _made(name)


def _forbidden(name: str, where: str) -> DataError:
    return DataError(
        f"The weights of the encoder {name} are not on this machine, and `offline=True` forbids "
        f"downloading them from {where}. Give `offline=False` once, give a file of them "
        "(`weights=FILE`), or leave `encoder` out."
    )


def _place(repository: str) -> Place:
    from huggingface_hub import constants

    return Place(repository, constants.ENDPOINT, str(Path(constants.HF_HOME)), kind="model")
