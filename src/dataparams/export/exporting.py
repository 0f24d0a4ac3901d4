"""The entry function of exports: a run or a data set, a target, a folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataparams.errors import ArgumentError, RunError
from dataparams.export.changes import write_changes
from dataparams.export.destination import open_destination
from dataparams.export.opening import open_samples
from dataparams.export.targets import FOR_IMAGES, SHOWING, TARGETS, WITH_FILES, WITH_TRUTH
from dataparams.export.writing import Export

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from dataparams.contents.content import ContentKind
    from dataparams.export.config import ExportConfig, Target


def export(
    config: ExportConfig,
    *,
    on_progress: Callable[[int, int], None] | None = None,
    on_notice: Callable[[str], None] | None = None,
) -> str:
    """Export a run or a data set.

    Args:
        config: What, for which tool, and where to.
        on_progress: Called with the number of samples done and of all samples.
        on_notice: Called with a sentence for the user.

    Returns:
        What was written, how many, and what was left out and why.

    Raises:
        UserError: If arguments do not fit each other, or nothing is left to export.
        DataError: If the data set cannot be found or read.
        RunError: If the run folder is damaged, or another file lies where one is to be written.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from dataparams.export import ExportConfig
        >>> folder = Path(tempfile.mkdtemp()) / "out"
        >>> word = export(ExportConfig("digits", to="cleanlab-studio", out=folder, split="val"))
        >>> word.startswith("Exported 179 samples of 10 classes")
        True
    """
    folder = _folder(config)
    _require_fitting(config)
    samples = open_samples(
        config.what,
        data_dir=config.data_dir,
        split=config.split,
        include=_categories(config.include),
        labels=config.labels,
        confidence=config.confidence,
        with_truth=config.with_truth,
        with_analysis=config.analysis,
        data=config.data,
        image_column=config.image_column,
        text_column=config.text_column,
        label_column=config.label_column,
        row_columns=config.row_columns,
    )
    _require_shown(config.to, samples.kind, config.what)
    _require_apart(folder, samples.source)
    tell = on_notice or _drop
    for notice in samples.notices:
        tell(notice)
    with open_destination(folder, overwrite=config.overwrite) as destination:
        form = config.form or "both"
        job = Export(samples, destination, form=form, link=config.link, on_progress=on_progress)
        TARGETS[config.to](job)
        if job.count:
            write_changes(job)
        word = job.finish()
    for notice in job.notices:
        tell(notice)
    return word


def _folder(config: ExportConfig) -> Path:
    if (config.folder is None) == (config.out is None):
        given = "both given" if config.out is not None else "both missing"
        raise ArgumentError(
            f"A folder and `out` are {given}; expected one of them, where to export."
        )
    folder = config.out if config.out is not None else config.folder
    assert folder is not None  # noqa: S101 - one of them is given
    if folder.exists() and not folder.is_dir():
        raise RunError(f"{folder} is a file; expected a folder to export to.")
    return folder


def _require_fitting(config: ExportConfig) -> None:
    """Refuse arguments that have no meaning for the target."""
    if config.form is not None and config.to != "cleanlab-studio":
        raise ArgumentError(
            f'`form` is for `to="cleanlab-studio"`; expected none with {config.to}.'
        )
    if config.with_truth and config.to not in WITH_TRUTH:
        raise ArgumentError(
            f"`with_truth` is for plain tables ({', '.join(sorted(WITH_TRUTH))}); {config.to} goes "
            "to people or tools that are not to know the truth."
        )
    if not config.analysis and config.to == "cleanlab":
        raise ArgumentError(
            '`analysis=False` leaves out the columns of the analysis, and `to="cleanlab"` has no '
            "others; leave it out."
        )
    if config.link and (config.to not in WITH_FILES or config.form == "zip"):
        raise ArgumentError(
            f"`link` needs a target of image files ({', '.join(sorted(WITH_FILES))}); "
            f"{config.to} has none."
        )


def _require_shown(target: Target, kind: ContentKind | None, what: str) -> None:
    """Refuse a target that has no place for what the samples are."""
    if kind == "image" or target not in SHOWING or (kind is not None and target not in FOR_IMAGES):
        return
    refused = FOR_IMAGES if kind is not None else SHOWING
    others = ", ".join(name for name in TARGETS if name not in refused)
    is_upload = target == "cleanlab-studio" and kind is not None
    hint = " Cleanlab Studio itself takes csv." if is_upload else ""
    if kind is None:
        reason = f"shows samples to people, and {what} keeps nothing of its samples to show"
    else:
        reason = f"is for images, and the samples of {what} are {kind}s"
    raise ArgumentError(f'`to="{target}"` {reason}. Expected one of {others}.{hint}')


def _require_apart(folder: Path, source: Path | None) -> None:
    """Refuse a folder in the data set, of which the export would become a part."""
    if (folder / "run.json").exists():
        raise RunError(f"{folder} is a run folder; expected another, such as {folder / 'export'}.")
    if source is not None and folder.resolve().is_relative_to(source.resolve()):
        raise RunError(
            f"{folder} lies in the data set {source}, of which the export would become a part. "
            "Choose a folder outside of it."
        )


def _categories(words: str | None) -> tuple[str, ...]:
    if words is None:
        return ()
    names = tuple(word.strip() for word in words.split(",") if word.strip())
    if not names:
        raise ArgumentError("`include` names no category; expected some, such as easy,review.")
    return names


def _drop(_: str) -> None:
    """Drop a notice."""
