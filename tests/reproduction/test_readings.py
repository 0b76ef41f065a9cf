"""Statuses on invented results: what each study concludes from what it would have measured."""

import numpy as np
import pytest

from attributionlab.metrics import paired_difference
from attributionlab.reproduction import modulo, priors, section4, unseen_data
from attributionlab.reproduction.claims import Evidence, Status
from attributionlab.reproduction.measuring import Measured, Ranked, mean_of
from attributionlab.reproduction.published import gamma_claims, published_table
from attributionlab.reproduction.rankings import consistency, correlations, orders

N_NETWORKS, N_IMAGES = 5, 4
NETWORKS = tuple(f"network {seed}" for seed in range(N_NETWORKS))


class Invented:
    """Records whose scores are a number per method and name, the same with every network and image."""

    def __init__(self, scores):
        self.given = scores

    def scores(self, _environment, method, _measure, name):
        return np.full(N_IMAGES, self.given.get((method, name), np.nan))


def measured(scores):
    names = {name: name for name in (*unseen_data.METHODS, *priors.NAMES[:-1])}
    return Measured(NETWORKS, names, {}, Invented(scores))


def ranked(columns, methods=("a", "b", "c", "d")):
    """Scores by column, one per method, alike with all networks and images."""
    shape = (N_NETWORKS, len(methods), N_IMAGES)
    return Ranked(
        methods,
        {name: np.broadcast_to(np.array(values, float)[None, :, None], shape) for name, values in columns.items()},
    )


def statuses(results):
    return {result.claim.key: [finding.status for finding in result.findings] for result in results}


def test_printed_correlations_of_tables_5_and_6_do_not_follow_and_those_of_table_3_do():
    found = {
        name: statuses(consistency(name, published_table(name))).values() for name in ("table3", "table5", "table6")
    }
    assert all(status == [Status.reproduced] for status in found["table3"])
    assert all(status == [Status.not_reproduced] for name in ("table5", "table6") for status in found[name])


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
    results = correlations("table3", printed, {"": as_printed}, trusted=True)
    assert [result.findings[0].ours.value for result in results] == pytest.approx(printed.correlations, abs=0.005)
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


def test_both_readings_of_appendix_i_with_both_truths_and_both_baselines_are_named():
    names = unseen_data._readings({unseen_data.OFF: AllAlike(), unseen_data.UNIFORM: AllAlike()})
    assert len(names) == 8
    assert "redundancy off, positive truth, black baselines" in names
    assert "uniform weights, redundancy kept, overall truth, true baselines" in names


class AllAlike:
    """Something that can be ranked."""

    def ranked(self, methods, truth):
        return methods, truth


def test_true_baselines_take_the_starred_methods():
    assert unseen_data.BASELINES["true baselines"]["IG"] == "IG*"
    assert unseen_data.BASELINES["black baselines"]["IG"] == "IG"
    assert unseen_data.BASELINES["true baselines"]["GradCAM"] == "GradCAM"


def verdict(key, scores):
    said = next(claim for claim in gamma_claims() if claim.key == key)
    found = measured(scores)
    return section4._verdict(said, found, found).findings


@pytest.mark.parametrize(("f1", "status"), [(0.7, Status.reproduced), (0.3, Status.not_reproduced)])
def test_a_method_that_is_said_to_pass_must_reach_gamma(f1, status):
    assert verdict("deepshap-overall", {("DeepSHAP", "overall.f1"): f1})[0].status is status


@pytest.mark.parametrize(("f1", "status"), [(0.3, Status.reproduced), (0.7, Status.not_reproduced)])
def test_a_method_that_is_said_to_fail_must_stay_below_gamma(f1, status):
    assert verdict("deepshap-negative", {("DeepSHAP", "negative.f1"): f1})[0].status is status


def test_a_true_baseline_that_helps_too_little_shows_the_direction():
    scores = {
        (method, f"{truth}.f1"): f1
        for method, f1 in (("Occlusion*", 0.4), ("Occlusion", 0.2))
        for truth in ("overall", "positive")
    }
    assert [finding.status for finding in verdict("occlusion-true", scores)] == [Status.direction] * 2


def test_without_weights_nothing_is_said_about_sam():
    (first, second) = verdict("lime-sam-0.5", {})
    assert first.status is second.status is Status.unchecked
    assert "--sam-checkpoint" in first.reason


def test_an_area_within_two_hundredths_is_reproduced_and_on_the_same_side_of_chance_has_the_direction():
    def area(value):
        return modulo._finding(mean_of(np.full((5, 3), value)), 0.8827, "GradCAM").status

    assert [area(0.88), area(0.7), area(0.5)] == [Status.reproduced, Status.direction, Status.not_reproduced]


def test_means_leave_out_undefined_images_and_are_undefined_without_any():
    assert mean_of(np.array([[1.0, np.nan], [3.0, 5.0]])).by_seed == (1, 4)
    assert np.isnan(mean_of(np.array([[np.nan, np.nan], [3.0, 5.0]])).value)
