"""From a spec, a function or the name of a function to a metric."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from attributionlab.errors import bad_option
from attributionlab.metrics.base import AnyMetric, FunctionMetric, Metric, MetricFunction
from attributionlab.metrics.insertion import Deletion, Insertion
from attributionlab.metrics.sensitivity import SensitivityN
from attributionlab.specs.catalog import Registry
from attributionlab.specs.functions import WANTED, load_function, parse_address
from attributionlab.specs.grammar import parse_spec
from attributionlab.specs.options import convert_options, join_options

if TYPE_CHECKING:
    from typing_extensions import TypeIs

METRICS: Registry[type[Metric] | MetricFunction] = Registry("metric", "attributionlab.metrics")
_OURS: tuple[type[Metric], ...] = (Insertion, Deletion, SensitivityN)
for _kind in _OURS:
    METRICS.register(_kind.name, _kind)


def make_metric(metric: str | AnyMetric | MetricFunction, /, **options: object) -> AnyMetric:
    """Build a metric from its name or spec, or wrap a function.

    Args:
        metric: A registered name or spec (`insertion[canvas=background]`), a function declared by `metric`
            `(environment, batch, attribution) -> (b,)`, or where to find one: `package.module:function`, `file.py:function`.
        **options: Options of the metric.

    Raises:
        UnknownName: If there is no such metric or option.
        BadOption: If a value does not fit or contradicts the spec, or a function has no declaration or is given options.
        MissingFile: If the module, file or function is not there.

    Example:
        >>> make_metric("insertion[canvas=background]", seed=3).spec
        'insertion[canvas=background,seed=3]'
    """
    if isinstance(metric, Metric):
        return dataclasses.replace(metric, **convert_options(type(metric), options))
    if isinstance(metric, str):
        return _from_text(metric, options)
    if not callable(metric) and not isinstance(metric, FunctionMetric):
        raise bad_option("metric", "be a spec or a function (environment, batch, attribution) -> (b,)", metric)
    if options:
        raise bad_option("options", "be empty for a function", options)
    if isinstance(metric, FunctionMetric):
        return metric
    name = getattr(metric, "__qualname__", type(metric).__qualname__)
    return FunctionMetric(function=metric, spec=f"{getattr(metric, '__module__', 'unknown')}:{name}")


def _is_class(entry: type[Metric] | MetricFunction) -> TypeIs[type[Metric]]:
    """Whether a registered entry is a class with options, rather than a plain function."""
    return isinstance(entry, type) and issubclass(entry, Metric)


def _from_text(text: str, options: dict[str, object]) -> AnyMetric:
    address = parse_address(text)
    if address is not None:
        if options or address.options:
            raise bad_option("options", f"be empty for a function ({address})", options or address.options)
        return FunctionMetric(function=load_function(text, "metric"), spec=text)
    if not text.strip() or text.endswith(".py"):
        raise bad_option("metric", WANTED, text)
    spec = parse_spec(text)
    kind = METRICS.get(spec.name)
    if _is_class(kind):
        given, written = (convert_options(kind, some) for some in (options, spec.options))
        return kind(**join_options(given, written, text))
    if options or spec.options:
        raise bad_option("options", f"be empty for {spec.name}, which is a function", {**options, **spec.options})
    return FunctionMetric(function=kind, spec=spec.name)
