"""Findings beside wrong labels, and the file in a run folder that they are kept in."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import polars as pl

from dataparams.errors import RunError
from dataparams.health.sentences import parts_text, restored_sentence
from dataparams.run.safe_files import parquet_bytes, write_whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from dataparams.run.folder import RunFolder

LABEL_CONFLICTS = "duplicates_with_different_labels"
"""The kind whose samples are one thing, under labels of which one at most is right."""
KINDS: dict[str, str] = {
    LABEL_CONFLICTS: "duplicates with different labels",
    "leakage": "the same in two splits",
    "exact_duplicates": "exact duplicates",
    "near_duplicates": "near duplicates",
    "damaged": "damaged",
    "dark": "dark",
    "bright": "bright",
    "blurry": "blurry",
    "low_information": "low in information",
    "nearly_constant": "nearly constant",
    "odd_shape": "odd in shape",
    "odd_size": "odd in size",
    "other_script": "in another script",
    "markup": "with markup",
    "odd_value": "values far outside their column",
    "outlier": "outliers of the data set",
    "class_outlier": "outliers of their class",
    "overlapping_classes": "classes that overlap",
    "class_like_two": "classes that look like two",
    "small_class": "classes too small to judge",
}
"""Every kind of finding, in the order in which they are shown, and its words for people."""

SCHEMA: dict[str, pl.DataType] = {
    "kind": pl.String(),
    "samples": pl.List(pl.Int64()),
    "classes": pl.List(pl.Int64()),
    "strength": pl.Float64(),
    "sentence": pl.String(),
    "parts": pl.String(),
}
"""The columns of findings; see :class:`HealthFindings`."""
_NO_PARTS = parts_text("")


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        kind: One of ``KINDS``.
        samples: Their indices in the source, the one to look at first in front.
        strength: How sure it is, 0 ... 1.
        sentence: What is wrong, in words for people, without names of files. A
            :class:`~dataparams.health.sentences.Sentence` can be said in other languages too.
        classes: Numbers of the classes that it is about.
    """

    kind: str
    samples: Sequence[int]
    strength: float
    sentence: str
    classes: Sequence[int] = ()


@dataclass(frozen=True, eq=False)
class HealthFindings:
    """All that was found beside wrong labels.

    Attributes:
        table: A row per finding, sorted by kind in the order of ``KINDS``, the surest first:
            ``kind``, ``samples`` (indices in the source, the one to look at first in front),
            ``classes`` (their numbers, often none), ``strength`` (0 ... 1, 1 is surest),
            ``sentence`` (ready to show; it names no file), ``parts`` (what that is made of, for
            other languages; see :func:`dataparams.health.sentences.parts_text`).
        checked: The kinds that were looked for, in the order of ``KINDS``.
        not_checked: Why others were not, by kind.
        made_of: What they were made of, in words that are another for another thing: see
            :func:`dataparams.health.staleness.made_of`; nothing where that is not known.
    """

    table: pl.DataFrame
    checked: tuple[str, ...]
    not_checked: Mapping[str, str] = field(default_factory=dict)
    made_of: Mapping[str, str] = field(default_factory=dict)

    def counts(self) -> dict[str, int]:
        """The number of findings of each kind that was looked for."""
        found = dict(self.table.group_by("kind").len().iter_rows())
        return {kind: found.get(kind, 0) for kind in self.checked}


def findings_table(findings: Iterable[Finding] = ()) -> pl.DataFrame:
    """A table of findings, as :class:`HealthFindings` has it.

    Example:
        >>> findings_table([Finding("damaged", [7], 1.0, "It cannot be read.")]).row(0)
        ('damaged', [7], [], 1.0, 'It cannot be read.', '[]')
    """
    rows = [
        (
            one.kind,
            list(one.samples),
            list(one.classes),
            one.strength,
            str(one.sentence),
            parts_text(one.sentence),
        )
        for one in findings
    ]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def joined_findings(
    tables: Iterable[pl.DataFrame], checked: Iterable[str], not_checked: Mapping[str, str]
) -> HealthFindings:
    """Findings of several checks as one.

    Args:
        tables: Of the columns in ``SCHEMA``.
        checked: The kinds that were looked for.
        not_checked: Why others were not; a kind that was looked for after all is left out.

    Example:
        >>> dark = findings_table([Finding("dark", [2], 0.6, "Dark.")])
        >>> found = joined_findings([dark], ["dark"], {"leakage": "There is one split."})
        >>> found.counts(), found.not_checked
        ({'dark': 1}, {'leakage': 'There is one split.'})
    """
    order = {kind: place for place, kind in enumerate(KINDS)}
    table = pl.concat([findings_table(), *(table.select(*SCHEMA) for table in tables)])
    place = pl.col("kind").replace_strict(order, default=len(order))
    table = table.sort(place, -pl.col("strength"), pl.col("samples").list.first())
    looked_for = set(checked)
    return HealthFindings(
        table,
        tuple(kind for kind in KINDS if kind in looked_for),
        {
            kind: not_checked[kind]
            for kind in KINDS
            if kind in not_checked and kind not in looked_for
        },
    )


def write_findings(run: RunFolder, findings: HealthFindings) -> None:
    """Write ``health.parquet`` of a run folder.

    Raises:
        RunError: If it cannot be written.
    """
    write_whole(run.health_file, findings_bytes(findings))


def findings_bytes(findings: HealthFindings) -> bytes:
    """The bytes of a file of findings: the table, and as metadata what was looked for."""
    made = {
        "checked": list(findings.checked),
        "not_checked": dict(findings.not_checked),
        "made_of": dict(findings.made_of),
        "not_checked_parts": {kind: parts_text(why) for kind, why in findings.not_checked.items()},
    }
    return parquet_bytes(findings.table, made)


def read_findings(run: RunFolder) -> HealthFindings | None:
    """What was found in a run folder's data beside wrong labels; None where nobody has looked.

    Raises:
        RunError: If ``health.parquet`` is damaged.

    Example:
        >>> import tempfile
        >>> from dataparams.run.folder import RunFolder
        >>> run = RunFolder(tempfile.mkdtemp())
        >>> read_findings(run) is None
        True
        >>> write_findings(run, HealthFindings(findings_table(), ("damaged",)))
        >>> read_findings(run).counts()
        {'damaged': 0}
    """
    return read_findings_file(run.health_file) if run.health_file.is_file() else None


def read_findings_file(file: Path) -> HealthFindings:
    """The findings in a file.

    Raises:
        RunError: If it is damaged.
    """
    try:
        table = pl.read_parquet(file)
        made = json.loads(pl.read_parquet_metadata(file)["dataparams"])
        checked, not_checked = list(map(str, made["checked"])), dict(made["not_checked"])
        made_of = dict(made.get("made_of", {}))
        parts = dict(made.get("not_checked_parts", {}))
    except (OSError, pl.exceptions.PolarsError, KeyError, TypeError, ValueError) as error:
        raise RunError(
            f"{file} cannot be read; it is damaged ({error}). dataparams health writes it again."
        ) from error
    if "parts" not in table.columns:  # of a version that told findings in English alone
        table = table.with_columns(parts=pl.lit(_NO_PARTS))
    if reason := _damage(table):
        raise RunError(f"{file} is damaged: {reason}. dataparams health writes it again.")
    # A later version may know kinds that this one has no words for.
    known = table.filter(pl.col("kind").is_in(list(KINDS))).select(*SCHEMA)
    return HealthFindings(
        known,
        tuple(kind for kind in KINDS if kind in checked),
        {
            kind: restored_sentence(str(why), parts.get(kind))
            for kind, why in not_checked.items()
            if kind in KINDS
        },
        {name: str(what) for name, what in made_of.items()},
    )


def _damage(table: pl.DataFrame) -> str | None:
    """What is wrong with a table of findings; None where nothing is."""
    for name, kind in SCHEMA.items():
        if table.schema.get(name) != kind:
            return f"its column {name} is not of the kind {kind}"
        if table[name].null_count():
            return f"its column {name} has gaps"
    samples, classes = table["samples"].explode(), table["classes"].explode()
    for numbers in (samples, classes):
        lowest = numbers.min()
        if isinstance(lowest, int) and lowest < 0:
            return f"its column {numbers.name} has {lowest}"
    if not table["strength"].is_between(0, 1).all():
        return "its column strength is not within 0 ... 1"
    return None
