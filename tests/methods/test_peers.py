"""Numbers that the tests of captum state for its hand-written networks, as facts about our methods of that name.

Source: pytorch/captum, tests/attr (commits of 2019 to 2024): test_saliency, test_input_x_gradient, test_integrated_gradients_basic, test_deeplift_basic,
test_feature_ablation, test_occlusion, test_shapley, test_kernel_shap, test_lime, test_guided_backprop, test_deconvolution, test_guided_grad_cam,
layer/test_grad_cam. Networks and numbers are restated; inputs of several tensors become one row, or a constant that the network adds.
"""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import nn

import attributionlab as al
from attributionlab.methods import SEGMENTERS


def linear(weight, bias=None):
    weight = torch.as_tensor(weight, dtype=torch.float32)
    layer = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None)
    layer.weight.data = weight
    if bias is not None:
        layer.bias.data = torch.as_tensor(bias, dtype=torch.float32)
    return layer


def multi_layer():
    """Four sums of three numbers, thresholds 10, -1, -1 and -1, and their sum."""
    first, last = linear(torch.ones(4, 3), [-10.0, 1, 1, 1]), linear(torch.ones(2, 4), [-1.0, 1])
    return nn.Sequential(nn.Flatten(), linear(torch.eye(3), [0.0] * 3), first, nn.ReLU(), last)


def three_inputs():
    """The same of the sum of three triples, written in a row."""
    return nn.Sequential(nn.Flatten(), linear(torch.eye(3).repeat(1, 3)), multi_layer())


def convolution():
    """Sums of 3 x 3 pixels, less 50 and less 75; the first five positive, the last three negative."""
    layer = nn.Conv2d(1, 2, 3)
    layer.weight.data, layer.bias.data = torch.ones(2, 1, 3, 3), torch.tensor([-50.0, -75])
    last = linear(torch.cat([torch.ones(4, 5), -torch.ones(4, 3)], dim=1), [0.0] * 4)
    return nn.Sequential(layer, nn.ReLU(), nn.Flatten(), last, nn.ReLU())


class Plus(nn.Module):
    """A network of the sum of its input and a constant."""

    def __init__(self, constant, network):
        super().__init__()
        self.constant, self.network = constant, network

    def forward(self, inputs):
        return self.network(inputs + self.constant)


RAMP, ONES = torch.arange(16.0).reshape(1, 1, 4, 4), torch.ones(1, 1, 4, 4)
NETWORKS = {
    "layers": multi_layer(),
    "inputs": three_inputs(),
    "convolution": convolution(),
    "convolution + 1": Plus(ONES, convolution()),
    "convolution + ramp": Plus(RAMP, convolution()),
    "saturating": nn.Sequential(nn.Flatten(), linear(-torch.eye(3), [1.0] * 3), nn.ReLU(), linear(-torch.eye(3), [1.0] * 3)),
    "saturating sum": nn.Sequential(
        nn.Flatten(), linear(-torch.eye(6), [1.0] * 6), nn.ReLU(), linear(-torch.ones(1, 6), [6.0])
    ),
    "difference less 1": nn.Sequential(
        nn.Flatten(), linear(torch.eye(2), [0.0, 0]), nn.ReLU(), linear([[1.0, -1]], [-1.0]), nn.ReLU()
    ),
    "difference from 1": nn.Sequential(
        nn.Flatten(), linear(torch.eye(2), [-1.0, 0]), nn.ReLU(), linear([[1.0, -1]], [0.0]), nn.ReLU()
    ),
    "two ramps": nn.Sequential(nn.Flatten(), linear(torch.eye(2), [0.0, -1.5]), nn.ReLU(), linear([[2.0, 2]], [0.0])),
    "maximum": nn.Sequential(
        nn.Flatten(2), linear(torch.eye(4)), nn.MaxPool1d(4), nn.Flatten(), linear([[1.0]])
    ),
}  # fmt: skip

ALONE, PAIR, LAST_PAIR, FIRST = [0, 1, 2], [0, 0, 1], [0, 1, 1], [1, 1, 0]
NINE, NINE_GROUPED = list(range(9)), [0, 1, 0, 0, 1, 2, 0, 0, 0]
NINE_CROSSED = [1, 1, 1, 0, 1, 2, 0, 1, 2]
A, B = [23.0, 100, 0, 20, 50, 30, 0, 100, 10], [20.0, 50, 30, 0, 100, 0, 2, 10, 3]
C, D = [23.0, 0, 0, 20, 0, 50, 0, 100, 10], [20.0, 50, 30, 0, 100, 0, 0, 10, 0]
MIXED = [2.0] * 3 + [3.0] * 3 + [4.0] * 3
"""Values and groups of three inputs of captum, in a row."""


class Fact(NamedTuple):
    """What a method gives."""

    spec: str
    network: str
    image: object
    expected: object
    target: int = 0
    baseline: object = None
    groups: list[int] | None = None
    within: float = 1e-4


def one_by_one(*rows):
    """Removing one number after the other."""
    return [Fact("occlusion[window=1,stride=1]", network, image, expected, baseline=start) for network, image, expected, start in rows]  # fmt: skip


LOSSES = one_by_one(
    ("layers", [20.0, 50, 30], [80, 200, 120], None),
    ("layers", [2.0, 10, 3], [8, 35, 12], None),
    ("saturating", [-3.0, 1, 2], [-3, 0, 0], None),
    ("inputs", A, [80, 400, 0, 80, 196, 120, -4, 392, 28], [3.0, 0, 0, 0, 1, 0, 1, 2, 3]),
    ("inputs", B, [68, 200, 120, 0, 396, 0, 4, 32, 0], [3.0, 0, 0, 0, 1, 0, 1, 2, 3]),
    ("inputs", A, [80, 400, 0, 80, 196, 120, -12, 392, 24], [3.0, 0, 0, 0, 1, 0, 3, 2, 4]),
    ("inputs", B, [68, 200, 112, 0, 396, -16, 4, 32, 0], [3.0, 0, 2, 0, 1, 4, 1, 2, 3]),
    ("convolution + 1", RAMP, [0, 2, 4, 3, 4, 9, 10, 7, 4, 13, 14, 11, 0, 0, 0, 0], None),
    ("convolution + ramp", ONES, [1, 2, 2, 1, 1, 2, 2, 1, 1, 2, 2, 1, 0, 0, 0, 0], None),
)
WINDOWS = [
    Fact("occlusion[window=1,2,stride=1]", "layers", [20.0, 50, 30], [200, 220, 240], baseline=[10.0] * 3),
    Fact("occlusion[window=1,2,stride=1,2]", "layers", [20.0, 50, 30], [280, 280, 120]),
    Fact("occlusion[window=1,2,stride=1,2]", "layers", [20.0, 50, 30], [248, 248, 104], baseline=[4.0] * 3),
    Fact("occlusion[window=4,stride=1]", "convolution + 1", RAMP, [67] * 16),
    Fact("occlusion[window=4,stride=1]", "convolution + ramp", ONES, [13] * 16),
    Fact("occlusion[window=2,3,stride=2,1]", "convolution + 1", RAMP, [17] * 8 + [64, 65.5, 65.5, 67] * 2),
    Fact("occlusion[window=1,2,stride=1,2]", "convolution + ramp", ONES, [3] * 12 + [0] * 4),
]
GUIDED = [0, 1, 1, 1, 1, 3, 3, 2, 1, 3, 3, 2, 1, 2, 2, 1]
GUIDED_ALL = [1, 2, 2, 1, 2, 4, 4, 2, 2, 4, 4, 2, 1, 2, 2, 1]
TRANSPOSED = [2, 3, 3, 1, 3, 5, 5, 2, 3, 5, 5, 2, 1, 2, 2, 1]
CAM = "[interpolation=nearest,layer={}]"
GRADIENTS = [
    Fact("gradient", "saturating sum", [1.0, 2, 3, 0, -1, 7], [0, 0, 0, 1, 1, 0]),
    Fact("gradient-magnitude", "saturating sum", [1.0, 2, 3, 0, -1, 7], [0, 0, 0, 1, 1, 0]),
    Fact("input-x-gradient", "saturating sum", [1.0, 2, 3, 0, -1, 7], [0, 0, 0, 0, -1, 0]),
    *(Fact("guided-backprop", "convolution", RAMP, GUIDED, target=target) for target in (0, 3)),
    *(Fact("guided-backprop", "convolution + 1", RAMP, GUIDED_ALL, target=target) for target in (0, 3)),
    *(Fact("guided-backprop", "convolution + ramp", ONES, GUIDED_ALL, target=target) for target in (0, 3)),
    *(Fact("deconvnet", "convolution", RAMP, TRANSPOSED, target=target) for target in (0, 3)),
    *(Fact("deconvnet", "convolution + 1", RAMP, TRANSPOSED, target=target) for target in (0, 3)),
    *(Fact("deconvnet", "convolution + ramp", ONES, TRANSPOSED, target=target) for target in (0, 3)),
    Fact(f"gradcam{CAM.format(0)}", "convolution", RAMP, [11.25, 11.25, 13.5, 13.5] * 2 + [20.25, 20.25, 22.5, 22.5] * 2),
    Fact(f"gradcam{CAM.format(1)}", "convolution", RAMP, [0, 0, 4, 4] * 2 + [28, 28, 32.5, 32.5] * 2),
    Fact(f"gradcam{CAM.format('network.0')}", "convolution + 1", RAMP, [14.5, 14.5, 19, 19] * 2 + [32.5, 32.5, 37, 37] * 2),
    Fact(
        f"guided-gradcam{CAM.format(1)}", "convolution", RAMP,
        [0, 0, 4, 4, 0, 0, 12, 8, 28, 84, 97.5, 65, 28, 56, 65, 32.5],
    ),
    *(
        Fact(
            f"guided-gradcam{CAM.format('network.0')}", network, image,
            [14.5, 29, 38, 19, 29, 58, 76, 38, 65, 130, 148, 74, 32.5, 65, 74, 37],
        )
        for network, image in (("convolution + 1", RAMP), ("convolution + ramp", ONES))
    ),
]  # fmt: skip
RULES = ("gausslegendre", "riemann_left", "riemann_right", "riemann_middle")
PATHS = [
    Fact(f"integrated-gradients[n_steps=300,quadrature={rule}]", network, [3.0, 1], [1.5, -0.5], within=0.05)
    for rule, network in itertools.product(RULES, ("difference less 1", "difference from 1"))
]
DIFFERENCES = [
    *(
        Fact(f"{name}[rule={rule}]", "two ramps", [1.0, 2], [2, 1])
        for name, rule in itertools.product(("deeplift", "deepshap"), ("shap", "captum"))
    ),
    *(
        Fact(f"{name}[rule=shap]", "maximum", [1.0] * 4, expected, baseline=start)
        for name in ("deeplift", "deepshap")
        for expected, start in (([0, 0, 0, -8], [1.0, 2, 3, 9]), ([0, -7, 0, 0], [4.0, 8, 6, 7]))
    ),
]
SHAPLEY = [
    Fact("kernel-shap[n_samples=600]", *row, within=0.01)
    for row in (
        ("layers", [20.0, 50, 30], [76.6667, 196.6667, 116.6667], 0, None, ALONE),
        ("layers", [20.0, 50, 30], [76.6667, 196.6667, 116.6667], 1, None, ALONE),
        ("layers", [20.0, 50, 30], [40, 120, 80], 0, [10.0, 20, 10], ALONE),
        ("layers", [20.0, 50, 30], [275, 275, 115], 0, None, PAIR),
        ("layers", [20.0, 50, 30], [275, 275, 115], 1, None, FIRST),
        ("layers", [20.0, 50, 30], [75, 315, 315], 0, None, LAST_PAIR),
        ("layers", [20.0, 50, 30], [248, 248, 104], 0, [4.0] * 3, PAIR),
        ("layers", [2.0, 10, 3], [7, 32.5, 10.5], 0, None, ALONE),
        ("layers", [2.0, 10, 3], [39.5, 39.5, 10.5], 0, None, PAIR),
        ("inputs", C, [90, 0, 0, 78, 0, 198, 0, 398, 38], 0, None, NINE),
        ("inputs", D, [78, 198, 118, 0, 398, 0, 0, 38, 0], 0, None, NINE),
        ("inputs", B, [255, 595, 255, 255, 595, 0, 255, 255, 255], 0, None, NINE_GROUPED),
        ("inputs", B, [184, 580, 184, 184, 580, -12, 184, 184, 184], 0, MIXED, NINE_GROUPED),
        ("inputs", A, [*[1088.6667] * 3, *[76.6667, 1088.6667, 156.6667] * 2], 0, None, NINE_CROSSED),
        ("inputs", A, [*[1040] * 3, *[52, 1040, 132] * 2], 0, MIXED, NINE_CROSSED),
    )
]
LASSO = "lime[regression=lasso,alpha=1,distance=image,kernel_width=10,n_samples=2000]"
SURROGATES = [
    Fact(LASSO, *row, within=2.5)  # captum allows 1 to 1.5 for its draws, and ours are others
    for row in (
        ("layers", [20.0, 50, 30], [73.3716, 193.3349, 113.3349], 0, None, ALONE),
        ("layers", [10.0, 14, 4], [32.11, 48, 11], 0, None, ALONE),
        ("layers", [20.0, 50, 30], [271, 271, 111], 0, None, PAIR),
        ("layers", [20.0, 50, 30], [244, 244, 100], 0, [4.0] * 3, PAIR),
        ("inputs", C, [87, 0, 0, 75, 0, 195, 0, 395, 35], 0, None, NINE),
        ("inputs", D, [75.8461, 195.6842, 115.339, 0, 395.3823, 0, 0, 35.1349, 0], 0, None, NINE),
        ("inputs", B, [251, 591, 251, 251, 591, 0, 251, 251, 251], 0, None, NINE_GROUPED),
        ("inputs", B, [180, 576, 180, 180, 576, -8, 180, 180, 180], 0, MIXED, NINE_GROUPED),
    )
]
FACTS = [*LOSSES, *WINDOWS, *GRADIENTS, *PATHS, *DIFFERENCES, *SHAPLEY, *SURROGATES]


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: f"{fact.spec}-{fact.network}")
def test_a_method_gives_what_captum_expects_of_it(monkeypatch, fact):
    image = torch.as_tensor(fact.image)
    image = image if image.ndim == 4 else image.reshape(1, 1, 1, -1)
    options = {} if fact.baseline is None else {"baseline": torch.tensor(fact.baseline).reshape(1, 1, -1)}
    if fact.groups is not None:
        monkeypatch.setitem(SEGMENTERS.entries, "grid", lambda _: np.array([fact.groups]))
        options = {"baseline": "black", "segments": "grid", **options}
    maps = al.make_method(fact.spec, **options)(NETWORKS[fact.network], image, torch.tensor([fact.target]))
    np.testing.assert_allclose(maps.flatten().numpy(), np.array(fact.expected, dtype=float), rtol=0, atol=fact.within)


def test_there_are_many_facts():
    assert len({fact.spec.partition("[")[0] for fact in FACTS}) >= 13
    assert sum(np.size(fact.expected) for fact in FACTS) > 500
