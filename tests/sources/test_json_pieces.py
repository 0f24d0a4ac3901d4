"""JSON is read piece by piece, and comes to the same wherever the pieces end."""

from __future__ import annotations

import gzip
import io
import json
import random

import pytest

from dataparams.errors import DataError
from dataparams.sources import json_objects, kept_pieces
from dataparams.sources.json_lines import read_json_lines
from dataparams.sources.json_objects import iterate_lists

ROWS = [
    {
        "text": f'Is it "{row}" [or {{not}}, \\ perhaps?',
        "label": "ab"[row % 2],
        "size": row if row < 20 else row + 0.5,
        "day": "2020-01-01" if row < 30 else "no day",
        "note": None if row < 10 else "late",
    }
    for row in range(50)
]


def any_value(draw: random.Random, depth: int = 0):
    kind = draw.random()
    if kind < 0.5 or depth > 3:
        return "".join(draw.choice('ab"\\[]{},: \n🙂') for _ in range(draw.randrange(8)))
    if kind < 0.7:
        return [any_value(draw, depth + 1) for _ in range(draw.randrange(3))]
    if kind < 0.9:
        return {any_value(draw, 4): any_value(draw, depth + 1) for _ in range(draw.randrange(3))}
    return draw.choice([1, None, 2.5, True])


@pytest.mark.parametrize("seed", range(5))
def test_the_values_of_a_list_come_whole_wherever_blocks_end(seed, monkeypatch):
    draw = random.Random(seed)  # noqa: S311
    for _ in range(60):
        values = [any_value(draw) for _ in range(draw.randrange(7))]
        written = json.dumps(
            values, ensure_ascii=draw.random() < 0.5, indent=draw.choice([None, 1])
        )
        monkeypatch.setattr(json_objects, "BLOCK", draw.randrange(1, 20))
        pieces = iterate_lists(io.BytesIO(f" \n{written}\n".encode()))
        assert [value for piece in pieces for value in json.loads(piece)] == values


@pytest.mark.parametrize("name", ["rows.json", "rows.jsonl", "rows.jsonl.gz"])
def test_a_column_has_one_type_though_its_pieces_differ(name, tmp_path, monkeypatch):
    monkeypatch.setattr(json_objects, "BLOCK", 64)
    lines = "".join(json.dumps(row) + "\n" for row in ROWS)
    written = (json.dumps(ROWS, indent=2) if name == "rows.json" else lines).encode()
    path = tmp_path / name
    path.write_bytes(gzip.compress(written) if name.endswith("gz") else written)
    assert read_json_lines(path).table.to_pylist() == ROWS
    # The same where pieces are mapped from disk.
    monkeypatch.setattr(kept_pieces, "MOST_IN_MEMORY", 1000)
    assert read_json_lines(path).table.to_pylist() == ROWS


@pytest.mark.parametrize(
    ("name", "written", "found"),
    [
        ("a.json", json.dumps(ROWS)[:-30], "its list is not closed.*cut off"),
        ("a.json", json.dumps(ROWS) + "{}", "something comes after its list"),
        ("a.json", '["a", "b"]', "cannot be read as JSON lines"),
        ("a.json", " [ ]\n", "is empty"),
        (
            "a.json",
            '{"data": [{"text": "a"}]}',
            "holds one object .'data'.; expected an object for",
        ),
        ("a.json", '{"text": {"0": "a"}, "label": {"0": "b"}}', "to_json with orient='records'"),
        ("a.jsonl", '{"a": 1}\n{"a": "b"}\n' * 40, "cannot be read as JSON lines"),
        ("a.jsonl", '{"a": "b"}\n' * 23 + '{"a": 1}\n' * 40, "incompatible.*about row 23 on"),
        ("a.jsonl", '{"a": "b"}\n' * 77 + "{no\n", "in row 77"),
    ],
)
def test_json_that_holds_no_samples(name, written, found, tmp_path, monkeypatch):
    monkeypatch.setattr(json_objects, "BLOCK", 256)
    (tmp_path / name).write_text(written)
    with pytest.raises(DataError, match=found):
        read_json_lines(tmp_path / name)


def test_an_archive_that_was_cut_is_no_shorter_file(tmp_path):
    lines = "".join(json.dumps({"text": f"{random.random()}"}) + "\n" for _ in range(900))  # noqa: S311
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(lines.encode())[:-900])
    with pytest.raises(DataError, match="Truncated"):
        read_json_lines(tmp_path / "a.jsonl.gz")


@pytest.mark.parametrize("block", [64, 1 << 16])
@pytest.mark.parametrize("row", [0, 40])
def test_a_byte_that_is_no_utf8_is_said_by_row(row, block, tmp_path, monkeypatch):
    monkeypatch.setattr(json_objects, "BLOCK", block)
    lines = [
        json.dumps({"text": f"Frage {number}", "label": "ab"[number % 2]}) for number in range(50)
    ]
    lines[row] = lines[row].replace("Frage", "für")
    path = tmp_path / "rows.jsonl"
    path.write_bytes("\n\n".join(lines).encode("cp1252"))
    with pytest.raises(DataError, match=rf"Row {row} \(the first is 0\) .* no UTF-8.*f\\xfcr"):
        read_json_lines(path)
    path = tmp_path / "rows.json"
    path.write_bytes(f"[{', '.join(lines)}]".encode("cp1252"))
    with pytest.raises(DataError, match=r"row from about \d+ on .* no UTF-8.*f\\xfcr"):
        read_json_lines(path)
