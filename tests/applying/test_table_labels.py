"""Corrections in files of tables: labels change, every other byte stays, and all can be undone."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import zipfile
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from pyarrow import parquet

from dataparams.applying.apply import apply_plan, undo
from dataparams.applying.compressed_writing import read_decompressed
from dataparams.applying.planning import plan
from dataparams.errors import DataError, RunError
from dataparams.run.source import ContentsOfRun
from dataparams.sources.discarded import DISCARDED
from dataparams.sources.opening import open_source
from made_applied import decide, run_on, tree_of

if TYPE_CHECKING:
    from pathlib import Path

TEXTS = [
    "Where is my card, please?",
    "My new card has not come yet",
    'He said "no" to my transfer',
    "My transfer was declined again",
    "The card was eaten by a machine",
    "A transfer to Spain takes how long",
]
LABELS = ["card", "card", "transfer", "transfer", "card", "transfer"]
ROWS = [f"train/{row}" for row in range(6)]
PIPES = "".join(f"{chr(34) * (row == 9)}pipe {row} of 20\t{row % 2}\n" for row in range(20))


def corrected(tmp_path: Path, file: Path, **columns: object) -> tuple[bytes, bytes]:
    """The bytes of a table before and after row 1 was corrected; the undo is checked as well."""
    before, tree = file.read_bytes(), tree_of(file.parent)
    run = run_on(tmp_path / "run", file, **columns)
    other = next(name for name in run.class_names() if name != run.class_names()[_given(run)])
    decide(run, {"train/1": other})
    apply_plan(plan(run))
    after = file.read_bytes()
    assert not len(plan(run))
    assert ContentsOfRun(run).changed_labels() == []
    again = open_source(str(file), **columns)  # type: ignore[arg-type]
    assert again.class_names[again.labels[1]] == other
    undo(run)
    assert tree_of(file.parent) == tree
    return before, after


def _given(run: object) -> int:
    return int(run.samples()["label"][1])  # type: ignore[attr-defined]


def csv_of(delimiter: str = ",", end: str = "\n", *, quote: bool = False) -> str:
    def cell(text: str) -> str:
        is_special = quote or delimiter in text or '"' in text
        return '"' + text.replace('"', '""') + '"' if is_special else text

    rows = [("text", "label"), *zip(TEXTS, LABELS, strict=True)]
    return "".join(delimiter.join(map(cell, row)) + end for row in rows)


@pytest.mark.parametrize(
    ("delimiter", "end", "quote"),
    [(",", "\n", False), (";", "\r\n", True), ("\t", "\r", False), ("|", "\n", True)],
)
def test_one_cell_of_a_csv_file_changes(
    tmp_path: Path, delimiter: str, end: str, *, quote: bool
) -> None:
    file = tmp_path / "data/texts.csv"
    file.parent.mkdir()
    file.write_bytes(csv_of(delimiter, end, quote=quote).encode())
    before, after = corrected(tmp_path, file)
    between = f'"{delimiter}"' if quote else delimiter
    part = f"come yet{between}".encode()
    assert before.count(part + b"card") == 1
    assert after == before.replace(part + b"card", part + b"transfer")


@pytest.mark.parametrize(
    ("text", "part", "new"),
    [
        # A byte order mark, and a last line that does not end.
        ("\ufefftext,label\nA b c,x\nE f g,x\nI j k,y", "E f g,x", "E f g,y"),
        # What Excel writes to say what is between the columns.
        ("sep=;\r\ntext;label\r\nA b c;x\r\nE f g;x\r\nI j k;y\r\n", "E f g;x", "E f g;y"),
        # Lines within quotes, empty lines between rows, a quote within a cell, the label first.
        ('label,text\nx,"A\nb"\n\nx,"E\r\nf, g"\ny,5" pipe and more\n\n', 'x,"E', 'y,"E'),
        # Quotes that a backslash takes back.
        ('text,label\n"A \\"b\\" c",x\n"E \\"f, g",x\n"I, j k",y\n', 'g",x', 'g",y'),
        # Quotes that are letters.
        (f"text\tlabel\n{PIPES}", "pipe 1 of 20\t1", "pipe 1 of 20\t0"),
        # Numbers and truths as classes, in a spelling of their own.
        ("text,label\nA b c, 1\nE f g, 1\nI j k, 2\nM n o, 2\n", "E f g, 1", "E f g, 2"),
        ("text,label\nA b,True\nE f,True\nI j,FALSE\nM n,FALSE\n", "E f,True", "E f,FALSE"),
    ],
)
def test_dialects_stay_as_they_are(tmp_path: Path, text: str, part: str, new: str) -> None:
    file = tmp_path / "data/texts.csv"
    file.parent.mkdir()
    file.write_bytes(text.encode())
    before, after = corrected(tmp_path, file, text_column="text", label_column="label")
    assert after == before.replace(part.encode(), new.encode())


def test_a_class_without_a_row_in_a_file_is_written_as_its_name(tmp_path: Path) -> None:
    place = tmp_path / "data"
    place.mkdir()
    (place / "train.csv").write_text('text,label\nA b c,"x, y"\nD e f,z\nG h i,"x, y"\n')
    (place / "test.csv").write_text("text,label\nJ k l,z\nM n o,z\n")
    tree = tree_of(place)
    run = run_on(tmp_path / "run", place)
    decide(run, {"test/0": "x, y"})
    apply_plan(plan(run))
    assert (place / "test.csv").read_text() == 'text,label\nJ k l,"x, y"\nM n o,z\n'
    assert tree_of(place)["train.csv"] == tree["train.csv"]
    undo(run)
    assert tree_of(place) == tree


def test_discarded_rows_are_marked_and_are_no_samples_any_more(tmp_path: Path) -> None:
    file = tmp_path / "data/texts.csv"
    file.parent.mkdir()
    file.write_bytes(csv_of(end="\r\n").encode())
    before = file.read_bytes()
    run = run_on(tmp_path / "run", file)
    decide(run, {"train/1": None, "train/2": "card"})
    apply_plan(plan(run))
    lines = file.read_bytes().decode().split("\r\n")
    assert lines[0] == f"text,label,{DISCARDED}"
    assert [line.rpartition(",")[2] for line in lines[1:7]] == ["false", "true", *["false"] * 4]
    assert lines[3] == '"He said ""no"" to my transfer",card,false'
    source = open_source(str(file))
    assert list(source.ids) == ["train/0", *ROWS[2:]]
    assert source.columns == {"text": "text", "label": "label"}
    assert any("discarded" in one.reason and one.count == 1 for one in source.left_out)
    assert ContentsOfRun(run).changed_labels() == []
    assert [str(one.size()) for one in ContentsOfRun(run).read(["train/1"])] == ["28"]
    # Somebody thinks otherwise about it later.
    decide(run, {"train/1": "card"})
    apply_plan(plan(run))
    assert list(open_source(str(file)).ids) == ROWS
    undo(run)
    undo(run)
    assert file.read_bytes() == before


def test_marks_are_no_value_of_a_row(tmp_path: Path) -> None:
    file = tmp_path / "data/rows.csv"
    file.parent.mkdir()
    rows = "".join(f"{row},{row * 7 % 11},{'ab'[row % 2]}\n" for row in range(20))
    file.write_text(f"size,weight,kind\n{rows}")
    run = run_on(tmp_path / "run", file, label_column="kind")
    decide(run, {"train/3": None})
    apply_plan(plan(run))
    again = open_source(str(file), label_column="kind")
    assert DISCARDED not in again.row_columns
    assert len(again) == 19


@pytest.mark.parametrize("ending", ["gz", "bz2", "xz", "zst", "zip"])
def test_compressed_tables_stay_compressed(tmp_path: Path, ending: str) -> None:
    file, data = tmp_path / f"data/texts.csv.{ending}", csv_of().encode()
    file.parent.mkdir()
    if ending == "zip":
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("__MACOSX/._texts.csv", b"of a system")
            archive.writestr("texts.csv", data)
    elif ending == "zst":
        with pa.CompressedOutputStream(str(file), "zstd") as stream:
            stream.write(data)
    else:
        compress = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}[ending]
        file.write_bytes(compress(data))
    _, after = corrected(tmp_path, file)
    copy = tmp_path / f"copy.csv.{ending}"
    copy.write_bytes(after)
    line = b"My new card has not come yet,"
    assert read_decompressed(copy) == data.replace(line + b"card", line + b"transfer")
    if ending == "zip":
        with zipfile.ZipFile(copy) as archive:
            assert archive.read("__MACOSX/._texts.csv") == b"of a system"


def test_one_value_of_a_json_object_changes(tmp_path: Path) -> None:
    file = tmp_path / "data/texts.jsonl"
    file.parent.mkdir()
    lines = [
        '{"text": "Où est ma carte?", "more": {"label": "no"}, "label": "card"}',
        '{"label":"card" , "text":"My {new} \\"card\\", [\\u00e9] ", "more": {"label": "yes"} }',
        "",
        '{"text": "A transfer to Spain", "more": null, "label": "transfer"}',
    ]
    file.write_bytes("\r\n".join(lines).encode())
    before, after = corrected(tmp_path, file, text_column="text", label_column="label")
    assert after == before.replace(b'"label":"card" ', b'"label":"transfer" ')


def test_a_list_of_json_objects_and_marks_in_it(tmp_path: Path) -> None:
    file = tmp_path / "data/texts.json"
    file.parent.mkdir()
    rows = ",\n ".join(
        f'{{"text": "{text}", "label": {row % 2}}}' for row, text in enumerate("abcd")
    )
    file.write_text(f"[{rows}]\n")
    before = file.read_text()
    run = run_on(tmp_path / "run", file, text_column="text")
    decide(run, {"train/1": "0", "train/2": None})
    apply_plan(plan(run))
    expected = before.replace('"b", "label": 1}', '"b", "label": 0}').replace(
        '"c", "label": 0}', f'"c", "label": 0, "{DISCARDED}": true}}'
    )
    assert file.read_text() == expected
    assert list(open_source(str(file), text_column="text").ids) == ["train/0", "train/1", "train/3"]
    undo(run)
    assert file.read_text() == before


@pytest.fixture
def table() -> pa.Table:
    names = pa.array(LABELS).dictionary_encode()
    return pa.table(
        {
            "text": pa.array(TEXTS, pa.large_string()),
            "score": pa.array([1.0, float("nan"), None, 2.0, 3.0, 4.0], pa.float32()),
            "kind": names,
            "kind_id": pa.array([7, 7, 9, 9, 7, 9], pa.int16()),
            "parts": pa.array([[1], [], None, [2, 3], [4], [5]], pa.list_(pa.int8())),
        }
    ).replace_schema_metadata({"made by": "a test"})


def test_a_column_of_parquet_changes_and_its_file_stays_as_it_was_made(
    tmp_path: Path, table: pa.Table
) -> None:
    file = tmp_path / "data/texts.parquet"
    file.parent.mkdir()
    parquet.write_table(
        table,
        file,
        row_group_size=2,
        compression={"text": "zstd", "score": "none", "kind": "gzip", "kind_id": "snappy"},
        use_dictionary=["kind"],
    )
    run = run_on(tmp_path / "run", file, text_column="text", label_column="kind")
    before = file.read_bytes()
    decide(run, {"train/1": "transfer", "train/5": "card", "train/2": None})
    planned = plan(run)
    # Another column that names the same classes would contradict the new labels.
    assert planned.columns == ("kind", "kind_id")
    apply_plan(planned)
    with parquet.ParquetFile(file) as now:
        groups = [now.metadata.row_group(number) for number in range(3)]
        schema, read = now.schema_arrow, now.read()
    assert [group.num_rows for group in groups] == [2, 2, 2]
    assert [groups[0].column(place).compression for place in range(4)] == [
        "ZSTD", "UNCOMPRESSED", "GZIP", "SNAPPY"
    ]  # fmt: skip
    assert [groups[0].column(place).has_dictionary_page for place in range(4)] == [
        False, False, True, False
    ]  # fmt: skip
    assert schema.metadata == {b"made by": b"a test"}
    assert schema.field("kind").type == table.schema.field("kind").type
    assert read["kind"].to_pylist() == ["card", "transfer", "transfer", "transfer", "card", "card"]
    assert read["kind_id"].to_pylist() == [7, 9, 9, 9, 7, 7]
    assert read[DISCARDED].to_pylist() == [False, False, True, False, False, False]
    assert read["parts"].equals(table["parts"])
    assert open_source(str(file), text_column="text", label_column="kind").class_names == (
        "card",
        "transfer",
    )
    undo(run)
    assert file.read_bytes() == before


def test_classes_that_parquet_declares_are_written_as_their_numbers(tmp_path: Path) -> None:
    file = tmp_path / "data/texts.parquet"
    file.parent.mkdir()
    label = {"names": ["card", "cash", "transfer"], "_type": "ClassLabel"}
    features = json.dumps({"info": {"features": {"label": label}}})
    table = pa.table({"text": TEXTS, "label": pa.array([0, 0, 2, 2, 0, 2], pa.int8())})
    parquet.write_table(table.replace_schema_metadata({"huggingface": features}), file)
    run = run_on(tmp_path / "run", file)
    decide(run, {"train/1": "cash"})
    apply_plan(plan(run))
    assert parquet.read_table(file)["label"].to_pylist() == [0, 1, 2, 2, 0, 2]
    source = open_source(str(file))
    assert source.class_names[source.labels[1]] == "cash"


def test_a_class_that_numbers_cannot_name_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "data/texts.csv"
    file.parent.mkdir()
    file.write_text("text,label\nA b c d,1\nE f g h,1\nI j k l,2\nM n o p,2\n")
    before = tree_of(file.parent)
    run = run_on(tmp_path / "run", file)
    run.update_description(class_names=["1", "2", "owl"])
    decide(run, {"train/1": "owl"})
    with pytest.raises(DataError, match="no row of the class 'owl'"):
        apply_plan(plan(run))
    assert tree_of(file.parent) == before
    assert not run.applied_folder.exists()


def test_labels_of_images_in_a_table_of_paths(tmp_path: Path) -> None:
    place = tmp_path / "data"
    (place / "images").mkdir(parents=True)
    for number in range(4):
        (place / f"images/{number}.jpg").write_bytes(f"photo {number}".encode())
    file = place / "labels.csv"
    rows = "".join(f"images/{number}.jpg,{'ab'[number % 2]}\n" for number in range(4))
    file.write_text(f"file,label\n{rows}")
    before, after = corrected(tmp_path, file, image_column="file")
    assert after == before.replace(b"1.jpg,b", b"1.jpg,a")


def test_a_row_that_moved_or_got_another_label_is_named(tmp_path: Path) -> None:
    file = tmp_path / "data/texts.csv"
    file.parent.mkdir()
    file.write_text(csv_of())
    run = run_on(tmp_path / "run", file)
    decide(run, {"train/1": "transfer"})
    planned = plan(run)
    lines = csv_of().splitlines(keepends=True)
    file.write_text("".join([lines[0], "One more row of text,card\n", *lines[1:]]))
    with pytest.raises(RunError, match=r"not what .* judged \(train/1\)"):
        apply_plan(planned)
    file.write_text(
        csv_of().replace(
            "My new card has not come yet,card", "My new card has not come yet,transfer"
        )
    )
    assert plan(run).notes == (f"1 label in {file} are as decided already.",)
    file.write_text(
        csv_of().replace("My new card has not come yet,card", "My new card has not come yet,other")
    )
    with pytest.raises(RunError, match=r"another label than when they were judged \(train/1\)"):
        plan(run)


def test_undo_refuses_a_table_that_somebody_edited_since(tmp_path: Path) -> None:
    file = tmp_path / "data/texts.csv"
    file.parent.mkdir()
    file.write_text(csv_of())
    run = run_on(tmp_path / "run", file)
    decide(run, {"train/1": "transfer"})
    apply_plan(plan(run))
    after = file.read_text()
    file.write_text(after + "One more row of text,card\n")
    with pytest.raises(RunError, match="changed by somebody else since"):
        undo(run)
    file.write_text(after)
    undo(run)
    assert file.read_text() == csv_of()


def test_a_link_to_a_table_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "data").mkdir()
    real, link = tmp_path / "store/texts.csv", tmp_path / "data/texts.csv"
    real.write_text(csv_of())
    link.symlink_to(real)
    run = run_on(tmp_path / "run", link)
    decide(run, {"train/1": "transfer"})
    apply_plan(plan(run))
    assert link.is_symlink()
    assert "My new card has not come yet,transfer" in real.read_text()
    undo(run)
    assert real.read_text() == csv_of()
