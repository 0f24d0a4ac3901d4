"""How the labels were judged, in a paragraph."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

if TYPE_CHECKING:
    from dataparams.analysis.judged_by import JudgedBy
    from dataparams.analysis.result import Analysis
    from dataparams.report.language import Language


def method_words(analysis: Analysis, shown_in: Language) -> Markup:
    """How the labels were judged, in a paragraph."""
    if analysis.judged_by is not None:
        words = _judges(analysis.judged_by, shown_in)
        if not analysis.noise.is_known:
            return words
        return Markup(" ").join([words, shown_in.say("method.planted")])
    key = "method.training" if analysis.has_temperatures else "method.margins"
    return shown_in.say(key, count=len(analysis.epochs))


def _judges(judged: JudgedBy, shown_in: Language) -> Markup:
    given = _given(judged, shown_in)
    if not judged.has_features:
        return shown_in.say("method.judged_given", judges=given)
    key = "method.classifiers_trees" if judged.has_trees else "method.classifiers"
    judges = shown_in.say(key, count=judged.classifiers)
    if judged.neighbors:
        judges += shown_in.say("method.neighbors", count=judged.neighbors)
    if judged.rounds > 1:
        judges += shown_in.say("method.rounds", count=judged.rounds)
    encoder: object = judged.encoder
    if judged.width:
        encoder = shown_in.say("method.encoder", encoder=encoder, width=judged.width)
    beside = shown_in.say("method.beside", given=given) if given else ""
    return shown_in.say("method.judged", judges=judges, encoder=encoder, beside=beside)


def _given(judged: JudgedBy, shown_in: Language) -> Markup:
    parts = []
    if judged.has_probabilities:
        parts.append(shown_in.say("method.probabilities"))
    if judged.given_epochs:
        parts.append(shown_in.say("method.epochs", count=judged.given_epochs))
    return shown_in.say("method.and_by").join(parts)
