"""Baselines: the color that stands for an absent feature."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from attributionlab.errors import bad_option
from attributionlab.specs.options import convert

Baseline = Literal["black", "true"] | tuple[int, ...]


def baseline_color(baseline: object, n_channels: int, true_baseline: Tensor | None) -> Tensor:
    """The value of each channel of a baseline, (c,).

    Args:
        baseline: `black`, `true` or a color.
        n_channels: c.
        true_baseline: (c,), the color that `true` stands for; None if there is none.

    Raises:
        BadOption: If it is `true` and there is no such color, or it is not a color of the inputs.
    """
    converted = convert("baseline", baseline, Baseline)
    if converted == "black":
        return torch.zeros(n_channels)
    if converted == "true":
        if true_baseline is None:
            raise bad_option("baseline", "be black or a color where there is no environment to ask", converted)
        color = true_baseline
    else:
        assert isinstance(converted, tuple)
        if not all(0 <= value <= 255 for value in converted):
            raise bad_option("baseline", "have values in 0..255", converted)
        color = torch.tensor(converted, dtype=torch.float32)
    if len(color) != n_channels:
        raise bad_option("baseline", f"have {n_channels} channels", converted)
    return color
