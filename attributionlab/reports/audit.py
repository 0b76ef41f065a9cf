"""The audit as tables for people and rows for CSV."""

from __future__ import annotations

from collections.abc import Iterable

from rich import box
from rich.console import RenderableType
from rich.markup import escape
from rich.table import Table

from attributionlab.experiments import Audit, EnvironmentAudit

CSV_COLUMNS = ("environment", "method", "f1_truth", "score", "value", "error")


def audit_tables(audit: Audit) -> Iterable[RenderableType]:
    """Per environment: the methods by falling F1 with all scores, then the rank correlations."""
    for environment in audit.environments:
        yield _scores_table(audit, environment)
        yield _correlations_table(environment)
    yield "[dim]spearman: between F1 and the metric, higher being better for both; interval: images drawn anew[/]"


def audit_rows(audit: Audit) -> list[dict[str, object]]:
    """One row per environment, method and score."""
    return [
        {
            "environment": environment.environment,
            "method": spec,
            "f1_truth": audit.f1_truth,
            "score": name,
            "value": value,
            "error": None if scores.error is None else scores.error.message,
        }
        for environment in audit.environments
        for spec, scores in environment.methods.items()
        for name, value in {"f1": scores.f1, **scores.metrics}.items()
    ]


def _scores_table(audit: Audit, environment: EnvironmentAudit) -> Table:
    table = Table(title=escape(environment.environment), title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("method")
    for name in (f"F1 ({audit.f1_truth})", *environment.correlations):
        table.add_column(name, justify="right")
    table.add_column("")
    ordered = sorted(environment.methods.items(), key=lambda item: -1.0 if item[1].f1 is None else item[1].f1)
    for spec, scores in reversed(ordered):
        error = "" if scores.error is None else escape(scores.error.message)
        table.add_row(escape(spec), *map(_number, (scores.f1, *scores.metrics.values())), f"[red]{error}[/]")
    return table


def _correlations_table(environment: EnvironmentAudit) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("metric")
    for name in ("spearman", "95 % interval", "kendall"):
        table.add_column(name, justify="right")
    for name, both in environment.correlations.items():
        interval = f"{_number(both.low)} to {_number(both.high)}"
        table.add_row(escape(name), _number(both.spearman), interval, _number(both.kendall))
    return table


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
