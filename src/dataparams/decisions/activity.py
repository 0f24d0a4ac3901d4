"""Who decided how much on which day."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from datetime import tzinfo

_MADE_ELSEWHERE = r"^(import|carried)-"
_PAUSE_SECONDS = 300
_FEWEST_SECONDS = 60
_QUARTER = 900


def activity(history: pl.DataFrame, zone: tzinfo | None = None) -> pl.DataFrame:
    """What every annotator did on every day, the last day first.

    A decision counts on the day on which it was made, if it was not taken back; of several about a
    sample on one day the last. Those that were imported, or carried over from another run, were not
    made then and do not count. Time is counted from one decision to the next, but for pauses of
    more than five minutes.

    Args:
        history: The result of :meth:`dataparams.decisions.store.DecisionStore.history`.
        zone: The time zone that days are of; None for this machine's.

    Returns:
        ``day`` (ISO 8601), ``annotator``, ``decided``, ``kept``, ``relabeled``, ``discarded``,
        ``skipped`` (which is not decided), ``hours`` (of work), ``per_hour`` (decided; null where
        the work took less than a minute); ordered by day, the last first, and annotator.

    Example:
        >>> from datetime import timezone
        >>> history = pl.DataFrame({
        ...     "number": [1, 2, 3], "request": ["a", "b", "c"], "index": [1, 2, 3],
        ...     "annotator": ["ann"] * 3, "action": ["keep", "discard", "skip"],
        ...     "made_at": [f"2026-01-31T10:0{minute}:00.000+00:00" for minute in (0, 1, 3)],
        ...     "undoes": [None, None, None],
        ... })
        >>> activity(history, timezone.utc).rows()
        [('2026-01-31', 'ann', 2, 1, 0, 1, 1, 0.05, 40.0)]
    """
    taken_back = history["undoes"].drop_nulls().implode()
    made = history.filter(
        (pl.col("action") != "undo") & ~pl.col("request").str.contains(_MADE_ELSEWHERE)
    ).with_columns(time=pl.col("made_at").str.to_datetime(time_zone="UTC", strict=False))
    made = _with_days(made.filter(pl.col("time").is_not_null()), zone)
    gap = pl.col("time").diff().dt.total_seconds().fill_null(0).over("day", "annotator")
    work = (
        made.sort("number")
        .with_columns(gap=gap)
        .group_by("day", "annotator")
        .agg(hours=pl.col("gap").filter(pl.col("gap").is_between(0, _PAUSE_SECONDS)).sum() / 3600.0)
    )
    standing = made.filter(~pl.col("number").is_in(taken_back)).sort("number")
    last = standing.unique(["day", "annotator", "index"], keep="last", maintain_order=True)
    is_of = {
        "kept": "keep",
        "relabeled": "relabel",
        "discarded": "discard",
        "skipped": "skip",
    }
    counted = last.group_by("day", "annotator").agg(
        decided=(pl.col("action") != "skip").sum(),
        **{name: (pl.col("action") == action).sum() for name, action in is_of.items()},
    )
    enough = pl.col("hours") * 3600 >= _FEWEST_SECONDS
    return (
        counted.join(work, on=["day", "annotator"])
        .with_columns(per_hour=pl.when(enough).then(pl.col("decided") / pl.col("hours")).round(1))
        .select("day", "annotator", "decided", *is_of, pl.col("hours").round(2), "per_hour")
        .sort(["day", "annotator"], descending=[True, False])
    )


def _with_days(made: pl.DataFrame, zone: tzinfo | None) -> pl.DataFrame:
    """With the day of each decision; what a clock shows is the same for a quarter of an hour."""
    quarters = made.with_columns(quarter=pl.col("time").dt.epoch("s") // _QUARTER)
    days = {
        quarter: datetime.fromtimestamp(quarter * _QUARTER, zone).date().isoformat()
        for quarter in quarters["quarter"].unique().to_list()
    }
    return quarters.with_columns(
        day=pl.col("quarter").replace_strict(days, return_dtype=pl.String, default=None)
    )
