"""Accumulator blocks like the paper's Figures 4, 12 and 13: windows of cells, kernels as heat maps, sums."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from attributionlab.networks import Accumulator
from diagrams.canvas import Canvas, number

WIDE, HIGH = 44.0, 24.0
"""Size of a cell of a kernel."""

WIDTH, HEIGHT = 3 * WIDE, 3 * HIGH
ROW = HEIGHT + 30
SMALL = 3 * HIGH
"""Side of a window."""


@torch.no_grad()
def draw_block(accumulator: Accumulator, window: Tensor, words: tuple[str, str, str], names: tuple[str, ...]) -> str:
    """The first block at one window: each kernel weighs the cells, the 1x1 layer adds the kernels up.

    Args:
        accumulator: Of one class, and of an image of one window.
        window: Channels (k, 3, 3): the class, then redundant channels.
        words: Title, description, note.
        names: Name of each channel.
    """
    kernels, mixing = accumulator.layers[0], accumulator.layers[2]
    assert isinstance(kernels, nn.Conv2d)
    assert isinstance(mixing, nn.Conv2d)
    sums = kernels(window[None])[0, :, 0, 0].relu()
    total = mixing(sums[None, :, None, None]).relu()
    n_kernels, n_channels = kernels.weight.shape[:2]
    left_of_sums = 190 + n_channels * (WIDTH + 26)
    width = max(left_of_sums + 330, 620)
    title, description, note = words
    low = 66 + n_kernels * ROW
    canvas = Canvas(width, low + HEIGHT + 76, title, description)
    largest = float(kernels.weight.abs().max())
    middle = 66 + (n_kernels * ROW - 22) / 2
    _draw_window(canvas, window, names, middle)
    for index in range(n_kernels):
        top = 66 + index * ROW
        _draw_kernel(canvas, kernels, index, top, largest, names)
        _draw_sum(canvas, (kernels, mixing), index, float(sums[index]), (left_of_sums, top, middle))
    _draw_total(canvas, mixing, float(total), (left_of_sums + 226, middle))
    _draw_check(canvas, accumulator, low + 6, names[0])
    canvas.note((330, low + 36), note, width - 350)
    return canvas.svg()


def _draw_window(canvas: Canvas, window: Tensor, names: tuple[str, ...], middle: float) -> None:
    """The cells that are read, a grid for each kind of channel."""
    channels = [0] if len(names) == 1 else [0, 1]
    top = middle - len(channels) * (HEIGHT + 22) / 2 + 14
    for channel in channels:
        name = names[channel] if channel == 0 or len(names) == 2 else f"{names[1]}, {names[-1][-1]}"
        canvas.text((28 + SMALL / 2, top - 6), name, "head small")
        for row, line in enumerate(window[channel].tolist()):
            for column, value in enumerate(line):
                place = 28 + column * HIGH, top + row * HIGH
                canvas.rect(place, (HIGH, HIGH), "on" if value else "off")
                canvas.rect(place, (HIGH, HIGH), "cell")
                canvas.text((place[0] + HIGH / 2, place[1] + 16), number(value), "small")
        top += HEIGHT + 30


def _draw_kernel(
    canvas: Canvas, kernels: nn.Conv2d, index: int, top: float, largest: float, names: tuple[str, ...]
) -> None:
    """The weights of one kernel: a heat map for each channel that it reads."""
    canvas.arrow((28 + SMALL + 4, 66 + (kernels.out_channels * ROW - 22) / 2), (150, top + HEIGHT / 2))
    for channel, name in enumerate(names):
        left = 156 + channel * (WIDTH + 26)
        canvas.text((left + WIDTH / 2, top - 6), f"kernel {index + 1}, {name}", "head small")
        weights = kernels.weight[index, channel].tolist()
        canvas.heat_map((left, top), weights, (WIDE, HIGH), largest, data_kernel=index, data_channel=channel)
        if channel:
            canvas.text((left - 13, top + HEIGHT / 2 + 4), "+", "head")


def _draw_sum(
    canvas: Canvas, layers: tuple[nn.Conv2d, nn.Conv2d], index: int, value: float, place: tuple[float, float, float]
) -> None:
    """The weighted sum of a kernel, and its mixing weight on the way to the cell."""
    kernels, mixing = layers
    left, top, middle = place
    low = top + HEIGHT / 2
    bias = float(kernels.bias[index]) if kernels.bias is not None else 0.0
    weight = float(mixing.weight[0, index])
    canvas.arrow((left - 32, low), (left, low))
    canvas.rect((left, low - 22), (110, 44), "box", rx=5, data_kernel_bias=repr(bias), data_sum=repr(value))
    canvas.text((left + 55, low - 6), f"sum + {number(bias)}" if bias else "sum", "small")
    canvas.text((left + 55, low + 11), number(value), "head")
    kind = "plus" if weight > 0 else "minus"
    canvas.arrow(
        (left + 110, low), (left + 226, middle + (index - 1) * 12), kind, stroke_width=1.4, data_mixing=repr(weight)
    )
    canvas.text(
        (left + 146, low - 6 if index < 2 else low + 16), number(weight, signed=True), f"weight head {kind}-text"
    )


def _draw_total(canvas: Canvas, mixing: nn.Conv2d, total: float, place: tuple[float, float]) -> None:
    """The cell of the block's output."""
    left, middle = place
    bias = float(mixing.bias[0]) if mixing.bias is not None else 0.0
    canvas.rect((left, middle - 30), (88, 60), "on", rx=6, data_mixing_bias=repr(bias), data_total=repr(total))
    canvas.text((left + 44, middle - 12), "cell", "small")
    canvas.text((left + 44, middle + 8), number(total), "title")
    if bias:
        canvas.text((left + 44, middle + 23), f"sum {number(bias, signed=True)}", "small")


def _draw_check(canvas: Canvas, accumulator: Accumulator, top: float, name: str) -> None:
    """The mixed kernels of the class: 1 at every position."""
    kernels, mixing = accumulator.layers[0], accumulator.layers[2]
    assert isinstance(kernels, nn.Conv2d)
    assert isinstance(mixing, nn.Conv2d)
    mixed = torch.einsum("i,iyx->yx", mixing.weight[0, :, 0, 0], kernels.weight[:, 0])
    terms = " + ".join(
        f"({number(float(weight))} \u00d7 kernel {index})"
        if weight < 0
        else f"{number(float(weight))} \u00d7 kernel {index}"
        for index, weight in enumerate(mixing.weight[0, :, 0, 0], 1)
    )
    canvas.text((16, top + 8), f"{terms}, {name}:", "small", anchor="start")
    canvas.heat_map((156, top + 16), mixed.tolist(), (WIDE, HIGH), 2.0, data_mixed="true")
