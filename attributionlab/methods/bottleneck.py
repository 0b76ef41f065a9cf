"""IBA, the information bottleneck for attribution: the information of a layer that is needed to keep the output.

Noise replaces the features of a layer as far as the output permits. The map is the remaining information, summed over
channels and enlarged to the image (Schulz et al. 2020, the per-sample variant).

    Z = lambda R + (1 - lambda) e,  e ~ N(mu, sigma^2)        loss = cross entropy + beta * mean KL(P(Z|R) || N(mu, sigma^2))
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from attributionlab.errors import bad_option
from attributionlab.methods.base import Method, one_by_one, require_at_least
from attributionlab.methods.cam import find_maps, outputs_of
from attributionlab.methods.declaration import Declaration
from attributionlab.networks.designed import logits_of
from attributionlab.seeding import content_key, generator

FIRST_SAMPLE = 2_000_000
"""Index of the first sample for the normalization of features, far from the explained samples."""


LEAST_DEVIATION = 0.01
"""Lower bound of the deviation: a constant feature would carry infinite information."""


@dataclass(frozen=True, eq=False)
class Features:
    """Mean and deviation of the features of a layer.

    The paper normalizes each cell separately. Features of designed networks are sparse: most cells are 0 on nearly all
    samples. The standard deviation of a single cell would be almost 0, and its information almost infinite. One mean
    and one deviation per channel avoid that.

    Args:
        mean: mu, (1, c, 1, 1), or (1, c, h', w') for each cell.
        deviation: sigma, of the same shape.
    """

    mean: Tensor
    deviation: Tensor

    @classmethod
    def estimate(cls, model: nn.Module, layer: nn.Module, inputs: Tensor, *, by_cell: bool = False) -> Features:
        """Estimate them from the layer's outputs for sample inputs, for each channel or each cell."""
        responses = torch.cat([activations(model, layer, part) for part in inputs.split(4)])
        axes = (0,) if by_cell else (0, 2, 3)
        deviation = responses.std(dim=axes, keepdim=True).clamp(min=LEAST_DEVIATION)
        return cls(responses.mean(dim=axes, keepdim=True), deviation)

    def information(self, response: Tensor, through: Tensor) -> Tensor:
        """KL(P(Z|R) || N(mu, sigma^2)) of every feature in nats, when the fraction `through` of the response passes."""
        normalized = (response - self.mean) / self.deviation
        variance = (1 - through).square().clamp(min=1e-12)
        return 0.5 * ((through * normalized).square() + variance - variance.log() - 1)


@dataclass(frozen=True, kw_only=True)
class Iba(Method):
    """The per-sample information bottleneck.

    Args:
        layer: Layer of the bottleneck: an index into `model.accumulator.layers`, or a dotted module path.
        information_weight: beta, 20 in the paper of AttributionLab.
        n_steps: Steps of Adam.
        learning_rate: Its step size.
        n_noises: Noisy copies per step.
        statistics: Whether mean and deviation of the features are those of each `channel`, or of each `cell` of a channel, as Schulz et
            al. have it.
        smoothing: Standard deviation, in cells, of the blur that keeps the mask smooth; 0 for none.
        n_samples: Images of the environment for the normalization of features.
        seed: Seed of the noise.
    """

    name: ClassVar[str] = "iba"
    declaration: ClassVar[Declaration] = Declaration(
        family="activations",
        sign="positive",
        granularity="coarse",
        needs=frozenset({"gradients", "layer"}),
        randomness="seeded",
        source="Schulz et al. 2020",
    )

    layer: int | str = 7
    information_weight: float = 20.0
    n_steps: int = 10
    learning_rate: float = 1.0
    n_noises: int = 10
    statistics: Literal["channel", "cell"] = "channel"
    smoothing: float = 1.0
    n_samples: int = 32
    seed: int = 0

    def __post_init__(self) -> None:
        require_at_least(self, n_steps=1, n_noises=1, n_samples=2, seed=0)
        for option in ("information_weight", "learning_rate", "smoothing"):
            if getattr(self, option) < 0:
                raise bad_option(option, "be at least 0", getattr(self, option))

    @cached_property
    def references(self) -> Tensor:
        """The images (n, c, h, w) for the normalization of features, drawn once for all batches."""
        if self.environment is None:
            raise bad_option("environment", "be given: IBA normalizes features by its samples", None)
        return self.environment.sample(self.n_samples, FIRST_SAMPLE).inputs

    def attribute(self, model: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
        """Capacities (b, h, w) in bits per pixel of the layer, enlarged bilinearly."""
        references = self.references.to(inputs)
        layer = find_maps(model, self.layer, inputs)
        features = Features.estimate(model, layer, references, by_cell=self.statistics == "cell")

        def attribute_one(image: Tensor, target: Tensor) -> Tensor:
            capacity = self.optimize(model, layer, features, image, target)[-1]
            height, width = image.shape[2:]
            return functional.interpolate(capacity, size=(height, width), mode="bilinear", align_corners=False)

        return one_by_one(attribute_one, inputs, targets)

    def optimize(
        self, model: nn.Module, layer: nn.Module, features: Features, image: Tensor, target: Tensor
    ) -> tuple[list[float], Tensor]:
        """The loss at every step, and the final capacity (1, 1, h', w') in bits."""
        random = generator(self.seed, "bottleneck noise", content_key(image[0]))
        response, original = activations(model, layer, image), logits_of(model)(image).detach()
        parameters = torch.full_like(response, 5.0).requires_grad_()  # sigmoid(5): almost everything passes
        optimizer = torch.optim.Adam([parameters], lr=self.learning_rate)
        losses: list[Tensor] = []
        for _ in range(self.n_steps):
            through = _blurred(torch.sigmoid(parameters), self.smoothing)
            draws = torch.from_numpy(random.standard_normal((self.n_noises, *response.shape[1:]))).to(response)
            noisy = through * response + (1 - through) * (features.mean + features.deviation * draws)
            with replaced(layer, noisy):
                outputs = logits_of(model)(image.expand(self.n_noises, -1, -1, -1))
            information = features.information(response, through)
            loss = _output_loss(outputs, original, target) + self.information_weight * information.mean()
            optimizer.zero_grad()
            (parameters.grad,) = torch.autograd.grad(loss, parameters)
            optimizer.step()
            losses.append(loss.detach())  # read once at the end: reading synchronizes with a GPU
        through = _blurred(torch.sigmoid(parameters.detach()), self.smoothing)
        return torch.stack(losses).tolist(), features.information(response, through).sum(
            dim=1, keepdim=True
        ) / math.log(2)


def activations(model: nn.Module, layer: nn.Module, inputs: Tensor) -> Tensor:
    """The maps that a layer returns for these inputs."""
    maps = outputs_of(model, layer, inputs)[0]
    assert isinstance(maps, Tensor), "find_maps checks the output"
    return maps.detach()


@contextlib.contextmanager
def replaced(layer: nn.Module, output: Tensor) -> Iterator[None]:
    """Replace the output of a layer."""
    handle = layer.register_forward_hook(lambda *_: output)
    try:
        yield
    finally:
        handle.remove()


def _output_loss(outputs: Tensor, original: Tensor, target: Tensor) -> Tensor:
    """Loss of the output: cross entropy of a class, or the squared relative error of a number."""
    if outputs.shape[1] > 1:
        return functional.cross_entropy(outputs, target.expand(len(outputs)))
    return ((outputs - original) / original.abs().clamp(min=1.0)).square().mean()


def _blurred(mask: Tensor, deviation: float) -> Tensor:
    """A Gaussian blur of each channel, with reflected borders, truncated to the size of the mask."""
    if deviation == 0:
        return mask
    reach = min(math.ceil(3 * deviation), min(mask.shape[2:]) - 1)
    if reach == 0:
        return mask
    places = torch.arange(-reach, reach + 1, dtype=mask.dtype, device=mask.device)
    kernel = torch.exp(-0.5 * (places / deviation).square())
    kernel = kernel / kernel.sum()
    channels = mask.shape[1]
    padded = functional.pad(mask, (reach,) * 4, mode="reflect")
    columns = functional.conv2d(padded, kernel.reshape(1, 1, 1, -1).expand(channels, 1, 1, -1), groups=channels)
    return functional.conv2d(columns, kernel.reshape(1, 1, -1, 1).expand(channels, 1, -1, 1), groups=channels)
