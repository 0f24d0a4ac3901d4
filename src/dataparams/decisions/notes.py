"""Notes and tags that annotators leave on samples, kept beside the decisions."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dataparams.decisions.database import is_storable, now
from dataparams.errors import ArgumentError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dataparams.decisions.database import DecisionDatabase

LONGEST_NOTE = 2_000
"""Letters of a note at most."""
LONGEST_TAG, MOST_TAGS = 40, 10
"""Letters of a tag at most, and tags that an annotator may leave on a sample."""


@dataclass(frozen=True)
class Note:
    """What an annotator leaves on a sample; the last one counts.

    Attributes:
        index: The sample's position in the data source.
        annotator: Who wrote it.
        text: Free words; empty for none.
        tags: Short words to find samples by.
        made_at: When, UTC, ISO 8601.
    """

    index: int
    annotator: str
    text: str
    tags: tuple[str, ...]
    made_at: str


def write_note(
    database: DecisionDatabase,
    request: str,
    annotator: str,
    index: int,
    text: str,
    tags: Sequence[str] = (),
) -> bool:
    """Write a note, in place of the annotator's earlier one on the sample, which is kept as well.

    Args:
        database: The decisions.
        request: A unique name that the sender chooses, so that it can be sent twice.
        annotator: Who writes.
        index: The sample's position in the data source.
        text: The words; with no tags either, the note is taken away.
        tags: Each once; spaces around one do not count.

    Returns:
        Whether it was written; False for a request that was written before.

    Raises:
        ArgumentError: If it is too long, or no text that can be kept.
        RunError: If it cannot be written.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from dataparams.decisions.database import DecisionDatabase
        >>> database = DecisionDatabase(Path(tempfile.mkdtemp()) / "review.sqlite")
        >>> write_note(database, "r-1", "ann", 7, "two dogs", ["several", "blurry"])
        True
        >>> [(note.index, note.tags) for note in notes_in(database)]
        [(7, ('several', 'blurry'))]
    """
    kept = tuple(dict.fromkeys(tag.strip() for tag in tags if tag.strip()))
    if len(text) > LONGEST_NOTE or not is_storable(text):
        raise ArgumentError(
            f"`text` has {len(text):,} letters; expected text of at most {LONGEST_NOTE:,}."
        )
    if len(kept) > MOST_TAGS or any(len(one) > LONGEST_TAG or not is_storable(one) for one in kept):
        raise ArgumentError(
            f"`tags` has {len(kept)}; expected at most {MOST_TAGS}, of {LONGEST_TAG} letters each."
        )
    if not annotator.strip() or not is_storable(annotator):
        raise ArgumentError(f"`annotator` is {annotator!r}; expected a name.")
    with database.transaction() as connection:
        added = connection.execute(
            "INSERT INTO note (request, sample, annotator, text, tags, made_at) "
            "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (request) DO NOTHING",
            (request, index, annotator, text.strip(), json.dumps(kept), now()),
        )
        return added.rowcount > 0


def notes_in(database: DecisionDatabase, *, after: int = 0) -> list[Note]:
    """The notes that count, by sample and annotator; empty ones are taken away.

    Args:
        database: The decisions.
        after: Only samples with a note of a later number, and of those the empty ones too.

    Raises:
        RunError: If the file cannot be read.
    """
    rows = database.rows(
        "SELECT sample, annotator, text, tags, made_at FROM note WHERE number IN "
        "(SELECT max(number) FROM note GROUP BY sample, annotator) AND number > ? "
        "ORDER BY sample, annotator",
        (after,),
    )
    found = [Note(row[0], row[1], row[2], _tags(row[3]), row[4]) for row in rows]
    return [one for one in found if after or one.text or one.tags]


def last_note(database: DecisionDatabase) -> int:
    """The number of the last note, 0 where there is none."""
    return int(database.rows("SELECT max(number) FROM note")[0][0] or 0)


def noted_after(database: DecisionDatabase, number: int, most: int) -> list[int]:
    """The samples with notes of a later number, the last one first, so many at most.

    Args:
        database: The decisions.
        number: The number of a note; see :func:`last_note`.
        most: How many samples at most.
    """
    rows = database.rows(
        "SELECT sample FROM note WHERE number > ? GROUP BY sample ORDER BY max(number) DESC "
        "LIMIT ?",
        (number, most),
    )
    return [row[0] for row in rows]


def _tags(text: str) -> tuple[str, ...]:
    """The tags of a row; a file is not trusted."""
    try:
        kept = json.loads(text)
    except ValueError:
        return ()
    return tuple(one for one in kept if isinstance(one, str)) if isinstance(kept, list) else ()
