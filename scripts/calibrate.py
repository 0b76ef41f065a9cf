"""Which settings bring out the published findings? Prints the tables of docs/calibration.md.

Usage: python scripts/calibrate.py [SIZE] [N_IMAGES] [N_SEEDS]
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import torch
from rich.console import Console
from rich.progress import track

import attributionlab as al
from attributionlab.environments import MultiColorSum
from attributionlab.papers.zhang2024.modulo import METHODS as MODULO_METHODS
from attributionlab.papers.zhang2024.published import published_table
from attributionlab.truth import TRUTHS

SETTINGS = (
    "",
    "redundant_scale=1/8",
    "redundant_scale=1/32",
    "n_redundant=0",
    "accumulator=uniform",
    "accumulator=signed",
)
METHODS = (
    "integrated-gradients[n_steps=50]",
    "integrated-gradients[baseline=true,n_steps=50]",
    "deepshap[rule=captum]",
    "deepshap",
    "guided-backprop",
    "gradcam",
)
SIZES = (16, 32, 64, 112, 224)
GAMMA = 0.5
N_LARGE = 8


def mean_f1(setting: str, method: str, size: int, n_images: int, network_seed: int) -> list[float]:
    """Mean F1 by kind of truth; NaN where the truth does not apply."""
    environment = al.make_environment(f"multi-color-sum[{setting}]", size=size, network_seed=network_seed)
    verdict = al.check(method, environment, n_samples=n_images, gamma=GAMMA, one_network=True)
    truths = verdict.environments[0].truths
    return [float("nan") if summary is None else summary.f1 for summary in (truths[truth] for truth in TRUTHS)]


def findings_table(size: int, n_images: int, n_seeds: int) -> list[str]:
    """Mean F1 over network seeds, and in how many of them the method passes on each truth."""
    rows = [f"| setting | method | {' | '.join(TRUTHS)} |", f"|---|---|{'---|' * len(TRUTHS)}"]
    pairs = [(setting, method) for setting in SETTINGS for method in METHODS]
    for setting, method in track(pairs, console=Console(stderr=True)):
        runs = [mean_f1(setting, method, size, n_images, seed) for seed in range(n_seeds)]
        cells = [_cell([run[index] for run in runs]) for index in range(len(TRUTHS))]
        rows.append(f"| {setting or 'default'} | `{method}` | {' | '.join(cells)} |")
    return rows


def _cell(values: Sequence[float]) -> str:
    scores = torch.tensor(values)
    if scores.isnan().all():
        return "-"
    passed = int((scores >= GAMMA).sum())
    return f"{scores.mean():.2f} ({scores.min():.2f}-{scores.max():.2f}), {passed}/{len(scores)}"


def saturation_table(n_images: int) -> list[str]:
    """What the defaults come to: temperature, counts, and how much of the softmax's float32 gradient is exactly 0."""
    rows = [
        "| size | T | largest lead | colored | pixels of a winner | counts of a black image | gradient 0 | one color's 0 |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for size in SIZES:
        environment = al.make_environment("multi-color-sum", size=size)
        assert isinstance(environment, MultiColorSum)
        scenes = [environment.sampler.sample(index) for index in range(n_images)]
        counts = torch.tensor([scene.n_pixels for scene in scenes], dtype=torch.float32)
        logits = (counts / environment.counts_per_logit).requires_grad_()
        winners = logits.softmax(dim=1).gather(1, counts.argmax(dim=1, keepdim=True))
        (gradient,) = torch.autograd.grad(winners.sum(), logits)
        leads = counts.sort(dim=1, descending=True).values
        cells = (
            f"{environment.counts_per_logit:g}",
            f"{int((leads[:, 0] - leads[:, 1]).max())}",
            f"{float(counts.sum(dim=1).mean()) / size**2:.1%}",
            f"{float(leads[:, 0].mean()):.0f}",
            ", ".join(f"{count:.0f}" for count in environment.model.counts(torch.zeros(1, 3, size, size))[0].tolist()),
            f"{float((gradient == 0).all(dim=1).float().mean()):.1%}",
            f"{float((gradient == 0).any(dim=1).float().mean()):.1%}",
        )
        rows.append(f"| {size} | {' | '.join(cells)} |")
    return rows


MODULO_SETTINGS = {
    "default": "",
    "weights `uniform`": "accumulator=uniform",
    "weights `signed`": "accumulator=signed",
    **{
        f"{n} blobs": f"n_patches={n},min_radius={15.8 * (4 / n) ** 0.5:.3g},max_radius={24.6 * (4 / n) ** 0.5:.3g}"
        for n in (8, 16, 32, 64)
    },
}
"""The white pixels stay as many: blobs are smaller where there are more."""

SIGNED = "signed order"


def areas_table(n_images: int) -> list[str]:
    """Which setting of `single-color-modulo` gives the printed Insertion areas of Table 4."""
    printed = published_table("table4").column("Insertion")
    shown = [method for method in printed if method not in ("Random", "Constant")]
    rows = [f"| setting | {' | '.join(shown)} |", f"|---|{'---|' * len(shown)}"]
    rows.append(f"| published | {' | '.join(f'{printed[method]:.3f}' for method in shown)} |")
    for name, options in track({**MODULO_SETTINGS, SIGNED: ""}.items(), console=Console(stderr=True)):
        environment = al.make_environment(f"single-color-modulo[{options}]")
        batch, cells = environment.sample(n_images), []
        for method in shown:
            maps = al.make_method(MODULO_METHODS[method], environment)(environment.model, batch.inputs, batch.targets)
            order = "signed" if name == SIGNED else "magnitude"
            curve = al.insertion(environment, batch, maps, measure="correct-steps", order=order)
            cells.append(f"{curve.auc.mean():.3f}")
        rows.append(f"| {name} | {' | '.join(cells)} |")
    return rows


SMOOTH_METHODS = {"IBA": "iba", "GradCAM": "gradcam", "ExPerturb": "extremal-perturbation[mask=bilinear]"}
CLIPPED = (0.0, 0.01, 0.02, 0.05, 0.1)
BOTTLENECKS = ("information_weight=1", "information_weight=5", "information_weight=100", "n_steps=50", "smoothing=0")


def peaks_table(n_images: int) -> list[str]:
    """F1 on smooth positive truth where the largest values of a map are cut down to the next ones."""
    environment = al.make_environment("multi-color-sum")
    batch = environment.sample(n_images)
    rows = ["| method | values cut down | precision | recall | F1 |", "|---|---|---|---|---|"]
    options = {f"IBA, `{option}`": f"iba[{option}]" for option in BOTTLENECKS}
    for name, spec in track({**SMOOTH_METHODS, **options}.items(), console=Console(stderr=True)):
        maps = al.make_method(spec, environment)(environment.model, batch.inputs, batch.targets).double()
        for part in CLIPPED if name in SMOOTH_METHODS else (0.0,):
            top = maps.flatten(1).quantile(1 - part, dim=1)[:, None, None]
            found = al.score(maps.minimum(top), batch.ground_truth).positive_smooth
            means = " | ".join(f"{values.mean():.2f}" for values in (found.precision, found.recall, found.f1))
            rows.append(f"| {name} | {part:.0%} | {means} |")
    return rows


def main(size: int = 112, n_images: int = 6, n_seeds: int = 6) -> None:
    """Measure and print."""
    print(
        f"F1 at {size}x{size}, {n_images} images, {n_seeds} network seeds: mean (lowest-highest), seeds that pass {GAMMA}\n"
    )
    print("\n".join(findings_table(size, n_images, n_seeds)))
    print("\nThe defaults at other sizes, first 500 images, network seed 0\n")
    print("\n".join(saturation_table(500)))
    print(f"\nInsertion areas of Table 4 at 224x224, first {N_LARGE} images, network seed 0\n")
    print("\n".join(areas_table(N_LARGE)))
    print(f"\nPeaks, on smooth positive truth at 224x224, first {N_LARGE} images, network seed 0\n")
    print("\n".join(peaks_table(N_LARGE)))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
