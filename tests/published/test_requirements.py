"""``requirements.txt`` holds what users need: every dependency, and no tool of ours."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
LINES = (ROOT / "requirements.txt").read_text().splitlines()
PINNED = [Requirement(line) for line in LINES if not line.startswith("#")]


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


@pytest.mark.parametrize("python", ["3.10", "3.11", "3.12", "3.13"])
@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_every_dependency_is_pinned_once(
    project: dict[str, Any], python: str, platform: str
) -> None:
    machine = {
        "python_version": python,
        "python_full_version": f"{python}.9",
        "sys_platform": platform,
    }
    pins: dict[str, list[str]] = {}
    for pinned in PINNED:
        assert re.fullmatch(r"==[^=*]+", str(pinned.specifier)), pinned
        if pinned.marker is None or pinned.marker.evaluate(machine):
            version = str(pinned.specifier).removeprefix("==")
            pins.setdefault(canonicalize_name(pinned.name), []).append(version)
    assert [name for name, versions in pins.items() if len(versions) > 1] == []
    for words in project["project"]["dependencies"]:
        wanted = Requirement(words)
        (version,) = pins[canonicalize_name(wanted.name)]
        assert wanted.specifier.contains(version), f"{words} is pinned to {version}"


def test_no_tool_of_ours_is_in_it(project: dict[str, Any]) -> None:
    needed = {Requirement(words).name for words in project["project"]["dependencies"]}
    tools = {
        Requirement(words).name
        for group in project["dependency-groups"].values()
        for words in group
    }
    there = {canonicalize_name(pinned.name) for pinned in PINNED}
    assert there & {canonicalize_name(name) for name in tools - needed} == set()


def test_it_names_no_address(project: dict[str, Any]) -> None:
    assert [line for line in LINES if "://" in line or line.startswith("-")] == []
    assert project["project"]["name"] not in {pinned.name for pinned in PINNED}
