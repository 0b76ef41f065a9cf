"""All pictures by name: which network each one shows, on which inputs, in which words."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import torch

import attributionlab as al
from attributionlab.networks import (
    Accumulator,
    ColorDetector,
    Redundancy,
    build_identity_head,
    build_modulo,
    build_reading_head,
)
from attributionlab.networks.color_detector import CHANNELS
from attributionlab.networks.number_checker import build_number_checker
from attributionlab.networks.paths import LayerValues, NeuronValue, Term, on_path, wired_layers
from attributionlab.networks.variants import Residual
from attributionlab.scenes.color_names import color_name
from diagrams.blocks import draw_block
from diagrams.graphs import Case, Look, draw_graph
from diagrams.rooms import draw_rooms
from diagrams.texts import draw_attention

Color = tuple[int, int, int]

TARGETS: tuple[Color, ...] = ((255, 255, 255), (255, 127, 0))
BACKGROUND: Color = (20, 20, 20)
"""Colors of the paper's Figure 15."""


def number_checker() -> str:
    """I_5 at 4, 5 and 6 (the paper's Figures 10 and 11)."""
    layers = build_number_checker(5)
    cases = [Case(f"x = {x:g}", wired_layers(layers, [x], ""), {"x": x}) for x in (4.0, 5.0, 6.0)]
    headings = (["input"], ["ramps"], ["comparisons"], ["check"])
    look = Look(
        "Is x equal to 5? The number checker",
        "Three ramps become two comparisons, and two comparisons become one check. For x = 4, 5 and 6 the check is 0, 1 and 0.",
        headings,
        box=112,
        note=(
            "Read each row of cells from left to right: first x = 4, then x = 5, then x = 6. "
            "Two neighboring ramps, subtracted, give 1 above a number. Two such comparisons, subtracted, give 1 at exactly one number."
        ),
    )
    return draw_graph(cases, look)


def detector() -> ColorDetector:
    """The detector of the paper's Figure 15."""
    return ColorDetector(TARGETS, BACKGROUND, 2)


def color_detector() -> str:
    """The path to one color (the paper's Figure 4, middle)."""
    target, network = TARGETS[1], detector()
    pixels: dict[str, Color] = {"orange, the target": target, "one step too blue": (255, 127, 1)}
    cases = [_case(network, label, pixel, [str(target)]) for label, pixel in pixels.items()]
    look = Look(
        "Is a pixel orange? One color of the detector",
        "Each of red, green and blue passes a number checker. The sum of the three checks minus 2 is 1 for (255, 127, 0) and 0 for (255, 127, 1).",
        (
            ["pixel"],
            ["1\u00d71 conv 1", "ramps"],
            ["1\u00d71 conv 2", "comparisons"],
            ["1\u00d71 conv 3", "checks"],
            ["1\u00d71 conv 4", "sum \u2212 2"],
            ["1\u00d71 conv 5", "output channel"],
        ),
        box=106,
        arrows=44,
        shown=_words(network),
        note="Left cell: the pixel (255, 127, 0). Right cell: the pixel (255, 127, 1). One check fails, and the sum stays at 2, so the color is not there.",
    )
    return draw_graph(cases, look)


def redundant_channels() -> str:
    """The last two layers of the detector, for a target, the background and an unknown color (the paper's Figure 15)."""
    network = detector()
    pixels: dict[str, Color] = {"a target": TARGETS[1], "the background": BACKGROUND, "an unknown color": (0, 90, 200)}
    cases = []
    for label, pixel in pixels.items():
        case = _case(network, label, pixel, network.channels)
        inputs = {neuron.name: neuron.value for neuron in case.layers[2].neurons}
        cases.append(Case(f"{label}, {pixel}", case.layers[3:], inputs, case.swatch))
    look = Look(
        "Known, background, or unknown? The redundant channels",
        "Checks of eight numbers lead to three detected colors, and these to two color channels and two redundant channels. An unknown color activates the redundant channels only.",
        (["checks"], ["1\u00d71 conv 4", "which color?"], ["1\u00d71 conv 5", "output channels"]),
        box=134,
        arrows=150,
        shown=_words(network),
        note="The background is detected and then dropped: it activates no output channel. A redundant channel is 1 minus all detections.",
    )
    return draw_graph(cases, look)


def modulo() -> str:
    """8 modulo 5, and 10 modulo 5 (the paper's Figure 14)."""
    layers = build_modulo(5, 10)
    cases = [Case(f"x = {x:g}", wired_layers(layers, [x], ""), {"x": x}) for x in (8.0, 10.0)]
    names = ("x", "f1", "f2", "f3", "f3", "f3", "f4", "f5")
    words = ("count", "minus 0, 5, 10", "neighbors", "ramps at 5", "comparisons", "is it 5?", "remove 5s", "sum")
    look = Look(
        "8 modulo 5 = 3, and 10 modulo 5 = 0: the modulo network",
        "Seven layers. Differences of neighbors are 5 and 3 for x = 8; a check finds the 5, the next layer subtracts it, and the sum is 3.",
        [[name, text] for name, text in zip(names, words, strict=True)],
        box=86,
        arrows=44,
        note="Left cell: x = 8. Right cell: x = 10. The layers f1 to f5 are Eq. 8 to 12 of the paper; f3 needs three layers, as a number checker has three.",
    )
    return draw_graph(cases, look)


WINDOW = torch.tensor([[1.0, 0.0, 1.0], [1.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
"""A window with four pixels of a color."""


def uniform_block() -> str:
    """A block of equal weights (the paper's Figure 12)."""
    words = (
        "Counting with equal weights: accumulator=uniform",
        "A window of nine cells, four of them 1. Three kernels of ones each give 4. Weighted by a half, a quarter and a quarter they add up to 4.",
        "All weights are 1. The mixed kernels are 1 at every position, so the cell is the number of pixels in its window.",
    )
    return draw_block(Accumulator(1, (3, 3), design="uniform"), WINDOW[None], words, ("red",))


def random_block() -> str:
    """A block of random weights (the paper's Figures 4, right, and 13)."""
    words = (
        "Counting with random weights: accumulator=nonnegative",
        "A window of nine cells, four of them 1. Three kernels of different weights give different sums. Their mixture is 4.",
        "The kernels are random, and the sums look random, too. But the mixed kernels are 1 at every position, so the cell is again the number of pixels in its window.",
    )
    return draw_block(Accumulator(1, (3, 3), seed=2), WINDOW[None], words, ("red",))


def signed_block() -> str:
    """A block of random weights of both signs, with biases."""
    words = (
        "Counting with weights of both signs: accumulator=signed",
        "Kernels of positive and negative weights, each with a bias that keeps its sum above 0. The last bias takes the biases away again, and the cell is 4.",
        "A bias lifts every sum above 0, so that no ReLU clips it. The bias of the cell takes all that was added away again. What is left is the number of pixels.",
    )
    return draw_block(Accumulator(1, (3, 3), design="signed", seed=1), WINDOW[None], words, ("red",))


def unseen_data_effect() -> str:
    """The same window with one pixel of an unknown color, which enters by random weights."""
    window = torch.stack([WINDOW, torch.zeros(3, 3), torch.zeros(3, 3)])
    window[1:, 2, 1] = 1.0
    words = (
        "An unknown color changes the count: the Unseen Data Effect",
        "Four pixels of the class and one pixel of an unknown color. The redundant channels are 1 at that pixel and enter each kernel with weights 0 or 1/16. The cell is not exactly 4.",
        "The redundant channels are 1 at an unknown color. Nobody designed their weights: each is 0 or 1/16 at random. So the count moves by a little, and perturbation with unknown colors measures that as well.",
    )
    network = Accumulator(1, (3, 3), redundancy=Redundancy(2), seed=2)
    return draw_block(network, window, words, ("red", "redundant 0", "redundant 1"))


def head() -> str:
    """Three counts become logits."""
    counts = {"count 0": 12.0, "count 1": 8.0, "count 2": 0.0}
    layers = wired_layers(build_identity_head(3, 4.0), list(counts.values()), "")
    look = Look(
        "From counts to logits: the identity head",
        "Three counts are passed on and divided by the temperature 4: 12, 8 and 0 become the logits 3, 2 and 0.",
        (["counts"], ["linear 1", "the same"], ["linear 2", "divided by T = 4"]),
        box=112,
        arrows=110,
        note="The last layer has no ReLU. A softmax makes probabilities of the logits. Because it compares all logits, pixels of the other colors lower the probability of a color.",
    )
    return draw_graph([Case("counts 12, 8, 0", layers, counts)], look)


def spurious_head() -> str:
    """A head that reads the backgrounds: the bug of `background-sum`."""
    counts = {"count 0": 12.0, "count 1": 8.0, "count 2": 0.0, "count 3": 64.0}
    layers = wired_layers(build_reading_head(4, (2, 3), 4.0), list(counts.values()), "")
    layers = [layers[0], dataclasses.replace(layers[1], neurons=tuple(layers[1].neurons))]
    look = Look(
        "A bug that we know: the head reads the background",
        "Four counts: two of objects, two of backgrounds. Both logits read the counts of the backgrounds, so the objects have no effect.",
        (["counts"], ["linear 1", "the same"], ["linear 2", "logits"]),
        box=112,
        arrows=110,
        shown={"count 0": "object 0", "count 1": "object 1", "count 2": "background 0", "count 3": "background 1"},
        note="background-sum[bug=spurious-background]. The healthy head reads the objects instead. No arrow leaves the objects for a logit: a map that highlights them is wrong.",
    )
    return draw_graph([Case("two objects on background 1", layers, counts)], look)


def residual() -> str:
    """The block of structure=residual: half of a number goes around the layer."""
    module = Residual(2)
    counts = {"count 0": 12.0, "count 1": 8.0}
    (linear,) = wired_layers([module.linear], list(counts.values()), "")
    branches, sums = [], []
    for name, value, neuron in zip(counts, counts.values(), linear.neurons, strict=True):
        terms = tuple(dataclasses.replace(term, source=name) for term in neuron.terms)
        skip = NeuronValue(f"skip {name}", (Term(name, 0.5, value),), 0.0, value / 2, has_relu=False)
        layer = dataclasses.replace(neuron, name=f"linear {name}", terms=terms)
        branches += [skip, layer]
        total = module(torch.tensor([list(counts.values())]))[0, len(sums)].item()
        sums.append(
            NeuronValue(name, (Term(skip.name, 1.0, skip.value), Term(layer.name, 1.0, layer.value)), 0.0, total)
        )
    look = Look(
        "A skip connection that changes nothing: structure=residual",
        "Each count goes two ways: half of it around the layer, half of it through a linear layer. The sum is the count again.",
        (["counts"], ["two branches"], ["sum"]),
        box=116,
        arrows=110,
        note="There is no ReLU here. The function is the same with and without this block, so a correct method has the same map on both. A library that treats the sum wrongly does not.",
    )
    return draw_graph(
        [Case("counts 12, 8", [LayerValues("", "", tuple(branches)), LayerValues("", "", tuple(sums))], counts)], look
    )


def _rooms(spec: str, title: str, description: str, note: str) -> Callable[[], str]:
    """A picture of a whole network."""
    return lambda: draw_rooms(al.make_environment(spec), (title, description, note))


def _case(network: ColorDetector, label: str, pixel: Color, channels: list[str] | tuple[str, ...]) -> Case:
    """What the detector's neurons on the path to some channels compute for a pixel."""
    values = [float(value) for value in pixel]
    layers = on_path(wired_layers(network.layers, values, ""), channels)
    return Case(label, layers, dict(zip(CHANNELS, values, strict=True)), f"rgb{pixel}")


def _words(network: ColorDetector) -> dict[str, str]:
    """Names of colors in words."""
    return {str(color): color_name(color) for color in (*network.colors, network.background)}


DESIGNED: dict[str, Callable[[], str]] = {
    "multi-color-sum": _rooms(
        "multi-color-sum[size=27]",
        "Which color has the most pixels? The network of multi-color-sum",
        "An image of four colored patches. The detector has a map for each color and two empty redundant ones. Three blocks count each map in windows of 3 by 3, 9 by 9 and 27 by 27 pixels. The head divides the counts, and the softmax makes probabilities of them.",
        "Channels of the detector are 1 where their color is. The cells of block 1 count 3\u00d73 pixels, those of block 2 count 9\u00d79, and the cell of block 3 counts all pixels of a color. The redundant channels are 0: all colors of this image are known.",
    ),
    "single-color-sum": _rooms(
        "single-color-sum[size=27]",
        "How many pixels are white? The network of single-color-sum",
        "A black image with white blobs. Three blocks count the white pixels in larger and larger windows. The head passes the count on.",
        "The image has one channel of zeros and ones, so no detector is needed. The output is the count itself: a regression.",
    ),
    "single-color-modulo": _rooms(
        "single-color-modulo[size=27]",
        "White pixels modulo 30: the network of single-color-modulo",
        "The same image and blocks as in single-color-sum. The head of seven layers computes the count modulo 30.",
        "The head is the modulo network, for N = 30: 42 modulo 30 is 12.",
    ),
    "background-sum": _rooms(
        "background-sum[size=27]",
        "Objects or background? The network of background-sum",
        "Objects of two colors on a background of its own color. The detector has a map for both objects and both backgrounds. The head reads the counts of the objects only.",
        "The network counts objects and backgrounds. The healthy head reads the objects; with the bug it reads the backgrounds.",
    ),
    "number-checker": number_checker,
    "color-detector": color_detector,
    "redundant-channels": redundant_channels,
    "block-uniform": uniform_block,
    "block-nonnegative": random_block,
    "block-signed": signed_block,
    "unseen-data-effect": unseen_data_effect,
    "modulo": modulo,
    "head": head,
    "head-spurious-background": spurious_head,
    "residual": residual,
}
TRAINED: dict[str, Callable[[], str]] = {"attention": draw_attention}
