"""Samples that are there twice: the same, or nearly the same, whatever their files are called."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from dataparams.contents.content import UnreadableContentError
from dataparams.contents.images import require_image
from dataparams.encoders.row_columns import columns_of
from dataparams.health.duplicate_groups import groups_of_equal, groups_of_pairs
from dataparams.health.picture_likeness import PicturesAlike
from dataparams.health.row_likeness import MOST_REPEATED, TOLERANCE, RowsAlike
from dataparams.health.sentences import sentence
from dataparams.health.text_likeness import (
    LEAST_LIKENESS,
    likeness_of_pairs,
    neighbors_in_order,
    spaced_alike,
    without_punctuation,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from dataparams.health.checked_samples import CheckedSamples
    from dataparams.health.picture_likeness import FeaturesByPlace
    from dataparams.health.sentences import Sentence
    from dataparams.sources.source import Contents

    Places = NDArray[np.int64]

_MOST_COMPARED_PIXELS = 2_000
_LEAST = 0.5
_OF_SPACE, _OF_PUNCTUATION = 0.99, 0.95


@dataclass(frozen=True, eq=False)
class DuplicateGroup:
    """Samples that are the same, or nearly so.

    Attributes:
        places: Places of the samples, two or more, ascending.
        strength: How surely, 0 ... 1; 1 where nothing of what they hold differs.
        words: What they are, as the beginning of a sentence, such as ``The same text twice``.
    """

    places: Places
    strength: float
    words: Sentence


@dataclass(frozen=True, eq=False)
class Duplicates:
    """What is there twice.

    Attributes:
        exact: Groups of the same content.
        near: Groups of nearly the same content, copies among them.
        not_checked: Why there is no word on ``exact_duplicates`` or ``near_duplicates``.
    """

    exact: list[DuplicateGroup]
    near: list[DuplicateGroup]
    not_checked: dict[str, str] = field(default_factory=dict)

    def widest(self) -> list[DuplicateGroup]:
        """Groups of which none is part of another."""
        within = {int(place) for group in self.near for place in group.places}
        alone = [group for group in self.exact if int(group.places[0]) not in within]
        return sorted([*self.near, *alone], key=lambda group: int(group.places[0]))


def find_duplicates(
    samples: CheckedSamples, *, most_compared: int = _MOST_COMPARED_PIXELS
) -> Duplicates:
    """Find what is there twice.

    Args:
        samples: The samples.
        most_compared: How many pictures may be decoded whole, to see whether no pixel differs.
    """
    not_checked: dict[str, str] = {}
    if samples.digests.null_count() == len(samples):
        not_checked["exact_duplicates"] = sentence("unknown_contents")
    first = _first_of_same(samples.digests)
    exact = [
        DuplicateGroup(places, 1.0, _same_words(samples.kind, len(places)))
        for places in groups_of_equal(first)
        if not _says_nothing(samples, int(places[0]))
    ]
    if samples.kind == "row" and sum(len(one.places) for one in exact) > MOST_REPEATED * len(first):
        told = sentence("few_values")
        return Duplicates([], [], dict.fromkeys(("exact_duplicates", "near_duplicates"), told))
    if samples.pictures is not None:
        same_pixels, near = _alike_pictures(samples, first, most_compared)
        exact = _with_same_pixels(exact, same_pixels)
        if why := samples.reasons.get("pictures"):
            not_checked["near_duplicates"] = why
    elif samples.texts is not None:
        near = _alike_texts(samples.texts, first, samples.near)
    elif samples.rows is not None:
        near = _alike_rows(RowsAlike(columns_of(samples.rows)), first)
    else:
        reasons = samples.reasons
        why = reasons.get("pictures") or reasons.get("contents") or sentence("nothing_kept")
        return Duplicates(exact, [], {**not_checked, "near_duplicates": why})
    return Duplicates(exact, near, not_checked)


def _first_of_same(digests: pl.Series) -> Places:
    """Of each content the place of the first that is the same, (n,); what is unknown is its own."""
    table = pl.DataFrame({"digest": digests}).with_row_index("place")
    first = pl.col("place").first().over("digest")
    found = table.select(pl.when(pl.col("digest").is_null()).then("place").otherwise(first))
    return found.to_series().to_numpy().astype(np.int64)


def _says_nothing(samples: CheckedSamples, place: int) -> bool:
    """Whether a content is empty: that two of these are the same is no duplicate."""
    return samples.texts is not None and not samples.texts[place].strip()


def _same_words(kind: str | None, count: int) -> Sentence:
    if kind == "row":
        return sentence("same_rows", count=count)
    what = {"image": "same_pictures", "text": "same_texts"}.get(str(kind), "same_contents")
    return _times(what, count)


def _times(what: str, count: int) -> Sentence:
    return sentence(f"{what}_twice") if count == 2 else sentence(what, count=count)


# --- pictures ------------------------------------------------------------------------------------


def _alike_pictures(
    samples: CheckedSamples, first: Places, most_compared: int
) -> tuple[list[Places], list[DuplicateGroup]]:
    """Groups of places that have the same pixels in files that differ, and near duplicates."""
    pictures = samples.pictures
    if pictures is None:
        return [], []
    # Of each content one picture stands for all.
    is_first = first[samples.pictured] == samples.pictured
    places = samples.pictured[is_first]
    node = np.full(len(first), -1, dtype=np.int64)
    node[places] = np.arange(len(places))
    features = None if samples.features is None else _Chosen(samples.features, places)
    near = None if samples.near is None else _near_nodes(node[first[samples.near[places]]])
    sizes = pictures.sizes[is_first]
    alike = PicturesAlike(pictures.thumbnails[is_first], sizes, features, near)
    groups = groups_of_pairs(alike.pairs(), len(places), alike.are_alike)
    copies = {int(group[0]): group for group in groups_of_equal(first)}
    readable = samples.contents if samples.decodes else None
    same = _same_pixels(readable, groups, places, sizes, most_compared)
    stands_for = node.copy()
    for group in same:
        stands_for[places[group]] = group[0]
    # What has the same pixels is no near duplicate of each other.
    near_alike = [group for group in groups if len(np.unique(stands_for[places[group]])) > 1]
    strengths = _least_likeness(alike.likeness, near_alike)
    found = []
    for group, strength in zip(near_alike, strengths, strict=True):
        members = _with_copies(places[group], copies)
        words = sentence("alike_pictures", count=len(members))
        found.append(DuplicateGroup(members, max(_LEAST, strength), words))
    return [_with_copies(places[group], copies) for group in same], found


def _least_likeness(
    likeness: Callable[[Places], NDArray[np.floating]], groups: list[Places]
) -> list[float]:
    """Of each group the likeness of what is least like its first; asked of all groups at once."""
    if not groups:
        return []
    pairs = np.concatenate([_to_first(group) for group in groups])
    starts = np.cumsum([0, *(len(group) - 1 for group in groups[:-1])])
    lowest: list[float] = np.minimum.reduceat(likeness(pairs), starts).tolist()
    return lowest


def _to_first(group: Places) -> Places:
    """The first of two or more places, paired with each of the others."""
    return np.stack([np.full(len(group) - 1, group[0]), group[1:]], axis=1)


def _near_nodes(near: Places) -> Places:
    """Neighbors by number; one that was not measured is taken for the sample itself."""
    own = np.arange(len(near))[:, None]
    return np.where(near < 0, own, near)


def _with_copies(places: Places, copies: Mapping[int, Places]) -> Places:
    """Places, and those of the same contents, which are listed by the first of them."""
    return np.sort(np.concatenate([copies.get(place, [place]) for place in places.tolist()]))


def _same_pixels(
    contents: Contents | None,
    groups: list[Places],
    places: Places,
    sizes: NDArray[np.int64],
    most: int,
) -> list[Places]:
    """Parts of groups of which no pixel differs; decodes those that have one size."""
    found: list[Places] = []
    for group in groups:
        for of_size in groups_of_equal(_joined_sizes(sizes[group])):
            candidates = group[of_size]
            if contents is None or len(candidates) > most:
                continue
            most -= len(candidates)
            words = _pixel_words(contents, places[candidates])
            found += [candidates[same] for same in groups_of_equal(words)]
    return found


def _joined_sizes(sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    return sizes[:, 0] << 32 | sizes[:, 1]


def _pixel_words(contents: Contents, places: Places) -> NDArray[np.str_]:
    """Of each picture a hash of its pixels; of what cannot be read one of its own."""
    return np.array([_pixel_word(contents, place) for place in places.tolist()])


def _pixel_word(contents: Contents, place: int) -> str:
    try:
        (content,) = contents.read([place])
        pixels = require_image(content).pixels(_ALL_PIXELS)
    except UnreadableContentError:
        return f"unreadable {place}"
    return f"{pixels.shape} {hashlib.sha256(np.ascontiguousarray(pixels).data).hexdigest()}"


def _with_same_pixels(exact: list[DuplicateGroup], same: list[Places]) -> list[DuplicateGroup]:
    """The groups of the same content, those joined whose files differ and whose pixels do not."""
    within = {int(place) for places in same for place in places}
    kept = [group for group in exact if int(group.places[0]) not in within]
    joined = [DuplicateGroup(places, 1.0, _times("same_pixels", len(places))) for places in same]
    return sorted([*kept, *joined], key=lambda group: int(group.places[0]))


class _Chosen:
    """Features of some of all samples."""

    def __init__(self, features: FeaturesByPlace, places: Places) -> None:
        self._features, self._places = features, places

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, places: Places) -> NDArray[np.floating]:
        return self._features[self._places[places]]


# --- texts and rows ------------------------------------------------------------------------------


def _alike_texts(
    texts: list[str], first: Places, near: NDArray[np.integer] | None
) -> list[DuplicateGroup]:
    spaced = [spaced_alike(text) for text in texts]
    bare = pl.Series([without_punctuation(text) for text in spaced], dtype=pl.String)
    # What is left of each, once.
    words = bare.unique(maintain_order=True)
    node = bare.rank("dense").to_numpy().astype(np.int64) - 1
    words = words.sort()
    listed = words.to_list()
    candidates = [neighbors_in_order(listed)]
    if near is not None:
        own = np.repeat(node, near.shape[1])
        candidates.append(np.stack([own, node[near].ravel()], axis=1))
    pairs = np.unique(np.sort(np.concatenate(candidates), axis=1), axis=0)
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]

    def are_alike(some: Places) -> NDArray[np.bool_]:
        return likeness_of_pairs(listed, some) >= LEAST_LIKENESS

    groups = groups_of_pairs(pairs[are_alike(pairs)], len(listed), are_alike)
    stands_for = np.arange(len(listed))
    for group in groups:
        stands_for[group] = group[0]
    found = []
    for places in groups_of_equal(stands_for[node]):
        if not listed[node[places[0]]] or len(np.unique(first[places])) == 1:
            continue
        kinds = len(np.unique(node[places]))
        if kinds > 1:
            others = np.unique(node[places])
            likeness = likeness_of_pairs(listed, _to_first(others))
            strength = max(_LEAST, float(likeness.min()) - _BELOW)
            how = "alike_texts"
        elif len({spaced[place] for place in places}) > 1:
            strength, how = _OF_PUNCTUATION, "alike_but_punctuation"
        else:
            strength, how = _OF_SPACE, "alike_but_space"
        found.append(DuplicateGroup(places, strength, sentence(how, count=len(places))))
    return found


def _alike_rows(rows: RowsAlike, first: Places) -> list[DuplicateGroup]:
    groups = groups_of_pairs(rows.pairs(), len(first), rows.are_alike)
    found = []
    for places in groups:
        if len(np.unique(first[places])) == 1:
            continue
        farthest = float(np.minimum(rows.distances(_to_first(places)), TOLERANCE).max())
        strength = _OF_SPACE - (_OF_SPACE - _LEAST) * farthest / TOLERANCE
        words = sentence("alike_rows", count=len(places))
        found.append(DuplicateGroup(places, strength, words))
    if sum(len(group.places) for group in found) > MOST_REPEATED * len(first):
        return []
    return found


_ALL_PIXELS = 1 << 30
_BELOW = 0.02
"""A text that differs in letters is less surely the same than one that differs in signs."""
