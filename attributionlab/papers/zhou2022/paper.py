"""The paper and its studies."""

from __future__ import annotations

from attributionlab.papers.paper import Paper
from attributionlab.papers.presets import Preset
from attributionlab.papers.published import load_published

PACKAGE = "attributionlab.papers.zhou2022"

QUICK = {
    "explained": 6,
    "draws": 50,
    "lime_samples": 200,
    "pairs": 1,
    "kept": 4,
    "longest_text": 40,
    "text_networks": 11,
    "texts": 8,
    "selection_rates": 2,
    "rationale_epochs": 30,
}
"""explained: test pictures of each class. draws: of SHAP and SmoothGrad. pairs: of similar classes, and of distinct ones (5.4). kept: values of r.
longest_text: words of a paragraph. texts: test texts that are explained. selection_rates: of the paper's rates of 7."""

PAPER = {
    "explained": 100,
    "draws": 200,
    "lime_samples": 1000,
    "pairs": 2,
    "kept": 6,
    "longest_text": 80,
    "text_networks": 11,
    "texts": 60,
    "selection_rates": 5,
    "rationale_epochs": 30,
}

PRESETS = {
    "quick": Preset("quick", size=32, n_samples=150, n_network_seeds=2, details=QUICK),
    "paper": Preset("paper", size=224, n_samples=1200, n_network_seeds=20, details=PAPER),
}


def zhou2022() -> Paper:
    """Zhou et al. 2022."""
    return Paper(
        key="zhou2022",
        title=load_published(PACKAGE)["paper"],
        studies={
            "zhou-attr": f"{PACKAGE}.saliency:attributions",
            "zhou-accuracy": f"{PACKAGE}.on_the_way:on_the_way",
            "zhou-visibility": f"{PACKAGE}.visibility:visibility",
            "zhou-correlation": f"{PACKAGE}.correlation:correlation",
            "zhou-attention": f"{PACKAGE}.attention:attention",
            "zhou-rationale": f"{PACKAGE}.rationale:rationale",
        },
        presets=PRESETS,
    )
