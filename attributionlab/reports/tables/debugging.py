"""The result of a debugging test as tables for the terminal and as rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import Group, JustifyMethod, RenderableType

from attributionlab.reports.tables.cells import escape
from attributionlab.reports.tables.plain import plain_table

if TYPE_CHECKING:
    from attributionlab.judging import BugVerdict, DebugReport, MeanSimilarity

COLUMNS = (
    "method",
    "bug",
    "outcome",
    "basis",
    "quantity",
    "value",
    "low",
    "high",
    "standard_error",
    "n",
    "floor",
    "ceiling",
    "truth",
    "error",
)

STYLES = {"revealed": "green", "undecided": "yellow", "invisible": "bright_black"}
"""Colors of outcomes; all others are red."""

SHOWN = {"ssim_minmax": "SSIM (range)", "rank": "rank", "norm_difference": "norm difference"}
"""Similarities of the table for terminals, with their titles; JSON and CSV have all."""

LONGEST_WORD = len("spurious-background")

LEGEND = (
    "follows: 1 if the map changes as the truth does, 0 if it does not change; where the truth is empty, the share of the map that "
    "disappears. own: follows for the class that the network with the bug predicts. F: agreement (F1, or the cosine with exact effects) "
    "with the truth of the network with the bug, and with that of the healthy one"
)


def debug_table(report: DebugReport) -> RenderableType:
    """Build the tables, remarks and summary that `debug` prints."""
    title = f"{report.method} · {report.n_samples} images per bug, each under networks of its own"
    parts: list[RenderableType] = [f"[bold]{escape(title)}[/]", _verdicts(report), f"[dim]{LEGEND}[/]", ""]
    parts.append(_similarities(report))
    parts += [
        f"[bold red]{escape(verdict.error.type)}[/] ({escape(verdict.bug)}): {escape(verdict.error.message)}"
        for verdict in report.bugs
        if verdict.error is not None
    ]
    names = ", ".join(verdict.label for verdict in report.bugs if verdict.outcome == "revealed") or "none"
    n = len(report.bugs)
    summary = f"{report.method} reveals {len(report.revealed)} of {n} bug{'s' if n > 1 else ''}: {names}"
    parts.append(escape(summary))
    return Group(*parts)


def debug_rows(report: DebugReport) -> Iterator[dict[str, object]]:
    """Build the rows of CSV: one per bug and quantity."""
    for verdict in report.bugs:
        common = {"method": report.method, "bug": verdict.bug, "outcome": verdict.outcome, "basis": verdict.basis}
        if verdict.error is not None:
            yield {**common, "error": f"{verdict.error.type}: {verdict.error.message}"}
            continue
        for name in ("follows", "follows_own"):
            follows = getattr(verdict, name)
            if follows is not None:
                yield {
                    **common,
                    "quantity": name,
                    "n": report.n_samples,
                    "value": follows.value,
                    "low": follows.low,
                    "high": follows.high,
                }
        for group in ("agreement", "mass"):
            for name, value in (getattr(verdict, group) or {}).items():
                yield {**common, "quantity": f"{group}.{name}", "value": value, "n": report.n_samples}
        for name, mean in verdict.similarity.items():
            yield {
                **common,
                "quantity": name,
                "value": mean.mean,
                "standard_error": mean.standard_error,
                "n": mean.n,
                "floor": mean.floor,
                "ceiling": mean.ceiling,
                "truth": mean.truth,
            }


def _verdicts(report: DebugReport) -> RenderableType:
    """Build the table of verdicts."""
    table = plain_table("does the map follow the bug?")
    for column in ("bug", "outcome", "follows (95 % CI)", "own", "F", "F healthy", "no map"):
        justify: JustifyMethod = "left" if column in ("bug", "outcome") else "right"
        width = LONGEST_WORD if column == "bug" else None
        table.add_column(column, justify=justify, no_wrap=column != "bug", min_width=width)
    for verdict in report.bugs:
        color = STYLES.get(verdict.outcome, "red")
        follows, own, agreement = verdict.follows, verdict.follows_own, verdict.agreement or {}
        value = "-" if follows is None else f"{follows.value:.2f} ({follows.low:.2f}, {follows.high:.2f})"
        table.add_row(
            escape(verdict.label),
            f"[{color}]{verdict.outcome}[/]",
            value,
            _number(None if own is None else own.value),
            _number(agreement.get("own")),
            _number(agreement.get("healthy")),
            "" if verdict.error is not None else str(verdict.n_without_map),
        )
    return table


def _similarities(report: DebugReport) -> RenderableType:
    """Build the table of similarities."""
    title = (
        "the healthy map and the one with the bug: mean ± standard error (noise; the same with another seed; truths)"
    )
    table = plain_table(title)
    table.add_column("bug", min_width=LONGEST_WORD)
    for name in SHOWN.values():
        table.add_column(name)
    for verdict in report.bugs:
        if verdict.error is None:
            table.add_row(escape(verdict.label), *(_similarity(verdict, name) for name in SHOWN))
    return table


def _similarity(verdict: BugVerdict, name: str) -> str:
    """One similarity with its references."""
    mean: MeanSimilarity | None = verdict.similarity.get(name)
    if mean is None:
        return "-"
    value = "no map" if mean.mean is None else f"{mean.mean:.2f}"
    error = "" if mean.standard_error is None else f" ± {mean.standard_error:.2f}"
    return f"{value}{error} ({'; '.join(map(_number, (mean.floor, mean.ceiling, mean.truth)))})"


def _number(value: float | None) -> str:
    """A number with two digits, or a dash."""
    return "-" if value is None else f"{value:.2f}"
