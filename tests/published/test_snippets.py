"""What README and documentation tell people to type, runs.

The blocks of a page run in order, in a folder of its own, with small data. A block that needs a
GPU, a download, a browser or several machines says so in a mark (see ``markdown_snippets``).
"""

from __future__ import annotations

import re
import runpy
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import published_data
from dataparams.cli import main
from dataparams.cli.main import COMMANDS
from markdown_snippets import Snippet, snippets_of

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
OUTSIDE = ("README.md", "CONTRIBUTING.md", "SECURITY.md")
PAGES = (*(ROOT / name for name in OUTSIDE), *sorted((ROOT / "docs").rglob("*.md")))
RUN = ("python", "sh")
SHOWN = ("text", "yaml", "toml")
PLACEHOLDERS = {
    "PATH_OF_YOUR_PHOTOS": "photos",
    "PATH": "photos",
    "NAME": "photos",
    "RUN": "weights_CL/photos/audit",
    "RUN_OR_DATASET": "photos",
    "DIR": "exported",
    "TARGET": "csv",
    "FOLDER": "exported",
}
"""What a reader puts in for such a word."""
INSTALLERS = ("pip", "uv")
"""Programs that download, which the tests do not; ``uv run`` runs what follows."""


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


SKIPPED = [(page, found) for page in PAGES for found in snippets_of(page) if "skip" in found.marks]
WITH_CODE = [page for page in PAGES if any(found.language in RUN for found in snippets_of(page))]


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Features that several pages compute, so that each is computed once."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def folder(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a page is run."""
    monkeypatch.setenv("DATAPARAMS_CACHE", str(cache))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    return tmp_path


@pytest.mark.parametrize("page", WITH_CODE, ids=name_of)
def test_what_a_page_tells_to_type_runs(page: Path, folder: Path) -> None:
    names: dict[str, Any] = {"__name__": "__main__"}
    for snippet in snippets_of(page):
        if "skip" in snippet.marks:
            continue
        if "given" in snippet.marks:
            names |= published_data.GIVEN[snippet.marks["given"]](folder)
        if snippet.language == "python":
            code = "\n" * snippet.line + filled_in(snippet)
            exec(compile(code, str(page), "exec"), names)  # noqa: S102
        elif snippet.language == "sh":
            for words in commands_of(snippet):
                if words[1] != snippet.marks.get("without"):
                    run([*words, *shortening_flags(snippet, words[1])])


def filled_in(snippet: Snippet) -> str:
    """The code with what a reader, or the test, puts in for some words."""
    replaced = snippet.marks.get("replaced")
    code = re.sub(r"[A-Z_]{3,}", lambda found: PLACEHOLDERS.get(found[0], found[0]), snippet.code)
    for pair in replaced.split(",") if replaced else ():
        before, after = pair.split(" by ")
        assert before.strip() in code, f"line {snippet.line}: there is no {before.strip()!r}"
        code = code.replace(before.strip(), after.strip())
    return code


def commands_of(snippet: Snippet) -> Iterator[list[str]]:
    """The commands of a shell block, each as its words."""
    for line in filled_in(snippet).replace("\\\n", " ").splitlines():
        for command in line.split("&&"):
            words = shlex.split(command, comments=True)
            if words[:2] == ["uv", "run"]:
                words = words[2:]
            if words and words[0] not in INSTALLERS:
                yield words


def shortening_flags(snippet: Snippet, command: str) -> list[str]:
    """What the block's mark adds to a command."""
    name, *flags = shlex.split(snippet.marks.get("with", "")) or [""]
    return flags if name == command else []


def run(words: list[str]) -> None:
    """Run a command in this process."""
    program, *arguments = words
    if program == "dataparams":
        code: object = main(arguments)
    elif program == "python":
        code = run_script(ROOT / arguments[0], arguments[1:])
    else:
        pytest.fail(f"{words} starts {program!r}; mark the block to be skipped, with the reason.")
    assert code in (0, None), words


def run_script(script: Path, arguments: list[str]) -> object:
    """The exit code of a script, run as a program is."""
    before, sys.argv = sys.argv, [str(script), *arguments]
    try:
        runpy.run_path(str(script), run_name="__main__")
    except SystemExit as ended:
        return ended.code
    finally:
        sys.argv = before
    return 0


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_code_block_says_its_language(page: Path) -> None:
    for snippet in snippets_of(page):
        assert snippet.language in (*RUN, *SHOWN), f"line {snippet.line}"
        assert snippet.language in RUN or not snippet.marks, f"line {snippet.line}"


@pytest.mark.parametrize(
    ("page", "snippet"),
    SKIPPED,
    ids=[f"{name_of(page)}:{snippet.line}" for page, snippet in SKIPPED],
)
def test_what_is_not_run_has_flags_that_exist(
    page: Path, snippet: Snippet, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ends as skipped, so that the list of the tests tells what is not run, and why."""
    for words in commands_of(snippet) if snippet.language == "sh" else ():
        for command, flags in dataparams_commands(words):
            with pytest.raises(SystemExit):
                main([command, "--help"])
            printed = capsys.readouterr().out
            known = set(re.findall(r"(?<![-\w])--[a-z][-a-z0-9]*", printed))
            assert set(flags) <= known
    assert snippet.marks["skip"]
    pytest.skip(snippet.marks["skip"])


SCRIPTS = {"main_cifar.py": "train", "main_imagenet.py": "train", "dump_imagenet.py": "export"}


def dataparams_commands(words: list[str]) -> Iterator[tuple[str, list[str]]]:
    """The command of ours in some words, perhaps behind a launcher, and its flags."""
    for place, word in enumerate(words):
        command = SCRIPTS.get(word)
        if words[place - 1 : place + 1] == ["-m", "dataparams.cli"] or words[0] == "dataparams":
            command = words[place + 1]
        if command is not None:
            assert command in COMMANDS, words
            flags = [flag.partition("=")[0] for flag in words[place:] if flag.startswith("--")]
            yield command, [flag.replace("_", "-") for flag in flags]
            return
