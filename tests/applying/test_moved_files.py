"""Corrections of an image folder: files move, none is overwritten, and all can be undone."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from dataparams.applying.apply import apply_plan, finish, undo
from dataparams.applying.planning import plan
from dataparams.cleaning.changes import changes_of_run
from dataparams.decisions.carrying import carry_decisions
from dataparams.errors import RunError
from dataparams.run.source import ContentsOfRun
from dataparams.sources.opening import open_source
from made_applied import decide, run_on, tree_of

if TYPE_CHECKING:
    from pathlib import Path

    from dataparams.run.folder import RunFolder


def photo(file: Path, word: str) -> None:
    """A file that is an image by its name; its bytes are all that identity looks at."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(word.encode())


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    place = tmp_path / "data/photos"
    for name in ("cat", "dog", "owl"):
        for number in range(3):
            photo(place / name / f"{number}.jpg", f"{name}{number}")
    photo(place / "cat/far/away/9.jpg", "deep")
    return place


@pytest.fixture
def run(tmp_path: Path, photos: Path) -> RunFolder:
    return run_on(tmp_path / "run", photos)


def files_of(tree: dict[str, str]) -> list[str]:
    """The contents of all files, whatever their names."""
    return sorted(told for told in tree.values() if told != "folder")


def words(contents: list[Any]) -> list[bytes]:
    """What contents hold."""
    return [one.loaded().encoded() for one in contents]


def applied(run: RunFolder) -> None:
    apply_plan(plan(run))


def test_files_move_to_their_class_and_come_back_byte_for_byte(
    run: RunFolder, photos: Path
) -> None:
    before = tree_of(photos.parent)
    decide(run, {"cat/0.jpg": "dog", "cat/far/away/9.jpg": "owl", "dog/2.jpg": None})
    applied(run)
    assert (photos / "dog/0-2.jpg").read_text() == "cat0"
    assert (photos / "dog/0.jpg").read_text() == "dog0"
    assert (photos / "owl/far/away/9.jpg").read_text() == "deep"
    aside = photos.parent / "discarded_by_dataparams/photos"
    assert (aside / "dog/2.jpg").read_text() == "dog2"
    assert files_of(tree_of(photos.parent)) == files_of(before)
    undo(run)
    assert tree_of(photos.parent) == before
    with pytest.raises(RunError, match="nothing to undo"):
        undo(run)


def test_after_it_the_run_finds_its_samples_and_says_what_they_were(
    run: RunFolder, photos: Path
) -> None:
    decide(run, {"cat/0.jpg": "dog", "dog/2.jpg": None})
    changes = changes_of_run(run)
    applied(run)
    ids = run.samples()["id"].to_list()
    contents = dict(zip(ids, words(ContentsOfRun(run).read(ids)), strict=True))
    assert (contents["cat/0.jpg"], contents["dog/2.jpg"]) == (b"cat0", b"dog2")
    assert ContentsOfRun(run).changed_labels() == []
    assert changes_of_run(run).equals(changes)
    assert changes.select("id", "old_label", "new_label", "action", "who").rows() == [
        ("cat/0.jpg", "cat", "dog", "relabel", "ann"),
        ("dog/2.jpg", "dog", None, "discard", "ann"),
    ]
    assert not len(plan(run))


def test_what_was_discarded_is_no_class_and_no_sample(run: RunFolder, photos: Path) -> None:
    decide(run, {"dog/2.jpg": None})
    applied(run)
    source = open_source(str(photos))
    assert source.class_names == ("cat", "dog", "owl")
    assert "dog/2.jpg" not in list(source.ids)
    above = photos.parent / "more"
    above.mkdir()
    photos.rename(above / "cats")
    (photos.parent / "discarded_by_dataparams").rename(above / "discarded_by_dataparams")
    photo(above / "dogs/1.jpg", "x")
    nested = open_source(str(above))
    assert nested.class_names == ("cats", "dogs")
    assert any("discarded by dataparams" in one.reason for one in nested.left_out)


def test_decisions_come_along_to_an_audit_of_the_corrected_data(
    run: RunFolder, photos: Path, tmp_path: Path
) -> None:
    decide(run, {"cat/0.jpg": "dog", "owl/1.jpg": "owl"})
    applied(run)
    again = run_on(tmp_path / "again", photos)
    assert carry_decisions(run, again).carried == 2
    assert not len(plan(again))


def test_a_change_of_mind_moves_the_same_file_again(run: RunFolder, photos: Path) -> None:
    before = tree_of(photos)
    decide(run, {"cat/0.jpg": "dog", "dog/2.jpg": None})
    applied(run)
    decide(run, {"cat/0.jpg": "cat", "dog/2.jpg": "owl"})
    applied(run)
    assert (photos / "cat/0.jpg").read_text() == "cat0"
    assert (photos / "owl/2-2.jpg").read_text() == "dog2"
    undo(run)
    assert (photos / "dog/0-2.jpg").read_text() == "cat0"
    undo(run)
    assert tree_of(photos) == before


def test_disputed_and_skipped_samples_stay(run: RunFolder) -> None:
    decide(run, {"cat/0.jpg": "dog", "cat/1.jpg": "dog"})
    decide(run, {"cat/0.jpg": "owl"}, annotator="bob")
    assert plan(run).changes["id"].to_list() == ["cat/1.jpg"]


def test_splits_keep_their_own_class_folders(tmp_path: Path) -> None:
    place = tmp_path / "photos"
    for split, classes in (("train", ("cat", "dog")), ("val", ("cat",))):
        for name in classes:
            for number in range(2):
                photo(place / split / name / f"{number}.jpg", f"{split}{name}{number}")
    run = run_on(tmp_path / "run", place)
    before = tree_of(tmp_path / "photos")
    decide(run, {"val/cat/0.jpg": "dog", "train/dog/1.jpg": None})
    applied(run)
    assert (place / "val/dog/0.jpg").read_text() == "valcat0"
    assert (tmp_path / "discarded_by_dataparams/photos/train/dog/1.jpg").is_file()
    undo(run)
    assert tree_of(place) == before
    assert not (tmp_path / "discarded_by_dataparams").exists()


def test_names_that_differ_in_capitals_alone_count_as_the_same(tmp_path: Path) -> None:
    place = tmp_path / "photos"
    for name, word in (
        ("cat/A.jpg", "1"),
        ("cat/b.jpg", "2"),
        ("dog/a.JPG", "3"),
        ("dog/c.jpg", "4"),
    ):
        photo(place / name, word)
    run = run_on(tmp_path / "run", place)
    decide(run, {"cat/A.jpg": "dog"})
    applied(run)
    assert sorted(file.name for file in (place / "dog").iterdir()) == ["A-2.jpg", "a.JPG", "c.jpg"]


def test_links_lead_where_they_led(tmp_path: Path) -> None:
    place = tmp_path / "photos"
    for number in range(2):
        photo(place / "cat" / f"{number}.jpg", f"cat{number}")
        photo(place / "dog" / f"{number}.jpg", f"dog{number}")
    photo(tmp_path / "shared/x.jpg", "shared")
    (place / "cat/link.jpg").symlink_to("../../shared/x.jpg")
    (place / "cat/other.jpg").symlink_to("../../shared/x.jpg")
    os.link(place / "dog/0.jpg", place / "cat/hard.jpg")
    run = run_on(tmp_path / "run", place)
    before = tree_of(tmp_path / "photos")
    decide(run, {"cat/link.jpg": "dog", "cat/other.jpg": None, "cat/hard.jpg": "dog"})
    applied(run)
    assert (place / "dog/link.jpg").is_symlink()
    assert (place / "dog/link.jpg").read_text() == "shared"
    assert (tmp_path / "discarded_by_dataparams/photos/cat/other.jpg").read_text() == "shared"
    assert (place / "dog/hard.jpg").samefile(place / "dog/0.jpg")
    undo(run)
    assert tree_of(tmp_path / "photos") == before


def test_a_folder_that_two_classes_share_by_a_link_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "photos"
    for name in ("cat/1.jpg", "dog/1.jpg"):
        photo(place / name, name)
    (place / "pet").symlink_to("cat")
    run = run_on(tmp_path / "run", place)
    decide(run, {"cat/1.jpg": "dog"})
    with pytest.raises(RunError, match="one folder, to which a link leads"):
        plan(run)


def test_a_sample_that_changed_or_went_is_named(run: RunFolder, photos: Path) -> None:
    decide(run, {"cat/0.jpg": "dog", "cat/1.jpg": "dog"})
    photo(photos / "cat/0.jpg", "another")
    with pytest.raises(RunError, match=r"not what .* judged \(cat/0.jpg\)"):
        plan(run)
    photo(photos / "cat/0.jpg", "cat0")
    (photos / "cat/1.jpg").unlink()
    with pytest.raises(RunError, match=r"cannot be read \(cat/1.jpg"):
        plan(run)
    assert not run.applied_folder.exists()


def test_a_folder_that_may_only_be_read_is_named(
    run: RunFolder, photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decide(run, {"cat/0.jpg": "dog"})
    # Who runs the tests may be allowed everything.
    monkeypatch.setattr(os, "access", lambda folder, _: folder != photos / "dog")
    with pytest.raises(RunError, match="dog cannot be written to"):
        plan(run)


def test_a_file_in_the_place_of_a_class_folder_is_named(run: RunFolder, photos: Path) -> None:
    decide(run, {"cat/0.jpg": "dog"})
    planned = plan(run)
    (photos / "dog").rename(photos / "gone")
    (photos / "dog").write_text("no folder")
    with pytest.raises(RunError, match="dog is no folder"):
        apply_plan(planned)


def test_all_samples_in_one_class_are_refused(tmp_path: Path) -> None:
    place = tmp_path / "photos"
    for name in ("cat/1.jpg", "dog/1.jpg"):
        photo(place / name, name)
    run = run_on(tmp_path / "run", place)
    decide(run, {"cat/1.jpg": "dog"})
    with pytest.raises(RunError, match="All samples would be of one class"):
        plan(run)


def test_undo_refuses_where_somebody_changed_files_since(run: RunFolder, photos: Path) -> None:
    decide(run, {"cat/0.jpg": "dog", "cat/1.jpg": "owl"})
    applied(run)
    photo(photos / "dog/0-2.jpg", "edited")
    with pytest.raises(RunError, match=r"changed since they were moved \(dog/0-2.jpg\)"):
        undo(run)
    photo(photos / "dog/0-2.jpg", "cat0")
    photo(photos / "cat/1.jpg", "new")
    with pytest.raises(RunError, match=r"Other files lie where .*cat/1.jpg"):
        undo(run)
    (photos / "cat/1.jpg").unlink()
    (photos / "owl/1-2.jpg").rename(photos / "owl/else.jpg")
    with pytest.raises(RunError, match=r"gone from .*owl/1-2.jpg"):
        undo(run)
    assert finish(run) is None
    (photos / "owl/else.jpg").rename(photos / "owl/1-2.jpg")
    undo(run)
    assert (photos / "cat/0.jpg").read_text() == "cat0"


def test_data_that_moved_are_found_where_they_are_said_to_be(
    run: RunFolder, photos: Path, tmp_path: Path
) -> None:
    before = tree_of(photos)
    decide(run, {"cat/0.jpg": "dog", "dog/2.jpg": None})
    applied(run)
    photos.parent.rename(tmp_path / "moved")
    with pytest.raises(RunError, match="`data=PATH`"):
        undo(run)
    moved = tmp_path / "moved/photos"
    read = ContentsOfRun(run, str(moved)).read(["cat/0.jpg", "dog/2.jpg"])
    assert words(read) == [b"cat0", b"dog2"]
    undo(run, str(moved))
    assert tree_of(moved) == before
    assert not (tmp_path / "moved/discarded_by_dataparams").exists()


def test_a_copy_of_the_data_as_they_were_is_read_as_well(
    run: RunFolder, photos: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    for file in photos.rglob("*.jpg"):
        photo(copy / file.relative_to(photos), file.read_text())
    decide(run, {"cat/2.jpg": "dog"})
    applied(run)
    assert words(ContentsOfRun(run, str(copy)).read(["cat/2.jpg"])) == [b"cat2"]


def test_labels_made_wrong_on_purpose_and_data_of_programs_are_refused(run: RunFolder) -> None:
    decide(run, {"cat/0.jpg": "dog"})
    description = run.description()
    run.update_description(source={**description["source"], "is_kept": True})
    with pytest.raises(
        RunError, match=r"given its samples and labels by a program.*dataparams export"
    ):
        plan(run)
    run.update_description(source={**description["source"], "name": "owner/pets"})
    with pytest.raises(RunError, match=r"owner/pets, which is no file or folder here.*export"):
        plan(run)
    run.update_description(source={**description["source"], "name": "digits"})
    with pytest.raises(RunError, match=r"digits, which is no file"):
        plan(run)
