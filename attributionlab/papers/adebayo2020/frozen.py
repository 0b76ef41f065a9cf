"""Appendix A: a layer that training left as it was, beside a training of all layers."""

from __future__ import annotations

from typing import Any

from attributionlab.papers.adebayo2020.explained import Explainer, noise_like, own_class, similarities
from attributionlab.papers.adebayo2020.networks import PaperNetworks
from attributionlab.papers.adebayo2020.subjects import n_explained
from attributionlab.training import HELD_OUT, N_IMAGES, TEST, accuracy, compose_images

LAYERS = {"1": "first convolution", "9": "last convolution", "12": "first linear layer"}
"""Layers of BVD-CNN that are frozen, one at a time."""

OTHER_SEED, GAUSSIAN = "another seed", "Gaussian"


def measure_frozen(networks: PaperNetworks, explainer: Explainer) -> dict[str, Any]:
    """Similarities of maps with and without a frozen layer, each network explained for its own class; seed 0."""
    preset = networks.setting.preset
    images = compose_images(n_explained(networks.setting), background="random", size=preset.size, start=TEST)
    tests = compose_images(N_IMAGES // HELD_OUT, background="random", size=preset.size, start=TEST).labeled
    healthy = networks.healthy(0)
    others = {name: networks.frozen(0, layer) for layer, name in LAYERS.items()} | {OTHER_SEED: networks.healthy(1)}
    maps = explainer.maps(healthy, own_class(healthy, images.labeled))
    scores: dict[str, Any] = {}
    for name, network in others.items():
        own = explainer.maps(network, own_class(network, images.labeled))
        scores[name] = {method: similarities(maps[method], values) for method, values in own.items()}
    scores[GAUSSIAN] = {method: similarities(values, noise_like(values)) for method, values in maps.items()}
    accuracies = {"none": accuracy(healthy, tests), **{name: accuracy(each, tests) for name, each in others.items()}}
    failures = {name: values for name, values in maps.items() if isinstance(values, str)}
    return {"accuracies": accuracies, "scores": {"frozen": scores}, "failures": failures}
