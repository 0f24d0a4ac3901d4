"""A served run that tests of the review server share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from made_reviews import client_of, made_review

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from starlette.testclient import TestClient

    from dataparams.review.run_in_review import RunInReview


@pytest.fixture
def review(tmp_path: Path) -> Iterator[RunInReview]:
    """A small run."""
    made = made_review(tmp_path / "run")
    yield made
    made.close()


@pytest.fixture
def client(review: RunInReview) -> TestClient:
    """A client that the server takes for its own page."""
    return client_of(review)
