"""Neuron graphs like the paper's Figures 4, 10, 11, 14 and 15: a box for each neuron, an arrow for each weight."""

from __future__ import annotations

import dataclasses
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from attributionlab.networks.paths import LayerValues, NeuronValue
from diagrams.canvas import LETTER, Canvas, number

TOP, MARGIN = 62, 16
GAP = 14
"""Between boxes of a column."""

Place = tuple[float, float]


@dataclass(frozen=True)
class Case:
    """One input whose values are written into every neuron.

    Args:
        label: The input in words.
        layers: What all layers compute on it.
        inputs: Names of the inputs with their values.
        swatch: Its color as `rgb(...)`, if it is a pixel.
    """

    label: str
    layers: Sequence[LayerValues]
    inputs: dict[str, float]
    swatch: str | None = None


@dataclass(frozen=True)
class Look:
    """Sizes and words of a graph.

    Args:
        title: Short name.
        description: What is seen, for readers who do not see it.
        headings: Lines above each column, that of the inputs first.
        box: Width of a neuron.
        arrows: Width between columns.
        note: Lines under the graph.
        shown: Displayed names of neurons that have a long one.
    """

    title: str
    description: str
    headings: Sequence[Sequence[str]]
    box: float = 96
    arrows: float = 62
    note: str = ""
    shown: dict[str, str] = dataclasses.field(default_factory=dict)


def draw_graph(cases: Sequence[Case], look: Look) -> str:
    """The SVG of layers that read each other from left to right.

    Every arrow carries its weight (`data-weight`), every box its bias (`data-bias`) and its values (`data-values`), so that a test can
    compare them with the modules.
    """
    columns = [[NeuronValue(name, (), 0.0, value) for name, value in cases[0].inputs.items()]]
    columns += [list(layer.neurons) for layer in cases[0].layers]
    values = [
        {(0, name): value for name, value in case.inputs.items()}
        | {(index, neuron.name): neuron.value for index, layer in enumerate(case.layers, 1) for neuron in layer.neurons}
        for case in cases
    ]
    heights = [_heights(column) for column in columns]
    tallest = max(sum(column) + GAP * (len(column) - 1) for column in heights)
    width = max(2 * MARGIN + len(columns) * look.box + (len(columns) - 1) * look.arrows, 640)
    low = TOP + 30 + 15 * (max(map(len, look.headings)) - 1) + tallest
    n_lines = len(textwrap.wrap(look.note, int((width - 2 * MARGIN) / LETTER)))
    canvas = Canvas(width, low + 44 + 15 * n_lines, look.title, look.description)
    _draw_cases(canvas, cases)
    before: dict[str, Place] = {}
    for index, (column, sizes) in enumerate(zip(columns, heights, strict=True)):
        left = MARGIN + index * (look.box + look.arrows)
        canvas.lines((left + look.box / 2, TOP), look.headings[index], "head small")
        top = low - tallest + (tallest - sum(sizes) - GAP * (len(sizes) - 1)) / 2
        places = {}
        for neuron, size in zip(column, sizes, strict=True):
            _draw_neuron(
                canvas, neuron, (left, top, look.box, size), [each[index, neuron.name] for each in values], look
            )
            _draw_weights(canvas, neuron, (left, top, size), before, index)
            places[neuron.name] = (left + look.box, top + size / 2)
            top += size + GAP
        before = places
    _draw_legend(canvas, (MARGIN, low + 26))
    canvas.note((MARGIN, low + 46), look.note, width - 2 * MARGIN)
    return canvas.svg()


def _heights(column: Sequence[NeuronValue]) -> list[float]:
    """Heights of the boxes: a box with a bias has a line more, one with many weights has room for their numbers."""
    return [max(38 + 13 * any(each.bias for each in column), 13 * len(neuron.terms) + 4) for neuron in column]


def _draw_cases(canvas: Canvas, cases: Sequence[Case]) -> None:
    """The inputs whose values are in the boxes, in their order."""
    left: float = MARGIN
    for index, case in enumerate(cases, 1):
        if case.swatch:
            canvas.rect((left, 34), (12, 12), "cell", style=f"fill:{case.swatch}")
            left += 17
        words = f"{index}: {case.label}" if len(cases) > 1 else case.label
        canvas.text((left, 44), words, "small", anchor="start")
        left += 6.1 * len(words) + 22


def _draw_neuron(
    canvas: Canvas, neuron: NeuronValue, box: tuple[float, float, float, float], values: Sequence[float], look: Look
) -> None:
    """Name, bias, and a cell for the value in each case."""
    left, top, width, height = box
    names = {"data_neuron": neuron.name, "data_bias": repr(neuron.bias), "data_values": " ".join(map(repr, values))}
    canvas.rect((left, top), (width, height), "box", rx=5, **names)
    middle = top + (height - 38 - 13 * bool(neuron.bias)) / 2
    canvas.text((left + width / 2, middle + 13), look.shown.get(neuron.name, neuron.name), "small")
    if neuron.bias:
        canvas.text((left + width / 2, middle + 25), f"bias {number(neuron.bias)}", "small soft")
    cell = (width - 8) / len(values)
    low = middle + 18 + 13 * bool(neuron.bias)
    for index, value in enumerate(values):
        canvas.rect((left + 4 + index * cell, low), (cell - 1, 16), "on" if value else "off", rx=2)
        canvas.text((left + 4 + index * cell + cell / 2, low + 12), number(value), "head small" if value else "small")


def _draw_weights(
    canvas: Canvas, neuron: NeuronValue, box: tuple[float, float, float], before: dict[str, Place], layer: int
) -> None:
    """An arrow from each input, with the weight at its tip."""
    left, top, height = box
    terms = sorted(neuron.terms, key=lambda term: before[term.source][1])
    step = height / (len(terms) + 1)
    for index, term in enumerate(terms, 1):
        kind = "plus" if term.weight > 0 else "minus"
        end = left, top + step * index
        data = {"data_weight": repr(term.weight), "data_from": term.source, "data_to": neuron.name, "data_layer": layer}
        canvas.arrow(before[term.source], end, kind, stroke_width=1.2, **data)
        canvas.text((left - 9, end[1] - 2), number(term.weight, signed=True), f"weight {kind}-text small", anchor="end")


def _draw_legend(canvas: Canvas, corner: Place) -> None:
    """How to read boxes and arrows."""
    left, top = corner
    canvas.arrow((left, top - 4), (left + 34, top - 4), "plus", stroke_width=1.4)
    canvas.text((left + 40, top), "weight above 0", "small", anchor="start")
    canvas.arrow((left + 134, top - 4), (left + 168, top - 4), "minus", stroke_width=1.4)
    canvas.text((left + 174, top), "below 0", "small", anchor="start")
    canvas.rect((left + 230, top - 11), (22, 14), "on", rx=2)
    words = "value that is not 0. A neuron is ReLU(weights \u00d7 inputs + bias)."
    canvas.text((left + 258, top), words, "small", anchor="start")
