"""What turns contents into features, whatever they are of: images, texts, rows of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    import numpy as np
    from numpy.typing import NDArray

    from dataparams.contents.content import Content


class Encoder(Protocol):
    """A frozen network, with what it needs done to a content beforehand.

    Attributes:
        name: What the user calls it, such as ``efficientnet-lite0``.
        key: A word that can be a folder's name and tells its features from those of all others:
            network, hash of its weights, size and preparation of what it is given.
        width: Numbers of a feature, 1 or above.
        batch_size: How many contents are best encoded at once, 1 or above.
        threads: In how many threads ``encode`` is best called side by side, 1 or above.
    """

    @property
    def name(self) -> str: ...  # noqa: D102

    @property
    def key(self) -> str: ...  # noqa: D102

    @property
    def width(self) -> int: ...  # noqa: D102

    @property
    def batch_size(self) -> int: ...  # noqa: D102

    @property
    def threads(self) -> int: ...  # noqa: D102

    def prepare(self, content: Content) -> NDArray[Any]:
        """What the network is given of one content; called in several threads at once.

        Raises:
            UnreadableContentError: If the content cannot be read or decoded, or is of a kind that
                the network does not take.
        """

    def encode(self, prepared: Sequence[NDArray[Any]]) -> NDArray[np.float16]:
        """The features of a few contents.

        Args:
            prepared: What ``prepare`` gave for each of them, at most ``batch_size``.

        Returns:
            A row for each, (b, width), within the range of half precision.
        """
