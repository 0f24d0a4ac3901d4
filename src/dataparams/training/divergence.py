"""What to say of a training whose numbers are no longer finite."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataparams.method.data_parameters import CLAMP

if TYPE_CHECKING:
    from dataparams.run.folder import RunFolder
    from dataparams.training.config import Precision
    from dataparams.training.parameter_settings import ParameterSettings


def divergence_text(
    run: RunFolder, epoch: int, *, lr: float, amp: Precision, parameters: ParameterSettings
) -> str:
    """What happened, what to do next, and what can be used of the run.

    Args:
        run: The run folder.
        epoch: The number of the epoch in which it happened, 1 or above.
        lr: Highest learning rate of the model.
        amp: The precision of its training.
        parameters: How data parameters are learned.
    """
    return (
        f"Training diverged in epoch {epoch}: its loss, its network or its data parameters are no "
        f"longer finite numbers. {_remedies(lr, amp, parameters)}, and train again with "
        f"`restart=True`, or with another `exp_prefix`. {_what_is_left(run)}"
    )


def _remedies(lr: float, amp: Precision, parameters: ParameterSettings) -> str:
    remedies = [f"Lower `lr` (it is {lr:g})"]
    if amp == "fp16":
        remedies.append('choose `amp="bf16"`')
    if parameters.lr_inst is not None and parameters.clamp is None:
        remedies.append("lower `lr_inst_param` or leave out `skip_clamp_data_param`")
    low, high = CLAMP
    for name, rate, initial in (
        ("init_inst_param", parameters.lr_inst, parameters.init_inst),
        ("init_class_param", parameters.lr_class, parameters.init_class),
    ):
        if rate is not None and not low <= initial <= high:
            remedies.append(f"bring `{name}` (it is {initial:g}) nearer to 1")
    return ", or ".join(remedies)


def _what_is_left(run: RunFolder) -> str:
    whole = run.epochs()
    if not whole:
        return f"{run.path} has no whole epoch: there is nothing to analyze."
    which = f"Epoch {whole[0]} is" if len(whole) == 1 else f"Epochs {whole[0]} ... {whole[-1]} are"
    return f"{which} whole, for dataparams analyze {run.path}."
