"""The samples of an export: labels, columns, and what they hold as it is stored."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, TypeVar

import polars as pl

from dataparams.contents.content import UnreadableContentError
from dataparams.contents.decoding_threads import decoding_threads
from dataparams.contents.image_files import ImageHeader, read_header
from dataparams.contents.images import EncodedImage, require_image
from dataparams.export.names import UniqueNames
from dataparams.run.source import ContentsOfRun

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from dataparams.contents.content import Content, ContentKind
    from dataparams.run.folder import RunFolder
    from dataparams.sources.source import Found

_Piece = TypeVar("_Piece")

_EXTENSIONS = {
    "JPEG": (".jpg", ".jpeg", ".jfif"),
    "MPO": (".jpg", ".jpeg", ".jfif"),
    "PNG": (".png",),
    "BMP": (".bmp",),
    "GIF": (".gif",),
    "TIFF": (".tif", ".tiff"),
    "WEBP": (".webp",),
    "PPM": (".ppm", ".pgm", ".pbm"),
    "JPEG2000": (".jp2",),
    "AVIF": (".avif",),
    "HEIF": (".heic", ".heif", ".hif"),
    "TGA": (".tga",),
}
_NUMBERS_OF_CLASSES = ("label", "given_label", "suggested_label", "true_label")


Labels = Literal["given", "suggested", "cleaned", "applied"]
"""Whose labels are exported: those that a run was given; the suggestions of its analysis; those of
``cleaned.parquet``; or those that ``dataparams apply`` wrote where the data live."""
NO_SAMPLE = "no sample"
"""How the reason begins why a file is not exported that was never a sample."""
DISCARDED = "dropped"
"""How the reason begins why a sample is not exported that could be."""


class ExportedImage(NamedTuple):
    """An image as the source has it.

    Attributes:
        row: Which row of the table it belongs to.
        data: The encoded image, untouched.
        header: Its header.
        file: The file that it is in, where it is in one of its own.
    """

    row: int
    data: bytes
    header: ImageHeader
    file: Path | None


class LeftOutSample(NamedTuple):
    """A sample, or a file that is none, that is not exported, and why.

    Attributes:
        id: What it is called.
        reason: In a few words.
        split: Which split it is of, where that is known.
    """

    id: str
    reason: str
    split: str | None = None


class ContentReader(Protocol):
    """The protocol of readers of contents by id."""

    def sweep(self, ids: Sequence[str]) -> Iterator[Found]:
        """Read the contents of many samples, a few at a time."""


@dataclass(frozen=True, eq=False)
class LabeledSamples:
    """The samples of an export, the same for every target.

    Attributes:
        name: Short name of the data set that can be a folder's name.
        class_names: Name of class 0, 1, ...
        table: A row per sample, in the order of the source: ``index`` (row in it), ``id``,
            ``label`` (the exported one, a class number), ``given_label`` where others than these
            are exported; ``split``; for a run the columns of its analysis.
        source: Where the data set lies, if it is a file or folder.
        has_files: Whether ids are paths of files rather than rows of a table.
        contents: What reads what the samples hold.
        kind: What they are; None where a run keeps nothing of them to show.
        are_small: Whether the images are small pictures that a run keeps in place of its images.
        run: The run folder, where one was given.
        notices: Sentences for the user.
        has_splits: Whether files go into a folder for each split.
        left_out: What is known before not to be exported.
        labels: Whose labels are exported.
    """

    name: str
    class_names: tuple[str, ...]
    table: pl.DataFrame
    source: Path | None
    has_files: bool
    contents: ContentReader
    kind: ContentKind | None = "image"
    are_small: bool = False
    run: RunFolder | None = None
    notices: tuple[str, ...] = ()
    has_splits: bool = False
    left_out: tuple[LeftOutSample, ...] = ()
    labels: Labels = "given"

    def __len__(self) -> int:
        return len(self.table)

    def changed_labels(self) -> list[str]:
        """Sentences about labels that a run was given and the data no longer have.

        Raises:
            DataError: If the data source is gone.
            RunError: If nothing but labels is known of the samples, and some differ.
        """
        return self.contents.changed_labels() if isinstance(self.contents, ContentsOfRun) else []

    def read(self, leave_out: Callable[[LeftOutSample], None]) -> Iterator[list[ExportedImage]]:
        """Read the images, a few at a time and decoding none, in the order of the table.

        Args:
            leave_out: Called for every sample whose image cannot be read.

        Raises:
            DataError: If the data source is gone.
        """
        ids = self.table["id"].to_list()
        with decoding_threads() as pool:
            for found in one_ahead(self.contents.sweep(ids)):
                images = []
                loaded = pool.map(_load, found.contents)
                for row, image in zip(found.places, loaded, strict=True):
                    if isinstance(image, str):
                        leave_out(LeftOutSample(ids[row], image))
                    else:
                        images.append(ExportedImage(row, *image))
                yield images

    def read_contents(
        self, leave_out: Callable[[LeftOutSample], None]
    ) -> Iterator[tuple[list[int], list[Content]]]:
        """Read texts or rows, a few at a time: rows of the table, and what these samples hold.

        Args:
            leave_out: Called for every sample that cannot be read.

        Raises:
            DataError: If the data source is gone.
        """
        ids = self.table["id"].to_list()
        for found in one_ahead(self.contents.sweep(ids)):
            rows, contents = [], []
            for row, content in zip(found.places, found.contents, strict=True):
                if isinstance(content, UnreadableContentError):
                    leave_out(LeftOutSample(ids[row], str(content)))
                else:
                    rows.append(row)
                    contents.append(content)
            yield rows, contents

    def stem(self, sample: str) -> str:
        """The name of an image's file, without an extension where it has no file of its own."""
        return sample.rpartition("/")[2] if self.has_files else sample.replace("/", "_")

    def file_name(self, stem: str, image: ExportedImage) -> str:
        """The name of an image's file, with an extension that suits its format."""
        if self.has_files or Path(stem).suffix.lower() in _EXTENSIONS[image.header.format]:
            return stem
        return stem + extension_of(image)

    @cached_property
    def told(self) -> tuple[str, ...]:
        """The columns that are exported: that of the splits only where there are several."""
        is_one = self.table["split"].n_unique() == 1
        return tuple(name for name in self.table.columns if name != "split" or not is_one)

    def named(self, rows: Sequence[int]) -> pl.DataFrame:
        """Some rows of the table with names of classes in place of their numbers."""
        some = self.table.select(self.told)[list(rows)]
        return some.with_columns(
            pl.col(name).replace_strict(
                dict(enumerate(self.class_names)), return_dtype=pl.String, default=None
            )
            for name in _NUMBERS_OF_CLASSES
            if name in some.columns
        )


def one_ahead(pieces: Iterator[_Piece]) -> Iterator[_Piece]:
    """The same pieces, each read in a thread while the one before is processed.

    Example:
        >>> list(one_ahead(iter("abc")))
        ['a', 'b', 'c']
    """
    with ThreadPoolExecutor(1) as ahead:
        upcoming = ahead.submit(next, pieces, None)
        while (piece := upcoming.result()) is not None:
            upcoming = ahead.submit(next, pieces, None)
            yield piece


class FileNames:
    """Paths of images below an export's folder.

    Args:
        samples: The samples of the export.
        reserved: Names that no class folder may have, nor one of a split.
        by_split: Whether class folders lie in a folder for each split, where there are several.
    """

    def __init__(
        self, samples: LabeledSamples, reserved: Sequence[str] = (), *, by_split: bool = False
    ) -> None:
        splits = samples.table["split"].unique().sort().to_list()
        self._tops = dict.fromkeys(splits, "")
        if by_split and samples.has_splits and len(splits) > 1:
            self._tops = _folders_of_splits(splits, reserved)
        classes = list(enumerate(samples.class_names))
        kept_free = () if any(self._tops.values()) else reserved
        names = UniqueNames(
            [*(("", name) for _, name in classes), *(("", name) for name in kept_free)]
        )
        self._classes = tuple(names.of("", name, f"{label}/{name}") for label, name in classes)
        self._samples = samples
        own = map(samples.stem, samples.table["id"])
        groups = zip(
            map(self._tops.get, samples.table["split"]), samples.table["label"], strict=True
        )
        self._names = UniqueNames(zip(groups, own, strict=True))

    @property
    def folders(self) -> list[str]:
        """All folders that images lie in."""
        tops = dict.fromkeys(self._tops.values())
        return [f"{top}{name}" for top in tops for name in self._classes]

    def paths(self, images: Sequence[ExportedImage]) -> list[str]:
        """``<class>/<image>`` of some images, or ``<split>/<class>/<image>``.

        There is a forward slash between, and no path leads out of the folder.
        """
        rows = self._samples.table.select("id", "label", "split")[[image.row for image in images]]
        return [
            f"{self._tops[split]}{self._classes[label]}/"
            f"{self._file_name(image, sample, label, self._tops[split])}"
            for image, (sample, label, split) in zip(images, rows.iter_rows(), strict=True)
        ]

    def _file_name(self, image: ExportedImage, sample: str, label: int, top: str) -> str:
        name = self._names.of((top, label), self._samples.stem(sample), sample)
        return self._samples.file_name(name, image)


def _folders_of_splits(splits: Sequence[str], reserved: Sequence[str]) -> dict[str, str]:
    """A folder for each split, with a slash at its end."""
    names = UniqueNames([*(("", name) for name in splits), *(("", name) for name in reserved)])
    return {name: f"{names.of('', name, name)}/" for name in splits}


def extension_of(image: ExportedImage) -> str:
    """The extension that suits an image's format: its file's own where that does.

    Example:
        >>> extension_of(ExportedImage(0, b"...", ImageHeader("JPEG", 8, 8), Path("a.JPEG")))
        '.JPEG'
        >>> extension_of(ExportedImage(0, b"...", ImageHeader("JPEG", 8, 8), Path("a.png")))
        '.jpg'
    """
    known = _EXTENSIONS[image.header.format]
    own = "" if image.file is None else image.file.suffix
    return own if own.lower() in known else known[0]


def _load(
    content: Content | UnreadableContentError,
) -> tuple[bytes, ImageHeader, Path | None] | str:
    """An image's bytes and header, or why it cannot be read."""
    try:
        image = require_image(content)
        data = bytes(image.encoded())
    except UnreadableContentError as error:
        return str(error)
    header = read_header(data)
    if isinstance(header, str):
        return header
    file = image.file if isinstance(image, EncodedImage) else None
    return data, header, None if file is None else Path(file)
