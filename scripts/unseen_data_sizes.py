"""Whether metrics agree less with the truth under the Unseen Data Effect, over sizes of the images, one factor changed at a time.

Usage: python scripts/unseen_data_sizes.py RECORDS.jsonl [--sizes 32,64] [--factors reproduced,nodes] [--networks 3] [--images 4]
       python scripts/unseen_data_sizes.py RECORDS.jsonl --tables
       python scripts/unseen_data_sizes.py RECORDS.jsonl --recall

Each image under each network is one line of RECORDS.jsonl, and what is there is not measured again. `--tables` prints tables from
all lines, `--recall` measures how guided backpropagation's F1 depends on the size. scripts/unseen_data_page.py fills docs/unseen_data_sizes.md.
"""

from __future__ import annotations

import argparse
import itertools
import json
import resource
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from skimage.segmentation import quickshift

import attributionlab as al
from attributionlab.judging import PairedDifference, paired_difference
from attributionlab.measuring.evaluate import measure_each
from attributionlab.measuring.explain import Maps, explain
from attributionlab.metrics import score
from attributionlab.networks.bugs import count_blocks

SIZES = (32, 48, 64, 96, 128, 160, 224)
SMALL = 64
"""Size at which the methods' cells have the size relative to the image that the factor `cells` gives them at every size."""

EFFECTS = ("with", "without")
METRICS = {"Insertion": "insertion", "Deletion": "deletion", "Sensitivity-N": "sensitivity-n"}
TRUTHS = ("positive", "overall")

LIME = "regression=lasso,distance=image,kernel_width=1,n_samples=500"
PLAIN = ("GradCAM", "GuidedBP", "LIME", "Occlusion", "DeepSHAP", "IG", "IBA")
BASELINES = {"black": {name: name for name in PLAIN}}
BASELINES["true"] = {name: f"{name}*" if name in ("LIME", "Occlusion", "IG") else name for name in PLAIN}
"""Tables 5 and 6 without ExPerturb, which takes a minute per image of 224x224: our methods by reading of the baselines."""


@dataclass(frozen=True)
class Factor:
    """One change to what is measured.

    Args:
        temperature: Factor of the temperature.
        margin: Factor of the largest lead of the winner.
        redundant_scale: Weight of the redundant channels, with the effect.
        is_converged: Whether integrated gradients are the exact path integral instead of 50 nodes.
        has_scaled_cells: Whether cells and windows of methods keep the size relative to the image that they have at 64x64.
        methods: Names of the methods that it changes; empty for all. The others have the scores of `reproduced`.
    """

    temperature: float = 1.0
    margin: float = 1.0
    redundant_scale: float = 1 / 16
    is_converged: bool = False
    has_scaled_cells: bool = False
    methods: tuple[str, ...] = ()


INTEGRALS = ("IG", "IG*")
WITH_CELLS = ("GradCAM", "LIME", "LIME*", "Occlusion", "Occlusion*", "IBA")

FACTORS = {
    "reproduced": Factor(),
    "converged": Factor(is_converged=True, methods=INTEGRALS),
    "cells": Factor(has_scaled_cells=True, methods=WITH_CELLS),
    "temperature x4": Factor(temperature=4.0),
    "temperature /4": Factor(temperature=0.25),
    "margin x1/4": Factor(margin=0.25),
    "scale 1/64": Factor(redundant_scale=1 / 64),
    "scale 1/32": Factor(redundant_scale=1 / 32),
    "scale 1/8": Factor(redundant_scale=1 / 8),
    "scale 1/4": Factor(redundant_scale=1 / 4),
}


Scores = npt.NDArray[np.float64]
Key = tuple[Any, ...]
Records = Mapping[Key, dict[str, Any]]


@dataclass(frozen=True)
class Setting:
    """Records of one factor at one size, and the methods that are ranked."""

    factor: str
    size: int
    methods: tuple[str, ...]


def environment_of(factor: Factor, size: int, effect: str, network: int) -> al.Environment:
    """The environment; scenes do not depend on the network."""
    plain: Any = al.make_environment("multi-color-sum", size=size)
    options: dict[str, object] = {"temperature": plain.default_temperature * factor.temperature}
    if factor.margin != 1:
        options["max_margin"] = max(1.0, plain.margin * factor.margin)
    strength = {"redundant_scale": factor.redundant_scale} if effect == "with" else {"n_redundant": 0}
    return al.make_environment("multi-color-sum", size=size, network_seed=network, **options, **strength)


def method_specs(factor: Factor, size: int) -> dict[str, str]:
    """Specs of the methods by the paper's names; a star marks the true baseline."""
    scale = size / SMALL if factor.has_scaled_cells else 1.0
    window, stride = max(1, round(5 * scale)), max(1, round(3 * scale))
    path = (
        "exact[game=aumann-shapley,baseline={}]"
        if factor.is_converged
        else "integrated-gradients[baseline={},n_steps=50]"
    )
    prior = f"quickshift-{size}" if factor.has_scaled_cells else "quickshift"
    deeper = 4 if scale > 3**0.5 else 0  # one block, which makes cells three times as wide
    specs = {
        "GradCAM": f"gradcam[layer={5 + deeper}]",
        "GuidedBP": "guided-backprop",
        "LIME": f"lime[baseline=black,segments={prior},{LIME}]",
        "LIME*": f"lime[baseline=true,segments={prior},{LIME}]",
        "Occlusion": f"occlusion[window={window},stride={stride}]",
        "Occlusion*": f"occlusion[window={window},stride={stride},baseline=true]",
        "DeepSHAP": "deepshap[rule=captum]",
        "IG": path.format("black"),
        "IG*": path.format("true"),
        "IBA": f"iba[layer={7 + deeper},information_weight=20]",
    }
    return {name: spec for name, spec in specs.items() if not factor.methods or name in factor.methods}


def register_scaled_priors() -> None:
    """Register quickshift with the kernel and distance that it has at 64x64, relative to the image."""
    for size in SIZES:

        def scaled(picture: Any, scale: float = size / SMALL) -> Any:
            return quickshift(picture, kernel_size=5 * scale, max_dist=10 * scale)

        al.register_segmenter(f"quickshift-{size}", scaled)


def measured(factor: str, size: int, effect: str, network: int, image: int) -> dict[str, Any]:
    """One line of the records: F1 and metrics of every method on an image under a network."""
    begin = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    environment = environment_of(FACTORS[factor], size, effect, network)
    batch = environment.sample(1, image)
    maps, scores = {}, dict[str, dict[str, float | None]]()
    for name, spec in method_specs(FACTORS[factor], size).items():
        explained = explain(al.make_method(spec, environment), environment.model, batch)
        if isinstance(explained, Maps):
            maps[name] = explained.values
            agreement = score(explained.values, batch.ground_truth)
            scores[name] = {truth: float(agreement.against(truth).f1) for truth in TRUTHS}
            scores[name]["zero"] = float(explained.is_zero)
    for title, spec in METRICS.items():
        results = measure_each(al.make_metric(spec), environment, batch, list(maps.values()))
        for name, result in zip(maps, results, strict=True):
            scores[name][title] = None if result.scores.isnan().any() else float(result.scores)
    seconds = resource.getrusage(resource.RUSAGE_SELF).ru_utime - begin
    return {**key_of(factor, size, effect, network, image), "scores": scores, "cpu_seconds": round(seconds, 2)}


def key_of(factor: str, size: int, effect: str, network: int, image: int) -> dict[str, Any]:
    """What a record is of."""
    return {"factor": factor, "size": size, "effect": effect, "network": network, "image": image}


def read_records(path: Path) -> dict[tuple[Any, ...], dict[str, Any]]:
    """Scores by factor, size, effect, network and image; a line that was cut off is left out."""
    records = {}
    for line in path.read_text().splitlines() if path.exists() else ():
        try:
            record = json.loads(line)
        except json.JSONDecodeError:
            continue
        records[tuple(record[name] for name in ("factor", "size", "effect", "network", "image"))] = record
    return records


def measure_missing(path: Path, arguments: argparse.Namespace) -> None:
    """Append what is not there yet, networks outermost, so that an interrupted run has all sizes."""
    done = read_records(path)
    counts = range(arguments.networks), range(arguments.images)
    for network, image, factor, size in itertools.product(*counts, arguments.factors, arguments.sizes):
        for effect in EFFECTS:
            if (factor, size, effect, network, image) not in done:
                record = measured(factor, size, effect, network, image)
                with path.open("a") as file:
                    file.write(json.dumps(record) + "\n")
                print(factor, size, effect, network, image, record["cpu_seconds"], flush=True)


def scores_of(records: Records, setting: Setting, effect: str, column: str) -> list[Scores]:
    """Scores (methods, images) of a column, higher being better, of every network that was measured with and without the effect."""
    by_network = []
    for network in sorted({key[3] for key in records}):
        images = [key[4] for key in sorted(records) if key[:4] == (setting.factor, setting.size, "with", network)]
        both = [image for image in images if (setting.factor, setting.size, "without", network, image) in records]
        rows = [
            [score_of(records, (setting.factor, setting.size, effect, network, image), name, column) for image in both]
            for name in setting.methods
        ]
        if both:
            by_network.append(np.array(rows) * (-1.0 if column == "Deletion" else 1.0))
    return by_network


def score_of(records: Records, key: Key, method: str, column: str) -> float:
    """One score; that of `reproduced` where the factor leaves the method as it is; NaN where it is undefined."""
    scores = records[key]["scores"]
    value = (scores if method in scores else records["reproduced", *key[1:]]["scores"])[method][column]
    return np.nan if value is None else float(value)


def difference(records: Records, setting: Setting, metric: str, truth: str) -> PairedDifference:
    """Spearman's correlation of a metric and F1 with the effect, without it, and the difference; methods and images drawn anew."""
    sides = [
        zip(scores_of(records, setting, effect, truth), scores_of(records, setting, effect, metric), strict=True)
        for effect in EFFECTS
    ]
    return paired_difference(list(zip(*sides, strict=True)))


def cell(paired: PairedDifference) -> str:
    """Correlations with and without the effect, their difference and its interval."""
    if paired.difference is None or paired.low is None or paired.high is None:
        return "-"
    return (
        f"{paired.first:.2f}, {paired.second:.2f}: {paired.difference:+.2f} ({paired.low:+.2f} to {paired.high:+.2f})"
    )


def table(records: Records, settings: Mapping[str, Setting], truth: str, head: str) -> Iterator[str]:
    """A row per setting, a column per metric."""
    yield f"| {head} | {' | '.join(METRICS)} | images x networks |"
    yield f"|---|{'---|' * (len(METRICS) + 1)}"
    for name, setting in settings.items():
        networks = scores_of(records, setting, "with", truth)
        if networks:
            cells = [cell(difference(records, setting, metric, truth)) for metric in METRICS]
            yield f"| {name} | {' | '.join(cells)} | {networks[0].shape[1]} x {len(networks)} |"


def tables(records: Records) -> Iterator[str]:
    """All tables of the page."""
    for (factor, baselines), truth in itertools.product(
        itertools.product(("reproduced", "converged"), BASELINES), TRUTHS
    ):
        yield f"\nBy size: {factor}, {baselines} baselines, {truth} truth\n"
        settings = {str(size): Setting(factor, size, tuple(BASELINES[baselines].values())) for size in SIZES}
        yield from table(records, settings, truth, "size")
    for size, baselines in itertools.product(SIZES, BASELINES):
        yield f"\nBy factor, images that all of them have: {size}x{size}, {baselines} baselines, positive truth\n"
        factors = {name: Setting(name, size, tuple(BASELINES[baselines].values())) for name in FACTORS}
        yield from table(shared(records, size), factors, "positive", "factor")
    for size, factor, baselines in itertools.product((64, 224), ("reproduced", "converged"), BASELINES):
        yield f"\nWithout one method: {size}x{size}, {factor}, {baselines} baselines, positive truth\n"
        names = tuple(BASELINES[baselines].values())
        left_out = {name: tuple(other for other in names if other != name) for name in names}
        fewer = {name: Setting(factor, size, methods) for name, methods in left_out.items()}
        yield from table(records, fewer, "positive", "left out")
    for size, factor in itertools.product((64, 224), ("reproduced", "converged")):
        yield f"\nMean scores: {size}x{size}, {factor}\n"
        yield from mean_scores(records, factor, size)


def shared(records: Records, size: int) -> Records:
    """The records of a size, of images under networks that every factor has which was measured at that size."""
    of_size = {key: record for key, record in records.items() if key[1] == size}
    places = [{key[2:] for key in of_size if key[0] == factor} for factor in FACTORS]
    common = set.intersection(*(place for place in places if place)) if any(places) else set()
    return {key: record for key, record in of_size.items() if key[2:] in common}


def mean_scores(records: Records, factor: str, size: int) -> Iterator[str]:
    """Mean F1 and metrics of every method with and without the effect."""
    columns = ("positive", *METRICS)
    yield f"| method | {' | '.join(f'{column}, with | without' for column in columns)} |"
    yield f"|---|{'---|---|' * len(columns)}"
    for method in method_specs(Factor(), size):
        cells = []
        for column, effect in itertools.product(columns, EFFECTS):
            values = scores_of(records, Setting(factor, size, (method,)), effect, column)
            mean = np.nanmean(np.concatenate(values, axis=1)) if values else np.nan
            cells.append(f"{-mean if column == 'Deletion' else mean:.4f}")
        yield f"| {method} | {' | '.join(cells)} |"


def recall_rows(n_images: int = 8) -> Iterator[str]:
    """Soft precision, recall and F1 of guided backpropagation on positive truth by size, with random and with uniform weights."""
    yield "| size | blocks | weights | precision | recall | F1 |\n|---|---|---|---|---|---|"
    for weights, size in itertools.product(("nonnegative", "uniform"), SIZES):
        rows = []
        for seed in range(n_images):
            environment = al.make_environment("multi-color-sum", size=size, network_seed=seed, accumulator=weights)
            batch = environment.sample(1, seed)
            maps = al.make_method("guided-backprop", environment)(environment.model, batch.inputs, batch.targets)
            positive = score(maps, batch.ground_truth).positive
            rows.append([positive.precision.item(), positive.recall.item(), positive.f1.item()])
        cells = " | ".join(f"{value:.3f}" for value in np.mean(rows, axis=0))
        yield f"| {size} | {count_blocks((size, size))} | {weights} | {cells} |"


def numbers(text: str) -> list[int]:
    """Integers with commas between them."""
    return [int(part) for part in text.split(",")]


def main() -> None:
    """Measure, or print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("records", type=Path)
    parser.add_argument("--sizes", type=numbers, default=list(SIZES))
    parser.add_argument("--factors", type=lambda text: text.split(","), default=["reproduced"])
    parser.add_argument("--networks", type=int, default=3)
    parser.add_argument("--images", type=int, default=4)
    parser.add_argument("--tables", action="store_true")
    parser.add_argument("--recall", action="store_true")
    arguments = parser.parse_args()
    register_scaled_priors()
    if arguments.recall:
        print("\n".join(recall_rows()))
    elif arguments.tables:
        print("\n".join(tables(read_records(arguments.records))))
    else:
        measure_missing(arguments.records, arguments)


if __name__ == "__main__":
    main()
