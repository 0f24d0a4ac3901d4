"""Training with data parameters: configuration, recipes and the loop."""

from dataparams.training.cleaned import config_from_clean
from dataparams.training.config import RECIPES, TrainConfig
from dataparams.training.engine import train
from dataparams.training.learning_rate import instance_learning_rate

__all__ = ["RECIPES", "TrainConfig", "config_from_clean", "instance_learning_rate", "train"]
