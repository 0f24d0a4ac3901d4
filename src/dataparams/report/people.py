"""What people decided about the samples: before and after, by whom, and how far they agree."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import polars as pl

from dataparams.decisions.agreement import Agreement, agreed_decisions, cohen_kappa
from dataparams.decisions.store import ACTIONS, DecisionStore

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataparams.analysis.result import Analysis
    from dataparams.run.folder import RunFolder

_MOST_CLASSES = 30
_MOST_PAIRS = 10
_CATEGORIES = ("hard", "review", "easy")


@dataclass(frozen=True)
class AnnotatorCounts:
    """How often a person decided what."""

    name: str
    keep: int
    relabel: int
    discard: int
    skip: int
    is_adjudicator: bool = False


@dataclass(frozen=True)
class ClassBeforeAfter:
    """The samples of a class before the decisions and after them.

    Attributes:
        name: Of the class.
        before: How many were given the class.
        to_others: How many of them got another one.
        discarded: How many of them were left out.
        from_others: How many of other classes got this one.
    """

    name: str
    before: int
    to_others: int
    discarded: int
    from_others: int

    @property
    def after(self) -> int:
        """How many have the class now."""
        return self.before - self.to_others - self.discarded + self.from_others


@dataclass(frozen=True, eq=False)
class PeoplesDecisions:
    """What people decided.

    Attributes:
        agreed: A row per sample with a decision that counts: ``index``, ``label`` (given),
            ``new_label`` (null for discarded), ``action``, ``category``; most suspicious first.
        annotators: What each person decided.
        pairs: The agreement of each pair with samples in common, most in common first.
        skipped: Samples that were skipped and not decided by anybody.
        disputed: Samples on which people want different things, and which nobody has settled.
        by_majority: Samples on which they differed, settled by the majority of three or more.
        by_adjudicator: Those that an adjudicator settled.
        adjudicators: Names of the adjudicators who did, ascending.
        first: The first moment, ISO 8601.
        last: The last one.
        classes: The classes that changed, most changes first.
        unchanged_classes: How many did not, or are not listed.
        undecided: Hard and need-review samples without a decision that counts, by category, without
            disputed ones.
    """

    agreed: pl.DataFrame
    annotators: tuple[AnnotatorCounts, ...]
    pairs: tuple[Agreement, ...]
    skipped: int
    disputed: int
    by_majority: int
    by_adjudicator: int
    adjudicators: tuple[str, ...]
    first: str
    last: str
    classes: tuple[ClassBeforeAfter, ...]
    unchanged_classes: int
    undecided: dict[str, int]

    @property
    def differed(self) -> int:
        """On how many samples people wanted different things, settled or not."""
        return self.disputed + self.by_majority + self.by_adjudicator

    @property
    def decided(self) -> int:
        """How many samples have a decision that counts."""
        return len(self.agreed)

    @property
    def looked_at(self) -> int:
        """How many samples somebody decided about, those in dispute included."""
        return self.decided + self.disputed

    @property
    def kept(self) -> int:
        """How many given labels were confirmed."""
        return int((self.agreed["new_label"] == self.agreed["label"]).sum())

    @property
    def discarded(self) -> int:
        """How many samples were left out."""
        return self.agreed["new_label"].null_count()

    @property
    def relabeled(self) -> int:
        """How many got another label."""
        return self.decided - self.kept - self.discarded

    @cached_property
    def new_labels(self) -> dict[int, int | None]:
        """The label that counts, None for discarded, by the number of the sample."""
        return dict(self.agreed.select("index", "new_label").iter_rows())

    @property
    def corrected(self) -> pl.DataFrame:
        """The rows of ``agreed`` with another label than the given one."""
        return self.agreed.filter(pl.col("new_label") != pl.col("label"))

    @property
    def found(self) -> list[tuple[str, int, int]]:
        """Of each category how many were wrong, and how many were looked at, where any was."""
        is_wrong = pl.col("new_label").is_null() | (pl.col("new_label") != pl.col("label"))
        counts = self.agreed.group_by("category").agg(wrong=is_wrong.sum(), all=pl.len())
        by_name = {row["category"]: row for row in counts.iter_rows(named=True)}
        return [
            (name, int(by_name[name]["wrong"]), int(by_name[name]["all"]))
            for name in _CATEGORIES
            if name in by_name
        ]


def peoples_decisions(run: RunFolder, analysis: Analysis) -> PeoplesDecisions | None:
    """What people decided about the samples of a run; None where nobody did.

    Raises:
        RunError: If the file of decisions is damaged.
    """
    if not run.review.is_file():
        return None
    store = DecisionStore(run.review, read_only=True)
    in_force = store.in_force()
    store.close()
    known = _judged(run, analysis)
    in_force = in_force.filter(pl.col("index").is_in(known["index"].implode()))
    return decisions_of(in_force, known, analysis.class_names) if len(in_force) else None


def decisions_of(
    in_force: pl.DataFrame, known: pl.DataFrame, class_names: Sequence[str]
) -> PeoplesDecisions:
    """Sum up decisions.

    Args:
        in_force: What :meth:`dataparams.decisions.store.DecisionStore.in_force` gives; some.
        known: ``index``, ``label``, ``category`` and ``suspicion`` of all samples; the last two
            null where a sample was not judged.
        class_names: Name of class 0, 1, ...
    """
    every = agreed_decisions(in_force)
    counted = every.filter(pl.col("action").is_in(["keep", "relabel", "discard"]))
    agreed = (
        counted.select("index", "action", new_label=pl.col("label").cast(pl.Int64))
        .join(known.with_columns(pl.col("label").cast(pl.Int64)), on="index", how="left")
        .sort("suspicion", descending=True, nulls_last=True)
    )
    classes = _classes(agreed, known, class_names)
    return PeoplesDecisions(
        agreed=agreed,
        annotators=_annotators(in_force),
        pairs=_pairs(in_force),
        skipped=int((every["action"] == "skip").sum()),
        disputed=int(every["is_disputed"].sum()),
        by_majority=int((every["settled_by"] == "majority").sum()),
        by_adjudicator=int((every["settled_by"] == "adjudicator").sum()),
        adjudicators=_adjudicators(in_force, every),
        first=str(in_force["made_at"].min()),
        last=str(in_force["made_at"].max()),
        classes=tuple(classes[:_MOST_CLASSES]),
        unchanged_classes=len(class_names) - len(classes),
        undecided=_undecided(known, every.filter(pl.col("action").ne_missing("skip"))),
    )


def _judged(run: RunFolder, analysis: Analysis) -> pl.DataFrame:
    """``index``, ``label``, ``category`` and ``suspicion`` of all samples of the run."""
    judged = analysis.frame.select("index", "label", "category", "suspicion")
    others = run.contents().select(
        *(pl.col(name).cast(judged.schema[name]) for name in ("index", "label"))
    )
    return pl.concat([judged, others.join(judged, on="index", how="anti")], how="diagonal")


def _annotators(in_force: pl.DataFrame) -> tuple[AnnotatorCounts, ...]:
    counts = in_force.group_by("annotator").agg(
        _is_adjudicator(in_force).any().alias("is_adjudicator"),
        **{action: (pl.col("action") == action).sum() for action in ACTIONS},
    )
    columns = ("annotator", *ACTIONS, "is_adjudicator")
    return tuple(
        AnnotatorCounts(*row) for row in counts.sort("annotator").select(columns).iter_rows()
    )


def _adjudicators(in_force: pl.DataFrame, every: pl.DataFrame) -> tuple[str, ...]:
    """Who settled disputes as an adjudicator."""
    settled = every.filter(pl.col("settled_by") == "adjudicator").select("index")
    theirs = in_force.filter(_is_adjudicator(in_force), pl.col("action") != "skip")
    names = theirs.join(settled, on="index", how="semi")["annotator"]
    return tuple(names.unique().sort())


def _is_adjudicator(in_force: pl.DataFrame) -> pl.Expr:
    is_known = "is_adjudicator" in in_force.columns
    return pl.col("is_adjudicator") if is_known else pl.lit(value=False)


def _pairs(in_force: pl.DataFrame) -> tuple[Agreement, ...]:
    table = cohen_kappa(in_force).filter(pl.col("samples") > 0)
    table = table.sort("samples", descending=True, maintain_order=True).head(_MOST_PAIRS)
    return tuple(Agreement(*row) for row in table.iter_rows())


def _classes(
    agreed: pl.DataFrame, known: pl.DataFrame, class_names: Sequence[str]
) -> list[ClassBeforeAfter]:
    """The classes that changed, most changes first."""
    before = dict(known["label"].value_counts().iter_rows())
    moved = agreed.filter(pl.col("new_label") != pl.col("label"))
    gone = dict(moved["label"].value_counts().iter_rows())
    come = dict(moved["new_label"].value_counts().iter_rows())
    lost = dict(agreed.filter(pl.col("new_label").is_null())["label"].value_counts().iter_rows())
    found = [
        ClassBeforeAfter(
            name=name,
            before=before.get(label, 0),
            to_others=gone.get(label, 0),
            discarded=lost.get(label, 0),
            from_others=come.get(label, 0),
        )
        for label, name in enumerate(class_names)
        if label in gone or label in come or label in lost
    ]
    return sorted(found, key=lambda row: -(row.to_others + row.discarded + row.from_others))


def _undecided(known: pl.DataFrame, decided: pl.DataFrame) -> dict[str, int]:
    rest = known.join(decided, on="index", how="anti")
    return {name: int((rest["category"] == name).sum()) for name in ("hard", "review")}
