"""Claims of tables of ranks: correlations with F1 and the order of methods."""

from __future__ import annotations

from collections.abc import Mapping

from attributionlab.papers.claims import Direction, Finding, JudgedClaim, PublishedClaim, judge_evidence, within
from attributionlab.papers.evidence import average_networks
from attributionlab.papers.measuring import F1_COLUMN, RankedScores
from attributionlab.papers.published import PublishedTable
from attributionlab.papers.studies import Cell, ReportTable
from attributionlab.papers.zhang2024.published import PublishedRanks

VALUE_TOLERANCE = 0.1
"""Tolerance of a rank correlation: about four swaps of neighbors among eight methods."""

PRINT_TOLERANCE = 0.005
"""Error of rounding to two digits."""

CONTRADICTION = "the printed value is not that of the printed ranks, so that no ranking can have both"

N_MOVED = 3
SAME_ORDER = 0.9
ALIKE = 0.5


def consistency(key: str, ranks: PublishedRanks) -> list[JudgedClaim]:
    """Claims that printed correlations follow from printed ranks; nothing is measured."""
    claims = []
    for column, recomputed in zip(ranks.table.columns[1:], ranks.recomputed(), strict=True):
        claim = PublishedClaim(
            key=f"{key}.printed.{column.lower()}",
            source=ranks.table.source,
            statement=f"The printed correlation of {column} with F1 is that of the printed ranks",
            published=f"{ranks.printed(column):.2f}",
            test="the same to two digits",
        )
        holds = within(ranks.printed(column), PRINT_TOLERANCE)
        note = f"recomputed from the printed ranks: {recomputed:.2f}"
        claims.append(JudgedClaim(claim, (judge_evidence(average_networks([recomputed]), holds, note=note),)))
    return claims


def correlations(
    key: str, ranks: PublishedRanks, readings: Mapping[str, RankedScores], *, trusted: bool
) -> list[JudgedClaim]:
    """Claims that metrics agree with the truth as much as printed.

    Args:
        key: Key of the study.
        ranks: The printed table.
        readings: Measured scores by reading of the paper.
        trusted: Whether the printed correlations follow from the printed ranks.
    """
    claims = []
    for column, recomputed in zip(ranks.table.columns[1:], ranks.recomputed(), strict=True):
        printed = ranks.printed(column)
        claim = PublishedClaim(
            key=f"{key}.correlation.{column.lower()}",
            source=ranks.table.source,
            statement=f"Spearman's correlation of {column} with F1",
            published=f"{printed:.2f}" + ("" if trusted else f" (the printed ranks give {recomputed:.2f})"),
            test=f"within {VALUE_TOLERANCE} of the printed value",
            direction="at least 0.5" if trusted else "",
        )
        findings = []
        for reading, ranked in readings.items():
            ours = ranked.correlation(F1_COLUMN, column)
            direction = Direction(ours, lambda value: value >= ALIKE) if trusted else None
            cause = "" if trusted else CONTRADICTION
            holds = within(printed, VALUE_TOLERANCE)
            findings.append(judge_evidence(ours, holds, direction, reading=reading, cause=cause))
        claims.append(JudgedClaim(claim, tuple(findings)))
    return claims


def orders(key: str, table: PublishedTable, readings: Mapping[str, RankedScores]) -> list[JudgedClaim]:
    """Claims that each column orders the methods as printed."""
    claims = []
    for column in table.columns:
        claim = PublishedClaim(
            key=f"{key}.order.{column.lower()}",
            source=table.source,
            statement=f"Order of the methods by {column}",
            published="printed ranks",
            test=f"Spearman's correlation with the printed ranks at least {SAME_ORDER}",
            direction=f"at least {ALIKE}",
        )
        findings = tuple(_order(ranked, column, table.column(column), reading) for reading, ranked in readings.items())
        claims.append(JudgedClaim(claim, findings))
    return claims


def _order(ranked: RankedScores, column: str, printed: Mapping[str, float], reading: str) -> Finding:
    agreement = ranked.agreement(column, printed)
    direction = Direction(agreement, lambda value: value >= ALIKE)
    moved = _moved(_ours(ranked, column, printed), printed)
    return judge_evidence(agreement, lambda value: value >= SAME_ORDER, direction, reading=reading, cause=moved)


def _ours(ranked: RankedScores, column: str, printed: Mapping[str, float]) -> dict[str, float]:
    """Our ranks, counted from the lowest printed one: one table counts from 0."""
    first = min(printed.values())
    return {method: rank - 1 + first for method, rank in ranked.ranks(column).items()}


def _moved(ours: Mapping[str, float], printed: Mapping[str, float]) -> str:
    """The methods whose ranks differ most from the printed ones."""
    farthest = sorted(printed, key=lambda method: -abs(ours[method] - printed[method]))[:N_MOVED]
    return "farthest: " + ", ".join(f"{method} {ours[method]:.3g} (printed {printed[method]:g})" for method in farthest)


def rank_table(title: str, printed: PublishedRanks, ranked: RankedScores) -> ReportTable:
    """Printed ranks beside ours, and the correlations below them."""
    table = printed.table
    columns = ("method", *(f"{column}, {whose}" for column in table.columns for whose in ("published", "ours")))
    ours = {column: _ours(ranked, column, table.column(column)) for column in table.columns}
    rows: list[tuple[Cell, ...]] = []
    for method, ranks in table.rows.items():
        pairs = zip(ranks, (ours[column][method] for column in table.columns), strict=True)
        rows.append((method, *(value for pair in pairs for value in pair)))
    measured = (ranked.correlation(F1_COLUMN, column).value for column in table.columns[1:])
    pairs = zip(printed.correlations, measured, strict=True)
    rows.append(("Spearman with F1", None, None, *(value for pair in pairs for value in pair)))
    return ReportTable(title, columns, tuple(rows))
