"""``dataparams cache``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from dataparams.terminal.words import counted, size_text


@dataclass(frozen=True)
class CacheConfig:
    """Prepare a data set once, for training faster: smaller images, all in one file."""

    dataset: tyro.conf.Positional[str]
    """The path of an image folder or of Parquet, or a name on the Hugging Face hub."""
    out: Path
    """The file to write."""
    image_column: str | None = None
    """The column of a table with the images, where it is not clear."""
    label_column: str | None = None
    """The column of a table with the labels, where it is not clear."""
    size: int = 256
    """Pixels to which the shorter side is resized; smaller images keep their size."""
    quality: int = 90
    """Quality of the JPEG images in it, 1 ... 100."""
    raw: bool = False
    """Store pixels instead of JPEG images: several times larger, and nothing to decode."""
    overwrite: bool = False
    """Replace the file if it exists."""
    workers: Annotated[int | None, tyro.conf.arg(aliases=["-j"])] = None
    """Number of processes; by default one per core."""
    hf_token_file: Path | None = None
    """File with a token of the Hugging Face hub, for gated data sets; it is not stored."""


def run(words: list[str], program: str) -> int:
    """Run the command; see :data:`dataparams.cli.main.COMMANDS`."""
    config = tyro.cli(CacheConfig, args=words, prog=f"{program} cache")
    from dataparams.batches import open_streamed
    from dataparams.sources.cache import require_absent, require_cache_settings, write_cache
    from dataparams.sources.columns import WantedColumns
    from dataparams.sources.hub.token import token_file
    from dataparams.sources.understanding import understand
    from dataparams.terminal.progress import progress_display

    require_cache_settings(config.size, config.quality, config.workers)
    require_absent(config.out, overwrite=config.overwrite)
    with token_file(config.hf_token_file), progress_display("preparing") as display:
        source, _ = open_streamed(
            config.dataset,
            image_column=config.image_column,
            label_column=config.label_column,
            on_fetch=display.fetched,
        )
        for line in understand(source).lines():
            display.line(line)
        summary = write_cache(
            source,
            config.out,
            size=config.size,
            quality=None if config.raw else config.quality,
            workers=config.workers,
            overwrite=config.overwrite,
            on_progress=display.decoded,
        )
        if summary.unreadable:
            verb = "is" if summary.unreadable == 1 else "are"
            unreadable = counted(summary.unreadable, "image")
            display.line(f"{unreadable} could not be read and {verb} left out.")
        display.line(
            f"Wrote {counted(summary.images, 'image')} to {config.out} "
            f"({size_text(summary.num_bytes)})."
        )
        columns = WantedColumns(image=config.image_column, label=config.label_column).flags()
        display.line(
            f"Next: dataparams train {config.dataset}{columns} --loader stream --cache {config.out}"
        )
    return 0
