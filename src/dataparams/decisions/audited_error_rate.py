"""The share of wrong labels, as an audit of a random sample finds it."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from dataparams.decisions.adjudicators import adjudicators_in
from dataparams.decisions.agreement import agreed_decisions
from dataparams.decisions.audit_sample import audit_in
from dataparams.decisions.store import DecisionStore
from dataparams.terminal.words import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from dataparams.decisions.audit_sample import AuditSample
    from dataparams.run.folder import RunFolder

LEVEL = 0.95
"""How likely the interval covers the share."""
_HISTORY = ("number", "index", "annotator", "action", "label", "made_at", "in_audit", "undoes")


@dataclass(frozen=True)
class ErrorShare:
    """A share of wrong labels and its 95 % interval.

    Attributes:
        rate: The estimate, 0 ... 1.
        low: The lower end, 0 ... 1.
        high: The upper end, 0 ... 1.
    """

    rate: float
    low: float
    high: float

    def words(self) -> str:
        """The share and its interval in percent.

        Example:
            >>> ErrorShare(0.021, 0.009, 0.0442).words()
            '2.1 % (95 % interval 0.9 ... 4.4 %)'
        """
        return (
            f"{100 * self.rate:.1f} % ({100 * LEVEL:.0f} % interval {100 * self.low:.1f} ... "
            f"{100 * self.high:.1f} %)"
        )


@dataclass(frozen=True)
class AuditedStratum:
    """What an audit found in a pile.

    Attributes:
        name: The pile: easy, hard or review.
        size: All its samples when the audit was drawn.
        drawn: How many were drawn.
        reviewed: About how many of these people decided, without a dispute.
        wrong: Of these, those whose given label is wrong, or that fit no class.
        remaining: Of these, those that would still be wrong by all that was decided before the
            audit looked at them.
    """

    name: str
    size: int
    drawn: int
    reviewed: int
    wrong: int
    remaining: int


@dataclass(frozen=True)
class AuditedErrorRate:
    """The share of wrong labels by an audit, with the decisions applied and before.

    Attributes:
        rate: Share of all samples whose label is still wrong once everything that people decided is
            applied, also in the audit; None until a sample of every pile was reviewed.
        low: The lower end of its 95 % interval.
        high: The upper end.
        before: The share of the labels as they were given; None as above.
        at_worst: ``rate`` if all labels were wrong that were skipped or are disputed.
        drawn: How many samples were drawn.
        reviewed: About how many people decided, without a dispute.
        skipped: How many were skipped by all who looked at them.
        disputed: On how many annotators differ, with nothing that settles it.
        strata: The same by pile.
    """

    rate: float | None
    low: float | None
    high: float | None
    before: ErrorShare | None
    at_worst: float | None
    drawn: int
    reviewed: int
    skipped: int
    disputed: int
    strata: tuple[AuditedStratum, ...]

    @property
    def remaining(self) -> ErrorShare | None:
        """Rate and interval together; None where there are none."""
        if self.rate is None or self.low is None or self.high is None:
            return None
        return ErrorShare(self.rate, self.low, self.high)

    def words(self) -> str:
        """What the audit found, in sentences."""
        told = f"Audit: {self.reviewed:,} of {counted(self.drawn, 'sample')} drawn are decided"
        if self.remaining is None or self.before is None:
            return f"{told}; the share of wrong labels is known when some of every pile are."
        parts = [
            f"{told}.",
            f"Of the labels as given, {self.before.words()} are wrong.",
            f"With the decisions applied, {self.remaining.words()} still are.",
        ]
        if self.skipped or self.disputed:
            parts.append(
                f"Left out: {self.skipped:,} skipped, {self.disputed:,} disputed; were all of them "
                f"wrong, {100 * (self.at_worst or 0):.1f} % would be."
            )
        return " ".join(parts)


def audited_error_rate(run: RunFolder) -> AuditedErrorRate | None:
    """The share of wrong labels in a run, by its audit; None where none was drawn.

    A drawn sample is judged by what people decided since it was first decided about in the audit,
    settled as everywhere: who differ are settled by an adjudicator, or the majority of three. What
    nobody decided about (not yet, or skipped), and what is disputed, is left out as if it had not
    been drawn; ``at_worst`` says how much that could matter.

    A label is wrong if people chose another class, or discarded the sample. It still is, with the
    decisions applied, if what people had decided before the audit came to the sample would leave a
    wrong label in the data. What the audit itself found is corrected, so that only samples outside
    it count; see :func:`stratified_share` for estimate and interval.

    Args:
        run: The run folder.

    Raises:
        RunError: If the decisions or samples cannot be read.
    """
    if not run.review.is_file():
        return None
    with closing(DecisionStore(run.review, read_only=True)) as store:
        audit = audit_in(store.database)
        if audit is None:
            return None
        history, adjudicators = store.history(of_audit=True), adjudicators_in(store.database)
    given = run.judged_samples().select("index", given="label")
    return error_rate_of(audit, history, adjudicators, given)


def error_rate_of(
    audit: AuditSample, history: pl.DataFrame, adjudicators: Sequence[str], given: pl.DataFrame
) -> AuditedErrorRate:
    """The share of wrong labels; see :func:`audited_error_rate`.

    Args:
        audit: What was drawn.
        history: All decisions and undos.
        adjudicators: Whose decisions settle disputes.
        given: ``index`` and ``given`` (label) of all samples.
    """
    table = _judged(audit, history, adjudicators, given)
    strata = tuple(
        AuditedStratum(
            name,
            size,
            drawn=len(part := table.filter(pl.col("stratum") == name)),
            reviewed=int(part["is_reviewed"].sum()),
            wrong=int(part["is_wrong"].sum()),
            remaining=int(part["remains"].sum()),
        )
        for name, size in audit.sizes.items()
    )
    undecided = int((table["is_skipped"] | table["is_disputed"]).sum())
    sizes, reviewed = [one.size for one in strata], [one.reviewed for one in strata]
    before = remaining = None
    at_worst = None
    if strata and all(reviewed):
        before = stratified_share(sizes, reviewed, [one.wrong for one in strata])
        remaining = stratified_share(
            sizes, reviewed, [one.remaining for one in strata], are_corrected=True
        )
        at_worst = _at_worst(table, sizes, list(audit.sizes)) if undecided else remaining.rate
    return AuditedErrorRate(
        rate=None if remaining is None else remaining.rate,
        low=None if remaining is None else remaining.low,
        high=None if remaining is None else remaining.high,
        before=before,
        at_worst=at_worst,
        drawn=len(table),
        reviewed=sum(reviewed),
        skipped=int(table["is_skipped"].sum()),
        disputed=int(table["is_disputed"].sum()),
        strata=strata,
    )


def stratified_share(
    sizes: Sequence[int],
    reviewed: Sequence[int],
    wrong: Sequence[int],
    *,
    are_corrected: bool = False,
    draws: int = 10_000,
) -> ErrorShare:
    """The share of wrong ones in a stratified population, and its 95 % interval.

    The estimate is the stratified one, the sum over strata of N_h (k_h / n_h), divided by N
    (Cochran, "Sampling Techniques", 3rd edition, 1977, sections 5.3 and 5.10); with
    ``are_corrected`` N_h - n_h stands for N_h, as the n_h are right afterwards.

    Cochran's interval, the estimate and 1.96 standard errors, is far too short where few are wrong
    (none were found in a stratum, so its variance is 0). The interval is instead "melded" (Fay,
    Proschan and Brittain, "Combining one-sample confidence procedures for inference in the
    two-sample case", Biometrics 71, 2015): of each stratum the distributions behind Clopper's and
    Pearson's exact limits are drawn from, Beta(k, n - k + 1) for the lower end and
    Beta(k + 1, n - k) for the upper, the number among the N_h - n_h that were not reviewed follows
    as a binomial, and the sums have the ends as quantiles, of random draws with a fixed seed. It
    covers at least 95 % also where nothing or nearly nothing is wrong, and is longer than needed
    there. Where no wrong one was found the lower end is 0.

    Args:
        sizes: N_h, the number of samples in each stratum, above 0.
        reviewed: n_h, how many of these, drawn at random, were reviewed, above 0.
        wrong: k_h, how many of these are wrong.
        are_corrected: Whether the wrong ones that were found do not count any more.
        draws: How many sums the ends are quantiles of.

    Example:
        >>> stratified_share([900, 60, 40], [70, 14, 16], [0, 11, 6]).words()
        '6.2 % (95 % interval 4.5 ... 10.9 %)'
        >>> stratified_share([50], [50], [5], are_corrected=True)
        ErrorShare(rate=0.0, low=0.0, high=0.0)
    """
    population, n, k = (np.asarray(one, dtype=np.int64) for one in (sizes, reviewed, wrong))
    unseen = population - n
    found = 0 if are_corrected else int(k.sum())
    total = int(population.sum())
    rate = (found + float((unseen * (k / n)).sum())) / total
    rng = np.random.default_rng(0)
    low, high = (
        (found + float(np.quantile(_unseen_wrong(rng, draws, unseen, a, b), share))) / total
        for a, b, share in ((k, n - k + 1, (1 - LEVEL) / 2), (k + 1, n - k, (1 + LEVEL) / 2))
    )
    return ErrorShare(rate, min(low, rate), max(high, rate))


def _unseen_wrong(
    rng: np.random.Generator,
    draws: int,
    unseen: NDArray[np.int64],
    a: NDArray[np.int64],
    b: NDArray[np.int64],
) -> NDArray[np.int64]:
    """How many of those not reviewed are wrong, (draws,), with shares from Beta(a, b)."""
    share = rng.beta(np.maximum(a, 1), np.maximum(b, 1), (draws, len(a)))
    # Beta(0, b) is all at 0, Beta(a, 0) all at 1.
    share = np.where(a == 0, 0.0, np.where(b == 0, 1.0, share))
    sums: NDArray[np.int64] = rng.binomial(unseen, share).sum(axis=1)
    return sums


def _at_worst(table: pl.DataFrame, sizes: Sequence[int], names: Sequence[str]) -> float:
    """The share that remains if all that nobody could decide about were wrong."""
    looked = table.filter(pl.col("is_reviewed") | pl.col("is_skipped") | pl.col("is_disputed"))
    total = 0.0
    for name, size in zip(names, sizes, strict=True):
        part = looked.filter(pl.col("stratum") == name)
        undecided = len(part) - int(part["is_reviewed"].sum())
        wrong = int(part["remains"].sum()) + undecided
        total += (size - len(part)) * wrong / len(part) + undecided
    return total / sum(sizes)


def _judged(
    audit: AuditSample, history: pl.DataFrame, adjudicators: Sequence[str], given: pl.DataFrame
) -> pl.DataFrame:
    """The drawn samples: ``stratum``, and whether each is reviewed, wrong, wrong afterwards."""
    taken_back = history["undoes"].drop_nulls().implode()
    standing = (
        history.select(_HISTORY)
        .filter((pl.col("action") != "undo") & ~pl.col("number").is_in(taken_back))
        .join(audit.samples.select("index"), on="index", how="semi")
        .with_columns(is_adjudicator=pl.col("annotator").is_in(list(adjudicators)))
    )
    begun = standing.filter("in_audit").group_by("index").agg(begin=pl.col("number").min())
    standing = standing.join(begun, on="index")
    is_since = pl.col("number") >= pl.col("begin")
    verdicts, earlier = (_settled(standing.filter(part)) for part in (is_since, ~is_since))
    table = (
        audit.samples.select("index", "stratum")
        .join(given, on="index", how="left")
        .join(verdicts, on="index", how="left")
        .join(
            earlier.select(
                "index",
                earlier_action="action",
                earlier_label="label",
                was_disputed="is_disputed",
            ),
            on="index",
            how="left",
        )
    )
    is_reviewed = pl.col("action").is_in(["keep", "relabel", "discard"]).fill_null(value=False)
    is_out = pl.col("action") == "discard"
    is_wrong = is_out | (pl.col("label") != pl.col("given"))
    had_say = pl.col("earlier_action").is_in(["keep", "relabel"])
    # What was discarded or is disputed is not in the cleaned data.
    was_out = ((pl.col("earlier_action") == "discard") | pl.col("was_disputed")).fill_null(
        value=False
    )
    stood = pl.when(had_say).then("earlier_label").otherwise("given")
    remains = ~was_out & (is_out | (pl.col("label") != stood))
    return table.select(
        "stratum",
        is_reviewed=is_reviewed,
        is_wrong=is_reviewed & is_wrong.fill_null(value=False),
        remains=is_reviewed & remains.fill_null(value=False),
        is_skipped=(pl.col("action") == "skip").fill_null(value=False),
        is_disputed=pl.col("is_disputed").fill_null(value=False),
    )


def _settled(standing: pl.DataFrame) -> pl.DataFrame:
    """What counts of some decisions: the last of each annotator, disputes settled."""
    last = standing.sort("number").unique(["index", "annotator"], keep="last", maintain_order=True)
    return agreed_decisions(last).select("index", "action", "label", "is_disputed")
