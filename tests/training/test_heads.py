"""Heads in one product do what single heads do, trained by PyTorch with ``DataParameters``."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dataparams import DataParameters
from dataparams.training.head_networks import LinearNetworks, PerceptronNetworks, head_networks
from dataparams.training.heads import (
    Heads,
    HeadSettings,
    ScaledFeatures,
    assign_folds,
    held_out_probabilities,
    one_cycle,
    train_heads,
)

COUNT, WIDTH, CLASSES = 60, 6, 4
SETTINGS = HeadSettings(folds=3, repeats=2, epochs=3, batch_size=16, pull=2.0)


def made(seed: int = 0, count: int = COUNT) -> tuple[ScaledFeatures, np.ndarray]:
    """Features around a center per class, and labels of which some are wrong."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, CLASSES, count)
    features = rng.normal(size=(CLASSES, WIDTH))[labels] + 0.5 * rng.normal(size=(count, WIDTH))
    labels[: count // 5] = rng.integers(0, CLASSES, count // 5)
    return ScaledFeatures(features.astype(np.float32)), labels


def trained(
    features: ScaledFeatures,
    labels: np.ndarray,
    folds: np.ndarray,
    chosen: HeadSettings = SETTINGS,
    seed: int = 0,
) -> Heads:
    """Heads with batches from one seed."""
    rng = np.random.default_rng(seed)
    return train_heads(features, labels, CLASSES, folds, chosen, rng)


def linear(heads: Heads) -> LinearNetworks:
    assert isinstance(heads.networks, LinearNetworks)
    return heads.networks


def by_torch(
    features: ScaledFeatures, labels: np.ndarray, is_seen: np.ndarray, chosen: HeadSettings
) -> tuple[np.ndarray, np.ndarray]:
    """One head, trained by autograd and the public class: weights and log temperatures."""
    inputs = features.rows(np.arange(len(labels))).double()
    targets = torch.from_numpy(labels)
    weights = torch.zeros(features.width, CLASSES, dtype=torch.float64, requires_grad=True)
    velocity = torch.zeros_like(weights)
    parameters = DataParameters(
        len(labels), CLASSES, lr_inst=chosen.instance_rate(), momentum=chosen.momentum
    )
    rng, step = np.random.default_rng(0), 0
    steps = chosen.epochs * -(-len(labels) // chosen.batch_size)
    for _ in range(chosen.epochs):
        order = rng.permutation(np.arange(len(labels)))
        for start in range(0, len(order), chosen.batch_size):
            batch = order[start : start + chosen.batch_size]
            seen = torch.from_numpy(batch[is_seen[batch]])
            total = parameters(inputs[seen] @ weights, targets[seen], seen, reduction="sum")
            weights.grad = None
            (total / chosen.batch_size).backward()
            gradient = weights.grad * chosen.batch_size / len(seen)
            with torch.no_grad():
                velocity.mul_(chosen.momentum).add_(gradient + chosen.weight_decay * weights)
                weights -= chosen.learning_rate * one_cycle(step, steps) * velocity
            parameters.step()
            step += 1
    return weights.detach().numpy(), parameters.inst_log.numpy()


def test_one_of_many_heads_is_the_head_that_pytorch_trains() -> None:
    features, labels = made()
    folds = assign_folds(labels, SETTINGS, np.random.default_rng(5))
    heads = trained(features, labels, folds)
    for head in range(SETTINGS.heads):
        repeat, fold = divmod(head, SETTINGS.folds)
        is_seen = folds[repeat] != fold
        weights, log_temperature = by_torch(features, labels, is_seen, SETTINGS)
        assert np.abs(log_temperature).max() > 0.05
        np.testing.assert_allclose(linear(heads).weights[:, head].numpy(), weights, atol=2e-5)
        np.testing.assert_allclose(
            heads.log_temperature[:, head].numpy(), log_temperature, atol=2e-5
        )


def test_all_heads_in_one_product_are_the_heads_one_after_the_other() -> None:
    features, labels = made()
    folds = assign_folds(labels, SETTINGS, np.random.default_rng(1))
    together = trained(features, labels, folds)
    alone = replace(SETTINGS, repeats=1)
    for repeat in range(SETTINGS.repeats):
        single = trained(features, labels, folds[repeat : repeat + 1], alone)
        chosen = slice(repeat * SETTINGS.folds, (repeat + 1) * SETTINGS.folds)
        torch.testing.assert_close(linear(together).weights[:, chosen], linear(single).weights)
        torch.testing.assert_close(together.log_temperature[:, chosen], single.log_temperature)


@given(sample=st.integers(0, COUNT - 1), label=st.integers(0, CLASSES - 1))
@settings(max_examples=20, deadline=None)
def test_a_label_changes_nothing_in_the_heads_that_hold_its_sample_out(
    sample: int, label: int
) -> None:
    features, labels = made()
    folds = assign_folds(labels, SETTINGS, np.random.default_rng(2))
    changed = labels.copy()
    changed[sample] = label
    before, after = trained(features, labels, folds), trained(features, changed, folds)
    for repeat in range(SETTINGS.repeats):
        held = repeat * SETTINGS.folds + int(folds[repeat, sample])
        assert torch.equal(linear(before).weights[:, held], linear(after).weights[:, held])
    asked = np.array([sample])
    assert torch.equal(
        held_out_probabilities(before, features, folds, asked),
        held_out_probabilities(after, features, folds, asked),
    )


def test_a_sample_held_out_has_no_temperature_of_that_head() -> None:
    features, labels = made()
    folds = assign_folds(labels, SETTINGS, np.random.default_rng(3))
    moved = trained(features, labels, folds).log_temperature.numpy() != 0
    for repeat in range(SETTINGS.repeats):
        held = repeat * SETTINGS.folds + folds[repeat]
        assert not moved[np.arange(COUNT), held].any()
    assert moved.mean() > 0.5


def test_without_pull_no_temperature_moves() -> None:
    features, labels = made()
    folds = assign_folds(labels, SETTINGS, np.random.default_rng(3))
    heads = trained(features, labels, folds, replace(SETTINGS, pull=0.0))
    assert not heads.log_temperature.any()


@pytest.mark.parametrize("pull", [0.5, 5.0])
@pytest.mark.parametrize("epochs", [1, 5, 15])
def test_a_constant_gradient_moves_a_log_temperature_by_the_pull(epochs: int, pull: float) -> None:
    chosen = HeadSettings(epochs=epochs, pull=pull)
    value = velocity = 0.0
    for _ in range(epochs):
        velocity = chosen.momentum * velocity + 0.1 / chosen.batch_size
        value += chosen.instance_rate() * velocity
    assert value == pytest.approx(0.1 * pull)


@given(
    sizes=st.lists(st.integers(1, 30), min_size=1, max_size=12),
    folds=st.integers(2, 6),
    seed=st.integers(0, 100),
)
def test_folds_are_equally_large_and_spread_every_class(
    sizes: list[int], folds: int, seed: int
) -> None:
    labels = np.repeat(np.arange(len(sizes)), sizes)
    chosen = HeadSettings(folds=folds, repeats=2)
    for repeat in assign_folds(labels, chosen, np.random.default_rng(seed)):
        counts = np.bincount(repeat, minlength=folds)
        assert counts.max() - counts.min() <= 1
        for label, size in enumerate(sizes):
            of_class = np.bincount(repeat[labels == label], minlength=folds)
            assert of_class.sum() == size
            assert of_class.max() - of_class.min() <= 1


def test_features_mapped_from_disk_give_what_features_in_memory_give(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    values = np.random.default_rng(0).normal(size=(50, 7)).astype(np.float16)
    in_memory = ScaledFeatures(values).rows(np.arange(50))
    monkeypatch.setattr(ScaledFeatures, "MOST_IN_MEMORY", 0)
    assert torch.equal(ScaledFeatures(values).rows(np.arange(50)), in_memory)
    torch.testing.assert_close(in_memory[:, :-1].norm(dim=1), torch.full((50,), 10.0))


@pytest.mark.parametrize(("most", "heads"), [(15, 15), (14, 10), (9, 5), (4, 4), (1, 2), (0, 2)])
def test_fewer_heads_keep_at_least_two_folds(most: int, heads: int) -> None:
    assert HeadSettings(folds=5, repeats=3).at_most(most, 1000).heads == heads


def test_there_are_never_more_folds_than_samples() -> None:
    assert HeadSettings(folds=5).at_most(100, 3).folds == 3


# --- heads with a hidden layer -------------------------------------------------------------------

HIDDEN = replace(SETTINGS, hidden=8, learning_rate=0.05, weight_decay=0.1)


def hidden_by_torch(
    features: ScaledFeatures,
    labels: np.ndarray,
    is_seen: np.ndarray,
    start: PerceptronNetworks,
    head: int,
) -> tuple[np.ndarray, np.ndarray]:
    """One head with a hidden layer, trained by autograd, AdamW and the public class."""
    inputs, targets = features.rows(np.arange(len(labels))).double(), torch.from_numpy(labels)
    tensors = (start.hidden[head], start.weights[head].T, start.bias[head].T)
    hidden, weights, bias = (each.double().clone().requires_grad_() for each in tensors)
    groups: list[dict[str, Any]] = [
        {"params": [hidden, weights]},
        {"params": [bias], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(
        groups,
        betas=(HIDDEN.momentum, 0.99), weight_decay=HIDDEN.weight_decay,
    )  # fmt: skip
    parameters = DataParameters(
        len(labels), CLASSES, lr_inst=HIDDEN.instance_rate(), momentum=HIDDEN.momentum
    )
    rng, step = np.random.default_rng(0), 0
    head_networks(HIDDEN, features.width, CLASSES, rng)
    steps = HIDDEN.epochs * -(-len(labels) // HIDDEN.batch_size)
    for _ in range(HIDDEN.epochs):
        order = rng.permutation(np.arange(len(labels)))
        for first in range(0, len(order), HIDDEN.batch_size):
            batch = order[first : first + HIDDEN.batch_size]
            seen = torch.from_numpy(batch[is_seen[batch]])
            logits = (inputs[seen] @ hidden).relu() @ weights + bias
            total = parameters(logits, targets[seen], seen, reduction="sum")
            optimizer.zero_grad()
            (total / HIDDEN.batch_size).backward()
            for group in optimizer.param_groups:
                group["lr"] = HIDDEN.learning_rate * one_cycle(step, steps)
                for each in group["params"]:
                    each.grad *= HIDDEN.batch_size / len(seen)
            optimizer.step()
            parameters.step()
            step += 1
    return weights.detach().numpy(), parameters.inst_log.numpy()


def test_one_of_many_heads_with_a_hidden_layer_is_the_head_that_pytorch_trains() -> None:
    features, labels = made()
    folds = assign_folds(labels, HIDDEN, np.random.default_rng(5))
    start = head_networks(HIDDEN, features.width, CLASSES, np.random.default_rng(0))
    assert isinstance(start, PerceptronNetworks)
    heads = trained(features, labels, folds, HIDDEN)
    assert isinstance(heads.networks, PerceptronNetworks)
    for head in range(HIDDEN.heads):
        repeat, fold = divmod(head, HIDDEN.folds)
        weights, log_temperature = hidden_by_torch(
            features, labels, folds[repeat] != fold, start, head
        )
        assert np.abs(log_temperature).max() > 0.05
        np.testing.assert_allclose(heads.networks.weights[head].T.numpy(), weights, atol=2e-4)
        np.testing.assert_allclose(
            heads.log_temperature[:, head].numpy(), log_temperature, atol=2e-3
        )


def test_a_hidden_layer_learns_what_is_no_line() -> None:
    rng = np.random.default_rng(0)
    values = rng.normal(size=(600, 2)).astype(np.float32)
    labels = (values[:, 0] * values[:, 1] > 0).astype(np.int64)
    features = ScaledFeatures(values, norm=None)
    shares = {}
    for hidden, rate in ((0, 0.3), (32, 0.05)):
        chosen = HeadSettings(repeats=1, epochs=30, learning_rate=rate, pull=0.0, hidden=hidden)
        folds = assign_folds(labels, chosen, rng)
        heads = train_heads(features, labels, 2, folds, chosen, rng)
        found = held_out_probabilities(heads, features, folds, np.arange(600)).argmax(dim=1)
        shares[hidden] = float((found.numpy() == labels).mean())
    assert shares[0] < 0.65
    assert shares[32] > 0.9


def test_rows_keep_their_lengths_where_these_say_something() -> None:
    values = np.array([[1.0, 0.0], [3.0, 0.0], [-4.0, 0.0]], np.float32)
    scaled = ScaledFeatures(values, norm=None).rows(np.arange(3))
    torch.testing.assert_close(scaled, torch.tensor([[1.0, 0, 1], [3.0, 0, 1], [-4.0, 0, 1]]))
