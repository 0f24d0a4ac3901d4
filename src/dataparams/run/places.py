"""Where the files of a run lie that other rooms write and read."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from dataparams.errors import ArgumentError
from dataparams.run.cleaned_samples import CLEANED
from dataparams.run.clearing import APPLIED, REVIEW


class RunPlaces:
    """The places in a run folder that have a name.

    Args:
        path: The folder.

    Raises:
        ArgumentError: If that is no path.
    """

    def __init__(self, path: str | Path) -> None:
        if not isinstance(path, str | PathLike):
            raise ArgumentError(f"`run` is {path!r}; expected the path of a run folder.")
        self.path = Path(path)

    def __repr__(self) -> str:
        return f"RunFolder({str(self.path)!r})"

    @property
    def figures(self) -> Path:
        """Where pictures for people lie."""
        return self.path / "figures"

    @property
    def report(self) -> Path:
        """Where the report lies."""
        return self.path / "report"

    @property
    def report_settings(self) -> Path:
        """Where title, client and language of the report are kept; people chose them."""
        return self.path / "report.json"

    @property
    def tensorboard(self) -> Path:
        """Where TensorBoard's event files lie."""
        return self.path / "tensorboard"

    @property
    def review(self) -> Path:
        """Where people's decisions lie; see :class:`dataparams.decisions.store.DecisionStore`."""
        return self.path / REVIEW

    @property
    def cleaned(self) -> Path:
        """Where ``dataparams clean`` keeps the samples to train on; see :func:`read_cleaned`."""
        return self.path / CLEANED

    @property
    def health_file(self) -> Path:
        """Where what is wrong beside labels lies; see :mod:`dataparams.health.findings`."""
        return self.path / "health.parquet"

    @property
    def applied_folder(self) -> Path:
        """Where what was changed in the data lies; see :mod:`dataparams.run.applied_changes`."""
        return self.path / APPLIED

    @property
    def analysis_classes(self) -> Path:
        """Where the classes of an analysis lie as a table, where they are many."""
        return self.path / "analysis_classes.csv"
