"""How the data parameters of a recorded loop are learned, as ``run.json`` keeps it."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args

from dataparams.errors import ArgumentError, RunError
from dataparams.method.data_parameters import DataParameters
from dataparams.method.learning_rate import instance_learning_rate
from dataparams.recording.plain_loss import PlainLoss

Learn = Literal["nothing", "instance", "class", "both"]
"""Which temperatures are learned."""


@dataclass(frozen=True)
class RecordedLoop:
    """What the loop is, and how its data parameters are learned.

    Attributes:
        epochs: Number of epochs.
        batch_size: Samples of one step of the optimizer, over all processes.
        learn: Which temperatures are learned.
        lr_inst: Learning rate of the instance parameters.
        is_auto: Whether that was chosen by the length of the training.
        lr_class: Learning rate of the class parameters.
        init_inst: Initial temperature of the samples.
        init_class: Initial temperature of the classes.
        wd_inst: Weight decay of the instance parameters.
        wd_class: Weight decay of the class parameters.
        momentum: Momentum of both.
        clamp: Lowest and highest temperature; None for no bounds.
    """

    epochs: int
    batch_size: int
    learn: Learn
    lr_inst: float
    is_auto: bool
    lr_class: float
    init_inst: float
    init_class: float
    wd_inst: float
    wd_class: float
    momentum: float
    clamp: tuple[float, float] | None

    def criterion(self, num_instances: int, num_classes: int) -> DataParameters | PlainLoss:
        """The loss: with data parameters or, where nothing is learned, without."""
        if self.learn == "nothing":
            return PlainLoss(num_instances, num_classes)
        return DataParameters(
            num_instances,
            num_classes,
            lr_inst=self.lr_inst if self.learn in ("instance", "both") else None,
            lr_class=self.lr_class if self.learn in ("class", "both") else None,
            init_inst=self.init_inst,
            init_class=self.init_class,
            wd_inst=self.wd_inst,
            wd_class=self.wd_class,
            momentum=self.momentum,
            clamp=self.clamp,
        )

    def as_json(self) -> dict[str, Any]:
        """The entry ``config`` of ``run.json``, by the names that other runs have there."""
        return {
            "epochs": self.epochs,
            "batch_size": self.batch_size,
            "learn": self.learn,
            "learn_inst_parameters": self.learn in ("instance", "both"),
            "learn_class_parameters": self.learn in ("class", "both"),
            "lr_inst_param": self.lr_inst,
            "is_auto": self.is_auto,
            "lr_class_param": self.lr_class,
            "init_inst_param": self.init_inst,
            "init_class_param": self.init_class,
            "wd_inst_param": self.wd_inst,
            "wd_class_param": self.wd_class,
            "param_momentum": self.momentum,
            "clamp": None if self.clamp is None else list(self.clamp),
            "skip_clamp_data_param": self.clamp is None,
        }

    @classmethod
    def of_json(cls, config: dict[str, Any]) -> RecordedLoop:
        """The settings in a ``run.json``.

        Raises:
            KeyError: If it has not all of them.
        """
        clamp = config["clamp"]
        return cls(
            epochs=config["epochs"],
            batch_size=config["batch_size"],
            learn=config["learn"],
            lr_inst=config["lr_inst_param"],
            is_auto=config["is_auto"],
            lr_class=config["lr_class_param"],
            init_inst=config["init_inst_param"],
            init_class=config["init_class_param"],
            wd_inst=config["wd_inst_param"],
            wd_class=config["wd_class_param"],
            momentum=config["param_momentum"],
            clamp=None if clamp is None else tuple(clamp),
        )

    def going_on(self, before: RecordedLoop, place: str) -> RecordedLoop:
        """These settings in a run that was begun with others.

        A loop may be given more epochs than it was begun with; a learning rate that was chosen by
        their number then stays as it was.

        Args:
            before: With which it was begun.
            place: Where, for the message.

        Raises:
            RunError: If something else differs.
        """
        kept = replace(self, lr_inst=before.lr_inst) if self.is_auto and before.is_auto else self
        for field in fields(self):
            now, then = getattr(kept, field.name), getattr(before, field.name)
            if now != then and field.name != "epochs":
                raise RunError(
                    f"{place} was begun with `{field.name}={then}`, and now `{field.name}` is "
                    f"{now}. Give the same, another folder, or `restart=True` to start anew."
                )
        return kept


def loop_settings(
    *, epochs: int, batch_size: int, learn: Learn, lr_inst: float | Literal["auto"], **others: Any
) -> RecordedLoop:
    """The settings by the arguments of :class:`dataparams.recording.recording.Recording`.

    Raises:
        ArgumentError: If one is out of its range.

    Example:
        >>> others = dict(lr_class=0.1, init_inst=1.0, init_class=1.0, wd_inst=0.0, wd_class=0.0,
        ...     momentum=0.9, clamp=None)
        >>> round(loop_settings(epochs=30, batch_size=128, learn="both", lr_inst="auto",
        ...     **others).lr_inst, 2)
        1.0
    """
    for name, number in (("epochs", epochs), ("batch_size", batch_size)):
        if not isinstance(number, int) or isinstance(number, bool) or number < 1:
            raise ArgumentError(f"`{name}` is {number!r}; expected a whole number, 1 or above.")
    if learn not in get_args(Learn):
        raise ArgumentError(
            f"`learn` is {learn!r}; expected one of {', '.join(map(repr, get_args(Learn)))}."
        )
    is_auto = lr_inst == "auto"
    if isinstance(lr_inst, str) and not is_auto:
        raise ArgumentError(f"`lr_inst` is {lr_inst!r}; expected a number or 'auto'.")
    if is_auto:
        lr_inst = instance_learning_rate(epochs, batch_size, others["momentum"])
    settings = RecordedLoop(
        epochs=epochs,
        batch_size=batch_size,
        learn=learn,
        lr_inst=float(lr_inst),
        is_auto=is_auto,
        **others,
    )
    # What is out of its range is refused before anything is written.
    settings.criterion(1, 2)
    return settings
