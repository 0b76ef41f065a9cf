"""Signs on the background, as a metric: records hold precision and recall of maps, but not these."""

from __future__ import annotations

import torch
from torch import Tensor

from attributionlab.metrics import metric
from attributionlab.truth import Batch


@metric(higher_is_better=True, source="Zhang et al. 2024, appendix G.3.2", bounds=(0.0, 1.0))
def positive_background(_environment: object, batch: Batch, attribution: Tensor) -> Tensor:
    """Share of the background pixels with a value that is positive, among those with a value that is not 0.

    Neither direction is better: 1/2 says that both signs are equally frequent.

    Args:
        _environment: Not used.
        batch: The images with their truth.
        attribution: (b, h, w).

    Returns:
        (b,) float64 in [0, 1]; NaN where the whole background is 0.
    """
    values = torch.where(batch.ground_truth.overall_mask, 0.0, attribution.double()).flatten(1)
    n_positive, n_values = (values > 0).sum(dim=1).double(), (values != 0).sum(dim=1).double()
    return torch.where(n_values > 0, n_positive / n_values, torch.nan)
