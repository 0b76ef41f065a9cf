"""Strength of the redundant channels: section 4 and Tables 5 and 6 at five scales, because the paper does not give it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from fractions import Fraction

from attributionlab.papers.measuring import MeasuredScores, measure_plan
from attributionlab.papers.studies import StudyReport, StudySetting
from attributionlab.papers.zhang2024.lime import LIME_OF_CAPTUM
from attributionlab.papers.zhang2024.unseen_data import METHODS, UNIFORM, WITH, perturbation_metrics
from attributionlab.specs.grammar import format_spec

KEY = "scales"
FOLDER = "redundant-scale"
SCALES = tuple(Fraction(1, divisor) for divisor in (64, 32, 16, 8, 4))
"""Largest weight of a redundant channel; the environment's default is 1/16."""

ACCUMULATORS: Mapping[str, dict[str, object]] = {WITH: {}, UNIFORM: {"accumulator": "uniform"}}

FELZENSZWALB = {
    f"{name} (felzenszwalb)": format_spec("lime", {"baseline": baseline, "segments": "felzenszwalb", **LIME_OF_CAPTUM})
    for name, baseline in (("LIME", "black"), ("LIME*", "true"))
}


def measure_scales(setting: StudySetting) -> dict[tuple[str, Fraction], MeasuredScores]:
    """The scores by accumulator and scale, on the first images and networks of the other studies."""
    preset = setting.preset
    fewer = dataclasses.replace(
        preset,
        n_samples=min(preset.n_samples, preset.details["scale_images"]),
        n_network_seeds=min(preset.n_network_seeds, preset.details["scale_networks"]),
    )
    environments = {
        f"{name}, {scale}": fewer.sized("multi-color-sum", redundant_scale=float(scale), **options)
        for name, options in ACCUMULATORS.items()
        for scale in SCALES
    }
    methods = {**METHODS, **FELZENSZWALB}
    part = dataclasses.replace(setting, preset=fewer)
    measured = measure_plan(part, FOLDER, environments, methods, perturbation_metrics(setting))
    return {(name, scale): measured[f"{name}, {scale}"] for name in ACCUMULATORS for scale in SCALES}


def scales(setting: StudySetting) -> StudyReport:
    """Findings by scale."""
    measure_scales(setting)
    return StudyReport(KEY, "Strength of the redundant channels", ())
