"""The sweep as tables for people and rows for CSV."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import RenderableType
from rich.table import Table

from attributionlab.judging import RankCorrelation, Sweep, SweepCurve, SweepPoint
from attributionlab.judging.statistics import ResampledMean
from attributionlab.reports.tables.cells import escape
from attributionlab.reports.tables.plain import plain_table
from attributionlab.reports.tables.verdicts import foldable
from attributionlab.specs.grammar import format_value

COLUMNS = ("method", "value", "score", "mean", "low", "high", "n", "answers", "error")


def sweep_tables(sweep: Sweep) -> Iterator[RenderableType]:
    """Build a table for each method, and one of the rank correlations."""
    images = f"{sweep.n_samples} image{'s' if sweep.n_samples != 1 else ''}, each under its own network"
    yield f"[bold]{escape(sweep.environment)}[/] · {images}"
    for curve in sweep.curves:
        yield _curve_table(sweep, curve)
        yield from (
            f"[bold red]{escape(point.error.type)}[/] at {format_value(point.value)}: {escape(point.error.message)}"
            for point in curve.points
            if point.error is not None
        )
    yield from (f"[bold red]{escape(text)}[/]" for text in sweep.metric_errors.values())
    if sweep.correlations:
        yield _correlations_table(sweep)
    yield "[dim]F1, 0 to 1: agreement of maps with the exact truth; the other columns: mean score by each metric[/]"
    yield "[dim](↑ higher is better, ↓ lower is better); 95 % intervals: bootstrap over images[/]"
    yield "[dim]answers: games whose exact values the maps are; where there is none, the nearest and its mean l1 distance[/]"


def sweep_rows(sweep: Sweep) -> list[dict[str, object]]:
    """Build the rows of CSV: one per method, value and score, then one per metric and value for the rank correlations."""
    rows: list[dict[str, object]] = []
    for curve in sweep.curves:
        for point in curve.points:
            place = {"method": curve.method, "value": point.value}
            facts = {"answers": point.answers, "error": None if point.error is None else point.error.message}
            scores = {
                f"{curve.truth}.f1": point.truths.get(curve.truth),
                **{f"{kind}.f1": mean for kind, mean in point.truths.items()},
                **point.metrics,
            }
            rows += [{**place, "score": name, **_cells(mean), **facts} for name, mean in scores.items()]
            rows += [
                {**place, "score": f"{name}.l1", "mean": agreement.scores["l1"], **facts}
                for name, agreement in point.games.items()
            ]
    for metric, correlations in sweep.correlations.items():
        for value, each in zip(sweep.values, correlations, strict=True):
            interval = {"mean": each.spearman, "low": each.low, "high": each.high, "n": each.n_methods}
            rows.append({"method": "", "value": value, "score": f"{metric}.spearman", **interval})
    return rows


def _cells(mean: ResampledMean | None) -> dict[str, object]:
    return {} if mean is None else {"mean": mean.mean, "low": mean.low, "high": mean.high}


def _curve_table(sweep: Sweep, curve: SweepCurve) -> Table:
    """A row per value: F1, metrics, answers."""
    table = plain_table(escape(curve.method))
    table.add_column(escape(sweep.vary), justify="right")
    table.add_column(f"F1 ({curve.truth})", justify="right", no_wrap=True)
    table.add_column("95 % interval", justify="right", no_wrap=True)
    for name, higher in sweep.higher_is_better.items():
        table.add_column(f"{foldable(name)} {'↑' if higher else '↓'}", justify="right", overflow="fold")
    table.add_column("answers")
    for point in curve.points:
        f1 = point.truths.get(curve.truth)
        interval = "-" if f1 is None else f"{f1.low:.3f} to {f1.high:.3f}"
        metrics = (_number(point.metrics.get(name)) for name in sweep.higher_is_better)
        table.add_row(escape(format_value(point.value)), _number(f1), interval, *metrics, _answers(point, sweep))
    return table


def _answers(point: SweepPoint, sweep: Sweep) -> str:
    """The games that are answered, or the nearest one; and maps that are zero."""
    if point.error is not None:
        return "[red]failed[/]"
    zero = f"; {point.n_zero_maps} of {sweep.n_samples} maps are zero" if point.n_zero_maps else ""
    if point.answers:
        return f"[green]{escape(', '.join(point.answers))}[/]{zero}"
    nearest = next(iter(point.games.items()), None)
    if nearest is None:
        return f"-{zero}"
    name, agreement = nearest
    return f"none; {escape(name)} at {agreement.distance:.2f}{zero}"


def _correlations_table(sweep: Sweep) -> Table:
    """Rank correlations of F1 and the metrics, by value."""
    table = plain_table(f"Spearman of F1 ({sweep.correlated_truth}) and each metric, over {len(sweep.curves)} methods")
    table.add_column(escape(sweep.vary), justify="right")
    for name in sweep.correlations:
        table.add_column(foldable(name), justify="right", overflow="fold")
        table.add_column("95 % interval", justify="right", no_wrap=True)
    for index, value in enumerate(sweep.values):
        cells = [text for row in sweep.correlations.values() for text in _correlation(row[index])]
        table.add_row(escape(format_value(value)), *cells)
    return table


def _correlation(correlation: RankCorrelation) -> tuple[str, str]:
    """Spearman's rho and its interval."""
    if correlation.spearman is None or correlation.low is None or correlation.high is None:
        return "-", "-"
    return f"{correlation.spearman:.3f}", f"{correlation.low:.2f} to {correlation.high:.2f}"


def _number(mean: ResampledMean | None) -> str:
    return "-" if mean is None else f"{mean.mean:.3f}"
