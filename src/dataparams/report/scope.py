"""What was checked and what was not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from dataparams.health.findings import KINDS

if TYPE_CHECKING:
    import polars as pl

    from dataparams.analysis.result import Analysis
    from dataparams.health.findings import HealthFindings
    from dataparams.report.language import Language
    from dataparams.run.folder import RunFolder

_MOST_NAMED = 10
_SHORT = 12


@dataclass(frozen=True)
class Scope:
    """What was checked and what was not.

    Attributes:
        data: Name of the data; empty where not known.
        fingerprint: What tells the data from others, the beginning of it; empty where not known.
        samples: Samples whose label was judged.
        judged: Of these by split, where they are of several.
        not_judged: By split samples whose label was not judged.
        damaged: Files that could not be read.
        unjudged_classes: Names of the classes that cannot be judged.
    """

    data: str
    fingerprint: str
    samples: int
    judged: dict[str, int]
    not_judged: dict[str, int]
    damaged: int
    unjudged_classes: tuple[str, ...]


def scope_of(analysis: Analysis, run: RunFolder | None) -> Scope:
    """What was checked and what was not.

    Args:
        analysis: What is reported.
        run: The run folder; None of arrays.
    """
    frame = analysis.frame
    unjudged = analysis.classes.filter(analysis.classes["unjudged"].is_not_null())
    splits = _counts(frame["split"]) if "split" in frame.columns else {}
    damaged = len(run.unreadable()) if run is not None else 0
    if not damaged and analysis.judged_by is not None:
        damaged = analysis.judged_by.unreadable
    return Scope(
        data="" if run is None else _described(run, "dataset"),
        fingerprint="" if run is None else _described(run, "fingerprint")[:_SHORT],
        samples=len(frame),
        judged=splits if len(splits) > 1 else {},
        not_judged={} if run is None else _not_judged(frame, run),
        damaged=damaged,
        unjudged_classes=tuple(unjudged["label_name"].to_list()),
    )


def _counts(names: pl.Series) -> dict[str, int]:
    counts: dict[str, int] = dict(names.drop_nulls().value_counts().iter_rows())
    return dict(sorted(counts.items(), key=lambda pair: -pair[1]))


def _not_judged(frame: pl.DataFrame, run: RunFolder) -> dict[str, int]:
    others = run.splits().join(frame.select("index"), on="index", how="anti")
    return _counts(others["split"])


def _described(run: RunFolder, name: str) -> str:
    found = run.description().get(name)
    return found if isinstance(found, str) else ""


def checked_words(
    scope: Scope, found: HealthFindings | None, decided: int, classes: int, shown_in: Language
) -> list[str]:
    """What was checked, a line for each.

    Args:
        scope: What was checked and what was not.
        found: What was found beside the labels; None where nobody looked.
        decided: How many samples people decided about.
        classes: How many classes there are.
        shown_in: The language.
    """
    say = shown_in.say
    in_classes = say("unit.classes", count=classes)
    lines = [say("scope.labels", count=scope.samples, classes=in_classes)]
    for name, count in scope.judged.items():
        lines.append(say("scope.split", count=count, name=shown_in.translated(name)))
    if found is not None and found.checked:
        kinds = "; ".join(shown_in.translated(KINDS[kind]) for kind in found.checked)
        lines.append(say("scope.health", kinds=kinds))
    if decided:
        lines.append(say("scope.people", count=decided))
    return list(lines)


def not_checked_words(
    scope: Scope, found: HealthFindings | None, shown_in: Language
) -> list[tuple[str, str]]:
    """What was not checked, each with the reason in another room's words, or none."""
    say = shown_in.say
    lines: list[tuple[str, str]] = []
    for name, count in scope.not_judged.items():
        told = shown_in.translated(name)
        lines.append((say("scope.split_not", count=count, name=told), ""))
    if scope.damaged:
        lines.append((say("scope.damaged", count=scope.damaged), ""))
    if scope.unjudged_classes:
        lines.append((_unjudged(scope.unjudged_classes, shown_in), ""))
    if found is None:
        lines.append((say("scope.no_health"), ""))
    else:
        lines += [
            (shown_in.translated(KINDS[kind]), why) for kind, why in found.not_checked.items()
        ]
    return [*lines, (say("scope.lookalike"), "")]


def _unjudged(names: tuple[str, ...], shown_in: Language) -> str:
    told: str = ", ".join(names[:_MOST_NAMED])
    if len(names) > _MOST_NAMED:
        further = len(names) - _MOST_NAMED
        told = shown_in.say("scope.and_more", count=further, names=told)
    return shown_in.say("scope.unjudged", count=len(names), names=told)
