"""An SVG file that is readable in light and in dark, with a title and a description for readers who do not see it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import TypeVar
from xml.etree import ElementTree as ET

Value = TypeVar("Value", str, float)

STYLE = """
text { font: 12px system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; fill: #1b2733; }
.title { font-size: 15px; font-weight: 600; }
.head { font-weight: 600; }
.small { font-size: 10.5px; }
.weight { paint-order: stroke; stroke: #ffffff; stroke-width: 3px; }
.soft { fill: #51606e; }
.paper { fill: #ffffff; }
.box { fill: #f2f5f9; stroke: #8796a5; }
.room { fill: #f7f9fb; stroke: #c5cfd9; }
.cell { fill: none; stroke: #8796a5; stroke-width: 0.6; }
.off { fill: #e3e9ef; }
.on { fill: #ffd58f; }
.lit { fill: #d97706; }
.plus { stroke: #0b62c4; fill: none; }
.minus { stroke: #c2410c; fill: none; stroke-dasharray: 5 3; }
.plus-fill { fill: #2f86e5; }
.minus-fill { fill: #ee7a45; }
.plus-text { fill: #0b4f9e; }
.minus-text { fill: #a33408; }
.flow { stroke: #66788a; fill: none; stroke-width: 1.4; }
.tip { fill: #66788a; }
.plus-tip { fill: #0b62c4; }
.minus-tip { fill: #c2410c; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6ebf1; }
  .weight { stroke: #171c24; }
  .soft { fill: #a9b6c3; }
  .paper { fill: #171c24; }
  .box { fill: #232b36; stroke: #6d7d8e; }
  .room { fill: #1d242d; stroke: #3d4958; }
  .cell { stroke: #6d7d8e; }
  .off { fill: #313c49; }
  .on { fill: #8a5a10; }
  .lit { fill: #f5a524; }
  .plus { stroke: #6db3ff; }
  .minus { stroke: #ff9a66; }
  .plus-text { fill: #9cccff; }
  .minus-text { fill: #ffb48c; }
  .flow { stroke: #93a3b3; }
  .tip { fill: #93a3b3; }
  .plus-tip { fill: #6db3ff; }
  .minus-tip { fill: #ff9a66; }
}
"""

LETTER = 5.9
"""Width of a small letter, generously."""

HEAT = 0.6
"""Opacity of the largest weight of a heat map: text on it stays readable."""


def number(value: float, *, signed: bool = False) -> str:
    """A number with a real minus sign, with six digits at most."""
    return f"{value:{'+' if signed else ''}.6g}".replace("-", "\u2212")


class Canvas:
    """A picture that grows element by element.

    Args:
        width: In pixels.
        height: In pixels.
        title: A short name of the picture.
        description: What is seen, for readers who do not see it.
    """

    def __init__(self, width: float, height: float, title: str, description: str) -> None:
        self.root = ET.Element(
            "svg",
            {
                "xmlns": "http://www.w3.org/2000/svg",
                "viewBox": f"0 0 {width:g} {height:g}",
                "width": f"{width:g}",
                "height": f"{height:g}",
                "role": "img",
                "aria-labelledby": "title description",
            },
        )
        ET.SubElement(self.root, "title", {"id": "title"}).text = title
        ET.SubElement(self.root, "desc", {"id": "description"}).text = description
        ET.SubElement(self.root, "style").text = STYLE
        self.rect((0, 0), (width, height), "paper", rx=8)
        self.text((16, 26), title, "title", anchor="start")

    def add(self, tag: str, kind: str, **attributes: object) -> ET.Element:
        """An element of a class; underscores of names become hyphens."""
        texts = {
            name.replace("_", "-"): f"{value:.6g}" if isinstance(value, float) else str(value)
            for name, value in attributes.items()
        }
        return ET.SubElement(self.root, tag, {"class": kind, **texts})

    def rect(self, corner: tuple[float, float], size: tuple[float, float], kind: str, **attributes: object) -> None:
        """A rectangle from its upper left corner."""
        places = dict(zip(("x", "y", "width", "height"), (*corner, *size), strict=True))
        self.add("rect", kind, **{name: float(value) for name, value in places.items()}, **attributes)

    def text(self, place: tuple[float, float], words: str, kind: str = "", *, anchor: str = "middle") -> None:
        """A line of text on a baseline."""
        element = self.add("text", kind, x=float(place[0]), y=float(place[1]), text_anchor=anchor)
        element.text = words

    def lines(self, place: tuple[float, float], lines: Sequence[str], kind: str = "", anchor: str = "middle") -> None:
        """Lines of text, one below the other."""
        for index, line in enumerate(lines):
            self.text((place[0], place[1] + 15 * index), line, kind, anchor=anchor)

    def note(self, corner: tuple[float, float], words: str, width: float) -> float:
        """Small lines of at most a width; returns the height."""
        lines = textwrap.wrap(words, int(width / LETTER))
        self.lines(corner, lines, "small soft", anchor="start")
        return 15.0 * len(lines)

    def arrow(
        self, start: tuple[float, float], end: tuple[float, float], kind: str = "flow", **attributes: object
    ) -> None:
        """A curve that leaves and arrives horizontally, with a tip."""
        (left, top), (right, bottom) = start, (end[0] - 6, end[1])
        middle = (left + right) / 2
        path = f"M{left:g},{top:g} C{middle:g},{top:g} {middle:g},{bottom:g} {right:g},{bottom:g}"
        self.add("path", kind, d=path, **attributes)
        tip = "tip" if kind == "flow" else f"{kind}-tip"
        self.add("path", tip, d=f"M{right - 1:g},{bottom - 4:g} L{end[0]:g},{bottom:g} L{right - 1:g},{bottom + 4:g} Z")

    def heat_map(
        self,
        corner: tuple[float, float],
        values: Sequence[Sequence[float]],
        cell: tuple[float, float],
        largest: float,
        **names: object,
    ) -> None:
        """Weights as colored cells with their numbers: blue is positive, orange negative."""
        for row, line in enumerate(values):
            for column, value in enumerate(line):
                place = corner[0] + column * cell[0], corner[1] + row * cell[1]
                kind = "plus-fill" if value > 0 else "minus-fill"
                data = {"data_weight": repr(float(value)), "data_row": row, "data_column": column, **names}
                self.rect(place, cell, kind, fill_opacity=HEAT * abs(value) / largest, **data)
                self.rect(place, cell, "cell")
                self.text((place[0] + cell[0] / 2, place[1] + cell[1] / 2 + 4), number(value), "small")

    def pixels(self, corner: tuple[float, float], colors: Sequence[Sequence[str]], cell: float) -> None:
        """An image of colors."""
        for place, length, color in runs(colors):
            left, top = corner[0] + place[1] * cell, corner[1] + place[0] * cell
            self.rect((left, top), (length * cell, cell), "pixel", fill=color, shape_rendering="crispEdges")
        self.rect(corner, (len(colors[0]) * cell, len(colors) * cell), "cell")

    def channel(self, corner: tuple[float, float], values: Sequence[Sequence[float]], cell: float) -> None:
        """A map of a channel, the stronger the larger; with numbers if there is room for them."""
        size = len(values[0]) * cell, len(values) * cell
        largest = max(map(max, values)) or 1.0
        has_numbers = cell >= 16
        kind = "on" if has_numbers else "lit"
        self.rect(corner, size, "off")
        for place, length, value in runs(values):
            if value:
                left, top = corner[0] + place[1] * cell, corner[1] + place[0] * cell
                self.rect((left, top), (length * cell, cell), kind, fill_opacity=max(0.15, value / largest))
        if has_numbers:
            for row, line in enumerate(values):
                for column, value in enumerate(line):
                    middle = corner[0] + (column + 0.5) * cell, corner[1] + (row + 0.5) * cell + 4
                    self.text(middle, number(value), "small")
        self.rect(corner, size, "cell")

    def svg(self) -> str:
        """The file's text."""
        ET.indent(self.root, " ")
        return ET.tostring(self.root, encoding="unicode") + "\n"


def runs(lines: Sequence[Sequence[Value]]) -> Iterator[tuple[tuple[int, int], int, Value]]:
    """Neighbors of one value in a row: row and column of the first one, their number, the value."""
    for row, line in enumerate(lines):
        start = 0
        for column in range(1, len(line) + 1):
            if column == len(line) or line[column] != line[start]:
                yield (row, start), column - start, line[start]
                start = column
