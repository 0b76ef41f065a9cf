"""Training: accuracy, checkpoints, contiguous memory, and what users' networks do wrong."""

import numpy as np
import pytest
import torch
from torch import nn

from attributionlab.errors import BadOption, MissingFile
from attributionlab.modification import builtin_pictures, flat_pictures, modify, region_network, small_resnet, train
from attributionlab.modification.networks import WIDTHS, last_layer_of_maps, load_factory
from attributionlab.modification.training import measured_accuracy, pixels_to_inputs
from attributionlab.training import predict


@pytest.fixture(scope="module")
def data():
    return modify(flat_pictures(60), "spot")


@pytest.fixture(scope="module")
def training(data):
    steps = []
    trained = train(data, progress=steps.append)
    assert len(steps) == len(trained.validation) <= 20
    return trained


@pytest.mark.wide
def test_training_ends_when_two_epochs_classify_the_validation_pictures(training, data):
    assert min(training.validation[-2:]) >= 0.99
    assert training.test.beats_bound
    assert training.test == measured_accuracy(training.model, data)
    assert training.test.n == len(data.rows("test"))
    assert not training.model.training


def test_checkpoints_begin_with_the_untrained_network_and_end_with_the_last(training):
    epochs = [checkpoint.epoch for checkpoint in training.checkpoints]
    assert epochs[0] == 0
    assert epochs == sorted(set(epochs))
    assert epochs[-1] == len(training.validation)
    last = training.checkpoints[-1].state
    assert all(torch.equal(last[name], tensor) for name, tensor in training.model.state_dict().items())
    assert any(not torch.equal(last[name], tensor) for name, tensor in training.checkpoints[0].state.items())


def test_training_is_a_function_of_the_seed_and_leaves_the_global_generator_alone(data):
    before = torch.random.get_rng_state()
    first, again, other = (train(data, n_epochs=1, seed=seed).model.state_dict() for seed in (0, 0, 1))
    assert torch.equal(before, torch.random.get_rng_state())
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


class Watched(nn.Module):
    """Records the memory of its inputs."""

    def __init__(self, n_classes):
        super().__init__()
        self.head = nn.Linear(3 * 32 * 32, n_classes)
        self.contiguous = []

    def forward(self, inputs):
        self.contiguous.append(inputs.is_contiguous() and not inputs.is_contiguous(memory_format=torch.channels_last))
        return self.head(inputs.flatten(1) / 255)


def test_networks_get_contiguous_inputs_and_ours_has_16_channels_and_more(data):
    # torch 2.13.0's CPU build corrupts memory in narrow convolutions of the format channels_last, which a transposed picture has
    transposed = torch.from_numpy(data.values).permute(0, 3, 1, 2)
    assert transposed.is_contiguous(memory_format=torch.channels_last)
    watched = train(data, Watched, n_epochs=1).model
    assert watched.contiguous
    assert all(watched.contiguous)
    assert min(module.out_channels for module in small_resnet(2).modules() if isinstance(module, nn.Conv2d)) >= 16
    assert min(WIDTHS) >= 16


def test_no_epoch_tests_a_network_as_it_is(data):
    trained = train(data, lambda _n: region_network(data.region), n_epochs=0)
    assert trained.validation == ()
    assert trained.test.accuracy == 1.0


def test_labels_that_nothing_predicts_are_not_learned():
    data = modify(builtin_pictures(n_per_class=60, size=16), "noise[probability=0]")
    trained = train(data, n_epochs=2)
    assert not trained.test.beats_bound


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", ["blur", "brightness", "hue", "noise", "watermark"])
def test_each_manipulation_is_learned_over_three_seeds(name, seed):
    trained = train(modify(builtin_pictures(seed=seed), name, seed=seed), seed=seed)
    assert trained.test.beats_bound
    assert trained.test.accuracy >= 0.95


def test_the_last_layer_of_maps_is_that_before_the_average():
    model, inputs = small_resnet(2), torch.zeros(2, 3, 32, 32)
    assert last_layer_of_maps(model, inputs) == "5"
    assert model.training
    assert last_layer_of_maps(nn.Sequential(nn.Flatten(), nn.Linear(3072, 2)), inputs) is None
    twice = nn.ReLU()
    shared = nn.Sequential(nn.Conv2d(3, 4, 3), twice, nn.Conv2d(4, 4, 3), twice, nn.Flatten())
    assert last_layer_of_maps(shared, inputs) == "2"


class Broken(nn.Module):
    """Fails in a chosen way."""

    def __init__(self, way):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(2))
        self.way = way

    def forward(self, inputs):
        if self.way == "raise":
            raise RuntimeError("no idea")
        outputs = self.weight.expand(len(inputs), 2)
        return {"nan": outputs * torch.nan, "shape": outputs[:, :, None], "text": "no"}[self.way]


@pytest.mark.parametrize(
    ("way", "message"),
    [
        ("raise", r"`model` must accept \(b, 3, h, w\) and learn, got RuntimeError: no idea"),
        ("nan", "`model` must return finite outputs"),
        ("shape", r"`model` must return one output per class, \(b, k\), got \(.*, 2, 1\)"),
        ("text", "`model` must return one output per class"),
    ],
)
def test_what_a_network_does_wrong_is_one_line(way, message, data):
    with pytest.raises(BadOption, match=message):
        train(data, lambda _n: Broken(way))


def test_a_network_without_weights_cannot_be_trained(data):
    frozen = Watched(2).requires_grad_(False)
    with pytest.raises(BadOption, match="`model` must have weights to train, or n_epochs be 0"):
        train(data, lambda _n: frozen)
    assert len(predict(frozen, pixels_to_inputs(data.values[:3]))) == 3


FACTORY = """
from torch import nn
def linear(n_classes):
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, n_classes))
def text(n_classes):
    return "a network"
def raises(n_classes):
    raise ValueError(n_classes)
"""


def test_a_factory_is_named_by_its_address(tmp_path, data):
    (tmp_path / "mine.py").write_text(FACTORY)
    assert load_factory(None) is small_resnet
    assert load_factory(f"{tmp_path}/mine.py:linear")(3)[1].out_features == 3
    for name, message in (("text", "it returned str"), ("raises", "ValueError: 2")):
        with pytest.raises(BadOption, match=rf"must be a factory \(n_classes\) -> torch.nn.Module, got .*{message}"):
            train(data, load_factory(f"{tmp_path}/mine.py:{name}"))
    with pytest.raises(MissingFile, match="must name a function that exists"):
        load_factory(f"{tmp_path}/mine.py:missing")


def test_predictions_are_classes(data):
    predicted = predict(region_network(data.region), pixels_to_inputs(data.values))
    assert (predicted == data.labels).all()
    assert predicted.dtype == np.int64
