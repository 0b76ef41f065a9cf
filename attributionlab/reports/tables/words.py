"""Attr% of words as tables for the terminal and as rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import RenderableType

from attributionlab.reports.tables.plain import plain_table

if TYPE_CHECKING:
    from attributionlab.text import RationaleScores, WordReport, WordShares

COLUMNS = ("data", "method", "role", "network", "attr", "frequency")

ROLES = {"correlating": "articles of the label", "non_correlating": "other articles", "other": "other words"}

NOTE = """A network that is right must use the articles of the label; Attr% near 1 is
expected there. "words" is their share of all words, which is what a random map
has. A rationale without one of these articles may still be right: that one of two
words is absent says as much."""


def word_tables(report: WordReport) -> Iterator[RenderableType]:
    """Build the tables that `attr-words` prints."""
    for shares in report.shares:
        yield _shares(shares)
    if report.rationales:
        yield _rationales(report.rationales)
    yield f"[dim]{NOTE}[/]"


def word_rows(report: WordReport) -> list[dict[str, object]]:
    """Build the rows of CSV, one per data set, method, role and network."""
    return [
        dict(zip(COLUMNS, (shares.kind, row.method, row.role, network, value, row.frequency), strict=True))
        for shares in report.shares
        for row in shares.shares
        for network, value in enumerate(row.means)
    ]


def _shares(shares: WordShares) -> RenderableType:
    accuracies = [test.accuracy for test in shares.accuracies]
    n, least = len(accuracies), min(accuracies)
    table = plain_table(f"{shares.kind}: Attr%, {n} network{'s' if n > 1 else ''} of accuracy {least:.3f} or more")
    roles = list(dict.fromkeys(row.role for row in shares.shares))
    for column in ("method", *(ROLES[role] for role in roles)):
        table.add_column(column, justify="left" if column == "method" else "right")
    for method in dict.fromkeys(row.method for row in shares.shares):
        rows = {row.role: row for row in shares.shares if row.method == method}
        cells = [
            f"{rows[role].mean:.2f}" + (f" +- {rows[role].deviation:.2f}" if n > 1 else "") if role in rows else "-"
            for role in roles
        ]
        table.add_row(method, *cells)
    frequency = {row.role: row.frequency for row in shares.shares}
    table.add_row("words", *(f"{frequency[role]:.2f}" for role in roles))
    return table


def _rationales(rationales: tuple[RationaleScores, ...]) -> RenderableType:
    table = plain_table("rationales")
    columns = ("data", "selector", "accuracy", "%Sel", "precision", "recall", "covered", "right without")
    for column in columns:
        table.add_column(column, justify="left" if column in ("data", "selector") else "right")
    for each in rationales:
        accuracy = f"{each.test.accuracy:.3f}" + ("" if each.test.beats_bound else " no verdict")
        best = each.optimum
        table.add_row(
            each.kind,
            each.selector,
            accuracy,
            f"{each.selected:.3f}",
            f"{each.precision:.2f} <= {best.precision:.2f}",
            f"{each.recall:.2f} <= {best.recall:.2f}",
            f"{each.covered:.2f}",
            f"{each.right_uncovered:.2f}",
        )
    return table
