"""Records a loop in one of several processes (DDP, gloo)."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, DistributedSampler

from dataparams.recording.recording import Recording
from recorded_loops import digits, network

if TYPE_CHECKING:
    from pathlib import Path

COUNT, BATCH = 301, 32


def record_as(rank: int, folder: Path, processes: int, epochs: int, *, stops: bool) -> None:
    """Record as one of several processes; leave amid the second epoch where it stops."""
    torch.set_num_threads(1)
    method = folder.with_suffix(".store").resolve().as_uri()
    dist.init_process_group("gloo", init_method=method, rank=rank, world_size=processes)
    record_in(folder, rank, processes, epochs, stops=stops)
    dist.destroy_process_group()


def record_in(folder: Path, rank: int, processes: int, epochs: int, *, stops: bool = False) -> None:
    """Record in this process, where all of them are there."""
    data, model = digits(COUNT), network().eval()
    if processes > 1:
        model = DistributedDataParallel(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    sampler: DistributedSampler[Any] = DistributedSampler(
        data.indexed(), processes, rank, shuffle=True
    )
    loader = DataLoader(data.indexed(), batch_size=BATCH // processes, sampler=sampler)
    run = Recording(
        folder,
        labels=data.y,
        validation=data.y[:7],
        epochs=epochs,
        batch_size=BATCH,
        learn="both",
    )
    for epoch in run.epochs(model, optimizer):
        sampler.set_epoch(epoch)
        for x, y, index in loader:
            loss = run.loss(model(x), y, index)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            run.step()
            if stops and epoch == 1:
                os._exit(0)
        with torch.no_grad():
            # Both look at the last sample, as a sampler that pads does.
            mine = torch.tensor([0, 1, 2, 6] if rank == 0 else [3, 4, 5, 6])
            if processes == 1:
                mine = torch.arange(7)
            run.validate(model(data.x[mine]), data.y[mine], mine)
    analysis = run.analyze()
    if len(analysis.frame) != COUNT:
        sys.exit("an analysis of other samples")
