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


def required(project: dict[str, Any]) -> list[Requirement]:
    """What the whole program requires."""
    extras = project["project"]["optional-dependencies"]
    return [Requirement(words) for words in (*project["project"]["dependencies"], *extras["app"])]


@pytest.mark.parametrize("python", ["3.10", "3.11", "3.12", "3.13", "3.14", "3.15"])
@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
def test_every_dependency_is_pinned_once(
    project: dict[str, Any], python: str, platform: str
) -> None:
    machine = {
        "python_version": python,
        "python_full_version": f"{python}.9",
        "sys_platform": platform,
        "platform_machine": {"linux": "x86_64", "darwin": "arm64", "win32": "AMD64"}[platform],
    }
    pins: dict[str, list[str]] = {}
    for pinned in PINNED:
        assert re.fullmatch(r"==[^=*]+", str(pinned.specifier)), pinned
        if pinned.marker is None or pinned.marker.evaluate(machine):
            version = str(pinned.specifier).removeprefix("==")
            pins.setdefault(canonicalize_name(pinned.name), []).append(version)
    assert [name for name, versions in pins.items() if len(versions) > 1] == []
    for wanted in required(project):
        if wanted.marker is not None and not wanted.marker.evaluate(machine):
            continue
        (version,) = pins[canonicalize_name(wanted.name)]
        assert wanted.specifier.contains(version), f"{wanted} is pinned to {version}"


def test_no_tool_of_ours_is_in_it(project: dict[str, Any]) -> None:
    needed = {wanted.name for wanted in required(project)}
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
