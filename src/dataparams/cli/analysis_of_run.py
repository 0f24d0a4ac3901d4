"""The current analysis of a run, checked against its data, for the commands that show it."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import tyro

from dataparams.errors import ChangedDataError, DataError

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

    from dataparams.analysis import Analysis
    from dataparams.run.folder import RunFolder
    from dataparams.terminal.progress import ProgressDisplay


RunArgument: TypeAlias = Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="RUN")]
"""A run folder, given by its place."""


@dataclass(frozen=True, kw_only=True)
class DataFlags:
    """The flags of every command that shows the samples of a run."""

    data: str | None = None
    """The path of the data, if they have moved since the training."""
    hf_token_file: Path | None = None
    """File with a token of the Hugging Face hub, to download the images again."""


SHOWN = 10
"""How many rows of a long list are printed."""
LOOKING = "looking through the model"
"""The progress bar's title while samples are shown to the trained model."""


def current(
    run: RunFolder, display: ProgressDisplay, *, pictures: bool, data: str | None = None
) -> Analysis:
    """The stored analysis, or a new one if there is none or training has gone on."""
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
    """Check that the data are those of the run, in the order of ``ids``, before they are used."""
    from dataparams.run.source import ContentsOfRun

    if isinstance(contents, ContentsOfRun):
        with pictures_expected():
            for notice in contents.check(ids):
                display.line(notice)


@contextmanager
def pictures_expected() -> Iterator[None]:
    """Add to errors about missing data that --no-pictures goes on without them."""
    try:
        yield
    except ChangedDataError as error:
        raise ChangedDataError(f"{error} Or give --no-pictures.") from error
    except DataError as error:
        raise DataError(f"{error} Or give --no-pictures.") from error
