"""How evidence for labels is gathered: settings of heads, neighbors, trees and rounds."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from dataparams.training.heads import HeadSettings
from dataparams.training.trees import TreeSettings

if TYPE_CHECKING:
    from dataparams.encoders.row_features import TreeTable

_MOST_ANSWERS = 4_000_000_000
_MOST_WEIGHTS = 60_000_000
_MOST_PRODUCTS = 250_000_000_000
_VERY_MANY = 200_000
_MANY_ROWS = 20_000
_MOST_SEEN = 540_000
_FEWEST = 4
_LARGER_BATCH = 512
_MORE_ITERATIONS = 100
_MORE_POWER = 2.0


@dataclass(frozen=True)
class CrossFittingSettings:
    """How evidence is gathered.

    Attributes:
        heads: How heads are trained.
        plain: How plain heads are trained.
        rounds: Number of rounds.
        neighbors: How many neighbors vote.
        least_probability: Added to the heads' probabilities.
        least_vote: Added to the neighbors' votes.
        vote_power: How much the votes count against the heads' probabilities.
        plain_power: How much the plain heads count; 0 does without them.
        trees: How trees are grown, which speak in place of plain heads of the rows of a table.
        norm: Of each sample as heads and neighbors see it; None leaves its own.
        kept_above: A sample trains in the next round if its label has more than this share of the
            highest evidence, where labels go one way.
        kept_above_else: The same where they do not.
        surest: Of the samples of each class, the share in which one-way flow is looked for: those
            that the first round was the surest of (but 200, or half of them where these are fewer).
            Where classes overlap, the doubtful ones go to the larger class whatever their label is.
        least_flow: A smaller share of a class is taken for no flow.
        may_skip_last_round: Whether the last round is left out where labels do not go one way, so
            that it would not count.
        doubtful_vote: How much the label of a sample counts that does not.
        alike_power: How much more the plain heads count where labels, if any, are wrong only since
            classes are alike: what heads with data parameters take for wrong there is often right.
        likeness: How much evidence for a label counts that samples of the likeliest classes have in
            the mean, beside the sample's own, where labels do not go one way; 0 for rows of tables,
            whose classes overlap by nature, so that it would excuse wrong labels.
        likeliest: How many of the likeliest classes are kept of each sample.
    """

    heads: HeadSettings = field(default_factory=HeadSettings)
    plain: HeadSettings = field(
        default_factory=lambda: HeadSettings(repeats=1, epochs=15, weight_decay=5e-3, pull=0.0)
    )
    rounds: int = 3
    neighbors: int = 20
    least_probability: float = 0.01
    least_vote: float = 0.02
    vote_power: float = 0.7
    plain_power: float = 0.5
    trees: TreeSettings = field(default_factory=TreeSettings)
    norm: float | None = 10.0
    kept_above: float = 0.5
    kept_above_else: float = 0.5
    surest: float = 1.0
    least_flow: float = 0.0
    may_skip_last_round: bool = False
    doubtful_vote: float = 0.02
    alike_power: float = 1.0
    likeness: float = 0.05
    likeliest: int = 10

    @classmethod
    def for_rows(cls, *, hidden: int = 128) -> CrossFittingSettings:
        """What suits rows of tables, whose classes overlap more than those of photographs or texts.

        Args:
            hidden: Units of the heads' hidden layer; 0 for linear heads.
        """
        heads = HeadSettings(repeats=1, pull=1.0)
        if hidden:
            heads = HeadSettings(
                repeats=1,
                epochs=30,
                learning_rate=0.02,
                weight_decay=0.1,
                pull=1.0,
                hidden=hidden,
            )
        return cls(
            heads=heads,
            vote_power=0.05,
            plain_power=1.0,
            norm=None,
            kept_above_else=0.1,
            surest=0.25,
            least_flow=0.05,
            likeness=0.0,
            may_skip_last_round=True,
        )

    def asks_trees(self, table: TreeTable | None, num_classes: int) -> bool:
        """Whether trees speak in place of plain heads: of rows of tables that are not too large."""
        if table is None or not self.plain_power:
            return False
        return self.trees.can_grow(len(table), table.width, num_classes)

    def fitting(self, count: int, width: int, num_classes: int) -> CrossFittingSettings:
        """With as many heads as time and memory allow, and never more folds than samples.

        Where even these take long, there are two rounds, and plain heads train no longer than all.
        Of very many samples fewer epochs with larger batches tell as much. Of many rows of a table
        trees tell more than heads.

        Args:
            count: Number of samples.
            width: Numbers per sample.
            num_classes: C.
        """
        weights = self.heads.weights(width, num_classes)
        most = min(_MOST_ANSWERS // (count * num_classes), _MOST_WEIGHTS // weights)
        heads, plain = self.heads.at_most(most, count), self.plain.at_most(most, count)
        trees = replace(self.trees, folds=max(min(self.trees.folds, count), 2))
        power = self.plain_power
        if heads.hidden and count > _MANY_ROWS:
            epochs = max(min(heads.epochs, _MOST_SEEN // count), _FEWEST)
            heads = replace(heads, epochs=epochs, batch_size=_LARGER_BATCH)
            trees = replace(trees, iterations=_MORE_ITERATIONS)
            power = max(power, _MORE_POWER) if power else 0.0
        fitted = replace(self, heads=heads, plain=plain, trees=trees, plain_power=power)
        if count * weights * heads.heads <= _MOST_PRODUCTS:
            return fitted
        if count > _VERY_MANY:
            heads = replace(heads, epochs=min(heads.epochs, 3), batch_size=1024)
            plain = replace(plain, batch_size=1024)
        plain = replace(plain, epochs=min(plain.epochs, heads.epochs))
        return replace(fitted, heads=heads, plain=plain, rounds=min(self.rounds, 2))
