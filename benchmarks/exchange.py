"""What data parameters cost at scale: a billion instances, and the exchange between processes."""

from __future__ import annotations

import argparse
import os
import socket
import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import torch
import torch.distributed as dist
from torch.multiprocessing.spawn import spawn

from dataparams.method.data_parameters import DataParameters
from dataparams.method.exchange import exchanged
from results import table, write_section

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

BATCH, CLASSES = 256, 1000
INSTANCES = (50_000, 1_280_000, 1_000_000_000)
RESNET18 = 11_689_512
BYTES_PER_INSTANCE = 8
WARM_UP = 5
BATCHES = 64


class Step:
    """Forward, backward and step of the data parameters, on generated logits."""

    def __init__(self, instances: int, batch: int) -> None:
        generator = torch.Generator().manual_seed(0)
        self.logits = torch.randn(batch, CLASSES, generator=generator)
        self.labels = torch.randint(CLASSES, (BATCHES, batch), generator=generator)
        self.index = torch.randint(instances, (BATCHES, batch), generator=generator)
        self.dp = DataParameters(instances, CLASSES, lr_inst=0.2)
        # Pages that nothing was written to yet are not memory yet.
        self.dp.inst_momentum.fill_(0.0)
        self.number = 0

    def __call__(self) -> None:
        """Take the next one."""
        self.number = (self.number + 1) % BATCHES
        logits = self.logits.detach().requires_grad_()
        self.dp(logits, self.labels[self.number], self.index[self.number]).backward()
        self.dp.step(capacity=len(self.logits))


def seconds_of(action: Callable[[], object]) -> float:
    """The time that an action takes, from the moment at which all processes begin it."""
    if dist.is_initialized():
        dist.barrier()
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def alternating(actions: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """The times of all actions, taken in turn."""
    times: dict[str, list[float]] = {name: [] for name in actions}
    for number in range(rounds + WARM_UP):
        for name, action in actions.items():
            seconds = seconds_of(action)
            if number >= WARM_UP:
                times[name].append(seconds)
    return times


def loopback_bytes() -> int:
    """Bytes that all processes of this machine sent over the loopback interface so far."""
    return int(Path("/sys/class/net/lo/statistics/tx_bytes").read_text(encoding="utf-8"))


def bytes_of(action: Callable[[], object], rounds: int) -> float:
    """Bytes on the loopback interface for each call of an action, over all processes.

    Acknowledgements and headers are in it. A barrier before and after keeps everything else out;
    what the barriers send themselves is taken off.
    """

    def sent(repeats: int) -> int:
        dist.barrier()
        before = loopback_bytes()
        for _ in range(repeats):
            action()
        dist.barrier()
        return loopback_bytes() - before

    return (sent(rounds) - statistics.median(sent(0) for _ in range(5))) / rounds


def process(rank: int, processes: int, port: int, rounds: int, folder: str) -> None:
    """One of several processes that take the same steps."""
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    torch.set_num_threads(1)
    dist.init_process_group("gloo", rank=rank, world_size=processes)
    share = BATCH // processes
    generator = torch.Generator().manual_seed(rank)
    index = torch.randint(INSTANCES[1], (share,), generator=generator)
    labels = torch.randint(CLASSES, (share,), generator=generator)
    gradient = torch.randn(share, generator=generator)
    weights = torch.zeros(RESNET18)
    actions: dict[str, Callable[[], object]] = {
        "step": Step(INSTANCES[1], share),
        "exchange": lambda: exchanged(index, labels, gradient, share),
        "all-reduce": lambda: dist.all_reduce(weights),
    }
    times = alternating(actions, rounds)
    sent = {name: bytes_of(action, 10) for name, action in actions.items()}
    if rank == 0:
        torch.save({"times": times, "sent": sent}, f"{folder}/measured.pt")
    dist.barrier()
    dist.destroy_process_group()


def together(processes: int, rounds: int) -> list[str]:
    """A row of the table of several processes."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with TemporaryDirectory() as folder:
        spawn(process, (processes, port, rounds, folder), processes)  # type: ignore[no-untyped-call]
        measured = torch.load(f"{folder}/measured.pt", weights_only=True)
    times, sent = measured["times"], measured["sent"]
    pairs = zip(times["exchange"], times["all-reduce"], strict=True)
    ratio = statistics.median(exchange / reduce for exchange, reduce in pairs)
    on_wire, reduced_on_wire = (sent[name] / processes for name in ("exchange", "all-reduce"))
    share = BATCH // processes
    payload = 16 * share * (processes - 1)
    reduced = 2 * 4 * RESNET18 * (processes - 1) // processes
    return [
        str(processes),
        *(f"{statistics.median(times[name]) * 1e6:,.0f}" for name in times),
        f"{ratio:.2%}",
        f"{payload:,} of {reduced:,} ({payload / reduced:.3%})",
        f"{on_wire:,.0f} of {reduced_on_wire:,.0f} ({on_wire / reduced_on_wire:.3%})",
    ]


def free_bytes() -> int:
    """Memory that can be had without swapping."""
    lines = Path("/proc/meminfo").read_text(encoding="utf-8").splitlines()
    available = next(line for line in lines if line.startswith("MemAvailable"))
    return 1024 * int(available.split()[1])


def alone(rounds: int) -> list[list[str]]:
    """The rows of the table of one process."""
    steps: dict[str, Callable[[], None]] = {}
    skipped = []
    for instances in INSTANCES:
        if BYTES_PER_INSTANCE * instances > 0.8 * free_bytes():
            skipped.append([f"{instances:,}", "skipped", f"{free_bytes() / 1e9:.0f} GB free"])
        else:
            steps[f"{instances:,}"] = Step(instances, BATCH)
    times = alternating(steps, rounds)
    rows = [
        [
            name,
            f"{statistics.median(seconds) * 1e6:,.0f}",
            f"{BYTES_PER_INSTANCE * int(name.replace(',', '')) / 1e9:.4g}",
        ]
        for name, seconds in times.items()
    ]
    return rows + skipped


def main() -> None:
    """Measure and write the section."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=100)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    load = os.getloadavg()[0]
    single = table(["instances", "step, microseconds", "state, GB"], alone(10 * arguments.rounds))
    header = ["processes", "step, us", "exchange, us", "all-reduce, us", "exchange / all-reduce"]
    header += ["payload sent by a process, bytes", "counted on the interface, bytes"]
    several = table(header, [together(count, arguments.rounds) for count in (2, 4)])
    write_section(
        "Data parameters at scale, and the exchange between processes",
        f"Batch {BATCH} (over all processes), {CLASSES} classes, generated logits, one thread per "
        "process, float32; a step is forward, backward and step of `DataParameters`, without a "
        f"model. Medians of {10 * arguments.rounds} steps in turn, in one process:\n\n{single}\n\n"
        "Several processes, gloo over loopback; the exchange brings their updates together (it is "
        f"part of the step), the all-reduce is of ResNet-18's {RESNET18:,} gradients. Medians of "
        f"{arguments.rounds} in turn, on rank 0, each begun behind a barrier; the ratio is the "
        f"median of the ratios of neighbours.\n\n{several}\n\n"
        "Payload: by the collectives' sizes, for a ring. Counted: what the loopback interface "
        "carried per process, with headers and acknowledgements. More processes than cores take "
        f"turns on them. Load of the machine at the start: {load:.1f}.",
    )


if __name__ == "__main__":
    main()
