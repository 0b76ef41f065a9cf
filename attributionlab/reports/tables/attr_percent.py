"""Attr% as tables for the terminal and as rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import RenderableType

from attributionlab.reports.tables.cells import escape
from attributionlab.reports.tables.plain import plain_table

if TYPE_CHECKING:
    from attributionlab.modification.attr_report import AttrPoint, AttrReport, TrainedPictures

COLUMNS = (
    "data",
    "question",
    "manipulation",
    "level",
    "reassign",
    "pair",
    "epoch",
    "accuracy",
    "bound",
    "luck",
    "method",
    "class",
    "manipulated",
    "n",
    "n_zero",
    "attr",
    "low",
    "high",
    "region_share",
    "relation",
    "attr_noninformative",
)

TITLES = {
    "attributions": "Attr% of the joint effective region against its share of the pixels, %ER (section 5.1)",
    "accuracy": "Attr% on the way of the training (section 5.2)",
    "visibility": "Attr% at each level of visibility (section 5.3)",
    "correlation": "Attr% by r, the probability that a label is kept (section 5.4)",
}

NOTE = """+: a class whose pictures are manipulated; F_N: Attr% of the manipulation without
information. A random map has Attr% = %ER; above, as, below: whether the 95 %
interval excludes that. Attr% near 1 is expected where a network must use the
region; it is no exact truth, because pixels outside may serve as a reference."""


def attr_tables(report: AttrReport) -> Iterator[RenderableType]:
    """Build the tables that `attr-percent` prints: the networks, and Attr% for each question."""
    yield _networks(report)
    for question in report.questions:
        points = report.of(question)
        if points:
            yield f"\n[bold]{TITLES[question]}[/]"
            yield _points(report, points)
    for method, failure in report.failures.items():
        yield f"[bold red]{escape(failure.type)}[/]: {escape(method)}: {escape(failure.message)}"
    yield f"[dim]{NOTE}[/]"


def attr_rows(report: AttrReport) -> list[dict[str, object]]:
    """Build the rows of CSV, one per point."""
    return [_row(report.networks[point.network], point) for point in report.points]


def _row(network: TrainedPictures, point: AttrPoint) -> dict[str, object]:
    attr = point.attr
    values = (
        network.data,
        network.question,
        ", ".join(network.manipulations),
        network.level,
        network.reassign,
        network.pair,
        point.epoch,
        point.accuracy,
        network.test.bound,
        network.test.luck,
        point.method,
        point.class_name,
        point.is_manipulated,
        attr.n,
        attr.n_zero,
        attr.mean,
        attr.low,
        attr.high,
        point.region_share,
        point.relation,
        attr.noninformative,
    )
    return dict(zip(COLUMNS, values, strict=True))


def _networks(report: AttrReport) -> RenderableType:
    """One row per trained network."""
    table = plain_table("networks")
    for column in ("data", "setting", "accuracy", "p*", "luck", "beats p*", "a(F_O)", "Shapley of F_M"):
        table.add_column(column, justify="left" if column in ("data", "setting", "beats p*") else "right")
    for network in report.networks:
        if network.question == "accuracy":  # that of the first question
            continue
        test = network.test
        shares, bounds = network.shares, network.bounds
        shapley = "-" if shares is None else f"{shares.manipulated:.2f}"
        table.add_row(
            escape(network.data),
            _setting(network),
            f"{test.accuracy:.3f}",
            f"{test.bound:.2g}",
            f"{test.luck:.1g}",
            "yes" if test.beats_bound else "no verdict",
            "-" if network.original_accuracy is None else f"{network.original_accuracy:.2f}",
            shapley if bounds is None else f"{shapley} >= {bounds.manipulated:.2f}",
        )
    return table


def _setting(network: TrainedPictures) -> str:
    """What distinguishes a network from the others of its question."""
    if network.level is not None:
        return f"level {network.level:g}"
    r = "a matrix" if network.reassign is None else f"r={network.reassign:g}"
    return r if network.pair is None else f"r={network.reassign:g} {network.pair}"


def _points(report: AttrReport, points: list[AttrPoint]) -> RenderableType:
    """One row per point."""
    has_extra = any(point.attr.noninformative is not None for point in points)
    question = report.networks[points[0].network].question
    own = {"attributions": (), "accuracy": ("epoch", "accuracy")}.get(question, ("setting",))
    columns = ("data", *own, "method", "class", "Attr%", "95 % CI", "%ER", "random", *(("F_N",) if has_extra else ()))
    table = plain_table("")
    for column in columns:
        table.add_column(column, justify="right" if column in ("epoch", "accuracy", "Attr%", "%ER", "F_N") else "left")
    for point in points:
        network, attr = report.networks[point.network], point.attr
        cells = {
            "data": escape(network.data),
            "epoch": str(point.epoch),
            "accuracy": f"{point.accuracy:.2f}",
            "setting": _setting(network),
            "method": escape(point.method),
            "class": escape(point.class_name) + (" +" if point.is_manipulated else ""),
            "Attr%": f"{attr.mean:.2f}",
            "95 % CI": f"{attr.low:.2f}-{attr.high:.2f}",
            "%ER": f"{point.region_share:.2f}",
            "random": point.relation,
            "F_N": "-" if attr.noninformative is None else f"{attr.noninformative:.2f}",
        }
        table.add_row(*(cells[column] for column in columns))
    return table
