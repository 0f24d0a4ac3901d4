"""Small data and short trainings that several tests share."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch
from torch import nn

from checked_pages import complaints_about
from dataparams.batches import ImageDataset, load_dataset
from dataparams.run.folder import RunFolder
from dataparams.training import TrainConfig, train
from made_text_runs import made_row_run, made_text_run
from made_trainings import first_samples, short_training
from reviewed_pages import opened_pages, served_place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import SimpleNamespace

    from playwright.sync_api import Browser, Page

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
BROWSER_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

# Tests run side by side, one for each core; so do the programs that they start.
os.environ.setdefault("OMP_NUM_THREADS", "1")
torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip, by name, what needs a GPU where there is none."""
    if torch.cuda.is_available():
        return
    without = pytest.mark.skip(reason="there is no CUDA device here")
    for item in items:
        if item.get_closest_marker("gpu"):
            item.add_marker(without)


@pytest.fixture(scope="session")
def few_digits() -> ImageDataset:
    """400 digits to train on, 100 to validate on."""
    digits = load_dataset("digits")
    train = first_samples(digits.train, 400)
    return replace(digits, train=train, val=digits.val.select(torch.arange(100)))


@pytest.fixture
def short(tmp_path: Path) -> TrainConfig:
    """Three epochs with instance parameters on labels of which 40 % are swapped."""
    return short_training(tmp_path / "runs")


@pytest.fixture(scope="session")
def short_run(tmp_path_factory: pytest.TempPathFactory, few_digits: ImageDataset) -> RunFolder:
    """The finished run of ``short`` on ``few_digits``; to be read, and copied to be changed."""
    return train(short_training(tmp_path_factory.mktemp("short")), dataset=few_digits)


@pytest.fixture
def copied_run(short: TrainConfig, short_run: RunFolder) -> RunFolder:
    """The same where ``short`` itself would put it."""
    copy = Path(short.output_dir) / "digits" / "run"
    shutil.copytree(short_run.path, copy)
    return RunFolder(copy)


@pytest.fixture(scope="session")
def digits_run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """Five epochs on all digits, 40 % of them swapped; to be read, and copied to be changed."""
    return train(replace(short_training(tmp_path_factory.mktemp("digits")), epochs=5))


@pytest.fixture
def linear() -> nn.Module:
    """A network without batch statistics: the same in one process as in several."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 10))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """An installed Chromium."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    if program is None:
        pytest.skip("no Chromium is installed")
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=BROWSER_ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def text_run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A finished run of texts; see :func:`made_text_runs.made_text_run`."""
    return made_text_run(tmp_path_factory.mktemp("texts") / "run")


@pytest.fixture(scope="session")
def row_run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A finished run of rows; see :func:`made_text_runs.made_row_run`."""
    return made_row_run(tmp_path_factory.mktemp("rows") / "run")


@pytest.fixture
def complaints() -> Callable[..., list[str]]:
    """What axe finds wrong with a page; see :func:`checked_pages.complaints_about`."""
    reason = "axe-playwright-python is not installed"
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason=reason).Axe()
    return partial(complaints_about, axe=axe.axe_script)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[SimpleNamespace]:
    """A run to review, served when it is opened."""
    with served_place(tmp_path / "run") as made:
        yield made


@pytest.fixture
def open_page(browser: Browser, place: SimpleNamespace) -> Iterator[Callable[..., Page]]:
    """Opens the review page of that run; whatever it should not do fails the test at its end."""
    with opened_pages(browser, place) as opening:
        yield opening
