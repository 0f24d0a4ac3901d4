"""Trains networks without batch statistics; a program for test_processes.py, under torchrun.

One on digits in memory, one on a stream of the images of a folder.
"""

from __future__ import annotations

import sys
from dataclasses import replace

import torch
from torch import nn

from dataparams.data import load_dataset
from dataparams.errors import UserError
from dataparams.training import TrainConfig, train


def main() -> None:
    """Train, or say what is wrong."""
    digits = load_dataset("digits")
    few = replace(digits.train.select(torch.arange(403)), num_instances=403)
    torch.manual_seed(0)
    config = TrainConfig(
        output_dir=sys.argv[1],
        epochs=4,
        batch_size=64,
        rand_fraction=0.4,
        learn_inst_parameters=True,
        learn_class_parameters=True,
        exp_prefix=sys.argv[2],
        lr=0.01,
        workers=1,
    )
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    streamed = replace(
        config, dataset=sys.argv[3], loader="stream", image_size=16, epochs=2, batch_size=8
    )
    try:
        train(config, dataset=replace(digits, train=few), model=model)
        torch.manual_seed(0)
        train(streamed, model=nn.Sequential(nn.Flatten(), nn.Linear(3 * 16 * 16, 2)))
    except UserError as error:
        sys.exit(f"refused: {error}")


if __name__ == "__main__":
    main()
