"""A user's own networks: what they hand over is checked before anything is measured, and every mistake is one line."""

import re
import urllib.error

import pytest
import torch
from torch import nn

import attributionlab as al
from attributionlab.errors import AttributionLabError, BadOption, MachineError, MissingFile
from attributionlab.papers import own_networks as loading
from attributionlab.papers.own_networks import load_network
from attributionlab.papers.presets import find_preset
from attributionlab.papers.running import reproduce
from attributionlab.papers.studies import StudySetting
from attributionlab.papers.zhang2024 import own_networks
from attributionlab.papers.zhang2024.own_networks import explain_networks
from attributionlab.papers.zhang2024.paper import PRESETS, zhang2024

SIDE = 16
BLACK = torch.zeros(3)


class Vit(nn.Module):
    """A vision transformer, as small as they go."""

    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, 8, 4, 4)
        self.places = nn.Parameter(torch.randn(1, 16, 8))
        self.encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 1)
        self.head = nn.Linear(8, 4)

    def forward(self, colors):
        tokens = self.patches(colors / 255).flatten(2).transpose(1, 2) + self.places
        return self.head(self.encoder(tokens).mean(dim=1)) * 50


class Of(nn.Module):
    """A function as a module."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, colors):
        return self.function(colors)


def seeded(build):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return build().eval()


def cnn():
    """Layers as those of a VGG: ReLU in place, dropout at the end."""
    layers = (nn.Conv2d(3, 8, 3), nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Flatten(), nn.Dropout())
    return nn.Sequential(*layers, nn.Linear(8 * 7 * 7, 4))


def pictures(n=1):
    return torch.randint(0, 256, (n, 3, SIDE, SIDE), generator=torch.Generator().manual_seed(0)).float()


def pair(model=None, inputs=None, targets=None, color=BLACK):
    inputs = pictures() if inputs is None else inputs
    targets = torch.zeros(len(inputs), dtype=torch.int64) if targets is None else targets
    return al.TrainedNetwork(seeded(cnn) if model is None else model, color), al.LabeledImages(inputs, targets)


@pytest.fixture
def returning(monkeypatch):
    """Let every address name this function."""
    return lambda function: monkeypatch.setattr(loading, "load_function", lambda *_: function)


def setting(tmp_path, **networks):
    return StudySetting(
        tmp_path / "out", find_preset(PRESETS, "quick", size=16, n_samples=1), device="cpu", options=networks
    )


def raising(error):
    def function():
        raise error

    return function


@pytest.mark.parametrize(
    ("address", "kind", "message"),
    [
        ("none.py:x", MissingFile, "`vit` must name a file that exists, got 'none.py'"),
        ("mine.py:x", MissingFile, "`vit` must name a function that exists, got 'mine.py:x'"),
        ("mine.py", BadOption, "`vit` must be a name, file.py:function"),
        ("mine.py:seven", BadOption, "`vit` must name a function, got 'mine.py:seven'"),
        ("broken.py:x", BadOption, "`vit` must be importable, got 'broken.py'; SyntaxError"),
    ],
)
def test_a_function_that_is_not_there_is_named(tmp_path, monkeypatch, address, kind, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text("seven = 7\n")
    (tmp_path / "broken.py").write_text("x = (\n")
    with pytest.raises(kind, match=re.escape(message)):
        load_network(address, "vit")


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (ValueError("first line\nsecond"), BadOption, "it raised ValueError: first line second$"),
        (FileNotFoundError(2, "No such file", "w.pth"), BadOption, "it raised FileNotFoundError.*w.pth"),
        (SystemExit(3), BadOption, "it raised SystemExit: 3"),
        (urllib.error.URLError("Name or service not known"), MachineError, "it raised URLError.*Name or service"),
    ],
)
def test_a_function_that_raises_says_what(returning, error, kind, message):
    returning(raising(error))
    with pytest.raises(kind, match=f"`vgg16` must return a network and images, got 'mine.py:net'; {message}"):
        load_network("mine.py:net", "vgg16")


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (None, "NoneType"),
        (torch.zeros(3), "float32 of shape (3,)"),
        (pair()[::-1], "(LabeledImages, TrainedNetwork)"),
        ((cnn(), pictures()), "(Sequential, float32 of shape (1, 3, 16, 16))"),
    ],
)
def test_something_else_than_a_network_and_images_is_described(returning, found, said):
    returning(lambda: found)
    with pytest.raises(
        BadOption, match=re.escape(f"return (TrainedNetwork, LabeledImages), got 'a:b'; it returns {said}")
    ):
        load_network("a:b", "vgg16")


WRONG = {
    "`model` must be in evaluation mode": lambda: pair(model=cnn().train()),
    "`model` must take an image, got (1, 3, 16, 16); it raised RuntimeError": lambda: pair(model=seeded(cnn).half()),
    "`model` must give (1, k) for an image, got float32 of shape (1, 3, 16, 16)": lambda: pair(
        model=Of(lambda x: x).eval()
    ),
    "`model` must give finite outputs": lambda: pair(model=Of(lambda x: x.mean((2, 3)) * torch.nan).eval()),
    "`inputs` must be colors of 0..255, got 0 to 1; colors of 0..1": lambda: pair(inputs=pictures() / 255),
    "`inputs` must be colors of 0..255, got -2 to 3.1; preprocessing": lambda: pair(inputs=pictures() / 50 - 2),
    "`inputs` must be finite": lambda: pair(inputs=pictures() * torch.inf),
    "`inputs` must be float32 of shape (b, 3, h, w), got float64": lambda: pair(inputs=pictures().double()),
    "`inputs` must be float32 of shape (b, 3, h, w), got float32 of shape (1, 1": lambda: pair(
        inputs=pictures()[:, :1]
    ),
    "`inputs` must hold at least one image": lambda: pair(inputs=pictures()[:0]),
    "`targets` must be indices of the model's outputs, 0 to 3, got 4": lambda: pair(targets=torch.tensor([4])),
    "`true_baseline` must be three values in 0..255": lambda: pair(color=torch.tensor([0.0, 256.0, 0.0])),
}


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: pair(model=lambda colors: colors), "`model` must be a torch.nn.Module"),
        (lambda: pair(inputs=pictures().byte()), "`inputs` must be floating point of shape (b, c, *shape), got uint8"),
        (lambda: pair(targets=torch.zeros(2, dtype=torch.int64)), "`targets` must be int64 of shape (1,)"),
    ],
)
def test_a_function_that_hands_over_wrong_types_raises_itself(returning, build, message):
    returning(build)
    with pytest.raises(BadOption, match=re.escape(f"got 'a:b'; it raised BadOption: {message}")):
        load_network("a:b", "vgg16")


@pytest.mark.parametrize("message", WRONG)
def test_what_does_not_fit_is_refused_before_anything_is_written(tmp_path, returning, message):
    returning(WRONG[message])
    with pytest.raises(BadOption, match=re.escape(f"that fit, got 'a:b'; {message}")) as caught:
        reproduce(zhang2024(), ["section4"], setting(tmp_path, vgg16="a:b"))
    assert len(str(caught.value).splitlines()) == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("function", "kind", "message"),
    [
        (lambda x: torch.relu(x - 128).mean((2, 3)), BadOption, "`model` must have a nn.ReLU module for every ReLU"),
        (lambda x: x.mean((2, 3)).detach(), BadOption, "`model` must have outputs with a gradient by the inputs"),
    ],
)
def test_a_network_that_a_method_cannot_explain_is_named_before_anything_is_written(
    tmp_path, returning, function, kind, message
):
    returning(lambda: pair(model=Of(function).eval()))
    with pytest.raises(kind, match=f"DeepSHAP cannot explain 'a:b'; {message}"):
        reproduce(zhang2024(), ["section4"], setting(tmp_path, vgg16="a:b"))
    assert not (tmp_path / "out").exists()


def test_both_networks_are_loaded_before_the_first_is_explained(tmp_path, monkeypatch):
    monkeypatch.setattr(loading, "load_function", lambda address, _: pair if address == "good" else raising(OSError()))
    monkeypatch.setattr(own_networks, "explain_images", lambda *_, **__: pytest.fail("explained too early"))
    with pytest.raises(AttributionLabError, match="`vit` must return"):
        explain_networks(setting(tmp_path, vgg16="good", vit="bad"), ["appendix-k"])


def test_studies_without_trained_networks_load_none(tmp_path, returning):
    returning(raising(ValueError()))
    assert explain_networks(setting(tmp_path, vgg16="a:b"), ["table1"]) == {}
    assert explain_networks(setting(tmp_path, vit="a:b"), ["section4"]) == {}


def test_a_cnn_is_explained_by_all_and_a_transformer_by_lime(tmp_path, monkeypatch):
    networks = {
        "cnn": lambda: pair(seeded(cnn), color=torch.tensor([1.0, 2.0, 3.0])),
        "vit": lambda: pair(seeded(Vit)),
    }
    monkeypatch.setattr(loading, "load_function", lambda address, _: networks[address])
    found = explain_networks(setting(tmp_path, vgg16="cnn", vit="vit"), ["section4", "appendix-k"])
    lime = ["LIME (quickshift)", "LIME (felzenszwalb)"]
    starts = ["IG, black", "IG, 1,2,3", "Occlusion, black", "Occlusion, 1,2,3"]
    assert list(found["VGG16"].maps) == ["DeepSHAP", *starts, *lime]
    assert list(found["VGG16"].coarse) == ["GradCAM", "ExPerturb", "IBA"]
    assert list(found["ViT-B-16"].maps) == lime
    assert not found["ViT-B-16"].coarse
    vgg16 = found["VGG16"]
    assert {maps.shape for maps in (*vgg16.maps.values(), *vgg16.coarse.values())} == {(1, SIDE, SIDE)}
    assert not torch.equal(found["VGG16"].maps["IG, black"], found["VGG16"].maps["IG, 1,2,3"])
    assert found["ViT-B-16"].color == own_networks.WHITE, "black is not compared with itself"


def test_coarse_maps_are_those_of_the_last_layer_that_returns_maps_and_is_called_once():
    twice = nn.ReLU()
    layers = (nn.Conv2d(3, 4, 3), twice, nn.Conv2d(4, 4, 3), twice, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    assert own_networks.last_maps(nn.Sequential(*layers), pictures()) == "model.2"
    assert own_networks.last_maps(seeded(Vit).head, torch.zeros(1, 8)) is None
