"""Scale and colors of a map in a picture; figures and the HTML report share them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from matplotlib.colors import LinearSegmentedColormap
from torch import Tensor

from attributionlab.reports.answers import Answer
from attributionlab.reports.figures.pictures import SIGNED, relative

MAGNITUDE = LinearSegmentedColormap.from_list("magnitude", ["#ffffff", "#b9a3d3", "#6a3d9a", "#26083f"])
"""Colors from zero (white) to the largest magnitude (violet), for methods that do not tell raising from lowering."""

TICKS = {
    SIGNED.name: {-1.0: "-1\nlowers the output", -0.5: "-0.5", 0.0: "0", 0.5: "0.5", 1.0: "1\nraises the output"},
    MAGNITUDE.name: {0.0: "0", 0.5: "0.5", 1.0: "1\naffects the output"},
}
"""Ticks of the color bars: relative value and text."""

FAINT = 0.01
"""A map is faint if its largest magnitude is below this part of the output's equal share for each feature of the truth."""

OPACITY = 0.25
"""Opacity of a faint map."""

SCALE_NOTE = (
    "Each map has its own scale: 1 is its largest magnitude. Below a map: its smallest and its largest value, {unit}."
)
FAINT_NOTE = "Faint: all values are below 1 % of an equal share of the output for each pixel of the truth."


@dataclass(frozen=True)
class MapLook:
    """The look of one map.

    Args:
        values: (*shape) float64 in [-1, 1], relative to the largest magnitude.
        colors: Color map: `SIGNED`, or `MAGNITUDE` from 0 to 1.
        is_faint: Whether all values are negligible beside the explained output.
        extent: Smallest and largest value as text, divided by the explained output if that is known.
    """

    values: Tensor
    colors: LinearSegmentedColormap
    is_faint: bool
    extent: str

    @property
    def lowest(self) -> float:
        """Value of the first color: -1, of magnitudes 0."""
        return -1.0 if self.colors is SIGNED else 0.0

    @property
    def caption(self) -> str:
        """The extent, and whether the map is faint."""
        return f"{self.extent} (faint)" if self.is_faint else self.extent

    @property
    def opacity(self) -> float:
        """Opacity of the map's colors over white."""
        return OPACITY if self.is_faint else 1.0


def look_of(
    values: Tensor, truth: str | None = None, answer: Answer | None = None, *, explains_logit: bool = False
) -> MapLook:
    """Decide how a map is drawn.

    A map shows magnitudes if it is compared with the overall truth, which has no signs, and has no negative value.

    Args:
        values: (*shape), a map.
        truth: The kind of truth that the map is compared with, if any.
        answer: The network's answer to the image, if it is known.
        explains_logit: Whether the map explains the logit.
    """
    is_magnitude = truth == "overall" and bool((values >= 0).all())
    output = None if answer is None else answer.logit if explains_logit else answer.output
    share = abs(output) / max(answer.n_features, 1) if answer is not None and output is not None else 0.0
    largest = float(values.double().abs().max())
    return MapLook(
        relative(values), MAGNITUDE if is_magnitude else SIGNED, 0 < largest < FAINT * share, _extent(values, output)
    )


def _extent(values: Tensor, output: float | None) -> str:
    if values.dtype == torch.bool:
        return f"{int(values.sum())} pixels"
    low, high = (float(end) / (abs(output) if output else 1.0) for end in (values.min(), values.max()))
    return f"{_signed(high)} everywhere" if low == high else f"{_signed(low)} to {_signed(high)}"


def _signed(value: float) -> str:
    """Two digits, with a sign unless it is 0."""
    return "0" if value == 0 else f"{value:+.2g}"
