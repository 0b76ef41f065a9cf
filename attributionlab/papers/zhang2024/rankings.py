"""What the tables of ranks share: claims on correlations and on the order of methods."""

from __future__ import annotations

from collections.abc import Mapping

from attributionlab.papers.claims import Claim, Direction, Finding, Result, judge, summarized, within
from attributionlab.papers.study import Cell, ReportTable
from attributionlab.papers.zhang2024.measuring import Ranked
from attributionlab.papers.zhang2024.published import F1_COLUMN, PublishedTable

VALUE_TOLERANCE = 0.1
"""On a rank correlation: about four swaps of neighbors among eight methods."""

PRINT_TOLERANCE = 0.005
"""What rounding to two digits explains."""

CONTRADICTION = "the printed value is not that of the printed ranks, so that no ranking can have both"

N_MOVED = 3
SAME_ORDER = 0.9
ALIKE = 0.5


def consistency(key: str, table: PublishedTable) -> list[Result]:
    """That printed correlations follow from printed ranks: nothing is measured."""
    results = []
    for column, recomputed in zip(table.columns[1:], table.recomputed(), strict=True):
        claim = Claim(
            key=f"{key}.printed.{column.lower()}",
            source=table.source,
            statement=f"The printed correlation of {column} with F1 is that of the printed ranks",
            published=f"{table.printed(column):.2f}",
            test="the same to two digits",
        )
        holds = within(table.printed(column), PRINT_TOLERANCE)
        note = f"recomputed from the printed ranks: {recomputed:.2f}"
        results.append(Result(claim, (judge(summarized([recomputed]), holds, note=note),)))
    return results


def correlations(key: str, table: PublishedTable, readings: Mapping[str, Ranked], *, trusted: bool) -> list[Result]:
    """That metrics agree with the truth as much as printed.

    Args:
        key: Of the study.
        table: What is printed.
        readings: By reading of the paper, what ranks the methods.
        trusted: Whether the printed correlations follow from the printed ranks.
    """
    results = []
    for column, recomputed in zip(table.columns[1:], table.recomputed(), strict=True):
        printed = table.printed(column)
        claim = Claim(
            key=f"{key}.correlation.{column.lower()}",
            source=table.source,
            statement=f"Spearman's correlation of {column} with F1",
            published=f"{printed:.2f}" + ("" if trusted else f" (the printed ranks give {recomputed:.2f})"),
            test=f"within {VALUE_TOLERANCE} of the printed value",
            direction="at least 0.5" if trusted else "",
        )
        findings = []
        for reading, ranked in readings.items():
            found = ranked.correlation(F1_COLUMN, column)
            direction = Direction(found, lambda value: value >= ALIKE) if trusted else None
            cause = "" if trusted else CONTRADICTION
            findings.append(judge(found, within(printed, VALUE_TOLERANCE), direction, setting=reading, cause=cause))
        results.append(Result(claim, tuple(findings)))
    return results


def orders(key: str, table: PublishedTable, readings: Mapping[str, Ranked]) -> list[Result]:
    """That each column orders the methods as printed."""
    results = []
    for column in table.columns:
        claim = Claim(
            key=f"{key}.order.{column.lower()}",
            source=table.source,
            statement=f"Order of the methods by {column}",
            published="printed ranks",
            test=f"Spearman's correlation with the printed ranks at least {SAME_ORDER}",
            direction=f"at least {ALIKE}",
        )
        findings = tuple(_order(ranked, column, table.column(column), reading) for reading, ranked in readings.items())
        results.append(Result(claim, findings))
    return results


def _order(ranked: Ranked, column: str, printed: Mapping[str, float], reading: str) -> Finding:
    found = ranked.agreement(column, printed)
    direction = Direction(found, lambda value: value >= ALIKE)
    moved = _moved(_ours(ranked, column, printed), printed)
    return judge(found, lambda value: value >= SAME_ORDER, direction, setting=reading, cause=moved)


def _ours(ranked: Ranked, column: str, printed: Mapping[str, float]) -> dict[str, float]:
    """Our ranks, counted from where the printed ones start: one table counts from 0."""
    first = min(printed.values())
    return {method: rank - 1 + first for method, rank in ranked.ranks(column).items()}


def _moved(ours: Mapping[str, float], printed: Mapping[str, float]) -> str:
    """Which methods are farthest from where they are printed."""
    farthest = sorted(printed, key=lambda method: -abs(ours[method] - printed[method]))[:N_MOVED]
    return "farthest: " + ", ".join(f"{method} {ours[method]:.3g} (printed {printed[method]:g})" for method in farthest)


def rank_table(title: str, table: PublishedTable, ranked: Ranked) -> ReportTable:
    """Printed ranks beside ours, and the correlations below them."""
    columns = ("method", *(f"{column}, {whose}" for column in table.columns for whose in ("published", "ours")))
    ours = {column: _ours(ranked, column, table.column(column)) for column in table.columns}
    rows: list[tuple[Cell, ...]] = []
    for method, printed in table.rows.items():
        pairs = zip(printed, (ours[column][method] for column in table.columns), strict=True)
        rows.append((method, *(value for pair in pairs for value in pair)))
    found = (ranked.correlation(F1_COLUMN, column).value for column in table.columns[1:])
    pairs = zip(table.correlations, found, strict=True)
    rows.append(("Spearman with F1", None, None, *(value for pair in pairs for value in pair)))
    return ReportTable(title, columns, tuple(rows))
