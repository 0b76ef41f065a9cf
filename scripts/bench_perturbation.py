"""Complete Insertion curves by events against one forward pass per step, in CPU seconds of one core.

Prints the tables of docs/benchmarks.md; `scripts/bench_peers.py` has the comparison with Quantus.
"""

from __future__ import annotations

import os
import resource
import time
import timeit
from collections.abc import Callable
from functools import partial

import torch

import attributionlab as al
from attributionlab.methods import METHODS
from attributionlab.perturbation import DensePixels, SwitchedPixels, random_orders

N_FORWARD = 256
"""Steps that are timed by forward passes; scaled to all."""

BATCH_SIZES = (1, 4, 16)
N_ORDERS = 16
TARGET = torch.zeros(1, dtype=torch.int64)


def seconds(function: Callable[[], object]) -> float:
    """Processor time, the best of three runs, after one that warms up."""
    function()
    times = []
    for _ in range(3):
        begin = time.process_time()
        function()
        times.append(time.process_time() - begin)
    return min(times)


def brute_force(fast: SwitchedPixels, order: torch.Tensor) -> float:
    """Seconds for a complete curve in the best batch size, scaled from some steps; checks that both give the same."""
    steps = torch.linspace(0, fast.n_pixels, N_FORWARD).long()
    times = []
    for batch_size in BATCH_SIZES:
        dense = DensePixels(fast.model, fast.start, fast.end, batch_size)
        begin = time.process_time()
        outputs = dense.outputs(order[None], TARGET, steps)
        times.append((time.process_time() - begin) / N_FORWARD * (fast.n_pixels + 1))
        torch.testing.assert_close(
            outputs, fast.outputs(order[None], TARGET)[..., steps], rtol=0, atol=2e-7
        )  # the softmax rounds
    return min(times)


def peak_memory() -> None:
    """By how much the process grows for 16 orders at 224x224; to be asked first, as its peak never falls."""
    environment = al.make_environment("multi-color-sum")
    image = environment.sample(1).inputs
    fast = SwitchedPixels(environment.model, torch.zeros_like(image), image)
    orders = random_orders(N_ORDERS, fast.n_pixels)
    fast.logits(orders[None, :1])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    fast.outputs(orders[None], TARGET)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1e6  # Linux counts in kB
    print(f"{N_ORDERS} orders at 224x224: {grown:.2f} GB more than one order\n")


def sensitivity() -> None:
    """Sensitivity-N of as many methods as there are, together."""
    environment = al.make_environment("multi-color-sum")
    batch, metric = environment.sample(1), al.make_metric("sensitivity-n")
    maps = list(random_maps(len(list(METHODS))))
    for some in (maps[:1], maps):
        taken = seconds(lambda: metric.evaluate(environment, batch, some))  # noqa: B023  # called at once
        print(f"\nSensitivity-N for every N from 100 orders, {len(some)} methods at 224x224: {taken:.2f} s per image")


def random_maps(n: int) -> torch.Tensor:
    """(n, 1, 224, 224)."""
    return torch.randn(n, 1, 224, 224, generator=torch.Generator().manual_seed(0))


def single() -> None:
    """One call for one map, from call to result: sorting, ties and checks included; seconds on the clock, with all cores."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(os.cpu_count() or 1)
    calls = {"deletion": al.deletion, "insertion": al.insertion, "sensitivity_n": al.sensitivity_n}
    print(f"\nOne call at 224x224, ms on the clock, {torch.get_num_threads()} threads, the best of 7:")
    for output in ("logit", "probability"):
        environment = al.make_environment("multi-color-sum", output=output)
        batch, (maps,) = environment.sample(1), random_maps(1)
        taken = {
            name: min(timeit.repeat(partial(call, environment, batch, maps), number=1, repeat=7))
            for name, call in calls.items()
        }
        print(f"  {output}: {', '.join(f'{name} {seconds * 1e3:.0f}' for name, seconds in taken.items())}", flush=True)
    torch.set_num_threads(n_threads)


def main() -> None:
    """Measure and print."""
    torch.set_num_threads(1)
    print(f"torch {torch.__version__}, CPU seconds of one core\n")
    peak_memory()
    print("| environment | size | preparation ms | ms per curve | ns per pixel | forward passes s per curve | ratio |")
    print("|---|---|---|---|---|---|---|")
    for name in ("multi-color-sum", "single-color-modulo"):
        for size in (32, 64, 112, 224, 512):
            environment = al.make_environment(name, size=size)
            image = environment.sample(1).inputs
            orders = random_orders(N_ORDERS, size * size)

            def prepared() -> SwitchedPixels:
                pixels = SwitchedPixels(environment.model, torch.zeros_like(image), image)  # noqa: B023  # called at once
                _ = pixels._cells  # noqa: SLF001  # what is done once per image
                return pixels

            preparation = seconds(prepared)
            fast = prepared()
            curve = seconds(lambda: fast.outputs(orders[None], TARGET)) / N_ORDERS  # noqa: B023  # called at once
            slow = brute_force(fast, orders[:1]) if size <= 224 else None
            forward = "" if slow is None else f"{slow:.1f}"
            ratio = "" if slow is None else f"{slow / curve:,.0f}"
            cells = f"{preparation * 1e3:.1f} | {curve * 1e3:.2f} | {curve / size**2 * 1e9:.0f} | {forward} | {ratio}"
            print(f"| `{name}` | {size} | {cells} |", flush=True)
    sensitivity()
    single()


if __name__ == "__main__":
    main()
