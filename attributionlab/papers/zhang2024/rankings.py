"""Claims of tables of ranks: correlations with F1 and the order of methods; and the arithmetic of the printed tables."""

from __future__ import annotations

from collections.abc import Mapping

from attributionlab.papers.claims import (
    Direction,
    Finding,
    JudgedClaim,
    NotMeasured,
    PublishedClaim,
    attempt,
    judge_evidence,
    within,
)
from attributionlab.papers.evidence import average_networks
from attributionlab.papers.measuring import F1_COLUMN, RankedScores
from attributionlab.papers.published import PublishedTable
from attributionlab.papers.studies import Cell, ReportTable
from attributionlab.papers.zhang2024.published import PublishedRanks, threshold

PRINT_TOLERANCE = 0.005
"""Error of rounding to two digits."""

CONTRADICTION = "the printed value is not that of the printed ranks, so that no ranking can have both"

N_MOVED = 3


def consistency(key: str, ranks: PublishedRanks) -> list[JudgedClaim]:
    """Claims that printed correlations follow from printed ranks: arithmetic of the paper, which no measurement can reproduce."""
    claims = []
    for column, recomputed in zip(ranks.table.columns[1:], ranks.recomputed(), strict=True):
        claim = PublishedClaim(
            key=f"{key}.printed.{column.lower()}",
            source=ranks.table.source,
            statement=f"The printed correlation of {column} with F1 is that of the printed ranks",
            published=f"{ranks.printed(column):.2f}",
            test="the same to two digits",
            is_arithmetic=True,
        )
        holds = within(ranks.printed(column), PRINT_TOLERANCE)
        claims.append(JudgedClaim(claim, (judge_evidence(average_networks([recomputed]), holds),)))
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
    tolerance, least = (threshold("correlation", entry) for entry in ("reproduced", "direction"))
    claims = []
    for column, recomputed in zip(ranks.table.columns[1:], ranks.recomputed(), strict=True):
        printed = ranks.printed(column)
        claim = PublishedClaim(
            key=f"{key}.correlation.{column.lower()}",
            source=ranks.table.source,
            statement=f"Spearman's correlation of {column} with F1",
            published=f"{printed:.2f}" + ("" if trusted else f" (the printed ranks give {recomputed:.2f})"),
            test=f"within {tolerance} of the printed value",
            direction=f"at least {least}" if trusted else "",
        )
        findings = [
            attempt(reading, _correlation, ranked, column, printed, reading, trusted=trusted)
            for reading, ranked in readings.items()
        ]
        claims.append(JudgedClaim(claim, tuple(findings)))
    return claims


def _correlation(ranked: RankedScores, column: str, printed: float, reading: str, *, trusted: bool) -> Finding:
    ours = ranked.correlation(F1_COLUMN, column)
    least = threshold("correlation", "direction")
    direction = Direction(ours, lambda value: value >= least) if trusted else None
    holds = within(printed, threshold("correlation", "reproduced"))
    return judge_evidence(ours, holds, direction, reading=reading, cause="" if trusted else CONTRADICTION)


def orders(key: str, table: PublishedTable, readings: Mapping[str, RankedScores]) -> list[JudgedClaim]:
    """Claims that each column orders the methods as printed."""
    claims = []
    for column in table.columns:
        claim = PublishedClaim(
            key=f"{key}.order.{column.lower()}",
            source=table.source,
            statement=f"Order of the methods by {column}",
            published="printed ranks",
            test="no method is more than one place from its printed rank; methods that are tied stand on all places of their tie",
            direction=f"Spearman's correlation with the printed ranks at least {threshold('order', 'direction')}",
        )
        findings = [
            attempt(reading, _order, ranked, column, table.column(column), reading)
            for reading, ranked in readings.items()
        ]
        claims.append(JudgedClaim(claim, tuple(findings)))
    return claims


def _order(ranked: RankedScores, column: str, printed: Mapping[str, float], reading: str) -> Finding:
    agreement = ranked.agreement(column, printed)
    places, least = threshold("order", "places"), threshold("order", "direction")
    return judge_evidence(
        ranked.farthest(column, printed),
        lambda farthest: farthest <= places,
        Direction(agreement, lambda value: value >= least),
        reading=reading,
        note=f"in places, how far the farthest method is from its printed rank; Spearman's correlation {agreement.value:.2f}",
        cause=_moved(_ours(ranked, column, printed), printed),
    )


def _ours(ranked: RankedScores, column: str, printed: Mapping[str, float]) -> dict[str, float]:
    """Our ranks, counted from the lowest printed one: one table counts from 0."""
    first = min(printed.values())
    return {method: rank - 1 + first for method, rank in ranked.ranks(column).items()}


def _moved(ours: Mapping[str, float], printed: Mapping[str, float]) -> str:
    """The methods whose ranks differ most from the printed ones."""
    farthest = sorted(printed, key=lambda method: -abs(ours[method] - printed[method]))[:N_MOVED]
    return "farthest: " + ", ".join(f"{method} {ours[method]:.3g} (printed {printed[method]:g})" for method in farthest)


def rank_table(title: str, printed: PublishedRanks, ranked: RankedScores) -> ReportTable:
    """Printed ranks beside ours, and the correlations below them; columns with failed jobs are empty."""
    table = printed.table
    columns = ("method", *(f"{column}, {whose}" for column in table.columns for whose in ("published", "ours")))
    ours = {column: _ours_or_none(ranked, column, table.column(column)) for column in table.columns}
    rows: list[tuple[Cell, ...]] = []
    for method, ranks in table.rows.items():
        pairs = zip(ranks, (ours[column][method] for column in table.columns), strict=True)
        rows.append((method, *(value for pair in pairs for value in pair)))
    measured = (ranked.mean_correlation(F1_COLUMN, column) for column in table.columns[1:])
    pairs = zip(printed.correlations, measured, strict=True)
    rows.append(("Spearman with F1", None, None, *(value for pair in pairs for value in pair)))
    return ReportTable(title, columns, tuple(rows))


def _ours_or_none(ranked: RankedScores, column: str, printed: Mapping[str, float]) -> Mapping[str, float | None]:
    try:
        return _ours(ranked, column, printed)
    except NotMeasured:
        return dict.fromkeys(printed)
