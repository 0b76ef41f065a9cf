"""The paper and its studies."""

from __future__ import annotations

from attributionlab.papers.paper import Paper
from attributionlab.papers.presets import Preset
from attributionlab.papers.published import load_published

PACKAGE = "attributionlab.papers.zhang2024"

QUICK = {"sensitivity_orders": 100, "scale_images": 4, "scale_networks": 3}
PAPER = {"sensitivity_orders": 100, "scale_images": 4, "scale_networks": 5}
"""sensitivity_orders: random orders of Sensitivity-N. scale_images, scale_networks: at most, per strength of the redundant channels."""

PRESETS = {
    "quick": Preset("quick", size=64, n_samples=16, details=QUICK),
    "paper": Preset("paper", size=224, n_samples=100, details=PAPER),
}


def zhang2024() -> Paper:
    """Zhang et al. 2024, AttributionLab."""
    return Paper(
        key="zhang2024",
        title=load_published(PACKAGE)["paper"],
        studies={
            "table1": f"{PACKAGE}.architectures:table1",
            "table3": f"{PACKAGE}.modulo:table3",
            "table4": f"{PACKAGE}.modulo:table4",
            "table5": f"{PACKAGE}.unseen_data:table5",
            "table6": f"{PACKAGE}.unseen_data:table6",
            "section4": f"{PACKAGE}.section4:section4",
            "statements": f"{PACKAGE}.statements:statements",
            "scales": f"{PACKAGE}.scales:scales",
            "figure3": f"{PACKAGE}.trained:figure3",
            "appendix-k": f"{PACKAGE}.priors:appendix_k",
        },
        presets=PRESETS,
        aliases={"table2": "table6"},
        options={
            "sam_checkpoint": "File of SAM's weights, for section4 and appendix-k.",
            "sam_model": "Which SAM the weights belong to: vit_h (the default), vit_l or vit_b.",
            "vgg16": "FILE.py:FUNCTION that returns your VGG16 and images, for section4 and appendix-k.",
            "vit": "FILE.py:FUNCTION that returns your ViT and images, for appendix-k.",
        },
        prepare=f"{PACKAGE}.options:prepare",
        figures=f"{PACKAGE}.figures.catalog:FIGURES",
    )
