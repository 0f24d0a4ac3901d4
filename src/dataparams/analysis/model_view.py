"""What the trained model makes of its training samples: features and class probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from dataparams.batches import DeviceBatches, StreamedBatches, StreamedImages, channel_statistics
from dataparams.batches.network_input import NetworkInput
from dataparams.encoders.architectures import create_model
from dataparams.encoders.trainable_backbones import empty_backbone
from dataparams.errors import RunError
from dataparams.run.trained_samples import samples_of_run
from dataparams.sources.text_column import TextColumn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from dataparams.batches import AnyDataset, Batch, Split
    from dataparams.run.folder import RunFolder

_BATCH = 500
_STREAMED_BATCH = 128
_PIXELS_ON_CPU = 1 << 19
"""How many pixels a CPU is shown at once: its cache holds what the layers make of them."""
_MOST_VALUES = 400_000_000


@dataclass(frozen=True, eq=False)
class ModelView:
    """What the model makes of n samples, in evaluation mode.

    Attributes:
        features: The input of the model's last linear layer, (n, d), float32.
        probabilities: Class probabilities, (n, C), float32.
    """

    features: NDArray[np.float32]
    probabilities: NDArray[np.float32]


def view_through_model(
    run: RunFolder,
    ids: Sequence[str],
    *,
    checkpoint: str = "last",
    dataset: AnyDataset | None = None,
    data: str | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> ModelView:
    """Show the samples of a run to the model of a checkpoint.

    Color images are shown as they are and mirrored, and both views averaged. An image of a stream
    that cannot be read gets the mean of the features, and all classes as equally likely.

    Args:
        run: The run folder.
        ids: The samples wanted, n of them.
        checkpoint: Which, ``"last"`` or ``"best"``.
        dataset: The data set, where it is open; otherwise it is opened.
        data: Where the data lie now; None for where they lay.
        on_progress: Called with the number of samples done and of all.

    Raises:
        UserError: If the data source cannot be read or is not the run's, or there is no checkpoint
            of a model that can be made again.
    """
    description = run.description()
    state = run.epoch_checkpoint(checkpoint)
    if state is None:
        raise RunError(f"{run.path} has no checkpoint of the model.")
    whole = samples_of_run(run, data) if dataset is None else _open_samples(description, dataset)
    network_input = _network_input(run, description)
    samples = whole.select(torch.from_numpy(_positions(whole, ids)))
    model = _model_of(run, state, description, whole)
    # A GPU on which training still goes on is left to it.
    is_free = torch.cuda.is_available() and description.get("status") != "running"
    device = torch.device("cuda" if is_free else "cpu")
    entered = _remember_input_of_head(model)
    is_color = whole.image_shape[0] == 3
    features, probabilities, positions = [], [], []
    done = 0
    with torch.no_grad():
        model.to(device).to(memory_format=torch.channels_last).eval()
        for batch in _batches(samples, whole, device, network_input):
            views = [batch.images, batch.images.flip(3)] if is_color else [batch.images]
            seen = [_look(model, view, entered) for view in views]
            _require_room(len(ids), seen[0][0].shape[1])
            features.append(torch.stack([feature for feature, _ in seen]).mean(dim=0).cpu())
            probabilities.append(torch.stack([chance for _, chance in seen]).mean(dim=0).cpu())
            positions.append(batch.positions.cpu())
            done += batch.global_size
            if on_progress is not None:
                on_progress(done, len(ids))
    return _completed(torch.cat(features), torch.cat(probabilities), torch.cat(positions), done)


def _network_input(run: RunFolder, description: dict[str, Any]) -> NetworkInput | None:
    """How images were prepared in training; None for a network that was not pretrained."""
    pretrained = description.get("pretrained")
    if pretrained is None:
        return None
    try:
        return NetworkInput.of_json(pretrained["input"])
    except (KeyError, TypeError, ValueError) as error:
        raise RunError(
            f"{run.path / 'run.json'} is damaged: it does not say how images were normalized "
            f"({error})."
        ) from error


def _batches(
    samples: Split, whole: Split, device: torch.device, network_input: NetworkInput | None
) -> Iterator[Batch]:
    """The samples as they are in evaluation, in their order; none of the empty batches."""
    if isinstance(samples, StreamedImages):
        options = {} if network_input is None else network_input.of_stream()
        streamed = StreamedBatches(
            samples, _STREAMED_BATCH, shuffle=False, device=device, **options
        )
        with streamed:
            yield from (batch for batch in streamed.epoch(0) if len(batch.index))
    elif not isinstance(whole, StreamedImages):
        mean, std = (
            channel_statistics(whole.images) if network_input is None else network_input.statistics
        )
        resident = DeviceBatches(samples, _BATCH, shuffle=False, device=device, mean=mean, std=std)
        yield from resident.epoch(0)


def _completed(features: Tensor, probabilities: Tensor, positions: Tensor, count: int) -> ModelView:
    """Values in the places of their samples, and a neutral value in the other places."""
    if len(positions) < count:
        known = features, probabilities
        features = features.mean(dim=0).repeat(count, 1)
        probabilities = torch.full(
            (count, probabilities.shape[1]), 1 / probabilities.shape[1], dtype=torch.float32
        )
        features[positions], probabilities[positions] = known
    return ModelView(features.numpy(), probabilities.numpy())


def _require_room(count: int, width: int) -> None:
    if count * width > _MOST_VALUES:
        raise RunError(f"{count} samples with {width} features each do not fit into memory.")


def _open_samples(description: dict[str, Any], dataset: AnyDataset) -> Split:
    """The training samples of a data set that is open, if it is the run's."""
    if dataset.fingerprint != description.get("fingerprint"):
        raise RunError(
            f"The data set {dataset.name} is not what the run was trained on (its fingerprint "
            "differs); expected the same images and labels."
        )
    is_in_color = (description.get("image_shape") or [0])[0] == 3
    train = dataset.train
    if is_in_color and train.image_shape[0] == 1 and not isinstance(train, StreamedImages):
        return train.in_color()
    return train


def _positions(whole: Split, ids: Sequence[str]) -> NDArray[np.int64]:
    positions = TextColumn(whole.ids).find(ids)
    if len(positions) and positions.min() < 0:
        missing = ids[int(positions.argmin())]
        raise RunError(f"{missing} is among the run's samples, but cannot be read now.")
    return positions


def _model_of(
    run: RunFolder, state: dict[str, Any], description: dict[str, Any], whole: Split
) -> nn.Module:
    channels, side, _ = whole.image_shape
    arch = str(description.get("config", {}).get("arch", ""))
    backbone = None if description.get("pretrained") is None else empty_backbone(arch)
    model = create_model(arch, len(run.class_names()), channels, side, backbone=backbone)
    try:
        model.load_state_dict(state["model"])
    except (KeyError, RuntimeError, TypeError, AttributeError) as error:
        raise RunError(f"The checkpoint of {run.path} is not one of a {arch}.") from error
    return model


def _remember_input_of_head(model: nn.Module) -> list[Tensor]:
    """Keep what enters the last linear layer; nothing where there is none."""
    entered: list[Tensor] = []
    heads = [module for module in model.modules() if isinstance(module, nn.Linear)]
    if heads:

        def remember(_: nn.Module, arguments: tuple[Tensor, ...]) -> None:
            entered[:] = [arguments[0]]

        heads[-1].register_forward_pre_hook(remember)
    return entered


def _look(model: nn.Module, images: Tensor, entered: list[Tensor]) -> tuple[Tensor, Tensor]:
    is_on_cpu = images.device.type == "cpu"
    size = max(1, _PIXELS_ON_CPU // images[0, 0].numel()) if is_on_cpu else len(images)
    features, probabilities = [], []
    for piece in torch.split(images.contiguous(memory_format=torch.channels_last), size):
        logits = model(piece).float()
        features.append(entered[0].float().flatten(1) if entered else logits)
        probabilities.append(logits.softmax(dim=1))
    return torch.cat(features), torch.cat(probabilities)
