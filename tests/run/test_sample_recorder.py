"""What is recorded per sample agrees with the definitions, written out in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from dataparams.run.sample_recorder import SampleRecorder


@pytest.mark.parametrize("scale", [0.1, 3.0, 40.0, 1e10])
def test_records_agree_with_their_definitions(scale: float) -> None:
    torch.manual_seed(0)
    logits, labels = scale * torch.randn(64, 7), torch.randint(7, (64,))
    index = torch.randperm(100)[:64]
    recorder = SampleRecorder(100, torch.device("cpu"))
    for part in range(0, 64, 16):
        rows = slice(part, part + 16)
        recorder.record(logits[rows], labels[rows], index[rows])
    records = recorder.finish()

    exact = logits.double()
    one_hot = functional.one_hot(labels, 7).bool()
    others = exact.masked_fill(one_hot, -torch.inf)
    expected = {
        "margin": exact[one_hot] - others.amax(dim=1),
        "loss": functional.cross_entropy(exact, labels, reduction="none"),
        "error_norm": (exact.softmax(dim=1) - one_hot.double()).norm(dim=1),
        "rival": others.argmax(dim=1),
        "predicted": exact.argmax(dim=1),
        "correct": exact.argmax(dim=1) == labels,
    }
    for name, values in expected.items():
        recorded = getattr(records, name)[index].numpy()
        np.testing.assert_allclose(recorded, values.numpy(), rtol=2e-5, atol=1e-6, err_msg=name)


def test_an_absent_sample_has_no_record() -> None:
    recorder = SampleRecorder(3, torch.device("cpu"))
    recorder.record(torch.tensor([[2.0, 0.5]]), torch.tensor([1]), torch.tensor([2]))
    records = recorder.finish()
    for name in ("margin", "loss", "error_norm"):
        assert getattr(records, name).isnan().tolist() == [True, True, False]
    assert records.predicted.tolist() == [-1, -1, 0]
    assert records.rival.tolist() == [-1, -1, 0]
    assert not records.correct.any()
    assert recorder.finish().margin.isnan().all()


def test_partial_records_go_on_in_another_recorder() -> None:
    torch.manual_seed(0)
    logits, labels, index = torch.randn(64, 7), torch.randint(7, (64,)), torch.randperm(100)[:64]
    whole, before, after = (SampleRecorder(100, torch.device("cpu")) for _ in range(3))
    for recorder, rows in ((whole, slice(0, 32)), (before, slice(0, 32))):
        recorder.record(logits[rows], labels[rows], index[rows])
    after.restore(before.partial())
    for recorder in (whole, after):
        recorder.record(logits[32:], labels[32:], index[32:])
    assert after.running_sums() == whole.running_sums()
    expected = vars(whole.finish())
    for name, values in vars(after.finish()).items():
        np.testing.assert_array_equal(values.numpy(), expected[name].numpy(), err_msg=name)
    with pytest.raises(ValueError, match=r"shape \(100, 3\); expected \(3, 3\)"):
        SampleRecorder(3, torch.device("cpu")).restore(before.partial())
