"""Audit the metrics of another library: PixelFlipping and SensitivityN of Quantus, each wrapped as a function.

Needs `pip install "attributionlab[quantus]"`. `docs/metrics.md` has the results.
"""

import warnings
from typing import Any

import numpy as np
import quantus
import torch

import attributionlab as al

OPTIONS: dict[str, Any] = {"perturb_baseline": "black", "normalise": False, "disable_warnings": True}


def measure(metric: Any, environment: al.Environment, batch: al.Batch, attribution: torch.Tensor) -> Any:
    """What a metric of Quantus says of these maps."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Quantus warns of each step that changes no pixel, as those of a black pixel
        return metric(
            model=environment.model,
            x_batch=batch.inputs.numpy(),
            y_batch=batch.targets.numpy(),
            a_batch=attribution[:, None].numpy(),
            channel_first=True,
            softmax=False,  # the network has its own
        )


@al.metric(higher_is_better=False, source="Quantus: PixelFlipping")
def pixel_flipping(environment: al.Environment, batch: al.Batch, attribution: torch.Tensor) -> list[float]:
    """Mean output while values turn black, the highest attribution first, as many in a step as a row has pixels."""
    metric = quantus.PixelFlipping(features_in_step=batch.inputs.shape[3], **OPTIONS)
    return [float(np.mean(curve)) for curve in measure(metric, environment, batch, attribution)]


@al.metric(higher_is_better=True, source="Quantus: SensitivityN")
def sensitivity_n(environment: al.Environment, batch: al.Batch, attribution: torch.Tensor) -> list[float]:
    """Mean over the steps of a correlation over the images of the batch, so the same number for each of them."""
    metric = quantus.SensitivityN(features_in_step=batch.inputs.shape[3], return_aggregate=False, **OPTIONS)
    return [float(np.nanmean(measure(metric, environment, batch, attribution)))] * len(batch)
