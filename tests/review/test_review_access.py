"""Whom the review server answers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dataparams.review.guarding import MOST_BODY_BYTES, Access
from dataparams.review.serving import address_of, is_local
from made_reviews import (
    TOKEN,
    client_of,
    decisions_of,
)

AWAY = Access("0.0.0.0", 8000, TOKEN)  # noqa: S104


@pytest.mark.parametrize(
    ("host", "is_answered"),
    [
        ("127.0.0.1:8000", True),
        ("localhost:8000", True),
        ("[::1]:8000", True),
        ("localhost:9000", True),
        ("127.8.9.1:8000", True),
        ("evil.example:8000", False),
        ("127.0.0.1.evil.example", False),
        ("192.168.1.5:8000", False),
        ("localhost:8000@evil.example", False),
        ("evil.example@localhost", False),
        ("", False),
        ("[::1", False),
        ("localhost:x", False),
    ],
)
def test_only_its_own_names_are_answered(client, host, is_answered):
    for path in ("/", "/api/run", "/page/main.js"):
        status = client.get(path, headers={"host": host}).status_code
        assert status == (200 if is_answered else 421), path


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "https://127.0.0.1:8000"},
        {"origin": "http://127.0.0.1:9999"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "cross-site", "origin": "http://127.0.0.1:8000"},
    ],
)
def test_other_sites_are_refused(review, client, headers):
    body = decisions_of(review, "request1", "ann", (1, "keep"))
    assert client.post("/api/decisions", json=body, headers=headers).status_code == 403
    assert client.get("/api/run", headers=headers).status_code == 403
    own = {"origin": "http://127.0.0.1:8000", "sec-fetch-site": "same-origin"}
    assert client.post("/api/decisions", json=body, headers=own).status_code == 200


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "", "a/json"])
def test_only_json_is_taken(review, client, kind):
    body = json.dumps(decisions_of(review, "request1", "ann", (1, "keep")))
    answer = client.post("/api/decisions", content=body, headers={"content-type": kind})
    assert answer.status_code == 415


def test_too_long_a_request_is_not_read(client):
    headers = {"content-type": "application/json"}
    long = b"[" + b" " * MOST_BODY_BYTES + b"]"
    assert client.post("/api/decisions", content=long, headers=headers).status_code == 413
    in_pieces = (b" " * 100_000 for _ in range(1 + MOST_BODY_BYTES // 100_000))
    assert client.post("/api/undo", content=in_pieces, headers=headers).status_code == 411


def test_every_answer_has_the_headers_that_confine_it(review, client):
    answers = [
        client.get("/"),
        client.get("/page/main.js"),
        client.get("/api/queue"),
        client.get("/api/nothing"),
        client.get("/api/queue", params={"label": "x"}),
        client.get("/api/run", headers={"host": "evil.example"}),
        client.get(f"/api/pictures/{review.key}/small/1"),
        client.request("BREW", "/"),
    ]
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'")
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert "access-control-allow-origin" not in answer.headers


def test_away_from_this_machine_a_token_is_demanded(review):
    client = client_of(review, AWAY, base_url="http://192.168.1.5:8000")
    assert client.get("/").status_code == 200
    for path in ("/api/run", "/api/queue", f"/api/pictures/{review.key}/small/1"):
        assert client.get(path).status_code == 401
    for wrong in ("", "x", "t" * 42, "t" * 44, "\U0001f600"):
        answer = client.post("/api/session", json={"token": wrong})
        assert answer.status_code == 401
        assert "set-cookie" not in answer.headers
    answer = client.post("/api/session", json={"token": TOKEN})
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert client.get("/api/run").status_code == 200
    forged = client_of(review, AWAY, base_url="http://192.168.1.5:8000")
    values: tuple[Any, ...] = (
        "x",
        f"{AWAY.cookie}=x",
        f"{AWAY.cookie}=",
        f'{AWAY.cookie}="é'.encode("latin-1"),
    )
    for value in values:
        assert forged.get("/api/run", headers={"cookie": value}).status_code == 401


def test_the_printed_address_has_the_token_where_no_log_sees_it():
    assert (
        address_of(Access("192.168.1.5", 8000, TOKEN)) == f"http://192.168.1.5:8000/#token={TOKEN}"
    )
    assert [is_local(host) for host in ("127.0.0.1", "::1", "10.0.0.1", "192.168.1.5", "a.b")] == [
        *(True, True),
        *(False, False, False),
    ]
