"""Checkpoints of the first implementation are read, and nothing else in them is unpickled."""

from __future__ import annotations

import io
import os
import zipfile
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from numpy._core.multiarray import _reconstruct

from dataparams.errors import RunError, UserError
from dataparams.run.epoch_record import read_epoch_record
from dataparams.run.folder import RunFolder
from dataparams.training import TrainConfig, train
from made_trainings import Lines

if TYPE_CHECKING:
    from dataparams.batches import ImageDataset

NUMPY_2, NUMPY_1 = b"numpy._core.multiarray", b"numpy.core.multiarray"


def artifacts(**changes: object) -> dict[str, Any]:
    """What its ``save_artifacts`` writes after epoch 80, counted from 0."""
    rng = np.random.default_rng(0)
    return {
        "epoch": 81,
        "arch": "WideResNet28_10",
        "state_dict": torch.nn.DataParallel(torch.nn.Linear(3, 2)).state_dict(),
        "class_parameters": np.zeros(10, np.float32),
        "inst_parameters": rng.normal(size=400).astype(np.float32),
        **changes,
    }


def save(file: Path, contents: dict[str, Any], *, is_zip: bool, names: bytes) -> None:
    """Write it in either format of torch, with the names of either NumPy."""
    buffer = io.BytesIO()
    torch.save(contents, buffer, _use_new_zipfile_serialization=is_zip)
    if not is_zip:
        file.write_bytes(buffer.getvalue().replace(NUMPY_2, names))
        return
    with zipfile.ZipFile(buffer) as old, zipfile.ZipFile(file, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            is_pickle = name.endswith("data.pkl")
            new.writestr(name, data.replace(NUMPY_2, names) if is_pickle else data)


@pytest.mark.parametrize("is_zip", [True, False])
@pytest.mark.parametrize("names", [NUMPY_1, NUMPY_2])
@pytest.mark.parametrize("kind", ["<f4", ">f4", "<f8", ">f8"])
def test_its_checkpoints_are_read(tmp_path: Path, is_zip: bool, names: bytes, kind: str) -> None:
    file = tmp_path / "epoch_80.pth.tar"
    contents = artifacts()
    written = contents["inst_parameters"].astype(kind)
    save(file, {**contents, "inst_parameters": written}, is_zip=is_zip, names=names)
    record = read_epoch_record(file)
    assert record.epoch == 81
    assert record.instance_log_temperature.dtype == torch.float32
    np.testing.assert_array_equal(
        record.instance_log_temperature.numpy(), contents["inst_parameters"]
    )
    # It writes initial values where nothing was learned.
    assert record.class_log_temperature.shape == (0,)
    assert record.margin.isnan().all()
    assert record.predicted.eq(-1).all()
    assert len(record.correct) == 400


class Calls:
    """Something that asks for a call when it is unpickled."""

    def __init__(self, function: Any, arguments: tuple[Any, ...], *state: Any) -> None:
        self.words = (function, arguments, *state)

    def __reduce__(self) -> tuple[Any, ...]:
        return self.words


def stored(kind: object, contents: object, shape: object = (400,)) -> Calls:
    """An array as NumPy writes it, of whatever one likes."""
    return Calls(_reconstruct, (np.ndarray, (0,), b"b"), (1, shape, kind, False, contents))


PLAIN = Calls(np.dtype, ("f4", False, True), (3, "<", None, None, None, -1, -1, 0))
# As if each number were a pointer to a Python object.
POINTERS = Calls(np.dtype, ("f8", False, True), (3, "<", None, None, None, -1, -1, 0x3F))


@pytest.mark.parametrize("is_zip", [True, False])
def test_code_beside_and_inside_valid_arrays_never_runs(tmp_path: Path, is_zip: bool) -> None:
    file, harm = tmp_path / "epoch_80.pth.tar", tmp_path / "harm"
    attack = Calls(os.system, (f"touch {harm}",))
    for contents in (
        artifacts(arch=attack),
        artifacts(state_dict=OrderedDict(weight=attack)),
        artifacts(inst_parameters=attack),
        artifacts(inst_parameters=stored(attack, b"")),
        artifacts(inst_parameters=stored(PLAIN, attack)),
        artifacts(inst_parameters=Calls(_reconstruct, (attack, (0,), b"b"))),
        artifacts(extra=np.array([attack], dtype=object)),
        artifacts(extra=Calls(np.load, (str(file), None, True))),
        artifacts(extra=np.float32(1.0)),
    ):
        save(file, contents, is_zip=is_zip, names=NUMPY_1)
        with pytest.raises(RunError, match=r"epoch_80\.pth\.tar"):
            read_epoch_record(file)
    assert not harm.exists()


@pytest.mark.parametrize(
    "array",
    [
        np.zeros(400, np.int64),
        np.zeros((20, 20), np.float32),
        np.array(["a"] * 400),
        np.zeros(400, [("a", "<f4")]),
        stored(PLAIN, b"\0" * 1599),
        stored(PLAIN, b"\0" * 1600, shape=(-400,)),
        stored(PLAIN, b"\0" * 1600, shape=(2**62, 2**62)),
        stored(PLAIN, b"", shape=(0, 2**80)),
        stored(PLAIN, b"\0" * 1600, shape=("x",)),
        stored("f4", b"\0" * 1600),
        Calls(_reconstruct, (np.ndarray, (0,), b"b"), 5),
        Calls(_reconstruct, (np.ndarray, (0,), b"b")),
        "text",
        None,
    ],
)
def test_what_is_no_array_of_numbers_is_named(tmp_path: Path, array: object) -> None:
    file = tmp_path / "epoch_80.pth.tar"
    save(file, artifacts(inst_parameters=array), is_zip=True, names=NUMPY_2)
    with pytest.raises(RunError, match=r"epoch_80\.pth\.tar"):
        read_epoch_record(file)


def test_numpy_is_told_nothing_by_the_file(tmp_path: Path) -> None:
    file = tmp_path / "epoch_80.pth.tar"
    values, allowed = np.arange(400.0), torch.serialization.get_safe_globals()
    save(
        file,
        artifacts(inst_parameters=stored(POINTERS, values.tobytes())),
        is_zip=True,
        names=NUMPY_2,
    )
    assert read_epoch_record(file).instance_log_temperature.tolist() == values.tolist()
    assert set(torch.serialization.get_safe_globals()) == set(allowed)
    with pytest.raises(RunError, match="cannot be read"):
        RunFolder(tmp_path).epoch_record(80)


def test_its_checkpoint_selects_as_ours_does(
    few_digits: ImageDataset, short: TrainConfig, short_run: RunFolder, tmp_path: Path
) -> None:
    learned = short_run
    values = learned.epoch_record(3).instance_log_temperature
    file = tmp_path / "epoch_2.pth.tar"
    save(file, artifacts(inst_parameters=values.numpy()), is_zip=False, names=NUMPY_1)
    chosen = replace(short, learn_inst_parameters=False, subset_frac=0.25)
    first_version = tmp_path / "epoch_3.pth.tar"
    ours = torch.load(learned.epoch_file(3), weights_only=True)
    new_keys = ("instance_log_temperature", "class_log_temperature")
    torch.save({key: ours[key] for key in ours if key not in new_keys}, first_version)
    used, lines = [], Lines()
    for name, path in (
        ("ours", learned.epoch_file(3)),
        ("before", first_version),
        ("theirs", file),
    ):
        config = replace(chosen, exp_prefix=name, dataset_subset_ckpt=str(path), epochs=1)
        run = train(config, dataset=few_digits, display=lines)
        used.append((run.epoch_record(1).predicted >= 0).tolist())
    assert used[0] == used[1] == used[2]
    assert sum(used[0]) == 100
    *_, notice = [line for line in lines.lines if "does not say which samples" in line]
    assert notice.startswith(str(file))
    assert "other samples than `rand_fraction`" in notice


@pytest.mark.parametrize(
    ("array", "error", "message"),
    [
        (np.full(400, 0.5, np.float32), UserError, "has no instance parameters"),
        (np.arange(300, dtype=np.float32), UserError, "300 instance parameters, but the data set"),
        (np.r_[np.arange(399.0), 1e300], RunError, "no finite numbers"),
        (np.r_[np.arange(399.0), np.nan], RunError, "no finite numbers"),
    ],
)
def test_an_unusable_selection_is_refused(
    few_digits: ImageDataset,
    short: TrainConfig,
    tmp_path: Path,
    array: object,
    error: type[Exception],
    message: str,
) -> None:
    file = tmp_path / "epoch_80.pth.tar"
    save(file, artifacts(inst_parameters=array), is_zip=True, names=NUMPY_2)
    config = replace(short, dataset_subset_ckpt=str(file), subset_frac=0.5)
    with pytest.raises(error, match=message):
        train(config, dataset=few_digits)
    assert not Path(short.output_dir).exists()
