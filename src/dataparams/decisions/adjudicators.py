"""Who settles what annotators dispute: names that are kept beside the decisions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataparams.decisions.database import is_storable, now
from dataparams.errors import ArgumentError

if TYPE_CHECKING:
    from dataparams.decisions.database import DecisionDatabase

_NEWEST = """
SELECT name FROM adjudicator AS one WHERE is_one
AND number = (SELECT max(number) FROM adjudicator WHERE name = one.name) ORDER BY name
"""


def adjudicators_in(database: DecisionDatabase) -> tuple[str, ...]:
    """The names of the adjudicators, in order.

    Raises:
        RunError: If the file cannot be read.
    """
    return tuple(name for (name,) in database.rows(_NEWEST))


def set_adjudicator(database: DecisionDatabase, name: str, *, is_one: bool = True) -> None:
    """Make somebody an adjudicator, whose decision counts where others disagree, or no longer one.

    An adjudicator sees the decisions of all others before deciding.

    Args:
        database: The decisions.
        name: The annotator's name.
        is_one: Whether to be one from now on.

    Raises:
        ArgumentError: If the name is empty, or no text that can be kept.
        RunError: If it cannot be written.
    """
    if not name.strip() or not is_storable(name):
        raise ArgumentError(f"`name` is {name!r}; expected the name of an annotator.")
    if (name.strip() in adjudicators_in(database)) == is_one:
        return
    with database.transaction() as connection:
        connection.execute(
            "INSERT INTO adjudicator (name, is_one, made_at) VALUES (?, ?, ?)",
            (name.strip(), is_one, now()),
        )
