"""Sensitivity-N (Ancona et al. 2018; appendices F.5, G.5): correlation of attributions with the effect of removing N pixels.

For every N, over random subsets of N pixels: the Pearson correlation between the subset's summed attribution and the drop of
the explained output when the subset is replaced by the canvas. The first N pixels of a random order are a random subset
of size N, so one set of orders serves every N, image and method.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from attributionlab.errors import bad_option
from attributionlab.metrics.base import (
    AnyBatch,
    AnyEnvironment,
    Bounds,
    Measure,
    Measurement,
    Metric,
    check_measured,
)
from attributionlab.metrics.insertion import Canvas, canvases, check_switching, contributing, correct_steps
from attributionlab.perturbation import DEFAULT_MEMORY, Ranking, random_orders, switch_pixels, switch_steps
from attributionlab.seeding import generator
from attributionlab.specs.arguments import whole_number
from attributionlab.tabular import Tabular
from attributionlab.truth.maps import attribution_maps

MOST_ORDERS = 100_000
"""Largest number of random orders; at 224x224 pixels a thousand need 400 MB."""


@dataclass(frozen=True, eq=False)
class SensitivityCurve(Tabular):
    """Correlation of summed attribution and drop of the output, by the number of pixels.

    Args:
        sizes: (s,) int64, N; from 1 to P - 1 if the network is evaluated exactly.
        correlations: (b, s) float64, in [-1, 1]; NaN where the output does not vary over the subsets, 0 where only the
            attribution is constant.
        mean: (b,) float64, over the sizes with a defined correlation; NaN if there are none.
        n_undefined: (b,) int64, number of sizes with an undefined correlation.
    """

    _table: ClassVar[str] = "attributionlab.reports.tables.scores:sensitivity_table"
    _rows: ClassVar[str] = "attributionlab.reports.tables.scores:sensitivity_rows"

    sizes: Tensor
    correlations: Tensor
    mean: Tensor
    n_undefined: Tensor

    @classmethod
    def of(cls, sizes: Tensor, correlations: Tensor) -> SensitivityCurve:
        """Add the mean and the number of undefined correlations."""
        return cls(sizes, correlations, correlations.nanmean(dim=1), correlations.isnan().sum(dim=1))


@dataclass(frozen=True, kw_only=True)
class SensitivityN(Metric):
    """Mean over N of the correlation between summed attribution and drop of the output.

    Args:
        n_orders: Random orders, that is, subsets per N; at least 2.
        canvas: Values of replaced pixels; see `Insertion`.
        order: Sum `signed` values or their `magnitude`; by default as the environment declares.
        measure: The drop of the `output`, or the number of `correct-steps`, which changed the output (F.5).
        steps: Number of values of N, by forward passes through any network; None for every N, evaluated exactly.
        seed: Seed of the orders.
    """

    n_orders: int = 100
    canvas: Canvas = "black"
    order: Ranking | None = None
    measure: Measure = "output"
    steps: int | None = None
    seed: int = 0

    name: ClassVar[str] = "sensitivity-n"
    quantity: ClassVar[str] = "correlation"
    higher_is_better: ClassVar[bool] = True
    bounds: ClassVar[Bounds] = (-1.0, 1.0)
    source: ClassVar[str] = "Ancona et al. 2018"

    def __post_init__(self) -> None:
        check_switching(self.canvas, self.order, self.measure, self.steps)
        whole_number("n_orders", self.n_orders, 2, MOST_ORDERS, "the orders of one image would fill the memory")
        whole_number("seed", self.seed, 0)
        whole_number("max_memory", self.max_memory, 1)
        if self.steps is not None:
            whole_number("steps", self.steps, 2)

    def prepare(self, environment: AnyEnvironment, batch: AnyBatch) -> Prepared:
        """The orders, and the drops of every image; about 80 MB, and 40 MB per image, at 224x224."""
        check_measured(environment, batch, ())
        orders = self._orders(batch)
        return Prepared(orders, tuple(self._drops(environment, batch, orders)))

    def evaluate(
        self, environment: AnyEnvironment, batch: AnyBatch, attributions: Sequence[Tensor], prepared: object = None
    ) -> list[Measurement]:
        """The means and curves; see `Metric.evaluate`."""
        curves = self.curves(environment, batch, attributions, prepared)
        n_pixels = batch.inputs[0, 0].numel()
        return [Measurement(curve.mean, curve.sizes / n_pixels, curve.correlations) for curve in curves]

    def curves(
        self, environment: AnyEnvironment, batch: AnyBatch, attributions: Sequence[Tensor], prepared: object = None
    ) -> list[SensitivityCurve]:
        """A curve per method; the network is evaluated once for all of them, or not at all with `prepared`."""
        check_measured(environment, batch, attributions)
        if prepared is not None and not isinstance(prepared, Prepared):
            raise bad_option("prepared", "be what `prepare` returned, or none", prepared)
        maps = [self._summed(environment, attribution_maps(values, batch.inputs.shape)) for values in attributions]
        sizes = self._sizes(batch)
        if isinstance(prepared, Prepared):
            orders, drops = prepared.orders, iter(prepared.drops)
        else:
            orders = self._orders(batch)
            drops = self._drops(environment, batch, orders)
        maps, columns = [values.to(orders.device) for values in maps], (sizes - 1).to(orders.device)
        correlations: list[list[Tensor]] = [[] for _ in maps]
        for index, dropped in enumerate(drops):
            for values, by_image in zip(maps, correlations, strict=True):
                sums = values[index][orders].cumsum_(dim=1)
                by_image.append(dropped.correlate(sums[:, :-1] if self.steps is None else sums[:, columns]))
        return [SensitivityCurve.of(sizes, torch.stack(by_image)) for by_image in correlations]

    def _sizes(self, batch: AnyBatch) -> Tensor:
        """Values of N, (s,) int64."""
        return switch_steps(batch.inputs[0, 0].numel(), self.steps)[1:-1]

    def _orders(self, batch: AnyBatch) -> Tensor:
        """Random orders of the pixels, (n, P) int64."""
        return random_orders(self.n_orders, batch.inputs[0, 0].numel(), seed=self.seed).to(batch.inputs.device)

    def _drops(self, environment: AnyEnvironment, batch: AnyBatch, orders: Tensor) -> Iterator[Drops]:
        """Compute the drops image by image, to limit memory."""
        shown = canvases(environment, batch.inputs, self.canvas)
        n_contributing = contributing(batch) if self.measure == "correct-steps" else None
        images = zip(batch.inputs.split(1), shown.split(1), batch.targets.split(1), strict=True)
        for index, (image, replacement, target) in enumerate(images):
            outputs = switch_pixels(
                environment.model, image, replacement, orders[None], target, self.steps, self.max_memory
            )[0].double()
            changes = (
                outputs[:, :1] - outputs if n_contributing is None else correct_steps(outputs, n_contributing[index])
            )
            yield Drops.of(changes[:, 1:-1].contiguous())

    def _summed(self, environment: AnyEnvironment, maps: Tensor) -> Tensor:
        """The values to sum, (b, P) float64."""
        by = environment.ranking if self.order is None else self.order
        return (maps.abs() if by == "magnitude" else maps).flatten(1).double()


def sensitivity_n(
    environment: AnyEnvironment,
    batch: AnyBatch,
    attribution: Tensor,
    *,
    n_orders: int = 100,
    canvas: Canvas = "black",
    order: Ranking | None = None,
    measure: Measure = "output",
    steps: int | None = None,
    seed: int = 0,
    max_memory: int = DEFAULT_MEMORY,
) -> SensitivityCurve:
    """Correlate summed attribution with the drop of the output, for every number of pixels; higher is better.

    Args:
        environment: Environment of the images, whose network is evaluated; a `TrainedNetwork` requires `steps`.
        batch: The images; or `LabeledImages`.
        attribution: (b, h, w) or (b, c, h, w).
        n_orders: Random orders, that is, subsets per N; at least 2.
        canvas: Values of replaced pixels; see `insertion`.
        order: Sum `signed` values or their `magnitude`; by default as the environment declares.
        measure: The drop of the `output`, or the number of `correct-steps`, which changed the output (appendix F.5).
        steps: Number of values of N, by forward passes through any network; None for every N, evaluated exactly.
        seed: Seed of the orders.
        max_memory: Bytes that the exact evaluation of the network may use at once.

    Returns:
        One correlation per image and N.

    Raises:
        BadOption: If an option is not valid, or the model is not a designed network and `steps` is None.
        MethodError: If the attribution has the wrong shape, or NaN or infinite values.

    References:
        Ancona et al. 2018, section 4; Zhang et al. 2024, appendices F.5 and G.5, which correlate with the output rather than
        its drop, so that the sign is reversed.
    """
    metric = SensitivityN(
        n_orders=n_orders,
        canvas=canvas,
        order=order,
        measure=measure,
        steps=steps,
        seed=seed,
        max_memory=max_memory,
    )
    return metric.curves(environment, batch, [attribution])[0]


def sensitivity_n_by_subsets(
    environment: AnyEnvironment,
    batch: AnyBatch,
    attribution: Tensor,
    sizes: Sequence[int],
    *,
    n_subsets: int = 100,
    canvas: Canvas = "black",
    seed: int = 0,
    batch_size: int = 4,
) -> SensitivityCurve:
    """Sensitivity-N by its definition: independent subsets for each N, and a forward pass for each subset. Slow.

    `sensitivity_n` estimates the same correlations from nested subsets; this function is its reference.

    Args:
        environment: Environment of the images, or a `TrainedNetwork`.
        batch: The images.
        attribution: (b, h, w) or (b, c, h, w); signed values are summed.
        sizes: Values of N, from 1 to P - 1.
        n_subsets: Subsets per N; at least 2.
        canvas: Values of replaced pixels; see `insertion`.
        seed: Seed of the subsets.
        batch_size: Images per forward pass.

    Raises:
        BadOption: If an option is not valid.
        MethodError: If the attribution has the wrong shape, or NaN or infinite values.

    References:
        Ancona et al. 2018, section 4.
    """
    whole_number("n_subsets", n_subsets, 2)
    maps = attribution_maps(attribution, batch.inputs.shape).flatten(1).double()
    n_pixels, shown = maps.shape[1], canvases(environment, batch.inputs, canvas)
    for size in sizes:
        if whole_number("sizes", size, 1) >= n_pixels:
            raise bad_option("sizes", f"lie between 1 and {n_pixels - 1}", size)
    curves = []
    for image, replacement, target, values in zip(batch.inputs, shown, batch.targets.tolist(), maps, strict=True):
        correlations = []
        for size in sizes:
            random = generator(seed, "subsets", size)
            subsets = torch.stack([torch.from_numpy(random.permutation(n_pixels)[:size]) for _ in range(n_subsets)])
            hidden = torch.zeros(n_subsets, n_pixels, dtype=torch.bool).scatter_(1, subsets, value=True)
            hidden = hidden.view(-1, 1, *image.shape[1:]).to(image.device)
            with torch.no_grad():
                outputs = [
                    environment.model(torch.where(part, replacement, image)) for part in hidden.split(batch_size)
                ]
                full = environment.model(image[None])[0, target]
            drops = (full - torch.cat(outputs)[:, target]).double()
            sums = values[subsets.to(values.device)].sum(dim=1).to(drops.device)
            correlations.append(Drops.of(drops[:, None]).correlate(sums[:, None]))
        curves.append(torch.cat(correlations))
    return SensitivityCurve.of(torch.tensor(list(sizes)), torch.stack(curves))


@dataclass(frozen=True, eq=False)
class Drops:
    """Drops of the output, prepared for the correlation with the sums of many methods.

    Args:
        centered: (n, s) float64, drops minus their mean over the n subsets.
        lengths: (s,), norms of the columns.
        vary: (s,) bool, whether the drops are not all equal.
    """

    centered: Tensor
    lengths: Tensor
    vary: Tensor

    @classmethod
    def of(cls, drops: Tensor) -> Drops:
        """Prepare drops (n, s)."""
        centered = drops - drops.mean(dim=0)
        return cls(centered, torch.linalg.vector_norm(centered, dim=0), _vary(drops))

    def correlate(self, sums: Tensor) -> Tensor:
        """Pearson's correlation with sums (n, s), (s,): NaN where all drops are equal, 0 where only the sums are."""
        sums_vary = _vary(sums)
        sums = sums - sums.mean(dim=0)
        lengths = torch.linalg.vector_norm(sums, dim=0) * self.lengths
        correlation = (torch.linalg.vecdot(sums, self.centered, dim=0) / lengths).clamp(-1, 1)
        correlation = torch.where(sums_vary, correlation, 0.0)
        return torch.where(self.vary, correlation, torch.nan)


@dataclass(frozen=True, eq=False)
class Prepared:
    """The parts of Sensitivity-N that do not depend on maps.

    Args:
        orders: (n, P) int64.
        drops: Drops of every image.
    """

    orders: Tensor
    drops: tuple[Drops, ...]


def _vary(values: Tensor) -> Tensor:
    """(s,) bool: whether the columns (n, s) are not constant."""
    low, high = values.aminmax(dim=0)
    return low != high
