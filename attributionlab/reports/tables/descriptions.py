"""Descriptions of environments, methods, metrics, segmenters and manipulations: what they declare, and their options in words.

Describing a class imports it, and torch with it, which takes seconds. So the descriptions of the built-in classes are stored
in `built_in.json`, which `scripts/describe_built_in.py` writes and a test compares with the classes.
"""

from __future__ import annotations

import importlib.resources
import inspect
import json
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from attributionlab import methods
from attributionlab.environments.factory import ENVIRONMENTS
from attributionlab.methods.factory import METHODS
from attributionlab.methods.segmenters import SEGMENTERS
from attributionlab.metrics.factory import METRICS
from attributionlab.modification.factory import MANIPULATIONS
from attributionlab.specs.catalog import Catalog
from attributionlab.specs.grammar import format_value
from attributionlab.specs.options import describe_option, option_fields

if TYPE_CHECKING:
    from attributionlab.environments.base import Environment

Entry = dict[str, object]

CATALOGS: dict[str, Catalog[Any]] = {
    catalog.plural: catalog for catalog in (ENVIRONMENTS, METHODS, METRICS, SEGMENTERS, MANIPULATIONS)
}


def describe(kind: str, name: str) -> Entry:
    """Describe one entry.

    Args:
        kind: One of `environments`, `methods`, `metrics`, `segmenters`, `manipulations`.
        name: Its name.

    Raises:
        UnknownName: If there is no entry of this name.
    """
    is_changed = kind == "methods" and set(SEGMENTERS.names) != set(SEGMENTERS.built_in)  # LIME's options list them
    stored = None if is_changed else _stored()[kind].get(name)
    entry = describe_class(kind, name) if stored is None else dict(stored)
    if "seconds_per_image" in entry:
        entry["seconds_per_image"] = measured()["seconds"].get(name)
    return entry


def describe_class(kind: str, name: str) -> Entry:
    """Describe one entry from its class or function, which is imported.

    Raises:
        UnknownName: If there is no entry of this name.
    """
    return _DESCRIBED_BY[kind](name, CATALOGS[kind].get(name))


@cache
def measured() -> Any:
    """Seconds per image that `scripts/bench_methods.py` measured, and the machine."""
    text = importlib.resources.files("attributionlab.methods").joinpath("seconds.json").read_text(encoding="utf-8")
    return json.loads(text)


@cache
def _stored() -> dict[str, dict[str, Entry]]:
    text = importlib.resources.files("attributionlab.reports.tables").joinpath("built_in.json").read_text("utf-8")
    stored: dict[str, dict[str, Entry]] = json.loads(text)
    return stored


def _environment(name: str, kind: type[Environment]) -> Entry:
    shorthands = {short: f"sets {' and '.join(names)}" for short, names in kind.shorthands.items()}
    return {"name": name, "summary": kind.summary, "options": {**_options(kind), **shorthands}}


def _method(name: str, kind: Callable[..., object]) -> Entry:
    facts: methods.Declaration = getattr(kind, "declaration", None) or methods.Declaration()
    return {
        "name": name,
        "summary": _first_line(kind),
        "family": facts.family,
        "sign": facts.sign,
        "granularity": facts.granularity,
        "explains": facts.explains,
        "needs": sorted(facts.needs),
        "randomness": facts.randomness,
        "completeness": facts.completeness,
        "answers": facts.answers,
        "seconds_per_image": None,
        "source": facts.source,
        "options": _options(kind),
    }


def _metric(name: str, kind: Any) -> Entry:
    facts = getattr(kind, "declaration", kind)
    return {
        "name": name,
        "summary": _first_line(kind),
        "higher_is_better": facts.higher_is_better,
        "source": facts.source,
        "options": _options(kind),
    }


def _segmenter(name: str, function: Callable[..., object]) -> Entry:
    return {"name": name, "summary": _first_line(function), "options": {}}


def _manipulation(name: str, kind: Any) -> Entry:
    visibility = getattr(kind, "visibility", None)
    levels = [] if visibility is None else [f"{visibility.option}={level:g}" for level in visibility.levels]
    summary = getattr(kind, "summary", None) or _first_line(kind)
    return {"name": name, "summary": summary, "levels": levels, "options": _options(kind)}


_DESCRIBED_BY: dict[str, Callable[[str, Any], Entry]] = {
    "environments": _environment,
    "methods": _method,
    "metrics": _metric,
    "segmenters": _segmenter,
    "manipulations": _manipulation,
}


def _first_line(kind: Callable[..., object]) -> str:
    return (inspect.getdoc(kind) or "").partition("\n")[0]


def _options(kind: Callable[..., object]) -> dict[str, str]:
    """Default and allowed values of every option, by name; a plain function has none."""
    if not isinstance(kind, type):
        return {}
    return {
        name: f"{format_value(field.default)} ({describe_option(kind, name)})"
        for name, field in option_fields(kind).items()
    }
