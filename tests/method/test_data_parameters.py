"""The method against an independent dense reference, and the promises of DataParameters."""

from __future__ import annotations

import copy
import io
import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from dataparams.method import checks
from dataparams.method.data_parameters import DataParameters
from dataparams.method.functional import sparse_momentum_step, temperature_cross_entropy

LOWEST, HIGHEST = math.log(1 / 20), math.log(20)


@dataclass
class DenseReference:
    """Section 3 of the paper, one Python loop, float64, autograd through a dense expression."""

    num_instances: int
    num_classes: int
    lr_inst: float | None
    lr_class: float | None
    wd_inst: float
    wd_class: float
    init_inst: float = 1.0
    init_class: float = 1.0
    momentum: float = 0.9
    state: dict[str, tuple[Tensor, Tensor]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, count, initial in (
            ("inst", self.num_instances, self.init_inst),
            ("class", self.num_classes, self.init_class),
        ):
            log = torch.full((count,), math.log(initial), dtype=torch.float64)
            self.state[name] = (log, torch.zeros(count, dtype=torch.float64))

    def step(self, logits: Tensor, labels: Tensor, index: Tensor) -> Tensor:
        logs = {name: values.clone().requires_grad_() for name, (values, _) in self.state.items()}
        total = torch.zeros((), dtype=torch.float64)
        for z, y, i in zip(logits.double(), labels.tolist(), index.tolist(), strict=True):
            sigma = torch.zeros((), dtype=torch.float64)
            if self.lr_inst is not None:
                sigma = sigma + logs["inst"][i].exp()
            if self.lr_class is not None:
                sigma = sigma + logs["class"][y].exp()
            total = total - torch.log_softmax(z / sigma, 0)[y] / len(logits)
        decay = torch.zeros((), dtype=torch.float64)
        for name, entries, rate, weight in (
            ("inst", index, self.lr_inst, self.wd_inst),
            ("class", labels, self.lr_class, self.wd_class),
        ):
            if rate is not None:
                for entry in entries.tolist():
                    decay = decay + 0.5 * weight * logs[name][entry] ** 2
        (total + decay).backward()
        for name, entries, rate in (
            ("inst", index, self.lr_inst),
            ("class", labels, self.lr_class),
        ):
            if rate is None:
                continue
            values, momenta = self.state[name]
            gradient = logs[name].grad
            assert gradient is not None
            for entry in set(entries.tolist()):
                momenta[entry] = self.momentum * momenta[entry] + gradient[entry]
                moved = values[entry] - rate * momenta[entry]
                values[entry] = min(max(float(moved), LOWEST), HIGHEST)
        return total.detach()


MODES: dict[str, dict[str, Any]] = {
    "instance": {"lr_inst": 3.0, "lr_class": None},
    "class": {"lr_inst": None, "lr_class": 0.02},
    "joint": {"lr_inst": 3.0, "lr_class": 0.02},
}


@pytest.mark.parametrize("weight_decay", [0.0, 0.02])
@pytest.mark.parametrize("mode", MODES)
def test_200_steps_equal_the_dense_reference(mode: str, weight_decay: float) -> None:
    generator = torch.Generator().manual_seed(7)
    shape: dict[str, Any] = {"num_instances": 60, "num_classes": 5}
    rates: dict[str, Any] = {**MODES[mode], "wd_inst": weight_decay, "wd_class": weight_decay / 2}
    dp = DataParameters(**shape, **rates, init_inst=1.3, init_class=0.8)
    reference = DenseReference(**shape, **rates, init_inst=1.3, init_class=0.8)
    for number in range(200):
        # Half of the instances are absent for a hundred steps, then the other half.
        reachable = torch.arange(30) + 30 * (number // 100)
        index = reachable[torch.randint(30, (16,), generator=generator)]
        index[1] = index[0]
        logits = 4 * torch.randn(16, 5, generator=generator)
        labels = torch.randint(5 if number % 3 else 2, (16,), generator=generator)
        assert len(set(index.tolist())) < 16, "the batches are to repeat entries"
        loss = dp(logits.requires_grad_(), labels, index)
        loss.backward()
        dp.step()
        expected = reference.step(logits.detach(), labels, index)
        torch.testing.assert_close(loss.double(), expected, atol=1e-5, rtol=1e-5)
    for name in ("inst", "class"):
        if rates[f"lr_{name}"] is not None:
            values, momenta = reference.state[name]
            torch.testing.assert_close(
                getattr(dp, f"{name}_log").double(), values, atol=1e-5, rtol=0
            )
            torch.testing.assert_close(
                getattr(dp, f"{name}_momentum").double(), momenta, atol=1e-5, rtol=0
            )
            initial = math.log(1.3 if name == "inst" else 0.8)
            assert (values - initial).abs().mean() > 0.05, "the parameters are to have moved"


@pytest.mark.parametrize("mode", MODES)
def test_the_public_functions_alone_give_the_same_bit_for_bit(mode: str) -> None:
    generator = torch.Generator().manual_seed(5)
    rates = MODES[mode]
    how: dict[str, Any] = {"momentum": 0.9, "weight_decay": 0.01, "clamp": (1 / 20, 20.0)}
    dp = DataParameters(30, 5, **rates, wd_inst=0.01, wd_class=0.01)
    learned = {
        name: (torch.zeros_like(values), torch.zeros_like(values))
        for name, values in (("lr_inst", dp.inst_log), ("lr_class", dp.class_log))
    }
    for _ in range(20):
        logits = 4 * torch.randn(16, 5, generator=generator)
        entries = {
            "lr_inst": torch.randint(30, (16,), generator=generator),
            "lr_class": torch.randint(5, (16,), generator=generator),
        }
        used = [name for name in learned if rates[name] is not None]
        sigma = sum(learned[name][0][entries[name]].exp() for name in used).requires_grad_()
        loss = temperature_cross_entropy(logits, entries["lr_class"], sigma)
        loss.backward()
        for name in used:
            values, momenta = learned[name]
            gradient = sigma.grad * values[entries[name]].exp()
            sparse_momentum_step(
                values, momenta, entries[name], gradient, learning_rate=rates[name], **how
            )
        ours = dp(logits.requires_grad_(), entries["lr_class"], entries["lr_inst"])
        ours.backward()
        dp.step()
        assert torch.equal(ours, loss)
    assert torch.equal(dp.inst_log, learned["lr_inst"][0])
    assert torch.equal(dp.class_log, learned["lr_class"][0])


def test_clamp_holds_for_touched_entries_only() -> None:
    dp = DataParameters(4, 2, lr_inst=1e4)
    dp.inst_log[3] = 9.0
    logits = torch.tensor([[50.0, -50.0], [5.0, -5.0]], requires_grad=True)
    dp(logits, torch.tensor([0, 1]), torch.tensor([0, 1])).backward()
    dp.step()
    torch.testing.assert_close(dp.instance_parameters[:3], torch.tensor([1.0, 20.0, 1.0]))
    assert dp.inst_log[3] == 9.0
    free = DataParameters(4, 2, lr_inst=1e4, clamp=None)
    free(logits, torch.tensor([0, 1]), torch.tensor([0, 1])).backward()
    free.step()
    assert free.inst_log[1] > 100


@pytest.mark.parametrize("others", [0, 30])
@pytest.mark.parametrize("name", ["inst", "class"])
def test_ten_occurrences_in_a_batch_decay_ten_times(name: str, others: int) -> None:
    # Logits that are all alike have no gradient, so that the decay alone moves the value.
    rates: dict[str, Any] = {f"lr_{name}": 1.0, f"wd_{name}": 0.01, f"init_{name}": math.e}
    dp = DataParameters(50, 50, **rates, momentum=0.0)
    entries = torch.tensor([0] * 10 + list(range(1, 1 + others)))
    dp(torch.zeros(len(entries), 50, requires_grad=True), entries, entries).backward()
    dp.step()
    expected = torch.ones(50)
    expected[0] = 1 - 10 * 0.01
    expected[1 : 1 + others] = 1 - 0.01
    torch.testing.assert_close(getattr(dp, f"{name}_log"), expected)


@given(seed=st.integers(0, 2**31), split=st.integers(1, 15))
@settings(max_examples=25, deadline=None)
def test_accumulated_micro_batches_equal_one_batch(seed: int, split: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    whole, parts = (DataParameters(20, 4, lr_inst=2.0, lr_class=0.1, wd_inst=0.01) for _ in "ab")
    for _ in range(3):
        logits = torch.randn(16, 4, generator=generator, requires_grad=True)
        labels = torch.randint(4, (16,), generator=generator)
        index = torch.randint(20, (16,), generator=generator)
        whole(logits, labels, index).backward()
        whole.step()
        for piece in (slice(0, split), slice(split, 16)):
            share = len(labels[piece]) / 16
            (parts(logits[piece], labels[piece], index[piece]) * share).backward()
        parts.step()
    torch.testing.assert_close(whole.inst_log, parts.inst_log, atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(whole.class_log, parts.class_log, atol=1e-6, rtol=1e-5)


def _trained(dp: DataParameters, **forward: object) -> DataParameters:
    generator = torch.Generator().manual_seed(3)
    model = nn.Linear(6, 4)
    with torch.no_grad():
        model.weight.copy_(torch.randn(4, 6, generator=generator))
        model.bias.zero_()
    for _ in range(5):
        x = torch.randn(8, 6, generator=generator)
        labels = torch.randint(4, (8,), generator=generator)
        index = torch.randint(30, (8,), generator=generator)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bool(forward.get("autocast"))):
            logits = model(x)
            loss = dp(logits, labels, index)
        assert loss.dtype == torch.float32
        if forward.get("autocast"):
            assert logits.dtype == torch.bfloat16
        loss.backward()
        dp.step()
    return dp


def test_autocast_keeps_the_loss_and_the_parameters_in_float32() -> None:
    plain = _trained(DataParameters(30, 4, lr_inst=5.0))
    half = _trained(DataParameters(30, 4, lr_inst=5.0), autocast=True)
    assert half.inst_log.dtype == torch.float32
    torch.testing.assert_close(half.inst_log, plain.inst_log, atol=0.05, rtol=0)
    assert not torch.equal(half.inst_log, plain.inst_log)


def test_eval_mode_is_the_plain_loss_and_learns_nothing() -> None:
    dp = _trained(DataParameters(30, 4, lr_inst=5.0)).eval()
    before = dp.inst_log.clone()
    logits = torch.randn(3, 4, requires_grad=True)
    labels = torch.tensor([0, 1, 2])
    torch.testing.assert_close(dp(logits, labels), nn.functional.cross_entropy(logits, labels))
    dp(logits, labels).backward()
    dp.step()
    assert torch.equal(dp.inst_log, before)


def test_state_dict_goes_through_a_file_and_continues_exactly() -> None:
    dp = _trained(DataParameters(30, 4, lr_inst=5.0, lr_class=0.1))
    file = io.BytesIO()
    torch.save(dp.state_dict(), file)
    file.seek(0)
    restored = DataParameters(30, 4, lr_inst=5.0, lr_class=0.1)
    restored.load_state_dict(torch.load(file, weights_only=True))
    assert torch.equal(_trained(restored).inst_log, _trained(copy.deepcopy(dp)).inst_log)


def test_half_precision_of_a_model_around_leaves_the_parameters_alone() -> None:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(2, 2)
            self.dp = DataParameters(3, 2, lr_inst=1.0)

    model = Model().half().to("cpu")
    assert model.layer.weight.dtype == torch.float16
    assert model.dp.inst_log.dtype == torch.float32


def test_temperatures_are_read_not_logs() -> None:
    dp = DataParameters(3, 2, lr_inst=1.0, lr_class=0.1, init_inst=2.0, init_class=0.5)
    torch.testing.assert_close(dp.instance_parameters, torch.full((3,), 2.0))
    torch.testing.assert_close(dp.class_parameters, torch.full((2,), 0.5))
    assert DataParameters(3, 2, lr_class=0.1).instance_parameters.shape == (0,)


GOOD = {
    "logits": torch.zeros(3, 4),
    "labels": torch.tensor([0, 1, 3]),
    "index": torch.tensor([0, 5, 9]),
}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"logits": torch.zeros(3, 5)}, r"`logits` has shape \(3, 5\); expected \(batch, 4\)"),
        ({"logits": torch.zeros(4)}, r"`logits` has shape \(4,\)"),
        ({"logits": torch.zeros(3, 4, dtype=torch.int64)}, "`logits` has dtype torch.int64"),
        ({"labels": torch.tensor([0, 1])}, r"`labels` has shape \(2,\); expected \(3,\)"),
        ({"labels": torch.zeros(3)}, "`labels` has dtype torch.float32; expected torch.int64"),
        ({"labels": torch.tensor([0, 4, 1])}, r"`labels` contains 4; expected 0 \.\.\. 3"),
        ({"labels": torch.tensor([0, -1, 1])}, "`labels` contains -1"),
        ({"index": torch.tensor([[0], [1], [2]])}, r"`index` has shape \(3, 1\)"),
        ({"index": torch.tensor([0, 10, 1])}, r"`index` contains 10; expected 0 \.\.\. 9"),
        ({"index": torch.tensor([0, -3, 1])}, "`index` contains -3"),
        ({"index": None}, "`index` is None"),
        ({"logits": torch.tensor([[0.0] * 4, [0, math.nan, 0, 0], [0.0] * 4])}, "nan in row 1"),
        ({"logits": torch.tensor([[0.0] * 4, [0.0] * 4, [math.inf, 0, 0, 0]])}, "inf in row 2"),
        ({"logits": torch.full((3, 4), -math.inf)}, r"-inf in row 0, for the label itself \(3 of"),
        ({"reduction": "max"}, "`reduction` is 'max'"),
    ],
)
def test_wrong_input_is_named_and_the_next_batch_is_unharmed(
    wrong: dict[str, object], message: str
) -> None:
    dp = DataParameters(10, 4, lr_inst=1.0)
    with pytest.raises(ValueError, match=message):
        dp(**{**GOOD, **wrong})
    dp(**{**GOOD, "logits": torch.ones(3, 4, requires_grad=True)}).backward()
    dp.step()
    assert dp.inst_log.isfinite().all()


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(
    "wrong",
    [
        {"labels": [0, 1, 3]},
        {"labels": np.array([0, 1, 3])},
        {"index": [0, 5, 9]},
        {"index": np.array([0, 5, 9])},
        {"logits": np.zeros((3, 4), np.float32)},
        {"labels": 3},
    ],
)
def test_what_is_no_tensor_is_named_with_the_way_to_make_it_one(
    wrong: dict[str, object], *, training: bool
) -> None:
    (name,) = wrong
    dp = DataParameters(10, 4, lr_inst=1.0).train(training)
    with pytest.raises(TypeError, match=rf"`{name}` is a .*expected.*as_tensor\({name}\)"):
        dp(**{**GOOD, **wrong})


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("training", [True, False])
def test_an_empty_batch_is_said_to_be_empty(reduction: str, *, training: bool) -> None:
    dp = DataParameters(10, 4, lr_inst=1.0).train(training)
    nothing = torch.zeros(0, dtype=torch.int64)
    with pytest.raises(ValueError, match=r"\(0, 4\), an empty batch.*Skip batches"):
        dp(torch.zeros(0, 4), nothing, nothing, reduction)


@pytest.mark.parametrize("reduction", ["mean", "none"])
@pytest.mark.parametrize("on_device", [False, True])
def test_a_masked_class_counts_as_if_it_were_not_there(
    monkeypatch: pytest.MonkeyPatch, reduction: str, *, on_device: bool
) -> None:
    if on_device:
        monkeypatch.setattr(checks, "kernels_check_range", lambda values: False)
    generator = torch.Generator().manual_seed(0)
    logits = (5 * torch.randn(40, 6, generator=generator)).requires_grad_()
    labels = torch.randint(4, (40,), generator=generator)
    index = torch.randint(12, (40,), generator=generator)
    weights = torch.rand(40, generator=generator) + 0.1
    dp = DataParameters(12, 6, lr_inst=0.2, lr_class=0.03, momentum=0.0, init_inst=1.4)
    masked = logits.masked_fill(torch.tensor([False] * 4 + [True] * 2), -math.inf)
    loss = dp(masked, labels, index, reduction)
    (loss if reduction == "mean" else (loss * weights).sum()).backward()
    dp.step()
    dp.synchronize()

    kept = logits.detach()[:, :4].double().requires_grad_()
    s_inst = torch.full((12,), math.log(1.4), dtype=torch.float64, requires_grad=True)
    s_class = torch.zeros(6, dtype=torch.float64, requires_grad=True)
    scaled = kept / (s_inst[index].exp() + s_class[labels].exp())[:, None]
    expected = nn.functional.cross_entropy(scaled, labels, reduction=reduction)
    (expected if reduction == "mean" else (expected * weights).sum()).backward()
    torch.testing.assert_close(loss.double(), expected)
    assert logits.grad is not None
    assert (logits.grad[:, 4:] == 0).all()
    torch.testing.assert_close(logits.grad[:, :4].double(), kept.grad)
    moved = math.log(1.4) - 0.2 * s_inst.grad, -0.03 * s_class.grad
    torch.testing.assert_close(dp.inst_log.double(), moved[0], atol=1e-6, rtol=1e-5)
    torch.testing.assert_close(dp.class_log.double(), moved[1], atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("value", [math.inf, math.nan])
@pytest.mark.parametrize("autocast", [False, True])
@pytest.mark.parametrize("on_device", [False, True])
def test_beside_a_masked_class_what_is_wrong_is_still_found(
    monkeypatch: pytest.MonkeyPatch, value: float, *, autocast: bool, on_device: bool
) -> None:
    if on_device:
        monkeypatch.setattr(checks, "kernels_check_range", lambda values: False)
    logits = torch.tensor([[0.0, 0.0, -math.inf, 0.0], [0.0, value, -math.inf, 0.0]])
    dp = DataParameters(10, 4, lr_inst=1.0)

    def judged(logits: Tensor, labels: list[int]) -> None:
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
            dp(logits, torch.tensor(labels), torch.tensor(labels), "none")
        dp.synchronize()

    with pytest.raises(ValueError, match=f"{value} in row 1 "):
        judged(logits, [0, 3])
    with pytest.raises(ValueError, match="-inf in row 0, for the label itself"):
        judged(logits[:1], [2])
    judged(logits[:1], [3])


def test_a_finite_loss_with_a_gradient_that_overflows_changes_nothing() -> None:
    dp = DataParameters(10, 4, lr_inst=1.0, init_inst=1 / 20)
    logits = torch.tensor([[8e36, 0.0, 0.0, 0.0]], requires_grad=True)
    loss = dp(logits, torch.tensor([1]), torch.tensor([2]))
    assert loss.isfinite()
    loss.backward()
    before = dp.inst_log.clone()
    with pytest.raises(ValueError, match="gradient of the loss is not finite"):
        dp.step()
    assert torch.equal(dp.inst_log, before)
    assert (dp.inst_momentum == 0).all()


def test_an_index_out_of_range_is_named_on_a_device_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "kernels_check_range", lambda values: False)
    dp = DataParameters(10, 4, lr_inst=1.0)
    dp(**{**GOOD, "index": torch.tensor([0, 10, 1])})
    with pytest.raises(ValueError, match="`index` contains 10"):
        dp.step()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"lr_inst": None}, "`lr_inst` and `lr_class` are both None"),
        ({"lr_inst": -0.1}, "`lr_inst` is -0.1"),
        ({"lr_inst": math.nan}, "`lr_inst` is nan"),
        ({"num_instances": 0}, "`num_instances` is 0"),
        ({"init_inst": 0.0}, "`init_inst` is 0.0"),
        ({"momentum": 1.0}, "`momentum` is 1.0"),
        ({"clamp": (2.0, 1.0)}, "`clamp` is"),
        ({"wd_inst": -1.0}, "`wd_inst` is -1.0"),
    ],
)
def test_wrong_configuration_is_named(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        DataParameters(**{"num_instances": 3, "num_classes": 2, "lr_inst": 1.0, **arguments})
