"""``dataparams rank``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import tyro

from dataparams.cli.analysis_of_run import SHOWN, RunArgument
from dataparams.errors import RunError
from dataparams.terminal.flags import say
from dataparams.terminal.words import text_table

if TYPE_CHECKING:
    from dataparams.analysis import Ranking


@dataclass(frozen=True)
class RankConfig:
    """Sort a run's samples by data parameter, the most suspicious first."""

    run: RunArgument
    """The run folder."""
    epoch: int | None = None
    """After which epoch; by default the one at which validation accuracy peaked, or the last where
    nothing was validated."""
    top: float | None = None
    """Select this share of the samples, the highest first."""
    threshold: Literal["auto"] | None = None
    """auto selects the estimated share of wrong labels, the highest first; analyze finds the same
    share."""
    split: str = "all"
    """Which splits are ranked: all, or names with commas between, such as train or validation,test.
    A training ranks the samples that it trained on."""
    out: Path | None = None
    """Write the selected samples to this CSV file: index, id, label, label_name, value, split. It
    is for programs: names stay as they are, also where a spreadsheet would run one as a formula."""
    overwrite: bool = False
    """Replace the file of --out if it exists."""
    data: str | None = None
    """The path of the data, if they have moved: of texts and rows the beginnings are shown."""


def run(words: list[str], program: str) -> int:
    """Run the command; see :data:`dataparams.cli.main.COMMANDS`."""
    config = tyro.cli(RankConfig, args=words, prog=f"{program} rank")
    if config.out is not None and config.out.exists() and not config.overwrite:
        raise RunError(f"{config.out} exists already. Choose another --out, or give --overwrite.")
    from dataparams.analysis import rank
    from dataparams.analysis.excerpts import excerpts_of_run
    from dataparams.run.folder import RunFolder
    from dataparams.run.safe_files import write_whole
    from dataparams.run.spreadsheet_cells import formula_notice

    folder = RunFolder(config.run)
    ranking = rank(
        folder,
        epoch=config.epoch,
        top=config.top,
        threshold=config.threshold,
        split=config.split,
    )
    shown = ranking.table["id"][:SHOWN].to_list()
    excerpts_of = excerpts_of_run(folder, config.data, say)
    say(_ranking_text(ranking, None if excerpts_of is None else excerpts_of(shown)))
    selected = ranking.table.filter(ranking.table["is_selected"]).drop("is_selected")
    if config.out is not None:
        write_whole(config.out, selected.write_csv().encode())
        say(f"Wrote {len(selected)} samples to {config.out}.")
        names = (*selected["id"], *selected["label_name"])
        for notice in formula_notice(names, str(config.out)):
            say(notice)
    else:
        say("Nothing is written; --out ranked.csv writes the list.")
    return 0


def _ranking_text(ranking: Ranking, excerpts: list[str] | None) -> str:
    from dataparams.analysis.summary_text import noise_words

    why = ", where validation accuracy peaked" if ranking.is_best_epoch else ""
    count = int(ranking.table["is_selected"].sum())
    lines = [*ranking.warnings, f"After epoch {ranking.epoch}{why}. The highest temperatures:"]
    header, rows = ["index", "id", "value", "label"], ranking.table[:SHOWN].to_dicts()
    cells = [
        [str(row["index"]), row["id"], f"{row['value']:.3f}", row["label_name"]] for row in rows
    ]
    if ranking.table["split"].n_unique() > 1:
        header.append("split")
        cells = [[*told, row["split"]] for told, row in zip(cells, rows, strict=True)]
    lines.append(text_table(header, cells, excerpts))
    if ranking.estimate is not None:
        is_known = ranking.estimate.is_known
        chosen = f"as many are selected: {count}" if is_known else "none is selected"
        lines.append(f"{noise_words(ranking.estimate)}; {chosen}.")
    if ranking.precision is not None and count:
        lines.append(
            f"Of the {count} selected, {ranking.precision:.1%} are corrupted (precision); they are "
            f"{ranking.recall:.1%} of all corrupted (recall)."
        )
    if ranking.figures is not None:
        lines.append(
            f"Truth is known: noise rate {ranking.figures.noise_rate:.1%}, recall at the noise "
            f"rate {ranking.figures.recall_at_noise_rate:.1%}, AUROC {ranking.figures.auroc:.4f}, "
            f"average precision {ranking.figures.average_precision:.4f}."
        )
    return "\n".join(lines)
