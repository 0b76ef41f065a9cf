"""Exact values: seconds of one core per image, errors of their sums, and standard errors of estimates, with the goals beside.

Prints the tables of docs/benchmarks.md.
"""

from __future__ import annotations

import time

import torch

import attributionlab as al
from attributionlab.truth import ExactValues

SIZES = (16, 32, 64, 112, 224, 512)
ESTIMATED = ((64, "true", 800), (64, "black", 800), (224, "black", 100))
"""Size, baseline and number of orders of each estimate."""


def timed(environment: al.Environment, batch: al.Batch, *arguments: str, **options: int) -> tuple[float, ExactValues]:
    """Seconds of the processor, which do not depend on other processes, and the values."""
    begin = time.process_time()
    exact = al.exact_values(environment, batch, *arguments, **options)
    return time.process_time() - begin, exact


def incompleteness(exact: ExactValues) -> float:
    """Largest error of the sum of all values."""
    assert exact.total is not None
    return float((exact.values.flatten(1).sum(dim=1) - exact.total).abs().max())


def exact_table() -> None:
    """Closed forms and path integrals, the best of two images after a first."""
    print("| size | game | baseline | s per image | goal | largest error of the sum | goal |")
    print("|---|---|---|---|---|---|---|")
    for size in SIZES:
        environment = al.make_environment("multi-color-sum", size=size)
        for game, baseline, goal in (
            ("removal", "true", ""),
            ("removal", "black", ""),
            ("shapley", "true", "1" if size <= 224 else ""),
            ("aumann-shapley", "true", {32: "0.3", 64: "0.5", 112: "2", 224: "11"}.get(size, "")),
            ("aumann-shapley", "black", ""),
        ):
            results = [timed(environment, environment.sample(1, index), game, baseline) for index in range(3)]
            seconds = min(seconds for seconds, _ in results[1:])
            is_complete = results[0][1].total is not None
            error = f"{max(incompleteness(exact) for _, exact in results):.0e}" if is_complete else "-"
            limit = "1e-09" if is_complete else "-"
            print(f"| {size} | `{game}` | {baseline} | {seconds:.2g} | {goal} | {error} | {limit} |", flush=True)


def estimated_table() -> None:
    """Random orders."""
    print("| size | baseline | orders | s | s to 5 % | goal | standard error | z-scores, root mean square |")
    print("|---|---|---|---|---|---|---|---|")
    for size, baseline, n_orders in ESTIMATED:
        environment = al.make_environment("multi-color-sum", size=size)
        batch = environment.sample(1)
        seconds, exact = timed(environment, batch, "shapley", baseline, n_orders=n_orders)
        assert exact.standard_error is not None
        error = float(exact.standard_error.max() / exact.values.abs().max())
        if baseline == "true":
            other = al.exact_values(environment, batch, "shapley").values
            scores = (exact.values - other) / exact.standard_error
        else:
            further = al.exact_values(environment, batch, "shapley", baseline, n_orders=n_orders, seed=1)
            assert further.standard_error is not None
            scores = (exact.values - further.values) / torch.hypot(exact.standard_error, further.standard_error)
        spread = float(scores[scores.isfinite()].square().mean().sqrt())
        goal = {(64, "true"): "5", (64, "black"): "20 to 45"}.get((size, baseline), "")
        row = (size, baseline, n_orders, f"{seconds:.2g}", f"{seconds * (error / 0.05) ** 2:.2g}", goal)
        print(f"| {' | '.join(map(str, row))} | {error:.1%} of the largest value | {spread:.2f} |", flush=True)


def main() -> None:
    """Print both tables."""
    torch.set_num_threads(1)
    print(f"torch {torch.__version__}, seconds of one core, `multi-color-sum`\n")
    exact_table()
    print()
    estimated_table()


if __name__ == "__main__":
    main()
