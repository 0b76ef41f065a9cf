"""Statements of the text beside tables and verdicts, judged by the records of Tables 3 to 6."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from attributionlab.environments import make_environment
from attributionlab.papers.claims import (
    Criterion,
    Direction,
    Finding,
    JudgedClaim,
    PublishedClaim,
    attempt,
    judge_evidence,
)
from attributionlab.papers.evidence import Evidence, Values, average_images, average_networks
from attributionlab.papers.measuring import MeasuredScores
from attributionlab.papers.studies import StudyReport, StudySetting
from attributionlab.papers.zhang2024 import curves
from attributionlab.papers.zhang2024.effects import MeasuredEffects, at_least, below, judge_number, measure_effects
from attributionlab.papers.zhang2024.published import fitted, published, threshold
from attributionlab.papers.zhang2024.unseen_data import BACKGROUND_SIGNS, ENVIRONMENTS, RULES

KEY = "statements"
SMOOTH = "positive-smooth"
HALF = 0.5

NOTES = (
    ("The paper calls scores high and low without a number. Here a score is high from 0.5 on, which is gamma."),
    (
        "Recall must be higher on positive than on overall truth for any map without negative values whose credit is on the "
        "winner's pixels: the same hits are divided by fewer pixels."
    ),
)


def statements(setting: StudySetting) -> StudyReport:
    """All statements, in the order of `published.toml`."""
    effects = measure_effects(setting)
    claims = tuple(JudgedClaim(_claim(entry), tuple(JUDGES[entry["key"]](effects))) for entry in published()[KEY])
    return StudyReport(KEY, "Statements of the text beside the tables", claims, (), NOTES)


def _claim(entry: dict[str, Any]) -> PublishedClaim:
    texts = {**entry, "key": f"{KEY}.{entry['key']}", "fitted": fitted(entry.get("fitted", ""))}
    return PublishedClaim(**texts)


Findings = Iterator[Finding]


def _optimal(effects: MeasuredEffects) -> Findings:
    least, share = threshold("optimal", "least"), threshold("optimal", "images")
    for method in published()["table4"]["fitted"]:

        def judged(method: str = method) -> Finding:
            scores = [effects.modulo.scores(method, f"overall.{name}") for name in ("precision", "recall")]
            both = average_images((np.minimum(*scores) >= least).astype(np.float64))
            f1 = Direction(effects.modulo.mean(method, "overall.f1"), at_least(least))
            return judge_evidence(both, at_least(share), f1, reading=method)

        yield attempt(method, judged)


def _guidedbp_recall(effects: MeasuredEffects) -> Findings:
    def measure() -> Evidence:
        recalls = effects.modulo.scores("GuidedBP", "overall.recall")
        return average_images((recalls >= threshold("high", "least")).astype(np.float64))

    yield judge_number("", measure, at_least(HALF))


def _guidedbp_precision(effects: MeasuredEffects) -> Findings:
    yield judge_number(
        "", lambda: effects.modulo.mean("GuidedBP", "overall.precision"), below(threshold("optimal", "least"))
    )


def _guidedbp_black(effects: MeasuredEffects) -> Findings:
    """Of the positive credit on black pixels, the share within the blobs, which are about a tenth of the image."""

    def measure() -> Evidence:
        within, white = (effects.modulo.scores("GuidedBP", f"{truth}.precision") for truth in (SMOOTH, "positive"))
        undefined = np.full(white.shape, np.nan)
        return average_images(np.divide(within - white, 1 - white, out=undefined, where=white < 1))

    yield judge_number("", measure, at_least(HALF))


def _coarse_precision(effects: MeasuredEffects) -> Findings:
    for method in ("GradCAM", "IBA"):
        yield judge_number(
            method, _mean(effects.modulo, method, "overall.precision"), below(threshold("high", "least"))
        )


def _mean(measured: MeasuredScores, method: str, name: str) -> Callable[[], Evidence]:
    return lambda: measured.mean(method, name)


def _deepshap(
    truths: tuple[str, ...], criterion: Callable[[float], Criterion]
) -> Callable[[MeasuredEffects], Findings]:
    def judged(effects: MeasuredEffects) -> Findings:
        for rule, method in RULES.items():
            for truth in truths:
                for score in ("precision", "recall"):
                    measure = _mean(effects.present, method, f"{truth}.{score}")
                    yield judge_number(
                        f"{score} on {truth} truth, {rule}", measure, criterion(threshold("high", "least"))
                    )

    return judged


def _difference(first: Callable[[], Values], second: Callable[[], Values]) -> Callable[[], Evidence]:
    return lambda: average_images(first() - second())


def _positive_only(effects: MeasuredEffects) -> Findings:
    for method in ("GradCAM", "GuidedBP", "LRP", "IBA"):
        positive, overall = (_scores(effects.present, method, f"{truth}.recall") for truth in ("positive", "overall"))
        least = at_least(threshold("difference", "least"))
        yield judge_number(method, _difference(positive, overall), least, lambda value: value > 0)


def _scores(measured: MeasuredScores, method: str, name: str) -> Callable[[], Values]:
    return lambda: measured.scores(method, name)


def _iba_multi_color(effects: MeasuredEffects) -> Findings:
    """Other images on both sides, so that each mean has its own."""
    multi = _scores(effects.present, "IBA", "positive.precision")
    single = _scores(effects.modulo, "IBA", "overall.precision")
    yield judge_number(
        "", _difference(multi, single), at_least(threshold("difference", "least")), lambda value: value > 0
    )


def _ig_background(effects: MeasuredEffects) -> Findings:
    def measure() -> Evidence:
        shares = effects.present.scores("IG", "score", effects.present.metrics[BACKGROUND_SIGNS])
        return average_images(np.minimum(shares, 1 - shares))

    yield judge_number("", measure, at_least(threshold("signs", "least")))


def _iba_recall(effects: MeasuredEffects) -> Findings:
    least = threshold("difference", "least")
    iba, gradcam = (_scores(effects.present, method, f"{SMOOTH}.recall") for method in ("IBA", "GradCAM"))

    def near(distance: float) -> Criterion:
        return lambda value: abs(value) < distance

    yield judge_number("positive-smooth truth", _difference(iba, gradcam), near(least), near(2 * least))


def _of_coarse(methods: tuple[str, ...], score: str, criterion: Criterion) -> Callable[[MeasuredEffects], Findings]:
    def judged(effects: MeasuredEffects) -> Findings:
        for method in methods:
            reading = f"{method}, {SMOOTH} truth" if len(methods) > 1 else f"{SMOOTH} truth"
            yield judge_number(reading, _mean(effects.present, method, f"{SMOOTH}.{score}"), criterion)

    return judged


@torch.no_grad()
def _accuracy(effects: MeasuredEffects) -> Findings:
    preset = effects.setting.preset
    environments = {name: preset.sized("multi-color-sum", **options) for name, options in ENVIRONMENTS.items()}
    environments["single-color-modulo"] = preset.sized("single-color-modulo")
    for name, spec in environments.items():
        shares = []
        for seed in preset.network_seeds:
            environment = make_environment(spec, network_seed=seed)
            batch = environment.sample(preset.n_samples)
            parts = [environment.model(inputs) for inputs in batch.inputs.split(preset.images_per_job)]
            outputs = torch.cat(parts)
            answers = outputs.argmax(dim=1) if outputs.shape[1] > 1 else outputs[:, 0]
            shares.append(float((answers == batch.labels).double().mean()))
        yield judge_evidence(average_networks(shares), lambda value: value == 1, reading=name)


HIGH = threshold("high", "least")
JUDGES: dict[str, Callable[[MeasuredEffects], Findings]] = {
    "optimal": _optimal,
    "guidedbp-recall": _guidedbp_recall,
    "guidedbp-precision": _guidedbp_precision,
    "guidedbp-black": _guidedbp_black,
    "coarse-precision": _coarse_precision,
    "deepshap-right-pixels": _deepshap(("overall",), at_least),
    "deepshap-wrong-signs": _deepshap(("positive", "negative"), below),
    "positive-only": _positive_only,
    "iba-multi-color": _iba_multi_color,
    "ig-background": _ig_background,
    "iba-recall": _iba_recall,
    "iba-precision": _of_coarse(("IBA",), "precision", at_least(HIGH)),
    "promising-recall": _of_coarse(("GradCAM", "ExPerturb", "IBA"), "recall", at_least(HIGH)),
    "experturb-precision": _of_coarse(("ExPerturb",), "precision", below(HIGH)),
    "deepshap-curve": curves.deepshap_curve,
    "curves-intersect": curves.curves_intersect,
    "less-consistent": curves.less_consistent,
    "order-changes": curves.order_changes,
    "lines-overlap": curves.lines_overlap,
    "accuracy": _accuracy,
}
"""Functions that judge the statements, by their keys."""
