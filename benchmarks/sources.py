"""How long data take to be read, shown and exported, beside an earlier version of the program.

Each measurement runs in a process of its own, by turns with both versions, on the same files:
photographs of ``../shared/data/caltech20`` as a folder and as Parquet, large photographs made of
them, and a folder of many empty files.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from statistics import median

import polars as pl
from PIL import Image

from results import table, write_section

ROOT = Path(__file__).parents[1]
VERSION_BEFORE = "17df453"
MEASUREMENTS = {
    "list 100,000 files": "many",
    "load photographs from a folder": "photographs",
    "load photographs from Parquet": "photographs.parquet",
    "stream photographs from a folder": "photographs",
    "thumbnails of photographs": "photographs",
    "thumbnails of large photographs": "large",
    "export photographs": "photographs",
    "export large photographs": "large",
}


# --- one measurement, in either version ----------------------------------------------------------


def measure(what: str, data: str, folder: Path) -> float:
    """Seconds that a measurement takes, without starting and imports."""
    for module in ("PIL.Image", "pandas", "polars", "pyarrow.parquet"):
        import_module(module)
    action = {
        "list": _listed,
        "load": _loaded,
        "stream": _streamed,
        "thumbnails": _shown,
        "export": _exported,
    }[what.partition(" ")[0]]
    return action(data, folder)


def _listed(data: str, folder: Path) -> float:
    from time import perf_counter

    try:
        from dataparams.sources.opening import open_source
    except ImportError:
        from dataparams.data.streaming import (  # type: ignore[import-not-found,no-redef]
            open_source,
        )

    begun = perf_counter()
    source = open_source(str(folder / data))
    assert len(source.ids) == 100_000
    return perf_counter() - begun


def _loaded(data: str, folder: Path) -> float:
    from time import perf_counter

    try:
        from dataparams.batches import load_dataset
    except ImportError:
        from dataparams.data import (  # type: ignore[import-not-found,no-redef]
            load_dataset,
        )

    begun = perf_counter()
    load_dataset(str(folder / data))
    return perf_counter() - begun


def _streamed(data: str, folder: Path) -> float:
    from time import perf_counter

    try:
        from dataparams.batches import StreamedBatches, stream_dataset
    except ImportError:
        from dataparams.data import (  # type: ignore[no-redef]
            StreamedBatches,
            stream_dataset,
        )

    train = stream_dataset(str(folder / data), image_size=96).train
    with StreamedBatches(train, 64, device="cpu", augment=True, workers=0) as batches:
        begun = perf_counter()
        count = sum(len(batch.index) for batch in batches.epoch(0))
        seconds = perf_counter() - begun
    assert count == len(train)
    return seconds


def _shown(data: str, folder: Path) -> float:
    from time import perf_counter

    from dataparams.analysis import load_analysis
    from dataparams.report.shown_contents import Wanted, write_contents
    from dataparams.run.folder import RunFolder

    analysis = load_analysis(RunFolder(_run(data, folder)))
    assert analysis is not None
    rows = analysis.frame.head(600).select("index", "id").iter_rows()
    assert analysis.contents is not None
    with tempfile.TemporaryDirectory() as out:
        wanted = [Wanted(index, name, Path(out), index % 4 == 0) for index, name in rows]
        begun = perf_counter()
        written = write_contents(analysis.contents, wanted, on_written=lambda _: None)
        seconds = perf_counter() - begun
    assert len(written) == len(wanted)
    return seconds


def _exported(data: str, folder: Path) -> float:
    from time import perf_counter

    from dataparams.export import ExportConfig, export

    with tempfile.TemporaryDirectory() as out:
        config = ExportConfig(str(_run(data, folder)), to="image-folder", out=Path(out) / "out")
        begun = perf_counter()
        export(config)
        return perf_counter() - begun


def _run(data: str, folder: Path) -> Path:
    """The run of the version that measures: it was made before, by ``--train``."""
    return folder / os.environ["VERSION"] / data / "run"


# --- both versions by turns ----------------------------------------------------------------------


def make_data(folder: Path, photographs: Path) -> None:
    """Lay out the files that are read."""
    shutil.copytree(photographs, folder / "photographs")
    files = sorted(photographs.glob("*/*.jpg"))
    cells = [{"bytes": file.read_bytes(), "path": file.name} for file in files]
    labels = [file.parent.name for file in files]
    pl.DataFrame({"image": cells, "label": labels}).write_parquet(folder / "photographs.parquet")
    for number, file in enumerate(files[::12]):
        place = folder / "large" / f"{number % 2}" / f"{number}.jpg"
        place.parent.mkdir(parents=True, exist_ok=True)
        with Image.open(file) as picture:
            picture.convert("RGB").resize((3000, 2000)).save(place, quality=90)
    for number in range(100_000):
        place = folder / "many" / f"class {number % 1000:04}"
        if number < 1000:
            place.mkdir(parents=True)
        (place / f"{number}.jpg").touch()


def in_version(source: Path, version: str, *words: str) -> str:
    """Run this file, or a module, with one version's code; gives what it printed."""
    environment = {**os.environ, "PYTHONPATH": str(source), "VERSION": version}
    done = subprocess.run(
        [sys.executable, *words], env=environment, check=True, capture_output=True, text=True
    )
    return done.stdout


def train(source: Path, version: str, folder: Path, data: str) -> None:
    """Make the run, with an analysis, that is shown and exported."""
    words = ["-m", "dataparams.cli"]
    flags = ["--epochs", "2", "--output-dir", str(folder / version)]
    in_version(source, version, *words, "train", str(folder / data), *flags)
    run = str(folder / version / data / "run")
    in_version(source, version, *words, "analyze", run, "--no-model")


def compare(folder: Path, versions: dict[str, Path], pairs: int) -> list[list[str]]:
    """A row per measurement: medians of both versions, and of their ratio."""
    rows = []
    for what in MEASUREMENTS:
        seconds: dict[str, list[float]] = {version: [] for version in versions}
        for _ in range(pairs):
            for version, source in versions.items():
                words = [str(Path(__file__)), "--measure", what, "--folder", str(folder)]
                seconds[version].append(json.loads(in_version(source, version, *words)))
        before, now = seconds["before"], seconds["now"]
        ratio = median(new / old for old, new in zip(before, now, strict=True))
        rows.append([what, f"{median(before):.2f} s", f"{median(now):.2f} s", f"{ratio:.2f}"])
        print(*rows[-1], sep="  ", flush=True)
    return rows


def main() -> None:
    """Measure, print and write a section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--before", default=VERSION_BEFORE, help="the commit to compare with")
    parser.add_argument("--pairs", type=int, default=9)
    parser.add_argument("--photographs", type=Path, default=ROOT / "../shared/data/caltech20")
    parser.add_argument("--dry-run", action="store_true", help="print, and write nothing")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        print(measure(arguments.measure, MEASUREMENTS[arguments.measure], arguments.folder))
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder, checkout = Path(temporary) / "data", Path(temporary) / "before"
        folder.mkdir()
        git = ["git", "-C", str(ROOT), "worktree"]
        subprocess.run([*git, "add", "--detach", checkout, arguments.before], check=True)
        try:
            make_data(folder, arguments.photographs)
            versions = {"before": checkout / "src", "now": ROOT / "src"}
            for version, source in versions.items():
                for data in ("photographs", "large"):
                    train(source, version, folder, data)
            rows = compare(folder, versions, arguments.pairs)
        finally:
            subprocess.run([*git, "remove", "--force", checkout], check=True)
    text = (
        f"Seconds, medians of {arguments.pairs} pairs of processes by turns, and the median of "
        f"their ratios; before is commit {arguments.before}.\n\n"
        + table(["what", "before", "now", "ratio"], rows)
    )
    if not arguments.dry_run:
        write_section("Sources", text)


if __name__ == "__main__":
    main()
