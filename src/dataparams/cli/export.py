"""``dataparams export``."""

from __future__ import annotations

import tyro


def run(words: list[str], program: str) -> int:
    """Run the command; see :data:`dataparams.cli.main.COMMANDS`."""
    from dataparams.export import ExportConfig

    config = tyro.cli(ExportConfig, args=words, prog=f"{program} export")
    from dataparams.export import export
    from dataparams.sources.hub.token import token_file
    from dataparams.terminal.progress import progress_display

    with token_file(config.hf_token_file), progress_display("exporting") as display:
        last_word = export(
            config,
            on_progress=lambda done, total: display.step(done, total, ""),
            on_notice=display.line,
        )
        display.line(last_word)
    return 0
