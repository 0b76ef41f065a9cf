"""Statuses on invented results: what each study concludes from what it would have measured."""

import itertools
from pathlib import Path

import numpy as np
import pytest

import attributionlab as al
from attributionlab.judging.ranking import paired_difference
from attributionlab.papers.claims import Status
from attributionlab.papers.evidence import Evidence, average_images
from attributionlab.papers.measuring import MeasuredScores, RankedScores
from attributionlab.papers.presets import find_preset
from attributionlab.papers.studies import StudySetting
from attributionlab.papers.zhang2024 import modulo, priors, section4, unseen_data
from attributionlab.papers.zhang2024.paper import PRESETS
from attributionlab.papers.zhang2024.published import comparisons, gamma_claims, published_ranks, published_table
from attributionlab.papers.zhang2024.rankings import consistency, correlations, orders

N_NETWORKS, N_IMAGES = 5, 4
NETWORKS = tuple(f"network {seed}" for seed in range(N_NETWORKS))


class Invented:
    """Records whose scores are a number per method and name, the same with every network and image."""

    def __init__(self, scores):
        self.given = scores

    def scores(self, _environment, method, _measure, name):
        return np.full(N_IMAGES, self.given.get((method, name), np.nan))

    def all_scores(self, *_):
        return {}


def measured(scores):
    names = {name: name for name in (*unseen_data.METHODS, *(name for name in priors.NAMES if "sam" not in name))}
    return MeasuredScores(NETWORKS, names, {}, Invented(scores))


def ranked(columns, methods=("a", "b", "c", "d")):
    """Scores by column, one per method, alike with all networks and images."""
    shape = (N_NETWORKS, len(methods), N_IMAGES)
    return RankedScores(
        methods,
        {name: np.broadcast_to(np.array(values, float)[None, :, None], shape) for name, values in columns.items()},
    )


def statuses(results):
    return {result.claim.key: [finding.status for finding in result.findings] for result in results}


def test_printed_correlations_of_tables_5_and_6_do_not_follow_and_those_of_table_3_do():
    follow = {
        name: {claim.status for claim in consistency(name, published_ranks(name))}
        for name in ("table3", "table5", "table6")
    }
    fails = {Status.not_reproduced}
    assert follow == {"table3": {Status.reproduced}, "table5": fails, "table6": fails}


def test_ranks_as_printed_reproduce_the_order_and_reversed_ones_do_not():
    printed = published_table("table3")
    as_printed = ranked(
        {column: [-rank for rank in printed.column(column).values()] for column in printed.columns}, tuple(printed.rows)
    )
    reversed_ = ranked(
        {column: list(printed.column(column).values()) for column in printed.columns}, tuple(printed.rows)
    )
    found = orders("table3", printed, {"as printed": as_printed, "reversed": reversed_})
    assert all(status == [Status.reproduced, Status.not_reproduced] for status in statuses(found).values())


def test_ranks_as_printed_give_the_printed_correlations_of_table_3():
    printed = published_table("table3")
    as_printed = ranked(
        {column: [-rank for rank in printed.column(column).values()] for column in printed.columns}, tuple(printed.rows)
    )
    ranks = published_ranks("table3")
    results = correlations("table3", ranks, {"": as_printed}, trusted=True)
    assert [result.findings[0].ours.value for result in results] == pytest.approx(ranks.correlations, abs=0.005)
    assert all(status == [Status.reproduced] for status in statuses(results).values())


def test_ours_are_ranked_from_the_best_with_ties_shared():
    assert ranked({"F1": [0.9, 0.1, 0.5, 0.5]}).ranks("F1") == {"a": 1, "b": 4, "c": 2.5, "d": 2.5}


@pytest.mark.parametrize(
    ("high", "by_seed", "status"),
    [
        (-0.1, (-0.2,) * 5, Status.reproduced),
        (0.1, (-0.2,) * 5, Status.direction),
        (0.1, (-0.9, -0.9, 0.1, 0.1, 0.1), Status.not_reproduced),
        (0.5, (0.2,) * 5, Status.not_reproduced),
    ],
)
def test_a_drop_needs_an_interval_below_zero(high, by_seed, status):
    evidence = Evidence(float(np.mean(by_seed)), by_seed, -0.5, high)
    found = paired_difference([])
    object.__setattr__(found, "high", high)
    assert unseen_data.judge_drop(found, evidence, "").status is status


def test_both_readings_of_appendix_i_with_both_truths_baselines_and_rules_are_named():
    names = unseen_data._readings({unseen_data.OFF: AllAlike(), unseen_data.UNIFORM: AllAlike()})
    assert len(names) == 16
    assert "redundancy off, positive truth, black baselines, captum's rule" in names
    assert "uniform weights, redundancy kept, overall truth, true baselines, shap's rule" in names


class AllAlike:
    """Something that can be ranked."""

    def ranked(self, methods, truth):
        return methods, truth


def test_true_baselines_take_the_starred_methods():
    assert unseen_data.BASELINES["true baselines"]["IG"] == "IG*"
    assert unseen_data.BASELINES["black baselines"]["IG"] == "IG"
    assert unseen_data.BASELINES["true baselines"]["GradCAM"] == "GradCAM"
    environment = al.make_environment("multi-color-sum[size=16]")
    for name in ("IG", "Occlusion", "LIME"):
        plain, starred = (al.make_method(unseen_data.METHODS[one], environment) for one in (name, f"{name}*"))
        assert (plain.baseline, starred.baseline) == ("black", "true")


def verdict(key, scores):
    said = next(claim for claim in gamma_claims() if claim.key == key)
    found = measured(scores)
    return section4._verdict(said, found, found, {}).findings


@pytest.mark.parametrize(("f1", "status"), [(0.7, Status.reproduced), (0.3, Status.not_reproduced)])
def test_a_method_that_is_said_to_pass_must_reach_gamma(f1, status):
    assert verdict("gradcam", {("GradCAM", "positive-smooth.f1"): f1})[0].status is status


@pytest.mark.parametrize(("f1", "status"), [(0.3, Status.fitted), (0.7, Status.not_reproduced)])
def test_a_method_that_is_said_to_fail_must_stay_below_gamma(f1, status):
    """The strength of the redundant channels was chosen by this verdict: where it holds, it is fitted."""
    assert verdict("deepshap-negative", {("DeepSHAP", "negative.f1"): f1})[0].status is status


def test_a_verdict_is_reached_on_the_first_network_and_over_all_of_them():
    said = next(claim for claim in gamma_claims() if claim.key == "gradcam")
    scores = MeasuredScores(NETWORKS, {"GradCAM": "GradCAM"}, {}, ByNetwork())
    judged = section4._verdict(said, scores, scores, {})
    assert {finding.reading.partition(", ")[2]: finding.status for finding in judged.findings} == {
        "by the paper's rule, one network": Status.reproduced,
        "over networks": Status.not_reproduced,
    }
    assert [len(finding.ours.by_seed) for finding in judged.findings] == [1, N_NETWORKS]
    assert judged.status is Status.not_reproduced


class ByNetwork(Invented):
    """Scores that reach gamma with the first network only."""

    def __init__(self):
        super().__init__({})

    def scores(self, environment, _method, _measure, _name):
        return np.full(N_IMAGES, 0.7 if environment == NETWORKS[0] else 0.1 + 0.01 * NETWORKS.index(environment))


def test_a_true_baseline_that_helps_too_little_shows_the_direction():
    scores = {
        (method, f"{truth}.f1"): f1
        for method, f1 in (("Occlusion*", 0.4), ("Occlusion", 0.2))
        for truth in ("overall", "positive")
    }
    assert [finding.status for finding in verdict("occlusion-true", scores)] == [Status.direction] * 4


def test_without_weights_nothing_is_said_about_sam():
    findings = verdict("lime-sam-0.5", {})
    assert [finding.status for finding in findings] == [Status.unchecked] * 6
    assert "--sam-checkpoint" in findings[0].reason


def test_verdicts_on_lime_are_read_with_both_baselines_both_regressions_and_both_truths():
    scores = {
        (f"{name} (quickshift)", f"{truth}.f1"): f1
        for name, truth, f1 in (
            ("LIME", "positive", 0.7),
            ("LIME", "overall", 0.4),
            ("LIME*", "positive", 0.3),
            ("LIME*", "overall", 0.6),
            ("LIME of its package", "positive", 0.8),
            ("LIME of its package", "overall", 0.3),
        )
    }
    found = {finding.reading: finding.status for finding in verdict("lime-quickshift-0.5", scores)}
    over = {
        reading.removesuffix(", over networks"): status
        for reading, status in found.items()
        if reading.endswith("networks")
    }
    assert over == {
        "positive truth, black baseline": Status.reproduced,
        "overall truth, black baseline": Status.not_reproduced,
        "positive truth, true baseline": Status.not_reproduced,
        "overall truth, true baseline": Status.reproduced,
        "positive truth, the package's choices": Status.reproduced,
        "overall truth, the package's choices": Status.not_reproduced,
    }


def test_what_is_said_to_be_higher_is_compared_with_everything_it_is_said_to_be_above():
    said = next(one for one in comparisons() if one.key == "iba-best")
    scores = {(method, "positive-smooth.f1"): f1 for method, f1 in (("IBA", 0.6), ("GradCAM", 0.5), ("ExPerturb", 0.7))}
    gradcam, experturb = section4._comparison(said, measured(scores)).findings
    assert (gradcam.status, experturb.status) == (Status.reproduced, Status.not_reproduced)
    assert "IBA's F1 0.60, ExPerturb's F1 0.70" in experturb.reason


def test_occlusion_is_told_what_exactly_the_winners_pixels_would_have():
    setting = StudySetting(Path("unused"), find_preset(PRESETS, "quick", size=16, n_samples=2))
    truth = al.make_environment("multi-color-sum[size=16]").sample(2).ground_truth
    share = truth.positive_mask.sum(dim=(1, 2)) / truth.overall_mask.sum(dim=(1, 2))
    expected = (2 * share / (1 + share)).mean()
    assert section4._causes(setting)["Occlusion*", "overall"].endswith(f"pixels has {expected:.2f}")


def test_an_order_by_pixel_index_has_the_area_of_its_steps():
    setting = StudySetting(Path("unused"), find_preset(PRESETS, "quick", size=32, n_samples=3))
    inserted, deleted = modulo._by_index(setting)
    masks = al.make_environment("single-color-modulo[size=32]").sample(3).ground_truth.positive_mask
    areas = []
    for mask in masks.flatten(1).tolist():
        counts = [0]
        for white in mask:
            counts.append(counts[-1] + white)
        areas.append(sum((a + b) / 2 for a, b in itertools.pairwise(counts)) / counts[-1] / len(mask))
    assert inserted.value == pytest.approx(np.mean(areas))
    assert deleted.value == pytest.approx(1 - np.mean(areas))


def test_equal_values_are_read_in_both_orders_and_the_sum_of_the_printed_areas_is_told():
    printed = published_table("table4")
    same = dict.fromkeys(printed.columns, average_images(np.full((5, 3), 0.5)))
    random, by_index = modulo._findings(printed, "Constant", "Insertion", same, same)
    assert {random.status, by_index.status} == {Status.not_reproduced}
    assert "add up to 0.89" in random.reason


def test_a_wrong_order_names_the_methods_that_are_farthest_from_their_printed_ranks():
    printed = published_table("table3")
    values = {method: -rank for method, rank in printed.column("F1").items()}
    values["Random"] = 1
    found = ranked({column: list(values.values()) for column in printed.columns}, tuple(printed.rows))
    (result, *_) = orders("table3", printed, {"": found})
    assert "farthest: Random 0 (printed 10)" in result.findings[0].reason


def test_means_leave_out_undefined_images_and_are_undefined_without_any():
    assert average_images(np.array([[1.0, np.nan], [3.0, 5.0]])).by_seed == (1, 4)
    assert np.isnan(average_images(np.array([[np.nan, np.nan], [3.0, 5.0]])).value)


@pytest.mark.parametrize(("black", "true", "status"), [(0.6, 0.8, Status.direction), (0.8, 0.6, Status.not_reproduced)])
def test_a_black_baseline_that_hurts_too_little_shows_the_direction(black, true, status):
    scores = {
        (method, f"{truth}.f1"): f1
        for method, f1 in (("Occlusion", black), ("Occlusion*", true))
        for truth in ("overall", "positive")
    }
    assert [finding.status for finding in verdict("occlusion-black", scores)] == [status] * 4


def test_the_direction_of_a_verdict_names_the_method_beside_it():
    directions = {claim.key: section4._direction_text(claim) for claim in gamma_claims()}
    assert directions["occlusion-black"] == "F1 below that of Occlusion*"
    assert directions["occlusion-true"] == "F1 above that of Occlusion"
    assert directions["gradcam"] == ""


def test_a_claim_on_a_correlation_says_what_the_printed_ranks_give_where_they_contradict_it():
    claims = {
        trusted: correlations("table5", published_ranks("table5"), {}, trusted=trusted)[0].claim
        for trusted in (True, False)
    }
    assert (claims[True].published, claims[True].direction) == ("0.02", "at least 0.74")
    assert (claims[False].published, claims[False].direction) == ("0.02 (the printed ranks give -0.36)", "")


def test_a_wrong_order_names_three_methods():
    printed = published_table("table3")
    reversed_ = ranked({name: list(printed.column(name).values()) for name in printed.columns}, tuple(printed.rows))
    (result, *_) = orders("table3", printed, {"": reversed_})
    assert result.findings[0].reason.count("(printed") == 3


def area(value):
    return average_images(np.full((N_NETWORKS, N_IMAGES), value))


@pytest.mark.parametrize(
    ("difference", "status"),
    [(0.02, Status.reproduced), (0.021, Status.direction), (-0.05, Status.direction), (0.051, Status.not_reproduced)],
)
def test_an_area_is_judged_by_its_distance_from_the_printed_one(difference, status):
    printed = published_table("table4")
    value = printed.column("Insertion")["IBA"] + difference
    (finding,) = modulo._findings(printed, "IBA", "Insertion", {"Insertion": area(value)}, {})
    assert finding.status is status
    assert finding.reason.endswith(modulo.CAUSES["IBA"]) is (status is not Status.reproduced)


@pytest.mark.parametrize(("lost", "status"), [(0.0019, Status.fitted), (0.0021, Status.not_reproduced)])
def test_the_optimum_must_be_the_printed_one(lost, status):
    assert modulo._optimum(area(0.9754 - lost)).status is status


@pytest.mark.parametrize(("lost", "status"), [(0.0004, Status.reproduced), (0.0006, Status.not_reproduced)])
def test_the_best_methods_must_attain_the_optimum_of_their_images(lost, status):
    setting = StudySetting(Path("unused"), find_preset(PRESETS, "quick", size=16, n_samples=N_IMAGES))
    white = al.make_environment("single-color-modulo[size=16]").sample(N_IMAGES).ground_truth.positive_mask
    best = 1 - white.double().mean(dim=(1, 2)).numpy() / 2
    methods = ("LRP", "DeepSHAP", "IG", "IG*")
    scores = RankedScores(methods, {"Insertion": np.broadcast_to(best - lost, (N_NETWORKS, len(methods), N_IMAGES))})
    assert {finding.status for finding in modulo._attained(setting, scores).findings} == {status}
