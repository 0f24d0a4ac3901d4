"""Finished runs of texts and of rows that tests make for themselves, without a training."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import torch

from dataparams.analysis import analyze, write_analysis
from dataparams.run.epoch_record import EpochRecord
from dataparams.run.folder import RunFolder
from dataparams.run.safe_files import parquet_bytes, write_whole
from dataparams.sources.table_contents import RowContents, TextContents

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from dataparams.contents.content import ContentKind
    from dataparams.sources.source import Contents

CLASSES = ("cards", "loans", "travel")
EPOCHS = 5
HOSTILE_TEXTS = (
    "</script><script>alert(1)</script>",
    '<img src=x onerror="alert(2)"> {{ 7 * 7 }} ${alert(3)} javascript:alert(4)',
    "\u202egnp.exe \u2066and an override that nobody closes",
)
LONG_TEXT = (
    "  It begins with two blanks.\n\tThen a tab.\n\n" + "A long sentence about my card. " * 400
)
SCRIPTS = (
    "أين بطاقتي الجديدة؟ لقد طلبتها في last week",
    "איפה הכרטיס שלי? הזמנתי אותו לפני שבוע",
    "我的新卡在哪里。我上周就订了。",
    "मेरा नया कार्ड कहाँ है?",
    "a" * 900,
)
PER_CLASS = 24


def made_text_run(folder: Path) -> RunFolder:
    """A run of 72 texts of three classes, some of whose labels are wrong, which was learned.

    The first texts are hostile or long, and have a wrong label; others are in other scripts.
    """
    subjects = ("my card", "a loan", "a flight")
    texts = [
        f"Question {row} about {subjects[row // PER_CLASS]}: what is to be done?"
        for row in range(len(CLASSES) * PER_CLASS)
    ]
    special = (*HOSTILE_TEXTS, LONG_TEXT, *SCRIPTS)
    texts[: len(special)] = special
    return _finished_run(folder, pl.DataFrame({"text": texts}), "text")


def made_row_run(folder: Path) -> RunFolder:
    """A run of 72 rows of three classes, some of whose labels are wrong, which was learned.

    Row 0 has an amount far from those of its class and a country that no other has; row 1 has a
    missing amount; the note of row 2 is hostile.
    """
    rng = np.random.default_rng(0)
    count = len(CLASSES) * PER_CLASS
    group = np.arange(count) // PER_CLASS
    amount = (100.0 * (1 + group) + rng.normal(0, 5, count)).round(2).tolist()
    amount[0], amount[1] = 9999.5, None
    country = np.array(["DE", "FR"])[np.arange(count) % 2].tolist()
    country[0] = "Atlantis"
    table = pl.DataFrame(
        {
            "amount": amount,
            "years": (10 + np.arange(count) % 7).tolist(),
            "country": country,
            "is_new": (np.arange(count) % 2 == 0).tolist(),
            "opened": pl.Series(np.arange(count)).cast(pl.Int32).cast(pl.Date),
            "note": [HOSTILE_TEXTS[0] if row == 2 else f"note {row}" for row in range(count)],
        }
    )
    return _finished_run(folder, table, "row")


def contents_of_table(table: pl.DataFrame, kind: ContentKind) -> Contents:
    """The contents of samples that lie in a table without ids."""
    return TextContents(table["text"]) if kind == "text" else RowContents(table)


def _finished_run(folder: Path, table: pl.DataFrame, kind: ContentKind) -> RunFolder:
    run = RunFolder(folder)
    count = len(table)
    index = np.arange(count)
    is_wrong = (index < 4) | (index % 8 == 3)
    is_doubtful = index % 16 == 6
    labels = (index // PER_CLASS + is_wrong) % len(CLASSES)
    ids = [f"train/{row}" for row in index.tolist()]
    contents = contents_of_table(table, kind)
    run.write_description(
        {
            "status": "finished",
            "epoch": EPOCHS,
            "dataset": f"{kind}s",
            "source": {
                "name": "contents.parquet",
                "is_kept": True,
                "content": kind,
                "label_column": None,
                "text_column": "text" if kind == "text" else None,
                "row_columns": table.columns if kind == "row" else [],
                "val_frac": 0.0,
                "seed": 0,
            },
            "fingerprint": "made",
            "class_names": list(CLASSES),
            "config": {"init_inst_param": 1.0, "learn_inst_parameters": True},
        }
    )
    read = contents.read(range(count))
    digests = [None if isinstance(one, Exception) else one.digest() for one in read]
    samples = {"index": index, "id": ids, "label": labels, "split": ["train"] * count}
    run.write_samples(pl.DataFrame({**samples, "content": digests}))
    kept = parquet_bytes(table.select(pl.Series("id", ids), pl.all()))
    write_whole(run.path / "contents.parquet", kept)
    for epoch in range(1, EPOCHS + 1):
        run.write_epoch_record(
            _record(epoch, labels, np.where(is_doubtful, 0, np.where(is_wrong, -1, 1)))
        )
    write_analysis(run, analyze(run, use_model=False))
    return run


def _record(epoch: int, labels: NDArray[np.integer], fits: NDArray[np.integer]) -> EpochRecord:
    """What a model records that learns the labels that fit (1), and doubts the wrong ones (-1)."""
    count, share = len(labels), epoch / EPOCHS
    rng = np.random.default_rng(epoch)
    margin = 4.0 * fits * share + rng.normal(0, 0.3, count)
    others = (labels + 2) % len(CLASSES)
    predicted = np.where(margin > 0, labels, others)
    loss = torch.from_numpy(np.logaddexp(0, -margin)).float()
    moved = -1.0 * fits * share + rng.normal(0, 0.03, count)
    return EpochRecord(
        epoch=epoch,
        class_log_temperature=torch.zeros(0),
        instance_log_temperature=torch.from_numpy(moved).float(),
        margin=torch.from_numpy(margin).float(),
        loss=loss,
        error_norm=1 - torch.exp(-loss),
        rival=torch.from_numpy(others).int(),
        predicted=torch.from_numpy(predicted).int(),
        correct=torch.from_numpy(margin > 0),
    )
