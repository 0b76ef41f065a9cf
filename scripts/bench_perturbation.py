"""Complete Insertion curves by events against one forward pass per step. Prints the tables of docs/benchmarks.md."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

import attributionlab as al
from attributionlab.perturbation import DensePixels, SwitchedPixels, random_orders

N_FORWARD = 256
"""Steps that are timed by forward passes; scaled to all."""

BATCH_SIZES = (1, 4, 16)
N_ORDERS = 16


def seconds(function: Callable[[], object]) -> float:
    """The best of three runs, after one that warms up."""
    function()
    times = []
    for _ in range(3):
        begin = time.perf_counter()
        function()
        times.append(time.perf_counter() - begin)
    return min(times)


def brute_force(fast: SwitchedPixels, order: torch.Tensor) -> float:
    """Seconds for a complete curve in the best batch size, scaled from some steps; checks that both give the same."""
    steps = torch.linspace(0, fast.n_pixels, N_FORWARD).long()
    times = []
    for batch_size in BATCH_SIZES:
        dense = DensePixels(fast.model, fast.start, fast.end, batch_size)
        begin = time.perf_counter()
        outputs = dense.outputs(order, 0, steps)
        times.append((time.perf_counter() - begin) / N_FORWARD * (fast.n_pixels + 1))
        torch.testing.assert_close(outputs, fast.outputs(order, 0)[:, steps], rtol=0, atol=2e-7)  # the softmax rounds
    return min(times)


def main() -> None:
    """Measure and print."""
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads\n")
    print("| environment | size | preparation ms | ms per curve | forward passes s per curve | ratio |")
    print("|---|---|---|---|---|---|")
    for name in ("multi-color-sum", "single-color-modulo"):
        for size in (32, 64, 112, 224, 512):
            environment = al.make_environment(name, size=size)
            image = environment.sample(1).inputs[0]
            orders = random_orders(N_ORDERS, size * size)

            def prepared() -> SwitchedPixels:
                pixels = SwitchedPixels(environment.model, torch.zeros_like(image), image)  # noqa: B023  # called at once
                _ = pixels._cells  # noqa: SLF001  # what is done once per image
                return pixels

            preparation = seconds(prepared)
            fast = prepared()
            curve = seconds(lambda: fast.outputs(orders, 0)) / N_ORDERS  # noqa: B023  # called at once
            slow = brute_force(fast, orders[:1]) if size <= 224 else None
            forward = "" if slow is None else f"{slow:.1f}"
            ratio = "" if slow is None else f"{slow / curve:,.0f}"
            print(
                f"| `{name}` | {size} | {preparation * 1e3:.1f} | {curve * 1e3:.2f} | {forward} | {ratio} |", flush=True
            )
    environment = al.make_environment("multi-color-sum")
    batch = environment.sample(1)
    taken = seconds(lambda: al.sensitivity_n(environment, batch, batch.ground_truth.signed))
    print(f"\nSensitivity-N for every N from 100 orders, one method at 224x224: {taken:.2f} s per image")


if __name__ == "__main__":
    main()
