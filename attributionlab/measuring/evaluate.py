"""Evaluating: the single path from maps to the scores of a metric."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from attributionlab.errors import AttributionLabError, MetricError
from attributionlab.machine import contained
from attributionlab.metrics import AnyMetric, Measurement
from attributionlab.metrics.base import AnyBatch, AnyEnvironment
from attributionlab.printable import error_line


def measure(
    metric: AnyMetric,
    environment: AnyEnvironment,
    batch: AnyBatch,
    maps: Sequence[Tensor],
    prepared: object = None,
) -> list[Measurement]:
    """Scores of the maps of several methods on one batch.

    Args:
        metric: The metric.
        environment: The batch's environment, whose network is evaluated.
        batch: The samples.
        maps: The maps of each method, (b, *shape).
        prepared: Result of the metric's `prepare` for this environment and batch, if it was called.

    Raises:
        MetricError: If the metric raises an exception.
        BadOption: If one of its options is not valid for the environment, which is a usage error.
    """
    try:
        with contained():
            return metric.evaluate(environment, batch, maps, prepared)
    except (AttributionLabError, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise MetricError(f"{metric.spec} raised {error_line(error)}") from error


def measure_each(
    metric: AnyMetric, environment: AnyEnvironment, batch: AnyBatch, maps: Sequence[Tensor]
) -> list[Measurement]:
    """Scores of the maps of several methods; a map that the metric refuses has NaN as its scores and costs the others nothing.

    Raises:
        MetricError: If the metric raises an exception for every map; the first one.
        BadOption: As in `measure`.
    """
    try:
        return measure(metric, environment, batch, maps)
    except MetricError:
        measured = [_measured_alone(metric, environment, batch, values) for values in maps]
        if len(maps) == 1 or not any(measured):
            raise
    refused = Measurement(torch.full((len(batch),), math.nan, dtype=torch.float64))
    return [each or refused for each in measured]


def _measured_alone(
    metric: AnyMetric, environment: AnyEnvironment, batch: AnyBatch, values: Tensor
) -> Measurement | None:
    """Scores of the maps of one method; None if the metric refuses them."""
    try:
        return measure(metric, environment, batch, [values])[0]
    except MetricError:
        return None
