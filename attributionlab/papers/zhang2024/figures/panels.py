"""Panels of galleries: images, their truth, maps and segments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from torch import Tensor

from attributionlab.methods.segments import segment
from attributionlab.metrics import score
from attributionlab.papers.evidence import Values
from attributionlab.papers.stored import FirstMaps
from attributionlab.papers.zhang2024.figures.sections import Panel
from attributionlab.papers.zhang2024.own_networks import OwnMaps
from attributionlab.reports.figures.looks import MapLook, look_of
from attributionlab.reports.figures.panels import draw_map, draw_signs, draw_text
from attributionlab.reports.figures.pictures import SIGNED, picture, relative

PERCENTILE = 0.99
"""Share of the pixels of a photograph whose colors are not cut: a few of them are far greater than all others."""

SCALE = "Each map has its own scale: 1 is its largest magnitude."

BOUNDARY = "#ff00ff"
"""Color of boundaries, which neither scenes nor photographs have."""

Line = tuple[tuple[float, float], tuple[float, float]]


def image_and_truth(shown: FirstMaps, row: int) -> list[Panel]:
    """An image, and the signs of its truth."""
    return [
        Panel("image", partial(_draw_picture, shown.batch.inputs[row]), f"image {row}"),
        Panel("ground truth", partial(draw_signs, truth=shown.batch.ground_truth, row=row)),
    ]


def map_panels(shown: FirstMaps, row: int, methods: Sequence[str], truth: str = "overall") -> list[Panel]:
    """A map of each method, with its F1 against the truth of the output."""
    return [map_panel(shown, row, method, truth) for method in methods]


def map_panel(shown: FirstMaps, row: int, method: str, truth: str = "overall", title: str = "") -> Panel:
    """A map, with its F1 against a kind of truth; the reason where there is none."""
    maps = shown.maps[method]
    if isinstance(maps, str):
        return Panel(title or method, partial(draw_text, message=maps, proportions=1.0))
    f1 = float(score(maps, shown.batch.ground_truth).against(truth).f1[row])
    return Panel(title or method, partial(_draw_map, maps[row]), f"F1 {f1:.2f}")


def segment_panel(image: Tensor, prior: str, patch_ids: Tensor | None = None) -> Panel:
    """The boundaries of the segments of a prior, and their number."""
    ids = segment(image, prior, patch_ids)
    title = "true patches" if prior == "oracle" else prior.capitalize()
    return Panel(title, partial(_draw_segments, image, ids), f"{int(ids.max()) + 1} segments")


def photograph_panel(own: OwnMaps, row: int, class_name: str = "") -> Panel:
    """A photograph of the real network, with the explained class below."""
    return Panel("photograph", partial(_draw_picture, own.images[row]), class_name or f"class {int(own.targets[row])}")


def photograph_maps(own: OwnMaps, row: int, titles: Mapping[str, str]) -> list[Panel]:
    """Maps on the real network, whose truth is unknown, by titles of methods; methods without maps are left out."""
    maps = {**own.maps, **own.coarse}
    return [Panel(title, partial(_draw_bright, maps[name][row])) for name, title in titles.items() if name in maps]


def bright(values: Tensor) -> Tensor:
    """A map (h, w) relative to the 99th percentile of its magnitudes, cut at -1 and 1; as `relative` where that is 0."""
    end = values.double().abs().flatten().quantile(PERCENTILE)
    return (values.double() / end).clamp(-1, 1) if end > 0 else relative(values)


def _draw_bright(values: Tensor, axis: Axes) -> None:
    draw_map(axis, MapLook(bright(values), SIGNED, is_faint=False, extent=""))


def _draw_picture(image: Tensor, axis: Axes) -> None:
    axis.imshow(picture(image), interpolation="nearest")


def _draw_map(values: Tensor, axis: Axes) -> None:
    draw_map(axis, look_of(values))


def _draw_segments(image: Tensor, ids: Tensor, axis: Axes) -> None:
    _draw_picture(image, axis)
    axis.add_collection(LineCollection(boundaries(ids), colors=BOUNDARY, linewidths=0.5))


def boundaries(ids: Tensor) -> list[Line]:
    """The edges of pixels (h, w) between two segments, as lines from (x, y) to (x, y)."""
    below, right = (torch.nonzero(ids.diff(dim=axis)).tolist() for axis in (0, 1))
    lines = [((x - 0.5, y + 0.5), (x + 0.5, y + 0.5)) for y, x in below]
    return lines + [((x + 0.5, y - 0.5), (x + 0.5, y + 0.5)) for y, x in right]


def finite_mean(values: Values) -> float:
    """The mean without NaN; NaN where nothing is left."""
    defined = values[np.isfinite(values)]
    return float(defined.mean()) if defined.size else float("nan")
