"""From a run, or from arrays of one's own, to an analysis."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from dataparams.analysis.class_temperatures import class_temperatures
from dataparams.analysis.judgment import analyzed_frame
from dataparams.analysis.noise_rate import NoiseEstimate
from dataparams.analysis.result import CATEGORIES, Analysis
from dataparams.analysis.source import PicturesOfRun
from dataparams.analysis.summaries import (
    band_summary,
    class_summary,
    confusion_summary,
    subgroup_summary,
)
from dataparams.analysis.trajectories import (
    ArrayTrajectories,
    RunTrajectories,
    Trajectories,
    trained_samples,
)
from dataparams.errors import UserError
from dataparams.runs import RunFolder
from dataparams.table_checks import require_among, require_range

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from dataparams.analysis.model_view import ModelView
    from dataparams.analysis.result import Pictures
    from dataparams.analysis.trajectories import TrajectorySource
    from dataparams.data import AnyDataset

    Progress = Callable[[int, int], None]

_MOST_MODEL_CELLS = 200_000_000


def analyze(
    run: RunFolder | Path | str,
    *,
    review_budget: float | None = None,
    use_model: bool = True,
    dataset: AnyDataset | None = None,
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
        on_progress: Called with the number of samples shown to the model and of all.
        on_notice: Called with a sentence where something could not be had.

    Raises:
        UserError: If the budget is no share.
        RunError: If the folder is no run, has no finished epoch, or no instance parameters.
    """
    _require_share(review_budget)
    run = run if isinstance(run, RunFolder) else RunFolder(Path(run))
    class_names = run.class_names()
    samples = trained_samples(run)
    require_range(samples, "label", len(class_names), run.path / "samples.parquet")
    source = RunTrajectories(run, samples["index"].to_numpy())

    def look(checkpoint: str) -> ModelView | None:
        index = samples["index"].to_numpy()
        return _view_or_notice(run, checkpoint, index, dataset, on_progress, on_notice)

    frame = analyzed_frame(
        samples,
        class_names,
        source,
        initial=run.initial_log_temperature(),
        look=look if use_model else None,
        review_budget=review_budget,
    )
    return replace(_assemble(run, frame, source), review_budget=review_budget, use_model=use_model)


def analyze_trajectories(
    log_temperature: NDArray[np.floating],
    labels: NDArray[np.integer],
    *,
    initial: float = 0.0,
    margin: NDArray[np.floating] | None = None,
    loss: NDArray[np.floating] | None = None,
    rival: NDArray[np.integer] | None = None,
    class_names: Sequence[str] | None = None,
    ids: Sequence[str] | None = None,
    pictures: Pictures | None = None,
    review_budget: float | None = None,
) -> Analysis:
    """The same for arrays from a training loop of one's own, without a run folder.

    Args:
        log_temperature: Log of ``DataParameters.instance_parameters`` after every epoch,
            (epochs, n).
        initial: Log temperature at the start.
        labels: Given labels, (n,), 0 or above.
        margin: Logit of the given label minus the highest other one, (epochs, n), if known.
        loss: Cross-entropy without temperature, (epochs, n), if known.
        rival: Class of the highest logit other than the given label's, (epochs, n), if known.
            Labels are suggested only where margin, loss and rival are all known.
        class_names: Names of the classes; their numbers by default.
        ids: Names of the samples; their numbers by default.
        pictures: Where pictures come from, by id; needed for drawing grids.
        review_budget: The largest share that may need review, 0 ... 1; None for no limit.

    Raises:
        ValueError: If shapes do not fit, or values are not finite or out of their range.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> labels = rng.integers(0, 2, 300)
        >>> drift = np.where(np.arange(300) < 30, 0.1, -0.1)
        >>> log_temperature = np.cumsum(drift + rng.normal(0, 0.02, (20, 300)), axis=0)
        >>> analysis = analyze_trajectories(log_temperature, labels)
        >>> analysis.frame["category"].value_counts().sort("count")["category"].to_list()
        ['hard', 'easy']
    """
    _require_share(review_budget)
    log_temperature, labels = np.asarray(log_temperature), np.asarray(labels)
    if log_temperature.ndim != 2 or not log_temperature.size:
        raise ValueError(
            f"log_temperature has shape {log_temperature.shape}; expected (epochs, instances)."
        )
    count = log_temperature.shape[1]
    if labels.shape != (count,):
        raise ValueError(f"labels has shape {labels.shape}; expected ({count},), one per instance.")
    named = {"log_temperature": log_temperature, "margin": margin, "loss": loss, "rival": rival}
    for name, values in named.items():
        if values is not None and np.shape(values) != log_temperature.shape:
            raise ValueError(
                f"{name} has shape {np.shape(values)}; expected {log_temperature.shape}."
            )
        if values is not None and not np.isfinite(values).all():
            raise ValueError(f"{name} has values that are not finite; expected finite numbers.")
    most = max(int(labels.max()), 0 if rival is None else int(np.max(rival)))
    names = tuple(map(str, range(most + 1) if class_names is None else class_names))
    for name, values in (("labels", labels), ("rival", rival)):
        if values is not None and not 0 <= np.min(values) <= np.max(values) < len(names):
            raise ValueError(
                f"{name} runs from {np.min(values)} to {np.max(values)}; expected "
                f"0 ... {len(names) - 1}, since there are {len(names)} classes."
            )
    sample_ids = list(map(str, range(count) if ids is None else ids))
    if len(sample_ids) != count:
        raise ValueError(f"There are {len(sample_ids)} ids; expected {count}, one per instance.")
    source = ArrayTrajectories(
        Trajectories(
            log_temperature.astype(np.float32),
            margin=None if margin is None else np.asarray(margin, np.float32),
            loss=None if loss is None else np.asarray(loss, np.float32),
            rival=None if rival is None else np.asarray(rival),
        )
    )
    samples = pl.DataFrame(
        {"index": np.arange(count), "id": sample_ids, "label": labels.astype(np.int64)}
    )
    frame = analyzed_frame(samples, names, source, initial=initial, review_budget=review_budget)
    return _assembled("arrays", frame, names, source, pictures)


def load_analysis(run: RunFolder) -> Analysis | None:
    """The analysis that was written last, or None where there is none.

    Where training went on since, it has fewer ``epochs`` than the run.

    Raises:
        RunError: If ``analysis.parquet`` is damaged.
    """
    found = run.analysis()
    if found is None:
        return None
    frame, made = found
    require_among(frame, "category", CATEGORIES, run.path / "analysis.parquet")
    budget = made.get("review_budget")
    analysis = _assemble(run, frame, RunTrajectories(run, frame["index"].to_numpy()))
    return replace(
        analysis,
        epochs=tuple(made.get("epochs", ())),
        review_budget=budget if isinstance(budget, int | float) else None,
        use_model=bool(made.get("use_model", True)),
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
    }
    run.write_analysis(analysis.frame, made)


def current_analysis(
    run: RunFolder,
    *,
    on_progress: Progress | None = None,
    on_notice: Callable[[str], None] | None = None,
) -> Analysis:
    """The analysis that was written; made, or made again in the same way, where that is needed.

    Args:
        run: The run folder.
        on_progress: As in :func:`analyze`.
        on_notice: As in :func:`analyze`.
    """
    written = load_analysis(run)
    if written is not None and written.epochs == tuple(run.epochs()):
        return written
    if written is not None and on_notice is not None:
        on_notice("Training went on since the last analysis; analyzing again in the same way.")
    analysis = analyze(
        run,
        review_budget=None if written is None else written.review_budget,
        use_model=True if written is None else written.use_model,
        on_progress=on_progress,
        on_notice=on_notice,
    )
    write_analysis(run, analysis)
    return analysis


def _assemble(run: RunFolder, frame: pl.DataFrame, source: TrajectorySource) -> Analysis:
    description = run.description()
    name = f"{description.get('dataset', run.path.parent.name)} / {run.path.name}"
    analysis = _assembled(name, frame, run.class_names(), source, PicturesOfRun(description))
    return replace(analysis, class_temperatures=class_temperatures(run))


def _assembled(
    name: str,
    frame: pl.DataFrame,
    class_names: tuple[str, ...],
    source: TrajectorySource,
    pictures: Pictures | None,
) -> Analysis:
    epochs = tuple(source.epochs.tolist())
    rate = float(frame["noise_probability"].mean() or 0.0)  # type: ignore[arg-type]
    return Analysis(
        name=name,
        frame=frame,
        class_names=class_names,
        epochs=epochs,
        log_temperatures=source,
        classes=class_summary(frame, class_names),
        confusions=confusion_summary(frame),
        subgroups=subgroup_summary(frame),
        bands=band_summary(frame, epochs, source),
        noise=NoiseEstimate(rate, rate, rate),
        pictures=pictures,
    )


def _view_or_notice(
    run: RunFolder,
    checkpoint: str,
    index: NDArray[np.integer],
    dataset: AnyDataset | None,
    on_progress: Progress | None,
    on_notice: Callable[[str], None] | None,
) -> ModelView | None:
    """What the model makes of the samples, or None and a word about why not."""
    from dataparams.analysis.model_view import view_through_model

    if len(index) * len(run.class_names()) > _MOST_MODEL_CELLS:
        if on_notice is not None:
            on_notice("The trajectories alone count: the model's view of so many does not fit.")
        return None
    try:
        return view_through_model(
            run, index, checkpoint=checkpoint, dataset=dataset, on_progress=on_progress
        )
    except UserError as error:
        if on_notice is not None:
            on_notice(f"The trajectories alone count; the model is not asked: {error}")
        return None


def _require_share(review_budget: float | None) -> None:
    if review_budget is not None and not 0 <= review_budget <= 1:
        raise UserError(
            f"The review budget is {review_budget}; expected a share, 0 ... 1, such as 5%."
        )
