"""From a run to an analysis."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from dataparams.analysis.audit_judgment import (
    held_out_noise,
    judge_held_out,
    splits_of_evidence,
)
from dataparams.analysis.class_temperatures import class_temperatures
from dataparams.analysis.feature_space import FeatureSpace
from dataparams.analysis.findings import (
    Findings,
    findings_of,
    restored,
    stored,
)
from dataparams.analysis.held_out_evidence import held_out_evidence
from dataparams.analysis.judged_by import judged_by
from dataparams.analysis.noise_rate import UNKNOWN_NOISE, NoiseEstimate
from dataparams.analysis.recorded_noise import recorded_noise
from dataparams.analysis.recorded_scores import recorded_accuracy
from dataparams.analysis.result import CATEGORIES, Analysis, UnreadableContents
from dataparams.analysis.summaries import (
    band_summary,
    class_summary,
    confusion_summary,
    subgroup_summary,
)
from dataparams.analysis.training_judgment import judge
from dataparams.analysis.trajectories import RunTrajectories, trained_samples
from dataparams.analysis.validation import validation_counts
from dataparams.analysis.validation_verdicts import (
    parted,
    splits_of_training,
    validation_verdicts,
)
from dataparams.errors import (
    ChangedDataError,
    DataError,
    MissingPackageError,
    UserError,
    require_share,
)
from dataparams.extras import missing_packages_named
from dataparams.run.features import features_of_run
from dataparams.run.folder import RunFolder
from dataparams.run.table_checks import require_among, require_range

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from dataparams.analysis.model_view import ModelView
    from dataparams.analysis.result import SampleContents
    from dataparams.analysis.subgroups import Describe
    from dataparams.analysis.trajectories import TrajectorySource
    from dataparams.batches import AnyDataset

    Progress = Callable[[int, int], None]

_MOST_MODEL_CELLS = 200_000_000
_EARLIER_VERSION = Findings(
    UNKNOWN_NOISE, ("This analysis is of an earlier version of the program: analyze again.",)
)


def analyze(
    run: RunFolder | Path | str,
    *,
    review_budget: float | None = None,
    use_model: bool = True,
    dataset: AnyDataset | None = None,
    data: str | None = None,
    on_progress: Progress | None = None,
    on_notice: Callable[[str], None] | None = None,
) -> Analysis:
    """Sort a run's samples into easy, hard and need review, score them and suggest labels.

    Works from the run folder and the data source alone, also while training is still going on.

    Args:
        run: The run folder, or its path.
        review_budget: The largest share of all samples that may need review, 0 ... 1; None for no
            limit.
        use_model: Show the samples to the model of the last checkpoint as well, for its features
            and probabilities. Otherwise, and where that cannot be done, trajectories alone count.
        dataset: The data set that the run was trained on, where it is open; otherwise it is read
            from where the run found it.
        data: Where the data lie now; None for where the run found them.
        on_progress: Called with the number of samples shown to the model and of all.
        on_notice: Called with a sentence where something could not be had.

    Raises:
        ArgumentError: If ``review_budget`` is not a share.
        DataError: If ``data`` is given and cannot be read.
        RunError: If the folder is no run, or has no finished epoch.
    """
    if review_budget is not None:
        require_share("review_budget", review_budget)
    run = run if isinstance(run, RunFolder) else RunFolder(run)
    class_names = run.class_names()
    samples = trained_samples(run)
    require_range(samples, "label", len(class_names), run.path / "samples.parquet")
    source = RunTrajectories(run, samples["index"].to_numpy())

    def look(checkpoint: str) -> ModelView | None:
        ids = samples["id"].to_list()
        return _view_or_notice(run, checkpoint, ids, dataset, data, on_progress, on_notice)

    evidence = held_out_evidence(run, samples)
    if evidence is not None:
        judgment = judge_held_out(
            samples,
            class_names,
            source,
            evidence,
            describe=_describe(run, source, on_notice),
            review_budget=review_budget,
        )
        noticed = noticed_in(run.description())
        findings = findings_of(judgment.noise, None, noticed, judgment.splits)
        analysis = _assemble(run, judgment.frame, source, findings, data)
        return replace(analysis, review_budget=review_budget, use_model=use_model)
    validation = validation_counts(run, source.epochs, len(class_names))
    judgment = judge(
        samples,
        class_names,
        source,
        initial=run.initial_log_temperature(),
        validation=validation,
        look=look if use_model else None,
        review_budget=review_budget,
    )
    validated = validation_verdicts(run, judgment.noise)
    splits = splits_of_training(judgment, validated)
    findings = findings_of(judgment.noise, len(source.epochs), splits=splits)
    analysis = _assemble(run, judgment.frame, source, findings, data)
    return replace(
        analysis,
        review_budget=review_budget,
        use_model=use_model,
        validation=None if validated is None else validated[0],
    )


def noise_of_run(run: RunFolder) -> NoiseEstimate:
    """The noise estimate of a run: the same number as :func:`analyze` finds.

    Raises:
        RunError: If the folder is no run, or has no finished epoch.
    """
    return findings_of_run(run).noise


def findings_of_run(run: RunFolder) -> Findings:
    """What :func:`analyze` finds of a run as a whole, without judging its samples one by one.

    Raises:
        RunError: If the folder is no run, or has no finished epoch.
    """
    samples = trained_samples(run)
    num_classes = len(run.class_names())
    require_range(samples, "label", num_classes, run.path / "samples.parquet")
    source = RunTrajectories(run, samples["index"].to_numpy())
    labels = samples["label"].to_numpy().astype(np.int64)
    evidence = held_out_evidence(run, samples)
    if evidence is not None:
        noise = held_out_noise(labels, evidence, num_classes)[0]
        splits = splits_of_evidence(samples["split"], labels, evidence, noise, num_classes)
        return findings_of(noise, None, noticed_in(run.description()), splits)
    validation = validation_counts(run, source.epochs, num_classes)
    noise = recorded_noise(
        source,
        labels,
        num_classes,
        initial=run.initial_log_temperature(),
        accuracy=recorded_accuracy(source, len(labels)),
        validation=validation,
    )
    return findings_of(noise, len(source.epochs))


def load_analysis(run: RunFolder, *, data: str | None = None) -> Analysis | None:
    """The analysis that was written last, or None where there is none.

    Where training went on since, it has fewer ``epochs`` than the run.

    Args:
        run: The run folder.
        data: Where the data lie now; None for where the run found them.

    Raises:
        RunError: If ``analysis.parquet`` is damaged.
    """
    found = run.analysis()
    if found is None:
        return None
    frame, made = found
    require_among(frame, "category", CATEGORIES, run.path / "analysis.parquet")
    frame, validation = (frame, None) if run.is_audit() else parted(frame)
    budget = made.get("review_budget")
    source = RunTrajectories(run, frame["index"].to_numpy())
    analysis = _assemble(run, frame, source, restored(made) or _EARLIER_VERSION, data)
    return replace(
        analysis,
        epochs=tuple(made.get("epochs", ())),
        review_budget=budget if isinstance(budget, int | float) else None,
        use_model=bool(made.get("use_model", True)),
        validation=validation,
    )


def write_analysis(run: RunFolder, analysis: Analysis) -> None:
    """Write ``analysis.parquet``, and in it of which epochs and how it was made.

    Raises:
        RunError: If it cannot be written.
    """
    made = {
        "epochs": analysis.epochs,
        "review_budget": analysis.review_budget,
        "use_model": analysis.use_model,
        **stored(analysis.findings),
    }
    frame = analysis.frame
    if analysis.validation is not None:
        frame = pl.concat([frame, analysis.validation], how="diagonal_relaxed")
    run.write_analysis(frame, made)


def current_analysis(
    run: RunFolder,
    *,
    data: str | None = None,
    on_progress: Progress | None = None,
    on_notice: Callable[[str], None] | None = None,
) -> Analysis:
    """The analysis that was written; made, or made again in the same way, where that is needed.

    Args:
        run: The run folder.
        data: Where the data lie now; None for where the run found them.
        on_progress: As in :func:`analyze`.
        on_notice: As in :func:`analyze`.
    """
    written = load_analysis(run, data=data)
    is_whole = written is not None and written.findings != _EARLIER_VERSION
    if written is not None and is_whole and written.epochs == tuple(run.epochs()):
        return written
    if written is not None and on_notice is not None:
        why = "Training went on since the last analysis"
        if not is_whole:
            why = "The last analysis is of an earlier version"
        on_notice(f"{why}; analyzing again in the same way.")
    analysis = analyze(
        run,
        review_budget=None if written is None else written.review_budget,
        use_model=True if written is None else written.use_model,
        data=data,
        on_progress=on_progress,
        on_notice=on_notice,
    )
    write_analysis(run, analysis)
    return analysis


def _assemble(
    run: RunFolder,
    frame: pl.DataFrame,
    source: RunTrajectories,
    findings: Findings,
    data: str | None,
) -> Analysis:
    description = run.description()
    folder = run.path.resolve()
    name = f"{description.get('dataset') or folder.parent.name} / {folder.name}"
    contents = _contents_of(run, data)
    analysis = assembled(name, frame, run.class_names(), source, contents, findings)
    return replace(
        analysis,
        run=run,
        class_temperatures=class_temperatures(run),
        has_temperatures=source.has_temperatures,
        judged_by=judged_by(description),
    )


def noticed_in(description: dict[str, Any]) -> tuple[str, ...]:
    """The sentences about the data that a ``run.json`` keeps, to be read before any verdict."""
    noticed = description.get("noticed")
    return tuple(map(str, noticed)) if isinstance(noticed, list) else ()


def _contents_of(run: RunFolder, data: str | None) -> SampleContents:
    """The contents of a run's samples; an error when they are read where packages are missing."""
    try:
        with missing_packages_named():
            from dataparams.run.source import ContentsOfRun
    except MissingPackageError as error:
        return UnreadableContents(error)
    return ContentsOfRun(run, data)


def assembled(
    name: str,
    frame: pl.DataFrame,
    class_names: tuple[str, ...],
    source: TrajectorySource,
    contents: SampleContents | None,
    findings: Findings,
) -> Analysis:
    """An analysis of judged samples, with what sums them up."""
    epochs = tuple(source.epochs.tolist())
    return Analysis(
        name=name,
        frame=frame,
        class_names=class_names,
        epochs=epochs,
        log_temperatures=source,
        classes=class_summary(frame, class_names, findings.unlearned),
        confusions=confusion_summary(frame),
        subgroups=subgroup_summary(frame),
        bands=band_summary(frame, epochs, source),
        findings=findings,
        contents=contents,
    )


def _describe(
    run: RunFolder,
    source: RunTrajectories,
    on_notice: Callable[[str], None] | None,
) -> Describe | FeatureSpace:
    """What sub-groups of an audit are told apart by: features, else the trajectories."""
    features = features_of_run(run)
    if features is not None:
        return FeatureSpace(features)
    if on_notice is not None and run.description()["audit"].get("encoder"):
        on_notice(
            "The features of these samples are no longer in the cache: sub-groups are told apart "
            "by trajectories. The same audit again makes them anew."
        )
    return lambda rows: source.of(rows).T


def _view_or_notice(
    run: RunFolder,
    checkpoint: str,
    ids: Sequence[str],
    dataset: AnyDataset | None,
    data: str | None,
    on_progress: Progress | None,
    on_notice: Callable[[str], None] | None,
) -> ModelView | None:
    """What the model makes of the samples, or None and a word about why not."""
    if len(ids) * len(run.class_names()) > _MOST_MODEL_CELLS:
        if on_notice is not None:
            on_notice("The trajectories alone count: the model's view of so many does not fit.")
        return None
    try:
        with missing_packages_named():
            from dataparams.analysis.model_view import view_through_model

            return view_through_model(
                run,
                ids,
                checkpoint=checkpoint,
                dataset=dataset,
                data=data,
                on_progress=on_progress,
            )
    except ChangedDataError as error:
        raise ChangedDataError(
            f"{error} `use_model=False` analyzes the trajectories alone, which need no picture."
        ) from error
    except UserError as error:
        if data is not None:
            raise
        if on_notice is not None:
            remedy = ""
            if isinstance(error, DataError):
                from dataparams.run.source import MOVED

                remedy = f" {MOVED}"
            on_notice(f"The trajectories alone count; the model is not asked: {error}{remedy}")
        return None
