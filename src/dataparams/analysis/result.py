"""What an analysis hands over to figures, report and review: tables, trajectories and pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

import polars as pl

from dataparams.analysis.class_names import class_number
from dataparams.extras import missing_packages_named

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from dataparams.analysis.findings import Findings
    from dataparams.analysis.judged_by import JudgedBy
    from dataparams.analysis.noise_rate import NoiseEstimate
    from dataparams.contents.content import Content, UnreadableContentError
    from dataparams.errors import MissingPackageError
    from dataparams.figures.style import Drawing
    from dataparams.run.folder import RunFolder
    from dataparams.sources.source import Found

Category = Literal["easy", "hard", "review"]
CATEGORIES: tuple[Category, ...] = ("easy", "hard", "review")
"""``easy``: its label is likely right, and the model agrees. ``hard``: its label is likely wrong.
``review``: neither with confidence, or its class cannot be judged."""
CATEGORY_TITLES: dict[Category, str] = {
    "easy": "Easy",
    "hard": "Hard",
    "review": "Need review",
}
CATEGORY_MARKS: dict[Category, str] = {"easy": "●", "hard": "▲", "review": "◆"}
"""Marks that tell the categories apart without color."""


class SampleContents(Protocol):
    """Where the contents of samples come from."""

    def read(self, ids: Sequence[str]) -> list[Content | UnreadableContentError]:
        """The contents of some samples, or why there is none."""


@runtime_checkable
class SweptContents(SampleContents, Protocol):
    """Contents of which many are read with each stored piece read once."""

    def sweep(self, ids: Sequence[str]) -> Iterator[Found]:
        """All of them; see :meth:`dataparams.sources.source.Contents.sweep`."""


@dataclass(frozen=True)
class UnreadableContents:
    """Contents that cannot be read here, because a package is not installed.

    Attributes:
        error: Names the package.
    """

    error: MissingPackageError

    def read(self, ids: Sequence[str]) -> list[Content | UnreadableContentError]:  # noqa: ARG002
        """Raise the error."""
        raise self.error


class LogTemperatures(Protocol):
    """The log temperatures of samples over the epochs."""

    def of(self, rows: NDArray[np.integer]) -> NDArray[np.float32]:
        """The trajectories of some samples, (epochs, len(rows)); rows are rows of the frame."""


@dataclass(frozen=True, eq=False)
class Analysis:
    """A run understood: a row per sample, and what sums the rows up.

    Attributes:
        name: What was analyzed, for titles.
        frame: A row per sample: ``index``, ``id``, ``label``, ``split`` (``train``, or what the
            source calls another), ``label_name``, ``category``, its
            posterior ``p_easy``, ``p_hard``, ``p_review``; ``noise_probability`` (that the label is
            wrong); ``suspicion`` (0 ... 1, the share of samples that are less suspicious);
            ``suggested_label``, ``suggested_name`` (the class that the model preferred over the
            epochs that tell, with the noise of its labels taken out) and
            ``suggested_confidence`` (how likely that is the true class); ``subgroup`` (its
            name; null for easy samples of no rare kind), ``subgroup_place`` (0 for the sub-group's
            most typical sample, the nearest to its center) and ``nearest_easy`` (by features, for
            its two most typical samples: the ``index`` of the easy sample of the class that is most
            like it); the other scores; where the truth is known ``true_label`` and
            ``is_corrupted``. Of an audit also ``is_outlier`` (far from all classes),
            ``outlier_score`` (how far, 0 ... 1), ``held_out_probability`` (of the given label, by
            heads that never saw the sample), ``neighbor_vote`` (the neighbors' share of votes for
            it) and ``evidence`` (both together, 0 ... 1; low is bad).
        class_names: Name of class 0, 1, ...
        epochs: The epochs of which trajectories are made, ascending.
        log_temperatures: The trajectories.
        classes: A row per class: ``label``, ``label_name``, ``count``, ``easy``, ``hard``,
            ``review`` (counts), ``noise_rate`` (estimated share of wrong labels),
            ``unjudged`` (why its labels cannot be judged, in a few words; null where they can).
        confusions: Given label against suggested label, the most frequent first: ``label``,
            ``label_name``, ``suggested_label``, ``suggested_name``, ``count``.
        subgroups: The kinds within the hard and need-review samples of each class, its outliers
            and its rare kinds: ``label``, ``label_name``, ``subgroup`` (a name, one of a class),
            ``count``, ``hard``, ``review``, ``easy`` (counts),
            ``share_of_hard``, ``share_of_review`` (of the class's), ``suggested_name`` (the most
            frequent).
        bands: Temperatures over the epochs: ``group`` (a category; ``clean`` and ``corrupted``
            where the truth is known), ``epoch``, ``low`` (5 %), ``median``, ``high`` (95 %).
        findings: What holds for the samples together: the noise estimate, warnings, classes that
            the model never learned.
        contents: Where the samples' contents come from; None where they are not at hand.
        review_budget: The largest share that was allowed to need review; None for no limit.
        use_model: Whether the trained model was to be asked as well.
        class_temperatures: A row per epoch and class: ``epoch``, ``label``, ``label_name``,
            ``temperature``; None where class parameters were not learned.
        judged_by: Who judged the samples of an audit; None of a training.
        has_temperatures: Whether temperatures of samples were learned; where not, the trajectories
            say what margins would have made of them.
        run: The run folder that was analyzed; None of arrays.
        validation: Of a training, a row for each validation sample, judged by the trained model,
            which never saw it: the columns of ``frame`` that do not come from trajectories, and
            ``held_out_probability``. None where there are none; of an audit, which judges samples
            of all splits alike, they are in ``frame``.

    Example:
        >>> import numpy as np
        >>> from dataparams import analyze_trajectories
        >>> rng = np.random.default_rng(0)
        >>> labels = np.arange(300) % 2
        >>> drift = np.where(np.arange(300) < 30, 0.1, -0.1)
        >>> log_temperature = np.cumsum(drift + rng.normal(0, 0.02, (20, 300)), axis=0)
        >>> analysis = analyze_trajectories(log_temperature, labels)
        >>> print(repr(analysis).splitlines()[0])
        Analysis of arrays: 300 samples of 2 classes, 270 easy, 30 hard, 0 need review
        >>> analysis.label_of("1"), analysis.rows_of_class(1)[:3].tolist()
        (1, [1, 3, 5])
    """

    name: str
    frame: pl.DataFrame
    class_names: tuple[str, ...]
    epochs: tuple[int, ...]
    log_temperatures: LogTemperatures
    classes: pl.DataFrame
    confusions: pl.DataFrame
    subgroups: pl.DataFrame
    bands: pl.DataFrame
    findings: Findings
    contents: SampleContents | None = None
    review_budget: float | None = None
    use_model: bool = True
    class_temperatures: pl.DataFrame | None = None
    has_temperatures: bool = True
    judged_by: JudgedBy | None = None
    run: RunFolder | None = None
    validation: pl.DataFrame | None = None

    @property
    def noise(self) -> NoiseEstimate:
        """Estimated share of wrong labels in the whole, with its interval."""
        return self.findings.noise

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences to read before anything else of the analysis."""
        return self.findings.warnings

    def rows_of_class(self, label: int) -> NDArray[np.int64]:
        """The rows of the frame that were given a label, ascending."""
        rows: NDArray[np.int64] = (
            (self.frame["label"] == label).arg_true().cast(pl.Int64).to_numpy()
        )
        return rows

    def of_class(self, label: int) -> pl.DataFrame:
        """The rows of the frame that were given a label."""
        return self.frame.filter(self.frame["label"] == label)

    def label_of(self, class_: int | str) -> int:
        """The number of a class, given its number or name.

        Raises:
            UserError: If there is none; the message names the nearest.
        """
        return class_number(class_, self.class_names)

    @missing_packages_named()
    def pictures_of(
        self, ids: Sequence[str], longest_side: int = 480
    ) -> list[NDArray[np.uint8] | None]:
        """The pictures of some samples; None where one cannot be read.

        Args:
            ids: The samples.
            longest_side: Pixels of a picture's longer side at most.

        Raises:
            RunError: If one of them is not what the run was trained on.
            MissingPackageError: If ``dataparams[app]``, which reads them, is not installed.
        """
        if self.contents is None:
            return [None] * len(ids)
        from dataparams.contents.images import pixels_of

        return pixels_of(self.contents.read(ids), longest_side)

    @missing_packages_named()
    def grid(self, class_: int | str) -> Drawing:
        """Draw representative easy, hard and need-review samples of a class."""
        from dataparams.figures import draw_grid

        return draw_grid(self, self.label_of(class_))

    @missing_packages_named()
    def tsne(self, class_: int | str) -> Drawing:
        """Draw the map of a class: every picture at the t-SNE position of its trajectory."""
        from dataparams.figures import draw_tsne

        return draw_tsne(self, self.label_of(class_))

    @missing_packages_named()
    def trajectories(
        self, indices: Sequence[int] | None = None, class_: int | str | None = None
    ) -> Drawing:
        """Draw the temperatures of chosen samples over the epochs, and those of all as bands."""
        from dataparams.figures import draw_trajectories

        label = None if class_ is None else self.label_of(class_)
        return draw_trajectories(self, indices, label)

    def __repr__(self) -> str:
        from dataparams.analysis.representation import headline

        return "\n".join(headline(self))

    def _repr_html_(self) -> str:
        from dataparams.analysis.representation import html_table

        return html_table(self)
