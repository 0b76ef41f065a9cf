"""All figures of a run, by name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import torch
from matplotlib.figure import Figure

from attributionlab.environments import make_environment
from attributionlab.errors import bad_option
from attributionlab.reports.answers import answers_of
from attributionlab.reports.figures.curves import curves_figure
from attributionlab.reports.figures.maps import attribution_figure
from attributionlab.reports.figures.ranks import ranks_figure
from attributionlab.reports.figures.saving import FORMATS, save_figure
from attributionlab.reports.figures.violins import violin_figure
from attributionlab.reports.marks import check_replaceable
from attributionlab.reports.run_view import RunView
from attributionlab.runs import Records
from attributionlab.runs.declarations import built_in_images

N_ROWS = 4
"""Largest number of images in a gallery."""


def run_figures(records: Records) -> Iterator[tuple[str, Figure]]:
    """Draw every figure that the records of a run allow, one by one, each with its file name without ending.

    `gallery-ENVIRONMENT` where maps were saved, `violins-ENVIRONMENT`, `curves-METRIC` for metrics with curves, and `ranks`
    for two or more methods and any metric.
    """
    view = RunView(records)
    names: set[str] = set()
    for family in view.families:
        gallery = gallery_figure(view, view.seeds[family][0])
        if gallery is not None:
            yield _name("gallery", family, names), gallery
        yield _name("violins", family, names), violin_figure(view, family)
    for metric in view.metrics:
        if view.has_curves(metric):
            yield _name("curves", metric, names), curves_figure(view, metric)
    if view.metrics and len(view.methods) > 1:
        yield "ranks", ranks_figure(view)


def write_figures(records: Records, folder: Path, ending: str, *, force: bool = False) -> list[Path]:
    """Write all figures of a run.

    Args:
        records: The run.
        folder: The folder to write to; it is created.
        ending: `png`, `svg` or `pdf`.
        force: Whether files that attributionlab did not write may be overwritten.

    Returns:
        The files.

    Raises:
        BadOption: If the ending is not one of these, a file was not written by attributionlab and `force` is not set, or the
            folder cannot be created.
        MachineError: If a file cannot be written.
    """
    if f".{ending}" not in FORMATS:
        raise bad_option("figure_format", f"be {' or '.join(suffix[1:] for suffix in FORMATS)}", ending)
    written = []
    for name, figure in run_figures(records):
        path = folder / f"{name}.{ending}"
        check_replaceable(path, "figures", force=force)
        save_figure(figure, path, force=force)
        written.append(path)
    return written


def gallery_figure(view: RunView, environment: str) -> Figure | None:
    """Draw images, truth and the saved maps of all methods as in Figure 2; None if no map or no image can be shown.

    Args:
        view: The run.
        environment: Canonical spec, with seeds.
    """
    saved = {method: view.maps(environment, method) for method in view.methods}
    counts = [len(maps) for maps in saved.values() if maps is not None and len(maps)]
    if not counts:
        return None
    n_rows = min(*counts, N_ROWS) if len(counts) > 1 else min(counts[0], N_ROWS)
    batch = built_in_images(environment, n_rows, view.records.plan.target)
    if batch is None:
        return None
    built = make_environment(environment)
    summaries = {summary.method: summary for summary in view.records.summaries() if summary.environment == environment}
    drawn: dict[str, torch.Tensor | str] = {}
    for method, maps in saved.items():
        error = summaries[method].error if method in summaries else None
        absent = "no maps saved" if error is None else error.message
        drawn[method] = absent if maps is None or len(maps) < n_rows else torch.as_tensor(maps[:n_rows])
    captions = {method: summary.deciding_truth for method, summary in summaries.items()}
    explain_logits = [method for method in drawn if view.explains_logit(environment, method)]
    judged = {}
    if explain_logits:
        logit = built.ground_truth(batch.scenes, batch.targets.tolist(), "logit")
        judged = dict.fromkeys(explain_logits, logit)
    answers = answers_of(built, batch)
    return attribution_figure(batch, drawn, title=environment, captions=captions, judged=judged, answers=answers)


def _name(kind: str, spec: str, taken: set[str]) -> str:
    """Make a file name that is not taken yet, and add it to those taken."""
    base = name = f"{kind}-{re.sub(r'[^a-z0-9]+', '-', spec.lower()).strip('-')}"[:120]
    number = 2
    while name in taken:
        name, number = f"{base}-{number}", number + 1
    taken.add(name)
    return name
