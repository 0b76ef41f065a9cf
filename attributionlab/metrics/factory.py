"""The catalog of metrics, and the way from a spec, a function or an address to a metric. Nothing here imports torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, overload

from attributionlab.specs.catalog import Catalog, Registered
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


@overload
def register_metric(name: str, /) -> Callable[[Registered], Registered]: ...
@overload
def register_metric(name: str, metric: Registered, /) -> Registered: ...
@overload
def register_metric(metric: Registered, /) -> Registered: ...
def register_metric(name: Any, metric: Any = None, /) -> Any:
    """Make a metric known by a name, in this process.

    Registered are subclasses of `Metric`, which are frozen dataclasses whose fields are their options, with a `name`,
    `higher_is_better` and a `source`; and functions `(environment, batch, attribution) -> (b,)` declared by `metric`. An
    installed package uses an entry point of the group `attributionlab.metrics` instead, which works in every process.

    Args:
        name: The name in specs; left out, it is a class's own `name`, or a function's with dashes.
        metric: The class or function; left out where `register_metric` decorates it.

    Returns:
        The class or function itself.

    Raises:
        BadOption: If the name is taken or cannot stand in a spec, or what is registered lacks something, which the message names.

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
        BadOption: If a value does not fit or contradicts the spec, or a function has no declaration or is given options.
        MissingFile: If the module, file or function does not exist.

    Example:
        >>> make_metric("insertion[canvas=background]", seed=3).spec
        'insertion[canvas=background,seed=3]'
    """
    built: AnyMetric = METRICS.build(metric, options)
    return built
