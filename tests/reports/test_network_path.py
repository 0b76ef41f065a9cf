"""A path as text and as a picture."""

import pytest

import attributionlab as al
from attributionlab.environments import explain_network
from attributionlab.networks.paths import NeuronValue, Term
from attributionlab.reports.figures.network_path import network_path_figure
from attributionlab.reports.tables.network_path import equation, path_rows


@pytest.fixture(scope="module")
def path():
    return explain_network(al.make_environment("single-color-modulo[size=32]"))


@pytest.mark.parametrize(
    ("neuron", "text"),
    [
        (NeuronValue("n", (Term("x", 1.0, 255.0),), -254.0, 1.0), "ReLU(1 x 255 - 254) = 1"),
        (NeuronValue("n", (Term("x", -0.5, 2.0), Term("y", 2.0, 3.0)), 0.0, 5.0), "ReLU(-0.5 x 2 + 2 x 3) = 5"),
        (NeuronValue("n", (), 0.0, 0.5, has_relu=False), "0.5"),
        (NeuronValue("n", (), 1.0, 1.0), "ReLU(1) = 1"),
        (
            NeuronValue("n", tuple(Term(f"x{i}", 1.0, float(i > 9)) for i in range(12)), 0.0, 2.0),
            "ReLU(1 x 1 + 1 x 1) = 2",
        ),
        (
            NeuronValue("n", tuple(Term(f"x{i}", 1.0, 1.0) for i in range(12)), 0.0, 12.0),
            "ReLU(" + "1 x 1 + " * 9 + "3 more) = 12",
        ),
    ],
)
def test_an_equation_has_numbers_for_every_term(neuron, text):
    assert equation(neuron) == text


def test_a_path_prints_every_neuron(path):
    text, rows = str(path), path_rows(path)
    assert len(rows) == sum(len(layer.neurons) for layer in path.layers)
    assert all(f"  {row['neuron']} = " in text for row in rows)
    assert text.splitlines()[-1].startswith("output: ")


def test_the_picture_has_a_marker_for_every_neuron(path):
    figure = network_path_figure(path)
    markers = [line for axis in figure.axes for line in axis.lines if line.get_marker() == "o"]
    assert len(markers) == sum(min(len(layer.neurons), 12) for layer in path.layers)
    bands = {layer.name.split()[0].strip(",") for layer in path.layers}
    assert len(figure.axes) == len(bands)
