"""Why the server does not write what it is asked to."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from fastapi import HTTPException

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from dataparams.review.run_in_review import RunInReview


@contextmanager
def refused_by_store() -> Iterator[None]:
    """Say what the store refuses, such as a name that another request had already."""
    try:
        yield
    except ValueError as error:
        raise HTTPException(422, str(error)) from error


def require_run(review: RunInReview, run: str) -> None:
    """Refuse what is meant for another run, whose samples have the same numbers."""
    if run != review.key:
        raise HTTPException(409, "Another run is served here now; nothing was written.")


def ranks_of(review: RunInReview, index: list[int]) -> NDArray[np.intp]:
    """The ranks of samples, by their position in the data source.

    Raises:
        HTTPException: If there is no such sample.
    """
    try:
        return review.samples.ranks_of(index)
    except KeyError as error:
        raise HTTPException(404, f"There is no sample {error.args[0]}.") from error
