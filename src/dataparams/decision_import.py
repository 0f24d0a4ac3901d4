"""People's decisions from CSV files, all or none."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple
from uuid import uuid4

from dataparams.class_names import class_number
from dataparams.decisions import ACTIONS, Decision, DecisionStore
from dataparams.errors import DataError, UserError
from dataparams.spreadsheet_cells import unguarded

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from dataparams.runs import RunFolder

_SHOWN_PROBLEMS = 20
_LABEL_COLUMNS = ("new_label_name", "new_label", "label")
_DELIMITERS = ",;\t"


@dataclass(frozen=True)
class ImportResult:
    """What an import did.

    Attributes:
        added: Decisions that were written.
        unchanged: Decisions that were in force already.
        same_label: Rows that relabel a sample as what it is; they count as ``keep``.
    """

    added: int
    unchanged: int
    same_label: int


class _Row(NamedTuple):
    line: int
    annotator: str
    decision: Decision


def import_decisions(
    run: RunFolder, file: Path, *, annotator: str | None = None, overwrite: bool = False
) -> ImportResult:
    """Take over decisions from a CSV file, all or none.

    The file has a row of names and in any order the columns ``index`` or ``id`` (or both, which
    must then agree), ``action``, ``new_label_name`` or ``new_label`` or ``label`` (name or number;
    empty for discard and skip, and perhaps for keep), and perhaps ``annotator``. Others are not
    looked at. Commas, semicolons and tabs may separate columns.

    Args:
        run: The run folder.
        file: The file.
        annotator: Who decided, in rows that do not say it.
        overwrite: Whether a decision in the file counts instead of another one that the same
            annotator has in force; the history keeps both. Otherwise that is a conflict.

    Returns:
        What was done. Decisions that are in force already are not written again.

    Raises:
        DataError: If the file cannot be read, or any row is not as it must be; the message names
            the lines. Nothing is written then.
        RunError: If the decisions cannot be written.
    """
    rows, problems = _read_rows(run, file, annotator)
    store = DecisionStore(run.review) if run.review.exists() else None
    in_force = {} if store is None else _in_force(store)
    problems += _conflicts(rows, in_force, overwrite=overwrite)
    if problems:
        shown = "\n  ".join(text for _, text in sorted(problems)[:_SHOWN_PROBLEMS])
        rest = len(problems) - _SHOWN_PROBLEMS
        more = f"\n  ... and {rest} more" if rest > 0 else ""
        raise DataError(
            f"{file} is not imported, nothing is changed; {len(problems)} problems:\n  "
            f"{shown}{more}"
        )
    given = _given_labels(run)
    mended = [(row, _mended(row.decision, given)) for row in rows]
    new: dict[str, dict[int, Decision]] = {}
    for row, decision in mended:
        if in_force.get((decision.index, row.annotator)) != decision:
            new.setdefault(row.annotator, {})[decision.index] = decision
    added = 0
    if new:
        store = store or DecisionStore(run.review)
        added = store.record_all(
            [(f"import-{uuid4().hex}", who, list(what.values())) for who, what in new.items()]
        )
    if store is not None:
        store.close()
    same_label = sum(row.decision != decision for row, decision in mended)
    return ImportResult(added, len(rows) - added, same_label)


def _in_force(store: DecisionStore) -> dict[tuple[int, str], Decision]:
    rows = store.in_force().select("index", "annotator", "action", "label").iter_rows()
    return {(index, who): Decision(index, action, label) for index, who, action, label in rows}


def _given_labels(run: RunFolder) -> dict[int, int]:
    return dict(run.samples().select("index", "label").iter_rows())


def _mended(decision: Decision, given: Mapping[int, int]) -> Decision:
    """Who relabels a sample as what it is keeps it."""
    if decision.action == "relabel" and decision.label == given[decision.index]:
        return replace(decision, action="keep")
    return decision


def _read_rows(
    run: RunFolder, file: Path, annotator: str | None
) -> tuple[list[_Row], list[tuple[int, str]]]:
    """The rows of a file that are as they must be, and a problem for each other line."""
    reader = _Reader(run, annotator)
    rows: list[_Row] = []
    problems: list[tuple[int, str]] = []
    for line, cells in _cells(file):
        if not any(cells.values()):
            continue
        found = reader.read(line, cells)
        if isinstance(found, str):
            problems.append((line, f"line {line}: {found}"))
        else:
            rows.append(found)
    if not rows and not problems:
        raise DataError(f"{file} has no decisions; expected a row for each.")
    return rows, problems


def _cells(file: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """The lines of a CSV file, each with its number and its cells by column."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{file} cannot be read: {error}. Expected CSV in UTF-8.") from error
    first = text.partition("\n")[0]
    delimiter = max(_DELIMITERS, key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        names = [name.strip().lower() for name in next(reader, [])]
        _require_columns(file, names)
        for cells in reader:
            if len(cells) > len(names):
                raise DataError(
                    f"Line {reader.line_num} of {file} has {len(cells)} cells; expected "
                    f"{len(names)}, as in its first line."
                )
            yield reader.line_num, dict(zip(names, map(str.strip, cells), strict=False))
    except csv.Error as error:
        raise DataError(f"Line {reader.line_num} of {file} is no CSV: {error}.") from error


def _require_columns(file: Path, names: Sequence[str]) -> None:
    if not {"index", "id"} & set(names) or "action" not in names:
        raise DataError(
            f"{file} has the columns {', '.join(names) or '(none)'}; expected index or id, action, "
            "new_label_name, and perhaps annotator."
        )
    if len(set(names)) < len(names):
        raise DataError(f"{file} has two columns of one name; expected one of each.")


class _Reader:
    """Turns the cells of a line into a decision, or says what is wrong with them."""

    def __init__(self, run: RunFolder, annotator: str | None) -> None:
        samples = run.samples()
        self._names = run.class_names()
        self._annotator = annotator
        self._given = _given_labels(run)
        self._ids = dict(samples.select("index", "id").iter_rows())
        self._indices = {name: index for index, name in self._ids.items()}

    def read(self, line: int, cells: Mapping[str, str]) -> _Row | str:
        try:
            index = self._index(cells)
            decision = self._decision(index, cells)
        except UserError as error:
            return str(error)
        annotator = unguarded(cells.get("annotator", "")) or self._annotator or ""
        if not annotator.strip() or "\0" in annotator:
            return "it does not say who decided; give --annotator NAME"
        return _Row(line, annotator, decision)

    def _index(self, cells: Mapping[str, str]) -> int:
        number, name = cells.get("index", ""), unguarded(cells.get("id", ""))
        if not number and not name:
            raise UserError("it has neither index nor id")
        by_name = self._indices.get(name)
        if name and by_name is None:
            raise UserError(f"there is no sample of id {name!r}")
        if not number:
            return int(by_name or 0)
        is_number = number.isascii() and number.isdigit() and len(number) < 19
        if not is_number or int(number) not in self._ids:
            raise UserError(f"there is no sample of index {number!r}")
        if name and by_name != int(number):
            raise UserError(f"index {number} is {self._ids[int(number)]!r}, but the id is {name!r}")
        return int(number)

    def _decision(self, index: int, cells: Mapping[str, str]) -> Decision:
        action = next((action for action in ACTIONS if action == cells.get("action")), None)
        if action is None:
            raise UserError(
                f"the action is {cells.get('action', '')!r}; expected one of {', '.join(ACTIONS)}"
            )
        word = unguarded(next((cells[name] for name in _LABEL_COLUMNS if cells.get(name)), ""))
        if action in ("discard", "skip"):
            if word:
                raise UserError(f"there is a new label, {word!r}, for {action}; expected none")
            return Decision(index, action)
        label = class_number(word, self._names) if word else None
        if action == "keep" and label not in (None, self._given[index]):
            raise UserError(
                f"{word!r} is to be kept, but the label given is "
                f"{self._names[self._given[index]]!r}; expected that, or relabel"
            )
        if action == "keep":
            return Decision(index, action, self._given[index])
        if label is None:
            raise UserError("there is no new label for relabel; expected a name or a number")
        return Decision(index, action, label)


def _conflicts(
    rows: Sequence[_Row], in_force: Mapping[tuple[int, str], Decision], *, overwrite: bool
) -> list[tuple[int, str]]:
    """Lines that contradict an earlier one, or what their annotator decided already."""
    problems = []
    first: dict[tuple[int, str], _Row] = {}
    for row in rows:
        key = (row.decision.index, row.annotator)
        earlier, before = first.setdefault(key, row), in_force.get(key)
        if earlier.decision != row.decision:
            words = f"{row.annotator} decides about index {key[0]} otherwise in line {earlier.line}"
            problems.append((row.line, f"line {row.line}: {words}"))
        elif before is not None and not overwrite and _differs(before, row.decision):
            words = (
                f"{row.annotator} decided about index {key[0]} otherwise already "
                f"({before.action}); --overwrite lets this file count"
            )
            problems.append((row.line, f"line {row.line}: {words}"))
    return problems


def _differs(first: Decision, second: Decision) -> bool:
    """Whether other things become of a sample; to keep a label and to choose it is the same."""
    is_skipped = [decision.action == "skip" for decision in (first, second)]
    return first.label != second.label or is_skipped[0] != is_skipped[1]
