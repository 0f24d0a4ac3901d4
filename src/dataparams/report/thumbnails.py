"""The pictures of the report: small files, written block by block."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dataparams.contents.images import views_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from dataparams.analysis.result import SampleContents
    from dataparams.contents.content import View

_BLOCK = 64
"""Contents in memory at a time."""
_SMALL = 160
_LARGE = 640
_PICTURE = "image/jpeg"


@dataclass(frozen=True)
class Wanted:
    """A picture that the report will show.

    Attributes:
        index: The number of the sample, which names the files.
        id: What the picture is read by.
        is_zoomed: Whether a larger file is wanted beside the small one.
    """

    index: int
    id: str
    is_zoomed: bool


@dataclass(frozen=True)
class Thumbnail:
    """The files of a picture, as links from the pages.

    Attributes:
        small: At most 160 pixels on the longer side.
        large: At most 640 pixels; None where there is none, or it would be no larger.
        is_tiny: Whether it has so few pixels that they are better drawn as squares.
    """

    small: str
    large: str | None
    is_tiny: bool


def write_thumbnails(
    contents: SampleContents,
    wanted: Sequence[Wanted],
    folder: Path,
    *,
    on_written: Callable[[int], None],
) -> dict[int, Thumbnail]:
    """Write the pictures that are wanted, reading a few at a time.

    Args:
        contents: Where they come from.
        wanted: Which; none twice.
        folder: Where the files go; links are relative to its parent.
        on_written: Told of the number of pictures after every block.

    Returns:
        What was written, by index; unreadable pictures are missing.
    """
    written: dict[int, Thumbnail] = {}
    for start in range(0, len(wanted), _BLOCK):
        block = wanted[start : start + _BLOCK]
        sizes = [(_SMALL, _LARGE) if sample.is_zoomed else (_SMALL,) for sample in block]
        made = views_of(contents.read([sample.id for sample in block]), sizes)
        for sample, views in zip(block, made, strict=True):
            if views and views[0].media_type == _PICTURE:
                written[sample.index] = _write(sample, views, folder)
        on_written(len(block))
    return written


def _write(sample: Wanted, views: Sequence[View], folder: Path) -> Thumbnail:
    small = f"{sample.index}.jpg"
    (folder / small).write_bytes(views[0].data)
    large = None
    if len(views) > 1 and max(views[1].size) > _SMALL:
        large = f"{sample.index}_large.jpg"
        (folder / large).write_bytes(views[1].data)
    return Thumbnail(
        small=f"{folder.name}/{small}",
        large=large and f"{folder.name}/{large}",
        is_tiny=views[0].is_tiny,
    )
