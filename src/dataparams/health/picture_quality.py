"""Pictures that are dark, bright, blurred, empty, or odd in shape or size beside the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from dataparams.health.findings import Finding, findings_table, joined_findings
from dataparams.health.limits import FarOut, Limit, far_out
from dataparams.health.sentences import sentence

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from dataparams.health.findings import HealthFindings
    from dataparams.health.picture_measures import PictureMeasures
    from dataparams.health.sentences import Sentence

    Floats = NDArray[np.float64]
    Said = Callable[[int], Sentence]

PICTURE_KINDS = (
    "dark",
    "bright",
    "blurry",
    "low_information",
    "nearly_constant",
    "odd_shape",
    "odd_size",
)
"""The kinds of findings that :func:`picture_quality_findings` makes."""
_CONSTANT = Limit(-10.0, spreads=0, least_spread=1.0)
_DARK = Limit(-60.0, spreads=4, least_spread=12.0)
_BRIGHT = Limit(195.0, spreads=4, least_spread=12.0)
_EMPTY = Limit(-1.5, spreads=4, least_spread=0.5)
_NOISE = Limit(0.78, spreads=5, least_spread=0.05)
_BLURRY = Limit(-0.42, spreads=3, least_spread=0.05)
_STRIP = Limit(float(np.log(3)), spreads=5, least_spread=0.15)
_SMALL = Limit(float(np.log(3)), spreads=6, least_spread=0.1)
_LEAST_SIDE_OF_EDGES = 48
"""Of a smaller picture no edge tells whether it is sharp."""


@dataclass(frozen=True, eq=False)
class _Judged:
    """What one measure says: which samples are far out, the sentence about each, and the rule's."""

    kind: str
    found: FarOut
    say: Said
    rule: str

    @property
    def is_judged(self) -> bool:
        return not (self.found.is_rule or np.isnan(self.found.middle))

    def reason(self) -> Sentence:
        """Why it was not judged."""
        if self.found.is_rule:
            return sentence(self.rule, share=float(self.found.share))
        return sentence("no_edges")


def measures_table(
    index: Sequence[int] | NDArray[np.int64],
    measures: Sequence[PictureMeasures] | NDArray[np.float32],
) -> pl.DataFrame:
    """The measures of some pictures as a table: ``index`` and a column for each measure.

    Args:
        index: Of each picture in the source, (n,).
        measures: Of each, in the order of ``PictureMeasures``, (n, m).

    Example:
        >>> from dataparams.health.picture_measures import picture_measures
        >>> measures_table([7], [picture_measures(np.zeros((2, 3), np.uint8))]).shape
        (1, 10)
    """
    from dataparams.health.picture_measures import PictureMeasures

    columns = np.asarray(measures, np.float64).reshape(-1, len(PictureMeasures._fields)).T
    named = dict(zip(PictureMeasures._fields, columns, strict=True))
    table = pl.DataFrame({"index": pl.Series(index, dtype=pl.Int64), **named})
    return table.with_columns(pl.col("width", "height").cast(pl.Int64))


def picture_quality_findings(measures: pl.DataFrame) -> HealthFindings:
    """Pictures that are far out, by limits of their own and beside the others, both together.

    A set of dark X-rays or of products on white is not accused whole: where more than a fifth of
    all are beyond a limit, that is the rule here, and the kind is not judged. A picture that is
    nearly of one color is called that alone.

    Args:
        measures: From :func:`measures_table`; n rows.

    Returns:
        A finding per picture and kind, and the kinds that were not judged, with the reason.

    Example:
        >>> from dataparams.health.picture_measures import picture_measures
        >>> rng = np.random.default_rng(0)
        >>> pictures = [rng.integers(0, 255, (8, 8, 3)).repeat(8, 0).repeat(8, 1) for _ in range(9)]
        >>> pictures[3] = pictures[3] // 9
        >>> measures = [picture_measures(picture.astype(np.uint8)) for picture in pictures]
        >>> findings = picture_quality_findings(measures_table(range(9), measures))
        >>> findings.table["kind"].to_list(), findings.table["samples"].to_list()
        (['dark'], [[3]])
    """
    if not len(measures):
        return joined_findings((), (), dict.fromkeys(PICTURE_KINDS, sentence("no_picture")))
    constant = _constant(measures)
    judged = [constant, *_others(measures, is_plain=_is_among(constant.found, len(measures)))]
    index = measures["index"].to_numpy()
    found = [
        Finding(one.kind, [int(index[row])], float(strength), one.say(int(row)))
        for one in judged
        for row, strength in zip(one.found.rows, one.found.strength, strict=True)
    ]
    checked = {one.kind for one in judged if one.is_judged}
    reasons = {one.kind: one.reason() for one in judged if not one.is_judged}
    return joined_findings([findings_table(found)], checked, reasons)


def _is_among(found: FarOut, count: int) -> NDArray[np.bool_]:
    is_among = np.zeros(count, dtype=bool)
    is_among[found.rows] = True
    return is_among


def _constant(measures: pl.DataFrame) -> _Judged:
    contrast, brightness = _numbers(measures, "contrast"), _numbers(measures, "brightness")
    usual = float(np.median(contrast))
    return _Judged(
        "nearly_constant",
        far_out(-contrast, _CONSTANT),
        lambda row: sentence(
            "plain_picture", brightness=brightness[row], contrast=contrast[row], usual=usual
        ),
        "rule_plain",
    )


def _others(measures: pl.DataFrame, *, is_plain: NDArray[np.bool_]) -> list[_Judged]:
    return [
        *_light(measures, is_plain),
        *_contents(measures, is_plain),
        *_sides(measures),
    ]


def _light(measures: pl.DataFrame, is_plain: NDArray[np.bool_]) -> list[_Judged]:
    brightness = _numbers(measures, "brightness")
    usual = float(np.median(brightness))

    def say(key: str) -> Said:
        return lambda row: sentence(key, brightness=brightness[row], usual=usual)

    lightest, darkest = _numbers(measures, "lightest"), _numbers(measures, "darkest")
    return [
        _Judged("dark", far_out(_without(-lightest, is_plain), _DARK), say("dark"), "rule_dark"),
        _Judged(
            "bright", far_out(_without(darkest, is_plain), _BRIGHT), say("bright"), "rule_bright"
        ),
    ]


def _contents(measures: pl.DataFrame, is_plain: NDArray[np.bool_]) -> list[_Judged]:
    entropy, roughness = _numbers(measures, "entropy"), _numbers(measures, "roughness")
    sharpness = _numbers(measures, "sharpness")
    longest = np.maximum(_numbers(measures, "width"), _numbers(measures, "height"))
    has_edges = longest >= _LEAST_SIDE_OF_EDGES
    return [
        _Judged(
            "low_information",
            far_out(_without(-entropy, is_plain), _EMPTY),
            lambda row: sentence(
                "few_shades", entropy=entropy[row], usual=float(np.median(entropy))
            ),
            "rule_shades",
        ),
        _Judged(
            "low_information",
            far_out(_without(roughness, is_plain), _NOISE),
            lambda row: sentence(
                "noise", roughness=roughness[row], usual=float(np.median(roughness))
            ),
            "rule_noise",
        ),
        _Judged(
            "blurry",
            far_out(_without(-sharpness, is_plain | ~has_edges), _BLURRY),
            lambda row: sentence(
                "blurry", edge=1 / sharpness[row], usual=1 / float(np.nanmedian(sharpness))
            ),
            "rule_blurry",
        ),
    ]


def _sides(measures: pl.DataFrame) -> list[_Judged]:
    width, height = _numbers(measures, "width"), _numbers(measures, "height")
    elongation = np.maximum(width, height) / np.minimum(width, height)
    longest = np.maximum(width, height)
    usual = {"usual_width": float(np.median(width)), "usual_height": float(np.median(height))}
    smaller = np.log(np.median(longest) / longest)

    def of_size(key: str) -> Said:
        return lambda row: sentence(key, width=width[row], height=height[row], **usual)

    return [
        _Judged(
            "odd_shape",
            far_out(np.log(elongation), _STRIP),
            lambda row: sentence(
                "wide_strip" if width[row] > height[row] else "high_strip",
                width=width[row],
                height=height[row],
                times=elongation[row],
                **usual,
            ),
            "rule_strip",
        ),
        _Judged("odd_size", far_out(smaller, _SMALL), of_size("small_picture"), "rule_size"),
        _Judged("odd_size", far_out(-smaller, _SMALL), of_size("large_picture"), "rule_size"),
    ]


def _without(values: Floats, is_left_out: NDArray[np.bool_]) -> Floats:
    return np.where(is_left_out, np.nan, values)


def _numbers(measures: pl.DataFrame, name: str) -> Floats:
    numbers: Floats = measures[name].cast(pl.Float64).to_numpy()
    return numbers
