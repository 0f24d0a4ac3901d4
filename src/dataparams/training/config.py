"""What a training run is told: one flat configuration, whose names are the command line's flags."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields, replace
from typing import Annotated, Any, Literal

from tyro.conf import Positional, arg

from dataparams.errors import UserError

MOST_WORKERS = 1024
"""More threads or processes than any machine has a use for, and than most can start."""
_LARGEST = 1e30
_LARGEST_SEED = 2**64 - 1
Recipe = Literal["quick", "cifar", "imagenet", "finetune"]
Auto = Literal["auto"]


@dataclass(frozen=True)
class TrainConfig:
    """Configuration of a training run. The defaults are the recipe ``quick``'s.

    Instance parameters are learned unless ``learn_inst_parameters`` is False, by every recipe, from
    Python as from the command line; see :func:`published` for the two scripts.
    """

    dataset: str = "digits"
    """digits, cifar10, cifar100, mnist, fashion-mnist; the path of an image folder
    (<class>/<image>) or of Parquet; or a name on the Hugging Face hub
    (imagenet-1k for ILSVRC/imagenet-1k)."""
    data: str | None = None
    """The path of a local copy of the data set: another way of saying --dataset."""
    recipe: Recipe = "quick"
    """What the other flags default to: 'quick' trains a small network in minutes; 'finetune' trains
    a network further that others have trained on photographs; 'cifar' and 'imagenet' are the
    published recipes (WideResNet-28-10, CIFAR-100, 120 epochs; ResNet-18, ImageNet-1k, 100
    epochs)."""
    exp_prefix: Annotated[str, arg(aliases=["--job-name"])] = "run"
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
    loader: Literal["memory", "stream", "dali"] = "memory"
    """memory: decode all images once and keep them; stream: read and decode each when it is
    needed, for data that does not fit; dali: the same, decoded on the GPU by NVIDIA DALI."""
    cache: str | None = None
    """Stream from this file that 'dataparams cache' made from the data set."""
    image_size: int | None = None
    """Height and width in pixels. By default the images' own size up to 96, else 64; streamed,
    224; with --pretrained, what the network was trained on."""
    workers: Annotated[int | None, arg(aliases=["-j"])] = None
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
    """Share of the samples kept with --dataset-subset-ckpt."""
    from_clean: str | None = None
    """Train on exactly the samples and labels of this file, which 'dataparams clean' wrote. Other
    flags then default to those of the run that it was made from."""

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

    arch: Annotated[str, arg(aliases=["-a"])] = "small-cnn"
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
    batch_size: Annotated[int, arg(aliases=["-b"])] = 128
    """Samples per step, over all processes."""
    lr: Annotated[float, arg(aliases=["--learning-rate"])] = 0.1
    """Highest learning rate of the model, or of its classifier with --layer-decay."""
    optimizer: Literal["sgd", "adamw"] = "sgd"
    """Optimizer of the model; data parameters always have SGD."""
    layer_decay: float = 1.0
    """Each layer's learning rate as a share of that of the layer behind it; 1: the same for all."""
    schedule: Literal["steps", "cosine"] = "cosine"
    """steps: x0.1 at each milestone; cosine: a short warm-up, then down to zero."""
    milestones: tuple[int, ...] = (80, 100, 160)
    """Epochs at which the schedule 'steps' divides the learning rate by ten."""
    lr_drop_epoch_step: int | None = None
    """Divide the learning rate by ten every so many epochs, in place of --milestones."""
    momentum: float = 0.9
    """Momentum of the model's optimiser and of the data parameters'."""
    wd: Annotated[float, arg(aliases=["--weight-decay"])] = 5e-4
    """Weight decay of the model."""
    augment: bool = True
    """Random crops, and mirror images where images have color. Streamed, crops are of random
    size and shape."""

    seed: int = 0
    """What everything random depends on."""
    gpu: int | None = None
    """Number of the one GPU to use."""
    amp: Literal["no", "bf16", "fp16"] = "no"
    """Mixed precision."""
    compile: bool = False
    """Compile the model with torch.compile."""
    save_every: int = 0
    """Keep the model weights of every n-th epoch too, beside the last and the best."""
    checkpoint_minutes: float = 10.0
    """Minutes between two checkpoints in the middle of an epoch, from which --resume goes on; 0:
    only at the end of an epoch."""
    print_freq: Annotated[int, arg(aliases=["-p"])] = 50
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


def published(recipe: TrainConfig) -> TrainConfig:
    """A recipe as its published script has it: nothing is learned that no flag asks for.

    Example:
        >>> published(RECIPES["cifar"]).learn_inst_parameters
        False
    """
    return replace(recipe, learn_inst_parameters=False)


@dataclass(frozen=True)
class TrainArguments(TrainConfig):
    """What ``dataparams train`` takes: a configuration, and the data set as its first word."""

    path: Annotated[Positional[str | None], arg(metavar="[PATH]")] = None
    """The data set: another way of saying --dataset."""


def config_of(
    arguments: TrainArguments, *, dataset: str | None = None, data: str | None = None
) -> TrainConfig:
    """The configuration that somebody asked for.

    Args:
        arguments: What the command line says, with the defaults of a recipe or of a run.
        dataset: The value of ``--dataset`` where it was given.
        data: The value of ``--data`` where it was given.

    Raises:
        UserError: If the data set is named in two ways.

    Example:
        >>> config_of(TrainArguments(path="photos")).dataset
        'photos'
    """
    ways = {"PATH": arguments.path, "--dataset": dataset, "--data": data}
    given = [f"{way} {value}" for way, value in ways.items() if value is not None]
    if len(given) > 1:
        how_many = "both" if len(given) == 2 else "all"
        raise UserError(f"{' and '.join(given)} are {how_many} given; expected one of them.")
    named = {field.name: getattr(arguments, field.name) for field in fields(TrainConfig)}
    if arguments.path is not None or dataset is not None:
        named |= {"dataset": arguments.path or dataset, "data": None}
    elif data is not None:
        named["dataset"] = RECIPES[arguments.recipe].dataset
    return TrainConfig(**named)


MAY_CHANGE_ON_RESUME = frozenset(
    {"restart", "resume", "workers", "print_freq", "save_every", "data_dir", "log_with"}
    | {"output_dir", "exp_prefix"}
    | {"data", "cache", "gpu", "checkpoint_minutes"}
)
"""The settings that do not decide what a run computes."""


NEVER_STORED = frozenset({"hf_token_file"})
"""The settings that are written nowhere."""


def stored_settings(config: TrainConfig) -> dict[str, Any]:
    """The settings of a run that may be written down.

    Example:
        >>> "hf_token_file" in stored_settings(TrainConfig(hf_token_file="token.txt"))
        False
    """
    return {name: value for name, value in asdict(config).items() if name not in NEVER_STORED}


def require_valid(config: TrainConfig) -> None:
    """Check what can be checked before any data is read.

    Raises:
        UserError: Naming the flag, what was given and what is expected.

    Example:
        >>> require_valid(TrainConfig(epochs=0))
        Traceback (most recent call last):
        ...
        dataparams.errors.UserError: --epochs is 0; expected a whole number, 1 or above.
    """
    for flag in ("epochs", "batch_size", "print_freq"):
        _require(config, flag, getattr(config, flag) >= 1, "a whole number, 1 or above")
    for flag in ("start_epoch", "save_every"):
        _require(config, flag, getattr(config, flag) >= 0, "a whole number, 0 or above")
    is_seed = 0 <= config.seed <= _LARGEST_SEED
    _require(config, "seed", is_seed, f"a whole number, 0 ... {_LARGEST_SEED}")
    minutes = config.checkpoint_minutes
    _require(config, "checkpoint_minutes", 0 <= minutes < math.inf, "a number, 0 or above")
    _require(config, "lr", 0 < config.lr <= _LARGEST, f"a number above 0, up to {_LARGEST:g}")
    for flag in ("init_inst_param", "init_class_param"):
        is_number = 1 / _LARGEST <= getattr(config, flag) <= _LARGEST
        _require(config, flag, is_number, f"a number, {1 / _LARGEST:g} ... {_LARGEST:g}")
    for flag in ("wd", "wd_inst_param", "wd_class_param", "lr_class_param", "lr_inst_param"):
        value = getattr(config, flag)
        is_rate = value == "auto" or 0 <= value <= _LARGEST
        _require(config, flag, is_rate, f"a number, 0 ... {_LARGEST:g}")
    is_share = 0 < config.layer_decay <= 1
    _require(config, "layer_decay", is_share, "a share above 0, up to 1")
    _require(config, "momentum", 0 <= config.momentum < 1, "a number from 0 to below 1")
    _require(config, "rand_fraction", 0 <= config.rand_fraction <= 1, "a share, 0 ... 1")
    _require(config, "subset_frac", 0 < config.subset_frac <= 1, "a share above 0, up to 1")
    _require(config, "start_epoch", config.start_epoch < config.epochs, "fewer than --epochs")
    step, gpu = config.lr_drop_epoch_step, config.gpu
    _require(config, "lr_drop_epoch_step", step is None or step >= 1, "a whole number, 1 or above")
    _require(config, "gpu", gpu is None or gpu >= 0, "the number of a GPU, 0 or above")
    workers = config.workers
    are_some = workers is None or 1 <= workers <= MOST_WORKERS
    _require(config, "workers", are_some, f"a whole number, 1 ... {MOST_WORKERS}")
    parts = config.exp_prefix.replace("\\", "/").split("/")
    is_inside = all(part not in ("", ".", "..") and "\0" not in part for part in parts)
    _require(config, "exp_prefix", is_inside, "a name, or names joined by '/'")
    _require_one_source(config)
    if config.restart and config.resume:
        raise UserError("--restart and --resume are both given; expected one of them.")
    if config.subset_frac < 1 and config.dataset_subset_ckpt is None:
        raise UserError(
            f"--subset-frac is {config.subset_frac} without --dataset-subset-ckpt; expected the "
            "epoch_<N>.pth.tar whose instance parameters choose the samples."
        )
    if config.from_clean is not None and config.dataset_subset_ckpt is not None:
        raise UserError(
            "--from-clean and --dataset-subset-ckpt are both given; expected one of them."
        )


def _require(config: TrainConfig, name: str, is_valid: bool, expected: str) -> None:
    if not is_valid:
        flag = "--" + name.replace("_", "-")
        raise UserError(f"{flag} is {getattr(config, name)}; expected {expected}.")


def _require_one_source(config: TrainConfig) -> None:
    if config.data is not None and config.dataset != RECIPES[config.recipe].dataset:
        raise UserError(
            f"--dataset {config.dataset} and --data {config.data} are both given; expected one of "
            "them."
        )
    if config.cache is not None and config.loader == "memory":
        raise UserError(
            f"--cache {config.cache} is given with --loader memory; expected --loader stream, "
            "which reads it."
        )
