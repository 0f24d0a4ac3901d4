"""The command line: one sub-command per verb, thin."""

from __future__ import annotations

import math
import os
import shlex
import sys
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from dataparams.errors import ChangedDataError, DataError, RunError, Stopped, UserError
from dataparams.terminal import MOST_CLASSES, counted, size_text, text_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import polars as pl

    from dataparams.analysis import Analysis, Ranking
    from dataparams.progress import ProgressDisplay
    from dataparams.review.run_in_review import RunInReview
    from dataparams.runs import RunFolder
    from dataparams.training.config import Recipe, TrainConfig

_INTERRUPTED = 130
_NOBODY_READS = 141
_SHOWN = 10
_LAST_PORT = 65535
_LONGEST_NAME = 60
_LOOKING = "looking through the model"


@dataclass(frozen=True)
class RankConfig:
    """Sort a run's samples by data parameter, the most suspicious first."""

    run: tyro.conf.Positional[Path]
    """The run folder."""
    epoch: int | None = None
    """After which epoch; by default the one at which validation accuracy peaked."""
    top: float | None = None
    """Select this share of the samples, the highest first."""
    threshold: Literal["auto"] | None = None
    """Select as many as labels are estimated to be wrong, the highest first; analyze finds the same
    number."""
    out: Path | None = None
    """Write the selected samples to this CSV file, for programs: index, id, label, label_name,
    value. Names stay as they are, also where a spreadsheet would run one as a formula."""
    overwrite: bool = False
    """Replace that file where it exists."""


@dataclass(frozen=True)
class AnalyzeConfig:
    """Sort a run's samples into easy, hard and need review; score them; suggest labels."""

    run: tyro.conf.Positional[Path]
    """The run folder; training may still be going on."""
    review_budget: str | None = None
    """The largest share of all samples that may need review, such as 5%; by default no limit."""
    model: bool = True
    """Show the samples to the trained model as well; --no-model looks at the trajectories alone."""
    top: int = _SHOWN
    """How many of the most suspicious samples to print."""
    data: str | None = None
    """Where the data lie, where they have moved since the training."""
    hf_token_file: Path | None = None
    """File with a token of the Hugging Face hub, where the images are to be downloaded again."""


@dataclass(frozen=True)
class FiguresConfig:
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
    """The run folder, by the name that the method's users know."""
    out: Path | None = None
    """Where to; by default figures/ in the run folder."""
    pictures: bool = True
    """--no-pictures draws where the images are not at hand."""
    data: str | None = None
    """Where the data lie, where they have moved since the training."""
    hf_token_file: Path | None = None
    """File with a token of the Hugging Face hub, where the images are to be downloaded again."""


@dataclass(frozen=True)
class ReportConfig:
    """Write a report that can be handed on: pages that open from disk in any browser."""

    run: tyro.conf.Positional[Path]
    """The run folder."""
    pile_limit: int = 2000
    """The most samples of a category that the page of a class shows."""
    pictures: bool = True
    """--no-pictures writes the report where the images are not at hand."""
    data: str | None = None
    """Where the data lie, where they have moved since the training."""
    hf_token_file: Path | None = None
    """File with a token of the Hugging Face hub, where the images are to be downloaded again."""


@dataclass(frozen=True)
class CacheConfig:
    """Prepare a data set once, for training faster: smaller images, all in one file."""

    dataset: tyro.conf.Positional[str]
    """The path of an image folder or of Parquet, or a name on the Hugging Face hub."""
    out: Path
    """The file to write."""
    image_column: str | None = None
    """Which column of a table has the images, where that is not clear."""
    label_column: str | None = None
    """Which column of a table has the labels, where that is not clear."""
    size: int = 256
    """Pixels to which the shorter side is resized; smaller images keep their size."""
    quality: int = 90
    """Of the JPEG images in it, 1 ... 100."""
    raw: bool = False
    """Keep pixels instead of JPEG images: several times the room, and nothing to decode."""
    overwrite: bool = False
    """Replace the file where it exists."""
    workers: Annotated[int | None, tyro.conf.arg(aliases=["-j"])] = None
    """Number of processes; by default one per core."""
    hf_token_file: Path | None = None
    """File with a token of the Hugging Face hub, for gated data sets; it is not stored."""


@dataclass(frozen=True)
class ReviewConfig:
    """Look at the suspicious samples and decide about them, in a browser."""

    run: tyro.conf.Positional[Path]
    """The run folder."""
    host: str = "127.0.0.1"
    """What to listen on; another than this machine's own address asks for a token."""
    port: int | None = None
    """The port; by default the first free one from 8471 on."""
    open: bool = True
    """--no-open does not open the page."""
    annotator: str | None = None
    """Who decides; by default the page asks."""
    pictures: bool = True
    """--no-pictures reviews where the images are not at hand."""
    data: str | None = None
    """Where the data lie, where they have moved since the training."""


@dataclass(frozen=True)
class DecisionsConfig:
    """List what people decided about a run's samples; write it to a file, or take it from one."""

    run: tyro.conf.Positional[Path]
    """The run folder."""
    history: bool = False
    """Everything that was ever decided or taken back, not only what counts now."""
    limit: int = 20
    """How many rows to print."""
    out: Path | None = None
    """Write all of them to this CSV file, for people: what a spreadsheet would run as a formula
    gets an apostrophe in front, which --import takes away."""
    import_: Annotated[Path | None, tyro.conf.arg(name="import")] = None
    """Take decisions from this file, all or none. CSV: index or id, action (keep, relabel, discard,
    skip), new_label_name (name or number), annotator. JSON: Label Studio's export, as JSON or
    JSON-MIN, of what export --to label-studio wrote."""
    annotator: str | None = None
    """Who decided, where --import does not say it (Label Studio says it, if only by a number)."""
    overwrite: bool = False
    """Replace --out where it exists; let --import count instead of what the same annotator decided
    otherwise."""


@dataclass(frozen=True)
class CleanConfig:
    """Decide which samples to train on, and with which labels: by the analysis, or by people."""

    run: tyro.conf.Positional[Path]
    """The run folder."""
    strategy: Literal["easy", "likely", "relabel", "reviewed"] = "easy"
    """easy: keep the easy samples; likely: also the others whose label is likelier right than
    wrong; relabel: the same, but where the suggested label is confident enough, with that label;
    reviewed: what people decided (see --undecided), without samples of which they want different
    things."""
    confidence: float = 0.9
    """How confident a suggested label must be to be taken."""
    undecided: Literal["keep", "likely", "relabel", "drop"] = "keep"
    """With 'reviewed', what becomes of hard and need-review samples that nobody decided about or
    that were skipped: keep them as given, do as likely or relabel would, or drop them. Easy ones
    are kept."""
    soft: bool = False
    """Give samples weights below 1: how likely their label is right."""
    allow_empty_class: bool = False
    """Let a class lose all of its samples, or all but one."""
    out: Path | None = None
    """Where to; by default cleaned.parquet in the run folder."""
    overwrite: bool = False
    """Replace a file that holds what people decided, or is not of this program; what clean made
    by itself is replaced without it."""


@dataclass(frozen=True)
class CompareConfig:
    """Put runs on one validation split side by side: accuracies, classes, what they trained on."""

    runs: tyro.conf.Positional[tuple[Path, ...]]
    """Two or more run folders."""
    out: Path | None = None
    """Write the figures to this file, .csv or .json."""
    figure: Path | None = None
    """Where to draw; by default figures/comparison.png in the first run folder."""
    overwrite: bool = False
    """Replace these files where they exist."""


@dataclass(frozen=True)
class DemoConfig:
    """Find swapped labels in scikit-learn's digits, and see what finding them is worth."""

    output_dir: str = "weights_CL"
    """Where run folders lie."""
    rand_fraction: float = 0.4
    """Share of the samples whose labels are swapped."""
    epochs: int = 20
    """Number of epochs of each training."""
    seed: int = 0
    """What everything random depends on."""


def main(arguments: Sequence[str] | None = None, program: str = "dataparams") -> int:
    """Run the command line.

    Args:
        arguments: The words after the program's name; None takes the process's own.
        program: The program's name, for its messages.

    Returns:
        The exit code: 0 done, 2 wrong use, 3 unusable data, 4 unusable run folder, 130 interrupted,
        143 terminated.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    return _ended(lambda: _dispatch(words, program), program)


def main_of_script(recipe: Recipe, arguments: Sequence[str] | None = None) -> int:
    """Run a published script: ``dataparams train`` by a recipe, with the script's own defaults.

    Args:
        recipe: What the script trains by.
        arguments: As of :func:`main`, as is what is returned.
    """
    words = ["--recipe", recipe, *(sys.argv[1:] if arguments is None else arguments)]
    return _ended(lambda: _train(words, "dataparams", is_script=True), "dataparams")


def _ended(action: Callable[[], int], program: str) -> int:
    """The exit code of a command, whose errors are told without a traceback."""
    try:
        return action()
    except UserError as error:
        sys.stderr.write(f"{program}: {error}\n")
        return error.exit_code
    except Stopped as stopped:
        sys.stderr.write(f"{program}: {stopped}\n")
        return stopped.exit_code
    except KeyboardInterrupt:
        sys.stderr.write(
            f"{program}: interrupted; train --resume goes on from the last checkpoint, and the "
            "same export where it was.\n"
        )
        return _INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone; the interpreter's last flush must not fail as well.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _NOBODY_READS


def _dispatch(words: list[str], program: str) -> int:
    if not words or words[0] in ("-h", "--help"):
        sys.stdout.write(_overview())
        return 0 if words else UserError.exit_code
    if words[0] == "--version":
        from importlib.metadata import version

        sys.stdout.write(f"dataparams {version('dataparams')}\n")
        return 0
    if words[0] not in COMMANDS:
        raise UserError(
            f"There is no command {words[0]!r}; expected one of {', '.join(COMMANDS)}. "
            "dataparams --help tells what they do."
        )
    return COMMANDS[words[0]](words[1:], program)


def _overview() -> str:
    return """\
usage: dataparams COMMAND [--help] [flags]

  demo      find swapped labels in images that come with the installation, in under a minute
  train     train once with data parameters; everything goes to a run folder
  cache     prepare a data set that does not fit into memory, for training faster
  rank      sort a run's samples, the highest temperatures first
  analyze   sort them into easy, hard and need review; score them; suggest labels
  figures   draw each class: representative samples, its map, trajectories
  report    write pages for people: what is wrong with the data, class by class
  review    decide about the suspicious samples, in a browser
  decisions list what people decided; export and import it
  clean     decide which samples to train on, and with which labels; train --from-clean follows
  compare   put runs side by side: what retraining was worth
  export    write samples, labels and analysis for another tool to read

dataparams COMMAND --help lists the flags. Exit codes: 0 done, 2 wrong use, 3 unusable data,
4 unusable run folder, 130 interrupted, 143 terminated.
"""


def _train(words: list[str], program: str, *, is_script: bool = False) -> int:
    config = _train_config(words, program, is_script=is_script)
    from dataparams.progress import progress_display
    from dataparams.training.engine import train
    from dataparams.training.processes import process_group_left

    with progress_display() as display, process_group_left():
        run = train(config, display=display)
        display.line(f"Next: dataparams analyze {run.path}")
        display.line(f"Curves: tensorboard --logdir {run.tensorboard}")
    return 0


def _train_config(words: list[str], program: str, *, is_script: bool) -> TrainConfig:
    from dataparams.training.config import RECIPES, TrainArguments, config_of, published

    recipe = _last_value(words, "--recipe")
    from_clean = _last_value(words, "--from-clean") or _last_value(words, "--from_clean")
    default = next((c for name, c in RECIPES.items() if name == (recipe or "quick")), None)
    if from_clean is not None:
        from dataparams.training.cleaned import config_from_clean

        default = config_from_clean(Path(from_clean), recipe)
    elif is_script and default is not None:
        default = published(default)
    if default is None:
        raise UserError(f"--recipe is {recipe!r}; expected one of {', '.join(RECIPES)}.")
    arguments = tyro.cli(
        TrainArguments,
        default=TrainArguments(**vars(default)),
        args=words,
        prog=f"{program} train",
        description="Train once with data parameters; everything goes to a run folder.",
    )
    given = {flag: _last_value(words, flag) for flag in ("--dataset", "--data")}
    return config_of(arguments, **{flag[2:]: value for flag, value in given.items()})


def _cache(words: list[str], program: str) -> int:
    config = tyro.cli(CacheConfig, args=words, prog=f"{program} cache")
    from dataparams.training.config import MOST_WORKERS

    for flag, value, most in (("size", config.size, 4096), ("quality", config.quality, 100)):
        if not 1 <= value <= most:
            raise UserError(f"--{flag} is {value}; expected a whole number, 1 ... {most}.")
    if config.workers is not None and not 1 <= config.workers <= MOST_WORKERS:
        raise UserError(
            f"--workers is {config.workers}; expected a whole number, 1 ... {MOST_WORKERS}."
        )
    from dataparams.batches import open_streamed
    from dataparams.progress import progress_display
    from dataparams.sources.cache import require_absent, write_cache
    from dataparams.sources.hub.token import token_file
    from dataparams.sources.understanding import understand

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
        display.line(
            f"Next: dataparams train {config.dataset}{_columns_given(config)} --loader stream "
            f"--cache {config.out}"
        )
    return 0


def _columns_given(config: CacheConfig) -> str:
    """The flags that choose columns, as they were given."""
    columns = {"--image-column": config.image_column, "--label-column": config.label_column}
    given = (f" {flag} {shlex.quote(name)}" for flag, name in columns.items() if name is not None)
    return "".join(given)


def _last_value(words: list[str], flag: str) -> str | None:
    """The value that a flag is given last, before the words are parsed for good."""
    value = None
    for position, word in enumerate(words):
        if word == flag and position + 1 < len(words):
            value = words[position + 1]
        elif word.startswith(f"{flag}="):
            value = word.partition("=")[2]
    return value


def _rank(words: list[str], program: str) -> int:
    config = tyro.cli(RankConfig, args=words, prog=f"{program} rank")
    if config.top is not None and config.threshold is not None:
        raise UserError("--top and --threshold are both given; expected one of them.")
    if config.top is not None and not 0 <= config.top <= 1:
        raise UserError(f"--top is {config.top}; expected a share, 0 ... 1.")
    if config.out is not None and config.out.exists() and not config.overwrite:
        raise RunError(f"{config.out} exists already. Choose another --out, or give --overwrite.")
    from dataparams.analysis import rank
    from dataparams.runs import RunFolder, write_whole
    from dataparams.spreadsheet_cells import formula_notice

    ranking = rank(
        RunFolder(config.run),
        epoch=config.epoch,
        top=config.top,
        estimate_threshold=config.threshold is not None,
    )
    sys.stdout.write(_ranking_text(ranking))
    selected = ranking.table.filter(ranking.table["is_selected"]).drop("is_selected")
    if config.out is not None:
        write_whole(config.out, selected.write_csv().encode())
        sys.stdout.write(f"Wrote {len(selected)} samples to {config.out}.\n")
        names = (*selected["id"], *selected["label_name"])
        for notice in formula_notice(names, str(config.out)):
            sys.stdout.write(f"{notice}\n")
    else:
        sys.stdout.write("Nothing is written; --out ranked.csv writes the list.\n")
    return 0


def _ranking_text(ranking: Ranking) -> str:
    from dataparams.analysis.summary_text import noise_words

    why = ", where validation accuracy peaked" if ranking.is_best_epoch else ""
    count = int(ranking.table["is_selected"].sum())
    lines = [*ranking.warnings, f"After epoch {ranking.epoch}{why}. The highest temperatures:"]
    rows = [
        [str(row["index"]), row["id"], f"{row['value']:.3f}", row["label_name"]]
        for row in ranking.table[:_SHOWN].iter_rows(named=True)
    ]
    lines.append(text_table(["index", "id", "value", "label"], rows))
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
    return "\n".join(lines) + "\n"


def _analyze(words: list[str], program: str) -> int:
    config = tyro.cli(AnalyzeConfig, args=words, prog=f"{program} analyze")
    if config.top < 0:
        raise UserError(f"--top is {config.top}; expected a whole number, 0 or above.")
    budget = None if config.review_budget is None else _share(config.review_budget)
    from dataparams.analysis import analyze, write_analysis
    from dataparams.analysis.summary_text import classes_csv, summary_text
    from dataparams.progress import progress_display
    from dataparams.runs import RunFolder, write_whole
    from dataparams.sources.hub.token import token_file

    with token_file(config.hf_token_file), progress_display("analyzing") as display:
        run = RunFolder(config.run)
        analysis = analyze(
            run,
            review_budget=budget,
            use_model=config.model,
            data=config.data,
            on_progress=lambda done, total: display.step(done, total, _LOOKING),
            on_notice=display.line,
        )
        write_analysis(run, analysis)
        if len(analysis.classes) > MOST_CLASSES:
            write_whole(run.analysis_classes, classes_csv(analysis.classes))
        display.line(summary_text(analysis, config.top, run.analysis_classes))
        display.line(f"Wrote {config.run / 'analysis.parquet'}, a row per sample.")
        display.line(f"Next: dataparams report {config.run}")
    return 0


def _figures(words: list[str], program: str) -> int:
    config = tyro.cli(FiguresConfig, args=words, prog=f"{program} figures")
    from dataparams.figures import write_figures
    from dataparams.progress import progress_display
    from dataparams.runs import RunFolder, newest_run
    from dataparams.sources.hub.token import token_file

    given = config.run or config.analysis_dir
    if given is None and any(Path(name, "run.json").is_file() for name in config.class_):
        raise UserError("A run folder stands among the names of --class; put it in front of it.")
    run = newest_run(Path("weights_CL")) if given is None else RunFolder(given)
    with token_file(config.hf_token_file), progress_display("drawing") as display:
        analysis = _current(run, display, data=config.data, pictures=config.pictures)
        labels = [analysis.label_of(name) for name in config.class_] or None
        with _pictures_expected():
            files = write_figures(
                analysis,
                config.out or run.figures,
                labels=labels,
                kinds=config.kind,
                on_progress=lambda done, total: display.step(done, total, ""),
            )
        for file in files[:_SHOWN]:
            display.line(str(file))
        if len(files) > _SHOWN:
            display.line(f"... and {len(files) - _SHOWN} more in {files[0].parent}")
    return 0


def _report(words: list[str], program: str) -> int:
    config = tyro.cli(ReportConfig, args=words, prog=f"{program} report")
    if config.pile_limit < 1:
        raise UserError(f"--pile-limit is {config.pile_limit}; expected a number, 1 or above.")
    from dataparams.figures import embed
    from dataparams.progress import progress_display
    from dataparams.report import write_report
    from dataparams.runs import RunFolder
    from dataparams.sources.hub.token import token_file

    run = RunFolder(config.run)
    with token_file(config.hf_token_file), progress_display("writing the report") as display:
        analysis = _current(run, display, data=config.data, pictures=config.pictures)
        with _pictures_expected():
            index = write_report(
                analysis,
                run.report,
                embed=embed,
                on_progress=lambda done, total: display.step(done, total, ""),
                pile_limit=config.pile_limit,
            )
        display.line(f"Open {index} in a browser.")
    return 0


def _export(words: list[str], program: str) -> int:
    from dataparams.export import ExportConfig

    config = tyro.cli(ExportConfig, args=words, prog=f"{program} export")
    from dataparams.export import export
    from dataparams.progress import progress_display
    from dataparams.sources.hub.token import token_file

    with token_file(config.hf_token_file), progress_display("exporting") as display:
        last_word = export(
            config,
            on_progress=lambda done, total: display.step(done, total, ""),
            on_notice=display.line,
        )
        display.line(last_word)
    return 0


def _review(words: list[str], program: str) -> int:
    config = tyro.cli(ReviewConfig, args=words, prog=f"{program} review")
    if config.port is not None and not 0 <= config.port <= _LAST_PORT:
        raise UserError(f"--port is {config.port}; expected a number, 0 ... {_LAST_PORT}.")
    if config.annotator is not None and not 0 < len(config.annotator.strip()) <= _LONGEST_NAME:
        raise UserError(
            f"--annotator is {config.annotator!r}; expected a name of at most {_LONGEST_NAME} "
            "letters."
        )
    from dataparams.review import serve
    from dataparams.review.preparing import is_large, prepare
    from dataparams.runs import RunFolder

    run = RunFolder(config.run)
    if is_large(run):
        status = prepare(run, data=config.data)
        if status:
            return status
    review = _opened_review(run, config)
    serve(
        review,
        host=config.host,
        port=config.port,
        opens_page=config.open,
        on_line=lambda line: print(line, flush=True),
    )
    sys.stdout.write(f"Stopped. The decisions are in {run.review}.\n")
    return 0


def _opened_review(run: RunFolder, config: ReviewConfig) -> RunInReview:
    """What the server answers from; the analysis itself is not kept in memory."""
    from dataparams.progress import progress_display
    from dataparams.review.preparing import load_prepared, prepared_of
    from dataparams.review.run_in_review import open_review

    prepared = load_prepared(run, data=config.data)
    with progress_display("analyzing") as display:
        if prepared is None:
            analysis = _current(run, display, data=config.data, pictures=config.pictures)
            prepared = prepared_of(analysis)
        elif config.pictures:
            _check(prepared.contents, prepared.facts.ids, display)
    if not config.pictures:
        prepared = replace(prepared, contents=None)
    return open_review(run, prepared, config.annotator and config.annotator.strip())


def _decisions(words: list[str], program: str) -> int:
    config = tyro.cli(DecisionsConfig, args=words, prog=f"{program} decisions")
    if config.limit < 0:
        raise UserError(f"--limit is {config.limit}; expected a whole number, 0 or above.")
    if config.annotator is not None and config.import_ is None:
        raise UserError("--annotator is given without --import; expected a file to take.")
    if config.out is not None and config.out.exists() and not config.overwrite:
        raise RunError(f"{config.out} exists already. Choose another --out, or give --overwrite.")
    from dataparams import decision_tables as tables
    from dataparams.decision_import import import_decisions
    from dataparams.runs import RunFolder, write_whole

    run = RunFolder(config.run)
    if config.import_ is not None:
        done = import_decisions(
            run, config.import_, annotator=config.annotator, overwrite=config.overwrite
        )
        sys.stdout.write(
            f"Imported {done.added} decisions; {done.unchanged} were there already, "
            f"{done.same_label} relabel a sample as what it is and count as keep.\n"
        )
        if done.replaced:
            sys.stdout.write(
                f"{done.replaced} annotations do not count: the same annotator decided again "
                "later.\n"
            )
        sys.stdout.write("\n")
    run.description()
    text = tables.decisions_text(run, config.limit, history=config.history)
    if config.out is not None:
        table = tables.decisions_table(run, history=config.history)
        write_whole(config.out, tables.csv_of(table))
        text += f"Wrote {len(table)} rows to {config.out}.\n"
    sys.stdout.write(text)
    return 0


def _clean(words: list[str], program: str) -> int:
    config = tyro.cli(CleanConfig, args=words, prog=f"{program} clean")
    from dataparams.cleaning import CleanSettings, clean_run, require_replaceable, summary_text
    from dataparams.progress import progress_display
    from dataparams.runs import RunFolder

    settings = CleanSettings(
        strategy=config.strategy,
        confidence=config.confidence,
        undecided=config.undecided,
        soft=config.soft,
        allow_empty_class=config.allow_empty_class,
    )
    run = RunFolder(config.run)
    # Before the analysis: what is in the way is told at once.
    require_replaceable(run, config.out, overwrite=config.overwrite)
    with progress_display("analyzing") as display:
        analysis = _current(run, display, pictures=False)
        for warning in analysis.warnings:
            display.line(warning)
        if run.review.exists() and config.strategy != "reviewed":
            display.line("What people decided is not used; --strategy reviewed applies it.")
        table = clean_run(run, analysis.frame, settings, out=config.out, overwrite=config.overwrite)
        file = config.out or run.cleaned
        display.line(summary_text(table, run.class_names(), settings, file))
        display.line(f"Wrote {file}.")
        display.line(f"Next: dataparams train --from-clean {file}")
    return 0


def _compare(words: list[str], program: str) -> int:
    config = tyro.cli(CompareConfig, args=words, prog=f"{program} compare")
    if config.out is not None and config.out.suffix not in (".csv", ".json"):
        raise UserError(f"--out is {config.out}; expected a file named .csv or .json.")
    _require_absent(config.out, config.figure, overwrite=config.overwrite)
    from dataparams import comparison as comparing
    from dataparams.figures.comparison import draw_comparison
    from dataparams.runs import RunFolder, write_whole

    runs = [RunFolder(path) for path in config.runs]
    comparison = comparing.compare(runs)
    figure = config.figure or runs[0].figures / "comparison.png"
    classes = config.out or figure.with_name(f"{figure.stem}_classes.csv")
    written = {figure: draw_comparison(comparison).png(150)}
    if config.out is not None:
        is_table = config.out.suffix == ".csv"
        contents = comparing.comparison_csv if is_table else comparing.comparison_json
        written[config.out] = contents(comparison)
    elif len(comparison.classes) > MOST_CLASSES:
        if config.figure is not None:
            _require_absent(classes, overwrite=config.overwrite)
        written[classes] = comparing.classes_csv(comparison)
    for file, contents_of_file in written.items():
        write_whole(file, contents_of_file)
    sys.stdout.write(comparing.comparison_text(comparison, classes))
    sys.stdout.write("".join(f"Wrote {file}.\n" for file in written))
    return 0


def _require_absent(*files: Path | None, overwrite: bool) -> None:
    for file in files:
        if file is not None and file.exists() and not overwrite:
            raise RunError(f"{file} exists already. Choose another, or give --overwrite.")


def _current(
    run: RunFolder, display: ProgressDisplay, *, pictures: bool, data: str | None = None
) -> Analysis:
    """The analysis that was written, or a new one where there is none or training went on."""
    from dataparams.analysis import current_analysis

    analysis = current_analysis(
        run,
        data=data,
        on_progress=lambda done, total: display.step(done, total, _LOOKING),
        on_notice=display.line,
    )
    if not pictures:
        return replace(analysis, contents=None)
    ranked = analysis.frame.select("id", "suspicion").sort("suspicion", descending=True)["id"]
    _check(analysis.contents, ranked, display)
    return analysis


def _check(contents: object, ids: pl.Series, display: ProgressDisplay) -> None:
    """Hold the data against the run before they are used; the most suspicious samples first."""
    from dataparams.run_source import ContentsOfRun

    if isinstance(contents, ContentsOfRun):
        with _pictures_expected():
            for notice in contents.check(ids):
                display.line(notice)


@contextmanager
def _pictures_expected() -> Iterator[None]:
    """Say how to do without pictures where the data source is gone."""
    try:
        yield
    except ChangedDataError as error:
        raise ChangedDataError(f"{error} Or give --no-pictures.") from error
    except DataError as error:
        raise DataError(f"{error} Or give --no-pictures.") from error


def _share(words: str) -> float:
    """A share such as 5% or 0.05."""
    try:
        share = float(words.rstrip("%")) / (100 if words.endswith("%") else 1)
    except ValueError:
        share = math.nan
    if not 0 <= share <= 1:
        raise UserError(f"--review-budget is {words}; expected a share such as 5% or 0.05.")
    return share


def _demo(words: list[str], program: str) -> int:
    config = tyro.cli(DemoConfig, args=words, prog=f"{program} demo")
    from dataparams.demo import run_demo
    from dataparams.progress import progress_display

    with progress_display("demo") as display:
        run_demo(
            output_dir=config.output_dir,
            rand_fraction=config.rand_fraction,
            epochs=config.epochs,
            seed=config.seed,
            display=display,
        )
    return 0


COMMANDS: dict[str, Callable[[list[str], str], int]] = {
    "train": _train,
    "cache": _cache,
    "rank": _rank,
    "analyze": _analyze,
    "figures": _figures,
    "report": _report,
    "export": _export,
    "review": _review,
    "decisions": _decisions,
    "clean": _clean,
    "compare": _compare,
    "demo": _demo,
}
"""What each command does with the words after it, and with the program's name for its messages."""


if __name__ == "__main__":
    sys.exit(main())
