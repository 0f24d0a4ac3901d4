"""A review server that is killed again and again while clients write to it.

Run as a program, it prints as JSON how many decisions were acknowledged, and which of them the
store lacks afterwards. The server is a child that is forked anew for every round: importing what
it needs takes longer than a round.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import signal
import socket
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import uvicorn

from dataparams.review.application import make_application
from dataparams.review.guarding import Access
from made_reviews import made_review

CLIENTS = 4


def serve(folder: Path, listener: socket.socket) -> None:
    """What the child does until it is killed."""
    # A pool of threads does not survive a fork, so what has one is used in the child alone.
    review = made_review(folder, sizes=({"hard": 400, "easy": 20}, {"easy": 3}), pictures=None)
    access = Access("127.0.0.1", listener.getsockname()[1])
    config = uvicorn.Config(
        make_application(review, access), log_level="critical", lifespan="off", ws="none"
    )
    uvicorn.Server(config).run(sockets=[listener])


class Client(threading.Thread):
    """Decides about samples, and remembers what was acknowledged."""

    def __init__(self, number: int, port: int, run: str, seed: int) -> None:
        super().__init__(daemon=True)
        self.name_of_annotator = f"annotator {number}"
        self.port, self.run_key = port, run
        self.random = random.Random(seed)  # noqa: S311 - no secret
        self.acknowledged: list[tuple[str, int]] = []
        self.taken_back: list[str] = []

    def run(self) -> None:
        """Decide until the server is gone."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            while True:
                self.decide(connection)
        except (OSError, http.client.HTTPException):
            return

    def decide(self, connection: http.client.HTTPConnection) -> None:
        request = f"{self.random.getrandbits(128):032x}"
        body = {"run": self.run_key, "request": request, "annotator": self.name_of_annotator}
        chosen = sorted(self.random.sample(range(400), self.random.choice([1, 1, 1, 30])))
        body["decisions"] = [{"index": 3 * one + 1, "action": "discard"} for one in chosen]
        headers = {"content-type": "application/json"}
        connection.request("POST", "/api/decisions", json.dumps(body), headers)
        answer = connection.getresponse()
        answer.read()
        if answer.status == 200:
            self.acknowledged.append((request, len(chosen)))


def wait_for(port: int) -> str:
    """Wait until the server answers; gives the run's key."""
    deadline = time.monotonic() + 30
    while True:
        with suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/api/run")
            key: str = json.loads(connection.getresponse().read())["run"]
            connection.close()
            return key
        assert time.monotonic() < deadline, "the server does not answer"
        time.sleep(0.02)


def main(folder: Path, kills: int, seed: int) -> None:
    """Kill the server so many times, then compare."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(64)
    port = listener.getsockname()[1]
    acknowledged: dict[str, int] = {}
    for number in range(kills):
        child = os.fork()
        if child == 0:
            serve(folder, listener)
            os._exit(0)
        run = wait_for(port)
        clients = [Client(i, port, run, seed + CLIENTS * number + i) for i in range(CLIENTS)]
        for client in clients:
            client.start()
        time.sleep(chance.uniform(0.02, 0.4))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        for client in clients:
            client.join(0.05)  # whose connection waits in the listener's queue goes on waiting
            acknowledged.update(client.acknowledged)
    listener.close()
    from dataparams.decisions import DecisionStore

    history = DecisionStore(folder / "review.sqlite").history()
    found = dict(history.group_by("request").len().rows())
    lost = [one for one, count in acknowledged.items() if found.get(one) != count]
    halves = [one for one, count in found.items() if count not in (1, 30)]
    sys.stdout.write(
        json.dumps({"acknowledged": len(acknowledged), "lost": lost, "halves": halves}) + "\n"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
