"""Whether the automatic instance learning rate holds over epochs, batch sizes and classes."""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

import torch

from dataparams.batches import ImageDataset, LabeledImages, load_dataset
from dataparams.training import TrainConfig, instance_learning_rate, train
from results import table, write_section

LENGTHS = ((10, 128), (30, 128), (120, 128), (30, 64), (30, 1024))
FACTORS = (0.25, 1.0, 4.0)


def first_samples(name: str, count: int) -> ImageDataset:
    """The first samples of a data set, or all of fewer, to train on, and 2,000 to validate on."""
    dataset = load_dataset(name)
    rows = torch.arange(min(count, len(dataset.train)))
    train_set = replace(dataset.train.select(rows), index=rows, num_instances=len(rows))
    return replace(
        dataset, train=train_set, val=dataset.val.select(torch.arange(min(2000, len(dataset.val))))
    )


def digit_pairs(count: int) -> ImageDataset:
    """100 classes: two digits side by side; validation pairs are made of other digits."""
    digits = load_dataset("digits", val_frac=0.3)
    generator = torch.Generator().manual_seed(0)

    def pairs(samples: LabeledImages, number: int) -> LabeledImages:
        chosen = torch.randint(len(samples), (2, number), generator=generator)
        images = torch.cat([samples.images[half] for half in chosen], dim=3)
        labels = 10 * samples.labels[chosen[0]] + samples.labels[chosen[1]]
        ids = tuple(f"pair/{position}" for position in range(number))
        return LabeledImages(images, labels, ids, torch.arange(number), number)

    names = tuple(f"{number:02}" for number in range(100))
    return replace(
        digits,
        name="digit-pairs",
        class_names=names,
        fingerprint="pairs",
        train=pairs(digits.train, count),
        val=pairs(digits.val, 2000),
    )


def one_row(dataset: ImageDataset, config: TrainConfig, factor: float) -> list[str]:
    """Train with a multiple of the automatic rate."""
    rate = factor * instance_learning_rate(config.epochs, config.batch_size, config.momentum)
    run = train(replace(config, lr_inst_param=rate), dataset=dataset)
    last = run.metrics().row(-1, named=True)
    row = [
        dataset.name,
        str(len(dataset.class_names)),
        str(config.epochs),
        str(config.batch_size),
        f"{rate:.3g} ({factor:g} x auto)",
        f"{last['auroc']:.3f}",
        f"{last['recall_at_noise_rate']:.3f}",
        f"{last['val_accuracy']:.3f}",
        f"{last['inst_share_at_clamp']:.1%}",
        f"{last['inst_lowest']:.2f} ... {last['inst_highest']:.2f}",
    ]
    print(*row, sep="  ", flush=True)
    return row


def main() -> None:
    """Run the grid and write the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ten-classes", default="fashion-mnist", help="a data set of 10 classes")
    parser.add_argument("--samples", type=int, default=4000)
    arguments = parser.parse_args()
    datasets = [first_samples(arguments.ten_classes, arguments.samples)]
    count = len(datasets[0].train)
    datasets.append(digit_pairs(count))
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for dataset in datasets:
            for epochs, batch_size in LENGTHS:
                config = TrainConfig(
                    output_dir=str(Path(folder)),
                    epochs=epochs,
                    batch_size=batch_size,
                    rand_fraction=0.4,
                    learn_inst_parameters=True,
                    restart=True,
                    amp="bf16",
                )
                rows += [one_row(dataset, config, factor) for factor in FACTORS]
            rows.append(one_plain(dataset, folder))
    header = ["data", "classes", "epochs", "batch", "instance rate", "AUROC"]
    header += ["recall at noise rate", "accuracy", "at clamp", "temperatures"]
    body = table(header, rows) + (
        f"\n\n{count} training samples, 40 % of the labels swapped, small-cnn, one "
        "seed, after the last epoch; digit-pairs are two of scikit-learn's digits side by side."
    )
    write_section("The automatic instance learning rate", body)


def one_plain(dataset: ImageDataset, folder: str) -> list[str]:
    """Train without data parameters, for comparison, at 30 epochs and batch 128."""
    config = TrainConfig(output_dir=folder, rand_fraction=0.4, restart=True, amp="bf16")
    config = replace(config, learn_inst_parameters=False)
    last = train(config, dataset=dataset).metrics().row(-1, named=True)
    accuracy = f"{last['val_accuracy']:.3f}"
    return [
        dataset.name,
        str(len(dataset.class_names)),
        "30",
        "128",
        "none",
        "",
        "",
        accuracy,
        "",
        "",
    ]


if __name__ == "__main__":
    main()
