"""Keeps RESULTS.md: a section per benchmark, with machine, date and command."""

from __future__ import annotations

import os
import platform
import re
import statistics
import sys
from datetime import datetime, timezone
from pathlib import Path

import torch

RESULTS = Path(__file__).with_name("RESULTS.md")


def machine() -> str:
    """Processor, cores, accelerator and versions, in a line."""
    processor = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = re.findall(r"model name\s*:\s*(.+)", info.read_text(encoding="utf-8"))
        processor = names[0] if names else processor
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    return (
        f"{processor}, {cores} cores, {device}, Python {platform.python_version()}, "
        f"torch {torch.__version__}"
    )


def table(header: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def mean_and_spread(values: list[float], digits: int = 3) -> str:
    """Mean and sample standard deviation, such as ``0.951 ± 0.002``; of one value, itself."""
    if len(values) == 1:
        return f"{values[0]:.{digits}f}"
    spread = statistics.stdev(values)
    return f"{statistics.mean(values):.{digits}f} ± {spread:.{digits}f}"


def write_section(title: str, body: str) -> None:
    """Print a section and put it into RESULTS.md, in place of the one of that title."""
    command = "uv run python " + " ".join(["benchmarks/" + Path(sys.argv[0]).name, *sys.argv[1:]])
    date = datetime.now(timezone.utc).date().isoformat()
    section = f"## {title}\n\n{body}\n\nMachine: {machine()}. Date: {date}. Command: `{command}`\n"
    sys.stdout.write(section)
    old = RESULTS.read_text(encoding="utf-8") if RESULTS.exists() else "# Results\n"
    sections = [part for part in re.split(r"(?m)^(?=## )", old) if part.strip()]
    kept = [part.strip() for part in sections if not part.startswith(f"## {title}\n")]
    RESULTS.write_text("\n\n".join([*kept, section]), encoding="utf-8")
