"""Choosing which columns of a table hold what is labeled, and which the labels."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, NamedTuple

from dataparams.errors import ArgumentError, DataError
from dataparams.sources.image_choice import find_image_column
from dataparams.sources.label_choice import choose_label
from dataparams.sources.row_choice import choose_row_columns
from dataparams.sources.table_columns import require_column
from dataparams.sources.text_choice import find_text_column, joined_note, require_text_columns

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dataparams.contents.content import ContentKind
    from dataparams.sources.table_columns import TableColumns


class WantedColumns(NamedTuple):
    """The columns that a user names; None, or nothing, where they are to be found.

    Attributes:
        image: The images.
        text: The texts; of several columns, with commas between their names.
        label: The labels.
        row: What belongs to a row; ``("*",)`` for all columns but the labels.
    """

    image: str | None = None
    text: str | None = None
    label: str | None = None
    row: Sequence[str] = ()

    def arguments(self) -> dict[str, object]:
        """The same by the names of arguments, of those that are given."""
        named = {
            "image_column": self.image,
            "text_column": self.text,
            "label_column": self.label,
            "row_columns": list(self.row) or None,
        }
        return {argument: given for argument, given in named.items() if given is not None}

    def flags(self) -> str:
        """The flags by which a command is given the same, a blank before each.

        Example:
            >>> WantedColumns(label="true kind", row=("x", "y")).flags()
            " --label-column 'true kind' --row-columns x y"
        """
        words = []
        for argument, given in self.arguments().items():
            names = given if isinstance(given, list) else [given]
            words += [f"--{argument.replace('_', '-')}", *map(shlex.quote, names)]
        return "".join(f" {word}" for word in words)


ANY_COLUMNS = WantedColumns()
"""No column is named."""


class ChosenContents(NamedTuple):
    """The columns of what is labeled.

    Attributes:
        kind: What a sample is.
        columns: The column of the images; those of the texts, which are joined; or those of a row.
        notes: What might have been meant instead; sentences.
    """

    kind: ContentKind
    columns: tuple[str, ...]
    notes: tuple[str, ...] = ()


class ChosenColumns(NamedTuple):
    """The chosen columns.

    Attributes:
        contents: Those of what is labeled.
        label: The labels.
        class_names: What numbers in the column of labels are called, where another column says so.
        notes: What might have been meant instead; sentences.
    """

    contents: ChosenContents
    label: str
    class_names: Mapping[int, str] | None
    notes: tuple[str, ...]

    def named(self) -> dict[str, str]:
        """Which column was taken for what, but for the columns of rows."""
        kind, columns, _ = self.contents
        named = {"label": self.label}
        return named if kind == "row" else {str(kind): ",".join(columns), **named}


def choose_columns(table: TableColumns, wanted: WantedColumns) -> ChosenColumns:
    """Choose the columns of what is labeled and of the labels; refuse to guess.

    Images come first, where there are any; then a column of texts; else a sample is a row.

    Args:
        table: The columns.
        wanted: Those that the user names.

    Raises:
        DataError: If it is not clear which columns are meant, or one that was named is not there.
        ArgumentError: If columns of several kinds of contents are named.
    """
    found = _find_contents(table, wanted)
    taken = () if found is None else found.columns
    if wanted.label is not None and wanted.label in taken:
        raise DataError(_both(found, wanted.label))
    label = choose_label(table, taken, wanted.label)
    contents = found or _texts_or_rows(table, label.column)
    if contents.kind == "row":
        row, notes = choose_row_columns(table, label.column, wanted.row)
        contents = ChosenContents("row", row, notes)
    return ChosenColumns(contents, label.column, label.class_names, (*contents.notes, *label.notes))


def choose_contents(table: TableColumns, wanted: WantedColumns) -> ChosenContents:
    """Choose the columns of what is labeled; labels are read where it cannot be told otherwise.

    Args:
        table: The columns.
        wanted: Those that the user names.

    Raises:
        DataError: As of :func:`choose_columns`.
        ArgumentError: Likewise.
    """
    found = _find_contents(table, wanted)
    if found is not None and (found.kind != "row" or "*" not in wanted.row):
        return found
    return choose_columns(table, wanted).contents


def _find_contents(table: TableColumns, wanted: WantedColumns) -> ChosenContents | None:
    """The columns that the user names, or those of images; None where labels tell."""
    given = {
        "image_column": wanted.image,
        "text_column": wanted.text,
        "row_columns": wanted.row or None,
    }
    named = [f"`{argument}`" for argument, value in given.items() if value is not None]
    if len(named) > 1:
        raise ArgumentError(
            f"{' and '.join(named)} are given; a sample is an image, a text or a row, so give one."
        )
    if wanted.row:
        for name in set(wanted.row) - {"*"}:
            require_column(table, name, "row_columns")
        return ChosenContents("row", () if "*" in wanted.row else tuple(wanted.row))
    if wanted.text is not None:
        texts = require_text_columns(table, wanted.text)
        return ChosenContents("text", texts, (joined_note(texts),) if len(texts) > 1 else ())
    image, image_notes = find_image_column(table, wanted.image)
    return None if image is None else ChosenContents("image", (image,), tuple(image_notes))


def _texts_or_rows(table: TableColumns, label: str) -> ChosenContents:
    text, notes = find_text_column(table, label)
    return ChosenContents("row", ()) if text is None else ChosenContents("text", (text,), notes)


def _both(found: ChosenContents | None, name: str) -> str:
    kind = "image" if found is None else found.kind
    if kind == "row":
        return (
            f"The column {name!r} cannot be both of a row and its label; leave it out of "
            "`row_columns`, or give `label_column=NAME`."
        )
    return (
        f"The column {name!r} cannot be both the {kind}s and the labels; give "
        f"`{kind}_column=NAME` or `label_column=NAME`."
    )
