"""What is understood of an image folder: splits, classes, and what is left out."""

from __future__ import annotations

import os
import socket
import tempfile
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataparams.contents import image_files
from dataparams.errors import DataError
from dataparams.sources.folder import open_folder, require_images

PETS = ("cat/1.png", "cat/2.jpg", "dog/1.png")
TRAIN = ("train/cat/1.png", "train/cat/2.jpg", "train/dog/1.png")
VAL = ("val/cat/1.png", "val/dog/1.png")


def make(root: Path, *files: str) -> Path:
    """Files of one byte; a name that ends with a slash is that of an empty folder."""
    root.mkdir(parents=True, exist_ok=True)
    for name in files:
        path = root / name
        if name.endswith("/"):
            path.mkdir(parents=True)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"x")
    return root


def left_out(source) -> dict[str, list[str]]:
    assert all(group.count == len(group.names) for group in source.left_out)
    return {group.reason: list(group.names) for group in source.left_out}


def refused(path: Path) -> str:
    with pytest.raises(DataError) as caught:
        open_folder(path)
    return str(caught.value)


def test_what_a_folder_is(tmp_path):
    source = open_folder(make(tmp_path / "my pets!", *PETS, "cat-2/1.png", "dog/deep/er/z.PNG"))
    assert (source.kind, source.name) == ("image folder", "my-pets")
    assert source.place == str((tmp_path / "my pets!").resolve())
    assert source.class_names == ("cat", "cat-2", "dog")
    ids = ["cat-2/1.png", "cat/1.png", "cat/2.jpg", "dog/1.png", "dog/deep/er/z.PNG"]
    assert list(source.ids) == sorted(ids) == ids
    assert source.labels.tolist() == [1, 0, 0, 2, 2]
    assert (source.train_rows, source.split_names) == (None, ())
    assert (source.left_out, source.notes) == ((), ())
    assert source.read([3])[0].encoded() == b"x"
    assert source.contents.sizes().tolist() == [1] * 5


# --- splits --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("train", "val"),
    [
        ("train", "val"),
        ("Train", "Validation"),
        ("training_set", "test_set"),
        ("Training Data", "testing"),
        ("train", "dev"),
        ("train", "hold-out"),
        ("train", "valid_v2"),
        ("train2017", "val2017"),
        ("pets_train", "pets_eval"),
    ],
)
def test_spellings_of_splits(tmp_path, train, val):
    make(tmp_path / train, *PETS)
    source = open_folder(make(tmp_path / val, "cat/3.png", "dog/3.png").parent)
    assert source.split_names == (train, val)
    assert source.class_names == ("cat", "dog")
    assert source.train_rows == 3
    ids = [f"{train}/cat/1.png", f"{train}/cat/2.jpg", f"{train}/dog/1.png"]
    assert list(source.ids) == [*ids, f"{val}/cat/3.png", f"{val}/dog/3.png"]
    assert source.labels.tolist() == [0, 0, 1, 0, 1]


@pytest.mark.parametrize(
    "name", ["test", "unlabeled", "unsup", "extra", "masks", "Test Images", "backup"]
)
def test_a_flat_folder_beside_a_training_split_is_no_class(tmp_path, name):
    source = open_folder(make(tmp_path, *TRAIN, f"{name}/1.png", f"{name}/2.png"))
    assert source.class_names == ("cat", "dog")
    assert (source.train_rows, source.split_names) == (None, ("train",))
    reason = f"in {name}, which has none of the class folders of train"
    assert left_out(source) == {reason: [f"{name}/1.png", f"{name}/2.png"]}


@pytest.mark.parametrize("inner", ["unknown", "test", "0"])
def test_a_test_folder_whose_one_folder_is_no_class(tmp_path, inner):
    source = open_folder(make(tmp_path, *TRAIN, f"test/{inner}/1.png"))
    assert source.class_names == ("cat", "dog")
    reason = "in test, which has none of the class folders of train"
    assert left_out(source) == {reason: [f"test/{inner}/1.png"]}


def test_validation_goes_before_test_unless_it_has_no_classes(tmp_path):
    source = open_folder(make(tmp_path / "a", *TRAIN, *VAL, "test/cat/1.png", "test/dog/a.txt"))
    assert source.split_names == ("train", "val")
    assert left_out(source) == {
        "in test: val is used instead": ["test/cat/1.png"],
        "no image by its extension": ["test/dog/a.txt"],
    }
    source = open_folder(make(tmp_path / "b", *TRAIN, "val/1.png", "test/cat/1.png"))
    assert source.split_names == ("train", "test")
    assert left_out(source) == {
        "in val, which has none of the class folders of train": ["val/1.png"]
    }


def test_copies_of_a_split_are_left_out(tmp_path):
    files = ("train_extra/cat/1.png", "backup/cat/1.png", "train/stray.png", "readme.png")
    assert left_out(open_folder(make(tmp_path, *TRAIN, *VAL, *files))) == {
        "in train_extra: train is used instead": ["train_extra/cat/1.png"],
        "in backup, which is not named like a split": ["backup/cat/1.png"],
        "in no class folder": ["readme.png", "train/stray.png"],
    }


@pytest.mark.parametrize("names", [("train", "test"), ("train", "unlabeled"), ("val", "Test")])
def test_splits_without_classes_are_refused(tmp_path, names):
    message = refused(make(tmp_path, *(f"{name}/1.png" for name in names)))
    assert "named like splits, but none to train on with two or more class folders" in message
    assert f"{names[0]} with 1 image directly in it" in message
    assert "Expected train/<class>/<image>" in message


def test_splits_of_which_none_is_to_train_on(tmp_path):
    message = refused(make(tmp_path, *VAL, "test/cat/1.png", "test/dog/1.png"))
    assert "test with the folders cat, dog in it; val with the folders cat, dog in it" in message
    assert f"give one of these folders alone: {tmp_path / 'test'}" in message


@pytest.mark.parametrize(
    "names",
    [("test", "control"), ("dev", "ops"), ("train", "plane", "boat"), ("test", "tram", "plane")],
)
def test_classes_that_are_named_like_splits(tmp_path, names):
    source = open_folder(make(tmp_path, *(f"{name}/1.png" for name in names)))
    assert source.class_names == tuple(sorted(names))
    (note,) = source.notes
    assert "a class, though named like a split" in note


def test_what_is_named_unlabeled_is_no_class_beside_two(tmp_path):
    classes = ("cat/1.png", "dog/1.png")
    source = open_folder(make(tmp_path / "flat", *classes, "Unlabelled/1.png", "Unlabelled/2.png"))
    assert (source.class_names, source.notes) == (("cat", "dog"), ())
    (unlabeled,) = source.left_out
    assert unlabeled.reason == "in Unlabelled, whose name says that it has no labels"
    assert list(unlabeled.names) == ["Unlabelled/1.png", "Unlabelled/2.png"]
    source = open_folder(make(tmp_path / "deep", *classes, "unsup/a/1.png", "unsup/b/1.png"))
    assert (source.class_names, source.notes) == (("cat", "dog"), ())
    assert sum(one.count for one in source.left_out) == 2
    # Of two folders no other is a class: whoever gives them means both.
    source = open_folder(make(tmp_path / "both", "labeled/1.png", "unlabeled/1.png"))
    assert source.class_names == ("labeled", "unlabeled")


def test_a_class_named_train_with_one_folder_in_it(tmp_path):
    source = open_folder(make(tmp_path, "train/1.png", "train/steam/2.png", "plane/1.png"))
    assert source.class_names == ("plane", "train")
    assert len(source) == 3


def test_classes_of_one_split_only(tmp_path):
    source = open_folder(make(tmp_path, *TRAIN, "val/cat/1.png", "val/emu/1.png", "val/fox/1.png"))
    assert source.class_names == ("cat", "dog", "emu", "fox")
    assert source.notes == (
        "1 class has images in train, but none in val: dog.",
        "2 classes have images in val, but none in train: emu, fox.",
    )


# --- a level too high or too low -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "meant"),
    [
        (("data/cat/1.png", "data/dog/1.png", "readme.txt"), "data"),
        (("a/b/c/cat/1.png", "a/b/c/dog/1.png"), "a/b/c"),
        (("data/train/cat/1.png", "data/val/cat/1.png"), "data"),
        (("train/train/cat/1.png", "train/train/dog/1.png"), "train/train"),
        (("train/img/cat/1.png", "train/img/dog/1.png", "val/img/cat/1.png"), "train/img"),
    ],
)
def test_the_classes_are_below(tmp_path, files, meant):
    message = refused(make(tmp_path, *files))
    assert "has images of one class only" in message
    assert f"give {tmp_path / meant} instead" in message


@pytest.mark.parametrize(
    ("files", "given", "meant"),
    [
        (PETS, "cat", "."),
        ((*PETS, "cat/deep/1.png"), "cat", "."),
        ((*TRAIN, *VAL), "train/cat", "."),
    ],
)
def test_the_classes_are_above(tmp_path, files, given, meant):
    message = refused(make(tmp_path / "pets", *files) / given)
    assert "images of one class only" in message or "no images in class folders" in message
    assert "directly in it" in message
    assert f"If cat is one class of several, give {tmp_path / 'pets' / meant} instead." in message


def test_images_without_class_folders(tmp_path):
    message = refused(make(tmp_path / "photos", "1.png", "2.png", "3.jpg"))
    assert "Found files: 2 .png, 1 .jpg; 3 images directly in it; folders: none." in message
    assert message.endswith("Put the images of each class into a folder of its own.")


def test_nested_classes_are_one_class_and_a_note_says_so(tmp_path):
    source = open_folder(make(tmp_path, "animals/cat/1.jpg", "animals/dog/1.jpg", "plants/a/1.jpg"))
    assert source.class_names == ("animals", "plants")
    (note,) = source.notes
    assert "all of that class (animals: cat, dog)" in note
    assert f"give {tmp_path / 'animals'} instead" in note


# --- wrong input ---------------------------------------------------------------------------------


def test_folders_that_hold_no_classes(tmp_path, monkeypatch):
    monkeypatch.setattr("dataparams.sources.file_kinds.can_read_heic", lambda: False)
    expected = "has no images in class folders; expected <class>/<image>"
    message = refused(make(tmp_path / "empty"))
    assert expected in message
    assert message.endswith("The folder is empty.")
    message = refused(make(tmp_path / "text", "README.md", "notes/a.txt"))
    assert expected in message
    assert "Found files: 1 .md, 1 .txt; folders: notes; passed over: no image by" in message
    message = refused(make(tmp_path / "one", "cat/1.png", "dog/1.heic"))
    assert "images of one class only (cat)" in message
    assert "needs pillow-heif" in message
    with pytest.raises(DataError, match="no images in class folders"):
        require_images(tmp_path / "text")
    require_images(tmp_path / "one")


def test_a_folder_whose_own_name_is_not_utf8(tmp_path):
    message = refused(make(Path(os.fsdecode(os.fsencode(tmp_path) + b"/p\xe9ts")), *PETS))
    assert message.endswith("p?ts is not valid UTF-8. Rename it.")


# --- what is left out ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("a.txt", "no image by its extension"),
        ("README", "no image by its extension"),
        (
            "a.HEIC",
            'HEIC image, which needs pillow-heif: pip install "dataparams[heic]" brings it',
        ),
        (
            "a.heif",
            'HEIC image, which needs pillow-heif: pip install "dataparams[heic]" brings it',
        ),
        ("a.CR2", "image of a format that is not read; convert it to JPEG or PNG"),
        ("a.svg", "image of a format that is not read; convert it to JPEG or PNG"),
        ("a.MOV", "video"),
        (".a.png", "hidden file"),
        ("Thumbs.db", "left behind by a system"),
        (".DS_Store", "left behind by a system"),
        ("._a.png", "left behind by a system"),
    ],
)
def test_files_that_are_passed_over(tmp_path, monkeypatch, name, reason):
    monkeypatch.setattr("dataparams.sources.file_kinds.can_read_heic", lambda: False)
    make(tmp_path, *PETS, name, f"cat/{name}", f"cat/deep/{name}")
    assert left_out(open_folder(tmp_path)) == {
        reason: sorted([name, f"cat/{name}", f"cat/deep/{name}"])
    }


def test_heic_is_read_where_its_package_is(tmp_path, monkeypatch):
    monkeypatch.setattr("dataparams.sources.file_kinds.can_read_heic", lambda: True)
    source = open_folder(make(tmp_path, "cat/1.HEIC", "cat/2.heif", "dog/1.hif"))
    assert source.labels.tolist() == [0, 0, 1]
    assert source.left_out == ()
    assert sorted(image_files.HEIC_EXTENSIONS) == [".heic", ".heif", ".hif"]


@pytest.mark.parametrize(
    "name",
    ["@eaDir", "#recycle", "$RECYCLE.BIN", "System Volume Information", "__MACOSX", "lost+found"],
)
def test_system_folders_are_no_classes(tmp_path, name):
    make(tmp_path, *PETS, f"{name}/1.png", f"cat/{name}/a.png/1.jpg")
    source = open_folder(tmp_path)
    assert source.class_names == ("cat", "dog")
    reason = "folder of a system or storage device"
    assert left_out(source) == {reason: sorted([f"{name}/", f"cat/{name}/"])}


def test_hidden_folders_are_named(tmp_path):
    source = open_folder(make(tmp_path, *PETS, ".git/1.png", "cat/.old/1.png"))
    assert left_out(source) == {"hidden folder": [".git/", "cat/.old/"]}


def test_what_is_no_file_is_never_opened(tmp_path, monkeypatch):
    make(tmp_path, *PETS)
    os.mkfifo(tmp_path / "cat" / "pipe.png")
    (tmp_path / "cat" / "link.png").symlink_to("pipe.png")
    monkeypatch.chdir(tmp_path / "dog")
    with socket.socket(socket.AF_UNIX) as one:
        one.bind("socket.jpg")
    (tmp_path / "cat" / "null.gif").symlink_to("/dev/null")
    (tmp_path / "cat" / "gone.png").symlink_to("nowhere.png")
    (tmp_path / "cat" / "loop.png").symlink_to("loop.png")
    (tmp_path / "cat" / "good.png").symlink_to("1.png")
    source = open_folder(tmp_path)
    assert list(source.ids) == ["cat/1.png", "cat/2.jpg", "cat/good.png", "dog/1.png"]
    assert left_out(source) == {
        "named pipe, socket or device, which is not opened": [
            *("cat/link.png", "cat/null.gif", "cat/pipe.png", "dog/socket.jpg")
        ],
        "link that leads nowhere": ["cat/gone.png", "cat/loop.png"],
    }


def test_folders_that_cannot_be_read(tmp_path, monkeypatch):
    make(tmp_path, *PETS, "emu/1.png", "cat/deep/1.png")
    scandir = os.scandir

    def deny(path):
        if Path(path).name in denied:
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", deny)
    denied = {"emu", "deep"}
    source = open_folder(tmp_path)
    reason = "folder that cannot be read (Permission denied)"
    assert left_out(source) == {reason: ["cat/deep/", "emu/"]}
    denied = {"emu", "dog"}
    assert reason in refused(tmp_path)
    denied = {tmp_path.name}
    assert "cannot be read (Permission denied)" in refused(tmp_path)


def test_names_that_are_not_utf8(tmp_path):
    make(tmp_path, *PETS)
    for name in (b"cat/caf\xe9.png", b"caf\xe9/1.png", b"dog/\xff/1.png", b"dog/\xff/a.txt"):
        path = os.path.join(os.fsencode(tmp_path), name)  # noqa: PTH118 - of bytes
        os.makedirs(os.path.dirname(path), exist_ok=True)  # noqa: PTH103, PTH120
        Path(os.fsdecode(path)).write_bytes(b"x")
    source = open_folder(tmp_path)
    assert list(source.ids) == list(PETS)
    assert left_out(source) == {
        "with a name, or in a folder with a name, that is not valid UTF-8; rename it": [
            *("caf?/1.png", "cat/caf?.png", "dog/?/1.png")
        ],
        "no image by its extension": ["dog/?/a.txt"],
    }
    assert source.notes == ("1 class folder has no image that can be read: caf?.",)


def test_links_are_followed_once_in_a_class(tmp_path):
    make(tmp_path / "pets", *PETS, "cat/deep/1.png")
    make(tmp_path / "elsewhere", "1.png", "2.png")
    (tmp_path / "pets" / "cat" / "again").symlink_to("deep")
    (tmp_path / "pets" / "cat" / "up").symlink_to("..")
    (tmp_path / "pets" / "emu").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "pets" / "fox").symlink_to("emu")
    source = open_folder(tmp_path / "pets")
    assert source.class_names == ("cat", "dog", "emu", "fox")
    assert [name for name in source.ids if name.startswith(("cat", "fox"))] == [
        *("cat/1.png", "cat/2.jpg", "cat/deep/1.png", "fox/1.png", "fox/2.png")
    ]
    assert left_out(source) == {"link to a folder that is read already": ["cat/again/", "cat/up/"]}


def test_class_folders_without_images_are_named(tmp_path):
    source = open_folder(make(tmp_path, *PETS, "emu/", "fox/a.txt", "gnu/deep/"))
    assert source.class_names == ("cat", "dog")
    assert source.notes == ("3 class folders have no image that can be read: emu, fox, gnu.",)


@pytest.mark.parametrize(
    "names",
    [
        ("Cat", "cat"),
        ("cat", "cat "),
        ("tabby cat", "tabby  Cat"),
        (unicodedata.normalize("NFD", "café"), "café"),
    ],
)
def test_classes_that_are_written_alike(tmp_path, names):
    first, second = sorted(names)
    make(tmp_path, "dog/1.png", f"{first}/1.png", f"{second}/1.png", f"{second}/2.png")
    if len(list(tmp_path.iterdir())) < 3:
        pytest.skip("the file system takes these names for one")
    source = open_folder(tmp_path)
    assert len(source.class_names) == 3
    (note,) = source.notes
    assert f"{first!r} (1 image), {second!r} (2 images) differ only in case, in spaces" in note


def test_splits_whose_classes_are_written_alike(tmp_path):
    source = open_folder(make(tmp_path, *TRAIN, "val/Cat/1.png", "val/dog/1.png"))
    assert source.split_names == ("train", "val")
    assert any("'Cat' (1 image), 'cat' (2 images) differ only" in note for note in source.notes)


# --- all is either a sample or left out ----------------------------------------------------------

FOLDERS = st.sampled_from(
    ["train", "val", "test", "unlabeled", "cat", "dog", "Cat", "data", ".old", "@eaDir", "emu"]
)
FILES = st.sampled_from(
    ["1.png", "2.JPG", "3.jpeg", "a.txt", ".a.png", "Thumbs.db", "b.mp4", "c.nef", "README"]
)
PATHS = st.builds(
    lambda folders, file: "/".join([*folders, file]), st.lists(FOLDERS, max_size=4), FILES
)
BASES = st.sampled_from([(), PETS, TRAIN, (*TRAIN, *VAL), ("emu/1.png", *VAL)])
TREES = st.builds(lambda base, files: {*base, *files}, BASES, st.sets(PATHS, max_size=15))


@settings(max_examples=150, deadline=None)
@given(TREES)
def test_every_file_is_a_sample_or_left_out(files):
    with tempfile.TemporaryDirectory() as folder:
        root = make(Path(folder), *files)
        try:
            source = open_folder(root)
        except DataError:
            return
    ids = list(source.ids)
    names = [name for group in source.left_out for name in group.names]
    assert len(set(ids)) == len(ids)
    assert len(set(names)) == len(names)
    hidden = tuple(name for name in names if name.endswith("/"))
    unseen = {name for name in files if hidden and name.startswith(hidden)}
    assert sorted([*ids, *(set(names) - set(hidden)), *unseen]) == sorted(files)
    above = {f"{name}/" for name in source.split_names} or {""}
    for name, label in zip(ids, source.labels.tolist(), strict=True):
        (split,) = (split for split in above if name.startswith(split))
        assert name.removeprefix(split).partition("/")[0] == source.class_names[label]
    train_rows = len(ids) if source.train_rows is None else source.train_rows
    assert ids[:train_rows] == sorted(ids[:train_rows])
    assert ids[train_rows:] == sorted(ids[train_rows:])


def test_splits_with_a_folder_between_them_and_their_classes_are_refused(tmp_path):
    files = [
        f"{split}/{split}/{name}/1.png"
        for split in ("seg_train", "seg_test")
        for name in ("cat", "dog")
    ]
    message = refused(make(tmp_path, *files, "seg_pred/1.png"))
    assert "(seg_test/seg_test, seg_train/seg_train)" in message
    assert "Move the class folders up" in message


def test_flat_splits_are_no_classes_whatever_lies_beside_them(tmp_path):
    files = [f"{name}/1.png" for name in ("train", "val", "unlabeled", "other/x")]
    assert "train with 1 image directly in it" in refused(make(tmp_path, *files))


def test_splits_below_the_classes_are_said(tmp_path):
    files = [f"{name}/1.png" for name in ("cat/train", "cat/val", "dog/train", "dog/val")]
    (note,) = open_folder(make(tmp_path, *files)).notes
    assert "Splits are looked for above the classes (train/cat), not below" in note
