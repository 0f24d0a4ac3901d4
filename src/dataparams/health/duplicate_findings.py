"""Findings of duplicates: of which kind they are, and what their labels and splits say of them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from dataparams.health.duplicates import Duplicates, find_duplicates
from dataparams.health.findings import Finding, HealthFindings, findings_table, joined_findings
from dataparams.health.sentences import sentence
from dataparams.terminal.words import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dataparams.health.checked_samples import CheckedSamples
    from dataparams.health.duplicates import DuplicateGroup
    from dataparams.health.sentences import Sentence

_NAMED = 5


def duplicate_findings(samples: CheckedSamples) -> HealthFindings:
    """What is there twice, with different labels, or in two splits.

    Every group is an ``exact_duplicates`` or a ``near_duplicates``; where its labels or splits
    differ, it is a ``duplicates_with_different_labels`` or a ``leakage`` as well, once.

    Args:
        samples: The samples.
    """
    duplicates = find_duplicates(samples)
    not_checked = dict(duplicates.not_checked)
    looked_for = {"exact_duplicates", "near_duplicates"} - set(not_checked)
    if looked_for or duplicates.near:
        looked_for.add("duplicates_with_different_labels")
        if samples.splits.n_unique() > 1:
            looked_for.add("leakage")
        else:
            not_checked["leakage"] = sentence("one_split")
    else:
        told = next(iter(not_checked.values()))
        not_checked |= dict.fromkeys(("duplicates_with_different_labels", "leakage"), told)
    table = findings_table(_findings(samples, duplicates))
    return joined_findings([table], looked_for, not_checked)


def _findings(samples: CheckedSamples, duplicates: Duplicates) -> Iterator[Finding]:
    for kind, groups in (
        ("exact_duplicates", duplicates.exact),
        ("near_duplicates", duplicates.near),
    ):
        for group in groups:
            index = samples.index[group.places].tolist()
            words = group.words + sentence("end")
            yield Finding(kind, index, group.strength, words, _classes(samples, group))
    exact = {int(group.places[0]): group.places.tolist() for group in duplicates.exact}
    for group in duplicates.widest():
        within = [exact[place] for place in group.places.tolist() if place in exact]
        if len(_classes(samples, group)) > 1:
            yield _of_labels(samples, group, within)
        if len(_splits(samples, group)) > 1:
            yield _of_splits(samples, group, within)


def _of_labels(samples: CheckedSamples, group: DuplicateGroup, exact: list[list[int]]) -> Finding:
    """Duplicates with different labels; those of the rarest label come first."""
    labels = samples.labels[group.places].tolist()
    counts = Counter(labels)
    order = sorted(range(len(labels)), key=lambda at: (counts[labels[at]], group.places[at]))
    is_sure = any(len({int(samples.labels[place]) for place in places}) > 1 for places in exact)
    named = [(samples.class_names[label], count) for label, count in counts.most_common()]
    return Finding(
        "duplicates_with_different_labels",
        samples.index[group.places[order]].tolist(),
        1.0 if is_sure else group.strength,
        group.words + _listed("labeled", named),
        _classes(samples, group),
    )


def _of_splits(samples: CheckedSamples, group: DuplicateGroup, exact: list[list[int]]) -> Finding:
    """Duplicates in two splits: what is trained on is asked about again."""
    counts = Counter(_splits_of(samples, group))
    is_sure = any(len({samples.splits[place] for place in places}) > 1 for places in exact)
    return Finding(
        "leakage",
        samples.index[group.places].tolist(),
        1.0 if is_sure else group.strength,
        group.words + _listed("in_splits", counts.most_common()),
        _classes(samples, group),
    )


def _classes(samples: CheckedSamples, group: DuplicateGroup) -> list[int]:
    return sorted(set(samples.labels[group.places].tolist()))


def _splits(samples: CheckedSamples, group: DuplicateGroup) -> set[str]:
    return set(_splits_of(samples, group))


def _splits_of(samples: CheckedSamples, group: DuplicateGroup) -> list[str]:
    splits: list[str] = samples.splits.gather(group.places).to_list()
    return splits


def _listed(key: str, named: list[tuple[str, int]]) -> Sentence:
    """The end of a sentence: names with how often each occurs, the first of them."""
    names = [(printable(name), count) for name, count in named[:_NAMED]]
    what = {"splits" if key == "in_splits" else "names": names}
    if len(named) > _NAMED:
        return sentence(f"{key}_and_more", **what, further=len(named) - _NAMED)
    return sentence(key, **what)
