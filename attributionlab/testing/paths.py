"""Mistakes in integrals along a straight path: a part of the path, wrong weights, or a wrong start. A network with hinges along the path tells them apart."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable

import torch
from torch import Tensor, nn

from attributionlab.errors import MethodError
from attributionlab.testing.affine import hinged_network
from attributionlab.testing.subject import Subject

CLEARLY = 0.3
"""Largest distance to a part, relative to that from the whole path and from the gradient at the image."""

PART = 0.03
"""Largest distance at which a map counts as the integral over a part of the path; quadrature with 50 points has less."""

ENDS = (0.0, 0.25, 0.5, 0.75, 1.0)

N_NODES = 64
"""Midpoints of integrals with weights, which have no closed form."""

WEIGHTS: dict[str, Callable[[Tensor], Tensor]] = {
    "gives the steps of its path weights that grow from 0 to 2, where all count alike": lambda nodes: 2 * nodes,
    "gives the steps of its path weights that fall from 2 to 0, where all count alike": lambda nodes: 2 * (1 - nodes),
}
"""Wrong weights of the steps of a path."""

BEGINS = (0.0, 255.0)
"""Levels of gray at which a path begins by mistake, besides the true baseline."""


def wrong_path(subject: Subject, color: Tensor) -> str | None:
    """The mistake, as the predicate of a message, by which maps are not the integral from a color to the image; None if they are.

    Also None if the maps are not integrals: other methods give the same maps on the affine network.
    """
    rows = slice(0, None, 2)  # outputs with positive weights
    hinged = dataclasses.replace(subject, network=hinged_network(subject.environment.model, 0))
    try:
        maps = hinged.maps(rows).cpu().double()
    except MethodError:
        return None
    integrals = _Integrals(hinged, color, rows)
    correct = min(_distance(maps, integrals.of(0.0, 1.0)), _distance(maps, integrals.local()))
    distances = {text: _distance(maps, values) for text, values in _wrong_integrals(integrals, subject).items()}
    nearest = min(distances, key=lambda text: distances[text])
    return nearest if distances[nearest] <= min(PART, CLEARLY * correct) else None


def _wrong_integrals(integrals: _Integrals, subject: Subject) -> dict[str, Tensor]:
    """Maps (b, h, w) after each mistake, by its description as the predicate of a message."""
    text = "integrates the gradient over a part of the path, from {:g} to {:g} of it, where it goes from 0 to 1"
    parts = [part for part in itertools.combinations(ENDS, 2) if part != (ENDS[0], ENDS[-1])]
    nodes = (torch.arange(N_NODES, dtype=torch.float64) + 0.5) / N_NODES
    own = integrals.color
    begins = [torch.full_like(own, level) for level in BEGINS] + [subject.environment.true_baseline.to(own)]
    others = [begin for begin in begins if bool(((begin - own).abs() > 1).any())]
    return {
        **{text.format(*part): integrals.of(*part) for part in parts},
        **{name: integrals.along(nodes, weights(nodes), own) for name, weights in WEIGHTS.items()},
        **{
            f"follows a path that begins at {_text(begin)}, and multiplies by the difference from {_text(own)}": (
                integrals.along(nodes, torch.ones_like(nodes), begin)
            )
            for begin in others
        },
    }


def _text(color: Tensor) -> str:
    """A color for a message."""
    return f"({', '.join(f'{value:.0f}' for value in color.tolist())})"


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
        self.color = color
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

    def along(self, nodes: Tensor, weights: Tensor, begin: Tensor) -> Tensor:
        """The weighted mean over nodes of a path from another color, times the difference of image and own color: (b, h, w)."""
        start = begin[:, None, None].expand_as(self.images)
        first, last = self.first(start).detach(), self.first(self.images).detach()
        share = torch.zeros_like(first)
        for node, weight in zip(nodes.tolist(), weights.tolist(), strict=True):
            share += weight / len(nodes) * (first + node * (last - first) > 0)
        integral: Tensor = (self.weights * share * (last - self.first(self.start))).sum(dim=1).detach()
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
