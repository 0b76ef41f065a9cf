"""The diagrams of docs/diagrams: drawn from the weights of the networks that they show."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import torch

import attributionlab as al
from attributionlab.networks import Accumulator, ColorDetector, Redundancy, build_modulo
from attributionlab.networks.wiring import channel_names

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def drawn():
    sys.path.insert(0, str(ROOT / "scripts"))
    try:
        pictures = importlib.import_module("diagrams.pictures")
        return {name: draw() for name, draw in pictures.DESIGNED.items()}
    finally:
        sys.path.remove(str(ROOT / "scripts"))


@pytest.fixture(scope="module")
def pictures(drawn):
    return {name: ET.fromstring(text) for name, text in drawn.items()}


def with_attribute(picture, name):
    return [element for element in picture.iter() if name in element.attrib]


def arrows(picture):
    return {
        (int(arrow.get("data-layer")), arrow.get("data-from"), arrow.get("data-to")): float(arrow.get("data-weight"))
        for arrow in with_attribute(picture, "data-layer")
    }


def nonzero(layers):
    """The weights that are not 0, by layer and names."""
    return {
        (number, sources[column], outputs[row]): float(weight[row, column])
        for number, layer in enumerate(layers, 1)
        for sources, outputs in [channel_names(layer)]
        for weight in [layer.weight.detach().flatten(1)]
        for row, column in weight.nonzero().tolist()
    }


def kernels(picture, channel):
    weights = torch.zeros(3, 3, 3)
    for cell in with_attribute(picture, "data-kernel"):
        if int(cell.get("data-channel")) == channel:
            place = (int(cell.get(f"data-{name}")) for name in ("kernel", "row", "column"))
            weights[tuple(place)] = float(cell.get("data-weight"))
    return weights


def test_the_committed_files_are_those_that_the_script_draws(drawn):
    committed = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "docs/diagrams").glob("*.svg")}
    assert {name: committed.get(name) for name in drawn} == drawn


def test_every_weight_of_the_modulo_network_that_is_not_zero_is_an_arrow(pictures):
    layers = [layer for layer in build_modulo(5, 10) if isinstance(layer, torch.nn.Linear)]
    assert arrows(pictures["modulo"]) == nonzero(layers)
    biases = [bias for layer in layers for bias in layer.bias.tolist()]
    assert [float(box.get("data-bias")) for box in with_attribute(pictures["modulo"], "data-bias")] == [0.0, *biases]
    assert with_attribute(pictures["modulo"], "data-values")[-1].get("data-values") == "3.0 0.0"


def test_the_last_layers_of_the_detector_have_an_arrow_for_every_weight(pictures):
    detector = ColorDetector(((255, 255, 255), (255, 127, 0)), (20, 20, 20), 2)
    layers = [layer for layer in detector.layers if isinstance(layer, torch.nn.Conv2d)]
    assert arrows(pictures["redundant-channels"]) == nonzero(layers[3:])
    weights = {(source, target): weight for (_, source, target), weight in nonzero(layers).items()}
    drawn = {(source, target): weight for (_, source, target), weight in arrows(pictures["color-detector"]).items()}
    assert drawn == {names: weights[names] for names in drawn}


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("block-uniform", {"design": "uniform"}),
        ("block-nonnegative", {"seed": 2}),
        ("block-signed", {"design": "signed", "seed": 1}),
        ("unseen-data-effect", {"seed": 2, "redundancy": Redundancy(2)}),
    ],
)
def test_heat_maps_are_the_kernels_of_the_block(pictures, name, options):
    first, _, mixing, _ = Accumulator(1, (3, 3), **options).layers
    for channel in range(first.in_channels):
        assert torch.equal(kernels(pictures[name], channel), first.weight[:, channel])
    drawn = [float(arrow.get("data-mixing")) for arrow in with_attribute(pictures[name], "data-mixing")]
    assert drawn == mixing.weight.flatten().tolist()
    (cell,) = with_attribute(pictures[name], "data-total")
    assert float(cell.get("data-total")) == (4.0 if name != "unseen-data-effect" else 4.0625)


@pytest.mark.parametrize("name", ["multi-color-sum", "background-sum", "single-color-sum", "single-color-modulo"])
def test_rooms_have_the_values_of_the_network(pictures, name):
    environment = al.make_environment(name, size=27)
    inputs = environment.sample(1).inputs
    rooms = {room.get("data-room"): room for room in with_attribute(pictures[name], "data-values")}
    with torch.no_grad():
        expected = {"block 3": environment.model.counts(inputs), "head": environment.model.logits(inputs)}
    for room, values in expected.items():
        assert [float(value) for value in rooms[room].get("data-values").split()] == values[0].tolist()
    n_weights = sum(int(room.get("data-weights")) for room in with_attribute(pictures[name], "data-weights"))
    assert n_weights == sum(parameter.numel() for parameter in environment.model.parameters())


def test_every_picture_has_a_title_and_a_description(pictures):
    for picture in pictures.values():
        assert picture.get("role") == "img"
        title, description = (picture.find(f"{{http://www.w3.org/2000/svg}}{tag}").text for tag in ("title", "desc"))
        assert title
        assert len(description) > len(title)
