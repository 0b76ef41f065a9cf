"""The audit as a figure: curves of the metrics, and ranks by each metric against ranks by the exact truth."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from attributionlab.judging import Audit, EnvironmentAudit
from attributionlab.reports.figures.curves import curves_text, draw_curves, unit_of
from attributionlab.reports.figures.ranks import draw_ranks, spearman_text
from attributionlab.reports.figures.styles import LABEL, MethodStyle, add_legend, blank_figure, method_styles, plain

PANEL = (3.1, 2.5)


def audit_figure(audit: Audit) -> Figure:
    """Draw two rows per environment: the mean curves of all methods with bands, and rank against rank, a column per metric.

    Of several network seeds, only the first is drawn.
    """
    shown = [environment for environment in audit.environments if environment.environment == environment.family]
    metrics = list(shown[0].correlations)
    styles = method_styles(shown[0].methods)
    figure, n_columns = blank_figure(max(PANEL[0] * len(metrics), 6.0), 2 * PANEL[1] * len(shown) + 0.3, len(styles))
    parts = figure.subfigures(len(shown), 1, squeeze=False)[:, 0]
    for part, environment in zip(parts, shown, strict=True):
        note = curves_text(audit.n_samples, len(styles))
        part.suptitle(f"{plain(environment.environment)}\n{note}", fontsize=9)
        axes = part.subplots(2, len(metrics), squeeze=False)
        for column, metric in enumerate(metrics):
            curves = {
                spec: scores.curves[metric] for spec, scores in environment.methods.items() if metric in scores.curves
            }
            draw_curves(axes[0, column], curves, styles, unit_of(environment.environment))
            axes[0, column].set_title(plain(metric), fontsize=8)
            _draw_ranks(axes[1, column], audit, environment, metric, styles)
    add_legend(figure, styles, n_columns)
    return figure


def _draw_ranks(
    axis: Axes, audit: Audit, environment: EnvironmentAudit, metric: str, styles: Mapping[str, MethodStyle]
) -> None:
    sign = 1.0 if environment.higher_is_better.get(metric, True) else -1.0
    scored = {spec: (scores.f1, scores.metrics[metric]) for spec, scores in environment.methods.items()}
    means = {spec: (f1, sign * score) for spec, (f1, score) in scored.items() if f1 is not None and score is not None}
    draw_ranks(axis, means, styles, f1_truth=audit.f1_truth)
    axis.set_title(spearman_text(environment.correlations[metric]), fontsize=LABEL)
