"""Epoch files come back as they were written, older ones too, and none is trusted."""

from __future__ import annotations

import os
import pickle
from typing import TYPE_CHECKING

import pytest
import torch

from dataparams.errors import RunError
from dataparams.run.epoch_record import EpochRecord, read_epoch_record
from dataparams.run.folder import RunFolder

if TYPE_CHECKING:
    from pathlib import Path


def _record(epoch: int = 1, count: int = 4) -> EpochRecord:
    return EpochRecord(
        epoch=epoch,
        class_log_temperature=torch.empty(0),
        instance_log_temperature=torch.arange(float(count)),
        margin=torch.zeros(count),
        loss=torch.ones(count),
        error_norm=torch.ones(count),
        rival=torch.ones(count, dtype=torch.int32),
        predicted=torch.zeros(count, dtype=torch.int32),
        correct=torch.ones(count, dtype=torch.bool),
    )


class Hostile:
    """Runs a command when it is unpickled."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (self.command,)


def test_a_record_comes_back_as_it_was(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    run.write_epoch_record(_record(7))
    run.write_epoch_record(_record(12))
    assert run.epochs() == [7, 12]
    read = run.epoch_record(7)
    for name, value in vars(_record(7)).items():
        assert torch.equal(torch.as_tensor(getattr(read, name)), torch.as_tensor(value))


OLD_KEYS = {
    "inst_parameters": "instance_log_temperature",
    "class_parameters": "class_log_temperature",
}


def test_log_temperatures_are_called_so_and_are_found_by_their_old_keys_too(tmp_path: Path) -> None:
    run, record = RunFolder(tmp_path), _record(count=100_000)
    run.write_epoch_record(record)
    contents = torch.load(run.epoch_file(1), weights_only=True)
    assert set(contents) == set(vars(record)) | set(OLD_KEYS)
    for old, new in OLD_KEYS.items():
        assert torch.equal(contents[old], getattr(record, new))
    torch.save(vars(record), tmp_path / "without")
    more = run.epoch_file(1).stat().st_size - (tmp_path / "without").stat().st_size
    assert 0 < more < 1000, "what has two keys is to be stored once"


def test_records_of_the_first_version_are_read(tmp_path: Path) -> None:
    run, record = RunFolder(tmp_path), _record(3)
    old_names = {new: old for old, new in OLD_KEYS.items()}
    older = {old_names.get(name, name): value for name, value in vars(record).items()}
    assert not set(older) & set(old_names)
    torch.save(older, run.epoch_file(3))
    for read in (run.epoch_record(3), read_epoch_record(run.epoch_file(3))):
        for name, value in vars(record).items():
            assert torch.equal(torch.as_tensor(getattr(read, name)), torch.as_tensor(value))
    mapped = run.epoch_record(3, mapped=True).instance_log_temperature
    assert torch.equal(mapped, record.instance_log_temperature)


def test_a_hostile_file_runs_nothing(tmp_path: Path) -> None:
    file = tmp_path / "epoch_1.pth.tar"
    for contents in (
        pickle.dumps(Hostile(f"touch {tmp_path}/harm")),
        pickle.dumps({"epoch": Hostile(f"touch {tmp_path}/harm")}),
    ):
        file.write_bytes(contents)
        with pytest.raises(RunError, match="damaged or not a file of this program"):
            read_epoch_record(file)
    torch.save({"epoch": Hostile(f"touch {tmp_path}/harm")}, file)
    with pytest.raises(RunError, match="damaged or not a file"):
        read_epoch_record(file)
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_a_truncated_file_is_named(tmp_path: Path, share: float) -> None:
    run = RunFolder(tmp_path)
    run.write_epoch_record(_record())
    file = run.epoch_file(1)
    file.write_bytes(file.read_bytes()[: int(share * file.stat().st_size)])
    with pytest.raises(RunError, match=r"epoch_1\.pth\.tar cannot be read"):
        run.epoch_record(1)


@pytest.mark.parametrize(
    "contents",
    [[1, 2], {"epoch": 3}, {**vars(_record()), "margin": torch.zeros(2, 2)}],
)
def test_a_file_of_another_kind_is_named(tmp_path: Path, contents: object) -> None:
    file = tmp_path / "epoch_1.pth.tar"
    torch.save(contents, file)
    with pytest.raises(RunError, match=r"epoch_1\.pth\.tar"):
        read_epoch_record(file)


def test_a_missing_checkpoint_lists_the_nearest(tmp_path: Path) -> None:
    for name in ("corrupt_label/with_inst_params_lr_0.2_40frac", "baseline"):
        RunFolder(tmp_path / "cifar100" / name).write_epoch_record(_record(80))
    with pytest.raises(RunError) as caught:
        read_epoch_record(tmp_path / "cifar100" / "with_inst_params_lr_0.2" / "epoch_80.pth.tar")
    lines = str(caught.value).splitlines()
    assert "There is no checkpoint" in lines[0]
    assert lines[1].endswith("corrupt_label/with_inst_params_lr_0.2_40frac/epoch_80.pth.tar")
