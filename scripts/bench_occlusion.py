"""Methods that hide parts of an image, at 224x224: without the detector per hidden part against whole forward passes.

Occlusion takes the counts from the cells that a window touches, LIME and KernelSHAP from tables of cells by the segments that
they touch. The maps are equal bit for bit; the script checks that. Prints the tables of docs/benchmarks.md.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

import attributionlab as al
from attributionlab.methods.occlusion import Occlusion
from attributionlab.methods.occlusion import n_windows as count_windows


def timed(function: Callable[..., Tensor], *arguments: object) -> tuple[float, Tensor]:
    """How long a call takes, and what it returns."""
    begin = time.perf_counter()
    result = function(*arguments)
    return time.perf_counter() - begin, result


def main() -> None:
    """Measure and print."""
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, seconds per image at 224x224\n")
    print("| window, stride | windows | captum | ours | ratio |")
    print("|---|---|---|---|---|")
    environment = al.make_environment("multi-color-sum")
    batch = environment.sample(1)
    for window, stride in ((5, 3), (16, 8)):
        method = Occlusion(window=window, stride=stride)
        arguments = (environment.model, batch.inputs, batch.targets)
        fast, ours = min((timed(method, *arguments) for _ in range(5)), key=lambda result: result[0])
        with torch.no_grad():
            slow, theirs = timed(method.by_captum, *arguments)
        assert torch.equal(ours, theirs[:, 0]), "the two maps differ"
        n_windows = count_windows(224, window, stride) ** 2
        print(f"| {window}, {stride} | {n_windows:,} | {slow:.1f} | {fast:.2f} | {slow / fast:.0f} |")
    print("\n| method | every image through the network | tables of cells | ratio |")
    print("|---|---|---|---|")
    for spec in ("lime[baseline=true,n_samples=500,segments=grid]", "kernel-shap[segments=grid]"):
        explain = al.make_method(spec, environment)
        runs = [
            min((timed(explain, model, batch.inputs, batch.targets) for _ in range(3)), key=lambda result: result[0])
            for model in (nn.Sequential(environment.model), environment.model)
        ]
        (slow, theirs), (fast, ours) = runs
        assert torch.equal(ours, theirs), "the two maps differ"
        print(f"| `{spec}` | {slow:.2f} | {fast:.2f} | {slow / fast:.1f} |")


if __name__ == "__main__":
    main()
