"""Applying a plan to the data of a run, finishing one that was stopped, and undoing the last."""

from __future__ import annotations

import shlex
import shutil
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from dataparams.applying.file_moves import (
    folders_to_make,
    moves_from,
    perform,
    remove_made,
    require_known_state,
)
from dataparams.applying.journal import Step, begin_step, last_step, only_one
from dataparams.applying.planning import PLANNED, plan
from dataparams.applying.table_files import (
    replace_files,
    require_restorable,
    restore_files,
    stage,
    staged_file,
)
from dataparams.cleaning.changes import CHANGES, changes_csv, changes_of_run
from dataparams.contents.content import UnreadableContentError
from dataparams.contents.images import EncodedImage
from dataparams.errors import RunError
from dataparams.run.safe_files import write_whole
from dataparams.run.source import is_of_label_file
from dataparams.sources.columns import WantedColumns
from dataparams.sources.identity import named

if TYPE_CHECKING:
    from dataparams.applying.file_moves import Move
    from dataparams.applying.planning import Plan
    from dataparams.run.folder import RunFolder

Done = Literal["applied", "finished", "undone"]


@dataclass(frozen=True)
class Applied:
    """What became of a call.

    Attributes:
        done: Whether changes were applied, were finished after a stop, or undone.
        count: How many samples that concerns.
        place: Where the data lie.
        journal: The folder of the journal that tells of it.
        data: The data in the words of a command.
    """

    done: Done
    count: int
    place: Path
    journal: Path
    data: str


def apply_plan(planned: Plan) -> Applied:
    """Change the data of a run as planned; the journal is written first.

    Args:
        planned: What is to be changed, some samples at least.

    Raises:
        RunError: If another apply is at it, something changed since the plan was made, or a file
            cannot be written. What was changed by then is in the journal: the same call goes on.
        DataError: If labels cannot be changed where they are; nothing was changed.
    """
    run, place = planned.run, planned.place
    with only_one(run, str(place)):
        _require_nothing_open(run)
        again = plan(run, planned.origin, str(place))
        if not again.samples.equals(planned.samples):
            raise RunError(
                f"The decisions or the data of {run.path} changed while this was being prepared; "
                "nothing was changed. Give the same command again."
            )
        step = _begin_tables(again) if again.edits else _begin_moves(again)
        return _finished(run, step, place, "applied")


def finish(run: RunFolder, data: str | None = None) -> Applied | None:
    """Finish what a call that was stopped had begun: to apply or to undo.

    Args:
        run: The run folder.
        data: Where the data lie now; None for where they lay.

    Returns:
        What was done; None where no call was stopped.

    Raises:
        RunError: As of :func:`apply_plan`.
    """
    step = last_step(run)
    if step is None or step.status == "applied":
        return None
    place = _place_of(step, data)
    with only_one(run, str(place)):
        step = last_step(run)
        if step is None or step.status == "applied":
            return None
        if step.status == "undoing":
            return _undone(run, step, place)
        return _finished(run, step, place, "finished")


def undo(run: RunFolder, data: str | None = None) -> Applied:
    """Put the data back as they were before the last call, whether that was finished or stopped.

    Args:
        run: The run folder.
        data: Where the data lie now; None for where they lay.

    Raises:
        RunError: If nothing was applied, or the data were changed since; then nothing is undone.
    """
    step = last_step(run)
    if step is None:
        raise RunError(f"Nothing was applied from {run.path}, so there is nothing to undo.")
    place = _place_of(step, data)
    with only_one(run, str(place)):
        step = last_step(run)
        if step is None:
            raise RunError(f"Nothing is left to undo of {run.path}.")
        return _undone(run, step, place)


def _require_nothing_open(run: RunFolder) -> None:
    step = last_step(run)
    if step is not None and step.status != "applied":
        raise RunError(f"Another call for {run.path} was stopped in between; give it once more.")


def _place_of(step: Step, data: str | None) -> Path:
    place = Path(step.known["place"] if data is None else data).expanduser()
    if not place.exists():
        raise RunError(
            f"{place} is not there, so what was changed in it cannot be finished or undone. If the "
            "data have moved, say where they are: `data=PATH`."
        )
    return place.resolve()


# --- beginning -----------------------------------------------------------------------------------


def _known(planned: Plan, **further: object) -> dict[str, Any]:
    return {
        "made_at": datetime.now(timezone.utc).isoformat(timespec="milliseconds"),
        "place": str(planned.place),
        "origin": planned.origin,
        "count": len(planned),
        **further,
    }


def _begin_moves(planned: Plan) -> Step:
    links = {
        move.before: [move.old_link, move.new_link]
        for move in planned.moves
        if move.new_link is not None
    }
    known = _known(
        planned,
        kind="files",
        folders=folders_to_make(planned.moves, planned.place),
        links=links,
    )
    return begin_step(planned.run, known, planned.samples, planned.changes, {})


def _begin_tables(planned: Plan) -> Step:
    staged: list[Path] = []
    files, kept = [], {}
    try:
        for number, edit in enumerate(planned.edits):
            name = f"{number:04}{''.join(edit.path.suffixes[-2:])}"
            staged.append(staged_file(edit.path))
            files.append({"file": _below(planned, edit.path), "kept": name, **stage(edit)})
            kept[name] = edit.path
        known = _known(planned, kind="tables", files=files, columns=list(planned.columns))
        return begin_step(planned.run, known, planned.samples, planned.changes, kept)
    except BaseException:
        for file in staged:
            file.unlink(missing_ok=True)
        raise


def _below(planned: Plan, path: Path) -> str:
    """A file's path below the data, so that both may move; a link may lead elsewhere."""
    is_below = path.is_relative_to(planned.place)
    return path.relative_to(planned.place).as_posix() if is_below else str(path)


# --- finishing and undoing -----------------------------------------------------------------------


def _finished(run: RunFolder, step: Step, place: Path, done: Done) -> Applied:
    if step.known["kind"] == "files":
        perform(_moves_of(step), place)
    else:
        replace_files(step.known["files"], _paths_of(step, place))
    # Before the step is done: a kill in between is finished by the next call.
    write_whole(run.path / CHANGES, changes_csv(changes_of_run(run, step.known["origin"])))
    (run.path / PLANNED).unlink(missing_ok=True)
    step.with_status("applied")
    return Applied(done, step.known["count"], place, step.path, _data_words(run, place))


def _undone(run: RunFolder, step: Step, place: Path) -> Applied:
    if step.known["kind"] == "files":
        moves = _moves_of(step)
        back = [move.reversed() for move in reversed(moves)]
        require_known_state(back, place)
        _require_same_contents(step, moves, place)
        step = step.with_status("undoing")
        perform(back, place)
        remove_made(step.known["folders"], place)
    else:
        paths = _paths_of(step, place)
        kept = [step.path / "kept" / known["kept"] for known in step.known["files"]]
        require_restorable(step.known["files"], paths, kept)
        step = step.with_status("undoing")
        restore_files(step.known["files"], paths, kept)
    step = step.with_status("undone")
    shutil.rmtree(step.path / "kept", ignore_errors=True)
    return Applied("undone", step.known["count"], place, step.path, _data_words(run, place))


def _data_words(run: RunFolder, place: Path) -> str:
    """The data as ``dataparams audit`` takes them."""
    description = run.description()
    given = description.get("config", {})
    columns = WantedColumns(
        given.get("image_column"),
        given.get("text_column"),
        given.get("label_column"),
        given.get("row_columns") or (),
    ).flags()
    quoted = shlex.quote(str(place))
    if not is_of_label_file(description):
        return f"{quoted}{columns}"
    features = description["audit"]["encoder"].get("features", "FILE")
    return f"--features {shlex.quote(features)} --labels {quoted}{columns}"


def _moves_of(step: Step) -> list[Move]:
    return moves_from(step.samples().iter_rows(named=True), step.known.get("links", {}))


def _paths_of(step: Step, place: Path) -> list[Path]:
    return [(place / known["file"]).resolve() for known in step.known["files"]]


def _require_same_contents(step: Step, moves: list[Move], place: Path) -> None:
    """Raise RunError if a file that is to go back was changed, or is neither here nor there."""
    contents = step.samples()["content"] if "content" in step.samples().columns else None
    changed = []
    for move, content in zip(moves, contents if contents is not None else [], strict=False):
        source, target = move.source(place), move.target(place)
        now = _digest_at(target) or _digest_at(source)
        if content is not None and now is not None and now != content:
            changed.append(move.after)
    if changed:
        raise RunError(
            f"{len(changed):,} files in {place} were changed since they were moved "
            f"({named(changed)}), so putting them back would not bring back what was. Nothing was "
            "undone. Put those files back as they were first."
        )


def _digest_at(file: Path) -> str | None:
    try:
        return EncodedImage(None, str(file)).digest()
    except UnreadableContentError:
        return None
