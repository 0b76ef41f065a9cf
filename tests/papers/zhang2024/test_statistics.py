"""Every number of the reproduction against loops over images, methods and networks, written out from what it says it is."""

from __future__ import annotations

import itertools
from contextlib import nullcontext
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import rankdata

from attributionlab.judging.ranking import PairedDifference
from attributionlab.papers import measuring
from attributionlab.papers.claims import Status
from attributionlab.papers.evidence import Evidence, average_images
from attributionlab.papers.measuring import MeasuredScores, RankedScores, measure_plan
from attributionlab.papers.presets import find_preset
from attributionlab.papers.published import PublishedTable
from attributionlab.papers.studies import StudySetting
from attributionlab.papers.zhang2024 import modulo, priors, section4, unseen_data
from attributionlab.papers.zhang2024.paper import PRESETS
from attributionlab.papers.zhang2024.published import METRIC_NAMES, PublishedRanks, published_table
from attributionlab.papers.zhang2024.rankings import consistency, correlations, orders, rank_table
from attributionlab.seeding import generator

N_IMAGES = 6
LOWER_IS_BETTER = ("deletion",)


class Drawn:
    """Records with other scores for every network, method, measure and image."""

    @staticmethod
    @cache
    def scores(environment, method, measure, name):
        scores = generator(0, environment, method, measure, name).uniform(size=N_IMAGES)
        scores[0] = np.nan if method.startswith("iba") else scores[0]
        return scores

    @staticmethod
    def all_scores(*_):
        return {}

    @staticmethod
    def heads():
        return ()


def drawn(name, methods=unseen_data.METHODS, metrics=METRIC_NAMES):
    return MeasuredScores((f"{name} 0", f"{name} 1"), methods, metrics, Drawn())


def draws():
    return generator(0, "images drawn anew").integers(0, N_IMAGES, (500, N_IMAGES))


def drawn_methods(n_methods):
    return generator(0, "methods drawn anew").integers(0, n_methods, (500, n_methods))


def oracle_mean(scores, images):
    known = [scores[image] for image in images if not np.isnan(scores[image])]
    return np.mean(known) if known else np.nan


def oracle_spearman(found, network, methods, column, truth, images=range(N_IMAGES), chosen=None):
    """Of the mean F1 of the methods and their mean score, higher being better; of all methods, or of the chosen ones."""
    spec = found.metrics[column]
    sign = -1 if spec.startswith(LOWER_IS_BETTER) else 1
    first, second = [], []
    for name in methods.values():
        first.append(oracle_mean(found.scores(name, f"{truth}.f1")[network], images))
        second.append(sign * oracle_mean(found.scores(name, "score", spec)[network], images))
    places = range(len(methods)) if chosen is None else chosen
    sides = [[values[place] for place in places] for values in (first, second)]
    return np.corrcoef(*map(rankdata, sides))[0, 1]


def test_means_and_intervals_leave_out_undefined_images():
    scores = np.array([[1.0, np.nan, 3.0, 8.0, 2.0, 4.0], [3.0, 5.0, np.nan, np.nan, 1.0, 0.0]])
    found = average_images(scores)
    assert found.by_seed == pytest.approx([3.6, 2.25])
    assert found.value == pytest.approx((3.6 + 2.25) / 2)
    means = [[oracle_mean(network, images) for network in scores] for images in draws()]
    known = [mean for mean in np.mean(means, axis=1) if not np.isnan(mean)]
    assert len(known) < len(means)
    assert (found.low, found.high) == pytest.approx(np.percentile(known, [2.5, 97.5]))


@pytest.mark.parametrize("truth", ["positive", "overall"])
@pytest.mark.parametrize("column", METRIC_NAMES)
def test_correlations_are_those_of_mean_scores_averaged_over_networks(column, truth):
    found, methods = drawn("here"), unseen_data.BASELINES["true baselines"]
    evidence = found.ranked(methods, truth).correlation("F1", column)
    by_seed = [oracle_spearman(found, network, methods, column, truth) for network in (0, 1)]
    assert evidence.by_seed == pytest.approx(by_seed)
    assert evidence.value == pytest.approx(np.mean(by_seed))


@pytest.mark.wide
def test_intervals_of_correlations_draw_the_same_methods_and_images_for_all_networks():
    found, methods = drawn("here"), unseen_data.BASELINES["black baselines"]
    evidence = found.ranked(methods, "positive").correlation("F1", "Deletion")
    resampled = [
        np.mean([oracle_spearman(found, n, methods, "Deletion", "positive", images, chosen) for n in (0, 1)])
        for images, chosen in zip(draws(), drawn_methods(len(methods)), strict=True)
    ]
    assert (evidence.low, evidence.high) == pytest.approx(np.percentile(resampled, [2.5, 97.5]))


def test_ranks_are_those_of_mean_scores_averaged_over_networks():
    found, methods = drawn("here"), unseen_data.BASELINES["black baselines"]
    ranks = found.ranked(methods, "positive").ranks("F1")
    each = [
        rankdata([-oracle_mean(found.scores(name, "positive.f1")[network], range(N_IMAGES)) for name in methods])
        for network in (0, 1)
    ]
    assert ranks == pytest.approx(dict(zip(methods, np.mean(each, axis=0), strict=True)))


@pytest.fixture
def setting(tmp_path):
    return StudySetting(tmp_path, find_preset(PRESETS, "quick", n_samples=N_IMAGES))


@pytest.fixture(scope="module")
def table6(tmp_path_factory):
    """Its results by key from drawn scores, and what it would have measured."""
    specs = {}

    def measure(_setting, folder, environment, methods, metrics):
        ((name, spec),) = environment.items()
        specs[name] = spec, folder
        return {name: drawn(spec, methods, metrics)}

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(unseen_data, "measure_plan", measure)
        report = unseen_data.table6(StudySetting(tmp_path_factory.mktemp("table6"), PRESETS["quick"]))
    return {result.claim.key: result for result in report.claims}, specs


def test_the_effect_is_switched_off_in_two_ways(table6):
    assert table6[1] == {
        "with the effect": ("multi-color-sum[size=64]", "unseen-data-with-the-effect"),
        "redundancy off": ("multi-color-sum[n_redundant=0,size=64]", "unseen-data-redundancy-off"),
        "uniform weights, redundancy kept": (
            "multi-color-sum[accumulator=uniform,size=64]",
            "unseen-data-uniform-weights",
        ),
    }


@pytest.mark.wide
def test_drops_are_differences_of_correlations_with_and_without_the_effect(table6):
    results, asked = table6
    present = drawn(asked["with the effect"][0])
    readings = list(itertools.product(("redundancy off", "uniform weights, redundancy kept"), ("positive", "overall")))
    for column in METRIC_NAMES:
        spec = METRIC_NAMES[column] + ("[n_orders=100]" if column == "Sensitivity-N" else "")
        findings = {finding.reading: finding for finding in results[f"table2.{column.lower()}"].findings}
        assert len(findings) == 16
        for (name, truth), (choice, methods) in itertools.product(readings, unseen_data.CHOICES.items()):
            sides = [drawn(one, metrics={column: spec}) for one in (present.environments[0][:-2], asked[name][0])]
            one, other = ([oracle_spearman(side, n, methods, column, truth) for n in (0, 1)] for side in sides)
            ours = findings[f"{name}, {truth} truth, {choice}"].ours
            assert ours.by_seed == pytest.approx(np.subtract(one, other))
            assert ours.value == pytest.approx(np.mean(one) - np.mean(other))
            assert ours.low < ours.high
            if name == "uniform weights, redundancy kept":
                kept = {one.reading: one for one in results[f"appendix-i.{column.lower()}"].findings}
                assert kept[f"{truth} truth, {choice}"].ours == ours
    assert results["table2.insertion"].claim.published == "0.02 with, 0.42 without"


@pytest.mark.wide
def test_the_interval_of_a_difference_draws_the_same_methods_and_images_on_both_sides(table6):
    results, asked = table6
    found = next(
        finding.ours
        for finding in results["table2.insertion"].findings
        if finding.reading == "redundancy off, positive truth, black baselines, captum's rule"
    )
    methods = unseen_data.BASELINES["black baselines"]
    sides = [drawn(asked[name][0]) for name in ("with the effect", "redundancy off")]
    resampled = []
    for images, chosen in zip(draws(), drawn_methods(len(methods)), strict=True):
        each = [
            [oracle_spearman(side, n, methods, "Insertion", "positive", images, chosen) for n in (0, 1)]
            for side in sides
        ]
        resampled.append(np.mean(np.subtract(*each)))
    assert (found.low, found.high) == pytest.approx(np.percentile(resampled, [2.5, 97.5]))


def test_orders_are_judged_on_the_truth_of_the_caption(table6):
    findings = table6[0]["table6.order.f1"].findings
    assert {finding.reading.split(", ")[-3] for finding in findings} == {"overall truth"}


@pytest.mark.parametrize(
    ("value", "high", "status"),
    [
        (-0.2, -0.1, Status.not_reproduced),
        (-0.2, 0.1, Status.direction),
        (-0.09, -0.01, Status.reproduced),
        (0.2, 0.3, Status.reproduced),
        (np.nan, 0.3, Status.not_reproduced),
        (np.nan, None, Status.not_reproduced),
    ],
)
def test_uniform_weights_improve_from_a_tenth_on(value, high, status):
    found = PairedDifference(0.1, 0.3, -0.2, -0.3, high, 1.0, 2)
    finding = unseen_data.judge_no_improvement(found, Evidence(value, (value,) * 2, -0.3, high), "")
    assert finding.status is status


def test_a_drop_that_is_not_clear_says_so():
    found = PairedDifference(0.1, 0.3, -0.2, -0.3, 0.1, 1.0, 2)
    unclear = unseen_data.judge_drop(found, Evidence(-0.2, (-0.2,) * 2, -0.3, 0.1), "")
    assert unclear.reason.endswith("0.10 with, 0.30 without; the interval contains 0")


class Given:
    """Ranks with these correlations."""

    def __init__(self, value, places=0.0):
        self.value, self.places = value, places

    def correlation(self, first, second):
        assert first == "F1" != second
        return Evidence(self.value, (self.value,) * 5)

    def agreement(self, _column, _printed):
        return Evidence(self.value, (self.value,) * 5)

    def farthest(self, _column, _printed):
        return Evidence(self.places, (self.places,) * 5)

    def ranks(self, _column):
        return {"a": 1, "b": 2, "c": 3}


TABLE = PublishedTable("there", ("F1", "Insertion"), {"a": (0, 0), "b": (1, 2), "c": (2, 1)})
RANKS = PublishedRanks(TABLE, (0.5,))


@pytest.mark.parametrize(
    ("value", "trusted", "untrusted"),
    [
        (0.6, Status.reproduced, Status.reproduced),
        (0.74, Status.direction, Status.not_reproduced),
        (0.4, Status.reproduced, Status.reproduced),
        (0.39, Status.not_reproduced, Status.not_reproduced),
    ],
)
def test_a_correlation_is_reproduced_within_a_tenth_and_has_its_direction_above_chance(value, trusted, untrusted):
    for trust, status in ((True, trusted), (False, untrusted)):
        ((finding,),) = (one.findings for one in correlations("key", RANKS, {"": Given(value)}, trusted=trust))
        assert finding.status is status
        if status is not Status.reproduced:
            assert ("no ranking can have both" in finding.reason) is not trust


@pytest.mark.parametrize(
    ("places", "correlation", "status"),
    [
        (1, 0.0, Status.reproduced),
        (1.1, 0.74, Status.direction),
        (3, 0.99, Status.direction),
        (2, 0.73, Status.not_reproduced),
    ],
)
def test_an_order_is_reproduced_where_no_method_is_more_than_one_place_away(places, correlation, status):
    assert {claim.status for claim in orders("key", TABLE, {"": Given(correlation, places)})} == {status}


def test_the_farthest_method_counts_and_a_tie_stands_on_all_of_its_places():
    scores = np.array([[[0.9], [0.5], [0.5], [0.5], [0.1]], [[0.9], [0.8], [0.7], [0.6], [0.5]]])
    ranked = RankedScores(tuple("abcde"), {"F1": scores})
    printed = {"a": 0, "b": 3, "c": 2, "d": 1, "e": 4}
    assert ranked.farthest("F1", printed).by_seed == (0, 2)
    assert ranked.farthest("F1", {**printed, "a": 4, "e": 0}).by_seed == (4, 4)
    assert ranked.farthest("F1", {**printed, "b": 4}).by_seed == (1, 3)


@pytest.mark.parametrize(("printed", "follows"), [(0.5, Status.reproduced), (0.49, Status.not_reproduced)])
def test_printed_correlations_must_follow_to_two_digits(printed, follows):
    ranks = PublishedRanks(TABLE, (printed,))
    assert ranks.recomputed() == pytest.approx((0.5,))
    (judged,) = consistency("key", ranks)
    assert (judged.claim.is_arithmetic, judged.status) == (True, follows)


def test_ours_are_counted_from_where_the_table_counts():
    scores = np.array([[[0.9], [0.5], [0.1]]])
    ranked = RankedScores(("a", "b", "c"), {"F1": scores, "Insertion": scores})
    rows = rank_table("", RANKS, ranked).rows
    assert rows[:3] == (("a", 0, 0, 0, 0), ("b", 1, 1, 2, 1), ("c", 2, 2, 1, 2))
    assert rows[3] == ("Spearman with F1", None, None, 0.5, pytest.approx(1))


def constant(scores):
    """What section 4 would have measured, the same for all networks and images."""

    class Constant:
        def scores(self, _environment, method, _measure, name):
            return np.full(N_IMAGES, scores.get((method, name), np.nan))

        def all_scores(self, *_):
            return {}

    names = {name: name for name in (*unseen_data.METHODS, *(name for name in priors.NAMES if "sam" not in name))}
    return MeasuredScores(("0", "1"), names, {}, Constant())


def test_section_4_compares_what_it_says(setting, monkeypatch):
    smooth = "positive-smooth"
    scores = {
        ("IG*", "overall.precision"): 0.9,
        ("IG", "overall.precision"): 0.2,
        ("Occlusion*", "overall.precision"): 0.3,
        ("Occlusion", "overall.precision"): 0.4,
        ("GradCAM", f"{smooth}.recall"): 0.8,
        ("GradCAM", f"{smooth}.precision"): 0.3,
        ("ExPerturb", f"{smooth}.recall"): 0.5,
        ("ExPerturb", f"{smooth}.precision"): 0.5,
        ("GradCAM", "positive.recall"): 0.2,
        ("GradCAM", "positive.precision"): 0.4,
        ("IBA", f"{smooth}.precision"): 0.7,
        ("IBA", f"{smooth}.f1"): 0.6,
        ("GradCAM", f"{smooth}.f1"): 0.2,
        ("ExPerturb", f"{smooth}.f1"): 0.5,
        ("DeepSHAP", "overall.f1"): 0.5,
        ("LIME (quickshift)", "positive.f1"): 0.1,
    }
    monkeypatch.setattr(section4, "measure_effect", lambda *_: constant(scores))
    monkeypatch.setattr(section4, "measure_priors", lambda _: constant({("LIME (quickshift)", "positive.f1"): 0.7}))
    found = {result.claim.key.partition(".")[2]: result for result in section4.section4(setting).claims}
    truth, smoothed = "positive truth", "positive-smooth truth"
    differences = {
        ("precision-ig", 0, "overall truth"): 0.7,
        ("precision-occlusion", 0, "overall truth"): -0.1,
        ("recall-gradcam", 0, smoothed): 0.5,
        ("recall-gradcam", 1, truth): -0.2,
        ("recall-experturb", 0, smoothed): 0,
        ("precision-experturb", 0, smoothed): 0.2,
        ("iba-best", 0, f"{smoothed}, against GradCAM's F1"): 0.4,
        ("iba-best", 1, f"{smoothed}, against ExPerturb's F1"): 0.1,
    }
    for (key, index, said), difference in differences.items():
        finding = found[key].findings[index]
        assert (finding.reading, finding.ours.value) == (said, pytest.approx(difference))
        held = Status.fitted if key == "recall-experturb" else Status.reproduced
        assert finding.status is (held if difference > 0 else Status.not_reproduced)
    assert found["deepshap-overall"].findings[0].status is Status.fitted, "at gamma is at least gamma"
    assert found["deepshap-overall"].claim.published == "F1 at least 0.5"
    assert found["deepshap-positive"].claim.published == "F1 below 0.5"
    on_truth = {finding.reading: finding for finding in found["lime-quickshift-0.5"].findings}
    assert len(on_truth) == 12
    assert on_truth["positive truth, black baseline, over networks"].ours.value == pytest.approx(0.7), (
        "from the study of priors"
    )


def test_areas_are_means_of_what_the_metrics_give(setting, monkeypatch):
    asked = []

    def measure(_setting, folder, environment, methods, metrics):
        asked.append((folder, environment, metrics))
        return {"modulo": drawn("modulo", methods, metrics)}

    monkeypatch.setattr(modulo, "measure_plan", measure)
    report = modulo.table4(setting)
    found = {result.claim.key: result.findings[0].ours for result in report.claims}
    (one,) = asked
    assert one[1] == {"modulo": "single-color-modulo[size=64]"}
    for column in ("Insertion", "Deletion"):
        scores = drawn("modulo", modulo.METHODS, one[2]).scores("LRP", "score", one[2][column])
        assert found[f"table4.{column.lower()}.lrp"].by_seed == pytest.approx(scores.mean(axis=1))
    assert found["table4.optimum"] == found["table4.insertion.lrp"]
    ranked = modulo.ranked_methods(setting).columns["F1"]
    expected = drawn("modulo", modulo.METHODS).scores("LRP", "overall.f1")
    assert np.array_equal(ranked[:, list(modulo.METHODS).index("LRP")], expected)


@pytest.mark.parametrize(("area", "status"), [(0.97, Status.not_reproduced), (0.9755, Status.fitted)])
def test_the_optimum_must_be_met_to_two_thousandths(area, status):
    (finding,) = modulo._optimum(average_images(np.full((2, 3), area))).findings
    assert published_table("table4").rows["LRP"][0] == 0.9754
    assert finding.status is status


def test_an_area_has_the_direction_only_within_a_tenth_of_the_way_from_chance_to_the_optimum():
    def status(area):
        return modulo._finding(average_images(np.full((2, 3), area)), 0.9, "").status

    assert [status(area) for area in (0.92, 0.85, 0.84)] == [
        Status.reproduced,
        Status.direction,
        Status.not_reproduced,
    ]


def test_what_a_preset_says_is_what_is_run(tmp_path, monkeypatch):
    runs, told = [], []

    def run(plan, where, *, workers, backend, address, device, retry_failed, progress, watch):
        assert (retry_failed, callable(watch), backend, address) == (True, True, "loky", None)
        progress(3)
        runs.append((plan, where, workers, device))

    def watch(title, total):
        told.append((title, total))
        return nullcontext(told.append)

    monkeypatch.setattr(measuring, "run_plan", run)
    monkeypatch.setattr(measuring, "load_records", lambda _: Drawn())
    setting = StudySetting(Path(tmp_path), PRESETS["quick"], workers=3, device="cpu", watch=watch)
    environments = {"one": "multi-color-sum[size=16]", "other": "single-color-sum[size=16]"}
    found = measure_plan(setting, "here", environments, {"Truth": "truth"}, {"Insertion": "insertion"})
    ((plan, where, workers, device),) = runs
    assert (where, workers, device) == (tmp_path / "here", 3, "cpu")
    assert (plan.n_samples, plan.network_seeds, plan.images_per_job) == (16, (0, 1, 2, 3, 4), 4)
    assert (plan.methods, plan.metrics) == (("truth",), ("insertion",))
    assert told == [("here", plan.n_jobs), 3]
    for name, family in environments.items():
        assert [plan.expanded[one] for one in found[name].environments] == [family] * 5
    assert PRESETS["paper"].n_samples == 100
