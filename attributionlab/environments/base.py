"""What an environment is: a network, scenes and the rule for the ground truth, paired so that the truth is exact."""

from __future__ import annotations

import abc
import copy
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Literal, Protocol, Self

import numpy as np
import torch
from einops import rearrange
from torch import Tensor

from attributionlab.errors import bad_option
from attributionlab.machine import torch_device
from attributionlab.networks import Activation, DesignedNetwork, Structure
from attributionlab.scenes import Scene, colored_ids, patch_ids, render
from attributionlab.specs.arguments import require_list, whole_number
from attributionlab.specs.grammar import format_spec
from attributionlab.specs.options import changed_options
from attributionlab.truth.batch import Batch
from attributionlab.truth.ground_truth import GroundTruth

Explained = Literal["probability", "logit", "value"]

PAPER_SIDE = 224
"""Side of the paper's images; sizes given for it scale with the image."""

SMALLEST_SIDE = 16

LARGEST_SIDE = 4096
"""Side of the largest images: float32 counts up to 4096 x 4096 = 2**24 pixels exactly."""

LARGEST_BATCH = 2**34
"""Bytes of the images and the truth of one batch, at most: what a machine of 32 GB holds twice."""

BYTES_PER_PIXEL = 4
"""Of the truth: one of its signs, two of its patches, one of its smooth mask; a channel of the image takes four more."""


class SceneSampler(Protocol):
    """Draws scene `index`, whatever was drawn before."""

    def sample(self, index: int) -> Scene:
        """Scene `index`."""
        ...


@dataclass(frozen=True, kw_only=True)
class Environment(abc.ABC):
    """A network, scenes, and the exact truth of each pixel's part in the explained output.

    Options of scenes never depend on options of the network, so two networks can see the same images.

    Args:
        height: Rows of the images, at least 16.
        width: Columns of the images, at least 16.
        data_seed: Seed of the scenes.
        network_seed: Seed of the weights that are random.
        activation: How ReLU is written: a `module` of its own behind every layer, one `shared` by all, or `functional` calls.
        structure: How the network is put together: `plain`, with a `residual` block, with a `flatten-module`, or with ReLUs
            that write `inplace`. The function is the same in all variants, bit for bit; they differ in what libraries can hook.
    """

    height: int = PAPER_SIDE
    width: int = PAPER_SIDE
    data_seed: int = 0
    network_seed: int = 0
    activation: Activation = "module"
    structure: Structure = "plain"

    name: ClassVar[str]
    summary: ClassVar[str]

    def __post_init__(self) -> None:
        sides = {"size": self.height} if self.height == self.width else {"height": self.height, "width": self.width}
        for side, value in sides.items():
            whole_number(side, value, SMALLEST_SIDE, LARGEST_SIDE, "float32 counts 2**24 pixels exactly")
        both = self.data_seed == self.network_seed
        seeds = {"seed": self.data_seed} if both else {"data_seed": self.data_seed, "network_seed": self.network_seed}
        for seed, value in seeds.items():
            whole_number(seed, value, 0)

    @property
    @abc.abstractmethod
    def sampler(self) -> SceneSampler:
        """Where the scenes come from."""

    @abc.abstractmethod
    def build_network(self) -> DesignedNetwork:
        """Write the weights."""

    @abc.abstractmethod
    def signs(self, scene: Scene) -> tuple[int, ...]:
        """What a pixel of each patch does to the explained output: +1, -1 or 0."""

    @abc.abstractmethod
    def label(self, scene: Scene) -> int:
        """The winning class, or the number that the network should return."""

    @property
    @abc.abstractmethod
    def explains(self) -> Explained:
        """Which output is explained."""

    @property
    @abc.abstractmethod
    def background_color(self) -> tuple[int, ...]:
        """Value of each channel where nothing is."""

    @property
    def ranking(self) -> Literal["signed", "magnitude"]:
        """What perturbation metrics order the pixels by: values, or their magnitude where signs say nothing."""
        return "signed"

    @property
    def output_per_pixel(self) -> float | None:
        """What each pixel of the positive truth adds to the explained output, if nothing else adds to it, else None."""
        return None

    @cached_property
    def model(self) -> DesignedNetwork:
        """The network, in evaluation mode."""
        return self.build_network().eval()

    def to(self, device: torch.device | str) -> Self:
        """The same environment with a copy of the network on another device.

        Raises:
            BadOption: If torch knows no such device.
            MachineError: If this machine has none.
        """
        device = torch_device(device)
        copied = copy.copy(self)
        vars(copied)["model"] = copy.deepcopy(self.model).to(device)  # where cached_property keeps it
        return copied

    @property
    def true_baseline(self) -> Tensor:
        """(c,) float32: the value of each channel that means `nothing here`."""
        return torch.tensor(self.background_color, dtype=torch.float32)

    @property
    def spec(self) -> str:
        """The canonical spec: name and the options that differ from the defaults, sorted."""
        options = changed_options(self)
        if self.height == self.width and "height" in options:
            del options["width"]
            options["size"] = options.pop("height")
        if self.data_seed == self.network_seed and "data_seed" in options:
            del options["network_seed"]
            options["seed"] = options.pop("data_seed")
        return format_spec(self.name, options)

    @property
    def scale(self) -> float:
        """The image's smaller side, in sides of the paper's images."""
        return min(self.height, self.width) / PAPER_SIDE

    @property
    def area_scale(self) -> float:
        """The image's area, in areas of the paper's images."""
        return self.height * self.width / PAPER_SIDE**2

    def sample(self, n: int, start: int = 0) -> Batch:
        """Samples `start` to `start + n - 1`; each is the same in every batch, on every machine.

        Raises:
            BadOption: If `n` is not an integer from 1, or more than memory holds; if `start` is not an integer from 0.
        """
        per_image = self.height * self.width * (BYTES_PER_PIXEL + 4 * len(self.background_color))
        most = max(1, LARGEST_BATCH // per_image)
        n = whole_number(
            "n", n, 1, most, f"a batch of {self.height}x{self.width} pixels has at most {LARGEST_BATCH:,} bytes"
        )
        start = whole_number("start", start, 0)
        return self.batch(tuple(self.sampler.sample(index) for index in range(start, start + n)))

    def batch(self, scenes: tuple[Scene, ...]) -> Batch:
        """The images of these scenes and their truth.

        Raises:
            BadOption: If `scenes` is empty, or holds something that is not a scene of this size.
        """
        require_list("scenes", scenes, "scenes", 1)
        for scene in scenes:
            if not isinstance(scene, Scene) or (scene.height, scene.width) != (self.height, self.width):
                raise bad_option("scenes", f"hold scenes of {self.height}x{self.width} pixels", scene)
        scenes = tuple(scenes)
        images = np.stack([render(scene) for scene in scenes])
        labels = torch.tensor([self.label(scene) for scene in scenes])
        return Batch(
            inputs=rearrange(torch.from_numpy(images), "b h w c -> b c h w").float().contiguous(),
            targets=torch.zeros_like(labels) if self.explains == "value" else labels.clone(),
            labels=labels,
            ground_truth=self._truth(scenes),
            scenes=scenes,
        )

    def _truth(self, scenes: tuple[Scene, ...]) -> GroundTruth:
        supports = [patch_ids(scene) for scene in scenes]
        signs = [np.array([0, *self.signs(scene)], dtype=np.int8) for scene in scenes]
        signed = [sign[colored_ids(scene)] for sign, scene in zip(signs, scenes, strict=True)]
        smooth = [sign[support] > 0 for sign, support in zip(signs, supports, strict=True)]
        return GroundTruth(*(torch.from_numpy(np.stack(maps)) for maps in (signed, supports, smooth)))
