"""``dataparams demo``."""

from __future__ import annotations

from dataclasses import dataclass

import tyro


@dataclass(frozen=True)
class DemoConfig:
    """Audit scikit-learn's digits with some labels swapped, and see what finding them is worth."""

    out: str = "weights_CL/digits/demo"
    """The run folder."""
    rand_fraction: float = 0.2
    """Share of the samples whose labels are swapped."""
    seed: int = 0
    """What everything random depends on."""


def run(words: list[str], program: str) -> int:
    """Run the command; see :data:`dataparams.cli.main.COMMANDS`."""
    config = tyro.cli(DemoConfig, args=words, prog=f"{program} demo")
    from dataparams.cli.digits import run_demo
    from dataparams.terminal.progress import progress_display

    with progress_display("demo") as display:
        run_demo(
            out=config.out,
            rand_fraction=config.rand_fraction,
            seed=config.seed,
            display=display,
        )
    return 0
