"""Cells of coarse maps: their grid, how they are enlarged, and their exact values if they come from a known class activation map (CAM)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

FIT = 1e-3
"""Largest residual of maps that a grid explains, relative to the norm of their deviations from the mean: rounding of float32."""

FEWEST = 2
"""Fewest cells along a side; one cell is a constant map, however it is enlarged."""

RIGHT, ALIGNED = ("bilinear", "nearest", "bicubic"), "bilinear with aligned corners"
"""Ways to enlarge cells that keep each where its window is, and the one that moves those at the edges outwards."""

Change = Callable[[Tensor], Tensor]

_PLACES: dict[str, Change] = {
    "upside down": lambda cells: cells.flip(1),
    "mirrored": lambda cells: cells.flip(2),
    "turned by 180 degrees": lambda cells: cells.flip(1, 2),
    "with rows and columns swapped": lambda cells: cells.transpose(1, 2).reshape(cells.shape),
    **{
        f"turned by {90 * turns} degrees and stretched": (
            lambda cells, turns=turns: functional.interpolate(  # type: ignore[misc]  # bound at once
                cells.rot90(turns, (1, 2))[:, None], size=cells.shape[1:]
            )[:, 0]
        )
        for turns in (1, 3)
    },
    **{
        f"moved by {rows} rows and {columns} columns of cells": (
            lambda cells, rows=rows, columns=columns: cells.roll((rows, columns), (1, 2))  # type: ignore[misc]  # bound at once
        )
        for rows, columns in ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, -1))
    },
}
"""Mistakes in the places of cells (b, h', w')."""

_CAMS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "GradCAM": lambda units, slopes: (slopes.mean(dim=(2, 3), keepdim=True) * units).sum(dim=1).relu(),
    "HiResCAM": lambda units, slopes: (slopes * units).sum(dim=1).relu(),
    "LayerCAM": lambda units, slopes: (slopes.relu() * units).sum(dim=1).relu(),
}
"""Cells (b, h', w') of CAMs from the units (b, c, h', w') of a layer and the slopes of the output."""


@dataclass(frozen=True, eq=False)
class Cells:
    """Cells of coarse maps.

    Args:
        values: (b, h', w') float64.
        mode: How they are enlarged, one of `RIGHT` or `ALIGNED`.
    """

    values: Tensor
    mode: str

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of the grid."""
        return self.values.shape[1], self.values.shape[2]

    def best_map(self, truth: Tensor) -> Tensor:
        """The map (b, h, w) of such cells that comes nearest to a truth (b, h, w), by least squares; it has the height and width of the truth."""
        left, right = (_enlarging(*sides, self.mode) for sides in zip(self.shape, truth.shape[1:], strict=True))
        cells = torch.linalg.pinv(left) @ truth @ torch.linalg.pinv(right).T
        best: Tensor = left @ cells @ right.T
        return best


def cells_of(maps: Tensor, grids: list[tuple[int, int]]) -> Cells | None:
    """The cells of maps (b, h, w) float64 on the first of several grids that explains them; None without one."""
    spread = (maps - maps.flatten(1).mean(dim=1)[:, None, None]).norm()
    for mode in (*RIGHT, ALIGNED):
        for shape in grids:
            left, right = (_enlarging(*sides, mode) for sides in zip(shape, maps.shape[1:], strict=True))
            cells = torch.linalg.pinv(left) @ maps @ torch.linalg.pinv(right).T
            residual = (left @ cells @ right.T - maps).norm()
            if residual <= FIT * spread:
                return Cells(cells, mode)
    return None


def cut_out(maps: Tensor, grids: list[tuple[int, int]]) -> str | None:
    """The mistake by which maps (b, h, w) float64 are a part of enlarged cells, or have a margin around them; None without one."""
    spread = (maps - maps.flatten(1).mean(dim=1)[:, None, None]).norm()
    for rows, columns in grids:
        windows = [_window(values, few, FIT * spread) for values, few in ((maps, rows), (maps.mT, columns))]
        is_right = windows == [(maps.shape[1], 0), (maps.shape[2], 0)]
        if None not in windows and not is_right and spread > 0:
            (height, top), (width, left) = windows  # type: ignore[misc]  # no window is None
            is_smaller = height < maps.shape[1] or width < maps.shape[2]
            change = f"padded by {-top} and {-left}" if is_smaller else f"cropped at row {top} and column {left}"
            return f"its {rows} x {columns} cells, enlarged to {height}x{width} pixels and {change}"
    return None


def _window(maps: Tensor, few: int, largest: Tensor) -> tuple[int, int] | None:
    """Rows to which cells are enlarged, and the first of these that maps (b, h, w) show (negative with a margin); None if none explain them."""
    many = maps.shape[1]
    rows = maps.transpose(0, 1).flatten(1)  # (h, b w)
    if any(_residuals(_enlarging(fewer, many, "bilinear"), rows) <= largest for fewer in range(1, few)):
        return many, 0  # cells of another size in their places
    windows = sorted(
        ((size, first) for size in range(many // 2, 2 * many + 1) for first in _firsts(size, many)),
        key=lambda window: (abs(window[0] - many), abs(window[1])),
    )
    enlarged = {size: functional.pad(_enlarging(few, size, "bilinear"), (0, 0, many, many)) for size, _ in windows}
    left = torch.stack([enlarged[size][many + first : 2 * many + first] for size, first in windows])
    fitting = (_residuals(left, rows) <= largest).nonzero()[:, 0].tolist()
    return windows[fitting[0]] if fitting else None


def _residuals(left: Tensor, rows: Tensor) -> Tensor:
    """Norms of the part of rows (h, n) that combinations of the columns of matrices (.., h, few) do not explain."""
    residuals: Tensor = (left @ (torch.linalg.pinv(left) @ rows) - rows).flatten(-2).norm(dim=-1)
    return residuals


def _firsts(size: int, many: int) -> range:
    """First rows of a window of many rows on `size` rows, negative where the window is larger."""
    return range(min(0, size - many), max(0, size - many) + 1)


def _enlarging(few: int, many: int, mode: str) -> Tensor:
    """(many, few) float64: the enlargement of a row of cells."""
    options = {} if mode == "nearest" else {"align_corners": mode == ALIGNED}
    name = {"bilinear": "linear", ALIGNED: "linear"}.get(mode, mode)
    rows = torch.eye(few, dtype=torch.float64)[:, None]
    if name == "bicubic":  # which torch has for pictures alone
        return functional.interpolate(rows[:, :, None], size=(1, many), mode=name, align_corners=False)[:, 0, 0].T
    return functional.interpolate(rows, size=many, mode=name, **options)[:, 0].T


def grids_of(model: nn.Module, inputs: Tensor) -> list[tuple[int, int]]:
    """Rows and columns of the layers of a network that are smaller than the images, the coarsest first."""
    with torch.no_grad():
        units, _ = _run(model, inputs)
    sizes = {(each.shape[2], each.shape[3]) for each in units.values() if each.shape[2:] != inputs.shape[2:]}
    return sorted(size for size in sizes if min(size) >= FEWEST)


def _run(model: nn.Module, inputs: Tensor) -> tuple[dict[str, Tensor], Tensor]:
    """Units (b, c, h', w') of all layers by name, and the outputs (b, k)."""
    units: dict[str, Tensor] = {}
    handles = [
        module.register_forward_hook(lambda _module, _inputs, output, name=name: units.update({name: output}))
        for name, module in model.named_modules()
        if not list(module.children())
    ]
    outputs = model(inputs)
    for handle in handles:
        handle.remove()
    return {name: each for name, each in units.items() if each.ndim == 4}, outputs


def misplaced(cells: Cells, model: nn.Module, inputs: Tensor, targets: Tensor) -> str | None:
    """The mistake by which cells have the values of a known CAM at other places; None without one, or if they are in place."""
    named = dict(_known_cells(model, inputs, targets, cells.shape))
    if any(_same(cells.values, values) for values in named.values()):
        return None
    for name, values in named.items():
        for text, change in _PLACES.items():
            if _same(cells.values, change(values)):
                return f"the cells of {name}, {text}"
    return None


def _same(cells: Tensor, expected: Tensor) -> bool:
    """Whether cells are expected ones, scaled and moved in each image as CAMs are for pictures."""
    values, reference = (each.flatten(1) - each.flatten(1).mean(dim=1, keepdim=True) for each in (cells, expected))
    tiny = torch.finfo(values.dtype).tiny
    factors = (values * reference).sum(dim=1) / (reference**2).sum(dim=1).clamp(min=tiny)
    residuals = (values - factors[:, None] * reference).norm(dim=1)
    return bool((factors > 0).all()) and bool((residuals <= FIT * values.norm(dim=1)).all())


def _known_cells(
    model: nn.Module, inputs: Tensor, targets: Tensor, shape: tuple[int, int]
) -> Iterator[tuple[str, Tensor]]:
    """Cells of CAMs on all layers of a shape, by description."""
    units, outputs = _run(model.double().eval(), inputs.double().requires_grad_())
    layers = {name: each for name, each in units.items() if each.shape[2:] == shape}
    slopes = torch.autograd.grad(outputs.gather(1, targets[:, None]).sum(), list(layers.values()))
    for (name, values), slope in zip(layers.items(), slopes, strict=True):
        yield from ((f"{cam} at {name}", combine(values, slope).detach()) for cam, combine in _CAMS.items())
