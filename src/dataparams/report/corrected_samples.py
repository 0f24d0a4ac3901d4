"""Samples whose label people corrected, with the label before and after."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataparams.report.cited_samples import CitedSample, CitedSamples
    from dataparams.report.people import PeoplesDecisions

_MOST = 12


def corrected_indices(people: PeoplesDecisions) -> set[int]:
    """The numbers of the samples that are shown: the most suspicious ones."""
    return set(people.corrected["index"].head(_MOST).to_list())


def corrected_samples(
    people: PeoplesDecisions, cited: CitedSamples, class_names: Sequence[str]
) -> list[CitedSample]:
    """These samples, as they are shown."""
    rows = people.corrected.head(_MOST).select("index", "label", "new_label")
    return [
        cited.sample(index, f"{class_names[before]} → {class_names[after]}")
        for index, before, after in rows.iter_rows()
    ]
