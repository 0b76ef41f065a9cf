"""Seconds and peak memory of a job, for its record."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

import torch

from attributionlab.machine import versions
from attributionlab.runs.jobs import Job
from attributionlab.runs.records import Record


class Stopwatch:
    """Time and peak memory since its construction.

    Args:
        device: The device that does the work.
    """

    def __init__(self, device: str) -> None:
        self.device = torch.device(device)
        if self.device.type == "cuda":
            torch.cuda.init()  # in a new process nothing is allocated yet, and there is no peak to reset
            torch.cuda.reset_peak_memory_stats(self.device)
        else:
            _reset_peak()
        self.begin = time.perf_counter()

    @property
    def seconds(self) -> float:
        """Seconds since the construction."""
        return time.perf_counter() - self.begin

    def record(self, job: Job, seconds: float | None = None, **fields: object) -> Record:
        """Record of a job that has just ended."""
        on_gpu = self.device.type == "cuda"
        peak = torch.cuda.max_memory_allocated(self.device) if on_gpu else _peak()
        return Record(
            job=job,
            seconds=self.seconds if seconds is None else seconds,
            peak_memory=int(peak),
            device=torch.cuda.get_device_name(self.device) if on_gpu else "cpu",
            versions=_versions(),
            **fields,  # type: ignore[arg-type]  # fields of a record
        )


_versions: Callable[[], dict[str, str]] = lru_cache(maxsize=1)(versions)

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def _reset_peak() -> None:
    """Reset the peak memory of this process, where the system can (Linux)."""
    try:
        _CLEAR.write_text("5", encoding="ascii")
    except OSError:
        return


def _peak() -> int:
    """Largest resident memory of this process so far in bytes; 0 if the system does not report it."""
    try:
        lines = _STATUS.read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), 0)
