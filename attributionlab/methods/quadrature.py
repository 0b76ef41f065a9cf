"""Adaptive quadrature of a network's gradient along straight paths to an image.

A path is cut into intervals. Each is integrated by the Gauss-Kronrod rule of 7 nodes, and its error is estimated in two ways:
by the difference to the Gauss rule of 3 of these nodes, summed over features as magnitudes, and by the fundamental theorem
of calculus: the values of an interval must add up to the difference of the outputs at its ends. The second
estimate also sees what lies between all nodes, such as a color that is detected along 1/255 of a path.
The intervals with the largest errors are halved until the sum of all errors is small relative to the values.

References:
    Kronrod 1965; Piessens et al. 1983 (QUADPACK), for the halving of the interval with the largest error.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

FIRST_INTERVALS = 8
"""Equal intervals of a path at the beginning; the outer nodes lie within 1/255 of its ends, one step of an 8-bit color."""

NODES = (0.9604912687080203, 0.7745966692414834, 0.43424374934680254)
KRONROD = (0.10465622602646727, 0.26848808986833345, 0.4013974147759622, 0.4509165386584741)
GAUSS = (0.0, 5 / 9, 0.0, 8 / 9)
"""Nodes on (0, 1), the middle node 0 left out, and weights on [-1, 1], mirrored: Kronrod's of all nodes, Gauss's of 3."""

N_NODES = 2 * len(NODES) + 1

ROUNDING_ERRORS = 4
"""Errors of rounding by which the difference of two outputs may be off."""

SHORTEST = 64
"""Length of an interval that is not halved further, in multiples of the rounding error of a position."""


def least_evaluations(n_paths: int) -> int:
    """Number of evaluations on the first intervals of all paths."""
    return n_paths * (FIRST_INTERVALS * (N_NODES + 1) + 1)


@dataclass(frozen=True, eq=False)
class Integral:
    """Gradient times difference, integrated along the paths to one image, and averaged over them.

    Args:
        values: (*shape), summed over channels.
        delta: Sum of the values minus the difference between the output and the mean of those at the baselines.
        error: Estimated sum of the magnitudes of the values' errors, relative to the sum of the values' magnitudes; 1 if all
            values are 0 although the output changes.
        n_evaluations: Number of points at which the network was evaluated.
        converged: Whether the error is within the tolerance.
    """

    values: Tensor
    delta: float
    error: float
    n_evaluations: int
    converged: bool


@dataclass(frozen=True, kw_only=True, eq=False)
class Paths:
    """The straight paths from some baselines to one image, and a network along them.

    Args:
        model: Returns outputs (b, k).
        image: (1, c, *shape).
        baselines: (m, c, *shape).
        target: (1,) int64, index of the explained output.
        batch_size: Points per forward pass.
    """

    model: nn.Module
    image: Tensor
    baselines: Tensor
    target: Tensor
    batch_size: int

    def integrate(self, tolerance: float, max_evaluations: int) -> Integral:
        """Halve intervals until the estimated error is at most `tolerance`, relative to the sum of magnitudes.

        Args:
            tolerance: Above 0.
            max_evaluations: Number of evaluations at which it ends in any case, at least those of `least_evaluations`.
        """
        intervals = self._first()
        n_evaluations = least_evaluations(len(self.baselines))
        while True:
            values = intervals.values.sum(dim=0, dtype=torch.float64)
            size, error = float(values.abs().sum()), float(intervals.errors.sum())
            n_most = (max_evaluations - n_evaluations) // (2 * N_NODES + 1)
            rows = intervals.worst(n_most, SHORTEST * torch.finfo(self.image.dtype).eps)
            if error <= tolerance * size or not math.isfinite(size + error) or not len(rows):
                break
            intervals = self._halved(intervals, rows)
            n_evaluations += (2 * N_NODES + 1) * len(rows)
        change = float((intervals.outputs[:, 1] - intervals.outputs[:, 0]).sum()) / len(self.baselines)
        relative = error / size if size else float(error > 0)
        return Integral(values, float(values.sum()) - change, relative, n_evaluations, error <= tolerance * size)

    def _first(self) -> _Intervals:
        """Equal intervals of all paths."""
        n_paths = len(self.baselines)
        places = torch.linspace(0, 1, FIRST_INTERVALS + 1, dtype=torch.float64)
        paths = torch.arange(n_paths).repeat_interleave(len(places))
        outputs = self._outputs(paths, places.repeat(n_paths)).reshape(n_paths, -1)
        return self._measured(
            torch.arange(n_paths).repeat_interleave(FIRST_INTERVALS),
            torch.stack([places[:-1], places[1:]], dim=1).repeat(n_paths, 1),
            torch.stack([outputs[:, :-1], outputs[:, 1:]], dim=2).reshape(-1, 2),
        )

    def _halved(self, intervals: _Intervals, rows: Tensor) -> _Intervals:
        """The intervals with those in `rows` replaced by their halves."""
        others = torch.ones(len(intervals.errors), dtype=torch.bool)
        others[rows] = False
        paths, ends, outputs = intervals.paths[rows], intervals.ends[rows], intervals.outputs[rows]
        middles = ends.mean(dim=1)
        middle_outputs = self._outputs(paths, middles)
        left, right = (
            (torch.stack([ends[:, 0], middles], dim=1), torch.stack([outputs[:, 0], middle_outputs], dim=1)),
            (torch.stack([middles, ends[:, 1]], dim=1), torch.stack([middle_outputs, outputs[:, 1]], dim=1)),
        )
        halves = self._measured(paths.repeat(2), torch.cat([left[0], right[0]]), torch.cat([left[1], right[1]]))
        return intervals[others].joined(halves)

    def _measured(self, paths: Tensor, ends: Tensor, outputs: Tensor) -> _Intervals:
        """Integrate intervals and estimate their errors."""
        parts = [
            self._integrals(*part) for part in zip(*(x.split(self.batch_size) for x in (paths, ends)), strict=True)
        ]
        values, differences, sums = (torch.cat(column) for column in zip(*parts, strict=True))
        rounding = ROUNDING_ERRORS * torch.finfo(self.image.dtype).eps * outputs.abs().amax(dim=1)
        gaps = (sums - (outputs[:, 1] - outputs[:, 0])).abs() - rounding
        errors = torch.maximum(differences, gaps) / len(self.baselines)
        return _Intervals(paths, ends, outputs, values / len(self.baselines), errors)

    def _integrals(self, paths: Tensor, ends: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Integrals (n, *shape) by Kronrod's rule, sum of magnitudes of the differences to Gauss's (n,), sums (n,)."""
        nodes, (kronrod, gauss) = _rule()
        lengths = ends[:, 1] - ends[:, 0]
        positions = ends[:, :1] + lengths[:, None] * nodes
        products = self._products(paths.repeat_interleave(N_NODES), positions.reshape(-1))
        products = products.reshape(len(paths), N_NODES, -1).double()
        weights = torch.stack([kronrod, kronrod - gauss]).to(products)  # (2, 7)
        integrals, differences = torch.einsum("rj,njp,n->rnp", weights, products, lengths.to(products))
        values = integrals.to(self.image.dtype).reshape(len(paths), *self.image.shape[2:])
        return values, differences.abs().sum(dim=1).cpu(), integrals.sum(dim=1).cpu()

    def _products(self, paths: Tensor, positions: Tensor) -> Tensor:
        """Gradient times difference at points of the paths (n, *shape), summed over channels."""
        return torch.cat([self._product(*part) for part in self._batches(paths, positions)])

    def _product(self, paths: Tensor, positions: Tensor) -> Tensor:
        """Gradient times difference at the points of one batch."""
        points = self._points(paths, positions).requires_grad_()
        (gradients,) = torch.autograd.grad(self._explained(points).sum(), points)
        return (gradients * (self.image - self.baselines[paths.to(self.image.device)])).sum(dim=1)

    def _outputs(self, paths: Tensor, positions: Tensor) -> Tensor:
        """Explained outputs at points of the paths (n,), in float64 on the CPU."""
        with torch.no_grad():
            parts = [self._explained(self._points(*part)) for part in self._batches(paths, positions)]
        return torch.cat(parts).double().cpu()

    def _batches(self, paths: Tensor, positions: Tensor) -> zip[tuple[Tensor, Tensor]]:
        return zip(paths.split(self.batch_size), positions.split(self.batch_size), strict=True)

    def _points(self, paths: Tensor, positions: Tensor) -> Tensor:
        """Points of the paths (n, c, *shape)."""
        starts = self.baselines[paths.to(self.image.device)]
        return starts + positions.to(self.image).reshape(-1, *[1] * (self.image.ndim - 1)) * (self.image - starts)

    def _explained(self, points: Tensor) -> Tensor:
        """The explained output (n,)."""
        outputs: Tensor = self.model(points)
        return outputs.gather(1, self.target.expand(len(points))[:, None])[:, 0]


@dataclass(frozen=True, eq=False)
class _Intervals:
    """Intervals of paths, with their integrals; small columns on the CPU.

    Args:
        paths: (n,) int64, indices of the baselines.
        ends: (n, 2) float64, where they begin and end.
        outputs: (n, 2) float64, explained outputs at the ends.
        values: (n, *shape), the integrals.
        errors: (n,) float64, estimated errors of the integrals, summed over features.
    """

    paths: Tensor
    ends: Tensor
    outputs: Tensor
    values: Tensor
    errors: Tensor

    def __getitem__(self, rows: Tensor) -> _Intervals:
        return _Intervals(*(column[rows.to(column.device)] for column in self._columns()))

    def joined(self, others: _Intervals) -> _Intervals:
        """These intervals and others."""
        return _Intervals(*map(torch.cat, zip(self._columns(), others._columns(), strict=True)))

    def worst(self, n_most: int, shortest: float) -> Tensor:
        """Indices of at most `n_most` intervals longer than `shortest` with at least half of the largest error."""
        lengths = self.ends[:, 1] - self.ends[:, 0]
        errors = torch.where(lengths > shortest, self.errors, 0.0)
        ordered, rows = errors.sort(descending=True, stable=True)
        return rows[(ordered > 0) & (ordered >= ordered[0] / 2)][: max(n_most, 0)]

    def _columns(self) -> list[Tensor]:
        return [getattr(self, entry.name) for entry in dataclasses.fields(self)]


def _rule() -> tuple[Tensor, Tensor]:
    """Nodes on [0, 1] (7,), and the weights of Kronrod's and Gauss's rule there (2, 7), in float64."""
    nodes, weights = (torch.tensor(numbers, dtype=torch.float64) for numbers in (NODES, (KRONROD, GAUSS)))
    places = (torch.cat([-nodes, nodes.new_zeros(1), nodes.flip(0)]) + 1) / 2
    return places, torch.cat([weights, weights[:, :-1].flip(1)], dim=1) / 2
