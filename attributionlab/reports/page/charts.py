"""Curves as paths of an inline SVG, which follows the colors of its page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from matplotlib.ticker import MaxNLocator

from attributionlab.judging.audit_report import ImageCurves
from attributionlab.metrics.base import OUTPUT
from attributionlab.reports.figures.curves import band_of, unit_of
from attributionlab.reports.figures.styles import MethodStyle

WIDTH, HEIGHT = 360, 230
LEFT, RIGHT, TOP, BOTTOM = 44, 8, 10, 34
N_POINTS = 101
"""Largest number of points of a curve."""

Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Line:
    """The curve of a method: SVG paths of the mean and of the band."""

    method: str
    color: str
    dash: str
    mean: str
    band: str


@dataclass(frozen=True)
class Chart:
    """A panel: its metric and environment, quantity and unit on the y axis, curves, and ticks as pairs of position and text."""

    metric: str
    family: str
    quantity: str
    unit: str
    lines: tuple[Line, ...]
    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]


def chart(metric: str, family: str, curves: Mapping[str, ImageCurves], styles: Mapping[str, MethodStyle]) -> Chart:
    """Build the panel of a metric in an environment: each method's mean and the middle half of the images."""
    bands = {method: (_thin(curve.at), *map(_thin, band_of(curve))) for method, curve in curves.items()}
    heights = np.concatenate([np.concatenate(band[1:]) for band in bands.values()])
    finite = heights[np.isfinite(heights)]
    low, high = float(finite.min(initial=0.0)), float(finite.max(initial=1e-9))
    ticks = [tick for tick in MaxNLocator(5).tick_values(low, high) if low <= tick <= high]
    lines = []
    for method, (at, mean, lower, upper) in bands.items():
        x = LEFT + at * (WIDTH - LEFT - RIGHT)
        y_mean, y_lower, y_upper = (_down(values, low, high) for values in (mean, lower, upper))
        is_drawn = np.isfinite(y_mean)
        outline = [
            *zip(x[is_drawn], y_upper[is_drawn], strict=True),
            *reversed([*zip(x[is_drawn], y_lower[is_drawn], strict=True)]),
        ]
        style = styles[method]
        lines.append(
            Line(
                method=method,
                color=style.color,
                dash=" ".join(f"{1.6 * length:g}" for length in style.dash),
                mean=_path([*zip(x[is_drawn], y_mean[is_drawn], strict=True)]),
                band=_path(outline) + "Z" if outline else "",
            )
        )
    quantity = next(iter(curves.values())).quantity
    shares = (0.0, 0.25, 0.5, 0.75, 1.0)
    return Chart(
        metric=metric,
        family=family,
        quantity=quantity,
        unit=unit_of(family) if quantity == OUTPUT else "",
        lines=tuple(lines),
        x_ticks=tuple((LEFT + share * (WIDTH - LEFT - RIGHT), f"{share:.0%}") for share in shares),
        y_ticks=tuple((float(_down(tick, low, high)), f"{tick:.4g}") for tick in ticks),
    )


def _down(values: Values | float, low: float, high: float) -> Values:
    """Convert values to y coordinates, which run downward."""
    coordinates: Values = np.asarray(HEIGHT - BOTTOM - (values - low) / (high - low) * (HEIGHT - TOP - BOTTOM))
    return coordinates


def _thin(values: Values) -> Values:
    """Pick at most `N_POINTS` of the values, evenly spaced."""
    thinned: Values = values[np.linspace(0, len(values) - 1, min(len(values), N_POINTS)).round().astype(int)]
    return thinned


def _path(points: list[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points) if points else ""
