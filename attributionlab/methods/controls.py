"""Controls: maps with known scores, as references for scores and methods."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import zip_longest
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from attributionlab.errors import bad_option
from attributionlab.games import exact_values
from attributionlab.methods.base import Method, require_at_least
from attributionlab.methods.declaration import Declaration
from attributionlab.seeding import content_key, generator
from attributionlab.truth.baselines import Baseline, BaselineTensor
from attributionlab.truth.batch import Batch
from attributionlab.truth.kinds import Game


@dataclass(frozen=True, kw_only=True)
class Random(Method):
    """Independent values from U(0, 1), or with both signs from U(-1, 1), a function of the image.

    Args:
        seed: Seed of the values.
        signed: Whether values have both signs.
    """

    name: ClassVar[str] = "random"
    declaration: ClassVar[Declaration] = Declaration(
        family="controls", sign="magnitude", randomness="seeded", source="Zhang et al. 2024, F.2"
    )

    seed: int = 0
    signed: bool = False

    def __post_init__(self) -> None:
        if self.seed < 0:
            raise bad_option("seed", "be at least 0", self.seed)
        if self.signed:
            object.__setattr__(self, "declaration", replace(type(self).declaration, sign="signed"))

    def attribute(self, model: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
        """Values of shape (b, h, w)."""
        del model, targets
        maps = [generator(self.seed, "random map", content_key(image)).random(image.shape[1:]) for image in inputs]
        values = torch.stack([torch.from_numpy(values) for values in maps])
        return (2 * values - 1 if self.signed else values).to(inputs)


@dataclass(frozen=True, kw_only=True)
class Constant(Method):
    """The value 1 everywhere."""

    name: ClassVar[str] = "constant"
    declaration: ClassVar[Declaration] = Declaration(
        family="controls", sign="magnitude", source="Zhang et al. 2024, F.2"
    )

    def attribute(self, model: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
        """Ones of shape (b, h, w)."""
        del model, targets
        return torch.ones_like(inputs[:, 0])


@dataclass(frozen=True, kw_only=True)
class Foreground(Method):
    """Every pixel that is not background: 1 there, else 0. It does not depend on the network."""

    name: ClassVar[str] = "foreground"
    declaration: ClassVar[Declaration] = Declaration(family="controls", sign="magnitude", needs=frozenset({"baseline"}))

    def attribute(self, model: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
        """Compare every pixel with the true baseline."""
        del model, targets
        return (inputs != self.baseline_like(inputs, "true")).any(dim=1).to(inputs)


@dataclass(frozen=True, kw_only=True)
class Edge(Method):
    """Edges of the image: the Sobel magnitude of every channel. It does not depend on the network."""

    name: ClassVar[str] = "edge"
    declaration: ClassVar[Declaration] = Declaration(family="controls", sign="magnitude", source="Adebayo et al. 2018")

    def attribute(self, model: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
        """Compute the edges by scikit-image."""
        from skimage.filters import sobel  # noqa: PLC0415  # it imports scipy, which takes a third of a second

        del model, targets
        channels = inputs.double().cpu().flatten(0, 1).numpy()
        edges = torch.from_numpy(np.stack([sobel(channel) for channel in channels]))
        return edges.reshape(inputs.shape).to(inputs)


@dataclass(frozen=True, kw_only=True)
class Input(Method):
    """The image itself. It does not depend on the network."""

    name: ClassVar[str] = "input"
    declaration: ClassVar[Declaration] = Declaration(family="controls", sign="magnitude")

    def attribute(self, model: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
        """The inputs."""
        del model, targets
        return inputs


@dataclass(frozen=True, kw_only=True)
class Truth(Method):
    """The ground truth itself, which must score exactly 1."""

    name: ClassVar[str] = "truth"
    declaration: ClassVar[Declaration] = Declaration(family="controls", needs=frozenset({"batch"}))

    def attribute(self, model: nn.Module, inputs: Tensor, targets: Tensor, *, batch: Batch | None = None) -> Tensor:
        """The signed truth of `batch`."""
        del model, targets
        if batch is None:
            raise bad_option("batch", "be given to the `truth` control", batch)
        return batch.ground_truth.signed.to(inputs)


@dataclass(frozen=True, kw_only=True)
class Exact(Method):
    """The exact value of every feature in a game: the best map for its question.

    Args:
        game: `removal` (leave a feature out), `alone` (add it to the baseline), `shapley`, or `aumann-shapley` (integrate
            the gradient along the path from the baseline).
        baseline: Value of an absent feature: `black`, `true` (the environment's background) or a color.
        n_orders: Random orders for Shapley values; `none` for 400 where they have no closed form, and for no estimate elsewhere.
    """

    name: ClassVar[str] = "exact"
    declaration: ClassVar[Declaration] = Declaration(
        family="controls",
        needs=frozenset({"batch", "baseline"}),
        completeness="exact in the games shapley and aumann-shapley",
        source="Shapley 1953; Aumann and Shapley 1974",
    )

    game: Game = "shapley"
    baseline: Baseline = "true"
    n_orders: int | None = None

    def __post_init__(self) -> None:
        if self.n_orders is not None:
            require_at_least(self, n_orders=2)

    def attribute(self, model: nn.Module, inputs: Tensor, targets: Tensor, *, batch: Batch | None = None) -> Tensor:
        """The values for `targets` of `batch`, float64."""
        del inputs
        if batch is None:
            raise bad_option("batch", "be given to the `exact` control", batch)
        if self.environment is None:
            raise bad_option("environment", "be given to the `exact` control", self.environment)
        batch = replace(batch, targets=targets)
        network = None if model is None or same_weights(model, self.environment.model) else model
        is_tensor = isinstance(self.baseline, BaselineTensor)
        baseline = self.baseline_like(batch.inputs, self.baseline) if is_tensor else self.baseline
        exact = exact_values(self.environment, batch, self.game, baseline, network=network, n_orders=self.n_orders)
        return exact.values


def same_weights(model: nn.Module, own: nn.Module) -> bool:
    """Whether a network has the weights of another, up to precision and device, and whatever its modules are called."""
    pairs = list(zip_longest(model.state_dict().values(), own.state_dict().values()))
    return model is own or all(
        one is not None and two is not None and one.shape == two.shape and torch.equal(one.to(two), two)
        for one, two in pairs
    )
