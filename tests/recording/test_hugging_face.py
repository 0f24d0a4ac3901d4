"""What ``record`` promises, with the Trainer of transformers itself."""

from __future__ import annotations

import functools
import os
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
import torch

from dataparams.errors import ArgumentError, RunError
from dataparams.run.folder import RunFolder

pytest.importorskip("transformers")

from transformers import Trainer, TrainerCallback

from dataparams.recording.hugging_face import record
from dataparams.recording.hugging_face_data import class_names_of, labels_of, samples_of
from forked_processes import exit_codes, free_port
from made_hugging_face import (
    CLASSES,
    made_model,
    made_trainer,
    made_training_set,
)
from recorded_loops import assert_alike, records_of

if TYPE_CHECKING:
    from pathlib import Path

    from dataparams.run.epoch_record import EpochRecord


@pytest.fixture(scope="module")
def texts() -> Any:
    return made_training_set()


def trained(folder: Path, name: str, dataset: Any, **arguments: Any) -> list[EpochRecord]:
    """Train in a run folder; the records of its epochs."""
    resume = arguments.pop("resume", None)
    trainer = made_trainer(folder / f"of {name}", dataset, **arguments)
    record(trainer, folder / name, lr_inst=20.0).train(resume_from_checkpoint=resume)
    return records_of(folder / name)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory, texts: Any) -> list[EpochRecord]:
    """The records of a training on the texts that nothing stops."""
    return trained(tmp_path_factory.mktemp("plain"), "run", texts)


def test_one_line_makes_a_run_folder_with_texts_and_classes(tmp_path: Path, texts: Any) -> None:
    trainer = made_trainer(tmp_path, texts, eval_dataset=texts, eval_strategy="epoch")
    assert record(trainer, tmp_path / "run") is trainer
    trainer.train()
    run = RunFolder(tmp_path / "run")
    assert run.epochs() == [1, 2, 3]
    assert run.description()["status"] == "finished"
    assert run.description()["source"]["content"] == "text"
    assert run.class_names() == CLASSES
    assert run.samples()["label"].to_list() == texts["label"][:]
    kept = pl.read_parquet(tmp_path / "run" / "contents.parquet")
    assert kept["text"].to_list() == texts["text"][:]
    assert not run.epoch_record(3).margin.isnan().any()
    evaluated = [row["eval_loss"] for row in trainer.state.log_history if "eval_loss" in row]
    assert run.metrics()["val_loss"].to_list() == pytest.approx(evaluated)
    assert trainer.recording.analyze().frame.height == len(texts)


@pytest.mark.parametrize("count", [48, 43], ids=["whole steps", "a last step that is smaller"])
def test_accumulated_batches_learn_what_whole_ones_do(tmp_path: Path, count: int) -> None:
    dataset = made_training_set(count)
    whole = trained(tmp_path, "whole", dataset)
    parts = trained(
        tmp_path,
        "parts",
        dataset,
        per_device_train_batch_size=4,
        gradient_accumulation_steps=4,
    )
    assert_alike(parts, whole, atol=1e-5)
    assert whole[-1].instance_log_temperature.abs().max() > 0.01


def test_clipping_does_not_touch_the_data_parameters(tmp_path: Path, texts: Any) -> None:
    free, clipped = (
        trained(tmp_path, f"clipped at {norm}", texts, learning_rate=0.0, max_grad_norm=norm)
        for norm in (0.0, 1e-6)
    )
    assert_alike(clipped, free, atol=0)


@pytest.mark.parametrize("steps", [4, 3], ids=["in an epoch", "with an epoch's last step"])
def test_training_goes_on_from_the_trainers_checkpoint(
    tmp_path: Path, texts: Any, plain: list[EpochRecord], steps: int
) -> None:
    saving = {"save_strategy": "steps", "save_steps": steps}
    broken = made_trainer(tmp_path / "of run", texts, **saving)
    broken.add_callback(_StopsAfter(steps + 1))
    with pytest.raises(RuntimeError, match="the power"):
        record(broken, tmp_path / "run", lr_inst=20.0).train()
    assert RunFolder(tmp_path / "run").description()["status"] == "stopped"
    resumed = trained(tmp_path, "run", texts, **saving, resume=True)
    assert_alike(resumed, plain, atol=0)


def test_epochs_behind_the_checkpoint_come_again(tmp_path: Path, texts: Any) -> None:
    unbroken = trained(tmp_path, "run", texts, save_strategy="epoch")
    broken = made_trainer(tmp_path / "of run", texts)
    broken.add_callback(_StopsAfter(5))
    with pytest.raises(RuntimeError, match="the power"):
        record(broken, tmp_path / "run", lr_inst=20.0).train(
            resume_from_checkpoint=str(tmp_path / "of run" / "checkpoint-3")
        )
    assert RunFolder(tmp_path / "run").epochs() == [1]
    again = trained(tmp_path, "run", texts, resume=str(tmp_path / "of run" / "checkpoint-3"))
    assert_alike(again, unbroken, atol=0)


def test_a_second_training_in_the_same_folder_is_refused(tmp_path: Path, texts: Any) -> None:
    trained(tmp_path, "run", texts, num_train_epochs=1)
    with pytest.raises(RunError, match="has epochs of an earlier training"):
        trained(tmp_path, "run", texts, num_train_epochs=1)
    trainer = record(made_trainer(tmp_path / "trainer", texts), tmp_path / "run", restart=True)
    trainer.train()
    assert RunFolder(tmp_path / "run").epochs() == [1, 2, 3]


class _StopsAfter(TrainerCallback):  # type: ignore[misc]
    """Ends a training after a step, as it happens to some."""

    def __init__(self, step: int) -> None:
        self._step = step

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if state.global_step >= self._step:
            raise RuntimeError("the power went")


def test_the_newest_checkpoint_is_found(tmp_path: Path, texts: Any) -> None:
    unbroken = trained(tmp_path, "run", texts, save_strategy="epoch")
    longer = trained(tmp_path, "run", texts, save_strategy="epoch", num_train_epochs=4, resume=True)
    assert len(longer) == 4
    assert_alike(longer[:3], unbroken, atol=0)


def test_a_checkpoint_without_data_parameters_is_refused(tmp_path: Path, texts: Any) -> None:
    made_trainer(tmp_path / "of run", texts, save_strategy="epoch", num_train_epochs=1).train()
    with pytest.raises(RunError, match=r"checkpoint-3 has no file data_parameters\.pt"):
        trained(tmp_path, "run", texts, resume=True)


def test_a_checkpoint_that_is_not_there_is_said(tmp_path: Path, texts: Any) -> None:
    for resume, complaint in (
        (True, "There is no checkpoint in"),
        ("nowhere", "no checkpoint now"),
    ):
        with pytest.raises(RunError, match=complaint):
            trained(tmp_path, "run", texts, resume=resume)


def test_evaluation_is_what_it_was_and_is_not_recorded(tmp_path: Path, texts: Any) -> None:
    plain = made_trainer(tmp_path / "plain", texts, eval_dataset=texts)
    trainer = record(
        made_trainer(tmp_path / "trainer", texts, eval_dataset=texts), tmp_path / "run"
    )
    assert trainer.evaluate()["eval_loss"] == plain.evaluate()["eval_loss"]
    expected = plain.predict(texts).predictions
    np.testing.assert_array_equal(trainer.predict(texts).predictions, expected)
    trainer.train()
    before = records_of(tmp_path / "run")
    trainer.evaluate(texts)
    assert_alike(records_of(tmp_path / "run"), before, atol=0)


def test_bfloat16_learns_nearly_the_same(tmp_path: Path, texts: Any) -> None:
    exact = trained(tmp_path, "exact", texts, learning_rate=1e-3)
    rough = trained(tmp_path, "rough", texts, learning_rate=1e-3, bf16=True)
    difference = exact[-1].instance_log_temperature - rough[-1].instance_log_temperature
    assert rough[-1].instance_log_temperature.dtype == torch.float32
    assert difference.abs().max() < 0.05


class Items(torch.utils.data.Dataset[dict[str, Any]]):
    """A data set of PyTorch's."""

    def __init__(self, dataset: Any, **changes: Any) -> None:
        self._dataset, self._changes = dataset.remove_columns("text"), changes

    def __len__(self) -> int:
        return len(self._dataset)

    def __getitem__(self, index: int) -> dict[str, Any]:
        return {**self._dataset[index], **self._changes}


@pytest.mark.parametrize("removes", [True, False])
def test_any_data_set_with_numbers_is_recorded(
    tmp_path: Path, texts: Any, plain: list[EpochRecord], *, removes: bool
) -> None:
    items = trained(tmp_path, "items", Items(texts), remove_unused_columns=removes)
    assert_alike(items, plain, atol=0)


def test_texts_that_were_removed_are_made_from_tokens(tmp_path: Path, texts: Any) -> None:
    trainer = made_trainer(tmp_path, texts.remove_columns("text"))
    record(trainer, tmp_path / "run").train()
    kept = pl.read_parquet(tmp_path / "run" / "contents.parquet")
    assert kept["text"].to_list() == texts["text"][:]


def test_two_texts_per_sample_are_a_row(texts: Any) -> None:
    pairs = texts.add_column("question", [f"question {i}" for i in range(len(texts))])
    shown = samples_of(pairs, None)
    assert shown.columns == ["text", "question"]
    assert shown.row(1) == (texts[1]["text"], "question 1")


def test_a_selection_and_a_transform_keep_their_rows(texts: Any) -> None:
    chosen = texts.select([5, 3, 40]).with_transform(lambda batch: {"input_ids": batch["label"]})
    assert labels_of(chosen).tolist() == [texts[i]["label"] for i in (5, 3, 40)]
    assert samples_of(chosen, None)["text"].to_list() == [texts[i]["text"] for i in (5, 3, 40)]


def test_class_names_are_the_models_or_else_the_data_sets(texts: Any) -> None:
    model = made_model()
    labels = labels_of(texts)
    assert class_names_of(model, texts, labels) == CLASSES
    model.config.id2label = {0: "a", 1: "b", 2: "c"}
    assert class_names_of(model, texts, labels) == ("a", "b", "c")
    assert class_names_of(torch.nn.Linear(2, 3), Items(texts), labels) == ("0", "1", "2")


class _OwnLoss(Trainer):  # type: ignore[misc]
    def compute_loss(self, *arguments: Any, **settings: Any) -> Any:
        return super().compute_loss(*arguments, **settings)


def _own_function(*_: Any, **__: Any) -> None: ...


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"label_smoothing_factor": 0.1}, "smooths labels"),
        ({"auto_find_batch_size": True}, "may change its batch size"),
        ({"kind": _OwnLoss}, "overrides compute_loss"),
        (
            {"kind": functools.partial(Trainer, compute_loss_func=_own_function)},
            "func",
        ),
        ({"problem_type": "multi_label_classification"}, "multi_label_classification"),
        ({"num_labels": 1}, "predicts one number"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_recorded_is_said(
    tmp_path: Path, texts: Any, change: dict[str, Any], complaint: str
) -> None:
    model = made_model()
    for name in ("problem_type", "num_labels"):
        if name in change:
            setattr(model.config, name, change.pop(name))
    trainer = made_trainer(tmp_path, texts, model=model, **change)
    with pytest.raises(ArgumentError, match=complaint):
        record(trainer, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_trainer_is_recorded_once(tmp_path: Path, texts: Any) -> None:
    trainer = record(made_trainer(tmp_path, texts), tmp_path / "run")
    with pytest.raises(ArgumentError, match="is recorded already"):
        record(trainer, tmp_path / "other")


def test_a_training_set_that_cannot_be_recorded_is_said(tmp_path: Path, texts: Any) -> None:
    stream = made_trainer(tmp_path, texts.to_iterable_dataset(), max_steps=2)
    for dataset, complaint in (
        (texts.rename_column("label", "index"), "has a column 'index' already"),
        (texts.remove_columns("label"), "has no labels"),
        (Items(texts, label=0.5), "holds fractions"),
        (Items(texts, label=[0, 1]), "Several labels per sample"),
    ):
        with pytest.raises(ArgumentError, match=complaint):
            record(made_trainer(tmp_path, dataset), tmp_path / "run")
    with pytest.raises(ArgumentError, match="can only be iterated over"):
        record(stream, tmp_path / "run")
    with pytest.raises(ArgumentError, match=r"expected a transformers\.Trainer"):
        record("trainer", tmp_path / "run")


@pytest.mark.parametrize("name", ["lr_isnt", "epochs"])
def test_a_setting_that_there_is_not_is_said_before_training(
    tmp_path: Path, texts: Any, name: str
) -> None:
    settings: dict[str, Any] = {name: 5}
    with pytest.raises(ArgumentError, match=f"`{name}` is no setting of a recording"):
        record(made_trainer(tmp_path, texts), tmp_path / "run", **settings)


def test_a_search_for_hyperparameters_is_refused(tmp_path: Path, texts: Any) -> None:
    trainer = record(made_trainer(tmp_path, texts), tmp_path / "run")
    with pytest.raises(ArgumentError, match="A search for hyperparameters"):
        trainer.train(trial={"learning_rate": 0.1})


def test_figures_of_an_evaluation_within_an_epoch_are_not_those_of_its_end(
    tmp_path: Path, texts: Any
) -> None:
    evaluating = {"eval_dataset": texts, "eval_strategy": "steps", "eval_steps": 2}
    trainer = record(made_trainer(tmp_path, texts, **evaluating), tmp_path / "run")
    trainer.train()
    run = RunFolder(tmp_path / "run")
    assert run.epochs() == [1, 2, 3]
    assert run.metrics()["val_loss"].to_list()[:2] == [None, None]


def test_a_training_set_that_is_replaced_is_said(tmp_path: Path, texts: Any) -> None:
    trainer = record(made_trainer(tmp_path, texts), tmp_path / "run")
    trainer.train_dataset = texts.select(range(20))
    with pytest.raises(ArgumentError, match="was replaced"):
        trainer.train()


def _process(rank: int, folder: Path, port: int) -> None:
    """Train as one of two processes, which torchrun would start."""
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": "2"}
    os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "ACCELERATE_USE_CPU": "true"}
    settings = {"per_device_train_batch_size": 8, "ddp_backend": "gloo"}
    trained(folder, "shared", made_training_set(), **settings, save_strategy="epoch")
    parts = settings | {"per_device_train_batch_size": 4, "gradient_accumulation_steps": 2}
    for name, resume in (("parts", None), ("resumed", str(folder / "of parts/checkpoint-3"))):
        trained(folder, name, made_training_set(), **parts, save_strategy="epoch", resume=resume)
    saving = {"save_strategy": "steps", "save_steps": 4}
    uneven = made_training_set(43)
    trained(folder, "uneven", uneven, **settings, **saving)
    trained(folder, "uneven", uneven, **settings, resume=str(folder / "of uneven/checkpoint-4"))
    torch.distributed.destroy_process_group()


def test_two_processes_learn_what_one_does(tmp_path: Path, plain: list[EpochRecord]) -> None:
    port = free_port()
    assert exit_codes(_process, *((rank, tmp_path, port) for rank in range(2))) == [0, 0]
    for name, first in (("shared", 1), ("parts", 1), ("resumed", 2)):
        assert_alike(records_of(tmp_path / name), plain[first - 1 :], atol=1e-5)
    # Processes get batches of the same size, so that each of some samples is in both.
    uneven = records_of(tmp_path / "uneven")
    assert [int((one.predicted >= 0).sum()) for one in uneven] == [43, 43, 43]
    assert all(one.predicted.max() < len(CLASSES) for one in uneven)
    assert not any(one.margin.isnan().any() for one in uneven)
