"""Shared code of all targets: options, writing of images, and the summary."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import polars as pl

from dataparams.errors import DataError
from dataparams.export.samples import DISCARDED, NO_SAMPLE, FileNames, LeftOutSample
from dataparams.run.source import MOVED
from dataparams.run.spreadsheet_cells import formula_notice
from dataparams.terminal.words import counted, printable, reasons_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from dataparams.contents.content import Content
    from dataparams.export.destination import Destination
from dataparams.export.samples import ExportedImage, LabeledSamples

Form = Literal["folder", "zip", "both"]

LEFT_OUT = "left_out.csv"
_WRITERS = 8


@dataclass(eq=False)
class Export:
    """One export on its way.

    Attributes:
        samples: What is exported.
        destination: Where to.
        form: For targets that are a folder and can be a ZIP file.
        link: Link images instead of copying them, for targets that can.
        on_progress: Told how many samples are done, and how many there are.
        count: How many samples were exported.
        left_out: Those that cannot be read.
        notices: Sentences for the user.
    """

    samples: LabeledSamples
    destination: Destination
    form: Form = "both"
    link: bool = False
    on_progress: Callable[[int, int], None] | None = None
    count: int = 0
    left_out: list[LeftOutSample] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)

    def images(self) -> Iterator[list[ExportedImage]]:
        """Read all images a few at a time."""
        self.notices += self.samples.changed_labels()
        if self.samples.are_small:
            self.notices.append(
                "These are the small pictures that the run keeps, not the images it was trained on."
            )
        for images in self.samples.read(self.left_out.append):
            yield images
            self._done(len(images))

    def contents(self) -> Iterator[tuple[list[int], list[Content]]]:
        """Read all texts or rows a few at a time, each with its row of the table of samples."""
        self.notices += self.samples.changed_labels()
        for rows, contents in self.samples.read_contents(self.left_out.append):
            yield rows, contents
            self._done(len(contents))

    def _done(self, count: int) -> None:
        self.count += count
        if self.on_progress is not None:
            self.on_progress(self.count + len(self.left_out), len(self.samples))

    def written_images(
        self,
        below: str = "",
        *,
        reserved: Sequence[str] = (),
        write: bool = True,
        by_split: bool = True,
    ) -> Iterator[list[tuple[ExportedImage, str]]]:
        """Write all images as ``<class>/<image>``; gives each with its path.

        Where there are several splits, class folders lie in ``<split>/``.

        Args:
            below: Path below the destination that the class folders lie in, with a slash at its
                end.
            reserved: Names that no class folder may have.
            write: Whether to write; otherwise the paths are told alone.
            by_split: Whether splits have folders of their own.
        """
        names = FileNames(self.samples, reserved, by_split=by_split)
        with ThreadPoolExecutor(_WRITERS) as pool:
            for images in self.images():
                paths = [below + path for path in names.paths(images)]
                if write:
                    list(pool.map(self._write, images, paths))
                yield list(zip(images, paths, strict=True))
        if write:
            self._tell_of_others(self.destination.folder / below, names.folders)
            self._tell_of_copies()

    def _tell_of_others(self, folder: Path, classes: Sequence[str]) -> None:
        """Add a notice if class folders hold other files, such as of an earlier export."""
        there = sum(
            1 for name in classes if (folder / name).is_dir() for _ in (folder / name).iterdir()
        )
        if there > self.count:
            self.notices.append(
                f"The class folders in {folder} hold {there - self.count:,} files that are not of "
                "this export; they were left as they are."
            )

    def _tell_of_copies(self) -> None:
        """Add a notice if the file system could not make the links asked for."""
        if self.destination.not_linked:
            self.notices.append(
                f"{self.destination.not_linked:,} images were copied: no hard link can be made to "
                "them, as across file systems."
            )

    def _write(self, image: ExportedImage, path: str) -> None:
        self.destination.put(path, image.data, linked_to=image.file if self.link else None)

    def tell_of_formulas(self, file: str, cells: Iterable[str] = ()) -> None:
        """Add a notice if a spreadsheet would run a cell of a CSV file as a formula.

        Args:
            file: Its name.
            cells: Its further cells, beside ids and the names of classes.
        """
        names = (*self.samples.class_names, *self.samples.table["id"], *cells)
        self.notices += formula_notice(names, file)

    def finish(self) -> str:
        """Write the list of left out samples; returns the summary.

        Raises:
            DataError: If nothing could be read.
            RunError: If the list cannot be written.
        """
        if not self.count and self.left_out:
            first = self.left_out[0]
            samples = counted(len(self.left_out), self.samples.kind or "sample")
            raise DataError(
                f"None of {samples} can be read. "
                f"The first, {printable(first.id)}: {printable(first.reason)}."
                + ("" if self.samples.run is None else f" {MOVED}")
            )
        left_out = [*self.left_out, *self.samples.left_out]
        if left_out:
            rows = [(one.id, one.reason) for one in left_out]
            frame = pl.DataFrame(rows, schema=["id", "reason"], orient="row")
            self.destination.put(LEFT_OUT, csv_bytes(frame))
        used = self.samples.table["label"].unique().to_list()
        return _last_word(self, len(used))


def csv_bytes(frame: pl.DataFrame, *, header: bool = True) -> bytes:
    """Rows as CSV, with every value as it is.

    A name that a spreadsheet would take for a formula is not changed: these files are read by
    programs, to which a quoted ``=SUM`` would be another label. :meth:`Export.tell_of_formulas`
    tells of it.
    """
    buffer = io.BytesIO()
    frame.write_csv(buffer, include_header=header)
    return buffer.getvalue()


def append_rows(file: Path, frame: pl.DataFrame) -> None:
    """Append rows to a CSV file, after a header where it is new."""
    with file.open("ab") as stream:
        stream.write(csv_bytes(frame, header=stream.tell() == 0))


def _last_word(export: Export, num_classes: int) -> str:
    destination, count = export.destination, export.count
    kind = "class" if num_classes == 1 else "classes"
    words = f"Exported {count:,} samples of {num_classes:,} {kind} to {destination.folder}"
    files = f"{destination.written:,} file{'' if destination.written == 1 else 's'} written"
    if destination.kept:
        files += f", {destination.kept:,} were there already"
    words += f" ({files}; {_size(destination.bytes)})."
    told = left_out_words([*export.left_out, *export.samples.left_out])
    return f"{words} {told}, listed in {destination.folder / LEFT_OUT}." if told else words


def left_out_words(left_out: Sequence[LeftOutSample]) -> str:
    """What is not exported, and why, in words.

    Example:
        >>> left_out_words([LeftOutSample("a.jpg", "it is empty")])
        'Left out as unreadable: 1 (1 x it is empty)'
        >>> left_out_words([LeftOutSample("README.md", "no sample: no image by its extension")])
        'Not exported, as it is no sample: 1 (1 x no image by its extension)'
    """
    reasons = [one.reason for one in left_out]
    others = [reason for reason in reasons if reason.startswith(f"{NO_SAMPLE}: ")]
    dropped = [reason for reason in reasons if reason.startswith(f"{DISCARDED} by ")]
    unreadable = len(reasons) - len(others) - len(dropped)
    told = []
    if unreadable:
        why = (reason for reason in reasons if reason not in {*others, *dropped})
        told.append(f"Left out as unreadable: {unreadable:,} ({reasons_text(why)})")
    if dropped:
        told.append(f"Left out as {dropped[0]}: {len(dropped):,}")
    if others:
        what = "it is no sample" if len(others) == 1 else "they are no samples"
        why = (reason.removeprefix(f"{NO_SAMPLE}: ") for reason in others)
        told.append(f"Not exported, as {what}: {len(others):,} ({reasons_text(why)})")
    return ". ".join(told)


def _size(count: float) -> str:
    """Bytes in words.

    Example:
        >>> _size(900), _size(1_500_000)
        ('900 bytes', '1.5 MB')
    """
    if count < 1000:
        return f"{count:.0f} bytes"
    for unit in ("kB", "MB", "GB"):
        count /= 1000
        if count < 1000:
            return f"{count:.1f} {unit}"
    return f"{count / 1000:.1f} TB"
