"""A real review server in a process of its own: what is sent to it and done to its files."""

from __future__ import annotations

import http.client
import io
import json
import os
import re
import resource
import shutil
import signal
import socket
import struct
import threading
import zlib
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest
from PIL import Image

from dataparams.cli import main
from dataparams.decisions.store import DecisionStore
from forked_processes import COMMAND_LINE, start_program
from made_folders import dark_and_light
from made_reviews import made_review, served

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from multiprocessing.process import BaseProcess

JSON = "Content-Type: application/json"


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with images and, in ``run``, a run of them that was analyzed."""
    folder = tmp_path_factory.mktemp("attacked")
    dark_and_light(folder / "images")
    flags = ["--dataset", str(folder / "images"), "--output-dir", str(folder / "runs")]
    assert main(["train", *flags, "--epochs", "2", "-b", "16", "--learn-inst-parameters"]) == 0
    run = folder / "runs" / "images" / "run"
    assert main(["analyze", str(run), "--no-model"]) == 0
    return folder


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    """A copy of the run, with images of its own."""
    shutil.copytree(trained / "images", tmp_path / "images")
    shutil.copytree(trained / "runs" / "images" / "run", tmp_path / "run")
    file = tmp_path / "run" / "run.json"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace(str(trained), str(tmp_path)), encoding="utf-8")
    return tmp_path / "run"


class Server:
    """A server, and ways to ask it."""

    def __init__(self, process: BaseProcess, port: int, token: str | None) -> None:
        self.process, self.port, self.token = process, port, token

    def ask(self, method: str, path: str, body: object = None, **headers: str):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            text = None if body is None else json.dumps(body)
            connection.request(method, path, text, {"content-type": "application/json", **headers})
            answer = connection.getresponse()
            contents = answer.read()
        finally:
            connection.close()
        is_json = answer.headers["content-type"] == "application/json"
        return answer.status, json.loads(contents) if is_json else contents

    def decide(self, request: str, index: int, run: str | None = None) -> int:
        run = run or self.ask("GET", "/api/run")[1]["run"]
        decision = {"index": index, "action": "discard"}
        body = {"run": run, "request": request, "annotator": "ann", "decisions": [decision]}
        return self.ask("POST", "/api/decisions", body)[0]

    def send(self, *pieces: bytes, is_open: bool = False) -> bytes:
        """What comes back for plain bytes, until the server closes; a head alone if it does not."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            answer = b""
            try:
                for piece in pieces:
                    connection.sendall(piece)
                connection.settimeout(20)
                while more := connection.recv(1 << 16):
                    answer += more
                    if is_open and b"\r\n\r\n" in answer:
                        break
            except OSError:
                return answer
        return answer

    def memory(self) -> int:
        """The most megabytes that were resident since the start."""
        text = Path(f"/proc/{self.process.pid}/status").read_text(encoding="ascii")
        return int(re.findall(r"VmHWM:\s+(\d+)", text)[0]) // 1000


@contextmanager
def review(run: Path, *words: str, limits: Mapping[int, int] | None = None) -> Iterator[Server]:
    """A server by its command; it must end as it was asked to."""
    flags = ["--no-open", "--port", "0", *words]
    program = start_program(COMMAND_LINE, "review", run, *flags, folder=run.parent, limits=limits)
    try:
        # What cannot be read is said before the address.
        address = re.compile(r"http://\S+:(\d+)/(?:#token=(\S+))?")
        found = next(filter(None, map(address.search, program.lines())), None)
        if found is None:
            raise AssertionError(program.ended())
        yield Server(program.process, int(found[1]), found[2])
    finally:
        program.process.terminate()
    done = program.ended()
    assert done.returncode == 0, done.stderr
    assert "Stopped. The decisions are in" in done.stdout
    assert "Traceback" not in done.stderr


@pytest.fixture(scope="module")
def server(trained: Path) -> Iterator[Server]:
    with review(trained / "runs" / "images" / "run") as started:
        yield started


# --- bytes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_line", "headers", "status"),
    [
        ("GET /api/run HTTP/1.1", ["Host: localhost"], 200),
        ("GET /api/run HTTP/1.1", ["Host: LOCALHOST:8000"], 200),
        ("GET /api/run HTTP/1.1", ["Host: [::1]:8000"], 200),
        ("GET /api/run HTTP/1.0", [], 421),
        ("GET /api/run HTTP/1.1", [], 400),
        ("GET /api/run HTTP/1.1", ["Host: localhost", "Host: evil.example"], 400),
        ("GET /api/run HTTP/1.0", ["Host: localhost", "Host: localhost"], 400),
        ("GET /api/run HTTP/1.1", ["Host: evil.example"], 421),
        ("GET /api/run HTTP/1.1", ["Host: localhost."], 421),
        ("GET /api/run HTTP/1.1", ["Host: localhost.evil.example"], 421),
        ("GET /api/run HTTP/1.1", ["Host: 0.0.0.0"], 421),
        ("GET /api/run HTTP/1.1", ["Host: [::ffff:192.168.0.1]"], 421),
        ("GET /api/run HTTP/1.1", ["Host: 127.0.0.1\t"], 200),
        ("GET /api/run HTTP/1.1", ["Host: 127.0.0.1, evil.example"], 421),
        ("GET http://localhost/api/run HTTP/1.1", ["Host: localhost"], 404),
        ("GET http://evil.example/api/run HTTP/1.1", ["Host: localhost"], 404),
        ("GET //evil.example/api/run HTTP/1.1", ["Host: localhost"], 404),
        ("GET /%61pi/run HTTP/1.1", ["Host: localhost", "Origin: http://evil.example"], 403),
        ("GET /api/run HTTP/1.1", ["Host: localhost", "Origin: null"], 403),
        ("GET /api/run HTTP/1.1", ["Host: localhost", "Origin: http://LOCALHOST"], 200),
        ("GET /api/run HTTP/1.1", ["Host: localhost", "Origin: http://localhost."], 403),
        (
            "GET /api/run HTTP/1.1",
            ["Host: localhost", "Origin: http://localhost", "Origin: http://evil.example"],
            403,
        ),
        (
            "GET /api/run HTTP/1.1",
            ["Host: localhost", "Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: cross-site"],
            403,
        ),
        ("TRACE /api/run HTTP/1.1", ["Host: localhost"], 415),
        ("OPTIONS /api/decisions HTTP/1.1", ["Host: localhost", "Origin: http://e.example"], 403),
        ("HEAD /api/run HTTP/1.1", ["Host: localhost"], 405),
        ("HEAD / HTTP/1.1", ["Host: evil.example"], 421),
        ("CONNECT localhost:80 HTTP/1.1", ["Host: localhost"], 415),
        (
            "GET /api/run HTTP/1.1",
            ["Host: localhost", "Connection: Upgrade", "Upgrade: websocket"],
            200,
        ),
        (
            "POST /api/undo HTTP/1.1",
            ["Host: localhost", JSON, "Content-Length: 5", "Transfer-Encoding: chunked"],
            411,
        ),
        ("POST /api/undo HTTP/1.1", ["Host: localhost", JSON, "Content-Length: -1"], 400),
        ("POST /api/undo HTTP/1.1", ["Host: localhost", JSON, "Content-Length: 99999999999"], 413),
        ("GET /api/run HTTP/1.1", ["Host: localhost", *(f"X{i}: y" for i in range(100_000))], 400),
        ("GET /" + "a" * 1_000_000 + " HTTP/1.1", ["Host: localhost"], 400),
        ("GET /page/..%2f..%2fdecisions.py HTTP/1.1", ["Host: localhost"], 404),
        ("GET /page/../../decisions.py HTTP/1.1", ["Host: localhost"], 404),
        ("GET /page/%00 HTTP/1.1", ["Host: localhost"], 404),
    ],
)
def test_plain_bytes_have_the_answer_they_deserve(server, request_line, headers, status):
    lines = [request_line, *headers, "Connection: close", "", ""]
    answer = server.send("\r\n".join(lines).encode())
    assert answer.split(b" ")[1:2] == [str(status).encode()], answer[:300]
    assert b"access-control-allow" not in answer.lower()
    if status != 400:
        for name in (b"content-security-policy", b"x-content-type-options", b"referrer-policy"):
            assert name in answer.lower()


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 1_000_000,
        b'{"a":' * 500_000,
        b"1" * 1_000_000,
        b"\xff\xfe" * 1000,
        b"\x1f\x8b" * 1000,
        b"NaN",
        b'"' + b"\\ud800" * 1000 + b'"',
    ],
)
def test_whatever_a_body_is_the_server_goes_on(server, body):
    lines = ["POST /api/decisions HTTP/1.1", "Host: localhost", JSON, "Connection: close"]
    head = "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode()
    answer = server.send(head, body)
    assert answer.split(b" ")[1] in (b"400", b"422"), answer[:300]
    assert server.ask("GET", "/api/run")[0] == 200


def test_a_body_without_end_takes_no_memory(server):
    before = server.memory()
    head = b"POST /api/undo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    head += b"Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n"
    piece = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
    assert b" 411 " in server.send(head, *[piece] * 200, is_open=True)
    assert server.memory() < before + 50
    assert server.ask("GET", "/api/run")[0] == 200


def test_connections_that_say_nothing_keep_nobody_out(trained):
    """The server is allowed 256 files when it starts, as on macOS."""
    with review(
        trained / "runs" / "images" / "run", limits={resource.RLIMIT_NOFILE: 256}
    ) as server:
        with ExitStack() as kept:
            for number in range(600):
                connection = kept.enter_context(socket.socket())
                connection.connect(("127.0.0.1", server.port))
                if number % 2:
                    connection.sendall(b"GET /api/run HTTP/1.1\r\nHost: local")
            assert server.ask("GET", "/api/run")[0] == 200
        assert server.ask("GET", "/api/run")[0] == 200


def test_connections_are_closed_that_ask_no_more_or_never_end(tmp_path, monkeypatch):
    monkeypatch.setattr("dataparams.review.guarding.SECONDS_TO_SEND", 0.3)
    asked = b"GET /api/run HTTP/1.1\r\nHost: localhost\r\n\r\n"
    to_undo = b"POST /api/undo HTTP/1.1\r\nHost: localhost\r\n"
    to_undo += f"{JSON}\r\nContent-Length: 1000\r\n\r\n".encode()
    with served(made_review(tmp_path / "run"), keep_alive=1) as address:
        port = int(address.rpartition(":")[2])
        for began in (asked, to_undo, to_undo + b"{"):
            with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
                connection.sendall(began)
                with suppress(OSError):
                    while connection.recv(1 << 16):
                        pass
            # Reached: the server has hung up.


# --- images --------------------------------------------------------------------------------------


def png(side: int, color: int, depth: int) -> bytes:
    """A black square of a few kilobytes; color 0 is gray, 6 has transparency."""

    def chunk(kind, data):
        checksum = struct.pack(">I", zlib.crc32(kind + data))
        return struct.pack(">I", len(data)) + kind + data + checksum

    pixels = packed_zeros(side * (1 + side * {0: 1, 6: 4}[color] * depth // 8))
    header = struct.pack(">IIBBBBB", side, side, depth, color, 0, 0, 0)
    text = chunk(b"zTXt", b"k\0\0" + packed_zeros(50_000_000)) if side < 100 else b""
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + text
        + chunk(b"IDAT", pixels)
        + chunk(b"IEND", b"")
    )


def packed_zeros(count: int) -> bytes:
    """So many bytes of 0 as zlib packs them, a megabyte packed once and repeated."""
    packer = zlib.compressobj(1, wbits=-zlib.MAX_WBITS)
    whole = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    rest = packer.compress(bytes(count % (1 << 20))) + packer.flush()
    # Adler-32: a first sum that stays 1, and the sum of that over all bytes.
    checksum = (count % 65521) << 16 | 1
    return b"\x78\x01" + whole * (count >> 20) + rest + struct.pack(">I", checksum)


def encoded(kind: str, side: int, mode: str = "RGB", **options) -> bytes:
    stream = io.BytesIO()
    Image.new(mode, (side, side)).save(stream, kind, **options)
    return stream.getvalue()


def test_images_made_to_exhaust_the_server_do_not(run):
    files = sorted((run.parent / "images").glob("*/*.png"))
    bombs = [
        png(8900, 6, 8),
        png(8900, 6, 16),
        png(8900, 0, 16),
        png(60, 6, 8),
        encoded("WEBP", 8900, method=0),
        encoded("TIFF", 8900, "F", compression="tiff_deflate"),
        encoded("GIF", 8900, "P"),
        encoded("JPEG", 8900, progressive=True),
        b"",
        b"%!PS-Adobe-3.0\n(x) show",
    ]
    # What nothing is known of is shown as it is.
    samples = pl.read_parquet(run / "samples.parquet")
    samples.drop("content").write_parquet(run / "samples.parquet")
    for file, bomb in zip(files, bombs, strict=False):
        file.write_bytes(bomb)
    with files[len(bombs)].open("wb") as endless:
        endless.truncate(1 << 40)
    files[len(bombs) + 1].unlink()
    os.mkfifo(files[len(bombs) + 1])
    files[len(bombs) + 2].unlink()
    files[len(bombs) + 2].symlink_to("/dev/zero")
    files[len(bombs) + 3].unlink()
    files[len(bombs) + 3].symlink_to("/etc/passwd")
    with review(run) as server:
        before = server.memory()
        key = server.ask("GET", "/api/run")[1]["run"]
        samples = server.ask("GET", "/api/queue")[1]["samples"]
        answers: dict[str, bytes] = {}

        def fetch(sample) -> None:
            path = f"/api/pictures/{key}/small/{sample['index']}"
            status, answers[sample["id"]] = server.ask("GET", path)
            assert status == 200

        threads = [threading.Thread(target=fetch, args=(one,)) for one in samples]
        for thread in threads:
            thread.start()
        meanwhile = 0
        while any(thread.is_alive() for thread in threads):
            assert server.ask("GET", "/api/run")[0] == 200
            meanwhile += 1
        for thread in threads:
            thread.join()
        assert len(answers) == len(samples)
        assert meanwhile > 5
        assert all(one.startswith((b"\xff\xd8", b"<svg")) for one in answers.values())
        assert not any(b"root:" in one for one in answers.values())
        made = [*files[:3], *files[4 : len(bombs) + 4]]
        attackers = tuple(f"{file.parent.name}/{file.name}" for file in made)
        for one in samples:
            if one["id"].endswith(attackers):
                path = f"/api/pictures/{key}/original/{one['index']}"
                assert server.ask("GET", path)[0] == 404
        assert server.memory() < before + 700


# --- files and other processes -------------------------------------------------------------------


def test_two_servers_and_an_import_hear_of_each_other(run, tmp_path):
    with review(run) as one, review(run) as other:
        assert one.port != other.port
        assert one.decide("request-1", 1) == other.decide("request-2", 2) == 200
        asked = "/api/changes?annotator=ann&after=0"
        assert set(one.ask("GET", asked)[1]["opinions"]) == {"1", "2"}
        table = tmp_path / "decisions.csv"
        assert main(["decisions", str(run), "--out", str(table)]) == 0
        text = table.read_text(encoding="utf-8").replace(",ann,", ",bob,")
        table.write_text(text, encoding="utf-8")
        assert main(["decisions", str(run), "--import", str(table)]) == 0
        for server in (one, other):
            opinions = server.ask("GET", asked)[1]["opinions"]
            assert {o["annotator"] for o in opinions["1"]} == {"ann", "bob"}


def test_where_the_disk_is_full_nothing_is_acknowledged_and_the_server_goes_on(run):
    with review(run) as server:
        assert server.decide("request-1", 1) == 200
        _, hard = resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (1000, hard))
        assert server.decide("request-2", 2) == 503
        assert server.ask("GET", "/api/queue")[0] == 200
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
        assert server.decide("request-3", 3) == 200
    rows = DecisionStore(run / "review.sqlite").in_force()
    assert rows["index"].to_list() == [1, 3]


def test_what_is_done_to_the_run_meanwhile_harms_nothing(run):
    with review(run) as server:
        assert server.decide("request-1", 1) == 200
        assert main(["analyze", str(run), "--no-model", "--review-budget", "5%"]) == 0
        assert server.ask("GET", "/api/samples/1")[0] == 200
        assert server.ask("GET", "/api/maps/0")[0] == 200
        shutil.rmtree(run.parent / "images")
        key = server.ask("GET", "/api/run")[1]["run"]
        assert server.ask("GET", f"/api/pictures/{key}/small/1")[1].startswith(b"<svg")
        assert server.ask("GET", "/api/changes?annotator=ann&after=0")[1]["trouble"]
        shutil.rmtree(run)
        assert server.ask("GET", "/api/queue")[0] == 200
        assert server.decide("request-2", 2, key) == 503


# --- ending --------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_while_pages_are_open(run, number):
    with ExitStack() as open_pages, review(run) as server:
        for _ in range(5):
            page = open_pages.enter_context(
                socket.create_connection(("127.0.0.1", server.port), timeout=10)
            )
            page.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        half_asked = b"POST /api/undo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n"
        page.sendall(half_asked + f"{JSON}\r\n\r\n".encode())
        assert server.decide("request-1", 1) == 200
        os.kill(server.process.pid, number)
        server.process.join(60)
    # Closed in order, all is in one file.
    assert not list(run.glob("review.sqlite-*"))
    assert DecisionStore(run / "review.sqlite").in_force()["index"].to_list() == [1]


def test_away_from_this_machine_only_the_printed_address_opens_it(run):
    with review(run, "--host", "0.0.0.0") as server:  # noqa: S104
        assert server.token is not None
        assert server.ask("GET", "/api/run")[0] == 401
        assert server.ask("POST", "/api/session", {"token": "x"})[0] == 401
        assert server.ask("POST", "/api/session", {"token": server.token})[0] == 204


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (
            ["--host", "no.such.host.invalid"],
            "--host is 'no.such.host.invalid'",
        ),
        (["--host", "203.0.113.7"], "cannot be used"),
        (["--host", "::g"], "no address of this machine"),
        (["--port", "-1"], "0 ... 65535"),
    ],
)
def test_what_cannot_be_listened_on_is_told(run, capsys, words, says):
    assert main(["review", str(run), "--no-open", *words]) != 0
    assert says in capsys.readouterr().err


def test_on_this_machine_alone_by_its_newer_address(run):
    with ExitStack() as kept:
        try:
            server = kept.enter_context(review(run, "--host", "::1"))
        except AssertionError as error:
            pytest.skip(f"no IPv6 here: {error}")
        assert server.token is None
