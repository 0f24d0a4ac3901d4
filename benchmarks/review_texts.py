"""How quickly the review server shows and searches a million texts, and its memory.

The server runs in a process of its own and is asked over HTTP, as a page asks it.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from contextlib import closing
from pathlib import Path

import numpy as np
import polars as pl
import torch

from dataparams.analysis.findings import Findings, stored
from dataparams.analysis.noise_rate import NoiseEstimate
from dataparams.contents.texts import Text
from dataparams.run.epoch_record import EpochRecord
from dataparams.run.folder import RunFolder
from results import table, write_section
from review import OTHER_SCORES, Client, Server, percentiles

HARD, REVIEW = 0.08, 0.04
WORDS, WORDS_OF_TEXT = 5_000, 18
SHOWN = 100
AT_ONCE = 100_000


def generate(folder: Path, count: int, epochs: int, classes: int) -> None:
    """A run of texts that keeps them, and was analyzed; words and scores are drawn at random."""
    rng = np.random.default_rng(0)
    run = RunFolder(folder)
    names = [f"class {number}" for number in range(classes)]
    labels = rng.integers(0, classes, count)
    ids = pl.select(pl.format("train/{}", pl.int_range(count))).to_series()
    texts = pl.concat(
        [random_texts(rng, len(part)) for part in ids.to_frame().iter_slices(AT_ONCE)]
    )
    run.write_description(
        {
            "dataset": "texts",
            "status": "finished",
            "class_names": names,
            "config": {"init_inst_param": 1.0},
            "source": {"name": "contents.parquet", "is_kept": True, "content": "text"},
        }
    )
    run.write_kept_contents(pl.DataFrame({"id": ids, "text": texts}))
    digests = [Text(text).digest() for text in texts]
    samples = {"index": np.arange(count), "id": ids, "label": labels, "content": digests}
    run.write_samples(pl.DataFrame(samples).with_columns(split=pl.lit("train")))
    zeros, no_classes = torch.zeros(count), torch.zeros(count, dtype=torch.int32)
    level = np.zeros(count)
    for epoch in range(1, epochs + 1):
        level += rng.normal(0, 0.02, count)
        record = dict.fromkeys(("margin", "loss", "error_norm"), zeros)
        run.write_epoch_record(
            EpochRecord(
                epoch=epoch,
                class_log_temperature=torch.empty(0),
                instance_log_temperature=torch.from_numpy(level.astype(np.float32)),
                rival=no_classes,
                predicted=no_classes,
                correct=zeros > 0,
                **record,
            )
        )
    run.write_analysis(*analysis_of(rng, pl.DataFrame(samples), names, epochs))


def random_texts(rng: np.random.Generator, count: int) -> pl.Series:
    """Texts of some words each."""
    letters = rng.integers(97, 123, (WORDS, 6), dtype=np.uint8)
    words = pl.Series(["".join(map(chr, word)) for word in letters.tolist()])
    chosen = words.gather(rng.integers(0, WORDS, count * WORDS_OF_TEXT))
    return chosen.reshape((count, WORDS_OF_TEXT)).arr.join(" ")


def analysis_of(
    rng: np.random.Generator, samples: pl.DataFrame, names: list[str], epochs: int
) -> tuple[pl.DataFrame, dict[str, object]]:
    """What an analysis says of the samples, at random."""
    count = len(samples)
    chance, share = rng.random(count), rng.random(count, dtype=np.float32)
    category = np.where(chance < HARD, "hard", np.where(chance < HARD + REVIEW, "review", "easy"))
    labels = samples["label"].to_numpy()
    suggested = np.where(chance < HARD, rng.integers(0, len(names), count), labels)
    frame = samples.select("index", "id", "label").with_columns(
        label_name=pl.Series(names).gather(labels),
        category=pl.Series(category),
        **{
            f"p_{name}": pl.Series((category == name).astype(np.float32))
            for name in ("easy", "hard", "review")
        },
        noise_probability=pl.Series(chance.astype(np.float32)),
        suspicion=pl.Series(1 - chance),
        suggested_label=pl.Series(suggested),
        suggested_name=pl.Series(names).gather(suggested),
        suggested_confidence=pl.Series(share),
        subgroup=pl.lit(None, pl.String),
        **dict.fromkeys(OTHER_SCORES, pl.Series(share)),
    )
    findings = Findings(NoiseEstimate(HARD, HARD - 0.01, HARD + 0.01))
    made = {"epochs": list(range(1, epochs + 1)), "use_model": False, **stored(findings)}
    return frame, made


def measure(folder: Path, repeats: int) -> tuple[list[list[str]], list[list[str]], float]:
    """Ask a server on the run: how long answers take, its memory, and how long it took to start."""
    found = RunFolder(folder).path / "contents.parquet"
    some = pl.scan_parquet(found).select("text").head(repeats).collect()["text"].to_list()
    rows: list[list[str]] = []
    with closing(Server(folder)) as server:
        client = Client(server.port)

        def note(what: str, times: list[float]) -> None:
            rows.append([what, *percentiles(times)])
            server.note(what, times)

        query = {"decision": "todo", "category": ["hard", "review"], "annotator": "ann"}
        took, contents = client.get("/api/queue", **query, limit=120)
        note("the first page, for the first time", [took])
        listed = [one["index"] for one in json.loads(contents)["samples"]]
        texts = f"/api/texts/{server.run}"
        note(f"its first {SHOWN} texts", [client.get(texts, index=listed[:SHOWN])[0]])
        again = [client.get("/api/queue", **query, limit=120)[0] for _ in range(repeats)]
        note("the first page", again)
        note(
            f"{SHOWN} texts",
            [client.get(texts, index=listed[n : n + SHOWN])[0] for n in range(20)],
        )
        sought = [text.split()[number % WORDS_OF_TEXT] for number, text in enumerate(some)]
        seek = [client.get("/api/queue", search=word, limit=120)[0] for word in sought]
        note("the first search for a word", seek[:1])
        note("a search for another word", seek[1:])
        note("the same search again", [client.get("/api/queue", search=sought[-1])[0]] * 2)
        similar = [client.get(f"/api/samples/{one}/similar")[0] for one in listed[:20]]
        note("similar samples, without features", similar)
        return rows, server.rows, server.seconds_to_start


def main() -> None:
    """Measure and write the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1_000_000)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--classes", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=30)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        generate(Path(folder), arguments.count, arguments.epochs, arguments.classes)
        size = (Path(folder) / "contents.parquet").stat().st_size / 1e6
        measure(Path(folder), 1)  # prepares the run
        times, memory, seconds = measure(Path(folder), arguments.repeats)
    load = f"Load of the machine, which others used as well: {os.getloadavg()[2]:.1f} on average."
    told = (
        f"A generated run of {arguments.count:,} texts of {WORDS_OF_TEXT} words "
        f"({size:.0f} MB in `contents.parquet`) in {arguments.classes} classes. Milliseconds over "
        f"HTTP, the server in a process of its own, which started in {seconds:.1f} s from what an "
        f"earlier one had prepared. {load}"
    )
    parts = [
        told,
        table(["request", "p50", "p95"], times),
        table(["what", "times", "median", "GB after", "GB at most"], memory),
    ]
    write_section("Review of texts at scale", "\n\n".join(parts))


if __name__ == "__main__":
    main()
