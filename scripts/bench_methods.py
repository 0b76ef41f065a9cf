"""Seconds per image of every method at 64x64 and 224x224, with default options. Prints the table of docs/benchmarks.md."""

from __future__ import annotations

import time

import torch
from rich.console import Console
from rich.progress import track

import attributionlab as al
from attributionlab.methods import METHODS

SIZES = (64, 224)


def seconds_per_image(name: str, size: int) -> float:
    """Of one image, after a first one has warmed up what warms up."""
    environment = al.make_environment("multi-color-sum", size=size)
    method, model = al.make_method(name, environment), environment.model
    begin = 0.0
    for index in range(2):
        batch = environment.sample(1, index)
        context = {"batch": batch} if method.needs_batch else {}
        begin = time.perf_counter()
        method(model, batch.inputs, batch.targets, **context)
    return time.perf_counter() - begin


def main() -> None:
    """Measure and print."""
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, seconds per image on `multi-color-sum`\n")
    print(f"| method | {' | '.join(f'{size}x{size}' for size in SIZES)} |")
    print(f"|---|{'---|' * len(SIZES)}")
    for name in track(list(METHODS), console=Console(stderr=True)):
        cells = [f"{seconds_per_image(name, size):.3f}" for size in SIZES]
        print(f"| `{name}` | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
