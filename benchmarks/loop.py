"""What each way to clean is worth: the whole loop on photographs with 15 % of the labels swapped.

The reviewing is simulated: a reviewer who knows the truth goes through the queue as the page has
it, keeps what is right and corrects what is wrong.
"""

from __future__ import annotations

import argparse
import statistics
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from dataparams.analysis import current_analysis
from dataparams.analysis.trajectories import trained_samples
from dataparams.cleaning.selection import CleanSettings
from dataparams.cleaning.writing import clean_run
from dataparams.decisions.store import Decision, DecisionStore
from dataparams.errors import UserError
from dataparams.run.folder import RunFolder
from dataparams.terminal.progress import PlainProgress
from dataparams.training import TrainConfig, train
from dataparams.training.cleaned_config import config_from_clean
from results import mean_and_spread, table, write_section

if TYPE_CHECKING:
    from dataparams.analysis import Analysis

PLAIN, LEARNED = "as given, no data parameters", "as given, data parameters"
EASY = "clean --strategy easy"
LIKELY = "clean --strategy likely"
RELABEL = "clean --strategy relabel"
SOME = "the first 10 % of the samples reviewed, the others kept"
SOME_LIKELY = "the same, --undecided likely"
SOME_DROP = "the same, --undecided drop"
ALL = "the whole queue reviewed"
CLEAN = "labels without noise, no data parameters"
SETTINGS = (PLAIN, LEARNED, EASY, LIKELY, RELABEL, SOME, SOME_LIKELY, SOME_DROP, ALL, CLEAN)
SHARE = 0.1
Figures = dict[str, float]


def finished(config: TrainConfig) -> RunFolder:
    """A training to its end; what an earlier call left of it is not done again."""
    run = RunFolder(Path(config.output_dir) / Path(config.dataset).name / config.exp_prefix)
    if run.exists() and run.description()["status"] == "finished":
        return run
    return train(replace(config, resume=run.exists()), display=PlainProgress())


def queue(analysis: Analysis) -> pl.DataFrame:
    """The samples that a person is asked to look at, the most suspicious first."""
    asked = analysis.frame.filter(pl.col("category") != "easy")
    return asked.sort("suspicion", "index", descending=[True, False])


def review(run: RunFolder, asked: pl.DataFrame) -> None:
    """Decide by the truth."""
    decisions = [
        Decision(index, "keep" if label == truth else "relabel", truth)
        for index, label, truth in asked.select("index", "label", "true_label").iter_rows()
    ]
    store = DecisionStore(run.review)
    store.record("simulated", "truth", decisions)
    store.close()


def figures_of(run: RunFolder, reviewed: int = 0) -> Figures:
    """Accuracy after the last epoch, what was trained on, and how many samples were looked at."""
    trained, metrics = trained_samples(run), run.metrics()
    return {
        "accuracy": metrics["val_accuracy"][-1],
        "samples": len(trained),
        "wrong": trained["is_corrupted"].mean() if "is_corrupted" in trained else 0.0,
        "reviewed": reviewed,
    }


def cleaned(run: RunFolder, analysis: Analysis, name: str, settings: CleanSettings) -> RunFolder:
    """Train again on what a way to clean keeps."""
    file = run.path / f"{name}.parquet"
    clean_run(run, analysis.frame, settings, out=file, overwrite=True)
    return finished(config_from_clean(file))


def one_seed(config: TrainConfig, rate: float) -> dict[str, Figures]:
    """All settings with one seed."""
    prefix = f"seed-{config.seed}"

    def run_of(name: str, **changes: Any) -> RunFolder:
        return finished(replace(config, exp_prefix=f"{prefix}-{name}", **changes))

    plain = run_of("plain", rand_fraction=rate)
    learned = run_of("learned", rand_fraction=rate, learn_inst_parameters=True)
    clean = run_of("clean")
    analysis = current_analysis(learned)
    asked = queue(analysis)
    budget = round(SHARE * len(analysis.frame))
    results = {PLAIN: figures_of(plain), LEARNED: figures_of(learned), CLEAN: figures_of(clean)}
    for setting, name, settings, looked_at in (
        (EASY, "easy", CleanSettings("easy"), 0),
        (LIKELY, "likely", CleanSettings("likely"), 0),
        (RELABEL, "relabel", CleanSettings("relabel"), 0),
        (SOME, "some", CleanSettings("reviewed"), budget),
        (SOME_LIKELY, "some-likely", CleanSettings("reviewed", undecided="likely"), budget),
        (SOME_DROP, "some-drop", CleanSettings("reviewed", undecided="drop"), budget),
        (ALL, "all", CleanSettings("reviewed"), len(asked)),
    ):
        learned.review.unlink(missing_ok=True)
        if looked_at:
            review(learned, asked.head(looked_at))
        run = cleaned(learned, analysis, name, settings)
        results[setting] = figures_of(run, looked_at)
    return results


def difference(seeds: list[dict[str, Figures]], setting: str) -> str:
    """How much better than the labels as given, seed by seed, with its standard error."""
    points = [100 * (one[setting]["accuracy"] - one[PLAIN]["accuracy"]) for one in seeds]
    if setting == PLAIN:
        return ""
    if len(points) == 1:
        return f"{points[0]:+.1f}"
    error = statistics.stdev(points) / len(points) ** 0.5
    return f"{statistics.mean(points):+.1f} ± {error:.1f}"


def row_of(seeds: list[dict[str, Figures]], setting: str) -> list[str]:
    """A row of the table."""
    values = {name: [one[setting][name] for one in seeds] for name in seeds[0][setting]}
    return [
        setting,
        f"{statistics.mean(values['reviewed']):.0f}",
        f"{statistics.mean(values['samples']):.0f}",
        f"{statistics.mean(values['wrong']):.1%}",
        mean_and_spread(values["accuracy"]),
        difference(seeds, setting),
    ]


def main() -> None:
    """Run all seeds and write the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photographs", type=Path, default=Path("../shared/data/caltech20"))
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--seeds", type=int, default=3, help="how many seeds")
    parser.add_argument("--rate", type=float, default=0.15)
    parser.add_argument("--val-frac", type=float, default=0.3)
    parser.add_argument("--amp", default="bf16")
    parser.add_argument("--runs", type=Path, default=Path("weights_CL/loop"))
    arguments = parser.parse_args()
    if arguments.seeds < 1:
        parser.error(f"--seeds is {arguments.seeds}; expected how many seeds to run, at least 1.")
    seeds = []
    for seed in range(arguments.seeds):
        config = TrainConfig(
            dataset=str(arguments.photographs),
            output_dir=str(arguments.runs),
            val_frac=arguments.val_frac,
            learn_inst_parameters=False,
            epochs=arguments.epochs,
            amp=arguments.amp,
            seed=seed,
        )
        try:
            seeds.append(one_seed(config, arguments.rate))
        except UserError as error:
            # Such as that nothing is likely right after too few epochs.
            raise SystemExit(f"Seed {seed}: {error}") from error
    header = ["trained on", "reviewed", "samples", "wrong labels", "accuracy", "gain in points"]
    body = table(header, [row_of(seeds, setting) for setting in SETTINGS])
    kind = TrainConfig()
    body += (
        f"\n\n{arguments.photographs.name}, {arguments.val_frac:.0%} of each class for validation, "
        f"{arguments.rate:.0%} of the other labels swapped; {arguments.seeds} seeds, which choose "
        "the split, the swapped labels and the training. Accuracy on the validation split (its "
        f"labels are right) after the last of {arguments.epochs} epochs, mean ± standard deviation "
        "over seeds; the gain over the first row seed by seed, mean ± its standard error. "
        f"{kind.arch} at 64 x 64, batch {kind.batch_size}, SGD {kind.lr} ({kind.schedule}), "
        f"{arguments.amp}. Reviewing is simulated: by the truth, the queue's most suspicious "
        "samples first. What is cleaned is trained with data parameters."
    )
    write_section("What cleaning is worth", body)


if __name__ == "__main__":
    main()
