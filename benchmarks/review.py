"""How quickly the review server answers for 1.28 million samples, its memory, and what kills cost.

The server runs in a process of its own and is asked over HTTP, as a page asks it.
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import urlencode

import numpy as np
import polars as pl
import torch

from dataparams.runs import EpochRecord, RunFolder
from results import table, write_section

HARD, REVIEW = 0.08, 0.04
ANNOTATORS = 4


def generate(folder: Path, instances: int, epochs: int, classes: int) -> None:
    """A run that was analyzed; its scores are drawn at random."""
    rng = np.random.default_rng(0)
    run = RunFolder(folder)
    labels = rng.integers(0, classes, instances)
    names = np.array([f"class {number}" for number in range(classes)])
    run.write_description(
        {
            "dataset": "generated",
            "class_names": names.tolist(),
            "config": {"init_inst_param": 1.0},
            "source": {"name": str(folder / "no-images")},
        }
    )
    ids = pl.select(
        pl.format(
            "n{}/picture_{}.jpg", pl.lit(pl.Series(labels)), pl.int_range(instances, dtype=pl.Int64)
        )
    ).to_series()
    index = np.arange(instances)
    run.write_samples(pl.DataFrame({"index": index, "id": ids, "label": labels}))
    chance = rng.random(instances)
    category = np.where(chance < HARD, "hard", np.where(chance < HARD + REVIEW, "review", "easy"))
    drift = np.where(category == "hard", 0.02, np.where(category == "review", 0.0, -0.02))
    zeros = torch.zeros(instances)
    no_classes = torch.zeros(instances, dtype=torch.int32)
    level = np.zeros(instances)
    for epoch in range(1, epochs + 1):
        level += drift + rng.normal(0, 0.02, instances)
        run.write_epoch_record(
            EpochRecord(
                epoch=epoch,
                class_parameters=torch.empty(0),
                inst_parameters=torch.from_numpy(level.astype(np.float32)),
                margin=zeros,
                loss=zeros,
                error_norm=zeros,
                rival=no_classes,
                predicted=no_classes,
                correct=zeros > 0,
            )
        )
    suggested = np.where(chance < HARD, rng.integers(0, classes, instances), labels)
    share = rng.random(instances, dtype=np.float32)
    subgroup = np.where(chance < HARD, np.where(share < 0.5, "A", "B, like another"), "")
    frame = pl.DataFrame(
        {
            "index": index,
            "id": ids,
            "label": labels,
            "label_name": names[labels],
            "category": category,
            **{f"p_{name}": (category == name).astype(np.float32) for name in ("easy", "hard")},
            "p_review": (category == "review").astype(np.float32),
            "noise_probability": chance.astype(np.float32),
            "suspicion": 1 - chance,
            "suggested_label": suggested,
            "suggested_name": names[suggested],
            "suggested_confidence": share,
            "subgroup": pl.Series(subgroup).replace("", None),
            **dict.fromkeys(OTHER_SCORES, share),
        }
    )
    run.write_analysis(frame, {"epochs": list(range(1, epochs + 1)), "use_model": False})


OTHER_SCORES = (
    *("final_temperature", "mean_temperature", "area_under_margin", "mean_loss", "last_loss"),
    *("confidence", "variability", "error_norm", "mean_probability_margin"),
)
FILTERS: dict[str, dict[str, object]] = {
    "the queue, to do": {"decision": "todo", "category": ["hard", "review"]},
    "everything": {},
    "a class": {"label": 7},
    "a category": {"category": ["review"]},
    "a suggested class": {"suggested": 7},
    "a sub-group of a class": {"label": 7, "subgroup": "A"},
    "disputed": {"decision": "disputed"},
    "decided by me": {"decision": "mine"},
    "a file name": {"search": None},
    "a class, to do, and a file name": {"label": 7, "decision": "todo", "search": None},
}


class Client:
    """Asks over one connection, and notes how long answers take."""

    def __init__(self, port: int, name: str = "ann") -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.name = name
        self._random = random.Random(name)  # noqa: S311 - no secret

    def get(self, path: str, **query: object) -> tuple[float, bytes]:
        """Milliseconds and the answer."""
        return self._ask("GET", f"{path}?{urlencode(query, doseq=True)}", None)

    def decide(self, run: str, index: int) -> float:
        """Milliseconds until a decision is acknowledged."""
        body = {
            "run": run,
            "request": f"{self._random.getrandbits(128):032x}",
            "annotator": self.name,
            "decisions": [{"index": index, "action": "discard"}],
        }
        return self._ask("POST", "/api/decisions", json.dumps(body))[0]

    def _ask(self, method: str, path: str, body: str | None) -> tuple[float, bytes]:
        started = time.perf_counter()
        self._connection.request(method, path, body, {"content-type": "application/json"})
        answer = self._connection.getresponse()
        contents = answer.read()
        assert answer.status == 200, contents
        return 1000 * (time.perf_counter() - started), contents


def pages(port: int, repeats: int) -> list[list[str]]:
    """First and later pages under each filter."""
    rows = []
    for name, filters in FILTERS.items():
        client = Client(port)
        first, later = [], []
        for number in range(repeats):
            # A text that was not sought before is not remembered either.
            sought = {"search": f"picture_{number}"} if "search" in filters else {}
            query = {**filters, **sought, "annotator": "ann", "limit": 120}
            took, contents = client.get("/api/queue", **query)
            first.append(took)
            samples = json.loads(contents)["samples"]
            if samples:
                later.append(client.get("/api/queue", **query, after=samples[-1]["index"])[0])
        rows.append([name, *percentiles(first), *percentiles(later)])
    return rows


def percentiles(values: list[float]) -> list[str]:
    """Median and 95th percentile, in milliseconds."""
    if not values:
        return ["-", "-"]
    return [f"{value:.0f}" for value in np.percentile(values, (50, 95))]


def decisions(port: int, run: str, repeats: int, queue: list[int]) -> list[list[str]]:
    """How long a decision takes, by one annotator and by several at once."""
    alone = [Client(port).decide(run, index) for index in queue[:repeats]]
    together: list[float] = []

    def decide(number: int) -> None:
        client = Client(port, f"annotator {number}")
        together.extend([client.decide(run, index) for index in queue[:repeats]])

    threads = [threading.Thread(target=decide, args=(number,)) for number in range(ANNOTATORS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [
        ["a decision, acknowledged when on the disk", *percentiles(alone)],
        [f"the same, {ANNOTATORS} annotators at once", *percentiles(together)],
    ]


def memory(process: int) -> dict[str, float]:
    """Gigabytes: resident now, and at most since the start."""
    text = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    facts = dict(line.split(":", 1) for line in text.splitlines())
    return {name: int(facts[name].split()[0]) / 1e6 for name in ("VmRSS", "VmHWM")}


def measure(folder: Path, repeats: int) -> str:
    """Start a server on the run and ask it."""
    command = [sys.executable, "-m", "dataparams.cli", "review", str(folder), "--no-open"]
    started = time.perf_counter()
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        port = int(server.stdout.readline().rpartition(":")[2].strip("/\n"))
        client = Client(port)
        _, contents = client.get("/api/run")
        ready = time.perf_counter() - started
        run = json.loads(contents)["run"]
        after_start = memory(server.pid)
        queue = json.loads(client.get("/api/queue", limit=200)[1])["samples"]
        page_rows = pages(port, repeats)
        other_rows = decisions(port, run, repeats, [one["index"] for one in queue])
        client = Client(port)
        details = [client.get(f"/api/samples/{one['index']}")[0] for one in queue[:repeats]]
        numbers = [client.get("/api/queue/numbers", limit=100_000)[0] for _ in range(repeats)]
        changes = [
            client.get("/api/changes", annotator="ann", after=4 * repeats)[0]
            for _ in range(repeats)
        ]
        other_rows += [
            ["a sample with its trajectory", *percentiles(details)],
            ["the numbers of the next 100,000 samples", *percentiles(numbers)],
            ["what others changed", *percentiles(changes)],
        ]
        at_end = memory(server.pid)
    finally:
        server.terminate()
        server.wait()
    return (
        table(
            ["first and later page of 120 samples", "first p50", "p95", "later p50", "p95"],
            page_rows,
        )
        + "\n\n"
        + table(["other requests", "p50", "p95"], other_rows)
        + f"\n\nMilliseconds over HTTP, {repeats} times each, the server in a process of its own. "
        f"From the command to the first answer: {ready:.1f} s. Resident memory of the server, with "
        f"imports: {after_start['VmRSS']:.2f} GB after the start, {at_end['VmRSS']:.2f} GB at the "
        f"end, {at_end['VmHWM']:.2f} GB at most; another process, "
        "which ends before, reads the analysis."
    )


def kills(times: int) -> str:
    """Kill a server while clients write; what is lost."""
    script = Path(__file__).parents[1] / "tests" / "killed_review.py"
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, str(script), f"{folder}/run", str(times), "0"]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    told = json.loads(output)
    return (
        f"A server was killed (SIGKILL) {times} times at random moments while {ANNOTATORS} clients "
        f"wrote: of {told['acknowledged']:,} acknowledged requests {len(told['lost'])} were lost, "
        f"and {len(told['halves'])} were written in part."
    )


def main() -> None:
    """Measure and write the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--instances", type=int, default=1_280_000)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--classes", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=60)
    parser.add_argument("--kills", type=int, default=100)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder), arguments.instances, arguments.epochs, arguments.classes)
        measured = measure(Path(folder), arguments.repeats)
    killed = kills(arguments.kills)
    size = f"{arguments.instances:,} samples x {arguments.epochs} epochs x {arguments.classes}"
    body = f"A generated run of {size} classes.\n\n{measured}\n\n{killed}"
    write_section("Review at scale", body)


if __name__ == "__main__":
    main()
