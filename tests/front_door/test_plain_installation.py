"""``pip install dataparams``, without extras, into an environment that has nothing else."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import packages_distributions
from typing import TYPE_CHECKING

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from dataparams import train
from dataparams.extras import APP, EXTRA_OF
from plain_installation import ROOT, built_wheel, environment, installed

if TYPE_CHECKING:
    from pathlib import Path

    from torch import nn

    from dataparams.batches import ImageDataset
    from dataparams.training import TrainConfig

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

LOOP = """
import torch
from dataparams import DataParameters, IndexedDataset
x, y = torch.randn(64, 5), torch.randint(0, 10, (64,))
train_set = IndexedDataset(torch.utils.data.TensorDataset(x, y))
loader = torch.utils.data.DataLoader(train_set, batch_size=16, shuffle=True)
model = torch.nn.Linear(5, 10)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
dp = DataParameters(num_instances=len(train_set), num_classes=10, lr_inst=0.2)
for x, y, index in loader:
    loss = dp(model(x), y, index)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    dp.step()
assert (dp.instance_parameters != 1).all()
"""

RECORDED = """
import sys
import numpy as np
import torch
from dataparams import Recording, RunFolder, cleaned
x = torch.randn(400, 5)
y = torch.arange(400) % 2
x[:, 0] += 4 * y - 2
y[:20] = 1 - y[:20]
model = torch.nn.Linear(5, 2)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for learn, samples in (
    ("instance", [f"text {number}" for number in range(400)]),
    ("nothing", [{"number": number} for number in range(400)]),
    ("instance", torch.zeros(400, 8, 8)),
):
    folder = f"{sys.argv[1]}/{learn}-{type(samples[0]).__name__}"
    run = Recording(folder, labels=y, samples=samples, epochs=6, batch_size=16, learn=learn)
    for epoch in run.epochs(model, optimizer):
        for index in torch.randperm(400).split(16):
            loss = run.loss(model(x[index]), y[index], index)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            run.step()
    analysis = run.analyze()
    worst = analysis.frame.sort("suspicion", descending=True)["index"][:20]
    assert (worst < 20).sum() > 10, worst
    assert 300 < len(cleaned(folder)) < 400
    assert (RunFolder(folder).content_kind() is not None) == isinstance(samples, list)
"""

ARRAYS = """
import numpy as np
from dataparams import analyze_trajectories
rng = np.random.default_rng(0)
drift = np.where(np.arange(300) < 30, 0.1, -0.1)
log_temperature = np.cumsum(drift + rng.normal(0, 0.02, (20, 300)), axis=0)
analysis = analyze_trajectories(log_temperature, rng.integers(0, 2, 300))
assert set(analysis.frame["category"]) == {"easy", "hard"}
print(repr(analysis), analysis._repr_html_())
"""

ISSUES = """
import sys
import numpy as np
from dataparams import RunFolder, analyze, find_issues
rng = np.random.default_rng(0)
truth = np.arange(300) % 3
labels = np.where(np.arange(300) % 10 == 0, (truth + 1) % 3, truth)
features = 3 * np.eye(3, 8)[truth] + rng.normal(0, 0.5, (300, 8))
scores = 3 * np.eye(3)[truth] + rng.normal(0, 0.5, (300, 3))
pred_probs = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
texts = [f"text {k}" for k in range(300)]
folder = f"{sys.argv[1]}/issues"
issues = find_issues(labels, pred_probs, features, samples=texts, out=folder)
flagged = issues.get_issues("label")["is_label_issue"].to_numpy()
assert (flagged == (labels != truth)).mean() > 0.97
assert len(analyze(folder).frame) == 300
assert RunFolder(folder).content_kind() == "text"
print(issues.report())
try:
    issues.to_pandas()
except ValueError as error:
    assert "pip install pandas" in str(error)
"""

RUN = """
import pathlib
import sys
import pydoc
import dataparams
from dataparams import figures, report, review
page = pydoc.render_doc(dataparams)
assert "train(" in page and "TrainConfig" in page
folder = pathlib.Path(sys.argv[1], "made")
notices = []
ranking = dataparams.rank(sys.argv[1], top=0.5)
analysis = dataparams.analyze(sys.argv[1], on_notice=notices.append)
assert len(analysis.frame) == len(ranking.table) == int(sys.argv[2])
assert "dataparams[app]" in " ".join(notices), notices
for use in (
    lambda: analysis.grid(0),
    lambda: analysis.trajectories(),
    lambda: analysis.pictures_of(analysis.frame["id"].to_list()),
    lambda: dataparams.audit("digits"),
    lambda: dataparams.train(None),
    lambda: figures.write_figures(analysis, folder),
    lambda: report.write_report(analysis, folder, embed=figures.embed),
    lambda: review.serve(None),
):
    try:
        use()
    except dataparams.MissingPackageError as error:
        assert 'pip install "dataparams[app]"' in str(error), error
        assert isinstance(error, (dataparams.UserError, ImportError))
    else:
        raise AssertionError("no package was missed")
"""

COMMANDS = """
import contextlib, io
from dataparams.cli.main import COMMANDS, main
for name in COMMANDS:
    said = io.StringIO()
    with contextlib.redirect_stderr(said):
        assert main([name, "--help"]) == 2, name
    (line,) = said.getvalue().splitlines()
    assert line.endswith('pip install "dataparams[app]" brings it.'), line
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment with the wheel, without extras."""
    pytest.importorskip("hatchling", reason="hatchling, which builds the wheel, is not installed")
    folder = tmp_path_factory.mktemp("plain")
    interpreter = installed(
        built_wheel(folder / "wheel"), folder / "environment", PROJECT["dependencies"]
    )
    absent = ("pyarrow", "PIL", "tyro", "matplotlib", "accelerate", "simplejpeg", "pandas")
    code = f"import importlib.util as u; print([n for n in {absent!r} if u.find_spec(n)])"
    assert told(interpreter, "-c", code) == "[]\n"
    return interpreter


def told(python: Path, *arguments: str, code: int = 0) -> str:
    """What the interpreter prints; it must end with the code."""
    command = [str(python), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment())
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def test_a_loop_arrays_and_predictions_of_ones_own(python: Path, tmp_path: Path) -> None:
    # By one interpreter: it takes seconds to import PyTorch.
    printed = told(python, "-c", LOOP + ARRAYS + RECORDED + ISSUES, str(tmp_path))
    assert "Analysis of arrays: 300 samples of 2 classes" in printed
    assert "<table>" in printed
    assert "No picture of the samples is kept, since Pillow is not installed" in printed
    assert "of 300 labels are probably wrong" in printed


def test_a_run_folder_is_ranked_and_analyzed_and_drawing_names_the_extra(
    python: Path, short: TrainConfig, few_digits: ImageDataset, linear: nn.Module
) -> None:
    run = train(short, dataset=few_digits, model=linear)
    told(python, "-c", RUN, str(run.path), str(len(run.samples())))


def test_every_command_names_the_extra(python: Path) -> None:
    told(python, "-c", COMMANDS)
    script = python.with_name("dataparams" + python.suffix)
    done = subprocess.run([script, "--help"], capture_output=True, text=True, check=True)
    assert "usage: dataparams COMMAND" in done.stdout
    said = told(python, "-m", "dataparams", "rank", "nowhere", code=2)
    assert said.count("\n") == 1


def test_what_the_extra_has_is_known_by_the_name_it_is_imported_by() -> None:
    distributions = packages_distributions()
    brought = {
        canonicalize_name(distributions[name][0])
        for name, extra in EXTRA_OF.items()
        if extra == APP and name in distributions
    }
    wanted = [Requirement(words) for words in PROJECT["optional-dependencies"][APP]]
    here = {
        canonicalize_name(one.name) for one in wanted if one.marker is None or one.marker.evaluate()
    }
    assert brought == here


def test_the_names_of_missing_packages_are_not_those_of_the_plain_installation() -> None:
    plain = {Requirement(words).name for words in PROJECT["dependencies"]}
    assert plain == {"numpy", "polars", "safetensors", "scikit-learn", "scipy", "torch"}
