"""Seconds per image of every method at 64x64 and 224x224, with default options.

Prints the table of docs/benchmarks.md and writes what `attributionlab list methods` shows; both from one run.
"""

from __future__ import annotations

import json
import platform
import time
from pathlib import Path

import torch
from rich.console import Console
from rich.progress import track

import attributionlab as al
from attributionlab.methods import METHODS

SIZES = (64, 224)
SECONDS = Path(al.__file__).parent / "methods" / "seconds.json"


def seconds_per_image(name: str, size: int) -> float:
    """Of one image, the best of two after a first one has warmed up what warms up."""
    environment = al.make_environment("multi-color-sum", size=size)
    method, model = al.make_method(name, environment), environment.model
    times = []
    for index in range(3):
        batch = environment.sample(1, index)
        context = {"batch": batch} if method.needs_batch else {}
        begin = time.perf_counter()
        method(model, batch.inputs, batch.targets, **context)
        times.append(time.perf_counter() - begin)
    return float(f"{min(times[1:]):.2g}")


def main() -> None:
    """Measure, print and write."""
    on = f"torch {torch.__version__}, {torch.get_num_threads()} threads, {platform.machine()}"
    print(f"{on}, seconds per image on `multi-color-sum`\n")
    print(f"| method | {' | '.join(f'{size}x{size}' for size in SIZES)} |")
    print(f"|---|{'---|' * len(SIZES)}")
    seconds = {}
    for name in track(list(METHODS), console=Console(stderr=True)):
        seconds[name] = {str(size): seconds_per_image(name, size) for size in SIZES}
        print(f"| `{name}` | {' | '.join(f'{value:g}' for value in seconds[name].values())} |", flush=True)
    SECONDS.write_text(json.dumps({"measured_on": on, "seconds": seconds}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
