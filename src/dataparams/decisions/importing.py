"""People's decisions from files, all or none: CSV, and what Label Studio exports."""

from __future__ import annotations

import csv
import io
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Literal, NamedTuple
from uuid import uuid4

import polars as pl

from dataparams.analysis.class_names import class_number
from dataparams.decisions.label_studio_annotations import SAMPLE_INDEX, read_label_studio
from dataparams.decisions.store import ACTIONS, Decision, DecisionStore
from dataparams.errors import DataError, UserError
from dataparams.run.spreadsheet_cells import unguarded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from dataparams.decisions.store import Action
    from dataparams.run.folder import RunFolder

_SHOWN_PROBLEMS = 20
_LABEL_COLUMNS = ("new_label_name", "new_label", "label")
_DELIMITERS = ",;\t"
_EXPECTED = {"line": "a line for each", "task": "tasks that people annotated"}
_DIGITS = 19
_BEGINNING = 64


@dataclass(frozen=True)
class ImportResult:
    """What an import did.

    Attributes:
        added: Decisions that were written.
        unchanged: Decisions that were in force already.
        same_label: Lines that relabel a sample as what it is; they count as ``keep``.
        replaced: Annotations that do not count, as the same annotator decided again later.
    """

    added: int
    unchanged: int
    same_label: int
    replaced: int


class _Row(NamedTuple):
    place: int
    annotator: str
    decision: Decision


@dataclass
class _Found:
    """What a file says: its rows, and a problem for each that is not as it must be."""

    unit: Literal["line", "task"]
    rows: list[_Row] = field(default_factory=list)
    problems: list[tuple[int, str]] = field(default_factory=list)
    replaced: int = 0

    def add(self, place: int, read: Callable[[], tuple[str, Decision]]) -> None:
        """Add what is read at a place, or why it cannot be."""
        try:
            self.rows.append(_Row(place, *read()))
        except UserError as error:
            self.complain(place, str(error))

    def complain(self, place: int, words: str) -> None:
        """Add a problem."""
        self.problems.append((place, f"{self.unit} {place}: {words}"))


def import_decisions(
    run: RunFolder, file: Path, *, annotator: str | None = None, overwrite: bool = False
) -> ImportResult:
    """Take over decisions from a file, all or none.

    CSV has a line of names and in any order the columns ``index`` or ``id`` (or both, which must
    then agree), ``action``, ``new_label_name`` or ``new_label`` or ``label`` (name or number; empty
    for discard and skip, and perhaps for keep), and perhaps ``annotator``. Others are not looked
    at. Commas, semicolons and tabs may separate columns.

    JSON is what Label Studio exports of tasks that ``dataparams export --to label-studio`` wrote
    (JSON, or JSON-MIN, which does not tell of skipped tasks): who chose the given label keeps it,
    who chose another relabels, and who skipped a task skips. Of several annotations of one person
    on a sample the last change counts.

    ``made_at`` of a decision stays the time at which it was written, also where the file knows when
    it was made: the history tells in which order things came to count here.

    Args:
        run: The run folder.
        file: The file; JSON where it is named so or begins like it.
        annotator: Who decided, where the file does not say it.
        overwrite: Whether a decision in the file counts instead of another one that the same
            annotator has in force; the history keeps both. Otherwise that is a conflict.

    Returns:
        What was done. Decisions that are in force already are not written again.

    Raises:
        DataError: If the file cannot be read, or any of it is not as it must be; the message names
            the lines, or the tasks by Label Studio's numbers. Nothing is written then.
        RunError: If the decisions cannot be written.
    """
    samples = _Samples(run)
    read = _read_label_studio if _is_json(file) else _read_csv
    found = read(file, samples, annotator)
    if not found.rows and not found.problems:
        raise DataError(f"{file} has no decisions; expected {_EXPECTED[found.unit]}.")
    store = DecisionStore(run.review) if run.review.exists() else None
    in_force = {} if store is None else _in_force(store)
    _find_conflicts(found, in_force, overwrite=overwrite)
    _require_no_problems(file, found.problems)
    mended = [(row, _mended(row.decision, samples.given)) for row in found.rows]
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
    return ImportResult(added, len(found.rows) - added, same_label, found.replaced)


def _is_json(file: Path) -> bool:
    if file.suffix.lower() == ".json":
        return True
    # A file that cannot be opened is told of where it is read.
    with suppress(OSError), file.open("rb") as stream:
        return stream.read(_BEGINNING).lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"[", b"{"))
    return False


def _in_force(store: DecisionStore) -> dict[tuple[int, str], Decision]:
    rows = store.in_force().select("index", "annotator", "action", "label").iter_rows()
    return {(index, who): Decision(index, action, label) for index, who, action, label in rows}


def _mended(decision: Decision, given: Mapping[int, int]) -> Decision:
    """Who relabels a sample as what it is keeps it."""
    if decision.action == "relabel" and decision.label == given[decision.index]:
        return replace(decision, action="keep")
    return decision


def _require_no_problems(file: Path, problems: Sequence[tuple[int, str]]) -> None:
    if not problems:
        return
    shown = "\n  ".join(text for _, text in sorted(problems)[:_SHOWN_PROBLEMS])
    rest = len(problems) - _SHOWN_PROBLEMS
    more = f"\n  ... and {rest} more" if rest > 0 else ""
    raise DataError(
        f"{file} is not imported, nothing is changed; {len(problems)} problems:\n  {shown}{more}"
    )


class _Samples:
    """The samples and classes of a run, as files name them."""

    def __init__(self, run: RunFolder) -> None:
        samples = run.samples()
        self.class_names = run.class_names()
        self.given: dict[int, int] = dict(samples.select("index", "label").iter_rows())
        self._ids: dict[int, str] = dict(samples.select("index", "id").iter_rows())
        self._indices = {name: index for index, name in self._ids.items()}

    def index_of(self, number: str, name: str) -> int:
        """The index of the sample of a number, or of an id, or of both.

        Raises:
            UserError: If there is no such sample, or the two are not of the same.
        """
        if not number and not name:
            raise UserError("it has neither index nor id")
        by_name = self._indices.get(name)
        if name and by_name is None:
            raise UserError(f"there is no sample of id {name!r}")
        if not number:
            return int(by_name or 0)
        is_number = number.isascii() and number.isdigit() and len(number) < _DIGITS
        if not is_number or int(number) not in self._ids:
            raise UserError(f"there is no sample of index {number!r}")
        if name and by_name != int(number):
            raise UserError(f"index {number} is {self._ids[int(number)]!r}, but the id is {name!r}")
        return int(number)


def _named(annotator: str | None) -> str:
    if annotator is None or not annotator.strip() or "\0" in annotator:
        raise UserError("it does not say who decided; give `annotator=NAME`")
    return annotator


# --- Label Studio --------------------------------------------------------------------------------


def _read_label_studio(file: Path, samples: _Samples, annotator: str | None) -> _Found:
    annotations = read_label_studio(file).with_columns(
        pl.col("annotator").fill_null(pl.lit(annotator))
    )
    # JSON-MIN has the newest annotation of a task first, JSON the oldest.
    counting = annotations.sort("time", maintain_order=True).unique(
        ["index", "id", "annotator"], keep="last", maintain_order=True
    )
    found = _Found("task", replaced=len(annotations) - len(counting))
    for task, *annotation in counting.drop("time").iter_rows():
        found.add(task, partial(_annotated, samples, *annotation))
    return found


def _annotated(
    samples: _Samples, number: int, name: str, label: str | None, annotator: str | None
) -> tuple[str, Decision]:
    """Who decided what, by an annotation: a class of this name is right, or None for skipped."""
    index = samples.index_of(str(number), name)
    who = _named(annotator)
    if label is None:
        return who, Decision(index, "skip")
    # People chose among names, so what looks like the number of a class is none.
    if label not in samples.class_names:
        raise UserError(f"the run has no class {label!r}")
    chosen = samples.class_names.index(label)
    action: Action = "keep" if chosen == samples.given[index] else "relabel"
    return who, Decision(index, action, chosen)


# --- CSV -----------------------------------------------------------------------------------------


def _read_csv(file: Path, samples: _Samples, annotator: str | None) -> _Found:
    found = _Found("line")
    for line, cells in _cells(file):
        if any(cells.values()):
            found.add(line, partial(_decided, samples, cells, annotator))
    return found


def _decided(
    samples: _Samples, cells: Mapping[str, str], annotator: str | None
) -> tuple[str, Decision]:
    """Who decided what, by the cells of a line."""
    index = samples.index_of(cells.get("index", ""), unguarded(cells.get("id", "")))
    decision = _decision(samples, index, cells)
    return _named(unguarded(cells.get("annotator", "")) or annotator), decision


def _decision(samples: _Samples, index: int, cells: Mapping[str, str]) -> Decision:
    word = cells.get("action", "").lower()  # spreadsheets begin cells with a capital
    action = next((action for action in ACTIONS if action == word), None)
    if action is None:
        raise UserError(
            f"the action is {cells.get('action', '')!r}; expected one of {', '.join(ACTIONS)}"
        )
    names, given = samples.class_names, samples.given[index]
    word = unguarded(next((cells[name] for name in _LABEL_COLUMNS if cells.get(name)), ""))
    if action in ("discard", "skip"):
        if word:
            raise UserError(f"there is a new label, {word!r}, for {action}; expected none")
        return Decision(index, action)
    label = class_number(word, names) if word else None
    if action == "keep" and label not in (None, given):
        raise UserError(
            f"{word!r} is to be kept, but the label given is {names[given]!r}; expected that, or "
            "relabel"
        )
    if action == "keep":
        return Decision(index, action, given)
    if label is None:
        raise UserError("there is no new label for relabel; expected a name or a number")
    return Decision(index, action, label)


def _cells(file: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """The lines of a CSV file, each with its number and its cells by column."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise DataError(f"{file} cannot be read: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        raise DataError(
            f"{file} is not in UTF-8 ({error.reason} at byte {error.start}). In a spreadsheet, "
            "save it as 'CSV UTF-8'."
        ) from error
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
    if SAMPLE_INDEX in names and "action" not in names:
        raise DataError(
            f"{file} is Label Studio's CSV, which does not tell all; export JSON or JSON-MIN."
        )
    if not {"index", "id"} & set(names) or "action" not in names:
        raise DataError(
            f"{file} has the columns {', '.join(names) or '(none)'}; expected index or id, action, "
            "new_label_name, and perhaps annotator."
        )
    if len(set(names)) < len(names):
        raise DataError(f"{file} has two columns of one name; expected one of each.")


# --- conflicts -----------------------------------------------------------------------------------


def _find_conflicts(
    found: _Found, in_force: Mapping[tuple[int, str], Decision], *, overwrite: bool
) -> None:
    """Complain where a row contradicts an earlier one, or what its annotator decided already."""
    first: dict[tuple[int, str], _Row] = {}
    for row in found.rows:
        key = (row.decision.index, row.annotator)
        earlier, before = first.setdefault(key, row), in_force.get(key)
        about = f"{row.annotator} decide{{}} about index {key[0]} otherwise"
        if earlier.decision != row.decision:
            words = f"{about.format('s')} in {found.unit} {earlier.place}"
            found.complain(row.place, words)
        elif before is not None and not overwrite and _differs(before, row.decision):
            words = f"{about.format('d')} already ({before.action})"
            found.complain(row.place, f"{words}; `overwrite=True` replaces it")


def _differs(first: Decision, second: Decision) -> bool:
    """Whether other things become of a sample; to keep a label and to choose it is the same."""
    is_skipped = [decision.action == "skip" for decision in (first, second)]
    return first.label != second.label or is_skipped[0] != is_skipped[1]
