"""``dataparams figures``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from dataparams.cli.analysis_of_run import SHOWN, DataFlags, current, pictures_expected
from dataparams.errors import UserError


@dataclass(frozen=True)
class FiguresConfig(DataFlags):
    """Draw easy, hard and need-review samples of each class, its t-SNE map, and trajectories."""

    run: tyro.conf.Positional[Path | None] = None
    """The run folder; by default the newest below weights_CL."""
    class_: Annotated[tuple[str, ...], tyro.conf.arg(name="class")] = ()
    """Names or numbers of the classes; by default all."""
    kind: tuple[Literal["grids", "maps", "trajectories", "classes"], ...] = (
        *("grids", "maps", "trajectories", "classes"),
    )
    """What to draw."""
    analysis_dir: Path | None = None
    """The run folder, as the published scripts call it."""
    out: Path | None = None
    """The folder to write to; by default figures/ in the run folder."""
    pictures: bool = True
    """--no-pictures draws without the images, where they are not available."""


def run(words: list[str], program: str) -> int:
    """Run the command; see :data:`dataparams.cli.main.COMMANDS`."""
    config = tyro.cli(FiguresConfig, args=words, prog=f"{program} figures")
    from dataparams.figures import write_figures
    from dataparams.run.folder import RunFolder
    from dataparams.run.newest import newest_run
    from dataparams.sources.hub.token import token_file
    from dataparams.terminal.progress import progress_display

    given = config.run or config.analysis_dir
    if given is None and any(Path(name, "run.json").is_file() for name in config.class_):
        raise UserError("A run folder stands among the names of --class; put it in front of it.")
    run = newest_run(Path("weights_CL")) if given is None else RunFolder(given)
    with token_file(config.hf_token_file), progress_display("drawing") as display:
        analysis = current(run, display, data=config.data, pictures=config.pictures)
        labels = [analysis.label_of(name) for name in config.class_] or None
        with pictures_expected():
            files = write_figures(
                analysis,
                config.out or run.figures,
                labels=labels,
                kinds=config.kind,
                on_progress=lambda done, total: display.step(done, total, ""),
            )
        for file in files[:SHOWN]:
            display.line(str(file))
        if len(files) > SHOWN:
            display.line(f"... and {len(files) - SHOWN} more in {files[0].parent}")
    return 0
