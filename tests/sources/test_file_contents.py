"""Images in files of their own, by names that may be a stranger's."""

from __future__ import annotations

import os
import pickle

import pytest

from dataparams.contents.content import UnreadableContentError
from dataparams.sources.folder import FileContents
from dataparams.sources.text_column import TextColumn


@pytest.fixture
def pets(tmp_path):
    for name in ("cat/1.png", "cat/deep/2.heic", "cat/.hidden.png", "top.png", "cat/a.txt"):
        (tmp_path / "pets" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "pets" / name).write_bytes(name.encode())
    return tmp_path / "pets"


def test_files_are_read_when_they_are_looked_at(pets, monkeypatch):
    contents = FileContents(pets, TextColumn(["cat/1.png", "cat/deep/2.heic", "cat/gone.png"]))
    assert len(contents) == 3
    assert contents.sizes().tolist() == [9, 15, -1]
    again = pickle.loads(pickle.dumps(contents))  # noqa: S301
    gone, second, first = again.read([2, 1, 0])
    assert str(gone) == "the file is missing"
    assert (first.file, first.encoded()) == (str(pets / "cat" / "1.png"), b"cat/1.png")
    (pets / "cat" / "deep" / "2.heic").unlink()
    with pytest.raises(UnreadableContentError, match="the file is missing"):
        second.encoded()


@pytest.mark.parametrize(
    "name",
    [
        "",
        "top.png",
        "/cat/1.png",
        "cat//1.png",
        "cat/../cat/1.png",
        "../pets/cat/1.png",
        "./cat/1.png",
        "cat/.hidden.png",
        ".old/1.png",
        "cat/a.txt",
        "cat/1.png/",
        "cat/\0.png",
        "/etc/passwd",
    ],
)
def test_what_is_no_plain_path_of_an_image_has_no_content(pets, name):
    contents = FileContents(pets, [name, "cat/1.png"])
    wrong, right = contents.read([0, 1])
    assert isinstance(wrong, UnreadableContentError)
    assert str(wrong) == "the source has no image of this id"
    assert right.encoded() == b"cat/1.png"
    assert contents.sizes().tolist() == [-1, 9]


def test_names_that_were_listed_are_looked_up_no_more(pets):
    contents = FileContents(pets, ["cat/1.png", "cat/gone.png"], is_listed=True)
    assert contents.sizes().tolist() == [9, -1]
    first, gone = contents.read([0, 1])
    assert first.encoded() == b"cat/1.png"
    with pytest.raises(UnreadableContentError, match="the file is missing"):
        gone.encoded()


def test_a_named_pipe_is_not_opened(pets):
    os.mkfifo(pets / "cat" / "pipe.png")
    (pets / "cat" / "folder.png").mkdir()
    for content in FileContents(pets, ["cat/pipe.png", "cat/folder.png"]).read([0, 1]):
        assert isinstance(content, UnreadableContentError)
        assert str(content) == "it is not a file"
