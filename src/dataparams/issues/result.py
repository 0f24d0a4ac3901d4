"""The issues that were found: a table in the columns that users of Datalab know, and a report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from dataparams.analysis.label_issues import is_label_issue, label_score
from dataparams.analysis.verdict_text import verdict_text, wrong_labels_words
from dataparams.errors import ArgumentError
from dataparams.terminal.words import counted

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from dataparams.analysis.result import Analysis

IssueName = Literal["label", "outlier"]
_COLUMNS: dict[str, tuple[str, ...]] = {
    "label": (
        *("is_label_issue", "label_score", "given_label", "predicted_label"),
        *("noise_probability", "suggested_label", "suggested_confidence", "category"),
    ),
    "outlier": ("is_outlier_issue", "outlier_score"),
}
_NO_FEATURES = (
    "outliers are looked for by `features`, and none were given; expected 'label', or `features`"
)


class Issues:
    """What was found of n samples.

    Attributes:
        analysis: All of it, as :func:`dataparams.analyze` gives it: of the samples that there was
            anything to judge by.
        issues: A row per sample, in the order in which they were given: ``is_label_issue``,
            ``label_score`` (evidence for the label, 0 ... 1, low is bad), ``given_label``,
            ``predicted_label`` (names); where features were given ``is_outlier_issue`` and
            ``outlier_score`` (0 ... 1, low is bad); and of ours ``id``, ``noise_probability`` (that
            the label is wrong),
            ``suggested_label`` (a name; null where no other class is likelier),
            ``suggested_confidence`` (how likely ``predicted_label`` is true) and ``category``
            (``easy``, ``hard``, ``review``). Null of samples that are not judged.

    Args:
        analysis: The analysis of the samples that were judged.
        labels: Given labels of all n samples, (n,).
        ids: Their names, (n,).

    Example:
        >>> import numpy as np
        >>> from dataparams import find_issues
        >>> labels = np.arange(200) % 2
        >>> pred_probs = np.where(np.arange(2) == (np.arange(200) // 2 % 2)[:, None], 0.8, 0.2)
        >>> find_issues(labels, pred_probs).get_issues("label").columns[:4]
        ['is_label_issue', 'label_score', 'given_label', 'predicted_label']
    """

    def __init__(self, analysis: Analysis, labels: NDArray[np.int64], ids: pl.Series) -> None:
        self.analysis = analysis
        self.issues = _issues(analysis, labels, ids)

    @property
    def issue_summary(self) -> pl.DataFrame:
        """A row per kind of issue: ``issue_type``, ``score`` (mean) and ``num_issues``."""
        rows = [
            {
                "issue_type": name,
                "score": self.issues[f"{name}_score"].mean(),
                "num_issues": int(self.issues[f"is_{name}_issue"].sum()),
            }
            for name in self._names()
        ]
        return pl.DataFrame(rows)

    def get_issues(self, name: IssueName | str | None = None) -> pl.DataFrame:
        """The columns of a kind of issue, n rows; all of them by default.

        Args:
            name: ``"label"``, or ``"outlier"`` where features were given.

        Raises:
            ArgumentError: If there is no such kind.
        """
        if name is None:
            return self.issues
        if name not in self._names():
            known = ", ".join(map(repr, self._names()))
            why = _NO_FEATURES if name == "outlier" else f"expected one of {known}"
            raise ArgumentError(f"`name` is {name!r}; {why}.")
        return self.issues.select(_COLUMNS[name])

    def report(self, worst: int = 10) -> str:
        """What was found, in words: how many labels are wrong, the worst, what is confused.

        Args:
            worst: How many of the most suspicious samples to list.
        """
        judged_by = self.analysis.judged_by
        how = "" if judged_by is None else f"{judged_by.sentence()}\n\n"
        left = int(self.issues["label_score"].null_count())
        if left:
            how += (
                f"{counted(left, 'sample')} of {len(self.issues):,} cannot be judged: nothing but "
                "NaN was given.\n\n"
            )
        return how + verdict_text(self.analysis, worst)

    def to_pandas(self) -> Any:
        """``issues`` as a table of pandas.

        Raises:
            ArgumentError: If pandas is not installed.
        """
        try:
            import pandas as pd
        except ModuleNotFoundError as error:
            raise ArgumentError(
                "pandas is not installed: pip install pandas. `issues` is a table of Polars, which "
                "needs nothing else."
            ) from error
        return pd.DataFrame(
            {
                column.name: (column.to_list() if column.dtype == pl.String else column.to_numpy())
                for column in self.issues.iter_columns()
            }
        )

    def _names(self) -> list[str]:
        return [name for name in _COLUMNS if f"is_{name}_issue" in self.issues.columns]

    def __repr__(self) -> str:
        found = ", ".join(
            f"{row['num_issues']:,} {row['issue_type']} issues"
            for row in self.issue_summary.iter_rows(named=True)
        )
        place = "" if self.analysis.run is None else f" in {self.analysis.run.path}"
        return (
            f"Issues of {counted(len(self.issues), 'sample')}{place}: {found}\n"
            f"{wrong_labels_words(self.analysis.noise, len(self.analysis.frame))}"
        )


def _issues(analysis: Analysis, labels: NDArray[np.int64], ids: pl.Series) -> pl.DataFrame:
    frame = analysis.frame
    names = np.array(analysis.class_names, dtype=object)
    is_other = pl.col("suggested_label") != pl.col("label")
    unjudged = analysis.classes.filter(pl.col("unjudged").is_not_null())["label"]
    outliers = []
    if "is_outlier" in frame.columns:
        outliers = [
            pl.col("is_outlier").alias("is_outlier_issue"),
            (1 - pl.col("outlier_score")).alias("outlier_score"),
        ]
    found = frame.select(
        "index",
        is_label_issue(frame, is_known=analysis.noise.is_known, unjudged=unjudged),
        label_score(frame),
        pl.col("suggested_name").alias("predicted_label"),
        *outliers,
        "noise_probability",
        pl.when(is_other).then("suggested_name").alias("suggested_label"),
        "suggested_confidence",
        "category",
    )
    whole = pl.DataFrame(
        {
            "index": np.arange(len(labels)),
            "id": ids,
            "given_label": pl.Series(names[labels], dtype=pl.String),
        }
    )
    joined = whole.join(found, on="index", how="left", maintain_order="left")
    flags = [name for name in ("is_label_issue", "is_outlier_issue") if name in joined.columns]
    order = [*_COLUMNS["label"], *(_COLUMNS["outlier"] if outliers else ())]
    return joined.with_columns(pl.col(name).fill_null(value=False) for name in flags).select(
        "id", *order
    )
