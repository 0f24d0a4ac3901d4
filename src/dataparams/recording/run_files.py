"""How the run folder of a recorded loop is begun, gone on with, or refused."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import numpy as np

from dataparams.errors import RunError
from dataparams.recording.settings import RecordedLoop
from dataparams.run.kept_contents import CONTENTS
from dataparams.run.versions import installed_versions
from dataparams.sources.identity import identity_of

if TYPE_CHECKING:
    from dataparams.recording.recorded_samples import RecordedSamples
    from dataparams.run.folder import RunFolder


def settings_in(
    run: RunFolder, samples: RecordedSamples, settings: RecordedLoop, *, restart: bool
) -> RecordedLoop:
    """The settings with which a loop is recorded in a folder; nothing is written.

    Args:
        run: The run folder, which may be there already.
        samples: The samples of the loop.
        settings: As they are given.
        restart: Whether what is there will be removed.

    Returns:
        The settings; where the folder is there, the learning rate that was chosen then.

    Raises:
        RunError: If there is something else, or a run of other samples or settings.
    """
    if is_new(run):
        return settings
    place = str(run.path)
    if not (run.path / "run.json").is_file():
        raise RunError(
            f"{place} is there and is no run folder; it is not touched. Give another folder."
        )
    before = run.description()
    if "recording" not in before:
        raise RunError(
            f"{place} is a run of another kind, an audit or a training, and is not touched. Give "
            "another folder."
        )
    if restart:
        return settings
    _require_same_samples(run, before, samples)
    return settings.going_on(RecordedLoop.of_json(before["config"]), place)


def is_new(run: RunFolder) -> bool:
    """Whether nothing is there yet, or only what was killed before the first file was whole."""
    return not run.exists() or all(
        path.name.startswith(".") and path.suffix == ".tmp" for path in run.path.glob("*")
    )


def begin_run(run: RunFolder, samples: RecordedSamples, settings: RecordedLoop) -> None:
    """Write what a run folder has before the first epoch, or that its loop goes on.

    Raises:
        RunError: If it cannot be written.
    """
    run.remove_remnants()
    if not is_new(run):
        before = run.description()
        before.pop("error", None)
        config = settings.as_json()
        run.write_description({**before, "status": "running", "config": config})
    else:
        run.write_description(_description(samples, settings))
    # Again where a kill prevented it.
    contents = samples.contents()
    if contents is not None and not (run.path / CONTENTS).is_file():
        run.write_kept_contents(contents)
    if not (run.path / "samples.parquet").is_file():
        run.write_samples(samples.table())


def note_stop(run: RunFolder) -> None:
    """Say in ``run.json`` that the loop was left, as far as the disk allows it."""
    with suppress(RunError):
        run.update_description(status="stopped", error="the loop ended before its last epoch")


def _description(samples: RecordedSamples, settings: RecordedLoop) -> dict[str, Any]:
    kept = samples.kept
    return {
        "status": "running",
        "epoch": 0,
        "source": {
            "name": CONTENTS,
            "is_kept": True,
            "content": kept.kind,
            "label_column": None,
            **kept.source,
            "identity": identity_of(kept.words),
        },
        "fingerprint": samples.fingerprint(),
        "class_names": list(samples.class_names),
        "counts": {
            "instances": len(samples.labels) + len(samples.validation),
            "trained_on": len(samples.labels),
            "validation": len(samples.validation),
            "unreadable": 0,
            "corrupted": None,
        },
        "versions": installed_versions(),
        "recording": {"learn": settings.learn},
        "config": settings.as_json(),
    }


def _require_same_samples(run: RunFolder, before: dict[str, Any], samples: RecordedSamples) -> None:
    """Raise RunError unless a run was begun with these samples; says what differs."""
    if before.get("fingerprint") == samples.fingerprint():
        return
    further = "Give another folder, or `restart=True` to start anew."
    if list(before.get("class_names", ())) != list(samples.class_names):
        raise RunError(
            f"{run.path} is of other classes ({', '.join(before.get('class_names', ())[:5])}, ...) "
            f"than `class_names` ({', '.join(samples.class_names[:5])}, ...). {further}"
        )
    if not (run.path / "samples.parquet").is_file():
        raise RunError(f"{run.path} was begun with other samples. {further}")
    there = run.samples().sort("index")
    if len(there) != len(samples.labels):
        raise RunError(
            f"{run.path} is of {len(there)} samples, and `labels` has {len(samples.labels)}. "
            f"{further}"
        )
    differing = np.flatnonzero(there["label"].to_numpy() != samples.labels)
    if len(differing):
        place = int(differing[0])
        raise RunError(
            f"{run.path} was begun with other labels: {len(differing):,} differ, the first of "
            f"sample {place}, {samples.class_names[int(there['label'][place])]!r} then and "
            f"{samples.class_names[int(samples.labels[place])]!r} now. {further}"
        )
    raise RunError(
        f"{run.path} was begun with the same labels and other samples, ids or validation labels. "
        f"{further}"
    )
