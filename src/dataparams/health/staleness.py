"""What findings were made of, and which of them are stale since that changed."""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING

import polars as pl

from dataparams.health.findings import joined_findings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from dataparams.analysis.result import Analysis
    from dataparams.health.findings import HealthFindings
    from dataparams.run.folder import RunFolder

CHECKS = "2"
"""The version of the checks; another one where they find something else in the same data."""
ANALYSIS = "analysis"
"""What the findings about classes and outliers alone are made of."""
_GAP, _BETWEEN = "\x00", "\x01"


def made_of(run: RunFolder, analysis: Analysis | None) -> dict[str, str]:
    """What the findings of a run are made of: a word each, another one for another thing.

    Args:
        run: The run folder.
        analysis: What is said of its samples; None where that is not known.

    Returns:
        ``checks`` (their version), ``data`` (ids, labels, splits and contents), ``features`` (what
        made them) and, where it is known, ``analysis``.

    Raises:
        RunError: If the run folder is damaged.
    """
    samples, contents = run.samples(), run.contents()
    encoder = run.description().get("audit", {}).get("encoder")
    found = {
        "checks": CHECKS,
        "data": digest_of_table(samples) + digest_of_table(contents),
        "features": sha256(json.dumps(encoder, sort_keys=True).encode()).hexdigest(),
    }
    return found if analysis is None else found | {ANALYSIS: digest_of_table(analysis.frame)}


def digest_of_table(table: pl.DataFrame) -> str:
    """A digest of a table's columns and rows, in hex; none of its columns is of lists.

    Example:
        >>> one, other = pl.DataFrame({"a": [1, 2]}), pl.DataFrame({"a": [1, 3]})
        >>> [digest_of_table(one) == digest_of_table(table) for table in (one.clone(), other)]
        [True, False]
    """
    digest = sha256()
    for name in sorted(table.columns):
        # Words are the same in every version of Polars; what lies under a gap is not.
        words = table[name].cast(pl.String).fill_null(_GAP).str.join(_BETWEEN)
        digest.update(f"{name}{_BETWEEN}{words.item() if len(words) else ''}{_BETWEEN}".encode())
    return digest.hexdigest()


def changed_since(kept: HealthFindings, now: Mapping[str, str]) -> set[str]:
    """Which of the things that findings are made of are others now.

    Of findings of which it is not known, the analysis alone counts as changed: the data of a run
    stay.

    Args:
        kept: The findings.
        now: As of :func:`made_of`.

    Example:
        >>> from dataparams.health.findings import HealthFindings, findings_table
        >>> kept = HealthFindings(findings_table(), (), {}, {"data": "a", "analysis": "b"})
        >>> changed_since(kept, {"data": "a", "analysis": "c"})
        {'analysis'}
    """
    if not kept.made_of:
        return {ANALYSIS} & set(now)
    return {name for name, what in now.items() if kept.made_of.get(name) != what}


def renewed_findings(
    kept: HealthFindings, found: HealthFindings, now: Mapping[str, str]
) -> HealthFindings:
    """Findings of which some kinds were looked for once more, and the others stay.

    Args:
        kept: What was found before.
        found: What was found now; kinds that could not be looked for now stay as they were.
        now: As of :func:`made_of`.
    """
    stays = ~pl.col("kind").is_in(list(found.checked))
    joined = joined_findings(
        [kept.table.filter(stays), found.table],
        [*kept.checked, *found.checked],
        {**kept.not_checked, **found.not_checked},
    )
    return replace(joined, made_of=dict(now))
