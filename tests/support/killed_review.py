"""A review server that is killed again and again while clients, and another process, write.

Run as a program, it prints as JSON how many requests were acknowledged, which of them the store
lacks afterwards or has in part, and how many were on their way when the server was killed. The
server is a child that is forked anew for every round: importing what it needs takes longer than a
round.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

import uvicorn

from dataparams.decisions.store import Decision, DecisionStore
from dataparams.review.application import make_application
from dataparams.review.guarding import Access
from made_reviews import made_review

CLIENTS = 4
IMPORTED = list(range(1, 300, 3))


def serve(folder: Path, listener: socket.socket) -> None:
    """What the child does until it is killed."""
    # A pool of threads does not survive a fork, so what has one is used in the child alone.
    review = made_review(folder, sizes=({"hard": 400, "easy": 20}, {"easy": 3}), contents=None)
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
        self.acknowledged: dict[str, list[int]] = {}
        self.on_its_way: str | None = None

    def run(self) -> None:
        """Decide, and take back every fourth time, until the server is gone."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            while True:
                name = f"{self.random.getrandbits(128):032x}"
                if self.random.random() < 0.25:
                    taken = self.ask(connection, "/api/undo", {"request": name})
                    self.acknowledged[name] = taken["indices"]
                else:
                    number = self.random.choice([1, 1, 1, 30, 400])
                    chosen = sorted(3 * one + 1 for one in self.random.sample(range(400), number))
                    decisions = [{"index": index, "action": "discard"} for index in chosen]
                    body = {"request": name, "decisions": decisions}
                    self.ask(connection, "/api/decisions", body)
                    self.acknowledged[name] = chosen
        except (OSError, http.client.HTTPException):
            return

    def ask(
        self, connection: http.client.HTTPConnection, path: str, body: dict[str, Any]
    ) -> dict[str, Any]:
        """The answer, which is on the disk when it comes."""
        text = json.dumps({"run": self.run_key, "annotator": self.name_of_annotator, **body})
        self.on_its_way = body["request"]
        connection.request("POST", path, text, {"content-type": "application/json"})
        answer = connection.getresponse()
        told: dict[str, Any] = json.loads(answer.read())
        assert answer.status == 200, told
        self.on_its_way = None
        return told


def write_beside(file: Path) -> None:
    """Write to the same file without the server, as ``dataparams decisions --import`` does."""
    store = DecisionStore(file)
    for number in count():
        decisions = [Decision(index, "skip") for index in IMPORTED]
        store.record_all([(f"imported {number}", "annotator 0", decisions)])
        print(number, flush=True)
        time.sleep(0.05)


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
    acknowledged: dict[str, list[int]] = {}
    sent: list[str] = []
    command = [sys.executable, __file__, str(folder / "review.sqlite")]
    writer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
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
            sent += [client.on_its_way] if client.on_its_way else []
    listener.close()
    writer.terminate()
    for line in writer.communicate()[0].splitlines():
        acknowledged[f"imported {line}"] = IMPORTED
    history = DecisionStore(folder / "review.sqlite").history()
    found = {name: sorted(rows["index"]) for (name,), rows in history.group_by("request")}
    told = {
        "acknowledged": len(acknowledged),
        "lost": [one for one, indices in acknowledged.items() if found.get(one, []) != indices],
        "halves": [one for one, rows in found.items() if len(rows) not in (1, 30, 100, 400)],
        "on_their_way": len(sent),
        "written_unacknowledged": len(set(sent) & set(found)),
    }
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    if len(sys.argv) == 2:
        write_beside(Path(sys.argv[1]))
    else:
        main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
