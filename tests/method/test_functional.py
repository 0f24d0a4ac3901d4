"""The method as pure functions: gradients in closed form, and a step that leaves others alone."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from dataparams.errors import ArgumentError
from dataparams.method.functional import sparse_momentum_step, temperature_cross_entropy


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_gradients_in_closed_form_pass_gradcheck(reduction: Any) -> None:
    generator = torch.Generator().manual_seed(1)
    logits = torch.randn(6, 4, generator=generator, dtype=torch.float64, requires_grad=True)
    temperature = torch.rand(6, generator=generator, dtype=torch.float64) + 0.2
    labels = torch.randint(4, (6,), generator=generator)
    assert torch.autograd.gradcheck(
        lambda z, sigma: temperature_cross_entropy(z, labels, sigma, reduction),
        (logits, temperature.requires_grad_()),
    )


@given(
    size=st.integers(1, 12),
    classes=st.integers(2, 6),
    scale=st.floats(0.01, 1e4),
    seed=st.integers(0, 2**31),
)
@settings(max_examples=60, deadline=None)
def test_temperature_one_is_the_plain_cross_entropy(
    size: int, classes: int, scale: float, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    logits = scale * torch.randn(size, classes, generator=generator)
    labels = torch.randint(classes, (size,), generator=generator)
    ours = temperature_cross_entropy(logits, labels, torch.ones(size), "none")
    plain = nn.functional.cross_entropy(logits, labels, reduction="none")
    torch.testing.assert_close(ours, plain, atol=1e-5, rtol=1e-5)


@given(seed=st.integers(0, 2**31), order=st.randoms(use_true_random=False))
@settings(max_examples=30, deadline=None)
def test_the_order_within_a_batch_does_not_matter(seed: int, order: object) -> None:
    generator = torch.Generator().manual_seed(seed)
    index = torch.randint(6, (12,), generator=generator)
    gradient = torch.randn(12, generator=generator)
    permutation = torch.randperm(12, generator=generator)
    results = []
    for arrangement in (torch.arange(12), permutation):
        values, momenta = torch.zeros(6), torch.ones(6)
        sparse_momentum_step(
            values,
            momenta,
            index[arrangement],
            gradient[arrangement],
            learning_rate=0.5,
            momentum=0.9,
            weight_decay=0.1,
            clamp=(1 / 20, 20.0),
        )
        results.append((values, momenta))
    torch.testing.assert_close(results[0], results[1])


def test_entries_outside_the_batch_rest_exactly() -> None:
    values, momenta = torch.randn(50), torch.randn(50)
    before = values.clone(), momenta.clone()
    index = torch.tensor([3, 3, 40])
    sparse_momentum_step(
        values,
        momenta,
        index,
        torch.ones(3),
        learning_rate=1.0,
        momentum=0.9,
        weight_decay=0.1,
        clamp=None,
    )
    resting = torch.ones(50, dtype=torch.bool)
    resting[index] = False
    assert torch.equal(values[resting], before[0][resting])
    assert torch.equal(momenta[resting], before[1][resting])
    assert (values[index] != before[0][index]).all()


def test_what_is_no_tensor_or_has_another_shape_is_refused_by_name() -> None:
    logits, labels, ones = torch.zeros(2, 3), torch.tensor([0, 1]), torch.ones(2)
    with pytest.raises(TypeError, match=r"`labels` is a list; expected a torch\.Tensor of shape"):
        temperature_cross_entropy(logits, [0, 1], ones)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="`temperature` is a float"):
        temperature_cross_entropy(logits, labels, 1.0)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match=r"`temperature` has shape \(2, 1\); expected \(2,\)"):
        temperature_cross_entropy(logits, labels, ones[:, None])
    with pytest.raises(ArgumentError, match=r"`logits` has shape \(3,\)"):
        temperature_cross_entropy(torch.zeros(3), labels, ones)
