"""The samples' contents as the report shows them: pictures as files, texts and rows as words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from dataparams.analysis.result import SweptContents
from dataparams.contents.images import views_of
from dataparams.report.scripts import whole_record, whole_script
from dataparams.sources.source import Found
from dataparams.web.excerpts import excerpt_and_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from dataparams.analysis.result import SampleContents
    from dataparams.contents.content import Content, UnreadableContentError, View
    from dataparams.web.excerpts import Excerpt
    from dataparams.web.unusual_values import ClassNorms, ShownCell

    _Read: TypeAlias = tuple["Wanted", Content | UnreadableContentError]

_BLOCK = 64
"""Contents in memory at a time."""
_SMALL = 160
_LARGE = 640
_PICTURE = "image/jpeg"
_SCRIPT_LETTERS = 200_000


@dataclass(frozen=True)
class Wanted:
    """A content that the report will show.

    Attributes:
        index: The number of the sample, which names the files.
        id: What the content is read by.
        folder: Where the files go; links are relative to its parent.
        is_zoomed: Whether a larger file of a picture is wanted beside the small one.
        norms: What values are usual in rows of the class.
    """

    index: int
    id: str
    folder: Path
    is_zoomed: bool
    norms: ClassNorms | None = None


@dataclass(frozen=True)
class ShownContent:
    """A content as a page has it, whose files are links from the pages.

    Attributes:
        small: Of a picture: at most 160 pixels on the longer side.
        large: At most 640 pixels; None where there is none, or it would be no larger.
        is_tiny: Whether it has so few pixels that they are better drawn as squares.
        text: Of a text, its beginning.
        cells: Of a row, its values, or the first and the unusual ones of many.
        hidden: How many further values the row has.
        whole: A script with all of a text or row, and of others; None where nothing is left out.
    """

    small: str | None = None
    large: str | None = None
    is_tiny: bool = False
    text: str | None = None
    cells: tuple[ShownCell, ...] | None = None
    hidden: int = 0
    whole: str | None = None


NOTHING = ShownContent()
"""What is shown of a content that cannot be read."""


def write_contents(
    contents: SampleContents,
    wanted: Sequence[Wanted],
    *,
    on_written: Callable[[int], None],
) -> dict[int, ShownContent]:
    """Write what is wanted of contents, a few at a time, each stored piece read once.

    Args:
        contents: Where they come from.
        wanted: Which; none twice.
        on_written: Told of the number of contents after every block.

    Returns:
        What is shown, by index; unreadable contents are missing.
    """
    written: dict[int, ShownContent] = {}
    whole: dict[Path, _WholeContents] = {}
    for block in _read(contents, wanted):
        for sample, content in block:
            if sample.folder not in whole:
                whole[sample.folder] = _WholeContents(sample.folder)
            shown = _write_words(sample, content, whole[sample.folder])
            if shown is not None:
                written[sample.index] = shown
        written |= _write_pictures([pair for pair in block if pair[0].index not in written])
        on_written(len(block))
    for one in whole.values():
        one.write()
    return written


class _WholeContents:
    """Scripts with all of the texts and rows of which a card leaves something out.

    Neighbors share one, until it is so large that loading it would be felt.

    Args:
        folder: Where they go; links are relative to its parent.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._number = 0
        self._records: list[str] = []
        self._letters = 0

    def add(self, index: int, whole: Excerpt | None) -> str:
        """Keep a content for the script at hand; gives the script's link."""
        self._records.append(whole_record(index, whole))
        self._letters += len(self._records[-1])
        link = self._link
        if self._letters > _SCRIPT_LETTERS:
            self.write()
        return link

    def write(self) -> None:
        """Write the script at hand, if anything is in it, and begin the next."""
        if self._records:
            script = whole_script(self._link, self._records)
            (self._folder.parent / self._link).write_text(script, encoding="utf-8")
        self._records, self._letters = [], 0
        self._number += 1

    @property
    def _link(self) -> str:
        return f"{self._folder.name}/whole_{self._number}.js"


def _read(contents: SampleContents, wanted: Sequence[Wanted]) -> Iterator[list[_Read]]:
    """What was wanted with its contents, in blocks, in the order that suits the storage."""
    block: list[_Read] = []
    for found in _swept(contents, [sample.id for sample in wanted]):
        for place, content in zip(found.places, found.contents, strict=True):
            block.append((wanted[place], content))
            if len(block) == _BLOCK:
                yield block
                block = []
    if block:
        yield block


def _swept(contents: SampleContents, ids: Sequence[str]) -> Iterator[Found]:
    if isinstance(contents, SweptContents):
        yield from contents.sweep(ids)
        return
    for start in range(0, len(ids), _BLOCK):
        some = ids[start : start + _BLOCK]
        yield Found(range(start, start + len(some)), contents.read(some))


def _write_words(
    sample: Wanted, content: Content | UnreadableContentError, whole: _WholeContents
) -> ShownContent | None:
    """What is shown of a text or a row; None of anything else."""
    excerpt, all_of_it = excerpt_and_whole(content, sample.norms)
    if excerpt is None:
        return None
    link = None if excerpt.is_whole else whole.add(sample.index, all_of_it)
    return ShownContent(text=excerpt.text, cells=excerpt.cells, hidden=excerpt.hidden, whole=link)


def _write_pictures(pictures: Sequence[_Read]) -> dict[int, ShownContent]:
    sizes = [(_SMALL, _LARGE) if sample.is_zoomed else (_SMALL,) for sample, _ in pictures]
    made = views_of([content for _, content in pictures], sizes)
    return {
        sample.index: _write_picture(sample, views)
        for (sample, _), views in zip(pictures, made, strict=True)
        if views and views[0].media_type == _PICTURE
    }


def _write_picture(sample: Wanted, views: Sequence[View]) -> ShownContent:
    folder = sample.folder
    small = f"{sample.index}.jpg"
    (folder / small).write_bytes(views[0].data)
    large = None
    if len(views) > 1 and max(views[1].size) > _SMALL:
        large = f"{sample.index}_large.jpg"
        (folder / large).write_bytes(views[1].data)
    return ShownContent(
        small=f"{folder.name}/{small}",
        large=large and f"{folder.name}/{large}",
        is_tiny=views[0].is_tiny,
    )
