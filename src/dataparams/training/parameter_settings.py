"""How the data parameters of a training are learned."""

from __future__ import annotations

from dataclasses import dataclass

from dataparams.method.data_parameters import CLAMP, DataParameters


@dataclass(frozen=True)
class ParameterSettings:
    """How data parameters are learned; the attributes are arguments of ``DataParameters``.

    Attributes:
        lr_inst: Learning rate of the instance parameters; None where they are not learned.
        lr_class: Learning rate of the class parameters; None where they are not learned.
        init_inst: Initial temperature of the samples.
        init_class: Initial temperature of the classes.
        wd_inst: Weight decay of the instance parameters.
        wd_class: Weight decay of the class parameters.
        momentum: Momentum of both.
        clamp: Lowest and highest temperature; None for no bounds.
    """

    lr_inst: float | None
    lr_class: float | None = None
    init_inst: float = 1.0
    init_class: float = 1.0
    wd_inst: float = 0.0
    wd_class: float = 0.0
    momentum: float = 0.9
    clamp: tuple[float, float] | None = CLAMP

    def data_parameters(self, num_instances: int, num_classes: int) -> DataParameters | None:
        """Make the data parameters; None where none are learned.

        Example:
            >>> ParameterSettings(lr_inst=None).data_parameters(100, 3) is None
            True
            >>> ParameterSettings(lr_inst=0.2).data_parameters(100, 3).inst_log.shape
            torch.Size([100])
        """
        if self.lr_inst is None and self.lr_class is None:
            return None
        return DataParameters(num_instances, num_classes, **vars(self))
