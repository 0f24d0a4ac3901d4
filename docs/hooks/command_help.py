"""A hook of MkDocs: the reference of the commands is what each command's --help prints."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

PAGE = "reference/commands.md"
COLUMNS = 96


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001
    """Appends the help of every command to their page."""
    if page.file.src_uri != PAGE:
        return markdown
    from dataparams.cli.main import COMMANDS

    sections = [f"## {name}\n\n```text\n{help_of(name)}```\n" for name in COMMANDS]
    return "\n".join([markdown, *sections])


def help_of(command: str) -> str:
    """What ``dataparams COMMAND --help`` prints, without colors."""
    done = subprocess.run(
        [sys.executable, "-m", "dataparams.cli", command, "--help"],
        env={**os.environ, "COLUMNS": str(COLUMNS), "NO_COLOR": "1", "TERM": "dumb"},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout
