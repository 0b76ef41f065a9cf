"""Proving an environment's claims by intervention: change pixels, look at what the network does, count what it should."""

from __future__ import annotations

import copy
import dataclasses
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from einops import rearrange, repeat
from torch import Tensor

from attributionlab.environments.base import Environment
from attributionlab.environments.factory import require_environment
from attributionlab.environments.multi_color_sum import MultiColorSum
from attributionlab.environments.single_color_modulo import SingleColorModulo
from attributionlab.errors import SaturationWarning
from attributionlab.machine import torch_device
from attributionlab.networks import ColorDetector
from attributionlab.seeding import generator
from attributionlab.specs.arguments import MOST_IMAGES, require_flag, require_function, whole_number
from attributionlab.truth.batch import Batch

CHUNK_PIXELS = 2**18
"""Pixels per forward pass; large batches lose to memory allocation."""

Progress = Callable[[str], None]


@dataclass
class Claim:
    """One claim, how often it was tested and how often it did not hold.

    Args:
        name: Short name.
        statement: What is claimed.
        n_checked: How many cases were tested.
        n_violations: How many of them contradict it.
        note: What else was seen.
    """

    name: str
    statement: str
    n_checked: int = 0
    n_violations: int = 0
    note: str = ""

    @property
    def holds(self) -> bool:
        """Whether it was tested and never contradicted."""
        return self.n_checked > 0 and self.n_violations == 0

    def test(self, holds: Tensor) -> None:
        """Count one case per element, True where the claim holds."""
        self.n_checked += holds.numel()
        self.n_violations += int((~holds).sum())


@dataclass
class Verification:
    """All claims of an environment.

    Args:
        environment: Canonical spec.
        claims: The claims that were tested.
    """

    environment: str
    claims: list[Claim] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        """Whether every claim holds."""
        return all(claim.holds for claim in self.claims)

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        claims = [{**vars(claim), "holds": claim.holds} for claim in self.claims]
        return {"environment": self.environment, "passed": self.passed, "claims": claims}


def verify(
    environment: Environment,
    *,
    n_samples: int = 8,
    n_pixels: int = 64,
    exhaustive: bool = False,
    device: torch.device | str = "cpu",
    progress: Progress | None = None,
) -> Verification:
    """Test every claim of an environment by intervention on samples.

    Args:
        environment: What to verify.
        n_samples: Images.
        n_pixels: Pixels per image that are changed, one at a time, for each kind of change.
        exhaustive: Change every colored pixel, and try all 16,777,216 colors.
        device: Another device on which the logits must be the same, bit for bit.
        progress: Called with the name of each claim once it is tested.

    Raises:
        BadOption: If a number is no integer from 1.

    References:
        Zhang et al. 2024, Propositions 3.1 and 3.2; the counts are what they hold for exactly.
    """
    require_environment("environment", environment)
    n_samples = whole_number("n_samples", n_samples, 1, MOST_IMAGES)
    n_pixels = whole_number("n_pixels", n_pixels, 1)
    require_flag("exhaustive", exhaustive)
    require_function("progress", progress, "(name)")
    device = torch_device(device)
    tests: list[Callable[[_Case], Iterator[Claim]]] = [_outputs, _precision, _background, _interventions]
    if isinstance(environment, MultiColorSum):
        tests += [_unknown_colors, _redundancy_off]
    if isinstance(environment, SingleColorModulo):
        tests.append(_modulo)
    case = _Case(environment, environment.sample(n_samples), n_pixels, exhaustive, device)
    verification = Verification(environment.spec)
    with torch.no_grad():
        for test in tests:
            for claim in test(case):
                if progress is not None:
                    progress(claim.name)
                verification.claims.append(claim)
    return verification


@dataclass(frozen=True)
class _Case:
    environment: Environment
    batch: Batch
    n_pixels: int
    exhaustive: bool
    device: torch.device

    def choose(self, mask: Tensor, index: int, purpose: str) -> Tensor:
        """Some or all of the pixels in a mask, (n, 2) rows and columns."""
        pixels = mask.nonzero()
        if self.exhaustive or len(pixels) <= self.n_pixels:
            return pixels
        order = generator(self.environment.data_seed, purpose, index).random(len(pixels)).argsort()
        return pixels[torch.from_numpy(order[: self.n_pixels].copy())]

    @property
    def counts_in_scenes(self) -> Tensor:
        """(b, k) float32: how many pixels of each class the images have."""
        counts = [list(scene.n_pixels) for scene in self.batch.scenes]
        if self.environment.explains == "value":
            counts = [[sum(numbers)] for numbers in counts]
        return torch.tensor(counts, dtype=torch.float32)


def _in_chunks(function: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
    size = max(1, CHUNK_PIXELS // (images.shape[2] * images.shape[3]))
    return torch.cat([function(part) for part in images.split(size)])


def _outputs(case: _Case) -> Iterator[Claim]:
    model, batch = case.environment.model, case.batch
    outputs = _in_chunks(model, batch.inputs)
    correct = Claim("outputs", "the output is correct for every image")
    answers = outputs[:, 0] if case.environment.explains == "value" else outputs.argmax(dim=1)
    correct.test(answers == batch.labels)
    yield correct
    counts = Claim("counts", "the counts are the numbers of pixels, exactly")
    counts.test(_in_chunks(model.counts, batch.inputs) == case.counts_in_scenes)
    yield counts


def _precision(case: _Case) -> Iterator[Claim]:
    claim = Claim("precision", "logits are equal in float32 and float64, alone and in a batch, bit for bit")
    model = case.environment.model
    images = case.batch.inputs
    if isinstance(case.environment, MultiColorSum):
        claim.statement += ", on designed images and on images of random colors"
        images = torch.cat([images, _random_colors(case.environment, len(images))])
    logits = _in_chunks(model.logits, images)
    precise = copy.deepcopy(model).double()
    claim.test(logits.double() == _in_chunks(precise.logits, images.double()))
    claim.test(logits == torch.cat([model.logits(image) for image in images.split(1)]))
    yield claim
    if case.device.type != "cpu":
        device = Claim("device", f"logits are equal on the CPU and on {case.device.type}, bit for bit")
        elsewhere = copy.deepcopy(model).to(case.device)
        device.test(logits == _in_chunks(elsewhere.logits, images.to(case.device)).cpu())
        yield device


def _background(case: _Case) -> Iterator[Claim]:
    claim = Claim("background", "an image of nothing but background has counts 0")
    blank = torch.empty_like(case.batch.inputs[:1])
    blank[:] = case.environment.true_baseline[:, None, None]
    claim.test(case.environment.model.counts(blank) == 0)
    yield claim


def _interventions(case: _Case) -> Iterator[Claim]:
    """Paint single pixels and look at the counts; from the counts follow the logits and, in float64, the probabilities.

    Signs are judged on the odds against the winner, sum_c exp(l_c - l_winner), which move against its probability: the
    probability itself is too close to 1 to show colors that are far behind.
    """
    sensitivity = Claim("sensitivity", "removing any colored pixel changes a count (Proposition 3.1)")
    symmetry = Claim("symmetry", "removing any colored pixel lowers its own count by 1 and no other (Proposition 3.2)")
    addition = Claim("addition", "coloring any background pixel raises the count of the color by 1 and no other")
    signs = Claim("signs", "removing a winner's pixel lowers its probability, and another color's never does (float64)")
    environment = case.environment
    counts = _in_chunks(environment.model.counts, case.batch.inputs)
    head = copy.deepcopy(environment.model.head).double()
    palette, baseline = _palette(environment), environment.true_baseline
    invisible = 0
    for index, image in enumerate(case.batch.inputs):
        colored = (image != baseline[:, None, None]).any(dim=0)
        pixels = case.choose(colored, index, "removed pixels")
        own = (image[:, pixels[:, 0], pixels[:, 1]].T[:, None] == palette).all(dim=2)  # (n, k)
        removed = _in_chunks(environment.model.counts, _painted(image, pixels, baseline))
        sensitivity.test((removed != counts[index]).any(dim=1))
        symmetry.test((counts[index] - removed == own).all(dim=1))
        if environment.explains == "probability":
            target = int(case.batch.targets[index])
            odds = _odds_against(head(torch.cat([counts[index : index + 1], removed]).double()), target)
            change = odds[1:] - odds[0]
            signs.test(torch.where(own[:, target], change > 0, change <= 0))
            invisible += int((change == 0).sum())
        empty = case.choose(~colored, index, "added pixels")
        for count, color in enumerate(palette):
            share = empty[count :: len(palette)]
            added = _in_chunks(environment.model.counts, _painted(image, share, color)) - counts[index]
            addition.test((added == torch.eye(len(palette))[count]).all(dim=1))
    yield from (sensitivity, symmetry, addition)
    if environment.explains == "probability":
        signs.note = (
            f"{invisible} effects of colors far behind are below the resolution of float64" if invisible else ""
        )
        yield signs


def _unknown_colors(case: _Case) -> Iterator[Claim]:
    """All colors, or as many random ones as an image of 512x512 pixels has; the known ones are always among them."""
    environment = case.environment
    assert isinstance(environment, MultiColorSum)
    detector = environment.model.detector
    assert detector is not None
    known = Claim("known colors", "each color wakes its own channel, the background none")
    unknown = Claim("unknown colors", "every unknown color wakes all redundant channels and no other")
    palette = torch.tensor([*environment.colors, environment.background], dtype=torch.float32)
    n_classes = len(environment.colors)
    expected = torch.eye(len(palette), n_classes + environment.n_redundant)
    expected[-1] = 0
    known.test((_detect(detector, palette) == expected).all(dim=1))
    yield known
    answer = torch.zeros(n_classes + environment.n_redundant)
    answer[n_classes:] = 1
    for colors in _colors(case):
        is_known = (colors[:, None] == palette).all(dim=2).any(dim=1)
        unknown.test((_detect(detector, colors[~is_known]) == answer).all(dim=1))
    yield unknown


def _redundancy_off(case: _Case) -> Iterator[Claim]:
    environment = case.environment
    assert isinstance(environment, MultiColorSum)
    claim = Claim(
        "redundancy off", "with redundancy off, logits of designed images stay, and unknown colors change nothing"
    )
    off = _with_options(environment, n_redundant=0)
    images = case.batch.inputs
    logits = _in_chunks(environment.model.logits, images)
    claim.test(_in_chunks(off.model.logits, images) == logits)
    noise = _random_colors(environment, len(images))
    palette = torch.tensor([*environment.colors, environment.background], dtype=torch.float32)
    is_known = (rearrange(noise, "b c h w -> b h w 1 c") == palette).all(dim=-1).any(dim=-1)
    unseen = torch.where(is_known[:, None], environment.true_baseline[:, None, None], noise)
    is_background = (images == environment.true_baseline[:, None, None]).all(dim=1, keepdim=True)
    claim.test(_in_chunks(off.model.logits, torch.where(is_background, unseen, images)) == logits)
    yield claim


def _modulo(case: _Case) -> Iterator[Claim]:
    environment = case.environment
    assert isinstance(environment, SingleColorModulo)
    claim = Claim(
        "modulo", f"the head computes x mod {environment.modulus} for every x in 0..{environment.largest_count}"
    )
    numbers = torch.arange(environment.largest_count + 1, dtype=torch.float32)[:, None]
    answers = torch.cat([environment.model.head(part) for part in numbers.split(256)])
    claim.test(answers == numbers % environment.modulus)
    yield claim


def _with_options(environment: MultiColorSum, **options: Any) -> MultiColorSum:
    """The same environment but for these options."""
    with warnings.catch_warnings():  # a warning would only repeat what was said of `environment`
        warnings.simplefilter("ignore", SaturationWarning)
        return dataclasses.replace(environment, **options)


def _palette(environment: Environment) -> Tensor:
    """The color of each count, (k, c)."""
    colors = environment.colors if isinstance(environment, MultiColorSum) else ((1,),)
    return torch.tensor(colors, dtype=torch.float32)


def _painted(image: Tensor, pixels: Tensor, color: Tensor) -> Tensor:
    """One copy of an image (c, h, w) per pixel (n, 2), with that pixel in `color` (c,): (n, c, h, w)."""
    copies = repeat(image, "c h w -> n c h w", n=len(pixels)).clone()
    copies[torch.arange(len(pixels)), :, pixels[:, 0], pixels[:, 1]] = color
    return copies


def _odds_against(logits: Tensor, target: int) -> Tensor:
    differences = logits - logits[:, target : target + 1]
    differences[:, target] = -torch.inf
    odds: Tensor = differences.exp().sum(dim=1)
    return odds


def _random_colors(environment: Environment, n: int) -> Tensor:
    """Images of random integer colors, (n, 3, h, w)."""
    shape = (n, 3, environment.height, environment.width)
    values = generator(environment.data_seed, "random colors").random(shape) * 256
    return torch.from_numpy(np.floor(values)).float()


def _colors(case: _Case) -> Iterator[Tensor]:
    """All 2^24 colors in chunks (n, 3), or 2^18 random ones."""
    if case.exhaustive:
        for red in range(256):
            plane = torch.cartesian_prod(torch.tensor([red]), torch.arange(256), torch.arange(256))
            yield plane.float()
    else:
        values = generator(case.environment.data_seed, "colors to detect").random((2**18, 3)) * 256
        yield torch.from_numpy(np.floor(values)).float()


def _detect(detector: ColorDetector, colors: Tensor) -> Tensor:
    """The detector's channels for colors (n, 3): (n, k)."""
    image = rearrange(colors, "n c -> 1 c n 1").contiguous(memory_format=torch.channels_last)
    detected: Tensor = rearrange(detector(image), "1 k n 1 -> n k")
    return detected
