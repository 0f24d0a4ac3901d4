"""Planted duplicates: how many are found, and how many of what is named are right.

Side by side with cleanlab's Datalab (near_duplicate, on the same features) and with the perceptual
hashes of imagededup, where that is installed. Settings were chosen on seeds of 100 and above.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from dataparams.health.checked_samples import samples_of_data
from dataparams.health.duplicates import find_duplicates
from dataparams.health.picture_measuring import PictureMeasuring
from dataparams.health.text_likeness import (
    likeness,
    spaced_alike,
    without_punctuation,
)
from dataparams.terminal.progress import SilentProgress
from dataparams.training.audit_config import AuditConfig
from dataparams.training.audited_samples import read_samples
from dataparams.training.launched import LaunchedPlace
from dataparams.training.processes import Processes
from planted_copies import (
    CHANGES,
    TEXT_CHANGES,
    Planted,
    plant_pictures,
    plant_rows,
    plant_texts,
)
from results import mean_and_spread, table, write_section

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from dataparams.training.audited_samples import AuditedSamples

    Pair = tuple[str, str]
    Named = set[Pair]
    """Pairs of ids, each in alphabetical order."""

LEAST_ALIKE = 0.7
TITLE = "Planted duplicates in {}"
COUNTED = (
    "Found: the share of the planted copies that are named together with what they are copies of. "
    "Right: the share of the named pairs that are. Seconds: of processor time once features are "
    "there. Datalab: near_duplicate with its defaults, on the same features. Mean and standard "
    "deviation over seeds of planting."
)
MADE_HOW = {
    "caltech20": "600 photographs, 40 copies of each kind, features of efficientnet-lite0. Pairs "
    "that are there by nature were judged by eye; `planted_copies.py` lists those that are the "
    "same. Those were looked for among what health names in all of caltech20; a pair that another "
    "method alone names counts as wrong without having been looked at. Limits were chosen on seeds "
    "100 to 102, which draw from the same photographs. imagededup: its defaults (at "
    "most 10 bits differ).",
    "banking77": "All 13,083 sentences, 100 copies of each kind, features of wordllama with the "
    "letters' frequencies. A pair that is there by nature is right where the words are the same in "
    "another order, or 70 % of the pieces of three letters.",
    "diamonds": "All 53,940 rows without the cut, 200 copies. A pair that is there by nature is "
    "right where all values are the same.",
}


@dataclass(frozen=True)
class Found:
    """What a method named.

    Attributes:
        named: Pairs of samples.
        seconds: How long that took, of processor time.
    """

    named: Named
    seconds: float


def pairs_of(groups: Iterable[Iterable[str]]) -> Named:
    """All pairs within some groups."""
    return {pair for group in groups for pair in combinations(sorted(group), 2)}


def timed(name: Callable[[], Named]) -> Found:
    """What a method names, and how long it takes."""
    started = time.process_time()
    named = name()
    return Found(named, time.process_time() - started)


# --- the methods ---------------------------------------------------------------------------------


def ours(samples: AuditedSamples) -> Named:
    """What health names."""
    checked = samples_of_data(samples, ())
    ids = samples.table["id"].to_list()
    groups = find_duplicates(checked).widest()
    return pairs_of([ids[place] for place in group.places.tolist()] for group in groups)


def datalab(samples: AuditedSamples) -> Named:
    """What Datalab names, with its defaults."""
    from cleanlab import Datalab

    ids = samples.table["id"].to_list()
    labels = samples.labels.tolist()
    lab = Datalab(data={"label": labels}, label_name="label", verbosity=0)
    values = np.asarray(samples.features.values, dtype=np.float32)
    lab.find_issues(features=values, issue_types={"near_duplicate": {}})
    issues = lab.get_issues("near_duplicate")
    sets = issues["near_duplicate_sets"].tolist()
    return {
        (min(ids[row], ids[other]), max(ids[row], ids[other]))
        for row in np.flatnonzero(issues["is_near_duplicate_issue"])
        for other in sets[row]
    }


def imagededup(place: Path, method: str) -> Named:
    """What imagededup names, with its defaults."""
    from imagededup import methods

    hasher: Any = getattr(methods, method)(verbose=False)
    hashes = {
        file.relative_to(place).as_posix(): hasher.encode_image(image_file=str(file))
        for file in sorted(place.glob("*/*"))
    }
    found = hasher.find_duplicates(encoding_map=hashes)
    return {(min(name, each), max(name, each)) for name, others in found.items() for each in others}


def has_imagededup() -> bool:
    """Whether it is installed."""
    try:
        import imagededup  # noqa: F401
    except ImportError:
        return False
    return True


# --- the data ------------------------------------------------------------------------------------


def read(planted: Planted, **columns: Any) -> AuditedSamples:
    """The samples with their features."""
    config = AuditConfig(dataset=str(planted.place), **columns)
    processes = Processes(LaunchedPlace())
    samples = read_samples(config, SilentProgress(), processes, measuring=PictureMeasuring())
    assert len(samples.features.values)
    return samples


def pictures(
    data: Path, folder: Path, seed: int
) -> Iterator[tuple[str, Planted, Callable[[], Named]]]:
    """What each method names among photographs."""
    planted = plant_pictures(data, folder / "photos", seed)
    samples = read(planted)
    yield "**health**", planted, lambda: ours(samples)
    yield "Datalab", planted, lambda: datalab(samples)
    for method in ("PHash", "DHash") if has_imagededup() else ():
        yield f"imagededup, {method}", planted, partial(imagededup, planted.place, method)


def texts(
    data: Path, folder: Path, seed: int
) -> Iterator[tuple[str, Planted, Callable[[], Named]]]:
    """What each method names among sentences."""
    planted, written = plant_texts(data, folder, seed)
    bare = [without_punctuation(spaced_alike(text)) for text in written]
    first: dict[str, str] = {}
    same = {f"train/{row}": first.setdefault(text, f"train/{row}") for row, text in enumerate(bare)}
    words = {f"train/{row}": text for row, text in enumerate(bare)}
    planted = Planted(planted.place, same, planted.changes, words)
    samples = read(planted, text_column="text", label_column="category")
    yield "**health**", planted, lambda: ours(samples)
    yield "Datalab", planted, lambda: datalab(samples)


def rows(data: Path, folder: Path, seed: int) -> Iterator[tuple[str, Planted, Callable[[], Named]]]:
    """What each method names among rows."""
    planted = plant_rows(data, folder, seed)
    samples = read(planted, label_column="cut")
    yield "**health**", planted, lambda: ours(samples)
    yield "Datalab", planted, lambda: datalab(samples)


SETS: dict[str, Callable[[Path, Path, int], Iterator[tuple[str, Planted, Callable[[], Named]]]]] = {
    "caltech20": pictures,
    "banking77": texts,
    "diamonds": rows,
}
KINDS = {"caltech20": list(CHANGES), "banking77": list(TEXT_CHANGES), "diamonds": ["row"]}


# --- what is counted -----------------------------------------------------------------------------


def recall(planted: Planted, named: Named, kind: str) -> float:
    """The share of the copies of a kind that are named with another one of the same."""
    partners: dict[str, set[str]] = {}
    for one, other in named:
        partners.setdefault(one, set()).add(other)
        partners.setdefault(other, set()).add(one)
    copies = [copy for copy, change in planted.changes.items() if change == kind]
    found = [
        any(planted.originals[each] == planted.originals[copy] for each in partners.get(copy, ()))
        for copy in copies
    ]
    return float(np.mean(found))


def wrong(planted: Planted, named: Named) -> list[Pair]:
    """The named pairs that are not the same."""
    return sorted(pair for pair in named if not _is_right(planted, pair))


def _is_right(planted: Planted, pair: Pair) -> bool:
    one, other = (planted.originals[name] for name in pair)
    if one == other or not planted.words:
        return one == other
    words = planted.words[one], planted.words[other]
    is_reordered = len({tuple(sorted(text.split())) for text in words}) == 1
    return is_reordered or likeness(*words) >= LEAST_ALIKE


def main() -> None:
    """Measure, and write the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--without-datalab", action="store_true")
    parser.add_argument("--show", action="store_true", help="print what is named wrongly")
    parser.add_argument("--write", action="store_true", help="write the section")
    arguments = parser.parse_args()
    results: dict[str, dict[str, list[tuple[Planted, Found]]]] = {}
    for name in arguments.sets:
        for seed in arguments.seeds:
            with TemporaryDirectory() as folder:
                for method, planted, measure in SETS[name](arguments.data, Path(folder), seed):
                    if method == "Datalab" and arguments.without_datalab:
                        continue
                    found = timed(measure)
                    results.setdefault(name, {}).setdefault(method, []).append((planted, found))
                    if arguments.show:
                        show(name, method, planted, found)
    for name, of_methods in results.items():
        text = f"{MADE_HOW[name]} {COUNTED}\n\n{section(name, of_methods)}"
        if arguments.write:
            write_section(TITLE.format(name), text)
        else:
            print(text)


def show(name: str, method: str, planted: Planted, found: Found) -> None:
    """Print what was missed, and what was named wrongly."""
    shares = {kind: recall(planted, found.named, kind) for kind in KINDS[name]}
    bad = wrong(planted, found.named)
    print(name, method, shares, f"{len(bad)} of {len(found.named)} wrong", f"{found.seconds:.1f} s")
    for pair in bad[:40]:
        print("   ", *pair, *[planted.words.get(one, "") for one in pair])


def section(name: str, of_methods: dict[str, list[tuple[Planted, Found]]]) -> str:
    """The table of a data set."""
    lines = []
    for method, found in of_methods.items():
        shares = [
            mean_and_spread([recall(planted, one.named, kind) for planted, one in found])
            for kind in KINDS[name]
        ]
        all_found = [
            float(np.mean([recall(planted, one.named, kind) for kind in KINDS[name]]))
            for planted, one in found
        ]
        right = [
            1 - len(wrong(planted, one.named)) / max(len(one.named), 1) for planted, one in found
        ]
        named = [float(len(one.named)) for _, one in found]
        seconds = [one.seconds for _, one in found]
        lines.append(
            [
                method,
                mean_and_spread(all_found),
                mean_and_spread(right),
                mean_and_spread(named, 0),
                *(shares if len(shares) > 1 else []),
                mean_and_spread(seconds, 1),
            ]
        )
    kinds = KINDS[name] if len(KINDS[name]) > 1 else []
    return table(["method", "found", "right", "pairs named", *kinds, "seconds"], lines)


if __name__ == "__main__":
    main()
