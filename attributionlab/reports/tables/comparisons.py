"""The comparison of two methods as a table for the terminal and as rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.console import Group, RenderableType

from attributionlab.reports.tables.cells import escape
from attributionlab.reports.tables.plain import plain_table

if TYPE_CHECKING:
    from attributionlab.judging import MethodComparison

COLUMNS = ("scene", "network_seed", "first", "second", "difference")

_SENTENCES = {
    "better": "[bold green]BETTER[/]: the interval of the difference is above 0",
    "equal": "[bold green]EQUAL[/]: the scores differ by less than 0.02",
    "worse": "[bold red]WORSE[/]: the interval of the difference is below 0",
    "undecided": "[bold yellow]UNDECIDED[/]: the interval of the difference contains 0; use more scenes (`--n-samples`)",
    "failed": "[bold red]FAILED[/]: a method broke",
}


def comparison_table(comparison: MethodComparison) -> RenderableType:
    """Build the tables that `compare` prints."""
    n = comparison.n_samples
    title = f"{comparison.environment} · {n} images, each under its own network · F1 on {comparison.truth} truth"
    means = plain_table("")
    for column in ("", "method", "mean F1", "95 % interval"):
        means.add_column(column, justify="left" if column in ("", "method") else "right")
    for name in ("first", "second"):
        summary = comparison.scores[name]
        cells = (
            ("-", "-") if summary is None else (f"{summary.f1:.3f}", f"{summary.f1_low:.3f} to {summary.f1_high:.3f}")
        )
        means.add_row(name, escape(getattr(comparison, name)), *cells)
    parts: list[RenderableType] = [f"[bold]{escape(title)}[/]", means]
    parts += [f"[bold red]{escape(error.type)}[/]: {escape(error.message)}" for error in comparison.errors.values()]
    if comparison.difference is not None:
        low, high = comparison.low, comparison.high
        parts.append(
            f"mean difference, first minus second: {comparison.difference:+.3f}, 95 % interval {low:+.3f} to {high:+.3f}; "
            f"the first is higher on {comparison.n_higher} and lower on {comparison.n_lower} of {n} images"
        )
        if comparison.n_higher or comparison.n_lower:
            parts.append(_scenes(comparison))
    sentence = _SENTENCES[comparison.relation]
    parts.append(f"{escape(comparison.first)} against {escape(comparison.second)}: {sentence}")
    return Group(*parts)


def comparison_rows(comparison: MethodComparison) -> list[dict[str, object]]:
    """Build the rows of CSV: the images on which the methods differ most."""
    return [
        dict(
            zip(
                COLUMNS,
                (scene.index, scene.network_seed, scene.first, scene.second, scene.first - scene.second),
                strict=True,
            )
        )
        for scene in comparison.most_different
    ]


def _scenes(comparison: MethodComparison) -> RenderableType:
    """The images on which they differ most."""
    table = plain_table("F1 on the images on which they differ most")
    for column in ("image", "network seed", "first", "second", "difference"):
        table.add_column(column, justify="right")
    for scene in comparison.most_different:
        scores = (f"{scene.first:.3f}", f"{scene.second:.3f}", f"{scene.first - scene.second:+.3f}")
        table.add_row(str(scene.index), str(scene.network_seed), *scores)
    return table
