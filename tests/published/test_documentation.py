"""The documentation is whole: links lead somewhere, and nothing is left out of the reference."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import torch
import yaml
from markdown_it import MarkdownIt

import dataparams
from dataparams.cli import main
from dataparams.cli.main import COMMANDS
from published_data import drawn

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PACKAGE = ROOT / "src/dataparams"
OUTSIDE = ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md", "benchmarks/RESULTS.md")
PAGES = (*(ROOT / name for name in OUTSIDE), *sorted(DOCS.rglob("*.md")))
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def text_of(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def anchors_of(page: Path) -> set[str]:
    """The names by which a forge, and the site, link to a page's headings."""
    tokens = MarkdownIt().parse(page.read_text(encoding="utf-8"))
    titles = [
        tokens[place + 1].content
        for place, token in enumerate(tokens)
        if token.type == "heading_open"
    ]
    plain = [re.sub(r"[^\w\s-]", "", title.replace("`", "")).strip() for title in titles]
    return {re.sub(r"\s", "-", title.lower()) for title in plain}


def links_of(page: Path) -> list[str]:
    """What a page links to or shows."""
    targets: list[str] = []
    for token in MarkdownIt().enable("table").parse(page.read_text(encoding="utf-8")):
        for child in token.children or ():
            target = child.attrGet("href") or child.attrGet("src")
            if target:
                targets.append(str(target))
    return targets


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    for link in links_of(page):
        if ":" in link:
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors_of(target), link


def test_every_page_is_in_the_navigation() -> None:
    listed = re.findall(r"[\w/]+\.md", text_of("mkdocs.yml").partition("\nnav:")[2])
    there = {page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md")}
    outside = {"results.md", "changelog.md", "contributing.md", "security.md"}
    assert sorted(listed) == sorted(there | outside)


def test_the_reference_has_every_public_name() -> None:
    described = re.findall(r"^::: ([\w.]+)$", text_of("docs/reference/python.md"), re.MULTILINE)
    public = {name for name in dataparams.__all__ if not name.startswith("__")}
    assert public <= {name.rpartition(".")[2] for name in described}


def test_the_reference_has_every_command() -> None:
    page = text_of("docs/reference/commands.md")
    described = re.findall(r"^\| `dataparams (\w+)` \|", page, re.MULTILINE)
    assert sorted(described) == sorted(COMMANDS)


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The folders of an audit and of a training, analyzed and cleaned."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATAPARAMS_CACHE", str(tmp_path / "cache"))
    drawn(tmp_path / "photos")
    few = ["--rand-fraction", "0.2"]
    small = ["--epochs", "2", "--image-size", "16", "-b", "16", "--learn-class-parameters"]
    assert main(["audit", "photos", "--encoder", "pixels", *few]) == 0
    assert main(["train", "photos", *small]) == 0
    folders = [tmp_path / "weights_CL/photos" / name for name in ("audit", "run")]
    for folder in folders:
        assert main(["analyze", str(folder)]) == 0
        assert main(["clean", str(folder), "--strategy", "likely", "--allow-empty-class"]) == 0
    return folders


def test_the_page_of_the_run_folder_names_every_file_and_column(runs: list[Path]) -> None:
    page = text_of("docs/reference/run_folder.md")
    for run in runs:
        for path in run.iterdir():
            name = re.sub(r"epoch_\d+", "epoch_<N>", path.name) + ("/" if path.is_dir() else "")
            assert f"`{name}`" in page, name
        for file in (*run.glob("*.parquet"), run / "metrics.csv"):
            table = pl.read_csv(file) if file.suffix == ".csv" else pl.read_parquet(file)
            section = page.partition(f"\n## {file.name}\n")[2].partition("\n## ")[0]
            missing = [column for column in table.columns if f"`{column}`" not in section]
            assert missing == [], file.name
        record = torch.load(next(run.glob("epoch_*")), weights_only=True)
        section = page.partition("\n## epoch_N.pth.tar\n")[2].partition("\n## ")[0]
        assert [name for name in record if f"`{name}`" not in section] == []


def test_the_tour_names_every_room() -> None:
    tour = text_of("CONTRIBUTING.md")
    rooms = [path.parent.name for path in PACKAGE.glob("*/__init__.py")]
    assert [room for room in rooms if f"`{room}/`" not in tour] == []


def test_where_the_tour_starts_reading_is_there() -> None:
    rows = re.findall(r"^\| `(\w+)/` \|.*\|(.*)\|$", text_of("CONTRIBUTING.md"), re.MULTILINE)
    assert len(rows) == len([*PACKAGE.glob("*/__init__.py")])
    for room, modules in rows:
        assert all((PACKAGE / room / name).is_file() for name in re.findall(r"\w+\.py", modules)), (
            room
        )


def test_files_that_the_tour_names_are_there() -> None:
    named = re.findall(r"`([a-z_]+/[a-z_/]+\.py)`", text_of("CONTRIBUTING.md"))
    assert named
    roots = (ROOT, PACKAGE)
    assert [name for name in named if not any((root / name).exists() for root in roots)] == []


def test_the_architecture_names_every_module_and_nothing_else() -> None:
    page = text_of("docs/architecture.md")
    named = set(re.findall(r"^\| `([\w/]+\.py)` \|", page, re.MULTILINE))
    assert named == {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if path.parent.parent != PACKAGE or path.name != "__init__.py"
    }
    mentioned = re.findall(r"`((?:[\w/]+/)?\w+\.py)`", page)
    there = [path.as_posix() for path in ROOT.rglob("*.py") if ".venv" not in path.parts]
    missing = [name for name in mentioned if not any(path.endswith(f"/{name}") for path in there)]
    assert missing == []


def test_the_architecture_shows_the_rooms_as_they_are() -> None:
    page = text_of("docs/architecture.md")
    renewed = runpy.run_path(str(DOCS / "rooms.py"))["renewed"]
    assert renewed(page) == page, "Run: uv run python docs/rooms.py"


def test_the_forges_workflow_runs_no_python_that_is_not_claimed() -> None:
    workflow = yaml.safe_load(text_of(".github/workflows/tests.yml"))
    claimed = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["project"]["classifiers"]))
    suite = workflow["jobs"]["suite"]["strategy"]["matrix"]["python"]
    assert set(suite) <= set(claimed)
    assert {"macos-latest", "windows-latest"} <= set(
        workflow["jobs"]["smoke"]["strategy"]["matrix"]["system"]
    )


@pytest.mark.skipif(find_spec("material") is None, reason="the group docs is not installed")
def test_the_site_is_built_and_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    words = ["mkdocs", "build", "--quiet", "--strict", "--site-dir", str(tmp_path / "site")]
    subprocess.run([sys.executable, "-m", *words], cwd=ROOT, check=True)
    commands = (tmp_path / "site/reference/commands.html").read_text(encoding="utf-8")
    assert all(f"usage: dataparams {name}" in commands for name in COMMANDS)
