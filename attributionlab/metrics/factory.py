"""The catalog of metrics, and the way from a spec, a function or an address to a metric. Nothing here imports torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attributionlab.specs.catalog import Catalog
from attributionlab.specs.rules import Rules

if TYPE_CHECKING:
    from attributionlab.metrics.base import AnyMetric, Metric, MetricFunction

METRICS: Catalog[type[Metric] | MetricFunction] = Catalog(
    kind="metric",
    built_in={
        "insertion": "attributionlab.metrics.insertion:Insertion",
        "deletion": "attributionlab.metrics.insertion:Deletion",
        "sensitivity-n": "attributionlab.metrics.sensitivity:SensitivityN",
    },
    rules=Rules(
        base="attributionlab.metrics.base:Metric",
        facts={"higher_is_better": "builtins:bool", "source": "builtins:str"},
        wrapper="attributionlab.metrics.base:FunctionMetric",
        signature="(environment, batch, attribution) -> (b,)",
    ),
    aliases={
        "ins": ("insertion",),
        "del": ("deletion",),
        "pixelflipping": ("deletion",),
        "sensitivity": ("sensitivity-n",),
    },
)
"""All metrics."""

register_metric = METRICS.register


def make_metric(metric: str | AnyMetric | MetricFunction, /, **options: object) -> AnyMetric:
    """Build a metric from its name or spec, or wrap a function.

    Args:
        metric: A registered name or spec (`insertion[canvas=background]`), a metric or its class, a function declared by
            `metric` `(environment, batch, attribution) -> (b,)`, or its address: `package.module:function`, `file.py:function`.
        **options: Options of the metric.

    Raises:
        UnknownName: If there is no such metric or option.
        BadOption: If a value does not fit or contradicts the spec, or a function has no declaration or is given options.
        MissingFile: If the module, file or function does not exist.

    Example:
        >>> make_metric("insertion[canvas=background]", seed=3).spec
        'insertion[canvas=background,seed=3]'
    """
    built: AnyMetric = METRICS.build(metric, options)
    return built
