"""What learns: the network with its data parameters, and one step of both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from dataparams.run.epoch_record import EpochRecord
from dataparams.run.sample_recorder import SampleRecorder
from dataparams.training.batch_normalization import running_statistics
from dataparams.training.optimizer import set_learning_rate

if TYPE_CHECKING:
    from accelerate import Accelerator

    from dataparams.batches import Batch
    from dataparams.method.data_parameters import DataParameters
    from dataparams.method.functional import Reduction
    from dataparams.training.processes import Processes

# The temperature of a larger one, and that of its negative, is no float32 above 0.
_LARGEST_LOG = 87.0


class Learner:
    """A network, its optimizer and its data parameters, over all processes.

    Args:
        model: The network.
        optimizer: Of its weights.
        data_parameters: None where none are learned.
        num_instances: N, the number of samples in the source.
        num_classes: C.
        weights: What each sample's loss is multiplied by, (N,), float32; None where all count
            alike.
        accelerator: Knows the device and the precision.
        processes: The processes that share a batch.

    Attributes:
        model: The network, as it computes on the device.
        data_parameters: The data parameters, on the device.
        recorder: Keeps the outcome of each training sample.
        has_diverged: Whether a number was not finite in this process; where that is only known
            after a wait for the device, see :meth:`is_finite`.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        data_parameters: DataParameters | None,
        *,
        num_instances: int,
        num_classes: int,
        weights: Tensor | None,
        accelerator: Accelerator,
        processes: Processes,
    ) -> None:
        self._accelerator, self._processes = accelerator, processes
        self.model, self._optimizer = accelerator.prepare(model, optimizer)
        self._bare_model: nn.Module = accelerator.unwrap_model(self.model, keep_torch_compile=False)
        self.data_parameters = data_parameters
        if data_parameters is not None:
            data_parameters.to(accelerator.device)
        self.recorder = SampleRecorder(num_instances, accelerator.device)
        self.has_diverged = False
        self._num_instances, self._num_classes = num_instances, num_classes
        self._weights = None if weights is None else weights.to(accelerator.device)

    @property
    def device(self) -> torch.device:
        """Where this process computes."""
        device: torch.device = self._accelerator.device
        return device

    @property
    def is_alone_on_cpu(self) -> bool:
        """Whether one process trains, without a GPU."""
        return self.device.type == "cpu" and self._processes.count == 1

    @property
    def learning_rate(self) -> float:
        """The highest learning rate of the network's layers."""
        return max(float(group["lr"]) for group in self._optimizer.param_groups)

    @learning_rate.setter
    def learning_rate(self, rate: float) -> None:
        set_learning_rate(self._optimizer.param_groups, rate)

    def step(self, batch: Batch) -> None:
        """Learn from a batch, without waiting for the device."""
        images = batch.images
        if not len(images):
            if self._processes.count == 1:
                return
            # The other processes wait for this one's gradient, which is zero.
            images = images.new_zeros(1, *images.shape[1:])
        with running_statistics(self.model, is_needed=len(images) == 1):
            logits = self.model(images)[: len(batch.index)]
        self.recorder.record(logits, batch.labels, batch.index)
        # A sum over this process's share, scaled so that the average over the processes, which
        # DDP and the data parameters take, is the mean over the global batch.
        share = self._processes.count / batch.global_size
        loss = self._loss(logits, batch)
        if self._weights is not None:
            loss = (loss * self._weights[batch.index]).sum()
        self._optimizer.zero_grad(set_to_none=True)
        self._accelerator.backward(loss * share)
        if self.data_parameters is not None:
            # Where a gradient scaler is in use, it looks for overflows now: both steps are skipped.
            self._accelerator.unscale_gradients()
            self._step_data_parameters(self.data_parameters, logits, batch)
        self._optimizer.step()

    def _loss(self, logits: Tensor, batch: Batch) -> Tensor:
        """The sum over a batch; the loss of each sample where these have weights."""
        reduction: Reduction = "sum" if self._weights is None else "none"
        if self.data_parameters is not None:
            try:
                return self.data_parameters(  # type: ignore[no-any-return]
                    logits, batch.labels, batch.index, reduction=reduction
                )
            except ValueError:
                if not self._fits(logits, batch):
                    raise
                # The processes stop together, so this one goes on until all know.
                self.has_diverged = True
        return nn.functional.cross_entropy(logits.float(), batch.labels, reduction=reduction)

    def _step_data_parameters(self, dp: DataParameters, logits: Tensor, batch: Batch) -> None:
        capacity = -(-batch.global_size // self._processes.count)
        try:
            dp.step(self._accelerator.scaler, capacity=capacity)
        except ValueError:
            if not self._fits(logits, batch):
                raise
            self.has_diverged = True
            # What was complained of is forgotten; the other processes wait for this one's share.
            dp.step(self._accelerator.scaler, capacity=capacity)

    def _fits(self, logits: Tensor, batch: Batch) -> bool:
        """Whether data parameters, which are given a batch, can complain of its values alone."""
        is_class = (batch.labels >= 0) & (batch.labels < self._num_classes)
        is_instance = (batch.index >= 0) & (batch.index < self._num_instances)
        is_shape = logits.shape == (len(batch.index), self._num_classes)
        return is_shape and bool((is_class & is_instance).all())

    def is_finite(self) -> bool:
        """Whether all numbers of this process are finite; waits for the device."""
        dp = self.data_parameters
        learned = () if dp is None else (dp.inst_log, dp.class_log)
        is_finite = all(bool((values.abs() < _LARGEST_LOG).all()) for values in learned)
        return is_finite and self.recorder.is_finite() and not self.has_diverged

    def synchronize(self) -> None:
        """Let complaints of the device about earlier steps arrive; waits for it."""
        if self.data_parameters is not None:
            self.data_parameters.synchronize()

    def epoch_record(self, epoch: int) -> EpochRecord:
        """What is known of each training sample after an epoch; all processes must call it.

        Args:
            epoch: Its number, 1 or above.
        """
        dp, empty = self.data_parameters, torch.empty(0)
        return EpochRecord(
            epoch=epoch,
            class_log_temperature=empty if dp is None else dp.class_log.cpu().clone(),
            instance_log_temperature=empty if dp is None else dp.inst_log.cpu().clone(),
            **vars(self.recorder.finish()),
        )

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint holds of it; keys of ``model`` are those of the network itself."""
        dp, scaler = self.data_parameters, self._accelerator.scaler
        return {
            "model": self._bare_model.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "data_parameters": dp.state_dict() if dp is not None else {},
            "scaler": scaler.state_dict() if scaler is not None else {},
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a checkpoint."""
        self._bare_model.load_state_dict(state["model"])
        self._optimizer.load_state_dict(state["optimizer"])
        if self.data_parameters is not None:
            self.data_parameters.load_state_dict(state["data_parameters"])
        if self._accelerator.scaler is not None:
            self._accelerator.scaler.load_state_dict(state["scaler"])
