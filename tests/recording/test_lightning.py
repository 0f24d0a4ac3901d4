"""What the callback for Lightning promises, with Lightning itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch.nn import functional

from dataparams.errors import ArgumentError, RunError
from dataparams.run.folder import RunFolder

pl = pytest.importorskip("lightning.pytorch")

from dataparams.recording.lightning import RecordingCallback, recorded_loss  # noqa: E402
from made_hugging_face import made_texts  # noqa: E402
from made_lightning import (  # noqa: E402
    CLASSES,
    Classifier,
    SharedClassifier,
    SpawnedProcesses,
    TextClassifier,
    made_loader,
    made_samples,
    made_text_loader,
    made_trainer,
)
from recorded_loops import assert_alike, records_of  # noqa: E402

if TYPE_CHECKING:
    from pathlib import Path

    from dataparams.run.epoch_record import EpochRecord

pytestmark = [
    # Lightning about the machine, and about what it imports itself.
    pytest.mark.filterwarnings("ignore::lightning.fabric.utilities.warnings.PossibleUserWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:The dirpath has changed:UserWarning"),
]


def new(out: Path, count: int = 48, **settings: Any) -> RecordingCallback:
    _, labels = made_samples(count)
    return RecordingCallback(out, labels=labels, class_names=CLASSES, lr_inst=4.0, **settings)


def trained(
    folder: Path, name: str = "run", *, batch_size: int = 16, count: int = 48, **arguments: Any
) -> list[EpochRecord]:
    """Train in a run folder; the records of its epochs."""
    callbacks, fit = arguments.pop("callbacks", ()), arguments.pop("fit", {})
    trainer = made_trainer(folder, new(folder / name, count), *callbacks, **arguments)
    trainer.fit(Classifier(), made_loader(batch_size, count), **fit)
    return records_of(folder / name)


def test_a_run_folder_holds_every_epoch_and_ranks_wrong_labels_high(tmp_path: Path) -> None:
    callback = new(tmp_path / "run")
    made_trainer(tmp_path, callback, max_epochs=8).fit(
        Classifier(), made_loader(), made_loader(batch_size=48)
    )
    run = RunFolder(tmp_path / "run")
    assert run.epochs() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert run.description()["status"] == "finished"
    assert run.class_names() == CLASSES
    record = run.epoch_record(8)
    assert not record.margin.isnan().any()
    is_wrong = torch.arange(48) % 10 == 0
    temperatures = record.instance_log_temperature
    assert temperatures[is_wrong].mean() > temperatures[~is_wrong].max()
    assert callback.recording.analyze().frame.height == 48


@pytest.mark.parametrize("count", [48, 43], ids=["whole steps", "a last step that is smaller"])
def test_accumulated_batches_learn_what_whole_ones_do(tmp_path: Path, count: int) -> None:
    whole = trained(tmp_path, "whole", batch_size=16, count=count)
    parts = trained(tmp_path, "parts", batch_size=4, count=count, accumulate_grad_batches=4)
    assert_alike(parts, whole, atol=1e-5)
    assert whole[-1].instance_log_temperature.abs().max() > 0.1


def test_clipping_does_not_touch_the_data_parameters(tmp_path: Path) -> None:
    class Still(Classifier):
        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.SGD(self.parameters(), lr=0.0)

    temperatures = []
    for name, clip in (("free", None), ("clipped", 1e-6)):
        trainer = made_trainer(tmp_path, new(tmp_path / name), gradient_clip_val=clip)
        trainer.fit(Still(), made_loader())
        temperatures.append(RunFolder(tmp_path / name).epoch_record(3).instance_log_temperature)
    assert torch.equal(*temperatures)
    assert temperatures[0].abs().max() > 0.1


@pytest.mark.parametrize(
    ("when", "validates"),
    [
        ({"every_n_epochs": 1, "save_on_train_epoch_end": True}, False),
        ({"every_n_epochs": 1, "save_on_train_epoch_end": True}, True),
        # Before the epoch's end is announced, in a validation or with the last step.
        ({"every_n_epochs": 1, "save_on_train_epoch_end": False}, True),
        ({"every_n_train_steps": 3}, False),
        ({"every_n_train_steps": 3}, True),
    ],
)
def test_training_goes_on_from_a_checkpoint(
    tmp_path: Path, when: dict[str, Any], *, validates: bool
) -> None:
    fit = {"val_dataloaders": made_loader(batch_size=48)} if validates else {}

    def went(name: str, saved: str, **arguments: Any) -> list[EpochRecord]:
        saving = pl.callbacks.ModelCheckpoint(tmp_path / saved, save_top_k=-1, **when)
        return trained(tmp_path, name, callbacks=[saving], enable_checkpointing=True, **arguments)

    unbroken = went("unbroken", "whole", fit=fit)
    for number in (1, 2):
        name = f"{number} epochs"
        went(name, f"before {number}", fit=fit, max_epochs=number)
        files = (tmp_path / f"before {number}").iterdir()
        last = max(files, key=lambda file: file.stat().st_mtime_ns)
        resumed = went(name, f"after {number}", fit=fit | {"ckpt_path": str(last)})
        assert_alike(resumed, unbroken, atol=0)


def test_a_checkpoint_without_data_parameters_is_refused(tmp_path: Path) -> None:
    plain = made_trainer(tmp_path, max_epochs=1)
    plain.fit(Classifier(), made_loader())
    plain.save_checkpoint(tmp_path / "plain.ckpt")
    with pytest.raises(RunError, match="without this callback"):
        trained(tmp_path, fit={"ckpt_path": str(tmp_path / "plain.ckpt")})


def test_bfloat16_learns_nearly_the_same(tmp_path: Path) -> None:
    exact, rough = trained(tmp_path, "exact"), trained(tmp_path, "rough", precision="bf16-mixed")
    assert exact[-1].instance_log_temperature.dtype == torch.float32
    assert rough[-1].instance_log_temperature.dtype == torch.float32
    difference = exact[-1].instance_log_temperature - rough[-1].instance_log_temperature
    assert difference.abs().max() < 0.05


def test_two_processes_learn_what_one_does_in_parts_and_after_a_stop(tmp_path: Path) -> None:
    alone = trained(tmp_path, "one", batch_size=16)
    checkpoint = None
    for epochs, parts in ((1, 1), (3, 2)):
        saving = pl.callbacks.ModelCheckpoint(tmp_path / f"{epochs}", save_on_train_epoch_end=True)
        trainer = made_trainer(
            *(tmp_path, new(tmp_path / "two"), saving),
            strategy=SpawnedProcesses(),
            devices=2,
            # Of samples in order each process takes every second one.
            use_distributed_sampler=False,
            accumulate_grad_batches=parts,
            enable_checkpointing=True,
            max_epochs=epochs,
        )
        trainer.fit(SharedClassifier(), ckpt_path=checkpoint)
        (checkpoint,) = (tmp_path / f"{epochs}").iterdir()
    assert_alike(records_of(tmp_path / "two"), alone, atol=1e-5)


def test_a_distilbert_learns_the_same_in_parts_and_after_a_stop(tmp_path: Path) -> None:
    def went(name: str, batch_size: int, ckpt_path: Path | None = None, **settings: Any) -> None:
        callback = RecordingCallback(tmp_path / name, labels=labels, lr_inst=20.0, epochs=3)
        trainer = made_trainer(tmp_path, callback, **settings)
        trainer.fit(TextClassifier(), made_text_loader(batch_size), ckpt_path=ckpt_path)
        trainer.save_checkpoint(tmp_path / f"{name}.ckpt")

    labels = made_texts()[1]
    went("whole", 16)
    whole = records_of(tmp_path / "whole")
    assert whole[-1].instance_log_temperature.abs().max() > 0.1
    went("parts", 4, accumulate_grad_batches=4)
    assert_alike(records_of(tmp_path / "parts"), whole, atol=1e-5)
    went("stopped", 16, max_epochs=1)
    went("stopped", 16, tmp_path / "stopped.ckpt")
    assert_alike(records_of(tmp_path / "stopped"), whole, atol=0)


def test_validation_and_other_trainers_get_the_plain_loss(tmp_path: Path) -> None:
    module, losses = Classifier(), []

    class Watched(Classifier):
        def training_step(self, batch: Any, batch_idx: int) -> Any:
            values, labels, index = batch
            logits = self.network(values)
            loss = recorded_loss(self, logits, labels, index)
            losses.append((loss.item(), functional.cross_entropy(logits, labels).item()))
            return loss

    made_trainer(tmp_path, max_epochs=1).fit(Watched(), made_loader())
    assert all(loss == pytest.approx(plain) for loss, plain in losses)
    trainer = made_trainer(tmp_path, new(tmp_path / "run"))
    trainer.fit(module, made_loader(), made_loader(batch_size=48))
    values, labels = made_samples()
    plain = functional.cross_entropy(module.network(values), labels).item()
    assert RunFolder(tmp_path / "run").metrics()["val_loss"][2] == pytest.approx(plain, abs=1e-5)


def test_an_unknown_length_is_asked_for(tmp_path: Path) -> None:
    trainer = made_trainer(tmp_path, new(tmp_path / "run"), max_epochs=-1, max_steps=5)
    with pytest.raises(ArgumentError, match="give RecordingCallback `epochs`"):
        trainer.fit(Classifier(), made_loader())


def test_a_setting_that_there_is_not_is_said_before_training(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="`lr_isnt` is no setting of a recording"):
        new(tmp_path / "run", lr_isnt=5)


def test_a_training_that_breaks_off_is_said_in_the_run_folder(tmp_path: Path) -> None:
    class Broken(Classifier):
        def training_step(self, batch: Any, batch_idx: int) -> Any:
            if self.trainer.current_epoch == 1:
                raise RuntimeError("the power went")
            return super().training_step(batch, batch_idx)

    with pytest.raises(RuntimeError, match="the power"):
        made_trainer(tmp_path, new(tmp_path / "run")).fit(Broken(), made_loader())
    run = RunFolder(tmp_path / "run")
    assert (run.description()["status"], run.epochs()) == ("stopped", [1])
