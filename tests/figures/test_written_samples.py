"""Texts and rows of tables in figures."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from dataparams.analysis import load_analysis
from dataparams.contents.content import UnreadableContentError
from dataparams.contents.rows import Row
from dataparams.contents.texts import Text
from dataparams.figures import write_figures
from dataparams.figures.written_samples import written_lines
from made_text_runs import HOSTILE_TEXTS


def test_lines_break_between_words_and_within_long_ones():
    assert written_lines(Text("a short text"), 20, 4) == ["a short text"]
    assert written_lines(Text("one two three four"), 9, 4) == ["one two", "three", "four"]
    assert written_lines(Text("abcdefghij"), 4, 4) == ["abcd", "efgh", "ij"]
    assert written_lines(Text("first\n\nthird\r\nfourth"), 9, 9) == ["first", "", "third", "fourth"]
    assert written_lines(Text("one two three four"), 9, 2) == ["one two", "three…"]
    assert written_lines(Text("我的新卡在哪里"), 6, 3) == ["我的新", "卡在哪", "里"]
    assert written_lines(Text(""), 9, 2) == []


def test_what_turns_the_direction_of_a_text_or_cannot_be_drawn_is_left_out():
    assert written_lines(Text("\u202egnp.exe\x00\ttail"), 20, 2) == ["gnp.exe tail"]
    assert written_lines(Text("half \ud83d"), 20, 2) == ["half "]


def test_a_row_has_a_line_for_each_value_and_says_that_more_follow():
    row = Row(("carat", "color", "note"), (0.1 + 0.2, None, "a note\nof two lines that is long"))
    assert written_lines(row, 16, 3) == ["carat: 0.3", "color: missing", "note: a note of…"]
    assert written_lines(row, 16, 2) == ["carat: 0.3", "…"]
    assert written_lines(UnreadableContentError("gone"), 16, 2) is None


def words_of(drawing):
    return [text.get_text() for axes in drawing.axes for text in axes.texts]


def test_figures_show_texts_as_they_are_written(text_run):
    analysis = load_analysis(text_run)
    drawing = analysis.grid("loans")
    assert HOSTILE_TEXTS[0] in words_of(drawing)
    assert any("${alert(3)}" in words for words in words_of(drawing))
    with Image.open(io.BytesIO(drawing.png(60))) as picture:
        colors = np.asarray(picture.convert("RGB")).reshape(-1, 3)
        assert len(np.unique(colors, axis=0)) > 10
    assert HOSTILE_TEXTS[0] in "".join(words_of(analysis.trajectories([0, 5]))).replace("\n", "")


def test_letters_stay_within_their_frame(text_run):
    drawing = load_analysis(text_run).grid("loans")
    drawing.draw_without_rendering()
    for axes in drawing.axes:
        for text in (one for one in axes.texts if one.get_clip_on()):
            frame, words = axes.get_window_extent(), text.get_window_extent()
            assert words.x1 <= frame.x1
            assert words.y0 >= frame.y0


def test_figures_show_rows_and_what_was_not_kept(row_run):
    analysis = load_analysis(row_run)
    assert any("amount: 9999.5" in words for words in words_of(analysis.grid("loans")))
    nothing = replace(analysis, run=None, contents=None)
    assert "train/0" in words_of(nothing.grid("loans"))
    assert nothing.tsne("loans").png(50).startswith(b"\x89PNG")


@pytest.mark.parametrize("kind", ["texts", "rows"])
def test_a_map_of_texts_has_a_mark_for_each(kind, text_run, row_run):
    analysis = load_analysis(text_run if kind == "texts" else row_run)
    drawing = analysis.tsne("loans")
    shown = [np.asarray(marks.get_offsets()) for marks in drawing.axes[0].collections]
    assert len(np.concatenate(shown)) == len(analysis.rows_of_class(1))
    assert "pictures" not in "".join(text.get_text() for text in drawing.texts)


def test_all_figures_of_a_class_of_texts_are_written(text_run, tmp_path):
    files = write_figures(load_analysis(text_run), tmp_path, labels=[1])
    assert [file.name for file in files] == [
        "class_1_loans_easy_hard_need_review.png",
        "class_1_loans_tsne.png",
        "instance_trajectories.png",
    ]
