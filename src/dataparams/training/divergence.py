"""What to say of a training whose numbers are no longer finite."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataparams.method.data_parameters import CLAMP

if TYPE_CHECKING:
    from dataparams.run.folder import RunFolder
    from dataparams.training.config import TrainConfig


def divergence_text(config: TrainConfig, run: RunFolder, epoch: int) -> str:
    """What happened, what to do next, and what can be used of the run.

    Args:
        config: The configuration of the training.
        run: Its run folder.
        epoch: The number of the epoch in which it happened, 1 or above.
    """
    return (
        f"Training diverged in epoch {epoch}: its loss, its network or its data parameters are no "
        f"longer finite numbers. {_remedies(config)}, and train again with --restart, or with "
        f"another --exp-prefix. {_what_is_left(run)}"
    )


def _remedies(config: TrainConfig) -> str:
    remedies = [f"Lower --lr (it is {config.lr:g})"]
    if config.amp == "fp16":
        remedies.append("choose --amp bf16")
    if config.learn_inst_parameters and config.skip_clamp_data_param:
        remedies.append("lower --lr-inst-param or leave out --skip-clamp-data-param")
    low, high = CLAMP
    for flag, is_learned, initial in (
        ("init-inst-param", config.learn_inst_parameters, config.init_inst_param),
        ("init-class-param", config.learn_class_parameters, config.init_class_param),
    ):
        if is_learned and not low <= initial <= high:
            remedies.append(f"bring --{flag} (it is {initial:g}) nearer to 1")
    return ", or ".join(remedies)


def _what_is_left(run: RunFolder) -> str:
    whole = run.epochs()
    if not whole:
        return f"{run.path} has no whole epoch: there is nothing to analyze."
    which = f"Epoch {whole[0]} is" if len(whole) == 1 else f"Epochs {whole[0]} ... {whole[-1]} are"
    return f"{which} whole, for dataparams analyze {run.path}."
