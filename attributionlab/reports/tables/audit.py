"""The audit as tables for people and rows for CSV."""

from __future__ import annotations

from collections.abc import Iterable

from rich import box
from rich.console import RenderableType
from rich.table import Table

from attributionlab.judging import Audit, Comparison, EnvironmentAudit
from attributionlab.reports.tables.cells import escape
from attributionlab.reports.tables.verdicts import foldable

CSV_COLUMNS = (
    "environment",
    "method",
    "role",
    "f1_truth",
    "score",
    "statistic",
    "value",
    "low",
    "high",
    "n_methods",
    "n_images",
    "error",
)


def audit_tables(audit: Audit) -> Iterable[RenderableType]:
    """Build the tables of every environment (scores by falling F1, rank correlations), then those over seeds and of comparisons."""
    families = dict.fromkeys(environment.family for environment in audit.environments)
    seeded = len(families) < len(audit.environments)
    for environment in audit.environments:
        if not seeded or environment.environment == environment.family:  # the first seed stands for all
            yield _scores_table(audit, environment)
            yield from (f"[bold red]{escape(text)}[/]" for text in environment.metric_errors.values())
            yield _correlations_table(environment)
    if seeded:
        yield _seeds_table(audit, families)
    if audit.comparisons:
        yield _comparisons_table(audit.comparisons)
    compared = {"positive": "the pixels that raise the output", "overall": "the pixels that affect the output"}
    yield f"[dim]F1 ({audit.f1_truth}): agreement of maps with {compared[audit.f1_truth]}, 0 to 1; the other columns: mean score by each metric[/]"
    yield "[dim]↑ higher is better, ↓ lower is better; spearman and kendall: do F1 and the metric rank the methods alike?[/]"
    yield "[dim](1 same order, 0 unrelated, -1 reversed order, '-' where one of them is constant)[/]"
    yield "[dim]95 % interval: of spearman, by a bootstrap over methods and images; with few methods it is wide[/]"
    if any(environment.references for environment in audit.environments):
        yield "[dim]reference: computed from the truth, left out of the correlations, because it would raise the agreement of any metric[/]"


def audit_rows(audit: Audit) -> list[dict[str, object]]:
    """Build the rows of CSV: one per environment, method and score, one per correlation, then one per comparison."""
    scores: list[dict[str, object]] = [
        {
            "environment": environment.environment,
            "method": spec,
            "role": role,
            "f1_truth": audit.f1_truth,
            "score": name,
            "value": value,
            "n_images": audit.n_samples,
            "error": environment.metric_errors.get(name) if scores.error is None else scores.error.message,
        }
        for environment in audit.environments
        for role, rows in (("method", environment.methods), ("reference", environment.references))
        for spec, scores in rows.items()
        for name, value in {"f1": scores.f1, **scores.metrics}.items()
    ]
    correlations: list[dict[str, object]] = [
        {
            "environment": environment.environment,
            "f1_truth": audit.f1_truth,
            "score": name,
            "statistic": statistic,
            "value": value,
            "low": correlation.low if statistic == "spearman" else None,
            "high": correlation.high if statistic == "spearman" else None,
            "n_methods": correlation.n_methods,
            "n_images": correlation.n_images,
            "error": environment.metric_errors.get(name),
        }
        for environment in audit.environments
        for name, correlation in environment.correlations.items()
        for statistic, value in (("spearman", correlation.spearman), ("kendall", correlation.kendall))
    ]
    comparisons: list[dict[str, object]] = [
        {
            "environment": comparison.environment,
            "f1_truth": audit.f1_truth,
            "score": comparison.metric,
            "statistic": "spearman less without redundant channels",
            "value": comparison.effect.difference,
            "low": comparison.effect.low,
            "high": comparison.effect.high,
        }
        for comparison in audit.comparisons
    ]
    return scores + correlations + comparisons


def _scores_table(audit: Audit, environment: EnvironmentAudit) -> Table:
    images = "1 image" if audit.n_samples == 1 else f"{audit.n_samples} images"
    target = "" if audit.target == "winner" else f", target {audit.target}"
    title = escape(f"{environment.environment} · {images}{target}")
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("method")
    arrows = {name: "↑" if higher else "↓" for name, higher in environment.higher_is_better.items()}
    for name, arrow in {f"F1 ({audit.f1_truth})": "↑", **arrows}.items():
        table.add_column(f"{foldable(name)} {arrow}", justify="right", overflow="fold")
    table.add_column("")
    ordered = sorted(environment.methods.items(), key=lambda entry: -1.0 if entry[1].f1 is None else entry[1].f1)
    for spec, scores in (*reversed(ordered), *environment.references.items()):
        error = "" if scores.error is None else f"[red]{escape(scores.error.message)}[/]"
        role = "[dim]reference[/] " if spec in environment.references else ""
        role += "[yellow]ignores the target[/] " if scores.ignores_target else ""
        table.add_row(escape(spec), *map(_number, (scores.f1, *scores.metrics.values())), role + error)
    return table


def _correlations_table(environment: EnvironmentAudit) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("metric")
    for name in ("spearman", "95 % interval", "kendall", "methods", "images"):
        table.add_column(name, justify="right")
    for name, correlation in environment.correlations.items():
        interval = f"{_number(correlation.low)} to {_number(correlation.high)}"
        n = str(correlation.n_methods), str(correlation.n_images)
        table.add_row(escape(name), _number(correlation.spearman), interval, _number(correlation.kendall), *n)
    return table


def _seeds_table(audit: Audit, families: Iterable[str]) -> Table:
    """Mean and range of Spearman's rho over network seeds, by environment and metric."""
    table = Table(title="spearman over network seeds", title_justify="left", box=box.SIMPLE_HEAD)
    for name, justify in (
        ("environment", "left"),
        ("metric", "left"),
        ("mean", "right"),
        ("range", "right"),
        ("seeds", "right"),
    ):
        table.add_column(name, justify=justify)  # type: ignore[arg-type]  # the literals of rich
    for family in families:
        members = [environment for environment in audit.environments if environment.family == family]
        for metric in members[0].correlations:
            spearmans = [member.correlations[metric].spearman for member in members]
            values = [spearman for spearman in spearmans if spearman is not None]
            mean = sum(values) / len(values) if values else None
            span = f"{_number(min(values))} to {_number(max(values))}" if values else "-"
            table.add_row(escape(family), escape(metric), _number(mean), span, str(len(values)))
    return table


def _comparisons_table(comparisons: Iterable[Comparison]) -> Table:
    """Rank correlations with and without redundant channels, on the same images."""
    table = Table(title="with and without redundant channels, same images", title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("environment")
    table.add_column("metric")
    for name in ("with", "without", "difference", "95 % interval", "lower in"):
        table.add_column(name, justify="right")
    for comparison in comparisons:
        effect = comparison.effect
        lower = (
            "-" if effect.share_lower is None else f"{round(effect.share_lower * effect.n_pairs)} of {effect.n_pairs}"
        )
        numbers = map(_number, (effect.first, effect.second, effect.difference))
        interval = f"{_number(effect.low)} to {_number(effect.high)}"
        table.add_row(escape(comparison.environment), escape(comparison.metric), *numbers, interval, lower)
    return table


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
