"""The three sweeps of docs/sweep.md: figures into docs/, tables to stdout.

Usage: python scripts/sweeps.py [baseline segments unseen] [--size 32] [--n-samples 16] [--output docs]
"""

from __future__ import annotations

import argparse
import dataclasses
import resource
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import attributionlab as al
from attributionlab.measuring.explain import Maps, explain
from attributionlab.reports.figures.saving import save_figure
from attributionlab.reports.figures.sweep import sweep_figure
from attributionlab.specs.grammar import format_value


@dataclass(frozen=True)
class Study:
    """A sweep that the docs show.

    Args:
        methods: Specs.
        vary: Name of the variable.
        values: Its values.
        metrics: Specs of metrics.
        shown: Kind of truth whose F1 the table has.
        undrawn: Specs of metrics that are measured without a panel in the figure.
    """

    methods: tuple[str, ...]
    vary: str
    values: tuple[str, ...]
    metrics: tuple[str, ...]
    shown: str
    undrawn: tuple[str, ...] = ()


MOST_COLUMNS = 3
"""Largest number of methods that have columns of their own in the table."""

RANKED = (
    "gradient",
    "input-x-gradient",
    "guided-backprop",
    "gradcam",
    "deeplift",
    "integrated-gradients",
    "integrated-gradients[baseline=true]",
    "occlusion",
    "occlusion[baseline=true]",
    "lime[baseline=true]",
    "random",
)
STUDIES = {
    "baseline": Study(
        ("integrated-gradients", "integrated-gradients[n_steps=50]", "occlusion[window=1,stride=1]"),
        "baseline",
        ("-20", "-5", "-1", "0", "1", "5", "20", "80", "235"),
        ("deletion",),
        "signed",
        ("deletion[canvas=background]",),
    ),
    "segments": Study(
        ("lime[baseline=true]", "kernel-shap"),
        "segment_error",
        ("0", "0.1", "0.2", "0.3", "0.5", "0.7", "1"),
        ("deletion",),
        "positive-smooth",
    ),
    "unseen": Study(
        RANKED,
        "redundant_scale",
        ("0", "1/64", "1/32", "1/16", "1/8", "1/4"),
        ("insertion", "deletion", "sensitivity-n"),
        "positive",
    ),
}


def rows(study: Study, result: al.Sweep) -> Iterator[str]:
    """The table as Markdown: F1 with its interval and answers by method; of many methods the rank correlations."""
    if len(result.curves) > MOST_COLUMNS:
        names = list(result.correlations)
        yield f"| `{study.vary}` | {' | '.join(f'`{name}`' for name in names)} |"
        yield f"|---|{'---|' * len(names)}"
        for index, value in enumerate(result.values):
            ranks = [result.correlations[name][index] for name in names]
            cells = [f"{each.spearman:.2f} ({each.low:.2f} to {each.high:.2f})" for each in ranks]
            yield f"| {format_value(value)} | {' | '.join(cells)} |"
        return
    methods = [curve.method for curve in result.curves]
    yield f"| `{study.vary}` | {' | '.join(f'`{name}` | answers' for name in methods)} |"
    yield f"|---|{'---|---|' * len(methods)}"
    for index, value in enumerate(result.values):
        points = [curve.points[index] for curve in result.curves]
        means = [point.truths[study.shown] for point in points]
        cells = [
            f"{mean.mean:.3f} ({mean.low:.3f} to {mean.high:.3f}) | {', '.join(point.answers) or 'none'}"
            for mean, point in zip(means, points, strict=True)
            if mean is not None
        ]
        yield f"| {format_value(value)} | {' | '.join(cells)} |"


def metric_rows(result: al.Sweep) -> Iterator[str]:
    """Mean scores by every metric, a row for each method and value."""
    metrics = list(result.higher_is_better)
    yield f"| method | `{result.vary}` | F1 ({result.correlated_truth}) | {' | '.join(f'`{name}`' for name in metrics)} |"
    yield f"|---|---|---|{'---|' * len(metrics)}"
    for curve in result.curves:
        for point in curve.points:
            means = [point.truths[result.correlated_truth], *(point.metrics[name] for name in metrics)]
            cells = ["-" if mean is None else f"{mean.mean:.4f}" for mean in means]
            yield f"| `{curve.method}` | {format_value(point.value)} | {' | '.join(cells)} |"


def background_lines(environment: al.Environment, n_samples: int) -> Iterator[str]:
    """Size of the background, and the share of positive credit that LIME gives it without error and with an error of 0.1."""
    for error in (0, 0.1):
        sizes, shares = [], []
        for index in range(n_samples):
            own = environment.changed(network_seed=environment.network_seed + index)
            batch = own.sample(1, index)
            method = al.make_method("lime[baseline=true,segments=oracle]", own, segment_error=error)
            explained = explain(method, own.model, batch)
            assert isinstance(explained, Maps), "LIME explains every scene"
            credit, is_background = explained.values.double().clamp(min=0), batch.ground_truth.patch_ids.eq(0)
            sizes.append(float(is_background.double().mean()))
            shares.append(float(credit[is_background].sum() / credit.sum()))
        size, share = (sum(values) / n_samples for values in (sizes, shares))
        yield f"error {error}: {share:.1%} of LIME's positive credit lies on the background, {size:.0%} of the image"


def main() -> None:
    """Run the sweeps, draw and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("studies", nargs="*", metavar="STUDY", help=f"of {', '.join(STUDIES)}; all by default")
    parser.add_argument("--size", type=int, default=32)
    parser.add_argument("--n-samples", type=int, default=16)
    parser.add_argument("--output", type=Path, default=Path("docs"))
    arguments = parser.parse_args()
    for name in arguments.studies or STUDIES:
        study = STUDIES[name]
        environment = al.make_environment("multi-color-sum", size=arguments.size)
        options = {"metrics": study.metrics + study.undrawn, "n_samples": arguments.n_samples, "truth": study.shown}
        result = al.sweep(list(study.methods), study.vary, study.values, environment, **options)
        names = list(result.higher_is_better)[: len(study.metrics)]
        ranks = {name: result.correlations[name] for name in names if name in result.correlations}
        directions = {name: result.higher_is_better[name] for name in names}
        drawn = dataclasses.replace(result, higher_is_better=directions, correlations=ranks)
        save_figure(sweep_figure(drawn), arguments.output / f"sweep-{name}.png")
        seconds = resource.getrusage(resource.RUSAGE_SELF).ru_utime
        print(f"{name}: {arguments.size}x{arguments.size}, {arguments.n_samples} images, {seconds:.0f} CPU s so far\n")
        print("\n".join(rows(study, result)), end="\n\n")
        print("\n".join(metric_rows(result)), end="\n\n", flush=True)
        if name == "segments":
            print("\n".join(background_lines(environment, arguments.n_samples)), end="\n\n", flush=True)


if __name__ == "__main__":
    main()
