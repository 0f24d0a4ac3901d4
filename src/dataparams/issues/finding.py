"""``find_issues``: from labels and what somebody has beside them to the labels in doubt."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import polars as pl

from dataparams.errors import ArgumentError
from dataparams.extras import missing_packages_named

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from dataparams.issues.result import Issues
    from dataparams.terminal.progress import ProgressDisplay


def find_issues(
    labels: Any,
    pred_probs: Any = None,
    features: Any = None,
    logits: Any = None,
    samples: Any = None,
    class_names: Sequence[str] | None = None,
    out: str | Path | None = None,
    *,
    ids: Sequence[str] | None = None,
    seed: int = 0,
    progress: bool = False,
) -> Issues:
    """Find labels that are probably wrong, by predictions or features that are at hand.

    Give what there is: arrays of NumPy, lists, tables of pandas and Polars, tensors; from
    scikit-learn, XGBoost, Keras, JAX, PyTorch or a service. Of several kinds all are used together.
    A sample of which something is not known has NaN in all of that row; one of which nothing is
    known is not judged.

    Args:
        labels: Given labels, (n,): class numbers from 0, or names.
        pred_probs: Class probabilities, (n, C), by models that did not learn from the sample that
            they speak of, such as of ``cross_val_predict(..., method="predict_proba")``.
        features: What describes the samples, (n, d), such as embeddings: small classifiers are
            trained on them with data parameters, in folds, as an audit does.
        logits: Scores before the softmax, (n, C), of models that did not learn from the sample; or
            of some epochs of one training, (epochs, n, C), which may have. A sample that took no
            part in an epoch has NaN there, and is taken as in the epoch before.
        samples: The samples themselves, to be shown later: texts, a table, paths of images, a data
            set; used with ``out``.
        class_names: Names of the classes, in the order of the columns. By default numbers, or the
            names among ``labels`` in alphabetical order, which is scikit-learn's.
        out: A run folder to write, on which ``dataparams report``, ``review``, ``clean`` and
            ``export`` work; by default nothing is written.
        ids: Names of the samples, none twice; their numbers by default.
        seed: Seed of folds and batches, 0 or above.
        progress: Show progress in the terminal; needs ``dataparams[app]``.

    Returns:
        The issues: a table with a row per sample, and what they sum up to.

    Raises:
        ArgumentError: If an array is not as described.
        RunError: If something lies at ``out`` already, or it cannot be written.
        MissingPackageError: If ``progress`` is asked for and cannot be shown.

    Example:
        Digits of scikit-learn, one label of five made wrong, and a nearest-neighbor classifier:

        >>> import numpy as np
        >>> from sklearn.datasets import load_digits
        >>> from sklearn.model_selection import cross_val_predict
        >>> from sklearn.neighbors import KNeighborsClassifier
        >>> pixels, truth = load_digits(return_X_y=True)
        >>> is_wrong = np.arange(len(truth)) % 5 == 0
        >>> labels = np.where(is_wrong, (truth + 1 + np.arange(len(truth)) % 9) % 10, truth)
        >>> pred_probs = cross_val_predict(
        ...     KNeighborsClassifier(20), pixels, labels, method="predict_proba"
        ... )
        >>> issues = find_issues(labels, pred_probs)
        >>> found = issues.get_issues("label")
        >>> worst = found.with_row_index("row").sort("label_score")["row"][:300].to_numpy()
        >>> bool(is_wrong[worst].mean() > 0.95)
        True
    """
    from dataparams.analysis.held_out_arrays import analyze_held_out
    from dataparams.issues.given_arrays import checked_arrays
    from dataparams.issues.given_labels import given_labels, label_values
    from dataparams.issues.judging import evidence_of
    from dataparams.issues.result import Issues
    from dataparams.issues.run_writing import require_free, write_run
    from dataparams.issues.tables import tables_of
    from dataparams.recording.sample_kinds import frame_of

    if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
        raise ArgumentError(f"`seed` is {seed!r}; expected a whole number, 0 or above.")
    if out is not None:
        require_free(out)
        # What is wrong with a table is said before heads are trained.
        frame = frame_of(samples)
        samples = samples if frame is None else frame
    values = label_values(labels)
    if samples is not None and hasattr(samples, "__len__") and len(samples) != len(values):
        raise ArgumentError(
            f"`samples` has {len(samples)} samples and `labels` {len(values)}; expected as many of "
            "both, in the same order."
        )
    given = checked_arrays(pred_probs, features, logits, len(values))
    numbered = given_labels(values, class_names, given.num_columns, _columns(pred_probs))
    names = _ids(ids, len(values))
    with _display(shows=progress) as display:
        evidence = evidence_of(
            given,
            numbered,
            seed=seed,
            on_progress=lambda done, total: display.stage("heads", done, total),
        )
    tables = tables_of(given, numbered, evidence, names, seed=seed)
    if out is None:
        analysis = analyze_held_out(tables, evidence.features)
    else:
        analysis = write_run(out, tables, evidence.features, numbered, names, samples)
    return Issues(analysis, numbered.numbers, names)


def _columns(pred_probs: Any) -> list[str] | None:
    """The names of a table's columns, where they are texts."""
    columns = getattr(pred_probs, "columns", None)
    if columns is None or callable(columns):
        return None
    names = list(columns)
    return names if all(isinstance(name, str) for name in names) else None


def _ids(ids: Sequence[str] | None, count: int) -> pl.Series:
    from dataparams.recording.recorded_samples import numbered_ids

    if ids is None:
        return numbered_ids("train", count)
    names = pl.Series("id", list(map(str, ids)), dtype=pl.String)
    if len(names) != count:
        raise ArgumentError(f"`ids` has {len(names)} names; expected {count}, one per label.")
    if names.n_unique() < count:
        twice = names.filter(names.is_duplicated())[0]
        raise ArgumentError(f"`ids` has {twice!r} twice; expected a name of its own for each.")
    return names


@contextmanager
def _display(*, shows: bool) -> Iterator[ProgressDisplay]:
    from dataparams.terminal.progress import SilentProgress, progress_display

    if not shows:
        yield SilentProgress()
        return
    with missing_packages_named(), progress_display("find issues") as display:
        yield display
