"""Findings by the strength of the redundant channels, on invented records."""

from types import SimpleNamespace

import numpy as np
import pytest

from attributionlab.papers.measuring import MeasuredScores
from attributionlab.papers.presets import find_preset
from attributionlab.papers.studies import StudySetting
from attributionlab.papers.zhang2024 import scales, unseen_data
from attributionlab.papers.zhang2024.paper import PRESETS
from attributionlab.papers.zhang2024.scales import SCALES
from attributionlab.papers.zhang2024.unseen_data import UNIFORM, WITH
from attributionlab.seeding import generator

N_IMAGES = 2


class Drawn:
    """Records whose F1 is twice the scale, and whose other scores are drawn."""

    plan = SimpleNamespace(n_samples=N_IMAGES)

    def scores(self, environment, method, measure, name):
        scale = float(environment.partition("redundant_scale=")[2].partition(",")[0] or 0)
        drawn = generator(0, environment, method, measure, name).uniform(size=N_IMAGES)
        return np.full(N_IMAGES, 2 * scale) if name.endswith("f1") and measure == "agreement" else drawn

    def all_scores(self, *_):
        return {}


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """The report, and what it would have measured."""
    planned = []

    def measure(setting, folder, environments, methods, metrics):
        planned.append((setting.preset, folder, environments))
        return {name: MeasuredScores((spec,), methods, metrics, Drawn()) for name, spec in environments.items()}

    def off(*_):
        return MeasuredScores(("off",) * 2, unseen_data.METHODS, unseen_data.METRIC_NAMES, Drawn())

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(scales, "measure_plan", measure)
        patched.setattr(scales, "measure_effect", off)
        setting = StudySetting(tmp_path_factory.mktemp("scales"), find_preset(PRESETS, "quick", n_samples=N_IMAGES))
        return scales.scales(setting), planned


def test_five_scales_are_measured_with_both_kinds_of_weights_on_few_images(measured):
    report, ((preset, folder, environments),) = measured
    assert (folder, preset.n_samples, preset.n_network_seeds) == ("redundant-scale", N_IMAGES, 3)
    assert len(environments) == 2 * len(SCALES) == 10
    assert environments[f"{UNIFORM}, 1/64"] == "multi-color-sum[redundant_scale=0.015625,accumulator=uniform,size=64]"
    assert environments[f"{WITH}, 1/16"] == "multi-color-sum[redundant_scale=0.0625,size=64]"
    assert report.claims == ()


def test_verdicts_are_read_at_every_scale(measured):
    report, _ = measured
    verdicts = {tuple(row[:2]): row[2:] for row in report.tables[0].rows}
    passes = verdicts["GradCAM passes at 0.5 on positive smooth truth", "GradCAM, positive-smooth truth"]
    assert passes == ("0.03 no", "0.06 no", "0.12 no", "0.25 no", "0.50 yes")
    fails = verdicts["LIME with Quickshift fails at 0.6", "LIME*, positive truth"]
    assert [cell.split()[1] for cell in fails] == ["yes"] * 5


def test_the_figure_is_a_picture_of_six_panels(measured):
    (figure,) = measured[0].figures
    assert figure.file == "scales.png"
    assert figure.png.startswith(b"\x89PNG")
