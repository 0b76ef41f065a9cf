"""Figures 9, 18, 20 and 21: curves of perturbation metrics; Figures 17, 22 and 23: precision and recall."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from attributionlab.papers.figures import DrawnFigure
from attributionlab.papers.stored import StoredRun
from attributionlab.papers.studies import StudySetting
from attributionlab.papers.zhang2024 import modulo
from attributionlab.papers.zhang2024.figures.panels import finite_mean
from attributionlab.papers.zhang2024.figures.runs import effect_run, modulo_run
from attributionlab.papers.zhang2024.figures.sections import BARS, Section, compose, curve_panels, legend, violins
from attributionlab.papers.zhang2024.unseen_data import METHODS, OFF, PLAIN, UNIFORM, WITH
from attributionlab.reports.figures.curves import curves_text
from attributionlab.reports.figures.styles import method_styles

POSITIVE = ("GradCAM", "GuidedBP", "LRP", "IBA")
"""Methods of which the paper says that they identify positive pixels only."""

ZERO = "On negative truth a map without negative values has 0, as in the paper."

PROBABILITY = "probability"
"""Kind of output that multi-color-sum explains."""


def figure9(setting: StudySetting) -> DrawnFigure:
    """Figure 9: Insertion curves with and without the Unseen Data Effect."""
    runs = {name: effect_run(setting, name) for name in (WITH, OFF, UNIFORM)}
    titles = {
        f"({letter}) {name.replace(', ', ',' + chr(10))}": run
        for letter, (name, run) in zip("abc", runs.items(), strict=True)
    }
    orders = "; ".join(f"{name}: {_order(run, 'Insertion')}" for name, run in runs.items())
    drawn = _curves(titles, PLAIN, "Insertion", PROBABILITY)
    return DrawnFigure(drawn.figure, f"{drawn.shows} Order by mean area, the best first. {orders}.")


def figure18(setting: StudySetting) -> DrawnFigure:
    """Figure 18: Sensitivity-N in single-color-modulo."""
    return _sensitivity({"": modulo_run(setting)}, tuple(modulo.METHODS))


def figure20(setting: StudySetting) -> DrawnFigure:
    """Figure 20: Sensitivity-N in multi-color-sum."""
    return _sensitivity({"": effect_run(setting, WITH)}, (*PLAIN, "DeepSHAP (shap)"))


def figure21(setting: StudySetting) -> DrawnFigure:
    """Figure 21: Sensitivity-N without the effect, in both readings."""
    return _sensitivity({name: effect_run(setting, name) for name in (OFF, UNIFORM)}, PLAIN)


def figure17(setting: StudySetting) -> DrawnFigure:
    """Figure 17: precision and recall in single-color-modulo."""
    run, methods = modulo_run(setting), tuple(modulo.METHODS)
    figure = compose(_agreement(run, methods, "overall", ""))
    return DrawnFigure(
        figure, f"{BARS} {_means(run, methods, 'overall', 'precision')} {_means(run, methods, 'overall', 'recall')}"
    )


def figure22(setting: StudySetting) -> DrawnFigure:
    """Figure 22: precision and recall without the effect (redundancy off)."""
    drawn = _three_truths(effect_run(setting, OFF))
    note = f" This is the reading {OFF!r}; mean overall F1 with {UNIFORM}: {_mean_f1(effect_run(setting, UNIFORM))}."
    return DrawnFigure(drawn.figure, drawn.shows + note)


def figure23(setting: StudySetting) -> DrawnFigure:
    """Figure 23: precision and recall in multi-color-sum."""
    return _three_truths(effect_run(setting, WITH))


def _curves(runs: Mapping[str, StoredRun], methods: Sequence[str], column: str, unit: str = "") -> DrawnFigure:
    """An axis per run."""
    panels = {
        title: {name: curves for name in methods if (curves := run.curves(name, column)) is not None}
        for title, run in runs.items()
    }
    styles = method_styles(methods)
    run = next(iter(runs.values()))
    figure = compose(curve_panels(panels, styles, dict.fromkeys(runs, unit) if unit else {}), legend(styles))
    return DrawnFigure(figure, f"{curves_text(run.n_images, len(styles)).capitalize()} ({run.scope}).")


def _sensitivity(runs: Mapping[str, StoredRun], methods: Sequence[str]) -> DrawnFigure:
    drawn = _curves(runs, methods, "Sensitivity-N")
    means = "; ".join(
        f"{title}: {text}" if title else text
        for title, run in runs.items()
        for text in [", ".join(f"{name} {_score(run, name, 'Sensitivity-N'):.2f}" for name in methods)]
    )
    return DrawnFigure(drawn.figure, f"{drawn.shows} Mean correlation over N: {means}.")


def _score(run: StoredRun, method: str, column: str) -> float:
    """Mean score of a metric over images and networks."""
    measured = run.measured
    return finite_mean(measured.scores(method, "score", measured.metrics[column]))


def _order(run: StoredRun, column: str) -> str:
    """Methods by their mean score, the best first."""
    scores = {name: _score(run, name, column) for name in PLAIN}
    means = {name: score for name, score in scores.items() if not math.isnan(score)}
    if not means:
        return "no areas"
    order = ", ".join(sorted(means, key=lambda name: -means[name]))
    return f"{order} (areas {max(means.values()):.3f} to {min(means.values()):.3f})"


def _three_truths(run: StoredRun) -> DrawnFigure:
    """Precision and recall of every method, a row per kind of truth."""
    methods = tuple(METHODS)
    rows = [_agreement(run, methods, truth, f"{truth} truth") for truth in ("overall", "positive", "negative")]
    recalls = ", ".join(
        f"{name} {_mean(run, name, 'overall.recall')} and {_mean(run, name, 'positive.recall')}" for name in POSITIVE
    )
    deepshap = ", ".join(
        f"{_mean(run, 'DeepSHAP', f'{truth}.precision')} and {_mean(run, 'DeepSHAP', f'{truth}.recall')} on {truth} truth"
        for truth in ("overall", "positive", "negative")
    )
    shows = f"{BARS} {ZERO} Mean recall on overall and on positive truth: {recalls}. Precision and recall of DeepSHAP: {deepshap}."
    return DrawnFigure(compose(*rows), shows)


def _agreement(run: StoredRun, methods: Sequence[str], truth: str, heading: str) -> Section:
    scores = {part: {name: run.scores(name, f"{truth}.{part}") for name in methods} for part in ("precision", "recall")}
    return violins(heading, scores, height=2.1)


def _means(run: StoredRun, methods: Sequence[str], truth: str, part: str) -> str:
    means = ", ".join(f"{name} {_mean(run, name, f'{truth}.{part}')}" for name in methods)
    return f"Mean {truth} {part}: {means}."


def _mean_f1(run: StoredRun) -> str:
    return ", ".join(f"{name} {_mean(run, name, 'overall.f1')}" for name in PLAIN)


def _mean(run: StoredRun, method: str, name: str) -> str:
    return f"{finite_mean(run.scores(method, name)):.2f}"
