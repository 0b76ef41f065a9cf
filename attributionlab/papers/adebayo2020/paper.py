"""The paper and its studies."""

from __future__ import annotations

from attributionlab.papers.paper import Paper
from attributionlab.papers.presets import Preset
from attributionlab.papers.published import load_published

PACKAGE = "attributionlab.papers.adebayo2020"

PRESETS = {
    "quick": Preset(
        "quick",
        size=32,
        n_samples=4,
        n_network_seeds=2,
        details={
            "draws": 16,
            "nodes": 16,
            "baselines": 32,
            "coalitions": 150,
            "patterns": 16,
            "pretrained_size": 64,
            "cascade_images": 1,
            "stages": 4,
            "random_sets": 12,
            "concept_images": 40,
            "contaminations": 4,
            "examples": 50,
        },
    ),
    "paper": Preset(
        "paper",
        size=32,
        n_samples=190,
        n_network_seeds=5,
        details={
            "draws": 50,
            "nodes": 50,
            "baselines": 200,
            "coalitions": 1000,
            "patterns": 100,
            "pretrained_size": 224,
            "cascade_images": 200,
            "stages": 16,
            "random_sets": 50,
            "concept_images": 100,
            "contaminations": 10,
            "examples": 50,
        },
    ),
}
"""`draws`, `nodes`, `baselines`, `coalitions` and `patterns` are amounts of the methods; `pretrained_size` is the side of images for the
pretrained network, `cascade_images` and `stages` are images and layers of a cascade. TCAV has `random_sets` of `concept_images` images each, on
networks with random weights from `contaminations` draws; `examples` are the images that it explains, and those whose training points are ranked."""


def adebayo2020() -> Paper:
    """Adebayo et al. 2020, Debugging Tests for Model Explanations."""
    return Paper(
        key="adebayo2020",
        title=load_published(PACKAGE)["paper"],
        studies={
            "adebayo-spurious": f"{PACKAGE}.spurious:spurious",
            "adebayo-mislabeled": f"{PACKAGE}.mislabeled:mislabeled",
            "adebayo-cascade": f"{PACKAGE}.cascade:cascade",
            "adebayo-ood": f"{PACKAGE}.ood:ood",
            "adebayo-concepts": f"{PACKAGE}.concepts:concepts",
            "adebayo-influence": f"{PACKAGE}.influence:influence",
            "adebayo-users": f"{PACKAGE}.users:users",
        },
        presets=PRESETS,
        options={"network": "FILE.py:FUNCTION that returns your network and images, for adebayo-cascade."},
        prepare=f"{PACKAGE}.subjects:prepare",
    )
