"""A path through a network as text, one line per neuron, and as rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group, RenderableType

from attributionlab.reports.tables.cells import escape

if TYPE_CHECKING:
    from attributionlab.environments.network_path import NetworkPath
    from attributionlab.networks.paths import LayerValues, NeuronValue

CSV_COLUMNS = ("layer", "neuron", "formula", "value")

MOST_TERMS = 9
"""Largest number of terms in a formula: a window has nine cells."""


def path_table(path: NetworkPath) -> RenderableType:
    """Build the text: a heading and a sentence for each layer, then a line for each neuron."""
    lines = [f"[bold]{escape(path.environment)}[/]: {escape(path.start)}"]
    for layer in path.layers:
        summary = f": {escape(layer.summary)}" if layer.summary else ""
        lines += ["", f"[bold]{escape(layer.name)}[/]{summary}"]
        lines += [f"  {escape(neuron.name)} = {escape(equation(neuron))}" for neuron in layer.neurons]
        if others := left_out(layer):
            lines.append(f"  [dim]{others}[/]")
    return Group(*lines, "", f"[bold]output[/]: {escape(path.end)}")


def path_rows(path: NetworkPath) -> list[dict[str, object]]:
    """Build the rows: one per neuron."""
    return [
        {"layer": layer.name, "neuron": neuron.name, "formula": formula(neuron), "value": neuron.value}
        for layer in path.layers
        for neuron in layer.neurons
    ]


def left_out(layer: LayerValues) -> str:
    """How many neurons of a layer are not on the path; empty if all are."""
    n = layer.n_others
    return "" if n == 0 else f"and {n} other neuron{'s' if n > 1 else ''}, off this path or 0"


def equation(neuron: NeuronValue) -> str:
    """A neuron's formula and value, as `ReLU(1 x 255 - 254) = 1`."""
    written = formula(neuron)
    return f"{written} = {neuron.value:g}" if written else f"{neuron.value:g}"


def formula(neuron: NeuronValue) -> str:
    """A neuron's weighted sum in numbers; of many terms those that are not 0."""
    terms = neuron.terms
    if len(terms) > MOST_TERMS:
        terms = tuple(term for term in terms if term.weight * term.value != 0)
    if not neuron.terms and neuron.bias == 0:
        return ""
    parts = [(term.weight, f"{abs(term.weight):g} x {term.value:g}") for term in terms[:MOST_TERMS]]
    if len(terms) > MOST_TERMS:
        parts.append((1.0, f"{len(terms) - MOST_TERMS} more"))
    if neuron.bias != 0 or not parts:
        parts.append((neuron.bias, f"{abs(neuron.bias):g}"))
    signs = ["-" if sign < 0 else "+" for sign, _ in parts]
    text = " ".join(f"{sign} {part}" for sign, (_, part) in zip(signs, parts, strict=True))
    text = text.removeprefix("+ ").replace("- ", "-", 1) if text.startswith("- ") else text.removeprefix("+ ")
    return f"ReLU({text})" if neuron.has_relu else text
