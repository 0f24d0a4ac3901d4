"""The review server as a whole: its answers as described, its start, its kill."""

from __future__ import annotations

import json
import socket
from types import SimpleNamespace

import pytest
import schemathesis
from hypothesis import given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

from dataparams.cli import main
from dataparams.errors import UserError
from dataparams.review.application import make_unguarded
from dataparams.review.serving import FIRST_PORT, listening_socket
from forked_processes import SUPPORT, run_program
from made_reviews import (
    FEW,
    LOCAL,
    made_review,
)


@pytest.fixture(scope="module")
def described(tmp_path_factory):
    """The interface as it describes itself."""
    made = made_review(tmp_path_factory.mktemp("any") / "run")
    app = make_unguarded(made, LOCAL)
    schema = schemathesis.openapi.from_dict(app.openapi())
    schema.app = app
    operations = [found.ok() for found in schema.get_all_operations()]
    yield SimpleNamespace(review=made, operations=operations)
    made.close()


@settings(FEW, max_examples=200)
@given(data=st.data())
def test_whatever_is_asked_the_answer_is_as_described(described, data):
    operation = data.draw(st.sampled_from(described.operations))
    case = data.draw(operation.as_strategy())
    if isinstance(case.body, dict) and "run" in case.body and data.draw(st.booleans()):
        case.body["run"] = described.review.key
    case.call_and_validate(
        checks=[not_a_server_error, response_schema_conformance, content_type_conformance]
    )


def test_a_port_in_use_is_told_and_another_found():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UserError, match=f"Port {port} .*`port`"):
            listening_socket("127.0.0.1", port)
    with (
        listening_socket("127.0.0.1", None) as first,
        listening_socket("127.0.0.1", None) as second,
    ):
        assert FIRST_PORT <= first.getsockname()[1] < second.getsockname()[1]
    with pytest.raises(UserError, match="no address of this machine"):
        listening_socket("no.such.host.invalid", None)


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (["--port", "70000"], 2, "0 ... 65535"),
        (["--annotator", " "], 2, "expected a name"),
        ([], 4, "not a run folder"),
    ],
)
def test_wrong_use_is_told(tmp_path, capsys, words, status, says):
    assert main(["review", str(tmp_path), "--no-open", *words]) == status
    assert says in capsys.readouterr().err


def test_killing_the_server_loses_nothing_that_was_acknowledged(tmp_path):
    program = SUPPORT / "killed_review.py"
    done = run_program(program, tmp_path / "run", "3", "7", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["acknowledged"] > 0
    assert told["lost"] == []
    assert told["halves"] == []
    assert told["on_their_way"] > 0
