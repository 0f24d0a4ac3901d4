"""The learning rate of the instance parameters; needs no PyTorch."""

from __future__ import annotations

from dataparams.errors import ArgumentError, is_finite

_RATE_PER_SAMPLE = 1.67


def instance_learning_rate(epochs: int, batch_size: int, momentum: float = 0.9) -> float:
    """The learning rate of the instance parameters that suits the length of a training.

    An instance takes part once per epoch with a gradient that the mean over the batch divides by
    its size. Under a constant gradient g per sample, SGD with momentum displaces its log
    temperature in E epochs by ``rate * g / batch_size * A(E)`` with

        A(E) = (E - momentum * (1 - momentum^E) / (1 - momentum)) / (1 - momentum).

    The rule keeps ``rate * A(E) / batch_size`` the same for every run, so that temperatures end at
    the same spread: far enough to reshape the loss, short of the clamp.

    Args:
        epochs: Number of epochs, 1 or above.
        batch_size: The global batch, 1 or above: the samples of one step of the optimizer, over all
            processes and all accumulated micro-batches. Four processes that accumulate two
            micro-batches of 32 have a batch of 4 * 2 * 32 = 256.
        momentum: Momentum of the data parameters, in [0, 1).

    Returns:
        The learning rate.

    Raises:
        ValueError: An argument is out of its range.

    Example:
        >>> round(instance_learning_rate(epochs=30, batch_size=128), 2)
        1.0
        >>> round(instance_learning_rate(epochs=120, batch_size=128), 2)
        0.19
    """
    for name, value in (("epochs", epochs), ("batch_size", batch_size)):
        if not (is_finite(value) and value >= 1):
            raise ArgumentError(f"`{name}` is {value}; expected a number, 1 or above.")
    if not (is_finite(momentum) and 0 <= momentum < 1):
        raise ArgumentError(f"`momentum` is {momentum}; expected 0 <= momentum < 1.")
    decayed = momentum * (1 - momentum**epochs) / (1 - momentum)
    displacement = (epochs - decayed) / (1 - momentum)
    return _RATE_PER_SAMPLE * batch_size / displacement
