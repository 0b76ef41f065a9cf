"""Evaluating: the single path from maps to the scores of a metric."""

from __future__ import annotations

from collections.abc import Sequence

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
