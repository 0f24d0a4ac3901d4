"""What the review server tells those who look around: the map of all, lists, why nothing is."""

from __future__ import annotations

import io
import os
import re
from importlib.resources import files
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from dataparams.health.findings import Finding, HealthFindings, findings_table, write_findings
from dataparams.review.application import renewable
from dataparams.review.feature_map import make_map, short_points
from dataparams.review.guarding import Guard
from dataparams.review.layout import layout
from dataparams.review.own_process import OwnProcess
from dataparams.review.saved_filters import MOST_SAVED, SavedFilter, SavedFilters
from dataparams.review.schemas import QueueQuery
from dataparams.review.similar import nearest_of
from dataparams.run.features import RunFeatures
from dataparams.run.folder import RunFolder
from made_features import WIDTH, featured, features_of
from made_reports import ColoredContents
from made_reviews import LOCAL, client_of, decisions_of, made_review

COPIES = Finding("exact_duplicates", [10, 28, 91], 1.0, "The same three times.", [0, 1])
FINDINGS = (
    Finding("duplicates_with_different_labels", [91, 4], 0.9, "The same under two labels.", [0, 1]),
    COPIES,
    Finding("exact_duplicates", [13, 16], 1.0, "The same twice."),
    Finding("dark", [22], 0.8, "It is dark."),
    Finding("dark", [99_999], 0.7, "It is of a sample that the analysis lacks."),
)


def write_health(folder):
    folder.mkdir(exist_ok=True)
    kinds = ("duplicates_with_different_labels", "exact_duplicates", "dark", "blurry")
    findings = HealthFindings(findings_table(FINDINGS), kinds, {"leakage": "There is one split."})
    write_findings(RunFolder(folder), findings)


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    """A run with features and findings, its map made."""
    folder = tmp_path_factory.mktemp("seen") / "run"
    write_health(folder)
    review = made_review(folder, changed=featured(folder))
    client = client_of(review)
    assert review.feature_map.points(60.0) is not None
    while client.get("/api/map").json()["state"] == "making":
        review.feature_map._making.result(60)
    yield SimpleNamespace(folder=folder, review=review, client=client)
    review.close()


@pytest.fixture
def plain(tmp_path):
    """A run without features, in which nobody looked for findings."""
    review = made_review(tmp_path / "run")
    yield SimpleNamespace(review=review, client=client_of(review), folder=tmp_path / "run")
    review.close()


def queue(client, **query):
    return client.get("/api/queue", params={"decision": "any", **query})


def indices(client, **query):
    return [one["index"] for one in queue(client, **query).json()["samples"]]


# --- the map of all ------------------------------------------------------------------------------


def clouds(count, classes=5):
    labels = np.arange(count) % classes
    features = features_of(labels)
    return labels, short_points(RunFeatures(np.arange(count), lambda places: features[places]))


def share_of_own(places, labels):
    """How many of the nearest on the map are of the same class."""
    places = places.astype(np.float64)
    apart = ((places[:, None] - places[None]) ** 2).sum(axis=2)
    np.fill_diagonal(apart, np.inf)
    return float((labels[apart.argmin(axis=1)] == labels).mean())


def test_what_the_model_sees_as_alike_lies_together():
    labels, points = clouds(120)
    heard: list[float] = []
    places = layout(points, on_progress=heard.append)
    assert places.dtype == np.uint16
    assert places.max() == 65_535
    assert share_of_own(places, labels) > 0.95
    assert heard == sorted(heard)
    assert heard[-1] == 1.0
    assert np.array_equal(places, layout(points))


def test_of_many_samples_some_are_laid_out_and_the_others_put_beside_them():
    labels, points = clouds(400)
    places = layout(points, most=100)
    assert share_of_own(places, labels) > 0.95


@pytest.mark.parametrize("count", [1, 2, 7, 8])
def test_a_few_samples_and_samples_that_are_all_the_same_have_places(count):
    assert layout(np.ones((count, 3), dtype=np.float16)).shape == (count, 2)
    assert layout(np.eye(8, dtype=np.float16)[:count]).shape == (count, 2)


def test_the_map_tells_each_sample_and_is_kept(seen):
    answer = seen.client.get("/api/map").json()
    assert (answer["state"], answer["share"]) == ("ready", 1.0)
    data = seen.client.get("/api/map/points").content
    count = len(seen.review.samples)
    assert len(data) == 13 * count
    index, label = np.frombuffer(data, "<u4", 2 * count).reshape(2, count)
    places = np.frombuffer(data, "<u2", 2 * count, 8 * count).reshape(2, count).T
    category = np.frombuffer(data, "u1", count, 12 * count)
    assert np.array_equal(index, seen.review.samples.index)
    assert np.array_equal(label, seen.review.samples.label)
    assert np.array_equal(category, seen.review.samples.category)
    assert share_of_own(places, label) > 0.9
    (kept,) = (seen.folder / "review_cache").glob("layout_*/positions.npy")
    before = kept.stat().st_mtime_ns
    again = made_review(seen.folder, changed=featured(seen.folder))
    assert client_of(again).get("/api/map").json()["state"] == "ready"
    assert kept.stat().st_mtime_ns == before
    again.close()


def test_a_part_of_the_map_begins_where_it_is_asked_to(seen):
    count = len(seen.review.samples)
    assert len(seen.client.get("/api/map/points", params={"start": count - 3}).content) == 39
    assert seen.client.get("/api/map/points", params={"start": count + 5}).content == b""


def test_what_a_filter_wants_is_told_by_a_bit_for_each(seen):
    bits = seen.client.get("/api/map/wanted", params={"label": 1}).content
    mask = np.unpackbits(np.frombuffer(bits, "u1"), bitorder="little")
    assert np.array_equal(mask[: len(seen.review.samples)] == 1, seen.review.samples.label == 1)


@pytest.mark.parametrize("name", ["positions.npy", "points.npy"])
def test_a_map_that_is_damaged_is_made_anew(tmp_path, name):
    folder = tmp_path / "run"
    review = made_review(folder, changed=featured(folder))
    index = np.sort(review.samples.index)
    place = folder / "review_cache" / review.feature_map.folder_name
    make_map(RunFolder(folder), index, place)
    (place / name).write_bytes(b"no array")
    assert review.feature_map.points(60.0) is not None
    if name == "positions.npy":
        assert review.feature_map.state().state == "making"
        review.feature_map._making.result(60)
    assert review.feature_map.state().state == "ready"
    review.close()


def test_without_features_the_page_is_told_why_there_is_no_map(plain):
    answer = plain.client.get("/api/map").json()
    assert answer["state"] == "none"
    assert "no features" in answer["words"]
    assert plain.client.get("/api/map/points").status_code == 404
    assert plain.client.get("/api/run").json()["has_features"] is False


def test_a_review_warns_where_the_features_of_its_audit_are_gone(tmp_path):
    folder = tmp_path / "run"
    review = made_review(folder, changed=featured(folder))
    told = client_of(review).get("/api/run").json()["warnings"]
    assert not any("no map" in one for one in told)
    review.close()
    (folder / "features.npy").unlink()
    again = made_review(folder)
    *_, warning = client_of(again).get("/api/run").json()["warnings"]
    assert "no map of all samples" in warning
    assert "audit command" in warning
    again.close()


def test_features_that_are_gone_are_told_and_tried_again(tmp_path):
    folder = tmp_path / "run"
    review = made_review(folder, changed=featured(folder))
    client = client_of(review)
    assert client.get("/api/run").json()["has_features"] is True
    kept = folder / "features.npy"
    kept.rename(folder / "elsewhere.npy")
    client.get("/api/map")
    with pytest.raises(Exception, match="no longer there"):
        review.feature_map._making.result(60)
    answer = client.get("/api/map").json()
    assert answer["state"] == "failed"
    assert "no longer there" in answer["words"]
    (folder / "elsewhere.npy").rename(kept)
    client.get("/api/map", params={"again": True})
    review.feature_map._making.result(60)
    assert client.get("/api/map").json()["state"] == "ready"
    review.close()


def doubled(number, on_progress):
    on_progress(0.5)
    return 2 * number


def test_how_far_another_process_is_can_be_heard():
    heard: list[float] = []
    own = OwnProcess("the double")
    assert own.run_told(heard.append, doubled, 4) == 8
    assert heard == [0.5]
    own.close()


# --- similar samples -----------------------------------------------------------------------------


def test_the_nearest_come_first_and_the_sample_before_them():
    _, points = clouds(60)
    near = nearest_of(points, 7, 10)
    cosines = points.astype(np.float32) @ points[7].astype(np.float32)
    assert near[0] == 7
    assert np.all(np.diff(cosines[near[1:]]) <= 0)
    assert set(near) == set(np.argsort(-cosines, kind="stable")[:10])


def test_samples_like_one_are_a_list_that_is_paged_in_its_order(seen):
    label = seen.review.samples.label
    for index in seen.review.samples.index[[0, 25, -1]].tolist():
        near = indices(seen.client, near=index)
        assert near[0] == index
        assert sorted(near) == sorted(seen.review.samples.index)
        own = label[seen.review.samples.ranks_of(near[:6])]
        assert (own == own[0]).mean() > 0.8
        paged = near[:1]
        while more := indices(seen.client, near=index, after=paged[-1], limit=7):
            paged += more
        assert paged == near
    some = indices(seen.client, near=1, label=1)
    assert some == [one for one in indices(seen.client, near=1) if one in set(some)]
    assert queue(seen.client, near=10**6).status_code == 404


def test_without_features_similar_samples_are_refused_with_the_reason(plain):
    answer = queue(plain.client, near=1)
    assert answer.status_code == 422
    assert "no features" in answer.json()["detail"]


# --- confusions and findings ---------------------------------------------------------------------


def test_a_confusion_counts_what_its_filter_finds(seen):
    cells = seen.client.get("/api/confusions").json()
    assert cells
    assert [one["count"] for one in cells] == sorted((one["count"] for one in cells), reverse=True)
    for cell in cells:
        query = {"label": cell["label"], "suggested": cell["suggested"]}
        found = queue(seen.client, category=["hard", "review"], **query).json()
        assert found["total"] == cell["count"]


def test_findings_are_listed_by_kind_and_open_as_lists(seen):
    told = seen.client.get("/api/findings").json()
    found = {one["kind"]: (one["findings"], one["samples"]) for one in told["kinds"]}
    assert found == {
        "duplicates_with_different_labels": (1, 2),
        "exact_duplicates": (2, 5),
        "dark": (1, 1),
        "blurry": (0, 0),
    }
    assert told["not_checked"] == [
        {"words": "the same in two splits", "why": "There is one split."}
    ]
    copies = seen.client.get("/api/findings/exact_duplicates").json()
    assert [one["sentence"] for one in copies] == ["The same three times.", "The same twice."]
    first = copies[0]["number"]
    assert indices(seen.client, finding=first) == list(COPIES.samples)
    one = seen.client.get(f"/api/finding/{first}").json()
    assert (one["is_one_thing"], one["next"]) == (True, copies[1]["number"])
    assert seen.client.get(f"/api/finding/{copies[1]['number']}").json()["next"] is None
    assert sorted(indices(seen.client, found="exact_duplicates")) == [10, 13, 16, 28, 91]
    (dark,) = seen.client.get("/api/findings/dark").json()
    assert dark["is_one_thing"] is False


@pytest.mark.parametrize("query", [{"finding": 99}, {"finding": -1}, {"found": "no; such"}])
def test_findings_that_are_none_are_refused(seen, query):
    assert queue(seen.client, **query).status_code in (404, 422)


def test_where_nobody_looked_there_are_no_findings(plain):
    assert plain.client.get("/api/findings").json() is None
    assert plain.client.get("/api/findings/dark").json() == []
    assert plain.client.get("/api/finding/0").status_code == 404
    assert queue(plain.client, finding=0).status_code == 404


def test_a_damaged_file_of_findings_stops_no_review(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "health.parquet").write_bytes(b"PAR1 no table")
    review = made_review(folder)
    assert client_of(review).get("/api/findings").json() is None
    review.close()


# --- named filters -------------------------------------------------------------------------------


def test_filters_with_a_name_are_kept_for_everybody(plain):
    body = {
        "run": plain.review.key,
        "name": "<b>",
        "address": "label=0",
        "annotator": "ann",
    }
    (kept,) = plain.client.post("/api/filters", json=body).json()
    assert kept == {"name": "<b>", "address": "label=0", "annotator": "ann"}
    again = plain.client.post("/api/filters", json=body | {"address": "label=1"}).json()
    assert [one["address"] for one in again] == ["label=1"]
    other = made_review(plain.folder)
    assert client_of(other).get("/api/filters").json() == again
    other.close()
    gone = {"run": plain.review.key, "name": "<b>"}
    assert plain.client.post("/api/filters/forget", json=gone).json() == []
    assert plain.client.post("/api/filters/forget", json=gone).json() == []
    assert plain.client.post("/api/filters", json=body | {"run": "other"}).status_code == 409


def test_filters_are_bounded_and_what_is_damaged_is_passed_over(tmp_path):
    saved = SavedFilters(tmp_path)
    (tmp_path / "0.json").write_text("{")
    (tmp_path / "1.json").write_text('{"name": 1, "address": "", "annotator": ""}')
    (tmp_path / "2.json").write_text("[]")
    for number in range(MOST_SAVED):
        saved.save(SavedFilter(f"{number}", "", "ann"))
        if number == 2:
            assert [one.name for one in saved.all()] == ["0", "1", "2"]
    with pytest.raises(Exception, match="remove one first"):
        saved.save(SavedFilter("one more", "", "ann"))


# --- pictures with all their pixels --------------------------------------------------------------


def test_pictures_come_with_all_their_pixels_and_are_not_kept(tmp_path):
    review = made_review(tmp_path / "run", contents=ColoredContents((700, 1100)))
    address = f"/api/pictures/{review.key}/original/1"
    answer = client_of(review).get(address)
    assert Image.open(io.BytesIO(answer.content)).size == (1100, 700)
    assert not list((tmp_path / "run" / "review_cache").glob("pictures_*/*/*original*"))
    large = client_of(review).get(address.replace("original", "large"))
    assert max(Image.open(io.BytesIO(large.content)).size) == 640
    review.close()


def test_a_picture_that_cannot_be_shown_whole_is_refused(tmp_path):
    contents = ColoredContents(unreadable=["cat/0000.jpg"])
    review = made_review(tmp_path / "run", contents=contents)
    assert client_of(review).get(f"/api/pictures/{review.key}/original/1").status_code == 404
    assert client_of(review).get(f"/api/pictures/{review.key}/original/4").status_code == 200
    review.close()


# --- what there is to do, and why there is nothing -----------------------------------------------


def test_of_a_filter_that_wants_nothing_it_is_told_what_each_part_leaves_out(plain):
    query = {"label": 0, "category": ["easy"], "search": "dog", "annotator": "ann"}
    assert queue(plain.client, **query).json()["total"] == 0
    told = plain.client.get("/api/queue/without", params=query).json()
    totals = {one["part"]: one["total"] for one in told}
    assert totals == {"label": 12, "search": 9, "category": 0}
    assert [one["total"] for one in told] == sorted(totals.values(), reverse=True)


def test_what_was_done_is_counted_and_what_comes_next_is_told(plain):
    body = decisions_of(
        plain.review, "request-1", "ann", (1, "keep"), (4, "discard"), (7, "skip"), (10, "keep")
    )
    assert plain.client.post("/api/decisions", json=body).status_code == 200
    done = plain.client.get("/api/done", params={"annotator": "ann"}).json()
    assert done == {"kept": 2, "relabeled": 0, "discarded": 1, "skipped": 1}
    nobody = plain.client.get("/api/done", params={"annotator": "bob"}).json()
    assert set(nobody.values()) == {0}
    commands = plain.client.get("/api/run").json()["commands"]
    assert all(str(plain.folder) in one["command"] for one in commands)
    assert [one["command"].split()[1] for one in commands] == ["apply", "clean", "report"]
    # What was decided is what is trained on.
    assert commands[1]["command"].endswith(" --strategy reviewed")


def test_every_filter_that_can_be_left_out_has_words():
    page = (files("dataparams.review") / "page" / "ending.js").read_text(encoding="utf-8")
    words = page[page.index("const WITHOUT = {") : page.index("};")]
    named = set(re.findall(r"^  (\w+): ", words, re.MULTILINE))
    assert named == set(QueueQuery.model_fields) - {"annotator", "after", "limit"}


# --- a newer analysis ----------------------------------------------------------------------------


def test_a_newer_analysis_is_told_and_served_when_it_is_asked_for(tmp_path):
    folder = tmp_path / "run"
    first = made_review(folder)
    opened = []

    def reopen():
        opened.append(made_review(folder, sizes=({"hard": 4}, {"easy": 2})))
        return opened[-1]

    served = renewable(first, LOCAL, reopen)
    client = TestClient(Guard(served, LOCAL), base_url="http://127.0.0.1:8000")
    run = client.get("/api/run").json()
    asked: dict[str, str | int] = {"annotator": "ann", "after": 0}
    told = client.get("/api/changes", params=asked).json()
    assert (told["analysis"], told["is_newer_there"]) == (run["analysis"], False)
    (folder / "analysis.parquet").write_bytes(b"newer")
    os.utime(folder / "analysis.parquet", (1, 1))
    assert client.get("/api/changes", params=asked).json()["is_newer_there"] is True
    body = decisions_of(first, "request-1", "ann", (1, "keep"))
    assert client.post("/api/decisions", json=body).status_code == 200
    assert client.post("/api/renew", json={"run": "another"}).status_code == 409
    assert client.post("/api/renew", json={"run": run["run"]}).status_code == 200
    told = client.get("/api/changes", params=asked).json()
    assert told["is_newer_there"] is False
    assert told["analysis"] != run["analysis"]
    assert queue(client, annotator="ann").json()["total"] == 6
    assert indices(client, annotator="ann", decision="mine") == [1]
    served.close()


def test_a_server_that_cannot_open_the_run_again_says_so(plain):
    answer = plain.client.post("/api/renew", json={"run": plain.review.key})
    assert answer.status_code == 422
    assert "start it again" in answer.json()["detail"]


def test_made_features_have_the_width_that_the_run_tells():
    assert features_of(np.array([0, 1])).shape == (2, WIDTH)


def test_a_saved_filter_of_an_earlier_spelling_still_opens(tmp_path):
    saved = SavedFilters(tmp_path)
    saved.save(SavedFilter("mine", "decision=relabelled&label=2", "ann"))
    assert saved.all() == [SavedFilter("mine", "decision=relabeled&label=2", "ann")]
