"""Training with data parameters: configuration, recipes and the loop."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dataparams.lazy_names import lazy_names

if TYPE_CHECKING:
    from dataparams.method.learning_rate import instance_learning_rate
    from dataparams.training.cleaned_config import config_from_clean
    from dataparams.training.config import RECIPES, TrainConfig
    from dataparams.training.engine import train

__all__ = ["RECIPES", "TrainConfig", "config_from_clean", "instance_learning_rate", "train"]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        **dict.fromkeys(("RECIPES", "TrainConfig"), "dataparams.training.config"),
        "config_from_clean": "dataparams.training.cleaned_config",
        "instance_learning_rate": "dataparams.method.learning_rate",
        "train": "dataparams.training.engine",
    },
)
