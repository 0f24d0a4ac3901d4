"""The protocol of encoders, which turn contents (images, texts, table rows) into features."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    import numpy as np
    from numpy.typing import NDArray

    from dataparams.contents.content import Content


class Encoder(Protocol):
    """A frozen network, with the preparation of its input.

    Attributes:
        name: The name that the user gives, such as ``efficientnet-lite0``.
        key: The name of the folder of its features, different for each encoder that gives different
            features: of the network, a hash of its weights, and the size and preparation of input.
        width: Length of a feature, 1 or above.
        batch_size: The best number of contents to encode at once, 1 or above.
        threads: The best number of threads to call ``encode`` in, 1 or above.
        processes: The best number of processes to call ``prepare`` in, where contents are many; 0
            for threads of this one.
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

    @property
    def processes(self) -> int: ...  # noqa: D102

    def prepare(self, content: Content) -> NDArray[Any]:
        """The network's input for one content; called in several threads, or forked processes.

        Raises:
            UnreadableContentError: If the content cannot be read or decoded, or is of the wrong
                kind.
        """

    def encode(self, prepared: Sequence[NDArray[Any]]) -> NDArray[np.float16]:
        """The features of a batch of contents.

        Args:
            prepared: The results of ``prepare``, b of them, at most ``batch_size``.

        Returns:
            The features, (b, width), within the range of half precision.
        """
