"""Which encoder suits pictures that are small: the one whose heads agree most with the labels."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from dataparams.contents.content import UnreadableContentError
from dataparams.contents.images import require_image
from dataparams.encoders.features import features_of
from dataparams.encoders.pixel_encoder import PIXELS_NAME, PixelEncoder
from dataparams.training.cross_fitting import CrossFittingSettings, cross_fit

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from dataparams.contents.content import Content
    from dataparams.encoders.encoder import Encoder
    from dataparams.encoders.feature_cache import FeatureCache
    from dataparams.encoders.features import Features
    from dataparams.sources.source import Source

_SMALL = 32
_LOOKED_AT = 64
_COMPARED = 1000


def encoder_for(
    source: Source,
    labels: NDArray[np.int64],
    network: Encoder,
    cache: FeatureCache,
    *,
    seed: int = 0,
    on_line: Callable[[str], None] | None = None,
) -> Encoder:
    """The encoder that suits a source: for small pictures perhaps their own pixels.

    Pictures of at most 32 pixels a side show a network of photographs little. Where all of 64 are
    so small, heads on 1,000 samples are asked which features they are right with more often,
    without knowing the samples that they are asked about.

    Args:
        source: The samples.
        labels: Their given labels, (n,).
        network: The encoder that photographs get.
        cache: Where features are kept.
        seed: What the samples that are compared depend on.
        on_line: Told which was chosen, and why.
    """
    rng = np.random.default_rng(seed)
    looked_at = np.sort(rng.permutation(len(source))[:_LOOKED_AT])
    if not all(map(_is_small, source.read(looked_at.tolist()))):
        return network
    rows = np.sort(rng.permutation(len(source))[:_COMPARED])
    encoders: list[Encoder] = [network, PixelEncoder()]
    shares = []
    for encoder in encoders:
        features = features_of(source.contents, rows, encoder, cache)
        shares.append(_agreement(features, labels[features.rows], len(source.class_names), seed))
    chosen = int(np.argmax(shares))
    if on_line is not None:
        on_line(
            f"These pictures are small. Heads on the features of {network.name} agree with "
            f"{shares[0]:.0%} of the labels of samples that they did not see, heads on "
            f"{PIXELS_NAME} with {shares[1]:.0%}; {encoders[chosen].name} "
            f"{'are' if chosen else 'is'} used. `encoder=NAME` decides otherwise."
        )
    return encoders[chosen]


def _agreement(features: Features, labels: NDArray[np.int64], num_classes: int, seed: int) -> float:
    settings = CrossFittingSettings()
    quick = replace(settings, heads=replace(settings.heads, repeats=1), rounds=1)
    fit = cross_fit(features.values, labels, num_classes, quick, seed=seed)
    return float((fit.rounds[0].classes[:, 0] == labels).mean())


def _is_small(content: Content | UnreadableContentError) -> bool:
    try:
        height, width, _ = require_image(content).pixels(2 * _SMALL).shape
        return bool(max(height, width) <= _SMALL)
    except UnreadableContentError:
        return True
