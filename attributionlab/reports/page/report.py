"""The HTML report of a run: one self-contained, escaped file; the same records give the same bytes."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np
import torch
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
from attributionlab.reports.page.glance import glance
from attributionlab.reports.page.pictures import image_uri, map_uri
from attributionlab.reports.page.provenance import provenance
from attributionlab.reports.run_view import RunView
from attributionlab.reports.tables.run_rows import verdict
from attributionlab.runs import MethodSummary, Records
from attributionlab.runs.declarations import built_in_images
from attributionlab.specs.arguments import whole_number
from attributionlab.truth import TRUTHS

N_IMAGES = 8
"""Largest number of images per environment in the gallery."""

N_WITHOUT_MAPS = 4
"""Largest number of images per environment if no maps were saved."""

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


@dataclass(frozen=True)
class MapOfImage:
    """The map of a method for an image, or the reason why there is none, and its scores on that image."""

    method: str
    uri: str | None
    why: str
    truth: str
    scores: tuple[float | None, ...]
    f1: float | None
    """F1 on the deciding truth."""


@dataclass(frozen=True)
class ShownImage:
    """An image of the gallery."""

    id: str
    environment: str
    index: int
    target: int
    label: int
    uri: str
    truth: str
    maps: tuple[MapOfImage, ...]


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
        verdicts=[row for summary in summaries for row in _verdicts(summary, view.metrics)],
        glance=glance(summaries, view.methods, view.seeds),
        images=_images(records, view, summaries, n_images),
        charts=_charts(view, styles),
        chart_size=(WIDTH, HEIGHT),
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


def _verdicts(summary: MethodSummary, metrics: tuple[str, ...]) -> list[VerdictRow]:
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
            )
        )
    return rows


def _images(records: Records, view: RunView, summaries: tuple[MethodSummary, ...], n_images: int) -> list[ShownImage]:
    """The first images of each environment, with their truth, maps and scores."""
    by_cell = {(summary.environment, summary.method): summary for summary in summaries}
    shown: list[ShownImage] = []
    for seeds in view.seeds.values():
        environment = seeds[0]
        saved = {method: view.maps(environment, method) for method in view.methods}
        most = max((len(maps) for maps in saved.values() if maps is not None), default=0) or N_WITHOUT_MAPS
        batch = built_in_images(environment, min(n_images, most, records.plan.n_samples), records.plan.target)
        if batch is None:
            continue
        scores = {
            method: _image_scores(records, environment, method, len(batch), by_cell.get((environment, method)))
            for method in view.methods
        }
        for index in range(len(batch)):
            maps = []
            for method in view.methods:
                stored, summary = saved[method], by_cell.get((environment, method))
                drawn = stored[index] if stored is not None and index < len(stored) else None
                error = None if summary is None else summary.error
                maps.append(
                    MapOfImage(
                        method=method,
                        uri=None if drawn is None else map_uri(torch.as_tensor(drawn)),
                        why="no map saved" if error is None else error.message,
                        truth="" if summary is None else summary.deciding_truth,
                        scores=tuple(values[index] for values in scores[method]),
                        f1=None if summary is None else scores[method][TRUTHS.index(summary.deciding_truth)][index],
                    )
                )
            shown.append(
                ShownImage(
                    id=f"image-{len(shown)}",
                    environment=environment,
                    index=index,
                    target=int(batch.targets[index]),
                    label=int(batch.labels[index]),
                    uri=image_uri(batch.inputs[index]),
                    truth=map_uri(batch.ground_truth.signed[index].float()),
                    maps=tuple(maps),
                )
            )
    return shown


def _image_scores(
    records: Records, environment: str, method: str, n_images: int, summary: MethodSummary | None
) -> list[list[float | None]]:
    """Scores of every image: F1 by kind of truth, then the metrics; None where a truth does not apply to the method."""
    undefined = np.full(n_images, np.nan)
    agreement = records.all_scores(environment, method, n_images=n_images)
    applies = {truth: summary is not None and summary.truths.get(truth) is not None for truth in TRUTHS}
    scores = [agreement.get(f"{truth}.f1", undefined) if applies[truth] else undefined for truth in TRUTHS]
    scores += [
        records.all_scores(environment, method, metric, n_images).get("score", undefined)
        for metric in records.plan.metrics
    ]
    return [[None if math.isnan(value) else float(value) for value in values] for values in scores]


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
