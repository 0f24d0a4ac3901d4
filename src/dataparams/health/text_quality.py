"""Texts that are empty, endless, repeated, of another script, damaged, or full of markup."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import polars as pl

from dataparams.health.findings import Finding, findings_table, joined_findings
from dataparams.health.limits import Limit, far_out
from dataparams.health.sentences import sentence

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from dataparams.health.findings import HealthFindings
    from dataparams.health.sentences import Sentence

    Said: TypeAlias = "dict[int, tuple[float, Sentence]]"
    """Of some rows, the strength of a finding and its sentence."""

TEXT_KINDS = (
    "low_information",
    "nearly_constant",
    "odd_size",
    "other_script",
    "damaged",
    "markup",
)
"""The kinds of findings that :func:`text_quality_findings` makes."""
_SCRIPTS = {
    "Latin": r"\p{Latin}",
    "Cyrillic": r"\p{Cyrillic}",
    "Greek": r"\p{Greek}",
    "Arabic": r"\p{Arabic}",
    "Hebrew": r"\p{Hebrew}",
    "Devanagari": r"\p{Devanagari}",
    "Bengali": r"\p{Bengali}",
    "Tamil": r"\p{Tamil}",
    "Thai": r"\p{Thai}",
    "Korean": r"\p{Hangul}",
    "Chinese or Japanese": r"[\p{Han}\p{Hiragana}\p{Katakana}]",
}
_FEWEST_SIGNS = 3
_FEWEST_OF_SCRIPT = 4
_FEWEST_WORDS_REPEATED = 4
_FEWEST_CHARACTERS_REPEATED = 6
_MOST_DIFFERENT_CHARACTERS = 5
_SHARE_REPEATED = 0.8
_SHARE_OF_SCRIPT = 0.5
_USUAL_SHARE = 0.05
"""What more texts have is usual in these data."""
_LONG = Limit(float(np.log(8)), spreads=6, least_spread=0.2)
_FEWEST_TAGS = 2
_TAG = r"</?[A-Za-z][A-Za-z0-9]*(?:\s[^<>]{0,200})?/?>|&(?:[a-z]{2,8}|#\d{2,5});"
# UTF-8 that was read as Latin-1 or Windows-1252, the sign for what cannot be decoded, and control
# characters but tab and line ends.
_GARBAGE = (
    "[\u00c2\u00c3][\u0080-\u00bf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc"
    "\u2013-\u203a\u20ac\u2122]|\u00e2\u20ac|\ufffd|[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f]"
)


def text_quality_findings(
    index: Sequence[int] | NDArray[np.int64], texts: Sequence[str]
) -> HealthFindings:
    """Texts that say nothing, or that are not like the others.

    Empty or nearly so (fewer than three letters and digits); one character or one word over and
    over; much longer than the others; in another script; damaged by a wrong encoding; with markup.
    What more than a twentieth of the texts have is usual here, and not named.

    Args:
        index: Of each text in the source, (n,).
        texts: The texts, (n,).

    Returns:
        A finding per text and kind, and the kinds that were not judged, with the reason.

    Example:
        >>> texts = [f"Where is my card number {number}?" for number in range(60)]
        >>> texts[4], texts[9], texts[17] = "?", "aaaaaaaaaaaa", "Где моя карта, скажите?"
        >>> findings = text_quality_findings(range(60), texts)
        >>> findings.table.select("kind", "samples").rows()
        [('low_information', [4]), ('nearly_constant', [9]), ('other_script', [17])]
    """
    if not len(texts):
        return joined_findings((), (), dict.fromkeys(TEXT_KINDS, sentence("no_text")))
    table = _counted(pl.Series("text", texts, dtype=pl.String))
    empty, repeated = _empty(table), _repeated(table)
    said: dict[str, Said] = {
        "low_information": empty,
        "nearly_constant": {row: one for row, one in repeated.items() if row not in empty},
        "odd_size": _long(table, without={*empty, *repeated}),
        "other_script": _of_other_script(table),
        "damaged": _damaged(table),
        "markup": _marked_up(table),
    }
    most = max(1, _USUAL_SHARE * len(texts))
    usual = {
        kind: sentence(f"usual_texts_{kind}", share=len(found) / len(texts))
        for kind, found in said.items()
        if len(found) > most
    }
    numbers = np.asarray(index)
    named = [
        Finding(kind, [int(numbers[row])], *one)
        for kind, found in said.items()
        if kind not in usual
        for row, one in found.items()
    ]
    return joined_findings([findings_table(named)], set(TEXT_KINDS) - set(usual), usual)


def _counted(texts: pl.Series) -> pl.DataFrame:
    """What is counted of each text."""
    text = pl.col("text")
    characters = text.str.replace_all(r"\s+", "")
    words = text.str.to_lowercase().str.extract_all(r"[\p{L}\p{N}]+")
    return texts.to_frame().select(
        "text",
        length=text.str.len_chars().cast(pl.Int64),
        letters=text.str.count_matches(r"\p{L}").cast(pl.Int64),
        signs=text.str.count_matches(r"[\p{L}\p{N}]").cast(pl.Int64),
        words=words.list.len().cast(pl.Int64),
        different_words=words.list.n_unique().cast(pl.Int64),
        characters=characters.str.len_chars().cast(pl.Int64),
        different_characters=characters.str.split("").list.n_unique().cast(pl.Int64),
        tags=text.str.count_matches(_TAG).cast(pl.Int64),
        garbage=text.str.count_matches(_GARBAGE).cast(pl.Int64),
        **{name: text.str.count_matches(pattern) for name, pattern in _SCRIPTS.items()},
    )


def _rows_where(table: pl.DataFrame, wanted: pl.Expr) -> list[int]:
    rows: list[int] = table.select(pl.arg_where(wanted)).to_series().to_list()
    return rows


def _empty(table: pl.DataFrame) -> Said:
    rows = _rows_where(table, pl.col("signs") < _FEWEST_SIGNS)
    return {row: _said_of_empty(table["length"][row], table["signs"][row]) for row in rows}


def _said_of_empty(length: int, signs: int) -> tuple[float, Sentence]:
    if not length:
        return 1.0, sentence("empty_text")
    if not signs:
        return 0.95, sentence("nothing_to_read", count=length)
    return 0.8, sentence("nearly_empty", count=signs)


def _repeated(table: pl.DataFrame) -> Said:
    said: Said = {}
    few = (pl.col("different_characters") <= _MOST_DIFFERENT_CHARACTERS) & (
        pl.col("characters") >= _FEWEST_CHARACTERS_REPEATED
    )
    for row in _rows_where(table, few):
        characters = "".join(table["text"][row].split())
        character, count = Counter(characters).most_common(1)[0]
        share = count / len(characters)
        if share >= _SHARE_REPEATED:
            said[row] = share, sentence("one_character", character=repr(character), count=count)
    same = (pl.col("different_words") == 1) & (pl.col("words") >= _FEWEST_WORDS_REPEATED)
    for row in _rows_where(table, same):
        count = table["words"][row]
        said.setdefault(row, (0.9, sentence("one_word", count=count)))
    return said


def _long(table: pl.DataFrame, without: Iterable[int]) -> Said:
    length = table["length"].to_numpy().astype(np.float64)
    values = np.log(np.maximum(length, 1))
    values[list(without)] = np.nan
    if np.isnan(values).all():
        return {}
    usual = float(np.exp(np.nanmedian(values)))
    found = far_out(values - np.log(usual), _LONG)
    return {
        int(row): (float(strength), sentence("long_text", count=int(length[row]), usual=usual))
        for row, strength in zip(found.rows, found.strength, strict=True)
    }


def _of_other_script(table: pl.DataFrame) -> Said:
    """Texts whose letters are of a script that few texts are in."""
    names = list(_SCRIPTS)
    counts = table.select(names).to_numpy().astype(np.int64)
    letters = table["letters"].to_numpy()
    main = counts.argmax(axis=1)
    share = counts.max(axis=1) / np.maximum(letters, 1)
    is_told = (letters >= _FEWEST_OF_SCRIPT) & (share >= _SHARE_OF_SCRIPT)
    texts_of = np.bincount(main[is_told], minlength=len(names))
    is_usual = texts_of > max(1, _USUAL_SHARE * int(is_told.sum()))
    usual = [name for name, is_one in zip(names, is_usual, strict=True) if is_one]
    if not usual:
        return {}
    return {
        row: (float(share[row]), _sentence_of_script(names[main[row]], usual))
        for row in np.flatnonzero(is_told & ~is_usual[main]).tolist()
    }


def _sentence_of_script(script: str, usual: Sequence[str]) -> Sentence:
    said = sentence("other_script") + sentence(f"script_{script}") + sentence("next")
    for place, name in enumerate(usual):
        said += (
            sentence("and") + sentence(f"script_{name}") if place else sentence(f"script_{name}")
        )
    return said + sentence("usual_script")


def _damaged(table: pl.DataFrame) -> Said:
    said: Said = {}
    for row in _rows_where(table, pl.col("garbage") > 0):
        count = table["garbage"][row]
        said[row] = 1 - 0.5 / (1 + count), sentence("wrong_encoding", count=count)
    return said


def _marked_up(table: pl.DataFrame) -> Said:
    rows = _rows_where(table, pl.col("tags") >= _FEWEST_TAGS)
    counts = table["tags"]
    return {
        row: (
            1 - 1 / (1 + counts[row]),
            sentence("markup", count=counts[row]),
        )
        for row in rows
    }
