"""Data parameters in somebody's own loop: scalers, compilers, half precision, a forgotten step."""

from __future__ import annotations

import copy
import itertools
import json
import math
import pickle
import subprocess
import sys
import warnings
from collections import OrderedDict

import pytest
import torch
from torch import Tensor, nn

from dataparams.method import checks
from dataparams.method.data_parameters import DataParameters

CLASSES = 4


def _loaded_by(*programs: str) -> list[set[str]]:
    """The modules that each program in turn loads, in an interpreter that has imported torch."""
    lines = ["import json, sys, torch"]
    for program in programs:
        lines += ["before = set(sys.modules)", program]
        lines += ["print(json.dumps([name for name in sys.modules if name not in before]))"]
    arguments = [sys.executable, "-c", "\n".join(lines)]
    done = subprocess.run(arguments, capture_output=True, text=True, check=True)
    return [set(json.loads(line)) for line in done.stdout.splitlines()]


def test_importing_the_method_costs_what_importing_torch_costs() -> None:
    module, name, use = _loaded_by(
        "import dataparams.method.data_parameters",
        "from dataparams import DataParameters",
        "DataParameters(9, 2, lr_inst=1.0)(torch.zeros(1, 2), *torch.zeros(2, 1).long())",
    )
    assert {one for one in module | name if one.partition(".")[0] != "dataparams"} == set()
    assert not {"torch._dynamo", "sympy"} & use


def _batch(number: int, size: int = 8, instances: int = 30) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(number)
    x = torch.randn(size, 6, generator=generator)
    labels = torch.randint(CLASSES, (size,), generator=generator)
    return x, labels, torch.randint(instances, (size,), generator=generator)


def _model() -> nn.Linear:
    torch.manual_seed(0)
    return nn.Linear(6, CLASSES)


# A step that is forgotten.


def _forwards(dp: DataParameters, count: int, size: int, *, steps: bool = False) -> list[int]:
    """The numbers, from 1, of the forwards that warned."""
    warned = []
    for number in range(1, count + 1):
        x, labels, _ = _batch(number, size)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            dp(x[:, :CLASSES].requires_grad_(), labels, torch.arange(size)).sum().backward()
            if steps:
                dp.step()
        warned += [number] * len(caught)
        for warning in caught:
            assert "without step()" in str(warning.message)
            assert warning.filename == __file__
    return warned


@pytest.mark.parametrize(
    ("instances", "size", "expected"),
    [
        (40, 10, [5]),  # Four forwards are all samples, and may be one accumulated step.
        (35, 10, [4]),  # The fourth sees a sample for the second time.
        (10, 10, [2]),
        (10**6, 10, [200]),
    ],
)
def test_a_forgotten_step_is_warned_of_once(instances: int, size: int, expected: list[int]) -> None:
    assert _forwards(DataParameters(instances, CLASSES, lr_inst=1.0), 450, size) == expected


def test_a_forgotten_step_is_noticed_where_evaluation_begins() -> None:
    dp = DataParameters(40, CLASSES, lr_inst=1.0)
    assert _forwards(dp, 4, 10) == []
    with pytest.warns(UserWarning, match=r"4 times.*40 samples of 40, without step\(\)") as caught:
        dp.eval()
    assert caught[0].filename == __file__
    dp.train().eval()


@pytest.mark.parametrize(("instances", "size"), [(10, 10), (3, 10), (10**6, 10)])
def test_a_loop_that_steps_is_not_warned(instances: int, size: int) -> None:
    dp = DataParameters(max(instances, size), CLASSES, lr_inst=1.0)
    assert _forwards(dp, 450, size, steps=True) == []
    dp.eval()


def test_accumulating_the_whole_data_set_is_not_warned() -> None:
    dp = DataParameters(40, CLASSES, lr_inst=1.0)
    for _ in range(60):
        assert _forwards(dp, 4, 10) == []
        dp.step()


def test_evaluating_without_gradients_is_not_warned() -> None:
    dp = DataParameters(10, CLASSES, lr_inst=1.0)
    with torch.no_grad():
        for number in range(300):
            x, labels, index = _batch(number, instances=10)
            dp(x[:, :CLASSES], labels, index)


def test_without_steps_memory_stays_bounded_and_what_is_kept_is_the_latest() -> None:
    dp, late = (DataParameters(100, CLASSES, lr_inst=1.0) for _ in "ab")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for number in range(1000):
            x, labels, index = _batch(number)
            for one in (dp, late) if number >= 800 else (dp,):
                one(x[:, :CLASSES].clone().requires_grad_(), labels, index).backward()
    dp.step()
    late.step()
    assert torch.equal(dp.inst_log, late.inst_log)
    assert dp.inst_log.abs().max() > 0


# A gradient scaler.


def _trained_with_scaler(
    numbers: list[int], overflows: int | None, how: str
) -> tuple[DataParameters, nn.Linear]:
    dp, model = DataParameters(30, CLASSES, lr_inst=4.0, lr_class=0.1, wd_inst=0.01), _model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10)
    for number in numbers:
        x, labels, index = _batch(number)
        logits = model(x)
        if number == overflows and how == "logits":
            logits = logits * 1e39
        if number == overflows and how == "logits in float16":
            logits = (logits * 1e5).half()
        loss = dp(logits, labels, index)
        if number == overflows and how == "loss":
            loss = loss * math.inf
        optimizer.zero_grad()
        scaler.scale(loss).backward()
        if number == overflows and how == "gradient of the model":
            assert model.weight.grad is not None
            model.weight.grad[0, 0] = math.inf
        scaler.step(optimizer)
        dp.step(scaler)
        before = scaler.get_scale()
        scaler.update()
        assert (scaler.get_scale() < before) == (number == overflows)
    return dp, model


@pytest.mark.parametrize(
    ("how", "when"),
    [
        *itertools.product(["loss", "gradient of the model", "logits in float16"], [0, 4, 9]),
        # In float32 they are an error until a step has shown that there is a scaler.
        ("logits", 4),
        ("logits", 9),
    ],
)
def test_a_step_that_the_scaler_skips_never_happened(how: str, when: int) -> None:
    numbers = list(range(10))
    skipped, its_model = _trained_with_scaler(numbers, when, how)
    numbers.remove(when)
    without, model = _trained_with_scaler(numbers, None, how)
    # Another scale, a power of two, rounds alike.
    for name, expected in without.state_dict().items():
        assert torch.equal(skipped.state_dict()[name], expected), name
    assert torch.equal(its_model.weight, model.weight)
    assert without.inst_log.abs().max() > 0.01


def test_scaling_is_undone() -> None:
    numbers = list(range(10))
    scaled, _ = _trained_with_scaler(numbers, None, "")
    plain, model = DataParameters(30, CLASSES, lr_inst=4.0, lr_class=0.1, wd_inst=0.01), _model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    for number in numbers:
        x, labels, index = _batch(number)
        optimizer.zero_grad()
        plain(model(x), labels, index).backward()
        optimizer.step()
        plain.step(torch.amp.GradScaler("cpu", enabled=False))
    torch.testing.assert_close(scaled.inst_log, plain.inst_log)
    torch.testing.assert_close(scaled.class_log, plain.class_log)


def _judged(dp: DataParameters, logits: Tensor, label: Tensor) -> None:
    dp(logits, label, label)
    dp.synchronize()


@pytest.mark.parametrize("scaler", [None, torch.amp.GradScaler("cpu", enabled=False)])
@pytest.mark.parametrize("on_device", [False, True])
def test_without_a_scaler_an_overflow_in_half_precision_is_an_error(
    monkeypatch: pytest.MonkeyPatch, scaler: torch.amp.GradScaler | None, *, on_device: bool
) -> None:
    if on_device:
        monkeypatch.setattr(checks, "kernels_check_range", lambda values: False)
    dp = DataParameters(30, CLASSES, lr_inst=4.0)
    logits = torch.full((2, CLASSES), math.inf, dtype=torch.float16, requires_grad=True)
    label = torch.tensor([0, 1])
    dp(logits, label, label).backward()
    dp(logits, label, label).backward()
    with pytest.raises(ValueError, match="`logits` contains inf in row 0"):
        dp.step(scaler)
    assert (dp.inst_log == 0).all()
    dp(torch.zeros(2, CLASSES, requires_grad=True), label, label).backward()
    dp.step(scaler)
    with pytest.raises(ValueError, match="`logits` contains inf in row 0"):
        _judged(dp, logits, label)


def test_without_a_scaler_a_gradient_that_is_not_finite_changes_nothing() -> None:
    dp = DataParameters(30, CLASSES, lr_inst=4.0)
    x, labels, index = _batch(0)
    (dp(_model()(x), labels, index) * math.nan).backward()
    with pytest.raises(ValueError, match=r"gradient of the loss is not finite.*step\(scaler\)"):
        dp.step()
    assert (dp.inst_log == 0).all()
    assert (dp.inst_momentum == 0).all()


# A compiler.


def _compiled_or_not(backend: str | None, reduction: str, *, fullgraph: bool) -> DataParameters:
    torch._dynamo.reset()
    dp = DataParameters(30, CLASSES, lr_inst=5.0, lr_class=0.2, wd_class=0.01)
    model = _model()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def loss_of(x: Tensor, labels: Tensor, index: Tensor) -> Tensor:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss: Tensor = dp(model(x), labels, index, reduction)
        return loss.mean()

    if backend is not None:
        loss_of = torch.compile(loss_of, backend=backend, fullgraph=fullgraph)
    for step in range(6):
        optimizer.zero_grad()
        for part in range(2):
            x, labels, index = _batch(2 * step + part, size=7 + step % 2)
            (loss_of(x, labels, index) / 2).backward()
        optimizer.step()
        dp.step()
    with torch.no_grad():
        loss_of(*_batch(0))
    assert len(dp._pending) == 0
    dp.eval()
    x, labels, index = _batch(0)
    plain = nn.functional.cross_entropy(model(x), labels)
    torch.testing.assert_close(loss_of(x, labels, index), plain, atol=0.02, rtol=0)
    return dp


@pytest.mark.parametrize("reduction", ["mean", "none"])
@pytest.mark.parametrize("fullgraph", [True, False])
@pytest.mark.parametrize("backend", ["eager", "aot_eager"])
def test_a_compiled_loss_learns_the_same(backend: str, reduction: str, *, fullgraph: bool) -> None:
    eager = _compiled_or_not(None, reduction, fullgraph=fullgraph)
    compiled = _compiled_or_not(backend, reduction, fullgraph=fullgraph)
    assert eager.inst_log.abs().max() > 0.05
    for name, expected in eager.state_dict().items():
        torch.testing.assert_close(compiled.state_dict()[name], expected, atol=1e-3, rtol=1e-3)


def test_a_compiled_copy_learns_for_itself() -> None:
    torch._dynamo.reset()
    x, labels, index = _batch(0)
    first = DataParameters(30, CLASSES, lr_inst=5.0)
    for second in (copy.deepcopy(first), pickle.loads(pickle.dumps(first))):  # noqa: S301
        compiled = torch.compile(second, backend="eager", fullgraph=True)
        compiled(x[:, :CLASSES].clone().requires_grad_(), labels, index).backward()
        second.step()
        first.step()
        assert second.inst_log.abs().max() > 0
        assert first.inst_log.abs().max() == 0


def test_a_compiled_loss_names_what_is_wrong() -> None:
    torch._dynamo.reset()
    dp = DataParameters(30, CLASSES, lr_inst=5.0)
    compiled = torch.compile(dp, backend="eager", fullgraph=True)
    label = torch.tensor([0, 1])
    with pytest.raises(ValueError, match="`index` contains 30"):
        compiled(torch.zeros(2, CLASSES), label, label + 29)


# Inside a model.


class _ModelWithLoss(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = _model()
        self.dp = DataParameters(30, CLASSES, lr_inst=2.0, lr_class=0.1)

    def forward(self, x: Tensor, labels: Tensor, index: Tensor) -> Tensor:
        loss: Tensor = self.dp(self.layer(x), labels, index)
        return loss


def test_a_model_around_saves_loads_moves_and_casts_them() -> None:
    model = _ModelWithLoss()
    model(*_batch(0)).backward()
    model.dp.step()
    state = model.state_dict()
    names = ["inst_log", "inst_momentum", "class_log", "class_momentum"]
    assert list(state) == ["layer.weight", "layer.bias", *(f"dp.{name}" for name in names)]
    # A view of what is there, as of every buffer, and no copy.
    assert state["dp.inst_log"].data_ptr() == model.dp.inst_log.data_ptr()
    other = _ModelWithLoss()
    other.load_state_dict(OrderedDict((key, value.clone()) for key, value in state.items()))
    assert torch.equal(other.dp.inst_momentum, model.dp.inst_momentum)
    half = other.half()
    assert half.layer.weight.dtype == torch.float16
    assert {getattr(half.dp, name).dtype for name in names} == {torch.float32}
    assert torch.equal(half.dp.inst_log, model.dp.inst_log)
    assert {getattr(half.to("meta").dp, name).device.type for name in names} == {"meta"}


@pytest.mark.parametrize("assign", [False, True])
def test_what_does_not_fit_is_refused_as_of_any_module(*, assign: bool) -> None:
    dp = DataParameters(30, CLASSES, lr_inst=2.0)
    state = dp.state_dict()
    with pytest.raises(RuntimeError, match="size mismatch for inst_log"):
        DataParameters(31, CLASSES, lr_inst=2.0).load_state_dict(state, assign=assign)
    with pytest.raises(RuntimeError, match=r"Unexpected key.*more"):
        dp.load_state_dict({**state, "more": torch.zeros(1)}, assign=assign)
    state.pop("class_log")
    with pytest.raises(RuntimeError, match=r"Missing key.*class_log"):
        dp.load_state_dict(state, assign=assign)
    dp.load_state_dict(state, strict=False, assign=assign)
    assert dp.class_log.shape == (0,)
