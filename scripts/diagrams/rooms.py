"""A whole network from left to right: a room for each stage, with what it computes on one image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

import attributionlab as al
from attributionlab.networks import DesignedNetwork
from attributionlab.scenes.color_names import color_name
from diagrams.canvas import Canvas, number

SIDE, STEP, TOP = 54.0, 112.0, 92.0
LAYERS_PER_BLOCK = 4


@dataclass(frozen=True, eq=False)
class Room:
    """One stage of a network.

    Args:
        name: Name of the stage.
        values: Its output (k, h, w).
        channels: A name for each k.
        modules: Layers that compute it.
    """

    name: str
    values: Tensor
    channels: Sequence[str]
    modules: Sequence[nn.Module] = ()

    @property
    def n_weights(self) -> int:
        """Weights and biases."""
        return sum(each.numel() for module in self.modules for each in module.parameters())

    @property
    def facts(self) -> list[str]:
        """Shape and layers, in lines."""
        shape = (
            " \u00d7 ".join(map(str, self.values.shape))
            if self.values[0].numel() > 1
            else f"{len(self.values)} number{'s' * (len(self.values) > 1)}"
        )
        layers = [
            each for module in self.modules for each in module.modules() if isinstance(each, nn.Conv2d | nn.Linear)
        ]
        kinds = dict.fromkeys(_kind(layer) for layer in layers)
        lines = [f"{[_kind(layer) for layer in layers].count(kind)} {kind}" for kind in kinds]
        return [shape, *lines, *([f"{self.n_weights:,} weights"] if layers else [])]


def _kind(layer: nn.Conv2d | nn.Linear) -> str:
    """Type of a layer with the size of its kernel."""
    return "Linear" if isinstance(layer, nn.Linear) else f"conv {layer.kernel_size[0]}\u00d7{layer.kernel_size[1]}"


@torch.no_grad()
def rooms_of(environment: al.Environment) -> list[Room]:
    """Image, channels, blocks, logits and output on the first scene."""
    network, inputs = environment.model, environment.sample(1).inputs
    assert isinstance(network, DesignedNetwork)
    names = [_word(name) for name in network.classes]
    rooms = [Room("image", inputs[0], ["red", "green", "blue"][: inputs.shape[1]])]
    values = network.detect(inputs)
    if network.detector is not None:
        channels = [_word(name) for name in network.detector.channels]
        rooms.append(Room("detector", values[0], channels, list(network.detector.layers)))
    layers = list(network.accumulator.layers)
    for first in range(0, len(layers), LAYERS_PER_BLOCK):
        block = layers[first : first + LAYERS_PER_BLOCK]
        values = nn.Sequential(*block)(values)
        rooms.append(Room(f"block {first // LAYERS_PER_BLOCK + 1}", values[0], names, block))
    logits = network.head(values[:, :, 0, 0])
    outputs = [environment.output_name(place) for place in range(logits.shape[1])]
    words = [_word(name.split(" ", 1)[-1]) for name in outputs]
    rooms.append(Room("head", logits[0, :, None, None], words, list(network.head)))
    if network.softmax is not None:
        rooms.append(Room("softmax", network.softmax(logits.double()).round(decimals=4)[0, :, None, None], words))
    return rooms


def _word(name: str) -> str:
    """The word for a color that is written as numbers."""
    parts = name.strip("()").split(",")
    is_color = name.startswith("(") and all(part.strip().isdigit() for part in parts)
    return color_name([int(part) for part in parts]) if is_color else name


def draw_rooms(environment: al.Environment, words: tuple[str, str, str]) -> str:
    """The SVG of a designed network; `words` are title, description and note.

    Stages of one value for each channel carry their values (`data-values`), and stages with layers the number of their weights
    (`data-weights`).
    """
    rooms = rooms_of(environment)
    title, description, note = words
    tallest = max(len(room.values) for room in rooms[1:]) * (SIDE + 18)
    width = max(32 + STEP * len(rooms), 620)
    canvas = Canvas(width, TOP + tallest + 130, title, description)
    for index, room in enumerate(rooms):
        left = (width - STEP * len(rooms) + 22) / 2 + index * STEP
        data = {"data_room": room.name, "data_weights": room.n_weights}
        if room.values[0].numel() == 1:
            data["data_values"] = " ".join(repr(value) for value in room.values.flatten().tolist())
        canvas.rect((left, 44), (STEP - 22, TOP + tallest - 44 + 76), "room", rx=8, **data)
        canvas.text((left + (STEP - 22) / 2, 64), room.name, "head")
        _draw_maps(canvas, room, left + (STEP - 22 - SIDE) / 2, tallest)
        canvas.lines((left + (STEP - 22) / 2, TOP + tallest + 14), room.facts, "small soft")
        if index:
            canvas.arrow((left - 21, TOP + tallest / 2), (left - 1, TOP + tallest / 2))
    canvas.note((16, TOP + tallest + 98), note, width - 32)
    return canvas.svg()


def _draw_maps(canvas: Canvas, room: Room, left: float, tallest: float) -> None:
    """The picture, or the map of each channel under its name."""
    height, width = room.values.shape[1:]
    if room.name == "image":
        canvas.pixels((left, TOP + (tallest - SIDE) / 2), _colors(room.values), SIDE / width)
        return
    top = TOP + (tallest - len(room.values) * (SIDE + 18)) / 2
    for name, values in zip(room.channels, room.values.double().tolist(), strict=True):
        canvas.text((left + SIDE / 2, top), name, "small")
        if height > 1:
            canvas.channel((left, top + 4), values, SIDE / width)
        else:
            canvas.rect((left - 8, top + 14), (SIDE + 16, 26), "on" if values[0][0] else "off", rx=4)
            canvas.text((left + SIDE / 2, top + 31), number(round(values[0][0], 4)), "head")
        top += SIDE + 18


def _colors(image: Tensor) -> list[list[str]]:
    """The colors of an image (c, h, w); gray images are 0 and 1."""
    scale = 255 if len(image) == 1 else 1
    channels = (image * scale).int().expand(3, -1, -1).permute(1, 2, 0).tolist()
    return [["#{:02x}{:02x}{:02x}".format(*pixel) for pixel in line] for line in channels]
