"""The files of the report, without a browser."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
import pytest
from PIL import Image

from dataparams.analysis.judged_by import NOT_SEEN
from dataparams.errors import RunError
from dataparams.report import extent, write_report
from dataparams.report.samples import CHUNK
from dataparams.sources.source import Found
from made_reports import (
    HOSTILE_CLASS,
    HOSTILE_FILE,
    ColoredContents,
    Trajectories,
    as_audit,
    first_two,
    made_analysis,
)

if TYPE_CHECKING:
    from pathlib import Path


class Page(HTMLParser):
    """The elements, links and words of a page."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self.feed(file.read_text(encoding="utf-8"))
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words.append(data)

    def values(self, name, tag=None):
        return [
            attributes[name]
            for element, attributes in self.elements
            if name in attributes and tag in (None, element)
        ]


def chunk(file: Path):
    """The pile, number and samples that a chunk hands over."""
    text = file.read_text(encoding="utf-8")
    called = re.fullmatch(r"registerChunk\((.*)\);\n", text, re.DOTALL)
    return json.loads(f"[{called[1]}]")


def written(analysis, folder: Path, **options) -> Path:
    return write_report(analysis, folder / "report", embed=first_two, **options).parent


def test_a_report_has_an_overview_and_a_page_per_class(tmp_path):
    report = written(made_analysis(contents=ColoredContents()), tmp_path)
    assert sorted(path.name for path in report.glob("*.html")) == [
        "class_0.html",
        "class_1.html",
        "confused_0.html",
        "confused_1.html",
        "index.html",
    ]
    overview = Page(report / "index.html").text
    for expected in ("29 labeled samples in 2 classes", "12.3%", "cat", "dog", "▲ 4 hard 25%"):
        assert expected in overview
    assert [path.name for path in tmp_path.iterdir()] == ["report"]


@pytest.mark.parametrize("has_pictures", [True, False])
def test_every_link_leads_to_a_file_or_a_place_on_a_page(tmp_path, has_pictures):
    pictures = ColoredContents((200, 300)) if has_pictures else None
    report = written(made_analysis(contents=pictures, has_truth=True), tmp_path)
    pages = {path.name: Page(path) for path in report.glob("*.html")}
    for name, page in pages.items():
        for link in [*page.values("href"), *page.values("src")]:
            file, _, place = link.partition("#")
            assert (report / (file or name)).is_file(), link
            if place:
                assert place in pages[file or name].values("id"), link
        assert not re.search(r"https?:", "".join(page.values("href") + page.values("src")))


def test_names_are_text_wherever_they_stand(tmp_path):
    analysis = made_analysis(hostile=True, contents=ColoredContents())
    report = written(analysis, tmp_path)
    for path in report.glob("*.html"):
        page = Page(path)
        scripts = [attributes for tag, attributes in page.elements if tag == "script"]
        assert scripts == [{"src": "assets/report.js", "defer": None}]
        assert "onerror" not in {name for _, attributes in page.elements for name in attributes}
        assert "style" not in {name for _, attributes in page.elements for name in attributes}
        assert HOSTILE_CLASS not in path.read_text(encoding="utf-8")
    assert HOSTILE_CLASS in Page(report / "index.html").text
    assert HOSTILE_FILE in Page(report / "class_0.html").values("title")
    for path in report.rglob("*.js"):
        if path.parent.name != "assets":
            assert not re.search("[<>&\u2028\u2029]", path.read_text(encoding="utf-8"))
    ids = [sample["id"] for sample in chunk(report / "class_0" / "hard_0.js")[2]]
    assert HOSTILE_FILE in ids
    assert all(re.fullmatch(r"[\w.]+", path.name) for path in report.rglob("*"))


def test_a_policy_forbids_scripts_inside_pages(tmp_path):
    report = written(made_analysis(), tmp_path)
    for path in report.glob("*.html"):
        policy = Page(path).values("content", "meta")[0]
        assert "default-src 'none'" in policy
        assert "script-src 'self' file:;" in policy
        assert "unsafe" not in policy


def test_pictures_are_read_a_few_at_a_time_class_by_class(tmp_path):
    sizes = [{"hard": 60, "review": 40, "easy": 200}] * 3
    pictures = ColoredContents()
    written(made_analysis(sizes, names=("a", "b", "c"), contents=pictures), tmp_path)
    assert max(len(block) for block in pictures.blocks) <= 256
    asked = [one for block in pictures.blocks for one in block]
    classes = [one.split("/")[0] for one in asked]
    assert classes == sorted(classes)
    assert len(asked) == len(set(asked)) == 900


class SweptOnce(ColoredContents):
    """Pictures that lie where they are best read in an order of their own."""

    def sweep(self, ids):
        self.blocks.append(list(ids))
        for place in reversed(range(len(ids))):
            yield Found([place], [self._content(ids[place])])


def test_what_pictures_are_stored_in_is_gone_through_once_for_all_classes(tmp_path):
    sizes = [{"hard": 60, "review": 40, "easy": 200}] * 3
    pictures = SweptOnce()
    once = written(
        made_analysis(sizes, names=("a", "b", "c"), contents=pictures), tmp_path / "once"
    )
    assert [len(block) for block in pictures.blocks] == [900]
    block = made_analysis(sizes, names=("a", "b", "c"), contents=ColoredContents())
    usual = written(block, tmp_path / "usual")
    names = sorted(file.relative_to(once) for file in once.rglob("*") if file.is_file())
    assert names == sorted(file.relative_to(usual) for file in usual.rglob("*") if file.is_file())
    assert all((once / name).read_bytes() == (usual / name).read_bytes() for name in names)


def test_of_very_many_samples_fewer_are_shown_and_that_is_said(tmp_path, monkeypatch):
    monkeypatch.setattr(extent, "MOST_SHOWN", 200)
    monkeypatch.setattr(extent, "MOST_MAPPED", 150)
    analysis = made_analysis(
        [{"hard": 20, "easy": 80}, {"hard": 10, "easy": 90}, {"easy": 100}], names=("a", "b", "c")
    )
    report = written(analysis, tmp_path / "few")
    pages = [Page(report / f"class_{label}.html").text for label in range(3)]
    assert "This page shows 22 of 80." in pages[0]
    drawn = [
        (report / f"class_{label}.html").read_text().count('class="map"') for label in range(3)
    ]
    assert drawn == [1, 0, 0]
    assert ["maps are drawn for" in page for page in pages] == [False, True, True]
    every = written(analysis, tmp_path / "every", pile_limit=2000)
    assert "maps are drawn for" not in Page(every / "class_2.html").text
    assert len(chunk(every / "class_2" / "easy_0.js")[2]) == 96


def test_trajectories_are_asked_for_a_class_at_a_time(tmp_path):
    analysis = made_analysis()
    asked = []

    class Watched:
        def of(self, rows):
            asked.append(len(rows))
            return analysis.log_temperatures.of(rows)

    written(replace(analysis, log_temperatures=Watched()), tmp_path)
    assert set(asked) == {16, 13}


def test_large_piles_come_in_chunks_of_which_the_first_stands_in_the_page(tmp_path):
    count = 2 * CHUNK + 5
    report = written(made_analysis([{"easy": count}, {"hard": 2}]), tmp_path)
    chunks = [chunk(report / "class_0" / f"easy_{number}.js") for number in range(3)]
    assert [(pile, number) for pile, number, _ in chunks] == [("easy", 0), ("easy", 1), ("easy", 2)]
    assert [len(samples) for _, _, samples in chunks] == [CHUNK, CHUNK, 5]
    assert not (report / "class_0" / "easy_3.js").exists()
    page = Page(report / "class_0.html")
    assert page.values("class").count("card easy") == CHUNK
    assert f"{CHUNK} of {count} loaded" in page.text
    assert page.values("data-shown") == ["0", "0", str(count), "0"]


def test_the_most_suspicious_come_first(tmp_path):
    report = written(made_analysis(), tmp_path)
    samples = [
        sample
        for pile in ("hard", "review", "easy")
        for sample in chunk(report / "class_0" / f"{pile}_0.js")[2]
    ]
    assert [sample["category"] for sample in samples] == ["hard"] * 4 + ["review"] * 3 + [
        "easy"
    ] * 9
    for pile in ("hard", "review", "easy"):
        last = [sample["trajectory"][-1] for sample in samples if sample["category"] == pile]
        assert last == sorted(last, reverse=True)


def test_piles_are_cut_at_the_limit_and_say_so(tmp_path):
    pictures = ColoredContents()
    analysis = made_analysis([{"hard": 9, "easy": 30}, {"easy": 1}], contents=pictures)
    report = written(analysis, tmp_path, pile_limit=5)
    page = Page(report / "class_0.html")
    assert "This page shows 5 of 9." in page.text
    assert "This page shows 5 of 30." in page.text
    assert len(chunk(report / "class_0" / "easy_0.js")[2]) == 5
    # All are on the map, so what is in no pile has a chunk and a picture all the same.
    assert len(chunk(report / "class_0" / "further_0.js")[2]) == 29
    assert len(list((report / "class_0").glob("*.jpg"))) == 39


def test_the_map_of_a_large_class_is_thinned_out_and_says_so(tmp_path):
    report = written(made_analysis([{"easy": 3010}, {"hard": 1}]), tmp_path, pile_limit=10)
    page = Page(report / "class_0.html")
    assert sum("point" in one for one in page.values("class", "use")) == 3000
    assert "The map shows 3,000 of the 3,010 samples (99.7%), chosen at random." in page.text
    assert 'class="map"' not in (report / "class_1.html").read_text(encoding="utf-8")


def test_pictures_are_small_and_only_the_suspicious_can_be_enlarged(tmp_path):
    report = written(made_analysis(contents=ColoredContents((900, 1200))), tmp_path)
    for pile, has_large in (("hard", True), ("review", True), ("easy", False)):
        for sample in chunk(report / "class_0" / f"{pile}_0.js")[2]:
            with Image.open(report / sample["small"]) as picture:
                assert (picture.format, picture.size) == ("JPEG", (160, 120))
            assert bool(sample["large"]) == has_large
            if has_large:
                with Image.open(report / sample["large"]) as picture:
                    assert picture.size == (640, 480)


def test_a_tiny_picture_stays_as_it_is(tmp_path):
    report = written(made_analysis(contents=ColoredContents((32, 32))), tmp_path)
    sample = chunk(report / "class_0" / "hard_0.js")[2][0]
    assert (sample["is_tiny"], sample["large"]) == (True, None)
    with Image.open(report / sample["small"]) as picture:
        assert picture.size == (32, 32)


def test_unreadable_pictures_and_no_pictures_have_placeholders(tmp_path):
    pictures = ColoredContents(unreadable=["cat/0000.jpg"])
    some = written(made_analysis(contents=pictures), tmp_path / "some")
    shown = [s for s in chunk(some / "class_0" / "hard_0.js")[2] if s["id"] == "cat/0000.jpg"]
    assert shown[0]["small"] is None
    assert "No picture" in Page(some / "class_0.html").text
    assert Page(some / "class_0.html").values("src", "img")
    none = written(made_analysis(), tmp_path / "none")
    assert not Page(none / "class_0.html").values("src", "img")
    assert not list(none.rglob("*.jpg"))


def test_what_is_not_known_is_left_out(tmp_path):
    analysis = made_analysis()
    unknown = pl.Series([None] * len(analysis.frame))
    frame = analysis.frame.with_columns(
        suggested_label=unknown.cast(pl.Int64),
        suggested_name=unknown.cast(pl.String),
        suggested_confidence=pl.lit(float("nan")),
        subgroup=unknown.cast(pl.String),
    )
    values = analysis.log_temperatures.of(np.arange(len(frame))).copy()
    values[2, 0] = np.nan
    report = written(
        replace(
            analysis,
            frame=frame,
            log_temperatures=Trajectories(values),
            classes=analysis.classes.with_columns(noise_rate=pl.lit(None, pl.Float64)),
            confusions=analysis.confusions.clear(),
            subgroups=analysis.subgroups.clear(),
            bands=analysis.bands.clear(),
        ),
        tmp_path,
    )
    samples = chunk(report / "class_0" / "hard_0.js")[2]
    assert {sample["suggested"] for sample in samples} == {None}
    assert [sample for sample in samples if None in sample["trajectory"]]
    assert "Sub-groups" not in Page(report / "index.html").text


def notes(report: Path, pile: str) -> set[tuple[str | None, str]]:
    return {(s["suggested"], s["note"]) for s in chunk(report / "class_0" / f"{pile}_0.js")[2]}


def test_the_given_label_is_never_suggested(tmp_path):
    analysis = made_analysis()
    is_cat = pl.col("label") == 0
    frame = analysis.frame.with_columns(
        suggested_label=pl.when(is_cat).then("label").otherwise("suggested_label"),
        suggested_name=pl.when(is_cat).then("label_name").otherwise("suggested_name"),
        suggested_confidence=pl.when(pl.col("category") == "hard").then(0.03).otherwise(0.98),
    )
    report = written(replace(analysis, frame=frame), tmp_path / "some")
    assert notes(report, "hard") == {(None, "no other class is likely")}
    assert notes(report, "review") == {(None, "no other class is likely")}
    assert notes(report, "easy") == {(None, "none")}
    # Temperatures alone weigh no other class: then nothing is known of any.
    alone = frame.with_columns(suggested_label="label", suggested_name="label_name")
    report = written(replace(analysis, frame=alone), tmp_path / "alone")
    assert notes(report, "hard") == notes(report, "easy") == {(None, "none")}


def test_a_class_is_claimed_only_where_it_is_likely(tmp_path):
    analysis = made_analysis()
    for confidence, note, is_likely in ((0.8, "", True), (0.2, "maybe", False)):
        frame = analysis.frame.with_columns(suggested_confidence=pl.lit(confidence))
        report = written(replace(analysis, frame=frame), tmp_path)
        assert notes(report, "hard") == {("dog", note)}
        page = Page(report / "class_0.html")
        assert ("suggested likely" in page.values("class")) == is_likely


def test_the_noise_is_told_with_its_interval(tmp_path):
    overview = Page(written(made_analysis(), tmp_path) / "index.html").text.replace("\xa0", " ")
    assert "12.3% of the labels are probably wrong, between 9.0% and 15.4%" in overview


def test_warnings_come_first_on_every_page(tmp_path):
    words = "The model learned nothing: <b>6 %</b> is what chance gives."
    report = written(made_analysis(warnings=(words, "Look again.")), tmp_path)
    for path in report.glob("*.html"):
        text = Page(path).text
        assert words in text
        assert text.index(words) < text.index("Look again.")
        body = path.read_text(encoding="utf-8").partition("<body>")[2]
        assert body.index("warnings") < body.index("<h1")
    quiet = written(made_analysis(), tmp_path)
    assert all("warnings" not in Page(path).values("class") for path in quiet.glob("*.html"))


def test_a_class_too_small_to_judge_has_no_figure_and_comes_last(tmp_path):
    analysis = made_analysis()
    classes = analysis.classes.with_columns(
        unjudged=pl.when(pl.col("label") == 0).then(pl.lit("too small to judge"))
    )
    report = written(replace(analysis, classes=classes), tmp_path)
    assert "a class too small to judge" in Page(report / "class_0.html").text
    assert "too small" not in Page(report / "class_1.html").text
    page = (report / "index.html").read_text(encoding="utf-8")
    rows = page[page.index('class="classes sortable"') : page.index("</table>")]
    assert rows.count("too small to judge") == 1
    assert rows.index("class_1.html") < rows.index("class_0.html")


def test_the_temperatures_of_classes_are_ranked_and_drawn(tmp_path):
    names = tuple(f"class {number}" for number in range(30))
    sizes = [{"hard": 2, "easy": 1}] * 30
    many = made_analysis(sizes, names=names, has_class_temperatures=True)
    report = written(many, tmp_path / "many")
    text = Page(report / "index.html").text
    section = text.partition("Temperatures of the classes")[2]
    assert "1 class 1 2.23" in section
    assert "30 class 0 0.449" in section
    assert "The 9 highest and the 3 lowest at the end are named, the others are gray." in section
    classes = Page(report / "index.html").values("class")
    assert sum(one.startswith("series-") for one in classes) == 12
    assert classes.count("line other") == 18
    assert "Its class temperature is 2.23, the highest of 30" in (
        Page(report / "class_1.html").text
    )
    assert "0.449, the lowest of 30" in Page(report / "class_0.html").text
    assert "the 2nd highest of 30" in Page(report / "class_2.html").text
    few = written(made_analysis(has_class_temperatures=True), tmp_path / "few")
    assert "line other" not in Page(few / "index.html").values("class")
    none = written(made_analysis(), tmp_path / "none")
    assert "Temperatures of the classes" not in Page(none / "index.html").text
    assert "class temperature" not in Page(none / "class_0.html").text


def test_one_epoch_alone_is_seen(tmp_path):
    analysis = made_analysis(has_class_temperatures=True)
    alone = replace(
        analysis,
        epochs=(1,),
        log_temperatures=Trajectories(
            analysis.log_temperatures.of(np.arange(len(analysis.frame)))[:1]
        ),
        bands=analysis.bands.filter(pl.col("epoch") == 1),
        class_temperatures=analysis.class_temperatures.filter(pl.col("epoch") == 1),
    )
    page = Page(written(alone, tmp_path) / "index.html")
    paths = page.values("d", "path")
    assert paths
    assert all("L" in path for path in paths)


def test_known_truth_is_shown(tmp_path):
    report = written(made_analysis(has_truth=True), tmp_path)
    assert {s["truth"] for s in chunk(report / "class_0" / "hard_0.js")[2]} == {"dog"}
    assert {s["truth"] for s in chunk(report / "class_0" / "easy_0.js")[2]} == {None}
    assert "Known truth" in Page(report / "index.html").text
    assert "Known truth" not in Page(written(made_analysis(), tmp_path) / "index.html").text


def test_many_classes_have_a_list_instead_of_a_matrix(tmp_path):
    few = written(made_analysis(), tmp_path / "few")
    names = tuple(f"class {number}" for number in range(31))
    many = written(made_analysis([{"hard": 2, "easy": 1}] * 31, names=names), tmp_path / "many")
    assert "matrix" in Page(few / "index.html").values("class")
    assert "matrix" not in Page(many / "index.html").values("class")
    assert "class 30 → class 0" in Page(many / "index.html").text
    assert "The first 30 of 31 pairs." in Page(many / "index.html").text


def test_a_class_without_samples_has_no_page(tmp_path):
    analysis = made_analysis([{"hard": 3, "easy": 3}])
    empty = analysis.classes.with_columns(
        label=pl.lit(1, pl.Int64),
        label_name=pl.lit("dog"),
        noise_rate=pl.lit(None, pl.Float64),
        **{name: pl.lit(0, pl.UInt32) for name in ("count", "easy", "hard", "review")},
    )
    report = written(replace(analysis, classes=analysis.classes.vstack(empty)), tmp_path)
    assert not (report / "class_1.html").exists()
    assert "class_1.html" not in Page(report / "index.html").values("href")


def test_an_older_report_is_replaced(tmp_path):
    written(made_analysis(contents=ColoredContents()), tmp_path)
    report = written(made_analysis([{"easy": 2}]), tmp_path)
    assert not (report / "class_1.html").exists()
    assert not list(report.rglob("*.jpg"))
    assert [path.name for path in tmp_path.iterdir()] == ["report"]


def test_a_report_that_fails_leaves_the_older_one(tmp_path):
    report = written(made_analysis(), tmp_path)
    before = (report / "index.html").read_bytes()

    class Broken(ColoredContents):
        def read(self, ids):
            raise OSError(28, "No space left on device")

    with pytest.raises(RunError, match="No space left on device"):
        written(made_analysis(contents=Broken()), tmp_path)
    assert (report / "index.html").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["report"]


def test_other_folders_are_not_replaced(tmp_path):
    (tmp_path / "report").mkdir()
    precious = tmp_path / "report" / "index.html"
    precious.write_text("<h1>My site</h1>")
    with pytest.raises(RunError, match="holds no report"):
        written(made_analysis(), tmp_path)
    assert precious.read_text() == "<h1>My site</h1>"


def test_progress_grows_to_the_number_of_samples(tmp_path):
    told = []
    analysis = made_analysis(contents=ColoredContents())
    written(analysis, tmp_path, on_progress=lambda done, total: told.append((done, total)))
    assert told == sorted(told)
    assert told[-1] == (29, 29)


def test_a_limit_of_nothing_is_refused(tmp_path):
    with pytest.raises(ValueError, match="`pile_limit` is 0; expected 1 or more"):
        written(made_analysis(), tmp_path, pile_limit=0)


def test_the_first_screen_of_an_audit_is_what_a_client_is_shown(tmp_path):
    report = written(as_audit(made_analysis(contents=ColoredContents())), tmp_path)
    overview = Page(report / "index.html").text.replace("\xa0", " ")
    told = [
        "Label audit",
        "29 labeled samples in 2 classes. Whether each label fits was judged by classifiers:",
        "Judged on 31 January 2026.",
        "about 4 of 29 labels probably wrong (3 to 4)",
        "3 points, listed below",
        "The most suspicious samples",
        "≈ 4",
        "of 29 labels are probably wrong: 12.3%, between 3 and 4 labels (90% interval: 9.0%",
        NOT_SEEN,
        "Every label was judged by 3 small classifiers that were trained without that sample and",
        "by its 20 nearest neighbors, in 3 rounds, on features of lite (1,280 numbers per sample).",
        "2 samples are far from all classes",
        "2 could not be read",
        "the labels of 29 samples in 2 classes",
        "Most frequent confusions",
        "Far from all classes",
        "Temperatures over the training of the classifiers",
    ]
    places = [overview.find(words) for words in told]
    assert -1 not in places, told[places.index(-1)]
    assert places == sorted(places)
    for page in report.glob("*.html"):
        text = page.read_text()
        assert "a model" not in text
        assert "The model" not in text
        assert "Never learned" not in text


def test_outliers_are_marked_with_a_word_beside_their_category(tmp_path):
    report = written(as_audit(made_analysis(contents=ColoredContents())), tmp_path)
    samples = [
        s for name in ("hard", "easy") for s in chunk(report / "class_0" / f"{name}_0.js")[2]
    ]
    assert [s["category"] for s in samples if s["is_outlier"]] == ["hard", "easy"]
    words = "Classifiers that never saw it give its label 3%, its neighbors 25% of their votes."
    assert {s["evidence"] for s in samples} == {words}
    page = (report / "class_0.html").read_text()
    assert page.count('<span class="flag">outlier?</span>') == 2
    assert "hard, outlier?" in page
    trained = written(made_analysis(), tmp_path / "trained")
    assert '<span class="flag">' not in (trained / "class_0.html").read_text()


def test_a_sub_group_shows_its_most_typical_samples_first_and_easy_ones_beside(tmp_path):
    analysis = as_audit(made_analysis(contents=ColoredContents()))
    report = written(analysis, tmp_path)
    page = (report / "class_0.html").read_text()
    groups = page[page.index('id="groups"') : page.index('data-pile="hard"')]
    shown = re.findall(r'data-sample="[a-z]+:\d+" aria-label="([^"]+)"', groups)
    frame = analysis.of_class(0)
    members = frame.drop_nulls("subgroup").sort("subgroup_place")
    easy = frame.filter(pl.col("index") == members["nearest_easy"][0])
    assert shown == [*members["id"], *easy["id"]]
    assert "4 samples" in groups
    assert "25% of the class" in groups
