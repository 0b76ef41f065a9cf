"""The methods of the paper with the settings of its appendix B."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt

from attributionlab.methods import AnyMethod, make_method
from attributionlab.methods.segmenters import SEGMENTERS
from attributionlab.papers.presets import Preset

N_SEGMENTS = 50
"""Segments of LIME, by appendix B."""

SEGMENTER = "adebayo2020-slic"
"""Name of the segmenter while methods run."""

SPECS = {
    "Grad": "gradient-magnitude",
    "SGrad": "smoothgrad[n_draws={draws}]",
    "SGradSQ": "smoothgrad-squared[average=gradients,n_draws={draws}]",
    "VGrad": "vargrad[n_draws={draws}]",
    "Input-Grad": "input-x-gradient",
    "IntGrad": "integrated-gradients[n_steps={nodes}]",
    "EGrad": "expected-gradients[n_baselines={baselines},n_draws={baselines}]",
    "LIME": "lime[baseline=true,n_samples={coalitions},segments=adebayo2020-slic]",
    "KernelSHAP": "kernel-shap[n_samples={coalitions},segments=adebayo2020-slic]",
    "GBP": "guided-backprop",
    "DConvNet": "deconvnet",
    "LRP-EPS": "lrp-epsilon[epsilon=0.1]",
    "PNet": "pattern-net[n_samples={patterns}]",
    "PAttribution": "pattern-attribution[n_samples={patterns}]",
    "LRP-SPAF": "lrp-epsilon-plus-flat[epsilon=0.1]",
    "DeepTaylor": "deep-taylor",
    "LRP-Z": "lrp-z",
    "LRP-SPBF": "lrp-epsilon-alpha2-beta1-flat[epsilon=0.1]",
}
"""The 18 methods of Figures 26 and 28 and of Tables 2 and 3, which have the first 15."""

MODIFIED = ("GBP", "DConvNet", "DeepTaylor", "PNet", "PAttribution", "LRP-SPAF")
"""Methods that section 4 calls invariant to higher layers."""

BACKPROPAGATION = (*MODIFIED, "LRP-EPS", "LRP-Z", "LRP-SPBF")
"""Methods that change backpropagation; they have rules for layers, and none for a softmax."""

AMOUNTS = {"draws": 50, "nodes": 50, "baselines": 200, "coalitions": 1000, "patterns": 100}
"""Noisy copies, nodes of an integral, baselines, coalitions, and images for patterns, as the paper has them where it says so."""


def paper_methods(preset: Preset, names: tuple[str, ...]) -> dict[str, AnyMethod]:
    """Methods by the paper's names; use them within `fifty_segments`."""
    amounts = {**AMOUNTS, **{name: value for name, value in preset.details.items() if name in AMOUNTS}}
    return {name: make_method(SPECS[name].format(**amounts)) for name in names}


@contextmanager
def fifty_segments() -> Iterator[None]:
    """Lend the segmenter of the paper's LIME to the catalog."""
    SEGMENTERS.entries[SEGMENTER] = slic_of_fifty
    try:
        yield
    finally:
        SEGMENTERS.entries.pop(SEGMENTER, None)


def slic_of_fifty(picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """About 50 segments of a picture (h, w, 3), by SLIC; the paper does not name its segmentation."""
    from skimage.segmentation import slic  # noqa: PLC0415  # takes a second to import

    ids: npt.NDArray[np.int64] = slic(picture, n_segments=N_SEGMENTS, start_label=0)
    return ids
