"""A small server that answers as the Hugging Face hub does, for the hub's own client library."""

from __future__ import annotations

import hashlib
import json
import threading
from collections import Counter
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

REPOSITORY = "ILSVRC/imagenet-1k"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
TOKEN = "hf_MarkerOfATokenThatMayRead"  # noqa: S105
_CUT = ("train-00001", "model.safetensors")
"""The files whose download is cut."""
_WITHOUT_ACCESS = {
    "hf_AccountWithoutAccess": (
        "Access to dataset is restricted and you are not in the authorized list."
    ),
    "hf_AccountThatWaits": "Your request to access dataset is awaiting a review from its authors.",
    "hf_AccountThatWasRejected": "Your request to access dataset has been rejected.",
    "hf_FineGrained": "Please enable access to gated repositories in your fine-grained token.",
}


class StandInHub:
    """What the server has, how it is to behave, and what was asked of it.

    Args:
        files: Contents by path in the repository.
    """

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files
        self.others: dict[str, dict[str, bytes]] = {}
        """Files that it has in their place once it is asked to, by a name."""
        self.mode = ""
        """Empty, or how it misbehaves: 429, 500, 503, hang, cut, cut-once."""
        self.asked: list[tuple[str, str]] = []
        self.asked_before: list[int] = []
        """How many requests there were at each change of its behavior."""
        self.ranges: list[str] = []
        self.cuts: Counter[str] = Counter()
        self.address = ""

    def downloads(self, first: int = 0, last: int | None = None) -> list[str]:
        """Paths whose content was asked for, in order; of some of the requests."""
        asked = self.asked[first:last]
        files = [path for verb, path in asked if verb == "GET" and "/resolve/" in path]
        return [_path_below(path, "resolve") for path in files]


@contextmanager
def serving(files: dict[str, bytes]) -> Iterator[StandInHub]:
    """Serve files as the hub does, at an address of this machine."""
    hub = StandInHub(files)
    handler = type("Handler", (_Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    hub.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield hub
    finally:
        hub.mode = ""
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    hub: StandInHub
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = unquote(urlsplit(self.path).path)
        if path.startswith("/mode/"):
            self.hub.mode = path.removeprefix("/mode/")
            self.hub.cuts.clear()
            self.hub.asked_before.append(len(self.hub.asked))
            self._send(200)
            return
        if path.startswith("/files/"):
            self.hub.files = self.hub.others[path.removeprefix("/files/")]
            self._send(200)
            return
        self.hub.asked.append((self.command, path))
        if self.hub.mode == "hang":
            threading.Event().wait(1.0)
            self.close_connection = True
        elif self.hub.mode.isdigit():
            waits = {"Retry-After": "120"} if self.hub.mode == "429" else {}
            self._send(int(self.hub.mode), headers=waits)
        else:
            self._route(path, body)

    def _route(self, path: str, body: bytes) -> None:
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        known = ("", TOKEN, *_WITHOUT_ACCESS)
        if token not in known:
            self._refuse(401, None, "Invalid credentials in Authorization header")
        elif REPOSITORY not in path:
            self._refuse(404 if token else 401, "RepoNotFound", "Repository not found")
        elif "/resolve/" in path:
            self._resolve(_path_below(path, "resolve"), token)
        elif "/tree/" in path:
            self._send_json(self._listing(_path_below(path, "tree")))
        elif "/paths-info/" in path:
            wanted = parse_qs(body.decode())["paths"]
            self._send_json([self._entry(file) for file in wanted if file in self.hub.files])
        else:
            siblings = [{"rfilename": file} for file in self.hub.files]
            about = {"id": REPOSITORY, "sha": COMMIT, "gated": "auto", "private": False}
            self._send_json({**about, "siblings": siblings, "tags": [], "downloads": 0, "likes": 0})

    def _listing(self, folder: str) -> list[dict[str, object]]:
        is_recursive = "recursive=True" in self.path or "recursive=true" in self.path
        inside = [file for file in self.hub.files if not folder or file.startswith(f"{folder}/")]
        entries: dict[str, dict[str, object]] = {}
        for file in inside:
            parts = file.removeprefix(f"{folder}/" if folder else "").split("/")
            if len(parts) > 1:
                name = f"{folder}/{parts[0]}".strip("/")
                entries[name] = {"type": "directory", "path": name, "oid": "0" * 40, "size": 0}
            if len(parts) == 1 or is_recursive:
                entries[file] = self._entry(file)
        return list(entries.values())

    def _entry(self, file: str) -> dict[str, object]:
        size = len(self.hub.files[file])
        return {"type": "file", "path": file, "oid": _etag(self.hub.files[file]), "size": size}

    def _resolve(self, file: str, token: str) -> None:
        if not token:
            self._refuse(401, "GatedRepo", "Access to dataset is restricted. Please log in.")
        elif token in _WITHOUT_ACCESS:
            self._refuse(403, "GatedRepo", _WITHOUT_ACCESS[token])
        elif file not in self.hub.files:
            self._refuse(404, "EntryNotFound", "Entry not found")
        else:
            self._send_file(file)

    def _send_file(self, file: str) -> None:
        content, wanted = self.hub.files[file], self.headers.get("Range")
        start = 0
        if wanted:
            self.hub.ranges.append(wanted)
            start = int(wanted.removeprefix("bytes=").partition("-")[0])
        headers = {
            "ETag": f'"{_etag(content)}"',
            "X-Repo-Commit": COMMIT,
            "Accept-Ranges": "bytes",
            "Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}",
        }
        self._send(206 if wanted else 200, content[start:], headers, stop=self._stop(file, start))

    def _stop(self, file: str, start: int) -> int | None:
        """Where to cut the connection: in the middle of a file, once or ever again."""
        is_cut = self.command == "GET" and self.hub.mode in ("cut", "cut-once")
        if not is_cut or not any(name in file for name in _CUT):
            return None
        self.hub.cuts[file] += 1
        if self.hub.mode == "cut-once" and self.hub.cuts[file] > 1:
            return None
        return max(0, len(self.hub.files[file]) // 2 - start)

    def _refuse(self, status: int, code: str | None, message: str) -> None:
        headers = {"X-Error-Message": message} | ({"X-Error-Code": code} if code else {})
        self._send(status, json.dumps({"error": message}).encode(), headers)

    def _send_json(self, value: object) -> None:
        self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _send(
        self,
        status: int,
        body: bytes = b"",
        headers: dict[str, str] | None = None,
        stop: int | None = None,
    ) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body[:stop])
        if stop is not None:
            self.close_connection = True


def _path_below(path: str, route: str) -> str:
    """What comes after the revision, a commit or a branch."""
    return path.partition(f"/{route}/")[2].partition("/")[2].strip("/")


def _etag(content: bytes) -> str:
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()
