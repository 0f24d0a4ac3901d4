"""What several commands need: the analysis as it stands, held against the data."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from dataparams.errors import ChangedDataError, DataError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from dataparams.analysis import Analysis
    from dataparams.run.folder import RunFolder
    from dataparams.terminal.progress import ProgressDisplay


@dataclass(frozen=True, kw_only=True)
class DataFlags:
    """The flags of every command that shows the samples of a run."""

    data: str | None = None
    """Where the data lie, where they have moved since the training."""
    hf_token_file: Path | None = None
    """File with a token of the Hugging Face hub, where the images are to be downloaded again."""


SHOWN = 10
"""How many rows of a long list are printed."""
LOOKING = "looking through the model"
"""What is done while samples are shown to the trained model."""


def current(
    run: RunFolder, display: ProgressDisplay, *, pictures: bool, data: str | None = None
) -> Analysis:
    """The analysis that was written, or a new one where there is none or training went on."""
    from dataparams.analysis import current_analysis

    analysis = current_analysis(
        run,
        data=data,
        on_progress=lambda done, total: display.step(done, total, LOOKING),
        on_notice=display.line,
    )
    if not pictures:
        return replace(analysis, contents=None)
    ranked = analysis.frame.select("id", "suspicion").sort("suspicion", descending=True)["id"]
    check(analysis.contents, ranked, display)
    return analysis


def check(contents: object, ids: pl.Series, display: ProgressDisplay) -> None:
    """Hold the data against the run before they are used; the most suspicious samples first."""
    from dataparams.run.source import ContentsOfRun

    if isinstance(contents, ContentsOfRun):
        with pictures_expected():
            for notice in contents.check(ids):
                display.line(notice)


@contextmanager
def pictures_expected() -> Iterator[None]:
    """Say how to do without pictures where the data source is gone."""
    try:
        yield
    except ChangedDataError as error:
        raise ChangedDataError(f"{error} Or give --no-pictures.") from error
    except DataError as error:
        raise DataError(f"{error} Or give --no-pictures.") from error
