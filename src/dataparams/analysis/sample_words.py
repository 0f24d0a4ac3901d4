"""What samples are called, by their kind: the one place that knows these words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataparams.analysis.result import Analysis, SampleContents
    from dataparams.contents.content import ContentKind
    from dataparams.run.folder import RunFolder


@dataclass(frozen=True)
class SampleWords:
    """Words and sentences about samples of one kind.

    Attributes:
        one: A sample.
        several: Some of them.
        missing: In place of one that cannot be shown.
        look: What to do with one.
        ambiguous: What makes one hard to judge.
        search: What the search field asks for.
        search_key: What the key does that leads there.
        instead: What is said first where nothing is shown at all; else empty.
    """

    one: str
    several: str
    missing: str
    look: str
    ambiguous: str
    search: str
    search_key: str
    instead: str = ""


_WORDS: dict[ContentKind | None, SampleWords] = {
    "image": SampleWords(
        one="picture",
        several="pictures",
        missing="No picture",
        look="Look at the picture",
        ambiguous="ambiguous pictures, several things in one picture",
        search="File name contains",
        search_key="Search by file name",
    ),
    "text": SampleWords(
        one="text",
        several="texts",
        missing="No text",
        look="Read the text",
        ambiguous="ambiguous texts, several subjects in one text",
        search="Text contains",
        search_key="Search in the texts",
    ),
    "row": SampleWords(
        one="row",
        several="rows",
        missing="No row",
        look="Look at the row",
        ambiguous="ambiguous rows, values that would fit several classes",
        search="A value contains",
        search_key="Search in the values",
    ),
    None: SampleWords(
        one="sample",
        several="samples",
        missing="Nothing to show",
        look="Look at the sample",
        ambiguous="samples that would fit several classes",
        search="Id contains",
        search_key="Search by id",
        instead="This run kept nothing to show: its samples are listed by id and number.",
    ),
}


def words_of(kind: ContentKind | None) -> SampleWords:
    """What samples of a kind are called.

    Args:
        kind: The kind; None where nothing was kept to show.

    Example:
        >>> words_of("text").search, words_of(None).one
        ('Text contains', 'sample')
    """
    return _WORDS[kind]


def kind_of_analysis(analysis: Analysis) -> ContentKind | None:
    """Of which kind the samples of an analysis are; None where there is nothing to show."""
    return kind_shown(analysis.run, analysis.contents)


def kind_shown(run: RunFolder | None, contents: SampleContents | None) -> ContentKind | None:
    """Of which kind samples are; None where there is nothing to show.

    Args:
        run: The run folder, which says it; None of arrays.
        contents: Their contents; None where they are not at hand.
    """
    if run is not None and (run.path / "run.json").is_file():
        return run.content_kind()
    if contents is None:
        return None
    # Contents that others bring need not say what they are.
    kind: ContentKind = getattr(contents, "kind", "image")
    return kind
