"""The beginnings of what samples hold, beside their ids where a terminal lists some."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from dataparams.contents.rows import Row
from dataparams.contents.texts import Text
from dataparams.errors import DataError, RunError
from dataparams.run.source import ContentsOfRun
from dataparams.terminal.excerpts import LETTERS, excerpt_line

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from dataparams.contents.content import Content, UnreadableContentError
    from dataparams.contents.rows import Cell
    from dataparams.run.folder import RunFolder

    ExcerptsOf: TypeAlias = Callable[[Sequence[str]], list[str]]
    """What gives a line for each of some ids."""


def excerpts_of_run(
    run: RunFolder, data: str | None = None, on_notice: Callable[[str], None] | None = None
) -> ExcerptsOf | None:
    """What gives the beginnings of a run's texts or rows, as lines of a terminal, by ids.

    Args:
        run: The run folder.
        data: Where the data lie now; None for where they lay.
        on_notice: Called with a sentence where the data cannot be read; there are no excerpts then.

    Returns:
        None where samples are images, or nothing was kept of them.
    """
    if run.content_kind() not in ("text", "row"):
        return None

    def excerpts_of(ids: Sequence[str]) -> list[str]:
        try:
            return list(map(excerpt_of, ContentsOfRun(run, data).read(ids)))
        except (DataError, RunError) as error:
            if on_notice is not None:
                on_notice(f"Nothing is shown of the samples themselves. {error}")
            return [""] * len(ids)

    return excerpts_of


def excerpt_of(content: Content | UnreadableContentError, letters: int = LETTERS) -> str:
    """The beginning of a text or row on one line; of a picture nothing.

    Args:
        content: What a sample holds, or why it cannot be read.
        letters: How many letters are shown.

    Example:
        >>> excerpt_of(Text("Where is my card?")), excerpt_of(Row(("carat", "cut"), (0.23, None)))
        ('Where is my card?', 'carat=0.23, cut=')
    """
    if isinstance(content, Text):
        return excerpt_line(content.text, letters)
    if isinstance(content, Row):
        cells = (f"{name}={_word(cell)[:letters]}" for name, cell in content.items())
        return excerpt_line(", ".join(cells), letters)
    return ""


def _word(cell: Cell) -> str:
    return "" if cell is None else str(cell)
