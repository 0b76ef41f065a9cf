"""The catalog of metrics, and their construction from specs, functions and addresses. Importing it does not import torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attributionlab.specs.catalog import Catalog
from attributionlab.specs.registration import registration
from attributionlab.specs.rules import Rules

if TYPE_CHECKING:
    from attributionlab.metrics.base import AnyMetric, Metric, MetricFunction

ALWAYS_MEASURED = "precision, recall and F1 against the truth are always measured, so leave it out"
"""Hint about scores that are no metrics of the catalog."""

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
        "auc": ("insertion", "deletion"),
        "ins": ("insertion",),
        "del": ("deletion",),
        "pixelflipping": ("deletion",),
        "sensitivity": ("sensitivity-n",),
    },
    hints=dict.fromkeys(("f1", "precision", "recall"), ALWAYS_MEASURED),
)
"""All metrics."""


@registration
def register_metric(name: Any, metric: Any = None, /) -> Any:
    """Register a metric under a name, in this process.

    It must be a subclass of `Metric` (a frozen dataclass whose fields are its options, with a `name`, `higher_is_better` and
    a `source`) or a function `(environment, batch, attribution) -> (b,)` declared by `metric`. An installed
    package uses an entry point of the group `attributionlab.metrics` instead, which works in every process.

    Args:
        name: The name in specs; by default a class's own `name`, or a function's name with dashes.
        metric: The class or function; omitted if `register_metric` is used as a decorator.

    Returns:
        The class or function itself.

    Raises:
        BadOption: If the name is taken or not valid in a spec, or the class or function does not fit.

    Example:
        >>> import attributionlab as al  # doctest: +SKIP
        >>> @register_metric("total")  # doctest: +SKIP
        ... @al.metric(higher_is_better=True)
        ... def total(environment, batch, attribution):
        ...     return attribution.flatten(1).sum(dim=1)
        >>> make_metric("total").higher_is_better  # doctest: +SKIP
        True
    """
    return METRICS.register(name, metric)


def make_metric(metric: str | AnyMetric | MetricFunction, /, **options: object) -> AnyMetric:
    """Build a metric from its name or spec, or wrap a function.

    Args:
        metric: A registered name or spec (`insertion[canvas=background]`), a metric or its class, a function declared by
            `metric` `(environment, batch, attribution) -> (b,)`, or its address: `package.module:function`, `file.py:function`.
        **options: Options of the metric.

    Raises:
        UnknownName: If there is no such metric or option.
        BadOption: If a value is not valid or contradicts the spec, a function has no declaration, or options are given for a
            function.
        MissingFile: If the module, file or function does not exist.

    Example:
        >>> make_metric("insertion[canvas=background]", seed=3).spec
        'insertion[canvas=background,seed=3]'
    """
    built: AnyMetric = METRICS.build(metric, options)
    return built
