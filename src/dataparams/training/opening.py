"""How a run folder is begun, gone on with, or refused."""

from __future__ import annotations

import hashlib
import json
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataparams.errors import RunError
from dataparams.sources.opening import whole_name
from dataparams.training.cleaned import config_of_source, digest_of
from dataparams.training.config import MAY_CHANGE_ON_RESUME, TrainConfig, stored_settings

if TYPE_CHECKING:
    from dataparams.run.folder import RunFolder
    from dataparams.training.preparation import TrainingData
    from dataparams.training.starting_weights import StartingWeights


def open_run(
    run: RunFolder, config: TrainConfig, data: TrainingData, start: StartingWeights | None = None
) -> None:
    """Begin a run folder, or check that this run goes on with the one that is there.

    Args:
        run: The run folder.
        config: The configuration.
        data: What is trained on.
        start: The weights that training starts from, where others have trained them.

    Raises:
        RunError: If the folder exists and may not be touched, or is of another run.
    """
    if config.resume:
        run.remove_remnants()
    if run.exists():
        _require_same_source(run, config, data)
    if run.exists() and not (config.restart or config.resume):
        raise RunError(
            f"{run.path} exists already and is not touched. Give --restart to start anew there, "
            "--resume to go on where it stopped, or another --exp-prefix."
        )
    if config.resume and run.exists():
        description = run.description()
        _require_same_run(run, description, config, data)
        _require_same_start(run, description, start)
        description.pop("error", None)
        run.write_description({**description, "status": "running"})
        _write_tables(run, data)
        return
    if config.restart:
        _require_outside(run, config)
        run.clear()
    known = None if start is None else start.as_json()
    run.write_description({**_description(config, data), "pretrained": known})
    _write_tables(run, data)


def _write_tables(run: RunFolder, data: TrainingData) -> None:
    """Write what is known before training; on resuming again, where a kill prevented it."""
    run.write_samples(data.samples)
    if data.unreadable:
        run.write_unreadable(data.unreadable)


def _require_outside(run: RunFolder, config: TrainConfig) -> None:
    for flag in ("dataset_subset_ckpt", "from_clean"):
        file = getattr(config, flag)
        if file is not None and run.path.resolve() in Path(file).resolve().parents:
            raise RunError(
                f"--restart would remove {file}, which --{flag.replace('_', '-')} reads. Choose "
                "another --exp-prefix."
            )


def _require_same_source(run: RunFolder, config: TrainConfig, data: TrainingData) -> None:
    """A folder is named after its data set: another one of that name must not replace the run."""
    try:
        before = run.description()
    except RunError:
        # No run folder, or a damaged one: what comes next says so.
        return
    source = before.get("source")
    place = source.get("name") if isinstance(source, dict) else None
    is_same_place = place == _source(config_of_source(config, data.cleaned))["name"]
    if not is_same_place and before.get("fingerprint") != data.dataset.fingerprint:
        raise RunError(
            f"{run.path} is of another data set of the same name ({place or 'unknown'}) and is not "
            f"touched. Give another --exp-prefix or --output-dir for {config.location}."
        )


def _require_same_run(
    run: RunFolder, description: dict[str, Any], config: TrainConfig, data: TrainingData
) -> None:
    # A setting that older runs do not have did what it does by default.
    before = {**_plain_config(TrainConfig()), **description.get("config", {})}
    now = _plain_config(config)
    changed = [
        f"--{name.replace('_', '-')} was {before.get(name)} and is {now[name]}"
        for name in now
        if name not in MAY_CHANGE_ON_RESUME and before.get(name) != now[name]
    ]
    if changed:
        raise RunError(
            f"--resume goes on with {run.path} as it was begun, but {'; '.join(changed)}. "
            "Give the same flags, or --restart to start anew."
        )
    if description.get("fingerprint") != data.dataset.fingerprint:
        raise RunError(
            f"The data set {config.location} is not the one that {run.path} was begun with (its "
            "contents differ). Restore it, or give --restart to start anew."
        )
    _require_same_numbering(run, description, data)
    cleaned = None if data.cleaned is None else digest_of(data.cleaned)
    if description.get("cleaned") != cleaned:
        raise RunError(
            f"{config.from_clean} is not what {run.path} was begun with (its contents differ). "
            "Restore it, or give --restart to start anew."
        )


def _require_same_start(
    run: RunFolder, description: dict[str, Any], start: StartingWeights | None
) -> None:
    before = (description.get("pretrained") or {}).get("sha256")
    if start is not None and before != start.digest:
        raise RunError(
            f"The weights of {start.origin} are not those that {run.path} was begun with. Restore "
            "them, or give --restart to start anew."
        )


def _require_same_numbering(
    run: RunFolder, description: dict[str, Any], data: TrainingData
) -> None:
    """Data parameters and records go by index, which older runs count in the training split."""
    before = description.get("counts", {}).get("instances")
    now = data.dataset.train.num_instances
    if before is not None and before != now:
        raise RunError(
            f"{run.path} was begun by an older version of dataparams, which numbered the {before} "
            f"samples of its training split alone; now all {now} samples of the source are "
            "numbered. Look at it as it is, go on with that version, or give --restart."
        )


def _source(config: TrainConfig) -> dict[str, Any]:
    """Where the data came from, so that it is found again from any working folder."""
    return {
        "name": whole_name(config.location),
        "loader": config.loader,
        "cache": None if config.cache is None else str(Path(config.cache).expanduser().resolve()),
        "data_dir": str(Path(config.data_dir).resolve()),
        "val_frac": config.val_frac,
        "seed": config.seed,
        "image_size": config.image_size,
        "image_column": config.image_column,
        "label_column": config.label_column,
    }


def _source_as_read(config: TrainConfig, data: TrainingData) -> dict[str, Any]:
    """The same, and what was understood of the data."""
    known = _source(config_of_source(config, data.cleaned)) | {"identity": data.identity}
    understanding = data.understanding
    if understanding is None:
        return known
    for purpose, name in understanding.columns.items():
        known[f"{purpose}_column"] = name
    return known | {"understood": understanding.as_json()}


def _validation_fingerprint(data: TrainingData) -> str:
    """What tells the validation samples and their labels from others, whatever their size."""
    val = data.dataset.val
    return hashlib.sha256(json.dumps([list(val.ids), val.labels.tolist()]).encode()).hexdigest()


def _plain_config(config: TrainConfig) -> dict[str, Any]:
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in stored_settings(config).items()
    }


def _description(config: TrainConfig, data: TrainingData) -> dict[str, Any]:
    return {
        "status": "running",
        "epoch": 0,
        "dataset": data.dataset.name,
        "source": _source_as_read(config, data),
        "image_shape": list(data.train.image_shape),
        "fingerprint": data.dataset.fingerprint,
        "validation_fingerprint": _validation_fingerprint(data),
        "cleaned": None if data.cleaned is None else digest_of(data.cleaned),
        "class_names": list(data.dataset.class_names),
        "counts": {
            "instances": data.dataset.train.num_instances,
            "trained_on": len(data.train),
            "validation": len(data.dataset.val),
            "unreadable": len(data.unreadable),
            "corrupted": int(data.truth.is_corrupted.sum()) if data.truth else None,
        },
        "seed": config.seed,
        "versions": installed_versions(),
        "config": _plain_config(config),
    }


def installed_versions() -> dict[str, str | None]:
    """The versions that ``run.json`` keeps, by what they are of."""
    packages = ("dataparams", "torch", "torchvision", "accelerate", "timm")
    return {"python": platform.python_version()} | {
        package: _installed_version(package) for package in packages
    }


def _installed_version(package: str) -> str | None:
    """None where it is not installed, as this program where its scripts run from a checkout."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def note_failure(run: RunFolder, error: BaseException) -> None:
    """Write into ``run.json`` why the run stopped, as far as the disk allows it."""
    is_interrupted = isinstance(error, KeyboardInterrupt)
    text = f"{error}" or ("interrupted" if is_interrupted else type(error).__name__)
    try:
        run.update_description(status="stopped" if is_interrupted else "failed", error=text)
    except RunError:
        return
