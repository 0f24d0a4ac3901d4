"""A run as the server knows it: its samples, decisions, contents and maps."""

from __future__ import annotations

import hashlib
import shutil
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from dataparams.analysis.sample_words import kind_shown
from dataparams.decisions.store import DecisionStore
from dataparams.errors import ArgumentError
from dataparams.review.content_views import ContentViews
from dataparams.review.feature_map import FeatureMap
from dataparams.review.health_lists import HealthLists, health_of
from dataparams.review.label_conflicts import LabelConflicts, conflicts_of
from dataparams.review.maps import ClassMaps
from dataparams.review.preparing import Prepared, cache_of, health_key, made_key, prepared_of
from dataparams.review.row_norms import RowNorms
from dataparams.review.samples import ReviewSamples
from dataparams.review.saved_filters import SavedFilters
from dataparams.review.searching import search_for
from dataparams.review.similar import Neighbors, Similar
from dataparams.review.standing import LONGEST_NAME, Standing
from dataparams.review.team import Team
from dataparams.run.applied_changes import journal_mark
from dataparams.run.features import features_of_run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from dataparams.analysis.result import Analysis
    from dataparams.contents.content import ContentKind
    from dataparams.review.similar import FeaturesOf
    from dataparams.run.folder import RunFolder

_FEATURES_GONE = (
    "What the network saw of these samples is no longer kept where the audit left it, so there is "
    "no map of all samples, and none that are similar by it. The same audit command computes it "
    "again; then start the review once more."
)


@dataclass(frozen=True, eq=False)
class RunInReview:
    """What the server answers from.

    Attributes:
        key: Tells this run from others that are served at the same address at other times.
        samples: The samples.
        standing: What people decided.
        team: What they agreed on, and left beside.
        views: Their contents as they are shown.
        search: Finds samples by words.
        kind: What they are; None where nothing was kept to show.
        similar: Samples to compare with.
        maps: Maps of classes.
        feature_map: The map of all samples.
        neighbors: Finds what is most like a sample.
        health: What was found beside the labels; None where that was not looked for.
        conflicts: Groups of one thing under different labels; none while an audit goes on, of
            whose samples nothing of the kind may be known.
        saved_filters: Filters that people gave a name.
        analysis: Names the analysis that is reviewed.
        findings: Names the findings beside the labels that are shown, or that there were none.
        folder: The run folder.
        overview: What does not change: classes, sub-groups, the chart's frame.
        annotator: Who is asked to decide; None where the page asks.
    """

    key: str
    samples: ReviewSamples
    standing: Standing
    team: Team
    views: ContentViews
    search: Callable[[str], NDArray[np.bool_]]
    kind: ContentKind | None
    similar: Similar
    maps: ClassMaps
    feature_map: FeatureMap
    neighbors: Neighbors
    health: HealthLists | None
    conflicts: LabelConflicts
    saved_filters: SavedFilters
    analysis: str
    findings: str
    folder: RunFolder
    overview: dict[str, Any]
    annotator: str | None = None

    def close(self) -> None:
        """Stop what runs beside the server, and close the decisions."""
        self.views.close()
        self.maps.close()
        self.feature_map.close()
        self.standing.close()


def open_review(
    run: RunFolder,
    analysis: Analysis | Prepared,
    annotator: str | None = None,
    *,
    is_auditing: bool = False,
) -> RunInReview:
    """Prepare a run for being reviewed.

    Args:
        run: Where decisions and caches are kept.
        analysis: What is reviewed, or what was prepared of it; it need not be kept in memory.
        annotator: Who is asked to decide; None to let the page ask.
        is_auditing: Whether the audit that was drawn goes on: its samples are judged blind.

    Raises:
        ArgumentError: If the annotator's name is empty or too long.
        RunError: If ``review.sqlite`` cannot be used.
    """
    if annotator is not None and not 0 < len(annotator) <= LONGEST_NAME:
        raise ArgumentError(
            f"`annotator` is {annotator!r}; expected a name of at most {LONGEST_NAME} letters."
        )
    prepared = analysis if isinstance(analysis, Prepared) else prepared_of(analysis)
    samples = ReviewSamples(prepared.facts)
    # Named before they are read: what is written meanwhile is newer.
    key, made, found = run_key(run), made_key(run), health_key(run)
    cache = cache_of(run)
    features_of = _features_of(run)
    feature_map = FeatureMap(run, samples, cache, is_possible=features_of is not None)
    kept = {f"pictures_{key}", f"maps_{made}", f"samples_{made}", feature_map.folder_name}
    _forget_others(cache, kept)
    contents, kind = analysis.contents, kind_shown(run, analysis.contents)
    norms = RowNorms(samples, contents) if contents is not None and kind == "row" else None
    views = ContentViews(
        contents,
        cache / f"pictures_{key}",
        norms_of=None if norms is None else norms.of,
        mark_of=partial(journal_mark, run.applied_folder),
    )
    store = DecisionStore(run.review)
    team = Team(store.database, samples, is_auditing=is_auditing)
    health = health_of(run, samples)
    return RunInReview(
        key=key,
        samples=samples,
        standing=Standing(store, samples, team),
        team=team,
        views=views,
        search=search_for(prepared.facts.ids, contents, kind),
        kind=kind,
        similar=Similar(samples, views, features_of),
        maps=ClassMaps(samples, cache / f"maps_{made}"),
        feature_map=feature_map,
        neighbors=Neighbors(samples, feature_map),
        health=health,
        conflicts=conflicts_of(None if team.is_auditing else health, samples),
        saved_filters=SavedFilters(run.path / "review_filters"),
        analysis=made,
        findings=found,
        folder=run,
        overview=_with_what_is_gone(prepared.overview, run, has_features=features_of is not None),
        annotator=annotator,
    )


def _features_of(run: RunFolder) -> FeaturesOf | None:
    """What gives the features of samples, where the run is an audit and has them."""
    features = features_of_run(run) if _is_audit(run) else None
    return None if features is None else features.of


def _is_audit(run: RunFolder) -> bool:
    return (run.path / "run.json").is_file() and run.is_audit()


def _with_what_is_gone(
    overview: dict[str, Any], run: RunFolder, *, has_features: bool
) -> dict[str, Any]:
    """The same, with a warning where an audit had features that can no longer be read."""
    if has_features or not _is_audit(run) or not run.description()["audit"].get("encoder"):
        return overview
    return {**overview, "warnings": [*overview["warnings"], _FEATURES_GONE]}


def run_key(run: RunFolder) -> str:
    """A name for the samples of a run: of its place, and of the data it was trained on."""
    description = run.description() if (run.path / "run.json").is_file() else {}
    facts = f"{run.path.resolve()}\0{description.get('fingerprint')}"
    return hashlib.sha256(facts.encode(errors="replace")).hexdigest()[:16]


def _forget_others(cache: Path, kept: set[str]) -> None:
    """Remove what was kept of other data and earlier analyses."""
    with suppress(OSError):
        for folder in cache.iterdir():
            is_ours = (
                folder.name.startswith(("pictures_", "maps_", "samples_", "layout_"))
                and not folder.is_symlink()
            )
            if is_ours and folder.name not in kept:
                shutil.rmtree(folder, ignore_errors=True)
