"""The audit: from a source to a run folder, by features of a frozen encoder and small heads."""

from __future__ import annotations

import hashlib
import json
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from dataparams.batches.labeled_images import UnreadableSample
from dataparams.errors import RunError
from dataparams.run.applied_changes import applied_changes
from dataparams.run.folder import RunFolder
from dataparams.run.neighbors import write_neighbors
from dataparams.run.versions import installed_versions
from dataparams.sources.hub.token import token_file
from dataparams.sources.noise import require_noise
from dataparams.sources.opening import whole_name
from dataparams.sources.splits import names_of_splits
from dataparams.terminal.progress import ProgressDisplay, SilentProgress
from dataparams.training.audit_config import AuditConfig, require_valid
from dataparams.training.audited_samples import AuditedSamples, read_samples
from dataparams.training.cross_fitting import cross_fit
from dataparams.training.head_records import HeadRecords
from dataparams.training.heads import ScaledFeatures
from dataparams.training.held_out import held_out_table
from dataparams.training.launched import LaunchedPlace
from dataparams.training.opening import note_failure
from dataparams.training.outliers import outlier_scores
from dataparams.training.planting import plant_errors
from dataparams.training.processes import Processes
from dataparams.training.settings_choice import settings_for, usual_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dataparams.encoders.measuring import Measuring
    from dataparams.run.epoch_record import EpochRecord
    from dataparams.training.cross_fitting_settings import CrossFittingSettings

_OUTPUT = "weights_CL"
_MOST_FOLDERS = 10_000


@dataclass(frozen=True, eq=False)
class Audited:
    """What an audit made.

    Attributes:
        run: The run folder.
        is_new: Whether heads were trained; otherwise all is as it was when that run was made.
        before: The newest other audit in that place; None where there is none, or nothing is new.
        is_of_same_data: Whether that one is of the same samples, by another encoder or seed.
    """

    run: RunFolder
    is_new: bool
    before: RunFolder | None = None
    is_of_same_data: bool = False


def audit(
    config: AuditConfig,
    *,
    display: ProgressDisplay | None = None,
    processes: Processes | None = None,
    measuring: Measuring | None = None,
) -> Audited:
    """Judge every label of a data source by heads that never saw the sample.

    Args:
        config: What to do.
        display: Where progress is shown; nowhere by default.
        processes: Those that call this with the same configuration and share the computing of
            features; the first trains the heads and writes. This process alone by default.
        measuring: What is measured of pictures while they are decoded for features.

    Returns:
        The run folder, which :func:`dataparams.analysis.analyze` understands; the same in all
        processes.

    Raises:
        UserError: If something in the configuration, the data or the run folder is not as needed;
            the same in all processes.
        LostProcessError: If one of several processes has died.
    """
    require_valid(config)
    require_noise(config.noise, config.rand_fraction)
    display = display or SilentProgress()
    processes = processes or Processes(LaunchedPlace())
    with token_file(config.hf_token_file):
        samples = read_samples(config, display, processes, measuring=measuring)
    return processes.on_main(lambda: _audited(config, samples, display))


def _audited(config: AuditConfig, samples: AuditedSamples, display: ProgressDisplay) -> Audited:
    key = _key(samples, config)
    first = Path(config.out or f"{_OUTPUT}/{samples.source.name}/audit").expanduser()
    with _alone(first):
        run, before = _run_folder(first, key)
        if run.exists():
            return Audited(run, is_new=False)
        settings = _settings(samples, config)
        _write_beginning(run, config, samples, key, settings)
        try:
            rounds = _judge(run, config, samples, settings, display)
        except BaseException as error:
            note_failure(run, error)
            raise
        _write_end(run, rounds)
        is_same = before is not None and before.description()["audit"].get("data") == samples.key
        return Audited(run, is_new=True, before=before, is_of_same_data=is_same)


def _key(samples: AuditedSamples, config: AuditConfig) -> str:
    """What tells this audit from others: samples, encoder and settings."""
    known = [
        samples.key,
        samples.encoder["key"],
        asdict(usual_settings(samples.features)),
        config.seed,
    ]
    return hashlib.sha256(json.dumps(known).encode()).hexdigest()


@contextmanager
def _alone(first: Path) -> Iterator[None]:
    """Let no other audit write there at the same time; the lock of a process that died is gone."""
    try:
        first.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(first.with_name(f".{first.name}.lock"), timeout=0):
            yield
    except Timeout as error:
        raise RunError(
            f"Another audit is writing {first} at this moment. Wait until it is done, or give "
            "another `out`."
        ) from error
    except OSError as error:
        raise RunError(f"{first} cannot be written: {error.strerror or error}.") from error


def _run_folder(first: Path, key: str) -> tuple[RunFolder, RunFolder | None]:
    """The folder of a finished audit of this key, or else a new one; and the newest other audit.

    Raises:
        RunError: If there is none to be had, or corrections of the newest are half applied.
    """
    before = None
    for number in range(1, _MOST_FOLDERS):
        run = RunFolder(first if number == 1 else first.with_name(f"{first.name}-{number}"))
        if not run.exists():
            if before is not None:
                # Data of which a part is changed are no data to judge.
                applied_changes(before.applied_folder, before.path)
            return run, before
        description = run.description()
        if "audit" not in description:
            raise RunError(f"{run.path} is the run folder of a training; give another `out`.")
        if description["audit"].get("key") == key:
            if description.get("status") != "finished":
                # What an audit that was stopped knows is made again in the same time.
                run.clear()
            return run, before
        before = run
    raise RunError(f"{first} and its neighbors are {_MOST_FOLDERS:,} audits; give another `out`.")


def _write_beginning(
    run: RunFolder,
    config: AuditConfig,
    samples: AuditedSamples,
    key: str,
    settings: CrossFittingSettings,
) -> None:
    run.write_description(_description(run, config, samples, key, settings))
    run.write_samples(samples.table)
    if samples.features.unreadable:
        names = samples.source.ids
        run.write_unreadable(
            tuple(
                UnreadableSample(row, names[row], reason)
                for row, reason in sorted(samples.features.unreadable.items())
            )
        )


def _judge(
    run: RunFolder,
    config: AuditConfig,
    samples: AuditedSamples,
    settings: CrossFittingSettings,
    display: ProgressDisplay,
) -> int:
    """Write what heads say of every sample; returned is how many rounds it took."""
    num_classes = len(samples.source.class_names)
    rows: list[dict[str, float | int | None]] = []

    def write(record: EpochRecord, metrics: dict[str, float | int | None]) -> None:
        rows.append(metrics)
        run.write_epoch_record(record)
        run.write_metrics(rows)

    records = HeadRecords(
        samples.labels,
        samples.features.rows,
        len(samples.source),
        settings.heads.repeats * (settings.heads.folds - 1),
        write,
    )
    fit = cross_fit(
        samples.features.values,
        samples.labels,
        num_classes,
        settings,
        table=samples.features.for_trees,
        seed=config.seed,
        on_batch=records.on_batch,
        on_epoch=records.on_epoch,
        on_progress=lambda done, total: display.stage("heads", done, total),
    )
    write_neighbors(run, fit.near)
    values, labels = samples.features.values, samples.labels
    outlier_score = outlier_scores(
        ScaledFeatures(values, settings.norm), fit.near, labels, num_classes
    )
    table = samples.table
    held_out = held_out_table(
        fit,
        outlier_score,
        table["index"],
        table["id"],
        table["label"],
        epoch=settings.heads.epochs,
    )
    run.write_held_out(held_out)
    planted = plant_errors(labels, num_classes, fit, seed=config.seed).table(samples.features.rows)
    # There is nothing to plant among a few samples.
    if len(planted):
        run.write_planted(planted)
    return len(fit.rounds)


def _write_end(run: RunFolder, rounds: int) -> None:
    audited = run.description()["audit"]
    settings = {**audited["settings"], "rounds": rounds}
    run.update_description(status="finished", audit={**audited, "settings": settings})


def _settings(samples: AuditedSamples, config: AuditConfig) -> CrossFittingSettings:
    num_classes = len(samples.source.class_names)
    return settings_for(samples.features, samples.labels, num_classes, seed=config.seed)


def _description(
    run: RunFolder,
    config: AuditConfig,
    samples: AuditedSamples,
    key: str,
    settings: CrossFittingSettings,
) -> dict[str, Any]:
    source, features = samples.source, samples.features
    columns = {f"{purpose}_column": name for purpose, name in source.columns.items()}
    return {
        "status": "running",
        "epoch": settings.heads.epochs,
        "dataset": source.name,
        "source": {
            "name": whole_name(config.place),
            "loader": "memory",
            "cache": None,
            "data_dir": str(Path(config.data_dir).resolve()),
            "val_frac": 0.1,
            "seed": config.seed,
            "image_size": None,
            "content": source.contents.kind,
            # Of labels alone nothing is there to open.
            "is_kept": source.contents.kind is None,
            "all_splits": True,
            "splits": list(names_of_splits(source)),
            "image_column": None,
            "text_column": None,
            "label_column": None,
            **columns,
            "row_columns": list(source.row_columns),
            "identity": "id" if source.contents.kind is None else "content",
            "understood": samples.understanding.as_json(),
        },
        "fingerprint": source.fingerprint(),
        "class_names": list(source.class_names),
        "counts": {
            "instances": len(source),
            "trained_on": len(features.rows),
            "validation": 0,
            "unreadable": len(features.unreadable),
            "corrupted": int(samples.truth.is_corrupted.sum()) if samples.truth else None,
        },
        "seed": config.seed,
        "versions": installed_versions(),
        "audit": {
            "key": key,
            "data": samples.key,
            "columns": features.columns,
            "split": config.split,
            "has_trees": settings.asks_trees(features.for_trees, len(source.class_names)),
            "encoder": samples.encoder,
            "width": int(features.values.shape[1]),
            "day": datetime.now(timezone.utc).date().isoformat(),
            "settings": asdict(settings),
        },
        "config": {
            "dataset": config.place,
            "image_column": config.image_column,
            "text_column": config.text_column,
            "label_column": config.label_column,
            "row_columns": list(config.row_columns),
            "data_dir": config.data_dir,
            "output_dir": _OUTPUT,
            "exp_prefix": run.path.name,
            "rand_fraction": config.rand_fraction,
            "noise": config.noise,
            "seed": config.seed,
        },
    }
