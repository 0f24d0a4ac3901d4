"""The audit of texts beside its rivals, on the same features, and how long it takes.

The weight of the letters' frequencies was chosen on seeds of 100 and above.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

from audit import METHODS, measured, of_method
from audit_data import Cell, feature_set
from audit_times import times_of
from results import mean_and_spread, table, write_section

SETS = ("banking77", "banking77-joined")
NOISES = (("swap", 0.15), ("swap", 0.4), ("symmetric", 0.2), ("pairflip", 0.3))
TARGETS = (0.045, 0.025, 0.037, 0.110)
MADE_HOW = (
    "Features: the mean of the vectors of wordllama (banking77), and the same joined with the "
    "frequencies of groups of letters, as `dataparams audit` takes them (banking77-joined); all "
    "methods of a row have the same. Wanted: what a prototype of three rounds missed. Methods as "
    "in `benchmarks/audit.py`."
)


def main() -> None:
    """Measure and write the sections."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--cache", type=Path, default=Path("weights_CL/audit-benchmark"))
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--parts", nargs="+", default=["rivals", "times"])
    arguments = parser.parse_args()
    if "rivals" in arguments.parts:
        write_section(
            "The audit of texts beside its rivals",
            rivals(arguments.data, arguments.cache, arguments.sets, arguments.seeds),
        )
    if "times" in arguments.parts:
        file = arguments.data / "banking77/train.csv"
        columns = ("--text-column", "text", "--label-column", "category")
        with TemporaryDirectory() as folder:
            write_section("How long an audit of texts takes", times_of(file, columns, Path(folder)))


def rivals(data: Path, cache: Path, sets: list[str], seeds: list[int]) -> str:
    """Shares of the wrong labels that are missed, by every method."""
    folders = (data, Path(), cache)
    rows = []
    for name in sets:
        feature_set(name, *folders)
        for (noise, rate), target in zip(NOISES, TARGETS, strict=True):
            cells = [Cell(name, noise, rate, seed, folders) for seed in seeds]
            found = {cell: measured(cell) for cell in cells}
            missed = [mean_and_spread(of_method(found, method, 1)) for method in METHODS]
            rows.append([f"{name}, {cells[0].setting}", *missed, f"{target:.3f}"])
    title = (
        "Share of the wrong labels that is missed when as many are flagged as are wrong, seeds "
        f"{', '.join(map(str, seeds))}, mean ± standard deviation:"
    )
    return f"{title}\n\n{table(['', *METHODS, 'wanted'], rows)}\n\n{MADE_HOW}"


if __name__ == "__main__":
    main()
