"""A loop of one's own that is recorded: what it leaves, and what it is told."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, WeightedRandomSampler

import dataparams
from dataparams import ArgumentError, DataParameters, Recording, RunError, instance_learning_rate
from dataparams.training import config_from_clean
from recorded_loops import assert_same_records, digits, network, record

if TYPE_CHECKING:
    from pathlib import Path


class _StoppedError(Exception):
    pass


def small(folder: Path, **settings: Any) -> Recording:
    """A recording of eight samples of two classes."""
    told: dict[str, Any] = {"labels": [0, 1] * 4, "epochs": 3, "batch_size": 8} | settings
    return Recording(folder / "run", **told)


def batch(*index: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Logits that hang on a weight, labels and index."""
    number = torch.tensor(index or range(8))
    logits = torch.stack((number.float() - 3, 4 - number.float()), dim=1) / 4
    return logits.requires_grad_(), number % 2, number


def take(run: Recording, *index: int) -> None:
    """One step on some samples."""
    run.loss(*batch(*index)).backward()
    run.step()


def test_it_learns_as_data_parameters_alone_and_records_as_our_training(tmp_path: Path) -> None:
    run = record(tmp_path / "run", epochs=3)
    data, model = digits(), network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 3)
    own = torch.Generator().manual_seed(3)
    loader = DataLoader(data.indexed(), batch_size=32, shuffle=True)
    alone = DataParameters(600, 10, lr_inst=instance_learning_rate(3, 32))
    for _ in range(3):
        for x, y, index in loader:
            drawn = random.random() * np.random.rand() * torch.rand(1, generator=own)  # noqa: NPY002, S311
            loss = alone(model(x + 0.1 * drawn), y, index)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            alone.step()
        scheduler.step()
    record_of_last = run.run.epoch_record(3)
    assert torch.equal(record_of_last.instance_log_temperature, alone.inst_log)
    assert not record_of_last.class_log_temperature.numel()
    assert bool((record_of_last.predicted >= 0).all())
    assert bool(record_of_last.margin.isfinite().all())
    metrics = run.run.metrics()
    assert metrics["epoch"].to_list() == [1, 2, 3]
    assert metrics["lr"][0] == pytest.approx(0.1)
    description = run.run.description()
    assert (description["status"], description["epoch"]) == ("finished", 3)
    assert run.run.content_kind() is None
    assert run.run.samples()["id"][:2].to_list() == ["train/0", "train/1"]


def test_a_loop_that_broke_goes_on_as_if_it_had_not(tmp_path: Path) -> None:
    def stop(epoch: int, step: int) -> None:
        if (epoch, step) == (2, 7):
            raise _StoppedError

    whole = record(tmp_path / "whole", learn="both")
    with pytest.raises(_StoppedError):
        record(tmp_path / "broken", learn="both", after_step=stop)
    assert Recording(
        tmp_path / "broken", labels=digits().y, epochs=4, batch_size=32, learn="both"
    ).run.epochs() == [1, 2]
    again = record(tmp_path / "broken", learn="both")
    assert_same_records(whole.run, again.run)
    # Once more does nothing, but brings the trained model back.
    model = network()
    finished = Recording(
        tmp_path / "broken", labels=digits().y, epochs=4, batch_size=32, learn="both"
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 4)
    before = [weight.clone() for weight in model.parameters()]
    assert list(finished.epochs(model, optimizer, scheduler, torch.Generator())) == []
    assert not torch.equal(before[0], next(model.parameters()))
    assert_same_records(whole.run, finished.run)


def test_more_epochs_than_at_first_keep_the_rate(tmp_path: Path) -> None:
    first = record(tmp_path / "run", epochs=2)
    second = record(tmp_path / "run", epochs=3)
    assert second.run.epochs() == [1, 2, 3]
    assert second.criterion.lr_inst == first.criterion.lr_inst
    assert second.run.metrics()["lr_inst"].n_unique() == 1


@pytest.mark.parametrize(
    ("learn", "instances", "classes"),
    [("nothing", 0, 0), ("instance", 600, 0), ("class", 0, 10), ("both", 600, 10)],
)
def test_what_is_learned_is_chosen(
    learn: str, instances: int, classes: int, tmp_path: Path
) -> None:
    run = record(tmp_path / "run", epochs=6, learn=learn)
    last = run.run.epoch_record(6)
    assert len(last.instance_log_temperature) == instances
    assert len(last.class_log_temperature) == classes
    analysis = run.analyze()
    assert (run.run.path / "analysis.parquet").is_file()
    assert analysis.has_temperatures == (instances > 0)
    worst = analysis.frame.sort("suspicion", descending=True)["index"][:100].to_numpy()
    assert digits().is_wrong.numpy()[worst].mean() > 0.7


def test_accumulated_gradients_are_those_of_the_whole_batch(tmp_path: Path) -> None:
    data = digits(64)
    logs = []
    for parts in (1, 4):
        model = network().eval()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        run = Recording(tmp_path / f"{parts}", labels=data.y, epochs=3, batch_size=32)
        for _ in run.epochs(model, optimizer):
            for whole in torch.arange(64).split(32):
                optimizer.zero_grad()
                for index in whole.split(32 // parts):
                    (run.loss(model(data.x[index]), data.y[index], index) / parts).backward()
                optimizer.step()
                run.step()
        logs.append(run.criterion.inst_log)
    assert float(logs[0].abs().max()) > 0.1
    torch.testing.assert_close(*logs, atol=1e-5, rtol=0)


def test_the_loss_can_be_divided_by_the_samples_of_all_micro_batches(tmp_path: Path) -> None:
    logs = []
    for parts in ([range(8)], [range(3), range(3, 8)]):
        run = small(tmp_path / f"{len(parts)}")
        run.begin()
        for part in parts:
            run.loss(*batch(*part), num_items=8).backward()
        run.step()
        logs.append(run.criterion.inst_log)
    assert float(logs[0].abs().max()) > 0
    torch.testing.assert_close(*logs)
    assert run.loss(*batch(), reduction="none").shape == (8,)


def test_a_step_that_the_scaler_skips_is_skipped_here_too(tmp_path: Path) -> None:
    model = nn.Linear(2, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scaler = torch.amp.GradScaler("cpu", init_scale=4.0)
    run = small(tmp_path, epochs=1)
    x = torch.randn(8, 2)
    for _ in run.epochs(model, optimizer, scaler):
        for number in range(3):
            before = run.criterion.inst_log.clone()
            logits = model(x) * (torch.inf if number == 1 else 1)
            loss = run.loss(logits, run.labels, torch.arange(8))
            optimizer.zero_grad()
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            run.step()
            scaler.update()
            is_same = torch.equal(before, run.criterion.inst_log)
            assert is_same == (number == 1)
    assert bool(run.run.epoch_record(1).margin.isfinite().all())
    late = small(tmp_path / "late")
    late.begin(model, optimizer, scaler)
    scaler.scale(late.loss(model(x), late.labels, torch.arange(8))).backward()
    scaler.step(optimizer)
    scaler.update()
    with pytest.raises(ArgumentError, match=r"after `scaler.update\(\)`"):
        late.step()


def test_autocast_changes_the_model_alone(tmp_path: Path) -> None:
    model = nn.Linear(2, 2)
    run = small(tmp_path, learn="both")
    run.begin(model)
    with torch.autocast("cpu", torch.bfloat16):
        logits = model(torch.randn(8, 2))
        loss = run.loss(logits, run.labels, torch.arange(8))
    assert (logits.dtype, loss.dtype) == (torch.bfloat16, torch.float32)
    loss.backward()
    run.step()
    run.end_epoch()
    assert bool(run.run.epoch_record(1).margin.isfinite().all())


@pytest.mark.parametrize("learn", ["instance", "nothing"])
def test_samples_that_are_dropped_or_never_drawn_are_no_obstacle(
    learn: Any, tmp_path: Path
) -> None:
    data, model = digits(), network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    weights = torch.ones(600)
    weights[:5] = 0
    sampler = WeightedRandomSampler(weights.tolist(), 610)
    loader = DataLoader(data.indexed(), batch_size=32, sampler=sampler, drop_last=True)
    run = Recording(tmp_path / "run", labels=data.y, epochs=6, batch_size=32, learn=learn)
    for _ in run.epochs(model, optimizer):
        for x, y, index in loader:
            loss = run.loss(model(x), y, index)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            run.step()
    last = run.run.epoch_record(6)
    absent = last.predicted < 0
    assert 100 < int(absent.sum()) < 400
    assert bool(last.margin[absent].isnan().all())
    analysis = run.analyze()
    index = analysis.frame["index"].to_list()
    assert len(index) > 550
    assert not set(index) & set(range(5))
    worst = analysis.frame.sort("suspicion", descending=True)["index"][:80].to_numpy()
    assert data.is_wrong.numpy()[worst].mean() > 0.7
    if learn == "instance":
        assert len(dataparams.rank(run.run).table) == len(index)


def test_validation_samples_are_recorded(tmp_path: Path) -> None:
    model = nn.Linear(2, 2)
    run = small(tmp_path, validation=["0", "1", "1"], class_names=["0", "1"], epochs=2)
    x = torch.randn(3, 2)
    for epoch in run.epochs(model):
        take(run)
        with torch.no_grad():
            run.validate(model(x)[:2], torch.tensor([0, 1]), torch.tensor([0, 1]))
            if epoch:
                run.validate(model(x)[2:], torch.tensor([1]), torch.tensor([2]))
    assert run.run.metrics()["val_accuracy"].null_count() == 0
    counts = run.run.validation()
    assert counts["count"].to_list() == [1, 1, 1, 2]
    held_out = run.run.held_out()
    assert held_out["index"].to_list() == [8, 9, 10]
    assert held_out["id"].to_list() == ["val/0", "val/1", "val/2"]
    assert run.run.samples("val")["label"].to_list() == [0, 1, 1]
    given = torch.nn.functional.softmax(model(x), dim=1)[torch.arange(3), torch.tensor([0, 1, 1])]
    np.testing.assert_allclose(held_out["probability"], given.detach(), atol=1e-6)


def test_figures_of_ones_own_stand_in_the_table(tmp_path: Path) -> None:
    run = small(tmp_path, epochs=2)
    for epoch in run.epochs(nn.Linear(1, 1)):
        take(run)
        run.end_epoch({"f1": 0.5 + epoch / 4})
    assert run.run.metrics()["f1"].to_list() == [0.5, 0.75]


def test_an_epoch_that_is_broken_off_is_not_written(tmp_path: Path) -> None:
    run = small(tmp_path)
    for epoch in run.epochs(nn.Linear(1, 1)):
        take(run)
        if epoch == 1:
            break
    assert run.run.epochs() == [1]
    assert run.run.description()["status"] == "stopped"
    for _ in run.epochs(nn.Linear(1, 1)):
        take(run)
        run.end_epoch()
        break
    assert run.run.epochs() == [1, 2]


def test_wrong_use_is_told(tmp_path: Path) -> None:
    run, model = small(tmp_path), nn.Linear(1, 1)
    with pytest.raises(ArgumentError, match=r"No epoch is in progress.*for epoch in run.epochs"):
        run.loss(*batch())
    with pytest.raises(ArgumentError, match=r"`epochs\(\)` is given nothing"):
        next(iter(run.epochs()))
    run.begin(model)
    with pytest.raises(ArgumentError, match=r"`step\(\)` is called without a `loss\(\)`"):
        run.step()
    logits, labels, index = batch()
    with pytest.raises(ArgumentError, match=r"`index` contains 8; expected 0 ... 7"):
        run.loss(logits, labels, index + 1)
    with pytest.raises(ArgumentError, match=r"class 1 .'1'. for sample 0, which had class 0"):
        run.loss(logits, 1 - labels, index)
    with pytest.raises(ArgumentError, match="without gradients"), torch.no_grad():
        run.loss(logits, labels, index)
    with pytest.raises(ArgumentError, match="no `validation` labels were given"):
        run.validate(logits, labels, index)
    with pytest.raises(TypeError, match="index"):
        run.loss(logits, labels, list(range(8)))  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="None cannot be gone on from"):
        run.begin(None)
    assert run.run.epochs() == []


def test_an_epoch_without_a_loss_or_a_step_is_told(tmp_path: Path) -> None:
    run = small(tmp_path)
    run.begin()
    with pytest.raises(ArgumentError, match=r"`loss\(\)` was not called"):
        run.end_epoch()
    run.loss(*batch()).backward()
    with pytest.raises(ArgumentError, match=r"`step\(\)` was not called in epoch 1"):
        run.end_epoch()
    nothing = small(tmp_path / "nothing", learn="nothing")
    nothing.begin()
    nothing.loss(*batch())
    nothing.end_epoch()
    assert nothing.run.epochs() == [1]


def test_a_batch_larger_than_was_said_is_told(tmp_path: Path) -> None:
    run = small(tmp_path, batch_size=4)
    run.begin()
    run.loss(*batch()).backward()
    with pytest.raises(ArgumentError, match=r"A step has 8 samples .*`batch_size` is 4"):
        run.step()


@pytest.mark.parametrize("learn", ["nothing", "instance"])
def test_a_training_that_diverges_is_not_written(learn: Any, tmp_path: Path) -> None:
    run = small(tmp_path, learn=learn)
    run.begin()
    take(run)
    run.end_epoch()
    logits, labels, index = batch()
    with pytest.raises(ArgumentError, match=r"`logits` contains -?inf"):
        run.loss(logits * torch.inf, labels, index)
    assert run.run.epochs() == [1]


def test_other_labels_classes_or_settings_do_not_go_into_a_run(tmp_path: Path) -> None:
    run, model = small(tmp_path), nn.Linear(1, 1)
    run.begin(model)
    take(run)
    run.end_epoch()
    written = (tmp_path / "run" / "epoch_1.pth.tar").read_bytes()
    with pytest.raises(RunError, match=r"other labels: 1 differ, the first of sample 7, '1' then"):
        small(tmp_path, labels=[0, 1] * 3 + [0, 0])
    with pytest.raises(RunError, match=r"of other classes \(0, 1, ...\) than `class_names` \(a, b"):
        small(tmp_path, class_names=["a", "b"])
    with pytest.raises(RunError, match="of 8 samples, and `labels` has 10"):
        small(tmp_path, labels=[0, 1] * 5)
    with pytest.raises(RunError, match="same labels and other samples"):
        small(tmp_path, samples=list("abcdefgh"))
    with pytest.raises(RunError, match="`learn=instance`, and now `learn` is both"):
        small(tmp_path, learn="both")
    with pytest.raises(RunError, match=r"begun with Linear, and is now given Linear, SGD"):
        small(tmp_path).begin(model, torch.optim.SGD(model.parameters(), lr=0.1))
    with pytest.raises(RunError, match="does not fit"):
        small(tmp_path).begin(nn.Linear(1, 2))
    assert (tmp_path / "run" / "epoch_1.pth.tar").read_bytes() == written
    anew = small(tmp_path, labels=[1, 0] * 4, restart=True)
    assert (tmp_path / "run" / "epoch_1.pth.tar").read_bytes() == written
    anew.begin(nn.Linear(1, 2))
    assert anew.run.epochs() == []
    assert anew.run.samples()["label"].to_list() == [1, 0] * 4


def test_what_is_no_recording_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.txt").write_text("mine")
    for restart in (False, True):
        with pytest.raises(RunError, match="no run folder; it is not touched"):
            small(tmp_path, restart=restart)
    (tmp_path / "run" / "run.json").write_text('{"audit": {}}')
    for restart in (False, True):
        with pytest.raises(RunError, match="of another kind"):
            small(tmp_path, restart=restart)


def test_decisions_of_people_outlast_a_restart(tmp_path: Path) -> None:
    run = small(tmp_path)
    run.begin(nn.Linear(1, 1))
    (run.run.review).write_bytes(b"decisions")
    with pytest.raises(RunError, match="decisions that people made"):
        small(tmp_path, restart=True).begin(nn.Linear(1, 1))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"labels": [0, 0, 0]}, "a single class"),
        ({"labels": [0, -1]}, r"`labels` has -1 for sample 1; expected 0 ... 0"),
        ({"labels": ["a", None]}, "None for sample 1"),
        ({"labels": [0.5, 1.5]}, "float64; expected class numbers"),
        ({"labels": []}, "a label per sample"),
        ({"labels": [[0, 1], [1, 0]]}, r"shape \(2, 2\)"),
        ({"labels": [0, 3_000_000_000]}, "3000000000"),
        ({"class_names": ["a"]}, "has 1 for sample 1"),
        ({"class_names": ["a", "a"]}, "a name twice"),
        ({"labels": ["a", "b"], "class_names": ["a", "c"]}, "'b'; expected a name"),
        ({"epochs": 0}, "`epochs` is 0"),
        ({"batch_size": 2.5}, "`batch_size` is 2.5"),
        ({"learn": "all"}, "`learn` is 'all'"),
        ({"lr_inst": -1}, "`lr_inst` is -1"),
        ({"lr_inst": "high"}, "`lr_inst` is 'high'"),
        ({"clamp": (2, 1)}, "`clamp`"),
        ({"ids": ["a"] * 8}, "'a' twice"),
        ({"ids": ["a"]}, "1 names; expected 8"),
        ({"samples": ["a text"]}, "1 samples and `labels` 8"),
        ({"samples": iter("abcdefgh")}, "has no length"),
        ({"samples": [object()] * 8}, "not images"),
        ({"samples": ["a", 3] * 4}, "has 3 at 1"),
    ],
)
def test_arguments_out_of_range_are_named(
    settings: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(ArgumentError, match=message):
        small(tmp_path, **settings)
    assert not (tmp_path / "run").exists()


def test_a_state_that_a_file_cannot_hold_is_refused_at_the_start(tmp_path: Path) -> None:
    class Sampler:
        def state_dict(self) -> dict[str, object]:
            return {"order": object()}

        def load_state_dict(self, _: object) -> None: ...

    with pytest.raises(ArgumentError, match=r"state_dict\(\) of the Sampler holds a object"):
        small(tmp_path).begin(nn.Linear(1, 1), Sampler())
    assert not (tmp_path / "run").exists()


def test_generators_samplers_and_schedulers_go_on(tmp_path: Path) -> None:
    model = nn.Linear(1, 1)
    optimizer = torch.optim.AdamW(model.parameters(), lr=np.float64(0.1))
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, [1, 2])
    numbers = [np.random.default_rng(3), np.random.RandomState(3), random.Random(3)]  # noqa: S311
    own: list[Any] = [torch.Generator(), *numbers]

    def drawn() -> list[float]:
        return [
            float(torch.rand((), generator=own[0])),
            *(float(one.random()) for one in own[1:]),
            optimizer.param_groups[0]["lr"],
        ]

    run = small(tmp_path)
    run.begin(model, optimizer, scheduler, *own)
    take(run)
    optimizer.step()
    scheduler.step()
    run.end_epoch()
    expected = drawn()
    again = small(tmp_path)
    assert again.begin(model, optimizer, scheduler, *own) == 1
    assert drawn() == expected


def test_a_trainer_with_checkpoints_of_its_own_goes_on_within_an_epoch(tmp_path: Path) -> None:
    def steps(run: Recording, *parts: tuple[int, ...]) -> None:
        for part in parts:
            take(run, *part)

    whole = small(tmp_path / "whole")
    assert whole.begin() == 0
    for _ in range(2):
        steps(whole, (0, 1, 2), (3, 4), (5, 6, 7))
        whole.end_epoch()
    first = small(tmp_path)
    first.begin()
    steps(first, (0, 1, 2), (3, 4), (5, 6, 7))
    first.end_epoch()
    steps(first, (0, 1, 2), (3, 4))
    torch.save(first.state_dict(), tmp_path / "state.pt")
    steps(first, (5, 6, 7))
    first.end_epoch()
    second = small(tmp_path)
    second.begin()
    with pytest.raises(RunError, match="whose state was not loaded"):
        second.loss(*batch())
    second.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    assert second.epoch == 1
    steps(second, (5, 6, 7))
    second.end_epoch()
    for name, values in vars(whole.run.epoch_record(2)).items():
        theirs = getattr(second.run.epoch_record(2), name)
        assert theirs == values if isinstance(values, int) else torch.equal(theirs, values)
    assert not (second.run.path / "checkpoint").exists()


def test_cleaned_samples_are_arrays_for_the_next_training(tmp_path: Path) -> None:
    run = record(tmp_path / "run", epochs=8)
    kept = dataparams.cleaned(tmp_path / "run")
    assert run.run.cleaned.is_file()
    assert 350 < len(kept) < 560
    assert digits().is_wrong.numpy()[kept.index].mean() < 0.05
    labels, weights = kept.of_all(600)
    assert (labels >= 0).sum() == (weights > 0).sum() == len(kept)
    np.testing.assert_array_equal(labels[kept.index], digits().y.numpy()[kept.index])
    # A second time it is what is there.
    assert dataparams.cleaned(run.run.cleaned).index.tolist() == kept.index.tolist()
    with pytest.raises(dataparams.UserError, match=r"gets index, label and weight .* by data"):
        config_from_clean(run.run.cleaned)
    with pytest.raises(ArgumentError, match="`count` is 10"):
        kept.of_all(10)
    with pytest.raises(RunError):
        dataparams.cleaned(tmp_path / "nowhere")
    assert isinstance(TensorDataset(torch.from_numpy(kept.index)), TensorDataset)
