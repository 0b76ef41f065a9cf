"""Forward passes per second at 224x224: the network as the paper draws it against ours, in one run.

All variants are the same function, bit for bit; the script checks that before it measures. Prints the table of
docs/benchmarks.md.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from torch import Tensor

import attributionlab as al
from attributionlab.networks import DesignedNetwork

BATCH_SIZES = (16, 4, 1)
N_IMAGES = 16
N_REPEATS = 5


def nchw(model: DesignedNetwork) -> Callable[[Tensor], Tensor]:
    """The forward pass without any change of memory layout."""
    assert model.detector is not None
    detector, accumulator = model.detector.layers, model.accumulator
    for part in (detector, accumulator):
        part.to(memory_format=torch.contiguous_format)
    return lambda inputs: model.head(accumulator(detector(inputs)))


def rate(forward: Callable[[Tensor], Tensor], inputs: Tensor, batch_size: int) -> float:
    """Images per second, the best of several rounds."""
    forward(inputs[:batch_size])
    best = float("inf")
    for _ in range(N_REPEATS):
        begin = time.perf_counter()
        for part in inputs.split(batch_size):
            forward(part)
        best = min(best, time.perf_counter() - begin)
    return len(inputs) / best


def main() -> None:
    """Measure and print."""
    dense = al.make_environment("multi-color-sum", layout="dense")
    compact = al.make_environment("multi-color-sum")
    inputs = compact.sample(N_IMAGES).inputs
    variants: dict[str, Callable[[Tensor], Tensor]] = {
        "dense, NCHW (as the paper draws it)": nchw(dense.build_network()),
        "dense, channels_last": dense.model.logits,
        "compact, NCHW": nchw(compact.build_network()),
        "compact, channels_last (the default)": compact.model.logits,
    }
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, images/s at 224x224\n")
    print(f"| network | {' | '.join(f'batch {size}' for size in BATCH_SIZES)} | best | ratio |")
    print(f"|---|{'---|' * (len(BATCH_SIZES) + 2)}")
    with torch.inference_mode():
        expected = compact.model.logits(inputs)
        reference = 0.0
        for name, forward in variants.items():
            assert torch.equal(forward(inputs), expected), f"{name} computes something else"
            rates = [rate(forward, inputs, size) for size in BATCH_SIZES]
            reference = reference or max(rates)
            cells = " | ".join(f"{value:.0f}" for value in rates)
            print(f"| {name} | {cells} | {max(rates):.0f} | {max(rates) / reference:.1f} |")


if __name__ == "__main__":
    main()
