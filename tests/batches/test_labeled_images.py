"""The containers of labeled images."""

from __future__ import annotations

import dataclasses

import pytest
import torch

from dataparams.batches.labeled_images import LabeledImages, make_dataset


def samples(count: int = 5, *, num_instances: int = 8) -> LabeledImages:
    generator = torch.Generator().manual_seed(0)
    return LabeledImages(
        images=torch.randint(0, 256, (count, 3, 4, 6), dtype=torch.uint8, generator=generator),
        labels=torch.arange(count) % 2,
        ids=tuple(f"train/{row}" for row in range(count)),
        index=torch.arange(count) + 1,
        num_instances=num_instances,
    )


def test_select_keeps_the_index_in_the_source():
    chosen = samples().select(torch.tensor([4, 1])).select(torch.tensor([1]))
    assert chosen.index.tolist() == [2]
    assert chosen.ids == ("train/1",)
    assert chosen.num_instances == 8
    assert torch.equal(chosen.images[0], samples().images[1])


def test_with_labels_shares_the_images():
    given = samples()
    other = given.with_labels(torch.full((5,), 7))
    assert other.labels.tolist() == [7] * 5
    assert given.labels.tolist() == [0, 1, 0, 1, 0]
    assert other.images is given.images


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"labels": torch.zeros(4)}, r"labels has shape \(4,\); expected \(5,\)"),
        ({"images": torch.zeros(5, 4, 4)}, r"images has shape \(5, 4, 4\)"),
        ({"index": torch.tensor([0, 1, 2, 3, 8])}, r"index runs from 0 to 8; expected 0 \.\.\. 7"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(samples(), **change)


def test_the_fingerprint_tells_contents_apart():
    given = samples()

    def fingerprint(train: LabeledImages) -> str:
        return make_dataset("name", train, given, ("a", "b")).fingerprint

    relabeled = given.with_labels(1 - given.labels)
    repainted = dataclasses.replace(given, images=given.images ^ 1)
    renamed = dataclasses.replace(given, ids=("x", *given.ids[1:]))
    assert fingerprint(given) == fingerprint(samples())
    assert len({fingerprint(s) for s in (given, relabeled, repainted, renamed)}) == 4
    assert len(fingerprint(given)) == 64
