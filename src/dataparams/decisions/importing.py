"""Importing decisions, all or none: from CSV, and from exports of Label Studio."""

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
from dataparams.decisions.class_changes import class_names_of
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
    """The counts of an import.

    Attributes:
        added: Decisions that were written.
        unchanged: Decisions that were in force already.
        same_label: Lines that relabel a sample with the label it has; they count as ``keep``.
        replaced: Annotations that a later one of the same annotator replaces.
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
    """The rows of a file, and its problems."""

    unit: Literal["line", "task"]
    rows: list[_Row] = field(default_factory=list)
    problems: list[tuple[int, str]] = field(default_factory=list)
    replaced: int = 0

    def add(self, place: int, read: Callable[[], tuple[str, Decision]]) -> None:
        """Add the decision that is read at a place, or the reason why it cannot be read."""
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
    """Import decisions from a file, all or none.

    CSV has a header and, in any order, the columns ``index`` or ``id`` (or both, which must agree),
    ``action``, ``new_label_name`` or ``new_label`` or ``label`` (name or number; empty for discard
    and skip, optional for keep), and optionally ``annotator``. Other columns are ignored. Columns
    are separated by commas, semicolons or tabs.

    JSON is Label Studio's export (JSON, or JSON-MIN, which lacks skipped tasks) of tasks that
    ``dataparams export --to label-studio`` wrote: choosing the given label means keep, choosing
    another relabel, skipping the task skip. Of several annotations by one annotator of a sample the
    last one counts.

    ``made_at`` is the time of the import, also where the file has the time of the decision: the
    history is in the order in which decisions came into force in this run.

    Args:
        run: The run folder.
        file: The file; read as JSON if it is named ``.json`` or begins like JSON.
        annotator: The annotator's name, for rows of the file that have none.
        overwrite: Whether a decision in the file replaces a different one of the same annotator
            that is in force; the history keeps both. Otherwise that is a conflict.

    Returns:
        The counts. Decisions that are in force already are not written again.

    Raises:
        DataError: If the file cannot be read or has problems; the message names the lines, or the
            tasks by Label Studio's numbers. Nothing is written then.
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
    mended = [(row, _without_same_label(row.decision, samples.given)) for row in found.rows]
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
    # Errors of opening the file are raised where it is read.
    with suppress(OSError), file.open("rb") as stream:
        return stream.read(_BEGINNING).lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"[", b"{"))
    return False


def _in_force(store: DecisionStore) -> dict[tuple[int, str], Decision]:
    rows = store.in_force().select("index", "annotator", "action", "label").iter_rows()
    return {(index, who): Decision(index, action, label) for index, who, action, label in rows}


def _without_same_label(decision: Decision, given: Mapping[int, int]) -> Decision:
    """The same decision, but ``keep`` for a relabeling to the given label."""
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
    """The samples and classes of a run, found by the names that files use."""

    def __init__(self, run: RunFolder) -> None:
        samples = run.judged_samples()
        self.class_names = class_names_of(run)
        self.given: dict[int, int] = dict(samples.select("index", "label").iter_rows())
        self._ids: dict[int, str] = dict(samples.select("index", "id").iter_rows())
        self._indices = {name: index for index, name in self._ids.items()}

    def index_of(self, number: str, name: str) -> int:
        """The index of the sample with an index, an id, or both, as written in a file.

        Raises:
            UserError: If there is no such sample, or index and id are of different ones.
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
    """The annotator and the decision of an annotation, whose label is None if it was skipped."""
    index = samples.index_of(str(number), name)
    who = _named(annotator)
    if label is None:
        return who, Decision(index, "skip")
    # Annotators choose among names, so a number here is a class's name, not its number.
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
    """The annotator and the decision of a line, by its cells."""
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
            f"{file} is Label Studio's CSV, which lacks needed columns; export JSON or JSON-MIN."
        )
    if not {"index", "id"} & set(names) or "action" not in names:
        raise DataError(
            f"{file} has the columns {', '.join(names) or '(none)'}; expected index or id, action, "
            "new_label_name, and perhaps annotator."
        )
    if len(set(names)) < len(names):
        raise DataError(f"{file} has two columns with the same name; expected each once.")


# --- conflicts -----------------------------------------------------------------------------------


def _find_conflicts(
    found: _Found, in_force: Mapping[tuple[int, str], Decision], *, overwrite: bool
) -> None:
    """Add a problem where a row contradicts an earlier row, or a decision of its annotator."""
    first: dict[tuple[int, str], _Row] = {}
    for row in found.rows:
        key = (row.decision.index, row.annotator)
        earlier, before = first.setdefault(key, row), in_force.get(key)
        about = f"{row.annotator} decide{{}} differently about index {key[0]}"
        if earlier.decision != row.decision:
            words = f"{about.format('s')} in {found.unit} {earlier.place}"
            found.complain(row.place, words)
        elif before is not None and not overwrite and _differs(before, row.decision):
            words = f"{about.format('d')} already ({before.action})"
            found.complain(row.place, f"{words}; `overwrite=True` replaces it")


def _differs(first: Decision, second: Decision) -> bool:
    """Whether the outcomes differ; to keep a label and to choose the same one are the same."""
    is_skipped = [decision.action == "skip" for decision in (first, second)]
    return first.label != second.label or is_skipped[0] != is_skipped[1]
