"""Whether metrics agree less with the truth under the Unseen Data Effect, over sizes of the images, one factor changed at a time.

Usage: python scripts/unseen_data_sizes.py RECORDS.jsonl [--sizes 32,64] [--factors reproduced,nodes] [--networks 3] [--images 4]
       python scripts/unseen_data_sizes.py RECORDS.jsonl --tables

Each image under each network is one line of RECORDS.jsonl, and what is there is not measured again. `--tables` prints docs/unseen_data_sizes.md's
tables from all lines.
"""

from __future__ import annotations

import argparse
import itertools
import json
import resource
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skimage.segmentation import quickshift

import attributionlab as al
from attributionlab.measuring.evaluate import measure_each
from attributionlab.measuring.explain import Maps, explain
from attributionlab.metrics import score

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
    maps, scores = {}, {}
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
    arguments = parser.parse_args()
    register_scaled_priors()
    measure_missing(arguments.records, arguments)


if __name__ == "__main__":
    main()
