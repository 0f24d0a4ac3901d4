"""How quickly the review server answers for 1.28 million samples, its memory, and what kills cost.

The server runs in a process of its own and is asked over HTTP, as a page asks it.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import re
import secrets
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing
from pathlib import Path
from urllib.parse import urlencode

import numpy as np
import polars as pl
import torch
from PIL import Image

from dataparams.analysis.findings import Findings, stored
from dataparams.analysis.noise_rate import NoiseEstimate
from dataparams.contents.images import EncodedImage
from dataparams.decisions.store import Decision, DecisionStore
from dataparams.run.epoch_record import EpochRecord
from dataparams.run.folder import RunFolder
from results import table, write_section

HARD, REVIEW = 0.08, 0.04
ANNOTATORS = 4
LARGE_CLASS, LARGE, OTHER_CLASS = 0, 100_000, 7
MANY_ANNOTATORS, DECISIONS_OF_EACH = 10, 100_000


def generate(folder: Path, instances: int, epochs: int, classes: int) -> None:
    """A run that was analyzed; its scores are drawn at random. Two classes have pictures."""
    rng = np.random.default_rng(0)
    run = RunFolder(folder)
    labels = rng.integers(0, classes, instances)
    labels[: min(LARGE, instances // 4)] = LARGE_CLASS
    names = np.array([f"class {number}" for number in range(classes)])
    run.write_description(
        {
            "dataset": "generated",
            "class_names": names.tolist(),
            "config": {"init_inst_param": 1.0},
            "source": {"name": str(folder / "images")},
        }
    )
    ids = pl.select(
        pl.format(
            "n{}/picture_{}.jpg", pl.lit(pl.Series(labels)), pl.int_range(instances, dtype=pl.Int64)
        )
    ).to_series()
    has_picture = np.isin(labels, [LARGE_CLASS, OTHER_CLASS])
    digests = pl.Series(draw_pictures(folder / "images", ids.filter(has_picture)))
    content = pl.select(pl.int_range(instances).cast(pl.String).str.zfill(32)).to_series()
    content = content.scatter(np.flatnonzero(has_picture), digests)
    index = np.arange(instances)
    columns = {"index": index, "id": ids, "label": labels, "content": content}
    run.write_samples(pl.DataFrame(columns).with_columns(split=pl.lit("train")))
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
                class_log_temperature=torch.empty(0),
                instance_log_temperature=torch.from_numpy(level.astype(np.float32)),
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
    findings = Findings(NoiseEstimate(HARD, HARD - 0.01, HARD + 0.01))
    made = {"epochs": list(range(1, epochs + 1)), "use_model": False, **stored(findings)}
    run.write_analysis(frame, made)


def draw_pictures(folder: Path, ids: pl.Series) -> list[str]:
    """Photographs of noise, a few of which are linked under all names; gives their digests."""
    rng = np.random.default_rng(1)
    drawn = []
    for number in range(64):
        pixels = rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)
        drawn.append(folder / f"drawn/{number}.jpg")
        drawn[-1].parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).resize((500, 375)).save(drawn[-1])
    for name in ids.str.split("/").list.first().unique():
        (folder / name).mkdir()
    for number, name in enumerate(ids):
        (folder / name).hardlink_to(drawn[number % len(drawn)])
    digests = [EncodedImage(None, str(file)).digest() for file in drawn]
    return [digests[number % len(digests)] for number in range(len(ids))]


def decide_much(run: Path, instances: int) -> None:
    """Decisions of many annotators, of samples that several of them decide about."""
    rng = np.random.default_rng(2)
    store = DecisionStore(run / "review.sqlite")
    common = rng.choice(instances, min(2 * DECISIONS_OF_EACH, instances), replace=False)
    for number in range(MANY_ANNOTATORS):
        own = rng.choice(common, len(common) // 2, replace=False)
        is_kept = rng.random(len(own)) < 0.5
        wanted = [
            Decision(index, "relabel", 1) if kept else Decision(index, "discard")
            for index, kept in zip(own.tolist(), is_kept.tolist(), strict=True)
        ]
        store.record_all(
            [
                (f"{number}/{first}", f"annotator {number}", wanted[first : first + 100])
                for first in range(0, len(wanted), 100)
            ]
        )
    store.close()


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

    def get(self, path: str, **query: object) -> tuple[float, bytes]:
        """Milliseconds and the answer."""
        return self._ask("GET", f"{path}?{urlencode(query, doseq=True)}", None)

    def decide(self, run: str, index: int) -> float:
        """Milliseconds until a decision is acknowledged."""
        body = {
            "run": run,
            "request": secrets.token_hex(16),
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
    client = Client(port)
    alone = [client.decide(run, index) for index in queue[:repeats]]
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


class Server:
    """A server on a run, as its command starts it."""

    def __init__(self, folder: Path) -> None:
        command = [sys.executable, "-m", "dataparams.cli", "review", str(folder), "--no-open"]
        started = time.perf_counter()
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        # What cannot be read is said before the address.
        address = re.compile(r"http://\S+:(\d+)/")
        found = next(filter(None, map(address.search, self._process.stdout)))
        self.port = int(found[1])
        self.run = json.loads(Client(self.port).get("/api/run")[1])["run"]
        self.seconds_to_start = time.perf_counter() - started
        self.rows = [["started", "-", f"{self.seconds_to_start:.1f} s", *self.memory()]]

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait()

    def memory(self) -> list[str]:
        """Gigabytes: resident now, and at most since the start."""
        text = Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii")
        facts = dict(line.split(":", 1) for line in text.splitlines())
        return [f"{int(facts[name].split()[0]) / 1e6:.2f}" for name in ("VmRSS", "VmHWM")]

    def note(self, what: str, times: list[float]) -> None:
        """Keep how long something took, and what memory is used after it."""
        self.rows.append([what, str(len(times)), f"{np.median(times):.0f} ms", *self.memory()])


def measure(folder: Path, repeats: int) -> str:
    """Start a server on the run and ask it; then again, with a million decisions."""
    with closing(Server(folder)) as server:
        cold = server.seconds_to_start
        client = Client(server.port)
        queue = json.loads(client.get("/api/queue", limit=200)[1])["samples"]
        page_rows = pages(server.port, repeats)
        server.note("pages under each filter", [0.0])
        server.rows[-1][1:3] = [str(2 * repeats * len(FILTERS)), "above"]
        other_rows = decisions(server.port, server.run, repeats, [one["index"] for one in queue])
        client = Client(server.port)
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
        look_around(server, client)
        first_rows = server.rows
    decide_much(folder, len(RunFolder(folder).samples()))
    with closing(Server(folder)) as server:
        warm = server.seconds_to_start
        client = Client(server.port, "annotator 1")
        for what, filters in (("to do", {"decision": "todo"}), ("disputed", FILTERS["disputed"])):
            took = [
                client.get("/api/queue", annotator=client.name, limit=120, **filters)[0]
                for _ in range(repeats)
            ]
            server.note(f"first page, {what}", took)
        server.note("who decided, and agreement of all pairs", [client.get("/api/people")[0]])
        beside = DecisionStore(folder / "review.sqlite")
        took = []
        for number in range(repeats):
            last = beside.last_number()
            beside.record(f"beside {number}", "annotator 2", [Decision(number, "skip")])
            took.append(client.get("/api/changes", annotator="ann", after=last)[0])
        server.note("hearing of a decision that another process wrote", took)
        look_around(server, client)
        second_rows = server.rows
    header = ["what", "times", "median", "GB after", "GB at most"]
    told = (
        f"Milliseconds over HTTP, {repeats} times each, the server in a process of its own. From "
        f"the command to the first answer {cold:.1f} s when another process, which ends before, "
        f"reads the analysis; {warm:.1f} s with what that left in `review_cache` and the decisions "
        "below. Resident memory of the server, with its imports (0.7 GB, most of it PyTorch) and "
        "mapped files:"
    )
    many = (
        f"With {MANY_ANNOTATORS} annotators who decided about {DECISIONS_OF_EACH:,} samples each:"
    )
    return "\n\n".join(
        [
            table(["page of 120 samples", "first p50", "p95", "later p50", "p95"], page_rows),
            table(["other requests", "p50", "p95"], other_rows),
            told,
            table(header, first_rows),
            many,
            table(header, second_rows),
        ]
    )


def look_around(server: Server, client: Client) -> None:
    """Pictures, what is similar, and maps."""
    for label in (OTHER_CLASS, LARGE_CLASS):
        found = json.loads(client.get("/api/queue", label=label, limit=120)[1])
        of_class = f"of a class of {found['total']:,}"
        numbers = [one["index"] for one in found["samples"]]
        took = [client.get(f"/api/pictures/{server.run}/small/{one}")[0] for one in numbers]
        server.note(f"small pictures, made {of_class}", took)
        took = [client.get(f"/api/samples/{one}/similar")[0] for one in numbers[:20]]
        server.note(f"similar samples {of_class}", took)
        server.note(f"the map {of_class}", [client.get(f"/api/maps/{label}")[0]])


def kills(times: int) -> str:
    """Kill a server while clients write; what is lost."""
    script = Path(__file__).parents[1] / "tests" / "support" / "killed_review.py"
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, str(script), f"{folder}/run", str(times), "0"]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    told = json.loads(output)
    return (
        f"A server was killed (SIGKILL) {times} times at random moments while {ANNOTATORS} clients "
        "decided and took back, and another process imported decisions: of "
        f"{told['acknowledged']:,} acknowledged requests {len(told['lost'])} were lost, and "
        f"{len(told['halves'])} were written in part. {told['on_their_way']} requests were on "
        f"their way when the server was killed; {told['written_unacknowledged']} of them are in "
        "the file."
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
    if arguments.classes <= OTHER_CLASS:
        parser.error(f"--classes is {arguments.classes}; expected more than {OTHER_CLASS}.")
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder), arguments.instances, arguments.epochs, arguments.classes)
        measured = measure(Path(folder), arguments.repeats)
    killed = kills(arguments.kills)
    load = f"Load of the machine, which others used as well: {os.getloadavg()[2]:.1f} on average."
    size = f"{arguments.instances:,} samples x {arguments.epochs} epochs x {arguments.classes}"
    body = f"A generated run of {size} classes.\n\n{measured}\n\n{killed} {load}"
    write_section("Review at scale", body)


if __name__ == "__main__":
    main()
