"""Adaptive quadrature of a network's gradient along straight paths to an image.

A path is cut into intervals. Each is integrated by the Gauss-Kronrod rule of 7 nodes. Its error is estimated in two
ways. The first is the difference to the Gauss rule of 3 of these nodes, as magnitudes summed over features. The second
is the fundamental theorem of calculus: a polynomial goes through the slopes at all nodes, and between two neighboring
nodes its integral must be the change of the output. The outputs are there anyway, because the gradients need them. The
second estimate also sees what lies between nodes, such as a color that is detected along 1/255 of a path. It is a sum
over features in which signs cancel, so it is multiplied by the ratio of magnitudes to sums that the intervals have. The
intervals with the largest errors are halved until the sum of all errors is small relative to the values.

References:
    Kronrod 1965; Piessens et al. 1983 (QUADPACK), for the halving of the interval with the largest error.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

FIRST_PLACES = (0, 1 / 512, 1 / 256, 1 / 64, 1 / 8, 1 / 2, 7 / 8, 63 / 64, 255 / 256, 511 / 512, 1)
"""Ends of the first intervals of a path: short ones next to its ends, both of which are images of 8-bit colors. One step of
such a color is at least 1/255 of a path, and outputs may rise and fall within it."""

FIRST_INTERVALS = len(FIRST_PLACES) - 1

NODES = (0.9604912687080203, 0.7745966692414834, 0.43424374934680254)
KRONROD = (0.10465622602646727, 0.26848808986833345, 0.4013974147759622, 0.4509165386584741)
GAUSS = (0.0, 5 / 9, 0.0, 8 / 9)
"""Nodes on (0, 1), the middle node 0 left out, and weights on [-1, 1], mirrored: Kronrod's of all nodes, Gauss's of 3."""

N_NODES = 2 * len(NODES) + 1

ROUNDING_ERRORS = 4
"""Errors of rounding by which the difference of two outputs may be off."""

SHORTEST = 16
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
            size, error = float(values.abs().sum()), float(intervals.errors().sum())
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
        """The first intervals of all paths."""
        n_paths = len(self.baselines)
        places = torch.tensor(FIRST_PLACES, dtype=torch.float64)
        paths = torch.arange(n_paths).repeat_interleave(len(places))
        outputs = self._outputs(paths, places.repeat(n_paths)).reshape(n_paths, -1)
        return self._measured(
            torch.arange(n_paths).repeat_interleave(FIRST_INTERVALS),
            torch.stack([places[:-1], places[1:]], dim=1).repeat(n_paths, 1),
            torch.stack([outputs[:, :-1], outputs[:, 1:]], dim=2).reshape(-1, 2),
        )

    def _halved(self, intervals: _Intervals, rows: Tensor) -> _Intervals:
        """The intervals with those in `rows` replaced by their halves."""
        others = torch.ones(len(intervals.ends), dtype=torch.bool)
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
        columns = [column.split(self.batch_size) for column in (paths, ends, outputs)]
        parts = [self._integrals(*part) for part in zip(*columns, strict=True)]
        values, differences, gaps = (torch.cat(column) / len(self.baselines) for column in zip(*parts, strict=True))
        return _Intervals(paths, ends, outputs, values, differences, gaps)

    def _integrals(self, paths: Tensor, ends: Tensor, outputs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Integrals (n, *shape) by Kronrod's rule, sum of magnitudes of the differences to Gauss's (n,), gaps (n,)."""
        nodes, (kronrod, gauss) = _rule()
        lengths = ends[:, 1] - ends[:, 0]
        positions = ends[:, :1] + lengths[:, None] * nodes
        products, inner = self._products(paths.repeat_interleave(N_NODES), positions.reshape(-1))
        products = products.reshape(len(paths), N_NODES, -1).double()
        weights = torch.stack([kronrod, kronrod - gauss]).to(products)  # (2, 7)
        integrals, differences = torch.einsum("rj,njp,n->rnp", weights, products, lengths.to(products))
        values = integrals.to(self.image.dtype).reshape(len(paths), *self.image.shape[2:])
        outputs = torch.cat([outputs[:, :1], inner.reshape(len(paths), N_NODES), outputs[:, 1:]], dim=1)
        gaps = self._gaps(products.sum(dim=2).cpu(), lengths[:, None], outputs)
        return values, differences.abs().sum(dim=1).cpu(), gaps

    def _gaps(self, slopes: Tensor, lengths: Tensor, outputs: Tensor) -> Tensor:
        """Sum of the magnitudes by which changes of the output differ from the integrals of the slopes (n,).

        Outputs are rounded, and so are positions, which matters where the output is steep.

        Args:
            slopes: (n, 7) at the nodes, along the path.
            lengths: (n, 1) of the intervals.
            outputs: (n, 9) at the beginning, the nodes and the end.
        """
        steepness = functional.pad(slopes.abs(), (1, 1))
        magnitudes = ROUNDING_ERRORS * outputs.abs() + steepness
        allowances = torch.finfo(self.image.dtype).eps * torch.maximum(magnitudes[:, 1:], magnitudes[:, :-1])
        gaps = (outputs.diff(dim=1) - lengths * slopes @ _partial_weights().T).abs()
        return (gaps - allowances).clamp(min=0).sum(dim=1)

    def _products(self, paths: Tensor, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Gradient times difference at points of the paths (n, *shape), summed over channels, and explained outputs (n,)."""
        parts = [self._product(*part) for part in self._batches(paths, positions)]
        products, outputs = (torch.cat(column) for column in zip(*parts, strict=True))
        return products, outputs.double().cpu()

    def _product(self, paths: Tensor, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Gradient times difference, and explained outputs, at the points of one batch."""
        points = self._points(paths, positions).requires_grad_()
        outputs = self._explained(points)
        (gradients,) = torch.autograd.grad(outputs.sum(), points)
        return (gradients * (self.image - self.baselines[paths.to(self.image.device)])).sum(dim=1), outputs.detach()

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
        differences: (n,) float64, differences of the two rules, summed over features as magnitudes.
        gaps: (n,) float64, what the integrals lack of the changes of the output, summed over features with signs.
    """

    paths: Tensor
    ends: Tensor
    outputs: Tensor
    values: Tensor
    differences: Tensor
    gaps: Tensor

    def errors(self) -> Tensor:
        """Estimated errors of the integrals, summed over features as magnitudes (n,)."""
        values = self.values.flatten(start_dim=1)
        size, total = float(values.abs().sum()), float(values.sum(dim=1).abs().sum())
        return torch.maximum(self.differences, self.gaps * (max(size / total, 1.0) if total else 1.0))

    def __getitem__(self, rows: Tensor) -> _Intervals:
        return _Intervals(*(column[rows.to(column.device)] for column in self._columns()))

    def joined(self, others: _Intervals) -> _Intervals:
        """These intervals and others."""
        return _Intervals(*map(torch.cat, zip(self._columns(), others._columns(), strict=True)))

    def worst(self, n_most: int, shortest: float) -> Tensor:
        """Indices of at most `n_most` intervals longer than `shortest` with at least half of the largest error."""
        lengths = self.ends[:, 1] - self.ends[:, 0]
        errors = torch.where(lengths > shortest, self.errors(), 0.0)
        ordered, rows = errors.sort(descending=True, stable=True)
        return rows[(ordered > 0) & (ordered >= ordered[0] / 2)][: max(n_most, 0)]

    def _columns(self) -> list[Tensor]:
        return [getattr(self, entry.name) for entry in dataclasses.fields(self)]


def _rule() -> tuple[Tensor, Tensor]:
    """Nodes on [0, 1] (7,), and the weights of Kronrod's and Gauss's rule there (2, 7), in float64."""
    nodes, weights = (torch.tensor(numbers, dtype=torch.float64) for numbers in (NODES, (KRONROD, GAUSS)))
    places = (torch.cat([-nodes, nodes.new_zeros(1), nodes.flip(0)]) + 1) / 2
    return places, torch.cat([weights, weights[:, :-1].flip(1)], dim=1) / 2


@functools.cache
def _partial_weights() -> Tensor:
    """Weights (8, 7) that integrate the polynomial through 7 nodes from 0 to the first node, to the next, .. and to 1, float64."""
    nodes, _ = _rule()
    places = torch.cat([nodes.new_zeros(1), nodes, nodes.new_ones(1)])
    powers = torch.arange(N_NODES)
    integrals = places[:, None] ** (powers + 1) / (powers + 1)
    weights: Tensor = torch.linalg.solve(nodes[:, None] ** powers, integrals.diff(dim=0), left=False)
    return weights
