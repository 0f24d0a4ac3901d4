"""How a run folder is begun, resumed, or refused."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataparams.errors import RunError
from dataparams.training.config import changed_settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    import polars as pl

    from dataparams.batches import UnreadableSample
    from dataparams.run.folder import RunFolder


def open_run(
    run: RunFolder,
    description: dict[str, Any],
    samples: pl.DataFrame,
    unreadable: Sequence[UnreadableSample] = (),
    *,
    restart: bool = False,
    resume: bool = False,
) -> None:
    """Begin a run folder, or check that this run may resume the one that is there.

    Args:
        run: The run folder.
        description: Of this run, from :func:`~dataparams.training.run_description.run_description`.
        samples: The table of all samples.
        unreadable: The samples that are known to be damaged.
        restart: Remove what is there.
        resume: Go on with what is there, if it is of the same settings and data.

    Raises:
        RunError: If the folder exists and may not be touched, or is of another run.
    """
    if resume:
        run.remove_remnants()
    if run.exists():
        _require_same_source(run, description)
    if run.exists() and not (restart or resume):
        raise RunError(
            f"{run.path} exists already and is not touched. Give `restart=True` to start anew "
            "there, `resume=True` to go on where it stopped, or another `exp_prefix`."
        )
    if resume and run.exists():
        before = run.description()
        _require_same_run(run, before, description)
        before.pop("error", None)
        description = {**before, "status": "running"}
    elif restart:
        _require_outside(run, description["config"])
        run.clear()
    run.write_description(description)
    # On resuming again, where a kill prevented it.
    run.write_samples(samples)
    if unreadable:
        run.write_unreadable(tuple(unreadable))


def _require_outside(run: RunFolder, settings: dict[str, Any]) -> None:
    for name in ("dataset_subset_ckpt", "from_clean"):
        file = settings[name]
        if file is not None and run.path.resolve() in Path(file).resolve().parents:
            raise RunError(
                f"`restart=True` would remove {file}, which `{name}` reads. Choose another "
                "`exp_prefix`."
            )


def _require_same_source(run: RunFolder, now: dict[str, Any]) -> None:
    """A folder is named after its data set: another one of that name must not replace the run."""
    try:
        before = run.description()
    except RunError:
        # No run folder, or a damaged one: what comes next says so.
        return
    source, name = before.get("source"), now["source"]["name"]
    place = source.get("name") if isinstance(source, dict) else None
    if place != name and before.get("fingerprint") != now["fingerprint"]:
        raise RunError(
            f"{run.path} is of another data set of the same name ({place or 'unknown'}) and is not "
            f"touched. Give another `exp_prefix` or `output_dir` for {name}."
        )


def _require_same_run(run: RunFolder, before: dict[str, Any], now: dict[str, Any]) -> None:
    changed = changed_settings(before.get("config", {}), now["config"])
    if changed:
        raise RunError(
            f"`resume=True` goes on with {run.path} as it was begun, but {'; '.join(changed)}. "
            "Give the same settings, or `restart=True` to start anew."
        )
    if before.get("fingerprint") != now["fingerprint"]:
        raise _other_contents(f"The data set {now['source']['name']}", "is", run)
    _require_same_numbering(run, before, now)
    if before.get("cleaned") != now["cleaned"]:
        raise _other_contents(str(now["config"]["from_clean"]), "is", run)
    start = now["pretrained"]
    if start is not None and (before.get("pretrained") or {}).get("sha256") != start["sha256"]:
        raise _other_contents(f"The weights of {start['weights']}", "are", run)


def _other_contents(what: str, verb: str, run: RunFolder) -> RunError:
    return RunError(
        f"{what} {verb} not what {run.path} was begun with: the contents differ. Restore what was "
        "there, or give `restart=True` to start anew."
    )


def _require_same_numbering(run: RunFolder, before: dict[str, Any], now: dict[str, Any]) -> None:
    """Data parameters and records go by index, which older runs count in the training split."""
    instances = before.get("counts", {}).get("instances")
    if instances is not None and instances != now["counts"]["instances"]:
        raise RunError(
            f"{run.path} was begun by an older version of dataparams, which numbered the "
            f"{instances} samples of its training split alone; now all "
            f"{now['counts']['instances']} samples of the source are numbered. Look at it as it "
            "is, go on with that version, or give `restart=True`."
        )


def note_failure(run: RunFolder, error: BaseException) -> None:
    """Write into ``run.json`` why the run stopped, as far as the disk allows it."""
    is_interrupted = isinstance(error, KeyboardInterrupt)
    text = f"{error}" or ("interrupted" if is_interrupted else type(error).__name__)
    try:
        run.update_description(status="stopped" if is_interrupted else "failed", error=text)
    except RunError:
        return
