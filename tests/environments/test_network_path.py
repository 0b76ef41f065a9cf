"""The values along a path are those that the network computes, bit for bit."""

import pytest
import torch
from table_environment import WeightedColumns

import attributionlab as al
from attributionlab.environments import explain_network
from attributionlab.errors import BadOption


def environment_of(spec):
    return al.make_environment(spec)


def activations(network, image):
    """The output of every ReLU, in order."""
    outputs = []
    relus = [module for module in network.modules() if isinstance(module, torch.nn.ReLU)]
    handles = [relu.register_forward_hook(lambda _, __, output: outputs.append(output[0].double())) for relu in relus]
    with torch.no_grad():
        answer = network(image[None])[0]
    for handle in handles:
        handle.remove()
    return outputs, answer.double()


SPECS = [
    "multi-color-sum[size=16]",
    "multi-color-sum[size=17,layout=dense,n_redundant=2]",
    "multi-color-sum[size=16,accumulator=signed,n_kernels=4]",
    "multi-color-sum[size=16,bug=reinitialized,layer=detector]",
    "background-sum[size=16]",
    "single-color-sum[size=16]",
    "single-color-modulo[size=16]",
]


@pytest.mark.wide
@pytest.mark.parametrize("pixel", [None, "unknown"])
@pytest.mark.parametrize("spec", SPECS)
def test_every_value_of_a_path_is_an_activation_of_the_network(spec, pixel):
    environment = environment_of(spec)
    image = environment.sample(1, 1).inputs[0].clone()
    color = None if pixel is None else [3, 5, 7] if len(image) == 3 else [0]
    path = explain_network(environment, index=1, pixel=color)
    if color is not None:
        image[:, path.position[0], path.position[1]] = torch.tensor(color, dtype=image.dtype)
    outputs, answer = activations(environment.model, image)
    layers = [layer for layer in path.layers if layer.neurons and layer.neurons[0].has_relu]
    assert len(layers) == len(outputs)
    for layer, output in zip(layers, outputs, strict=True):
        for neuron in layer.neurons:
            assert neuron.value in output.flatten().tolist(), (layer.name, neuron)
    last = torch.tensor([neuron.value for neuron in path.layers[-1].neurons], dtype=torch.float64)
    if path.layers[-1].name == "softmax":
        torch.testing.assert_close(last, answer, rtol=1e-5, atol=1e-12)  # the network's softmax is float32
    else:
        assert last.tolist() == answer.tolist()


def blocks_of(environment, image):
    """Kernels and cells of every block, (k, h, w) each."""
    blocks, current = [], environment.model.detect(image[None])
    layers = list(environment.model.accumulator.layers)
    for first in range(0, len(layers), 4):
        kernels = torch.relu(layers[first](current))
        current = torch.relu(layers[first + 2](kernels))
        blocks.append((kernels[0].detach(), current[0].detach()))
    return blocks


@pytest.mark.parametrize("spec", ["multi-color-sum[height=20,width=33]", "single-color-sum[height=31,width=16]"])
def test_a_path_leads_through_the_cells_that_the_pixel_changes(spec):
    """The cells are found by removing the pixel: one of each block changes."""
    environment = environment_of(spec)
    image = environment.sample(1).inputs[0]
    path = explain_network(environment)
    removed = image.clone()
    removed[:, path.position[0], path.position[1]] = environment.true_baseline
    layers = [layer for layer in path.layers if layer.name.startswith("block")]
    before, after = blocks_of(environment, image), blocks_of(environment, removed)
    for number, (kernel_layer, mixing_layer) in enumerate(zip(layers[::2], layers[1::2], strict=True)):
        kernels, cells = before[number]
        (changed,) = (cells != after[number][1]).nonzero().tolist()
        channel, row, column = changed
        (mixed,) = mixing_layer.neurons
        assert mixed.name.startswith(f"cell ({row}, {column}) of ")
        assert mixed.value == cells[channel, row, column]
        assert sum(map(sum, kernel_layer.window)) == mixed.value, "a cell is the sum of its window"
        m = len(kernel_layer.neurons)
        own = kernels[channel * m : (channel + 1) * m, row, column]
        assert [neuron.value for neuron in kernel_layer.neurons] == own.tolist()


def test_the_path_of_a_detected_pixel_is_the_tree_of_the_papers_figure():
    path = explain_network(environment_of("multi-color-sum[size=16]"))
    assert [len(layer.neurons) for layer in path.layers[:5]] == [9, 6, 3, 1, 1]
    assert [neuron.name for neuron in path.layers[2].neurons] == ["[blue = 0]", "[red = 0]", "[green = 255]"]
    assert path.layers[4].neurons[0].value == 1


def test_an_unknown_color_is_followed_through_a_redundant_channel():
    path = explain_network(environment_of("multi-color-sum[size=16]"), pixel=(0, 0, 0))
    (neuron,) = path.layers[4].neurons
    assert (neuron.name, neuron.value) == ("redundant 0", 1)
    assert any("redundant" in term.source for kernel in path.layers[5].neurons for term in kernel.terms)


def test_the_last_cell_of_a_path_is_the_count():
    environment = environment_of("multi-color-sum[size=30,n_redundant=0]")
    batch = environment.sample(1)
    path = explain_network(environment)
    mixing = [layer for layer in path.layers if layer.name.endswith("mixing")]
    assert mixing[-1].neurons[0].value == environment.counts(batch.scenes[0])[int(batch.targets[0])]


@pytest.mark.parametrize("number", [0, 29, 30, 77, 119])
def test_a_number_is_followed_through_the_modulo_network(number):
    path = explain_network(environment_of("single-color-modulo[size=32]"), number=number)
    assert [neuron.value for neuron in path.layers[-1].neurons] == [number % 30]
    removed = [neuron for neuron in path.layers[-2].neurons if neuron.terms[0].value == 30]
    assert len(removed) == number // 30
    assert all(neuron.value == 0 for neuron in removed)


def test_other_networks_are_followed_layer_by_layer():
    path = explain_network(WeightedColumns())
    assert path.layers
    assert path.position is None
    with pytest.raises(BadOption, match="`pixel` must be left out for a network"):
        explain_network(WeightedColumns(), pixel=(1, 2, 3))


@pytest.mark.parametrize(
    ("spec", "options", "message"),
    [
        ("multi-color-sum[size=16]", {"pixel": (1, 2)}, "`pixel` must be 3 integers in 0..255, got '1,2'"),
        ("multi-color-sum[size=16]", {"pixel": (0, 0, 256)}, "`pixel` must be 3 integers in 0..255"),
        ("single-color-sum[size=16]", {"pixel": (2,)}, "`pixel` must be an integer in 0..1"),
        ("multi-color-sum[size=16]", {"number": 3}, "`number` must be left out for a network of several counts"),
        ("single-color-sum[size=16]", {"number": 257}, "`number` must be"),
        ("single-color-sum[size=16]", {"number": 1, "pixel": (1,)}, "`number` must be left out where `pixel` is given"),
        ("single-color-sum[size=16]", {"index": -1}, "`index` must be"),
    ],
)
def test_what_does_not_fit_is_refused(spec, options, message):
    with pytest.raises(BadOption) as caught:
        explain_network(environment_of(spec), **options)
    assert message in str(caught.value)
