"""The whole audit of very many samples, and what its approximations cost where both can be had.

From 200,000 samples on neighbors are approximate, and the more answers there are, the fewer heads
give them. On the 50,000 pictures of CIFAR-10 the full set of heads and exact neighbors can be had
as well; the difference is what is measured there.
"""

from __future__ import annotations

import argparse
import io
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING
from unittest import mock

import numpy as np
import polars as pl
from PIL import Image
from sklearn.metrics import average_precision_score

from audit_data import feature_set, noisy_labels
from dataparams.run.folder import RunFolder
from dataparams.training import neighbors
from dataparams.training.cross_fitting import CrossFittingSettings, cross_fit
from results import table, write_section

if TYPE_CHECKING:
    from numpy.typing import NDArray

WIDTH = 1280
NOISES = (("swap", 0.15), ("symmetric", 0.2), ("pairflip", 0.3))
ROWS = 20_000
STAGES = (
    ("source read, features checked", "samples.parquet"),
    ("heads, neighbors, planted errors", "planted.parquet"),
    ("analysis", "analysis.parquet"),
    ("report", "report/index.html"),
)


def write_features(file: Path, labels: NDArray[np.int64], classes: int) -> None:
    """Features in which classes lie near a few others, and differ in some directions only."""
    rng = np.random.default_rng(0)
    groups = rng.normal(size=(max(classes // 10, 1), WIDTH))
    centers = (groups[np.arange(classes) % len(groups)] + rng.normal(size=(classes, WIDTH))) / 2
    directions = rng.normal(size=(200, WIDTH)).astype(np.float32) / 200**0.5
    stored = np.lib.format.open_memmap(file, "w+", np.float16, (len(labels), WIDTH))
    for start in range(0, len(labels), ROWS):
        part = labels[start : start + ROWS]
        noise = rng.normal(size=(len(part), 200)).astype(np.float32) @ directions
        stored[start : start + ROWS] = centers[part].astype(np.float32) + 6 * noise
    stored.flush()


def write_pictures(file: Path, labels: NDArray[np.int64]) -> None:
    """A table of tiny pictures, all different, with their labels."""
    rng = np.random.default_rng(1)
    pixels = rng.integers(0, 255, (len(labels), 4, 4, 3), dtype=np.uint8)
    pictures = []
    for each in pixels:
        stored = io.BytesIO()
        Image.fromarray(each).save(stored, "PNG", compress_level=0)
        pictures.append(stored.getvalue())
    pl.DataFrame({"image": pictures, "label": labels}).write_parquet(file, row_group_size=ROWS)


def watched(command: list[str], log: Path) -> tuple[float, float, float]:
    """Seconds, and peak memory in GB: what is the process's own, and all that is resident."""
    own, resident = [0.0], [0.0]
    started = time.perf_counter()
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        done = threading.Event()

        def watch() -> None:
            while not done.wait(0.2):
                try:
                    text = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
                except OSError:
                    return
                stands = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
                if "RssAnon" in stands:
                    own[0] = max(own[0], float(stands["RssAnon"].split()[0]))
                    resident[0] = max(resident[0], float(stands["VmHWM"].split()[0]))

        thread = threading.Thread(target=watch)
        thread.start()
        code = process.wait()
        done.set()
        thread.join()
    if code:
        raise SystemExit(log.read_text(encoding="utf-8"))
    return time.perf_counter() - started, own[0] / 1e6, resident[0] / 1e6


def whole(folder: Path, count: int, classes: int) -> list[list[str]]:
    """The command from a table and ready features to the report."""
    labels = np.random.default_rng(2).integers(0, classes, count)
    write_features(folder / "features.npy", labels, classes)
    write_pictures(folder / "pictures.parquet", labels)
    command = [
        *(sys.executable, "-m", "dataparams.cli", "audit", str(folder / "pictures.parquet")),
        *("--features", str(folder / "features.npy"), "--out", str(folder / "run")),
        *("--rand-fraction", "0.1", "--worst", "0"),
    ]  # fmt: skip
    began = time.time()
    seconds, own, resident = watched(command, folder / "log")
    rows, before = [], began
    for what, name in STAGES:
        file = folder / "run" / name
        if file.exists():
            rows.append([what, f"{file.stat().st_mtime - before:.0f} s"])
            before = file.stat().st_mtime
    rows.append(["whole", f"{seconds:.0f} s"])
    rows.append(["memory of its own", f"{own:.2f} GB"])
    rows.append(["memory with mapped files", f"{resident:.2f} GB"])
    run = RunFolder(folder / "run")
    held_out, truth = run.held_out(), run.samples()
    assert held_out is not None
    wrong = truth["label"] != truth["true_label"]
    found = average_precision_score(wrong.to_numpy(), 1 - held_out["evidence"].to_numpy())
    rows.append(["average precision of planted noise", f"{found:.3f}"])
    return rows


def cost(data: Path, cache: Path, seeds: list[int]) -> list[list[str]]:
    """Average precision and seconds on 50,000 pictures, with and without approximations."""
    features = feature_set("cifar10-whole", data, Path(), cache)
    usual = CrossFittingSettings()
    few = usual.fitting(1_281_167, WIDTH, 1000)
    variants = (
        ("exact neighbors, all heads", usual, False),
        ("approximate neighbors", usual, True),
        (f"{few.heads.heads} heads, {few.rounds} rounds", few, False),
        ("both", few, True),
    )
    rows = []
    for name, settings, is_approximate in variants:
        row, took = [name], []
        most = 0 if is_approximate else len(features.labels)
        for noise, rate in NOISES:
            found = []
            for seed in seeds:
                labels = noisy_labels(features, noise, rate, seed, np.empty(0))
                started = time.perf_counter()
                with mock.patch.object(neighbors, "_MOST_COMPARED", most):
                    fit = cross_fit(features.features, labels, 10, settings, seed=seed)
                took.append(time.perf_counter() - started)
                found.append(average_precision_score(labels != features.labels, -fit.support))
            row.append(f"{mean(found):.4f}")
        rows.append([*row, f"{mean(took):.0f} s"])
    return rows


def main() -> None:
    """Measure and write the sections."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=1_281_167)
    parser.add_argument("--classes", type=int, default=1000)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--cache", type=Path, default=Path("weights_CL/audit-benchmark"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--parts", nargs="+", default=["whole", "cost"])
    arguments = parser.parse_args()
    if "whole" in arguments.parts:
        with tempfile.TemporaryDirectory() as folder:
            rows = whole(Path(folder), arguments.samples, arguments.classes)
        words = (
            f"\n\n`dataparams audit` of {arguments.samples:,} tiny pictures in Parquet with ready "
            f"features ({WIDTH} numbers each, half precision), {arguments.classes:,} classes, a "
            "tenth of the labels swapped. Features are generated: what is found says only that "
            "nothing broke. Mapped files are the features, which the system lets go where memory "
            "is wanted."
        )
        write_section("Audit of very many samples", table(["what", "took"], rows) + words)
    if "cost" in arguments.parts:
        rows = cost(arguments.data, arguments.cache, arguments.seeds)
        header = ["what", *(f"{noise} {rate:.0%}" for noise, rate in NOISES), "time"]
        words = (
            "\n\nAverage precision on the 50,000 training pictures of CIFAR-10 at 128 px, features "
            "of efficientnet-lite0; the heads and rounds are those of 1.28 million samples of "
            f"1,000 classes. Seeds {', '.join(map(str, arguments.seeds))}."
        )
        write_section("What the audit's approximations cost", table(header, rows) + words)


if __name__ == "__main__":
    main()
