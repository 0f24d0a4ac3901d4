"""Reviews that tests serve, in this process or in one of their own."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import polars as pl
import uvicorn
from hypothesis import HealthCheck, settings
from starlette.testclient import TestClient

from dataparams.review.application import make_application
from dataparams.review.guarding import Access
from dataparams.review.run_in_review import open_review
from dataparams.run.folder import RunFolder
from made_reports import ColoredContents, made_analysis

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from dataparams.analysis.result import Analysis
    from dataparams.review.run_in_review import RunInReview

SIZES = ({"hard": 7, "review": 5, "easy": 9}, {"hard": 3, "review": 2, "easy": 12})
LOCAL = Access("127.0.0.1", 8000)
TOKEN = "t" * 43
FEW = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
"""For what asks a server."""


def made_review(folder: Path, **options: Any) -> RunInReview:
    """A small run; decisions that lie in the folder count."""
    folder.mkdir(exist_ok=True)
    annotator = options.pop("annotator", None)
    is_auditing = options.pop("is_auditing", False)
    options.setdefault("sizes", SIZES)
    options.setdefault("contents", ColoredContents())
    changed = options.pop("changed", lambda analysis: analysis)
    analysis = changed(made_analysis(**options))
    return open_review(RunFolder(folder), analysis, annotator, is_auditing=is_auditing)


def doubted(analysis: Analysis) -> Analysis:
    """Of three samples one has no other likely class, one an unlikely one, and one a likely one.

    The first class is too small to judge, and the analysis warns.
    """
    turn = pl.col("index") // 3 % 3
    frame = analysis.frame.with_columns(
        suggested_label=pl.when(turn == 0).then("label").otherwise("suggested_label"),
        suggested_name=pl.when(turn == 0).then("label_name").otherwise("suggested_name"),
        suggested_confidence=pl.when(turn == 2).then(0.8).otherwise(0.2),
    )
    return replace(
        analysis,
        frame=frame,
        classes=analysis.classes.with_columns(
            unjudged=pl.when(pl.col("label") == 0).then(pl.lit("too small to judge"))
        ),
        findings=replace(
            analysis.findings,
            warnings=("The model learned <i>nothing</i>.", "No ranking here means anything."),
        ),
    )


def client_of(review: RunInReview, access: Access = LOCAL, **options: Any) -> TestClient:
    """A client that the server takes for its own page."""
    options.setdefault("base_url", "http://127.0.0.1:8000")
    return TestClient(make_application(review, access), **options)


def decisions_of(
    review: RunInReview, request: str, annotator: str, *decisions: tuple[Any, ...]
) -> dict[str, Any]:
    """The body that decides: (index, action) or (index, action, label) each."""
    names = ("index", "action", "label")
    return {
        "run": review.key,
        "request": request,
        "annotator": annotator,
        "decisions": [dict(zip(names, one, strict=False)) for one in decisions],
    }


def indices(client: TestClient, **query: Any) -> list[int]:
    """The samples of the queue, as far as the first page goes."""
    return [one["index"] for one in client.get("/api/queue", params=query).json()["samples"]]


def decide(
    client: TestClient,
    review: RunInReview,
    request: str,
    annotator: str,
    *decisions: tuple[Any, ...],
) -> Any:
    """Ask to decide; see :func:`decisions_of`."""
    return client.post("/api/decisions", json=decisions_of(review, request, annotator, *decisions))


def undo(client: TestClient, review: RunInReview, request: str, annotator: str) -> Any:
    """Ask to take an annotator's last request back."""
    body = {"run": review.key, "request": request, "annotator": annotator}
    return client.post("/api/undo", json=body)


@contextmanager
def served(review: RunInReview, port: int = 0, keep_alive: int = 75) -> Iterator[str]:
    """A real server in a thread; gives its address."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    access = Access("127.0.0.1", listener.getsockname()[1])
    config = uvicorn.Config(
        make_application(review, access),
        log_level="critical",
        lifespan="off",
        http="h11",
        timeout_keep_alive=keep_alive,
        ws="none",
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
    thread.start()
    try:
        deadline = time.monotonic() + 60
        while not server.started:
            assert time.monotonic() < deadline, "the server does not start"
            time.sleep(0.01)
        yield f"http://127.0.0.1:{access.port}"
    finally:
        server.should_exit = True
        thread.join(15)
        listener.close()
        review.close()


class Team:
    """A served run, and ways to ask as one of its annotators.

    Args:
        review: The run.
    """

    def __init__(self, review: RunInReview) -> None:
        self.review = review
        self.client = client_of(review)
        self.requests = 0

    def get(self, path: str, who: str, **query: Any) -> Any:
        answer = self.client.get(path, params={"annotator": who, **query})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def indices(self, who: str, **query: Any) -> list[int]:
        return [one["index"] for one in self.get("/api/queue", who, **query)["samples"]]

    def post(self, path: str, who: str, **body: Any) -> Any:
        self.requests += 1
        request = f"request-{self.requests:05}"
        return self.client.post(
            path, json={"run": self.review.key, "request": request, "annotator": who, **body}
        )

    def decide(self, who: str, *decisions: Any, audit: bool = False) -> Any:
        body = decisions_of(self.review, "", who, *decisions)
        answer = self.post("/api/decisions", who, decisions=body["decisions"], audit=audit)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def opinions(self, who: str, index: int) -> dict[str, str]:
        told = self.get(f"/api/samples/{index}", who)["opinions"]
        return {one["annotator"]: one["action"] for one in told}
