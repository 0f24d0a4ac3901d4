"""Settings of the hub's libraries, for as long as they are used."""

from __future__ import annotations

import contextlib
import logging
import warnings
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def without_network() -> Iterator[None]:
    """Have the libraries look into their cache only."""
    import datasets
    from huggingface_hub import constants

    with _set(datasets.config, HF_HUB_OFFLINE=True), _set(constants, HF_HUB_OFFLINE=True):
        yield


@contextlib.contextmanager
def _set(holder: Any, **values: Any) -> Iterator[None]:
    """Change settings of a module for a while, as far as it has them."""
    before = {name: getattr(holder, name) for name in values if hasattr(holder, name)}
    try:
        for name in before:
            setattr(holder, name, values[name])
        yield
    finally:
        for name, value in before.items():
            setattr(holder, name, value)


@contextlib.contextmanager
def quiet_libraries() -> Iterator[None]:
    """Keep the libraries from printing, reporting usage, and running a data set's code."""
    import datasets
    from huggingface_hub import constants

    with contextlib.ExitStack() as stack:
        stack.enter_context(
            _set(
                datasets.config,
                HF_DATASETS_TRUST_REMOTE_CODE=False,
                HF_UPDATE_DOWNLOAD_COUNTS=False,
            )
        )
        stack.enter_context(_set(constants, HF_HUB_DISABLE_TELEMETRY=True))
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")
        for library in ("datasets", "huggingface_hub"):
            logger = logging.getLogger(library)
            stack.callback(logger.setLevel, logger.level)
            logger.setLevel(logging.CRITICAL)
        stack.enter_context(_without_bars())
        yield


@contextlib.contextmanager
def _without_bars() -> Iterator[None]:
    import datasets
    from huggingface_hub import utils

    libraries = (datasets.utils, utils)
    silenced = [library for library in libraries if not library.are_progress_bars_disabled()]
    try:
        for library in silenced:
            library.disable_progress_bars()
        yield
    finally:
        for library in silenced:
            library.enable_progress_bars()
