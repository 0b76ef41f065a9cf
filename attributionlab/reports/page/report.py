"""The HTML report of a run: one self-contained, escaped file; the same records give the same bytes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from jinja2 import Environment as Templates
from jinja2 import PackageLoader, StrictUndefined
from markupsafe import Markup

from attributionlab.errors import bad_option
from attributionlab.files import write_whole
from attributionlab.judging.outcome import Outcome
from attributionlab.judging.statistics import State
from attributionlab.reports.figures.curves import band_opacity
from attributionlab.reports.figures.styles import MethodStyle, method_styles
from attributionlab.reports.marks import check_replaceable
from attributionlab.reports.page.assets import asset, policy, printable_value
from attributionlab.reports.page.charts import HEIGHT, WIDTH, Chart, chart
from attributionlab.reports.page.gallery import N_IMAGES, color_scales, shown_images
from attributionlab.reports.page.glance import glance
from attributionlab.reports.page.provenance import provenance
from attributionlab.reports.run_view import RunView
from attributionlab.reports.tables.run_rows import advice_lines, held_counts, nearest_answer, verdict
from attributionlab.runs import MethodSummary, Records
from attributionlab.specs.arguments import whole_number
from attributionlab.truth import TRUTHS

DASH = "\N{EN DASH}"
"""Sign for a missing number."""

LOOKS = frozenset((*get_args(Outcome), *get_args(State)))
"""Verdicts with a look of their own; all others are errors."""


@dataclass(frozen=True)
class VerdictRow:
    """A row of the table: a method in an environment, judged by one kind of truth."""

    environment: str
    method: str
    truth: str
    decides: bool
    verdict: str
    look: str
    why: str
    scores: tuple[float | None, ...]
    metrics: tuple[float | None, ...]
    seconds: float | None
    held: tuple[int, int] | None
    """Networks in which the mean F1 on the deciding truth reaches gamma, and all networks."""
    states: tuple[tuple[float | None, str], ...]
    """F1 and state on every kind of truth; None where it does not apply."""
    answers: str | None


def report_html(records: Records, *, n_images: int = N_IMAGES) -> str:
    """Render the report: verdicts, gallery, curves, details of every image, and the origin of the numbers.

    Images are recreated from their environments; maps are those that the run saved.

    Args:
        records: The run.
        n_images: Largest number of images per environment; of several seeds, only the first is shown.

    Raises:
        BadOption: If `n_images` is below 1.
    """
    n_images = whole_number("n_images", n_images, 1)
    view = RunView(records)
    styles = method_styles(view.methods)
    summaries = tuple(records.summaries())
    templates = Templates(
        loader=PackageLoader("attributionlab.reports.page"),
        autoescape=True,
        finalize=printable_value,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= {"score": _score, "short": _short, "breakable": _breakable}
    css, js = (asset("attributionlab.reports.page", f"report.{ending}") for ending in ("css", "js"))
    return templates.get_template("report.html.j2").render(
        css=Markup(css),  # noqa: S704  # our own file
        js=Markup(js),  # noqa: S704  # our own file
        policy=policy(css, js),
        plan=records.plan,
        truths=TRUTHS,
        metrics=view.metrics,
        styles=styles,
        seeds=view.seeds,
        verdicts=_all_verdicts(summaries, view),
        advice=advice_lines(summaries, records.plan.expanded),
        glance=glance(summaries, view.methods, view.seeds),
        scales=color_scales(),
        images=shown_images(records, view, summaries, n_images),
        charts=_charts(view, styles),
        chart_size=(WIDTH, HEIGHT),
        chart_images=records.plan.n_samples * max(map(len, view.seeds.values())),
        opacity=band_opacity(len(view.methods)),
        provenance=provenance(records),
    )


def write_report(records: Records, path: Path, *, n_images: int = N_IMAGES, force: bool = False) -> None:
    """Write the report, completely or not at all; missing folders are created.

    Raises:
        BadOption: If `check_report_path` refuses the path.
        MachineError: If the file cannot be written.
    """
    check_report_path(path, force=force)
    text = report_html(records, n_images=n_images)
    write_whole(path, text.encode())


def check_report_path(path: Path, *, force: bool = False) -> None:
    """Refuse a path at which no report can be written.

    Args:
        path: The file to write.
        force: Whether a file that attributionlab did not write may be overwritten.

    Raises:
        BadOption: If the path does not end in .html, the folder cannot be created, or a file of other origin exists.
    """
    if path.suffix.lower() not in (".html", ".htm"):
        raise bad_option("output", "end in .html", str(path))
    check_replaceable(path, force=force)


def _all_verdicts(summaries: tuple[MethodSummary, ...], view: RunView) -> list[VerdictRow]:
    """Rows of all methods in all environments."""
    held = held_counts(summaries, view.records.plan.expanded)
    return [
        row
        for summary in summaries
        for row in _verdicts(summary, view.metrics, held.get((summary.environment, summary.method)))
    ]


def _verdicts(summary: MethodSummary, metrics: tuple[str, ...], held: tuple[int, int] | None) -> list[VerdictRow]:
    """Rows of a method in an environment: one per truth that applies, or the deciding one if there are no scores."""
    applicable = [truth for truth in TRUTHS if summary.truths.get(truth) is not None] or [summary.deciding_truth]
    rows = []
    for truth in applicable:
        scores = summary.truths.get(truth)
        decides = truth == summary.deciding_truth
        text = verdict(summary) if decides or scores is None else scores.state
        rows.append(
            VerdictRow(
                environment=summary.environment,
                method=summary.method,
                truth=truth,
                decides=decides,
                verdict=text,
                look=text if text in LOOKS else "broken",
                why="" if summary.error is None else summary.error.message,
                scores=(None,) * 5
                if scores is None
                else (scores.precision, scores.recall, scores.f1, scores.f1_low, scores.f1_high),
                metrics=tuple(summary.metrics.get(metric) for metric in metrics),
                seconds=summary.seconds_per_image,
                held=held,
                states=_states(summary),
                answers=nearest_answer(summary),
            )
        )
    return rows


def _states(summary: MethodSummary) -> tuple[tuple[float | None, str], ...]:
    """F1 and state of a method on every kind of truth."""
    every = (summary.truths.get(truth) for truth in TRUTHS)
    return tuple((None, "") if scores is None else (scores.f1, scores.state) for scores in every)


def _charts(view: RunView, styles: dict[str, MethodStyle]) -> list[Chart]:
    charts = []
    for metric in view.metrics:
        for family in view.families:
            curves = view.curves(family, metric)
            if curves:
                charts.append(chart(metric, family, curves, styles))
    return charts


def _score(value: float | None) -> str:
    return DASH if value is None else f"{value:.3f}"


def _short(value: float | None) -> str:
    return DASH if value is None else f"{value:.3g}"


def _breakable(text: str) -> Markup:
    """Allow line breaks in a spec before its options and between them."""
    return Markup("<wbr>").join(part for part in re.split(r"(?=\[)|(?<=[,/:])", text) if part)
