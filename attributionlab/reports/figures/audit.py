"""The audit as a figure: curves of the metrics, and ranks by each metric against ranks by the exact truth."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from attributionlab.judging import Audit, EnvironmentAudit
from attributionlab.reports.figures.curves import curves_text, draw_curves, unit_of
from attributionlab.reports.figures.ranks import draw_ranks, spearman_text
from attributionlab.reports.figures.styles import (
    LABEL,
    MethodStyle,
    add_legend,
    blank_figure,
    method_styles,
    plain,
    reference_styles,
)

PANEL = (3.1, 2.5)


def audit_figure(audit: Audit) -> Figure:
    """Draw two rows per environment: the mean curves of all methods with bands, and rank against rank, a column per metric.

    Maps made from the truth are drawn in gray, with markers of their own; they have no part in the correlations. Of several network
    seeds, only the first is drawn.
    """
    shown = [environment for environment in audit.environments if environment.environment == environment.family]
    metrics = list(shown[0].correlations)
    styles = method_styles(shown[0].methods)
    beside = reference_styles(dict.fromkeys(spec for environment in shown for spec in environment.references))
    n_names = len(styles) + len(beside)
    figure, n_columns = blank_figure(max(PANEL[0] * len(metrics), 6.0), 2 * PANEL[1] * len(shown) + 0.3, n_names)
    parts = figure.subfigures(len(shown), 1, squeeze=False)[:, 0]
    for part, environment in zip(parts, shown, strict=True):
        note = curves_text(audit.n_samples, len(styles))
        part.suptitle(f"{plain(environment.environment)}\n{note}", fontsize=9)
        axes = part.subplots(2, len(metrics), squeeze=False)
        for column, metric in enumerate(metrics):
            rows = {**environment.methods, **environment.references}
            curves = {spec: scores.curves[metric] for spec, scores in rows.items() if metric in scores.curves}
            draw_curves(axes[0, column], curves, {**styles, **beside}, unit_of(environment.environment))
            axes[0, column].set_title(plain(metric), fontsize=8)
            _draw_ranks(axes[1, column], audit, environment, metric, {**styles, **beside})
    named = {f"{spec} (from the truth, not ranked)": style for spec, style in beside.items()}
    add_legend(figure, {**styles, **named}, n_columns)
    return figure


def _draw_ranks(
    axis: Axes, audit: Audit, environment: EnvironmentAudit, metric: str, styles: Mapping[str, MethodStyle]
) -> None:
    sign = 1.0 if environment.higher_is_better.get(metric, True) else -1.0
    means, references = (
        {
            spec: (scores.f1, sign * score)
            for spec, scores in rows.items()
            if scores.f1 is not None and (score := scores.metrics[metric]) is not None
        }
        for rows in (environment.methods, environment.references)
    )
    draw_ranks(axis, means, styles, f1_truth=audit.f1_truth, references=references)
    axis.set_title(spearman_text(environment.correlations[metric]), fontsize=LABEL)
