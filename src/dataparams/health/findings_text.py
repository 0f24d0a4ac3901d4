"""Findings in words, for the terminal and for spreadsheets."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from dataparams.health.findings import KINDS
from dataparams.run.spreadsheet_cells import guarded
from dataparams.terminal.words import counted, printable, text_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dataparams.health.findings import HealthFindings

_MOST_NAMES = 3
_MOST_KINDS = 4


def findings_text(findings: HealthFindings, names: Mapping[int, str], worst: int = 10) -> str:
    """How much was found of each kind, the worst of it, and what was not looked for.

    Args:
        findings: What was found.
        names: Id of each sample, by its row in the source.
        worst: How many findings to list.

    Example:
        >>> from dataparams.health.findings import Finding, HealthFindings, findings_table
        >>> table = findings_table([Finding("damaged", [7], 1.0, "It is empty.")])
        >>> print(findings_text(HealthFindings(table, ("damaged",)), {7: "cat/7.jpg"}))
        Beside the labels:
          kind     findings  samples
          damaged  1         1
        <BLANKLINE>
        The worst of it:
          kind     samples    what
          damaged  cat/7.jpg  It is empty.
    """
    parts = [_kinds(findings), _worst(findings, names, worst), not_checked_words(findings)]
    return "\n\n".join(part for part in parts if part)


def findings_line(findings: HealthFindings) -> str:
    """What was found, in a sentence or two.

    Example:
        >>> from dataparams.health.findings import Finding, HealthFindings, findings_table
        >>> table = findings_table([Finding("damaged", [7], 1.0, "It is empty.")])
        >>> findings_line(HealthFindings(table, ("damaged", "leakage")))
        'Beside the labels: 1 x damaged.'
        >>> findings_line(HealthFindings(findings_table(), ("damaged", "leakage")))
        'Beside the labels nothing was found (damaged, the same in two splits).'
    """
    found = {kind: count for kind, count in findings.counts().items() if count}
    if not findings.checked:
        return "Beside the labels nothing could be looked for."
    if not found:
        named = [KINDS[kind] for kind in findings.checked]
        more = f" and {len(named) - _MOST_KINDS} more" if len(named) > _MOST_KINDS else ""
        return f"Beside the labels nothing was found ({', '.join(named[:_MOST_KINDS])}{more})."
    return (
        "Beside the labels: "
        f"{', '.join(f'{count:,} x {KINDS[kind]}' for kind, count in found.items())}."
    )


def not_checked_words(findings: HealthFindings) -> str:
    """What was not looked for, and why; empty where all was.

    Example:
        >>> from dataparams.health.findings import HealthFindings, findings_table
        >>> nothing = findings_table()
        >>> why = {"leakage": "all samples are of one split"}
        >>> not_checked_words(HealthFindings(nothing, (), why))
        'Not looked for: the same in two splits (all samples are of one split).'
    """
    kinds: dict[str, list[str]] = {}
    for kind, why in findings.not_checked.items():
        kinds.setdefault(why.rstrip("."), []).append(KINDS[kind])
    if not kinds:
        return ""
    told = [f"{', '.join(named)} ({printable(why)})" for why, named in kinds.items()]
    return f"Not looked for: {'; '.join(told)}."


def findings_csv(
    findings: HealthFindings,
    names: Mapping[int, str],
    labels: Mapping[int, str],
) -> bytes:
    """A CSV file of findings for people: a row per sample of each.

    Args:
        findings: What was found.
        names: Id of each sample, by its row in the source.
        labels: Name of the label of each, likewise; of a damaged one there may be none.

    Returns:
        ``finding`` (a number), ``kind``, ``strength``, ``index``, ``id``, ``label``, ``what``;
        texts that a spreadsheet would run as a formula are guarded.
    """
    table = findings.table.with_row_index("finding", offset=1).explode("samples")
    index = table["samples"].to_list()
    whole = table.select(
        "finding",
        "kind",
        "strength",
        pl.col("samples").alias("index"),
        pl.Series("id", [guarded(names.get(row, "")) for row in index], dtype=pl.String),
        pl.Series("label", [guarded(labels.get(row, "")) for row in index], dtype=pl.String),
        pl.Series("what", list(map(guarded, table["sentence"])), dtype=pl.String),
    )
    return whole.write_csv().encode()


def _kinds(findings: HealthFindings) -> str:
    counts = findings.counts()
    if not any(counts.values()):
        return findings_line(findings)
    samples = dict(
        findings.table.group_by("kind").agg(pl.col("samples").explode().n_unique()).iter_rows()
    )
    rows = [
        [KINDS[kind], f"{count:,}", f"{samples.get(kind, 0):,}"] for kind, count in counts.items()
    ]
    shown = [row for row in rows if row[1] != "0"]
    nothing = [row[0] for row in rows if row[1] == "0"]
    told = f"\nNothing found: {', '.join(nothing)}." if nothing else ""
    header = ["kind", "findings", "samples"]
    return f"Beside the labels:\n{text_table(header, shown)}{told}"


def _worst(findings: HealthFindings, names: Mapping[int, str], most: int) -> str:
    if not most or not len(findings.table):
        return ""
    rows = [
        [KINDS[row["kind"]], _named(row["samples"], names), row["sentence"]]
        for row in _spread(findings.table, most).iter_rows(named=True)
    ]
    header = ["kind", "samples", "what"]
    left = len(findings.table) - len(rows)
    more = f"\n  ... and {counted(left, 'finding')} more" if left else ""
    return f"The worst of it:\n{text_table(header, rows)}{more}"


def _spread(table: pl.DataFrame, most: int) -> pl.DataFrame:
    """A few of each kind before many of one; the order stays."""
    kinds = max(table["kind"].n_unique(), 1)
    place = pl.int_range(pl.len()).over("kind")
    first = table.with_row_index("row").sort(place >= max(1, most // kinds), "row").head(most)
    return first.sort("row").drop("row")


def _named(samples: Sequence[int], names: Mapping[int, str]) -> str:
    shown = [printable(names.get(row, f"sample {row}")) for row in samples[:_MOST_NAMES]]
    more = f" and {len(samples) - _MOST_NAMES} more" if len(samples) > _MOST_NAMES else ""
    return ", ".join(shown) + more
