"""Integrals over parts of a straight path, told apart on a network with hinges along it."""

from __future__ import annotations

import dataclasses
import itertools

import torch
from torch import Tensor, nn

from attributionlab.errors import MethodError
from attributionlab.testing.affine import hinged_network
from attributionlab.testing.subject import Subject

CLEARLY = 0.3
"""Largest distance to a part, relative to that from the whole path and from the gradient at the image."""

PART = 0.03
"""Largest distance to the integral over a part that a map is taken for: quadrature with 50 points has less."""

ENDS = (0.0, 0.25, 0.5, 0.75, 1.0)


def part_of_path(subject: Subject, color: Tensor) -> tuple[float, float] | None:
    """Begin and end of the part of the path from a color to the image whose integral the maps have; None for the whole path.

    Also None if the maps are no integrals, as those of other methods that agree on the affine network.
    """
    rows = slice(0, None, 2)  # outputs with positive weights
    hinged = dataclasses.replace(subject, network=hinged_network(subject.environment.model, 0))
    try:
        maps = hinged.maps(rows).cpu().double()
    except MethodError:
        return None
    integrals = _Integrals(hinged, color, rows)
    correct = min(_distance(maps, integrals.of(0.0, 1.0)), _distance(maps, integrals.local()))
    parts = [(start, end) for start, end in itertools.combinations(ENDS, 2) if (start, end) != (0.0, 1.0)]
    distances = {part: _distance(maps, integrals.of(*part)) for part in parts}
    nearest = min(distances, key=lambda part: distances[part])
    return nearest if distances[nearest] <= min(PART, CLEARLY * correct) else None


class _Integrals:
    """Integrals of the gradient along a path, in closed form: every unit of the first layer is a hinge, all that follows is affine.

    Args:
        subject: The method on the network with hinges.
        color: (c,), the beginning of the path.
        rows: The images.
    """

    def __init__(self, subject: Subject, color: Tensor, rows: slice) -> None:
        model = subject.model.double().eval()
        self.first = next(module for module in model.modules() if isinstance(module, nn.Conv2d))
        batch = subject.batch[rows]
        self.images = batch.inputs.double()
        self.start = color[:, None, None].expand_as(self.images)
        active: list[Tensor] = []

        def rectify(_module: nn.Module, _inputs: object, output: Tensor) -> Tensor:
            active.append(output.relu())
            return active[0]

        handle = self.first.register_forward_hook(rectify)
        outputs = model(self.images).gather(1, batch.targets[:, None]).sum()
        handle.remove()
        (self.weights,) = torch.autograd.grad(outputs, active)

    def of(self, start: float, end: float) -> Tensor:
        """The mean over a part of the path, times the whole difference of image and color: (b, h, w)."""
        levels = [self.first(self.start + share * (self.images - self.start)).relu() for share in (start, end)]
        integral: Tensor = (self.weights * (levels[1] - levels[0])).sum(dim=1).detach() / (end - start)
        return integral

    def local(self) -> Tensor:
        """The gradient at the image times the difference: (b, h, w)."""
        levels = [self.first(values) for values in (self.start, self.images)]
        product: Tensor = (self.weights * (levels[1] - levels[0]) * (levels[1] > 0)).sum(dim=1).detach()
        return product


def _distance(maps: Tensor, expected: Tensor) -> float:
    """Norm of the difference from the nearest multiple, relative to the norm of the maps."""
    values, reference = maps.flatten(), expected.flatten()
    factor = (values @ reference) / (reference @ reference).clamp(min=torch.finfo(values.dtype).tiny)
    return float((values - factor * reference).norm() / values.norm().clamp(min=torch.finfo(values.dtype).tiny))
