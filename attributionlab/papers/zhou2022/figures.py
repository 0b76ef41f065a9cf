"""Figures of the report as PNG."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from attributionlab.modification.attr_report import Question
from attributionlab.papers.studies import ReportFigure
from attributionlab.papers.zhou2022.networks import MeasuredNetwork, attr_report
from attributionlab.reports.figures.attr_percent import question_figure


def report_figure(figure: Figure, file: str, title: str) -> ReportFigure:
    """A figure as a picture of the report."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120, metadata={"Software": None})
    return ReportFigure(file, title, buffer.getvalue())


def attr_figures(
    networks: Sequence[MeasuredNetwork],
    question: Question,
    file: str,
    title: str,
    pair_of: Mapping[tuple[str, ...], str] | None = None,
) -> tuple[ReportFigure, ...]:
    """The figure of a question; none without networks."""
    report = attr_report(networks, question, pair_of)
    return (report_figure(question_figure(report, question), file, title),) if report.points else ()
