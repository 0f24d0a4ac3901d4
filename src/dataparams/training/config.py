"""What a training run is told: one flat configuration, the recipes, and the check of both."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from dataparams.errors import ArgumentError

MOST_WORKERS = 1024
"""More threads or processes than any machine has a use for, and than most can start."""
_LARGEST = 1e30
_LARGEST_SEED = 2**64 - 1
Recipe = Literal["quick", "cifar", "imagenet", "finetune"]
Auto = Literal["auto"]
Loader = Literal["memory", "stream", "dali"]
OptimizerKind = Literal["sgd", "adamw"]
Schedule = Literal["steps", "cosine"]
Precision = Literal["no", "bf16", "fp16"]


@dataclass(frozen=True)
class TrainConfig:
    """Configuration of a training run. The defaults are the recipe ``quick``'s.

    ``dataparams train --help`` shows the same settings as flags, with the texts below.

    Example:
        >>> TrainConfig(dataset="cifar10", epochs=10).epochs
        10
    """

    dataset: str = "digits"
    """digits, cifar10, cifar100, mnist, fashion-mnist; the path of an image folder
    (<class>/<image>) or of Parquet; or a name on the Hugging Face hub
    (imagenet-1k for ILSVRC/imagenet-1k)."""
    data: str | None = None
    """The path of a local copy of the data set, in place of its name."""
    recipe: Recipe = "quick"
    """What the other settings default to: 'quick' trains a small network in minutes; 'finetune'
    trains a network further that others have trained on photographs; 'cifar' and 'imagenet' are
    the published recipes (WideResNet-28-10, CIFAR-100, 120 epochs; ResNet-18, ImageNet-1k, 100
    epochs)."""
    exp_prefix: str = "run"
    """Name of the run folder under <output-dir>/<dataset>/; may contain '/'."""
    output_dir: str = "weights_CL"
    """Where run folders lie."""
    restart: bool = False
    """Start anew where a run folder of that name exists: what training made there is removed."""
    resume: bool = False
    """Go on where the run of that name stopped."""

    data_dir: str = "data"
    """Where built-in data sets are kept and downloaded to."""
    hf_token_file: str | None = None
    """File with a token of the Hugging Face hub, for gated data sets such as imagenet-1k; by
    default HF_TOKEN or the hub's own login. It is not stored."""
    val_frac: float = 0.1
    """Share set aside for validation where the data set does not come split."""
    image_column: str | None = None
    """Which column of a table has the images, where that is not clear."""
    label_column: str | None = None
    """Which column of a table has the labels, where that is not clear."""
    loader: Loader = "memory"
    """memory: decode all images once and keep them; stream: read and decode each when it is
    needed, for data that does not fit; dali: the same, decoded on the GPU by NVIDIA DALI."""
    cache: str | None = None
    """Stream from this file that 'dataparams cache' made from the data set."""
    image_size: int | None = None
    """Height and width in pixels. By default the images' own size up to 96, else 64; streamed,
    224; for weights that others have trained, what these were trained on."""
    workers: int | None = None
    """Threads for decoding and computing, processes that read a stream; by default one per
    core."""

    rand_fraction: float = 0.0
    """Share of the training samples whose labels are made wrong on purpose."""
    noise: str = "swap"
    """How: swap, symmetric, pairflip, or file:PATH with the labels in .npy or .csv, by id, by index
    or in the order of the data."""
    dataset_subset_ckpt: str | None = None
    """Train only on the samples with the lowest instance parameters in this epoch_<N>.pth.tar."""
    subset_frac: float = 1.0
    """Share of the training samples to keep, those with the lowest instance parameters."""
    from_clean: str | None = None
    """Train on exactly the samples and labels of this file, which 'dataparams clean' wrote. Other
    settings then default to those of the run that it was made from."""

    learn_inst_parameters: bool = True
    """Learn a temperature per sample. The two published scripts, main_cifar.py and
    main_imagenet.py, do so only where asked to."""
    init_inst_param: float = 1.0
    """Initial temperature of the samples."""
    lr_inst_param: float | Auto = "auto"
    """Learning rate of the instance parameters; auto chooses it from epochs and batch size."""
    wd_inst_param: float = 0.0
    """Weight decay of the instance parameters."""
    learn_class_parameters: bool = False
    """Learn a temperature per class."""
    init_class_param: float = 1.0
    """Initial temperature of the classes."""
    lr_class_param: float = 0.1
    """Learning rate of the class parameters."""
    wd_class_param: float = 0.0
    """Weight decay of the class parameters."""
    skip_clamp_data_param: bool = False
    """Do not keep the temperatures within 1/20 ... 20."""

    arch: str = "small-cnn"
    """small-cnn, wrn-28-10, efficientnet-lite0, or any name of timm or torchvision."""
    pretrained: bool = False
    """Start from weights that others have trained on photographs: efficientnet-lite0 has them
    inside a package, those of a name of timm are downloaded once. Images are normalized as timm
    says."""
    weights: str | None = None
    """Start from the weights in this file, safetensors or a PyTorch state dict, for a network of
    timm."""
    epochs: int = 30
    """Number of epochs."""
    start_epoch: int = 0
    """Number of epochs taken as done already (the schedule's position)."""
    batch_size: int = 128
    """Samples per step, over all processes."""
    lr: float = 0.1
    """Highest learning rate of the model, or of its classifier where layers have their own."""
    optimizer: OptimizerKind = "sgd"
    """Optimizer of the model; data parameters always have SGD."""
    layer_decay: float = 1.0
    """Each layer's learning rate as a share of that of the layer behind it; 1: the same for all."""
    schedule: Schedule = "cosine"
    """steps: x0.1 at each milestone; cosine: a short warm-up, then down to zero."""
    milestones: tuple[int, ...] = (80, 100, 160)
    """Epochs at which the schedule 'steps' divides the learning rate by ten."""
    lr_drop_epoch_step: int | None = None
    """Divide the learning rate by ten every so many epochs, in place of the milestones."""
    momentum: float = 0.9
    """Momentum of the model's optimizer and of the data parameters'."""
    wd: float = 5e-4
    """Weight decay of the model."""
    augment: bool = True
    """Random crops, and mirror images where images have color. Streamed, crops are of random
    size and shape."""

    seed: int = 0
    """What everything random depends on."""
    gpu: int | None = None
    """Number of the one GPU to use."""
    amp: Precision = "no"
    """Mixed precision."""
    compile: bool = False
    """Compile the model with torch.compile."""
    save_every: int = 0
    """Keep the model weights of every n-th epoch too, beside the last and the best."""
    checkpoint_minutes: float = 10.0
    """Minutes between two checkpoints in the middle of an epoch, from which a stopped run is
    resumed; 0: only at the end of an epoch."""
    print_freq: int = 50
    """Steps between two readings of the running loss."""
    log_with: tuple[str, ...] = ()
    """Trackers of Accelerate to report to as well, such as wandb; TensorBoard is always on."""

    @property
    def location(self) -> str:
        """What the data set is found by: ``data`` where it is given, otherwise ``dataset``."""
        return self.dataset if self.data is None else self.data

    @property
    def is_pretrained(self) -> bool:
        """Whether training starts from weights that others have trained."""
        return self.pretrained or self.weights is not None


RECIPES: dict[Recipe, TrainConfig] = {
    "quick": TrainConfig(),
    "cifar": TrainConfig(
        dataset="cifar100",
        recipe="cifar",
        arch="wrn-28-10",
        epochs=120,
        schedule="steps",
        lr_inst_param=0.2,
    ),
    "imagenet": TrainConfig(
        dataset="ILSVRC/imagenet-1k",
        recipe="imagenet",
        loader="stream",
        image_size=224,
        arch="resnet18",
        epochs=100,
        batch_size=256,
        wd=1e-4,
        schedule="steps",
        lr_drop_epoch_step=30,
        lr_inst_param=0.8,
        wd_inst_param=1e-8,
    ),
    "finetune": TrainConfig(
        recipe="finetune",
        arch="efficientnet-lite0",
        pretrained=True,
        epochs=4,
        batch_size=32,
        optimizer="adamw",
        lr=1e-3,
        layer_decay=0.75,
        wd=0.05,
    ),
}
"""What each recipe sets: Saxena et al. 2019, sections 4.3 (``cifar``) and 4.2 (``imagenet``)."""


MAY_CHANGE_ON_RESUME = frozenset(
    {"restart", "resume", "workers", "print_freq", "save_every", "data_dir", "log_with"}
    | {"output_dir", "exp_prefix"}
    | {"data", "cache", "gpu", "checkpoint_minutes"}
)
"""The settings that do not decide what a run computes."""


NEVER_STORED = frozenset({"hf_token_file"})
"""The settings that are written nowhere."""


def plain_settings(config: TrainConfig) -> dict[str, Any]:
    """The settings of a run as ``run.json`` has them.

    Example:
        >>> plain_settings(TrainConfig(milestones=(10, 20)))["milestones"]
        [10, 20]
        >>> "hf_token_file" in plain_settings(TrainConfig(hf_token_file="token.txt"))
        False
    """
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in asdict(config).items()
        if name not in NEVER_STORED
    }


def changed_settings(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """What keeps a run from being resumed, as ``"`epochs` was 30 and is 40"``.

    Args:
        before: The settings that the run was begun with, from its ``run.json``. A setting that
            older versions did not have did what it does by default.
        now: The settings of today, from :func:`plain_settings`.

    Example:
        >>> changed_settings({"epochs": 30}, plain_settings(TrainConfig(epochs=40, workers=2)))
        ['`epochs` was 30 and is 40']
    """
    before = {**plain_settings(TrainConfig()), **before}
    return [
        f"`{name}` was {before.get(name)} and is {value}"
        for name, value in now.items()
        if name not in MAY_CHANGE_ON_RESUME and before.get(name) != value
    ]


def require_valid(config: TrainConfig) -> None:
    """Check what can be checked before any data is read.

    Raises:
        ArgumentError: Naming the setting, what was given and what is expected.

    Example:
        >>> require_valid(TrainConfig(epochs=0))
        Traceback (most recent call last):
        ...
        dataparams.errors.ArgumentError: `epochs` is 0; expected a whole number, 1 or above.
    """
    _require_choices(config)
    _require_whole_numbers(config)
    _require_rates_and_shares(config)
    _require_name_of_folder(config)
    _require_one_of_each(config)


def _require_choices(config: TrainConfig) -> None:
    for name, choices in (
        ("recipe", get_args(Recipe)),
        ("loader", get_args(Loader)),
        ("optimizer", get_args(OptimizerKind)),
        ("schedule", get_args(Schedule)),
        ("amp", get_args(Precision)),
    ):
        is_known = getattr(config, name) in choices
        _require(config, name, is_known, f"one of {', '.join(choices)}")


def _require_whole_numbers(config: TrainConfig) -> None:
    for name, lowest, highest in (
        ("epochs", 1, math.inf),
        ("batch_size", 1, math.inf),
        ("print_freq", 1, math.inf),
        ("lr_drop_epoch_step", 1, math.inf),
        ("start_epoch", 0, math.inf),
        ("save_every", 0, math.inf),
        ("seed", 0, _LARGEST_SEED),
        ("workers", 1, MOST_WORKERS),
    ):
        value = getattr(config, name)
        range_text = f"{lowest} or above" if highest == math.inf else f"{lowest} ... {highest}"
        is_whole = isinstance(value, int) and lowest <= value <= highest
        is_left_out = value is None and name in ("lr_drop_epoch_step", "workers")
        _require(config, name, is_whole or is_left_out, f"a whole number, {range_text}")
    gpu = config.gpu
    _require(config, "gpu", gpu is None or gpu >= 0, "the number of a GPU, 0 or above")
    _require(config, "start_epoch", config.start_epoch < config.epochs, "fewer than `epochs`")


def _require_rates_and_shares(config: TrainConfig) -> None:
    minutes = config.checkpoint_minutes
    _require(config, "checkpoint_minutes", 0 <= minutes < math.inf, "a number, 0 or above")
    _require(config, "lr", 0 < config.lr <= _LARGEST, f"a number above 0, up to {_LARGEST:g}")
    for name in ("init_inst_param", "init_class_param"):
        is_number = 1 / _LARGEST <= getattr(config, name) <= _LARGEST
        _require(config, name, is_number, f"a number, {1 / _LARGEST:g} ... {_LARGEST:g}")
    for name in ("wd", "wd_inst_param", "wd_class_param", "lr_class_param", "lr_inst_param"):
        value = getattr(config, name)
        is_rate = value == "auto" or (not isinstance(value, str) and 0 <= value <= _LARGEST)
        _require(config, name, is_rate, f"a number, 0 ... {_LARGEST:g}")
    is_share = 0 < config.layer_decay <= 1
    _require(config, "layer_decay", is_share, "a share above 0, up to 1")
    _require(config, "momentum", 0 <= config.momentum < 1, "a number from 0 to below 1")
    _require(config, "rand_fraction", 0 <= config.rand_fraction <= 1, "a share, 0 ... 1")
    _require(config, "subset_frac", 0 < config.subset_frac <= 1, "a share above 0, up to 1")


def _require_name_of_folder(config: TrainConfig) -> None:
    parts = config.exp_prefix.replace("\\", "/").split("/")
    is_inside = all(part not in ("", ".", "..") and "\0" not in part for part in parts)
    _require(config, "exp_prefix", is_inside, "a name, or names joined by '/'")


def _require_one_of_each(config: TrainConfig) -> None:
    """Refuse settings that contradict each other."""
    if config.data is not None and config.dataset != RECIPES[config.recipe].dataset:
        raise ArgumentError(
            f'`dataset="{config.dataset}"` and `data="{config.data}"` are both given; expected '
            "one of them."
        )
    if config.cache is not None and config.loader == "memory":
        raise ArgumentError(
            f'`cache="{config.cache}"` is given with `loader="memory"`; expected '
            '`loader="stream"`, which reads it.'
        )
    if config.restart and config.resume:
        raise ArgumentError("`restart` and `resume` are both given; expected one of them.")
    if config.subset_frac < 1 and config.dataset_subset_ckpt is None:
        raise ArgumentError(
            f"`subset_frac` is {config.subset_frac} without `dataset_subset_ckpt`; expected the "
            "epoch_<N>.pth.tar whose instance parameters choose the samples."
        )
    if config.from_clean is not None and config.dataset_subset_ckpt is not None:
        raise ArgumentError(
            "`from_clean` and `dataset_subset_ckpt` are both given; expected one of them."
        )


def _require(config: TrainConfig, name: str, is_valid: bool, expected: str) -> None:
    if not is_valid:
        raise ArgumentError(f"`{name}` is {getattr(config, name)}; expected {expected}.")
