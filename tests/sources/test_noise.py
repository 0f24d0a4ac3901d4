"""Injected label noise and labels from files."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dataparams.errors import DataError, UserError
from dataparams.sources.label_choice import LABEL_NAMES
from dataparams.sources.label_file import KEEP, read_labels
from dataparams.sources.noise import corrupt_labels, corrupt_source, require_noise
from dataparams.sources.source import Source
from dataparams.sources.splits import split_rows
from dataparams.sources.text_column import TextColumn
from dataparams.training.preparation import PreparationProgress, prepare_data
from dataparams.training.source_settings import SourceSettings
from made_contents import ListedContents

NAMES = ("cat", "dog", "horse")


@st.composite
def label_sets(draw):
    num_classes = draw(st.integers(2, 7))
    labels = draw(st.lists(st.integers(0, num_classes - 1), max_size=60))
    return torch.tensor(labels, dtype=torch.int64), num_classes


ARGUMENTS = {"given_labels": label_sets(), "fraction": st.floats(0, 1), "seed": st.integers(0, 99)}


@settings(max_examples=60, deadline=None)
@given(kind=st.sampled_from(["swap", "symmetric", "pairflip"]), **ARGUMENTS)
def test_truth_is_kept_and_at_most_the_fraction_changes(kind, given_labels, fraction, seed):
    labels, num_classes = given_labels
    before = labels.clone()
    noisy = corrupt_labels(labels, kind=kind, fraction=fraction, num_classes=num_classes, seed=seed)
    again = corrupt_labels(labels, kind=kind, fraction=fraction, num_classes=num_classes, seed=seed)
    assert torch.equal(labels, before)
    assert torch.equal(noisy.true_labels, before)
    assert torch.equal(noisy.is_corrupted, noisy.labels != before)
    assert torch.equal(noisy.labels, again.labels)
    chosen = round(fraction * len(labels))
    if kind == "swap":
        assert torch.equal(noisy.labels.sort().values, before.sort().values)
        assert int(noisy.is_corrupted.sum()) <= chosen
    else:
        assert int(noisy.is_corrupted.sum()) == chosen
        assert noisy.labels.numel() == 0 or int(noisy.labels.min()) >= 0
        assert noisy.labels.numel() == 0 or int(noisy.labels.max()) < num_classes
    if kind == "pairflip":
        wrong = noisy.is_corrupted
        assert torch.equal(noisy.labels[wrong], (before[wrong] + 1) % num_classes)


def test_swap_leaves_few_labels_right_by_chance():
    labels = torch.arange(10_000) % 10
    noisy = corrupt_labels(labels, kind="swap", fraction=0.4, num_classes=10, seed=1)
    # Of 4,000 chosen, a tenth keeps its class: 400 +- 3 x 19.
    assert 3540 < int(noisy.is_corrupted.sum()) < 3660


def test_symmetric_reaches_every_other_class_alike():
    labels = torch.zeros(9000, dtype=torch.int64)
    noisy = corrupt_labels(labels, kind="symmetric", fraction=1.0, num_classes=4, seed=1)
    counts = torch.bincount(noisy.labels, minlength=4).tolist()
    assert counts[0] == 0
    assert all(2800 < count < 3200 for count in counts[1:])


def test_the_global_random_state_plays_no_part():
    labels = torch.arange(100) % 5
    torch.manual_seed(1)
    state = torch.get_rng_state()
    corrupt_labels(labels, kind="swap", fraction=0.5, num_classes=5, seed=3)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("fraction", [-0.1, 1.1, float("nan")])
def test_a_fraction_out_of_range_is_refused(fraction):
    with pytest.raises(UserError, match=r"`rand_fraction` is .*; expected a share, 0"):
        corrupt_labels(torch.zeros(3), kind="swap", fraction=fraction, num_classes=2, seed=0)


def test_what_is_chosen_stays_what_it_was():
    labels = torch.arange(12) % 3
    found = {
        kind: corrupt_labels(labels, kind=kind, fraction=0.5, num_classes=3, seed=7).labels.tolist()
        for kind in ("swap", "symmetric", "pairflip")
    }
    assert found == {
        "swap": [2, 1, 2, 1, 1, 0, 0, 0, 2, 0, 1, 2],
        "symmetric": [2, 1, 2, 2, 2, 0, 0, 2, 2, 1, 1, 2],
        "pairflip": [1, 1, 2, 1, 2, 0, 0, 2, 2, 1, 1, 2],
    }


def source_of(ids, labels, names=NAMES, train_rows=None):
    return Source(
        kind="list",
        place="/somewhere/pets",
        name="pets",
        class_names=names,
        ids=TextColumn(ids),
        labels=torch.tensor(labels),
        train_rows=train_rows,
        contents=ListedContents([]),
    )


ROWS = range(108)
IDS = [f"{NAMES[row % 3]}/{row:03}.png" for row in ROWS]
WANTED = [(row * 7 + row // 5) % 3 for row in ROWS]
SHUFFLED = random.Random(0).sample(ROWS, 108)  # noqa: S311


def pets(train_rows=None):
    """108 samples of 3 classes."""
    return source_of(IDS, [row % 3 for row in ROWS], train_rows=train_rows)


def one_of_each():
    """Three samples: cat/a.png, dog/a.png and horse/b.png."""
    return source_of(["cat/a.png", "dog/a.png", "horse/b.png"], [0, 1, 2])


def table_of(rows=SHUFFLED, **columns):
    """Labels of some rows, and what each of some columns says of a row."""
    return pl.DataFrame(
        {name: [say(row) for row in rows] for name, say in columns.items()}
        | {"label": [NAMES[WANTED[row]] for row in rows]}
    )


def written(folder, text, name="labels.csv"):
    path = folder / name
    path.write_text(text)
    return path


# --- noise by a rule -----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["swap", "symmetric", "pairflip"])
def test_rows_of_a_source_get_the_labels_that_the_rule_gives_them(kind):
    rows = torch.tensor([4, 0, 17, 80, 3])
    noisy = corrupt_source(pets(), rows, kind, 0.6, seed=3)
    labels = pets().labels[rows]
    plain = corrupt_labels(labels, kind=kind, fraction=0.6, num_classes=3, seed=3)
    assert torch.equal(noisy.labels, plain.labels)
    assert torch.equal(noisy.true_labels, labels)
    assert noisy.unused == 0


def test_an_unknown_noise_is_refused_with_the_nearest():
    with pytest.raises(UserError, match=r"`noise` is 'symetric'.*Did you mean 'symmetric'"):
        corrupt_source(pets(), torch.arange(108), "symetric", 0.1, seed=0)


def test_an_unknown_noise_is_refused_before_the_data_also_where_it_would_change_nothing():
    with pytest.raises(UserError, match=r"`noise` is 'symetric'.*Did you mean 'symmetric'"):
        prepare_data(SourceSettings("nowhere"), noise="symetric")


def test_a_fraction_beside_a_file_is_refused_before_anything_is_read():
    message = '`rand_fraction` is 0.3.*`noise="file:nowhere.csv"`.*Leave out `rand_fraction`'
    with pytest.raises(UserError, match=message):
        require_noise("file:nowhere.csv", 0.3)
    with pytest.raises(UserError, match=message):
        prepare_data(SourceSettings("nowhere"), noise="file:nowhere.csv", rand_fraction=0.3)
    with pytest.raises(UserError, match=message):
        corrupt_source(pets(), torch.arange(108), "file:nowhere.csv", 0.3, seed=0)


# --- which sample a row of a file means ----------------------------------------------------------


@pytest.mark.parametrize(
    "columns",
    [
        {"id": IDS.__getitem__},
        {" File_Name ": IDS.__getitem__},
        {"index": int},
        {"Index": lambda row: f" {row}.0"},
        {"id": IDS.__getitem__, "index": int},
        {"path": lambda row: "./" + IDS[row]},
        {"file": lambda row: IDS[row].replace("/", "\\")},
        {"file": lambda row: "/somewhere/pets/" + IDS[row]},
        {"filename": lambda row: IDS[row].partition("/")[2]},
        {"image": lambda row: "../elsewhere/" + IDS[row]},
        {"id": lambda row: 7000 + row, "path": IDS.__getitem__},
    ],
    ids=lambda columns: " ".join(columns),
)
@pytest.mark.parametrize("suffix", ["csv", "tsv", "parquet"])
def test_shuffled_rows_give_each_sample_its_label(tmp_path, columns, suffix):
    path = tmp_path / f"labels.{suffix}"
    table = table_of(**columns)
    if suffix == "parquet":
        table.write_parquet(path)
    else:
        table.write_csv(path, separator="," if suffix == "csv" else "\t")
    noisy = corrupt_source(pets(), torch.arange(108), f"file:{path}", 0.0, seed=0)
    assert noisy.labels.tolist() == WANTED
    assert noisy.true_labels.tolist() == pets().labels.tolist()
    assert noisy.is_corrupted.tolist() == [row % 3 != WANTED[row] for row in ROWS]
    assert noisy.unused == 0


def test_of_labels_for_the_whole_source_those_of_the_training_share_are_used(tmp_path):
    path = tmp_path / "labels.csv"
    rows, rest = split_rows(pets(), 0.25, seed=0)
    for table in (table_of(ROWS), table_of(id=IDS.__getitem__)):
        table.write_csv(path)
        noisy = corrupt_source(pets(), rows, f"file:{path}", 0.0, seed=0)
        assert noisy.labels.tolist() == [WANTED[row] for row in rows.tolist()]
        assert noisy.unused == len(rest) == 27


def test_without_ids_rows_are_those_of_the_source_or_of_its_training_split(tmp_path):
    path = tmp_path / "labels.csv"
    table_of(range(80)).write_csv(path)
    np.save(tmp_path / "labels.npy", np.array(WANTED[:80], dtype=np.uint8))
    for file in (path, tmp_path / "labels.npy"):
        labels = read_labels(file, pets(train_rows=80))
        assert labels.dtype == torch.int64
        assert labels.tolist() == WANTED[:80] + [KEEP] * 28
        with pytest.raises(DataError, match="has 80 labels; expected 108, one for each sample"):
            read_labels(file, pets())
        with pytest.raises(DataError, match=r"expected 108, .*, or 90, one for each of its train"):
            read_labels(file, pets(train_rows=90))


SOME = st.lists(st.integers(0, 107), unique=True, min_size=1, max_size=20)


@settings(max_examples=40, deadline=None)
@given(rows=SOME, seed=st.integers(0, 99), by=st.sampled_from(["id", "index", "file"]))
def test_the_order_of_rows_changes_nothing_and_others_keep_their_labels(
    tmp_path_factory, rows, seed, by
):
    path = tmp_path_factory.getbasetemp() / "some.csv"
    say = {"id": IDS.__getitem__, "index": int, "file": lambda row: IDS[row].partition("/")[2]}[by]
    given_labels = []
    for order in (rows, random.Random(seed).sample(rows, len(rows))):  # noqa: S311
        table_of(order, **{by: say}).write_csv(path)
        given_labels.append(read_labels(path, pets()).tolist())
    assert given_labels[0] == given_labels[1]
    assert given_labels[0] == [WANTED[row] if row in rows else KEEP for row in ROWS]
    noisy = corrupt_source(pets(), torch.arange(108), f"file:{path}", 0.0, seed=0)
    others = [row for row in ROWS if row not in rows]
    assert torch.equal(noisy.labels[others], noisy.true_labels[others])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "id,index,label\ncat/a.png,0,cat\ndog/a.png,2,dog\n",
            r"Row 1 \(the first is 0\) .* 'id' 'dog/a.png' is .*, but 'index' '2' is 'horse/b.png'",
        ),
        (
            "id,path,label\ncat/a.png,dog/a.png,cat\n",
            "Row 0 .* contradicts itself: 'id' 'cat/a.png' .* 'path' 'dog/a.png'",
        ),
        (
            "id,label\ncat/a.png,cat\ndog/a.png,dog\n./cat/a.png,horse\n",
            "Rows 0 and 2 .* the sample 'cat/a.png', with the labels 'cat' and 'horse'",
        ),
        ("index,label\n1,cat\n1,cat\n", "Rows 0 and 1 .* 'dog/a.png', with the label 'cat'"),
        (
            "id,label\ncat/a.png,cat\nhorse/c.png,dog\n1,dog\n2,dog\n3,dog\n",
            "4 of 5 values .* 'id' .* 'horse/c.png', '1', '2' and 1 more. .* is 'horse/b.png'",
        ),
        ("file,label\na.png,cat\n", "1 of 1 values .* nearest to 'a.png' is 'cat/a.png'"),
        ("id,label\n0,cat\n", "call the column 'index'"),
        ("id,label\n,cat\n", "1 of 1 values of the column 'id' .* ''"),
        ("index,label\n3,cat\n", r"Row 0 .* the index '3'; expected 0 \.\.\. 2"),
        ("index,label\n0,cat\n-1,cat\n", "Row 1 .* the index '-1'"),
        ("index,label\n,cat\n", "Row 0 .* the index ''"),
        ("index,label\n0.5,cat\n", "Row 0 .* the index '0.5'"),
        ("label\ncat\n", "has 1 labels; expected 3, .* To name some only, add a column 'id'"),
        ("name,label\ndog/a.png,cat\ncat/a.png,cat\nhorse/b.png,dog\n", "Call .* 'id'"),
        (",label\n2,cat\n0,cat\n1,dog\n", "column '' has .* another order. Call .* 'index'"),
    ],
)
def test_files_that_do_not_say_which_samples_are_meant(tmp_path, text, message):
    with pytest.raises(DataError, match=message):
        read_labels(written(tmp_path, text), one_of_each())


def test_by_position_beside_columns_that_say_the_same(tmp_path):
    path = written(tmp_path, ",name,label\n0,cat/a.png,dog\n1,dog/a.png,dog\n2,horse/b.png,cat\n")
    assert read_labels(path, one_of_each()).tolist() == [1, 1, 0]


def test_numbers_of_another_database_are_not_taken_for_rows_of_a_table(tmp_path):
    source = source_of([f"train/{row}" for row in range(3)], [0, 1, 2])
    path = written(tmp_path, "id,label\n2,cat\n0,cat\n1,dog\n")
    with pytest.raises(DataError, match="3 of 3 values of the column 'id'"):
        read_labels(path, source)


# --- which class a label means -------------------------------------------------------------------


@pytest.mark.parametrize("name", [*LABEL_NAMES, " Label ", "CLASS"])
def test_columns_of_labels(tmp_path, name):
    path = written(tmp_path, f"{name},score\nhorse,1\n1,2\n0.0,3\n")
    assert read_labels(path, one_of_each()).tolist() == [2, 1, 0]


@pytest.mark.parametrize("header", ["label,class", "label,label", "Label, label ,y"])
def test_several_columns_of_labels_are_refused(tmp_path, header):
    row = ",".join(["cat"] * (header.count(",") + 1))
    path = written(tmp_path, f"{header}\n{row}\n")
    with pytest.raises(DataError, match=r"several columns of labels: '[Ll]abel', ' ?(class|label)"):
        read_labels(path, one_of_each())


@pytest.mark.parametrize(
    ("names", "labels", "wanted"),
    [
        (("cat", "cat ", "dog"), ["cat ", "cat", " dog "], [1, 0, 2]),
        (("cat ", "dog", "horse"), ["cat", "cat ", "1"], [0, 0, 1]),
        (("1", "10", "2"), ["1", "2", "10"], [0, 2, 1]),
        (("01", "02", "03"), ["3", "02", "1.0"], [2, 1, 0]),
        (("2", "1", "0"), ["0", "1", "2"], [2, 1, 0]),
        (("false", "true", "x"), [True, False, True], [1, 0, 1]),
        (("a", "b", "c"), [2.0, 0.0, 1.0], [2, 0, 1]),
        (("a", "b", "c"), [2, 0, 1], [2, 0, 1]),
    ],
)
def test_names_come_before_numbers(tmp_path, names, labels, wanted):
    source = source_of(["train/0", "train/1", "train/2"], [0, 1, 2], names)
    table = pl.DataFrame({"label": labels})
    table.write_csv(tmp_path / "labels.csv")
    table.write_parquet(tmp_path / "labels.parquet")
    assert read_labels(tmp_path / "labels.csv", source).tolist() == wanted
    assert read_labels(tmp_path / "labels.parquet", source).tolist() == wanted


def test_categories_and_images_in_parquet(tmp_path):
    path = tmp_path / "labels.parquet"
    kind = pl.Enum(["horse", "dog", "cat"])
    images = [{"bytes": b"x", "path": "dog/a.png"}] * 3
    table = pl.DataFrame({"image": images, "label": pl.Series(["dog", "cat", "dog"], dtype=kind)})
    table.write_parquet(path)
    assert read_labels(path, one_of_each()).tolist() == [1, 0, 1]


@pytest.mark.parametrize(
    ("names", "text", "message"),
    [
        (NAMES, "label\ncat\ncat\nhosre\n", "Row 2 .* label 'hosre'.*Did you mean 'horse'"),
        (NAMES, "label\ncat\nDOG\ncat\n", "Row 1 .* label 'DOG'.*Did you mean 'dog'"),
        (NAMES, "label\ncat\ncat\n3\n", r"Row 2 .* label '3'; expected .* number 0 \.\.\. 2"),
        (NAMES, "label\n-1\ncat\ncat\n", "Row 0 .* label '-1'"),
        (NAMES, "label\n0.5\ncat\ncat\n", "Row 0 .* label '0.5'"),
        (NAMES, "index,label\n0,cat\n1,\n", "Row 1 .* has no label; expected one. Leave out"),
        (NAMES, "index,label\n0, \n", "Row 0 .* has no label"),
        (NAMES, "index,label\n", "has no rows"),
        (NAMES, "index,species\n1,cat\n", "the columns 'index', 'species'; expected one named"),
        (NAMES, "", "cannot be read as text"),
        (NAMES, "index,label\n1,cat,4\n", "cannot be read as text"),
        (("1", "2", "3"), "label\n0\n1\n2\n", "Row 0 .* label '0'.*named by numbers here"),
        (("cat ", " cat", "x"), "label\ncat\nx\nx\n", "Row 0 .* label 'cat'"),
    ],
)
def test_files_whose_labels_are_no_classes(tmp_path, names, text, message):
    source = source_of(["train/0", "train/1", "train/2"], [0, 1, 2], names)
    with pytest.raises(DataError, match=message):
        read_labels(written(tmp_path, text), source)


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.array([0, 1]), "has 2 labels; expected 3"),
        (np.array([[0, 1, 2]]), r"has shape \(1, 3\)"),
        (np.array([0.0, 1.0, 2.0]), "holds float64; expected one array of integers"),
        (np.array([0, 1, 3]), "Row 2 .* label 3"),
        (np.array([0, -1, 2]), "Row 1 .* label -1"),
        (np.array([0, 1, 2**64 - 1], dtype=np.uint64), "Row 2 .* label 18446744073709551615"),
        (np.array([{}, 1, 2], dtype=object), "cannot be read as a NumPy file"),
    ],
)
def test_npy_that_cannot_be_used(tmp_path, array, message):
    path = tmp_path / "labels.npy"
    np.save(path, array, allow_pickle=True)
    with pytest.raises(DataError, match=message):
        read_labels(path, one_of_each())


def test_files_that_are_no_files_of_labels(tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        read_labels(tmp_path / "none.csv", one_of_each())
    with pytest.raises(DataError, match="is no file"):
        read_labels(tmp_path, one_of_each())
    with pytest.raises(DataError, match=r"ends in '.txt'; expected \.npy, \.csv, \.tsv or \.parq"):
        read_labels(written(tmp_path, "0", "labels.txt"), one_of_each())
    with pytest.raises(DataError, match="cannot be read as Parquet"):
        read_labels(written(tmp_path, "0", "labels.parquet"), one_of_each())
    (tmp_path / "latin.csv").write_bytes(b"label\nK\xe4fer\n")
    with pytest.raises(DataError, match="cannot be read as text in UTF-8"):
        read_labels(tmp_path / "latin.csv", one_of_each())


def test_csv_as_spreadsheets_write_it(tmp_path):
    path = tmp_path / "labels.csv"
    path.write_bytes('\ufeff"id","label"\r\n"dog/a.png","cat"\r\n'.encode())
    assert read_labels(path, one_of_each()).tolist() == [KEEP, 0, KEEP]
    path.write_text("id;label\ndog/a.png;cat\n")
    with pytest.raises(DataError, match="the columns 'id;label'; expected"):
        read_labels(path, one_of_each())


# --- the whole way -------------------------------------------------------------------------------


def test_labels_of_samples_that_are_not_trained_on_are_said_to_be_unused(tmp_path):
    rows = "".join(f"digits/{row},{row % 10}\n" for row in range(1797))
    path = written(tmp_path, f"id,label\n{rows}")
    lines: list[str] = []
    progress = PreparationProgress(on_line=lines.append)
    data = prepare_data(SourceSettings("digits"), noise=f"file:{path}", progress=progress)
    assert data.truth.labels.tolist() == (data.dataset.train.index % 10).tolist()
    unused = len(data.dataset.val)
    wrong = int(data.truth.is_corrupted.sum())
    assert f"{wrong:,} of 1,618 labels to train on are not as in the data." in lines[-2]
    assert lines[-1].endswith(
        f"has {unused} labels for samples that are not trained on; they are not used."
    )


def test_a_data_set_made_in_python_takes_labels_by_id_too(tmp_path):
    whole = prepare_data(SourceSettings("digits")).dataset
    made = replace(whole, source=None)
    first, second = made.train.ids[3], made.val.ids[0]
    path = written(tmp_path, f"id,label\n{second},1\n{first},9\n")
    data = prepare_data(SourceSettings("digits"), made, noise=f"file:{path}")
    assert data.truth.unused == 1
    assert int(data.truth.labels[3]) == 9
    assert data.truth.labels[:3].tolist() == made.train.labels[:3].tolist()
