"""How far integrated gradients are from the exact path integral, and what they score: the tables of docs/quadrature.md.

Usage: python scripts/quadrature.py [--sizes 32,64,112] [--seeds 10] [--samples 16] [--scored 8]
       python scripts/quadrature.py --networks 24 --sizes 32 [--first-network 100]

Prints the tables, a row at a time.
"""

from __future__ import annotations

import argparse
import itertools
import resource

import numpy as np
import torch
from torch import Tensor

import attributionlab as al
from attributionlab.methods.base import AnyMethod
from attributionlab.methods.diagnostics import Recorded, collecting
from attributionlab.truth import Batch

BASELINES = ("black", "true")
METHODS = ("integrated-gradients", "integrated-gradients[baseline=true]", "expected-gradients")
STEPS = ("auto", "50", "500")
GAMMA = 0.5


def integrated_gradients(environment: al.Environment, baseline: str, steps: str) -> AnyMethod:
    """Integrated gradients with a baseline and a number of nodes."""
    return al.make_method("integrated-gradients", environment, baseline=baseline, n_steps=steps)


def explained(method: AnyMethod, environment: al.Environment, batch: Batch) -> tuple[Tensor, Recorded, float]:
    """Maps (b, h, w), what was recorded, and CPU seconds per image."""
    begin = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    with collecting() as recorded:
        maps = method(environment.model, batch.inputs, batch.targets)
    return maps, recorded, (resource.getrusage(resource.RUSAGE_SELF).ru_utime - begin) / len(batch)


def error_row(size: int, baseline: str, steps: str, n_samples: int) -> str:
    """Evaluations, estimated and true errors relative to the sum of magnitudes of the exact values."""
    environment = al.make_environment("multi-color-sum", size=size)
    batch = environment.sample(n_samples)
    exact = torch.as_tensor(al.exact_values(environment, batch, "aumann-shapley", baseline).values)
    maps, recorded, seconds = explained(integrated_gradients(environment, baseline, steps), environment, batch)
    errors = ((maps - exact).abs().sum(dim=(1, 2)) / exact.abs().sum(dim=(1, 2))).numpy()
    evaluations = recorded.get("evaluations", [int(steps)] if steps.isdigit() else [])
    estimate = f"{max(recorded['quadrature_error']):.4f}" if "quadrature_error" in recorded else "-"
    cells = (
        size,
        baseline,
        steps,
        f"{np.median(evaluations):.0f} ({max(evaluations):.0f})",
        estimate,
        f"{np.median(errors):.4f}",
        f"{errors.max():.4f}",
        f"{(errors <= 0.01).sum()}/{n_samples}",
        f"{seconds:.2f}",
    )
    return f"| {' | '.join(map(str, cells))} |"


def network_row(size: int, spec: str, networks: range) -> str:
    """Errors of `auto` on an image under each of several networks."""
    errors, seconds, recorded_all = np.empty(len(networks)), 0.0, []
    for row, seed in enumerate(networks):
        environment = al.make_environment("multi-color-sum", size=size, network_seed=seed)
        batch = environment.sample(1, start=seed)
        method = al.make_method(spec, environment)
        values = method.exact_answer(environment, batch)
        assert values is not None
        exact = torch.as_tensor(values.values)
        maps, recorded, duration = explained(method, environment, batch)
        errors[row] = (maps - exact).abs().sum() / exact.abs().sum()
        seconds += duration
        recorded_all.append((recorded["evaluations"][0], recorded["quadrature_error"][0]))
    evaluations, estimates = np.transpose(recorded_all)
    counts = [f"{(errors > bound).sum()}/{len(networks)}" for bound in (0.01, 0.05)]
    cells = (
        size,
        f"`{spec}`",
        f"{evaluations.mean():.0f} ({evaluations.max():.0f})",
        f"{estimates.max():.4f}",
        f"{np.median(errors):.4f}",
        *counts,
        f"{errors.max():.4f}",
        f"{seconds / len(networks):.2f}",
    )
    return f"| {' | '.join(map(str, cells))} |"


def score_row(size: int, baseline: str, steps: str, n_seeds: int, n_samples: int) -> str:
    """Mean F1 over network seeds on overall and signed truth, its range, and with how many networks it is at least 0.5."""
    means = np.empty((2, n_seeds))
    for seed in range(n_seeds):
        environment = al.make_environment("multi-color-sum", size=size, network_seed=seed)
        batch = environment.sample(n_samples)
        maps, _, _ = explained(integrated_gradients(environment, baseline, steps), environment, batch)
        scores = al.score(maps, batch.ground_truth)
        means[:, seed] = float(scores.overall.f1.mean()), float(scores.signed.f1.mean())
    cells = [
        f"{mean.mean():.2f} ({mean.min():.2f}-{mean.max():.2f}), {(mean >= GAMMA).sum()}/{n_seeds}" for mean in means
    ]
    return f"| {' | '.join(map(str, (size, baseline, steps, *cells)))} |"


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="32,64,112")
    parser.add_argument("--steps", default=",".join(STEPS))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--samples", type=int, default=16, help="images of the errors")
    parser.add_argument("--scored", type=int, default=8, help="images per network of the scores")
    parser.add_argument(
        "--networks", type=int, default=0, help="networks, with one image each, for the errors over networks alone"
    )
    parser.add_argument("--first-network", type=int, default=0, help="seed of the first of these networks")
    options = parser.parse_args()
    if options.networks:
        print(
            "| size | method | evaluations: mean (most) | estimated error, most | true error: median | above 1 % | above 5 % | most | CPU s per image |\n|---|---|---|---|---|---|---|---|---|"
        )
        networks = range(options.first_network, options.first_network + options.networks)
        for size, spec in itertools.product(map(int, options.sizes.split(",")), METHODS):
            print(network_row(size, spec, networks), flush=True)
        return
    cases = [
        (int(size), baseline, steps)
        for size in options.sizes.split(",")
        for baseline in BASELINES
        for steps in options.steps.split(",")
    ]
    if options.samples:
        print(
            "| size | baseline | `n_steps` | evaluations: median (most) | estimated error, most | true error: median | most | within 1 % | CPU s per image |"
        )
        print("|---|---|---|---|---|---|---|---|---|")
        for case in cases:
            print(error_row(*case, options.samples), flush=True)
    if options.scored:
        print("\n| size | baseline | `n_steps` | F1 on overall truth | F1 on signed truth |\n|---|---|---|---|---|")
        for case in cases:
            print(score_row(*case, options.seeds, options.scored), flush=True)


if __name__ == "__main__":
    main()
