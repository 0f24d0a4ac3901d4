"""Files of text that Excel, PowerShell and others write in Unicode encodings of their own."""

from __future__ import annotations

import codecs
import gzip
import json
from typing import TYPE_CHECKING

import polars as pl
import pytest

from dataparams.errors import DataError
from dataparams.sources.label_file import read_labels
from dataparams.sources.opening import open_contents, open_source

if TYPE_CHECKING:
    from pathlib import Path

TEXTS = [f"Où est la carte n° {row} « très » vite? 卡 🐈" for row in range(40)]
KINDS = ["perdu", "naïve"] * 20
ENCODED = {
    "UTF-8 with a mark": lambda text: codecs.BOM_UTF8 + text.encode(),
    "UTF-16 as Excel writes it": lambda text: codecs.BOM_UTF16_LE + text.encode("utf-16-le"),
    "UTF-16, the other way round": lambda text: codecs.BOM_UTF16_BE + text.encode("utf-16-be"),
    "UTF-16 without a mark": lambda text: text.encode("utf-16-le"),
    "UTF-16 without a mark, the other way round": lambda text: text.encode("utf-16-be"),
    "UTF-32": lambda text: text.encode("utf-32"),
}
"""How a text comes to be bytes."""


def table(delimiter: str = ",") -> str:
    rows = [f'"{text}"{delimiter}{kind}' for text, kind in zip(TEXTS, KINDS, strict=True)]
    return "\r\n".join([f"text{delimiter}kind", *rows, ""])


@pytest.fixture(params=ENCODED)
def encoded(request):
    return ENCODED[request.param]


def test_a_table_is_read_as_it_was_meant(encoded, tmp_path):
    file = tmp_path / "cards.csv"
    file.write_bytes(encoded(table()))
    source = open_source(str(file))
    assert source.columns == {"text": "text", "label": "kind"}
    assert [one.text for one in source.read(range(40))] == TEXTS
    assert source.class_names == ("naïve", "perdu")
    plain = tmp_path / "plain.csv"
    plain.write_text(table(), encoding="utf-8", newline="")
    assert source.fingerprint() == open_source(str(plain)).fingerprint()


def test_unicode_text_of_excel_has_tabs_and_may_be_compressed(tmp_path):
    text = ENCODED["UTF-16 as Excel writes it"](table("\t"))
    (tmp_path / "cards.tsv.gz").write_bytes(gzip.compress(text))
    source = open_source(str(tmp_path / "cards.tsv.gz"))
    assert [one.text for one in source.read([39])] == TEXTS[39:]
    contents = open_contents(str(tmp_path / "cards.tsv.gz"), text_column="text")(["train/7"])
    assert contents.read([0])[0].text == TEXTS[7]


def test_a_large_file_is_read_piece_by_piece(tmp_path):
    text = "text,kind\n" + "".join(f"🐈 {row} miaut,{KINDS[row % 2]}\n" for row in range(200_000))
    (tmp_path / "cats.csv").write_bytes(text.encode("utf-16"))
    source = open_source(str(tmp_path / "cats.csv"), text_column="text")
    assert len(source) == 200_000
    assert source.read([199_999])[0].text == "🐈 199999 miaut"


def test_json_lines_and_files_of_labels_as_powershell_writes_them(tmp_path):
    lines = [
        json.dumps({"text": text, "kind": kind}, ensure_ascii=False)
        for text, kind in zip(TEXTS, KINDS, strict=True)
    ]
    file = tmp_path / "cards.jsonl"
    file.write_bytes(("\r\n".join(lines) + "\r\n").encode("utf-16"))
    source = open_source(str(file))
    assert [one.text for one in source.read([3])] == [TEXTS[3]]
    labels = tmp_path / "labels.csv"
    labels.write_bytes("id,label\r\ntrain/2,naïve\r\n".encode("utf-16"))
    assert read_labels(labels, source).tolist()[:4] == [-1, -1, 0, -1]


def test_damage_is_said_and_not_shown_as_a_trace(tmp_path):
    file = tmp_path / "cards.csv"
    whole = codecs.BOM_UTF16_LE + table().encode("utf-16-le")
    file.write_bytes(whole[:400] + b"\x00\xd8\x00\xd8" + whole[400:])
    with pytest.raises(DataError, match=r"cards\.csv cannot be read as a table"):
        open_source(str(file))


def test_a_table_written_by_polars_with_a_mark_keeps_its_first_name(tmp_path: Path) -> None:
    frame = pl.DataFrame({"text": TEXTS, "kind": KINDS})
    frame.write_csv(tmp_path / "cards.csv", include_bom=True)
    assert open_source(str(tmp_path / "cards.csv")).columns["text"] == "text"
