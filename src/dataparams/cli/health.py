"""``dataparams health``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from dataparams.cli.analysis_of_run import SHOWN
from dataparams.errors import RunError, UserError

if TYPE_CHECKING:
    from dataparams.health.findings import HealthFindings
    from dataparams.terminal.progress import ProgressDisplay

_OF_DATA = (
    "encoder",
    "weights",
    "features",
    "image_column",
    "text_column",
    "label_column",
    "row_columns",
    "offline",
)


@dataclass(frozen=True)
class HealthConfig:
    """Find what is wrong beside the labels: duplicates, leakage, damaged and odd samples."""

    place: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="RUN_OR_PATH")]
    """A run folder; or the path or name of data, as dataparams audit takes it."""
    out: Path | None = None
    """Write the findings to this file: .csv with a row per sample, for people; .parquet as in a run
    folder."""
    overwrite: bool = False
    """Replace the file of --out if it exists."""
    worst: int = SHOWN
    """How many findings to print."""
    data: str | None = None
    """The path of a run's data, if they have moved."""
    encoder: str | None = None
    """Of data: the pretrained network that makes features; see dataparams audit."""
    weights: str | None = None
    """Of data: weights of a network of images in a file of one's own."""
    features: str | None = None
    """Of data: ready features in place of a network, a .npy file with a row per sample."""
    image_column: str | None = None
    """Of data: which column of a table has the images, where that is not clear."""
    text_column: str | None = None
    """Of data: which column of a table has the texts, where that is not clear."""
    label_column: str | None = None
    """Of data: which column of a table has the labels, where that is not clear."""
    row_columns: tuple[str, ...] = ()
    """Of data: which columns belong to a row, where samples are rows of a table."""
    data_dir: str = "data"
    """Where built-in data sets are kept and downloaded to."""
    hf_token_file: Path | None = None
    """File with a token of the Hugging Face hub, for gated data sets. It is not stored."""
    offline: bool = False
    """Never ask the hub, not even for what is new."""


@dataclass(frozen=True)
class _Checked:
    """What was found, and what the samples are called."""

    findings: HealthFindings
    names: dict[int, str]
    labels: dict[int, str]


def run(words: list[str], program: str) -> int:
    """Run the command; see :data:`dataparams.cli.main.COMMANDS`."""
    config = tyro.cli(HealthConfig, args=words, prog=f"{program} health")
    _require_valid(config)
    from dataparams.health.findings_text import findings_text
    from dataparams.sources.hub.token import token_file
    from dataparams.terminal.progress import progress_display

    is_run = (Path(config.place) / "run.json").is_file()
    with token_file(config.hf_token_file), progress_display("health") as display:
        checked = _of_run(config, display) if is_run else _of_data(config, display)
        display.line("")
        display.line(findings_text(checked.findings, checked.names, config.worst))
        display.line("")
        for line in _written(config, checked, is_run=is_run):
            display.line(line)
    return 0


def _require_valid(config: HealthConfig) -> None:
    if config.worst < 0:
        raise UserError(f"--worst is {config.worst}; expected a whole number, 0 or above.")
    is_run = (Path(config.place) / "run.json").is_file()
    for name in _OF_DATA if is_run else ():
        if getattr(config, name):
            raise UserError(
                f"--{name.replace('_', '-')} is given, but {config.place} is a run folder, whose "
                "features and columns are known; leave it out, or give the path of the data."
            )
    if not is_run and config.data is not None:
        raise UserError(
            f"--data is given, but {config.place} is no run folder; give the path of the data "
            "alone."
        )
    if config.out is None:
        return
    if config.out.suffix not in (".csv", ".parquet"):
        raise UserError(f"--out is {config.out}; expected a name that ends in .csv or .parquet.")
    if config.out.exists() and not config.overwrite:
        raise RunError(f"{config.out} exists already. Choose another --out, or give --overwrite.")


def _of_run(config: HealthConfig, display: ProgressDisplay) -> _Checked:
    from dataparams.health.health_of_run import analysis_of, new_findings
    from dataparams.run.folder import RunFolder

    run = RunFolder(config.place)
    findings = new_findings(run, display, analysis=analysis_of(run), data=config.data)
    known = run.contents()
    if not len(known):
        known = run.samples()
    names = dict(known.select("index", "id").iter_rows())
    names |= {sample.index: sample.id for sample in run.unreadable()}
    class_names = run.class_names()
    labels = {row: class_names[label] for row, label in known.select("index", "label").iter_rows()}
    return _Checked(findings, names, labels)


def _of_data(config: HealthConfig, display: ProgressDisplay) -> _Checked:
    from dataparams.health.health_of_data import findings_of_data
    from dataparams.training.audit_config import AuditConfig

    found = findings_of_data(
        AuditConfig(
            dataset=config.place,
            encoder=config.encoder,
            weights=config.weights,
            features=config.features,
            image_column=config.image_column,
            text_column=config.text_column,
            label_column=config.label_column,
            row_columns=config.row_columns,
            data_dir=config.data_dir,
            offline=config.offline,
        ),
        display,
    )
    source = found.source
    shown = {row for rows in found.findings.table["samples"].to_list() for row in rows}
    names = {row: source.ids[row] for row in shown}
    labels = {row: source.class_names[int(source.labels[row])] for row in shown}
    return _Checked(found.findings, names, labels)


def _written(config: HealthConfig, checked: _Checked, *, is_run: bool) -> list[str]:
    from dataparams.health.findings import findings_bytes
    from dataparams.health.findings_text import findings_csv
    from dataparams.run.safe_files import write_whole

    lines = []
    if is_run:
        lines.append(f"Kept in {Path(config.place) / 'health.parquet'}.")
    if config.out is not None:
        findings = checked.findings
        if config.out.suffix == ".csv":
            contents = findings_csv(findings, checked.names, checked.labels)
        else:
            contents = findings_bytes(findings)
        write_whole(config.out, contents)
        lines.append(f"Wrote {len(findings.table):,} findings to {config.out}.")
    elif not is_run:
        lines.append("Nothing is written; --out findings.csv writes the list.")
    if is_run:
        lines.append(f"Next: dataparams review {config.place}")
    else:
        lines.append(f"Next: dataparams audit {config.place}    find wrong labels as well")
    return lines
