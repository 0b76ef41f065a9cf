"""The debugging test: what maps of known kinds reveal, and by how much."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from wide import first_of

import attributionlab as al
from attributionlab.errors import BadOption, UnknownName
from attributionlab.judging import debug
from attributionlab.judging.bug_cases import ENVIRONMENT_OF, bug_cases, require_bugs
from attributionlab.judging.debug_report import revelation_of
from attributionlab.judging.dependence import Dependence
from attributionlab.metrics import SIMILARITIES, map_similarity

BUGS = ["spurious-background", "mislabeled", "frozen[n_redundant=0]", "cascade[layer=head]", "bgr", "scaled"]


@pytest.fixture(scope="module")
def of_truth():
    return debug("exact[game=removal]", BUGS, n_samples=4, size=16)


@pytest.fixture(scope="module")
def of_gradient():
    return debug("gradient", ["mislabeled", "out-of-distribution"], n_samples=4, size=16)


@pytest.mark.wide
def test_exact_values_follow_every_bug_fully(of_truth):
    for verdict in of_truth.bugs:
        assert verdict.follows.value == pytest.approx(1.0)  # cosines are rounded
    assert of_truth.revealed == tuple(BUGS)
    assert [verdict.basis for verdict in of_truth.bugs] == ["mask", "mask", "mask", "values", "values", "mass"]
    assert [verdict.role for verdict in of_truth.bugs] == ["data", "data", "model", "model", "test time", "test time"]


def test_the_similarity_of_exact_maps_is_that_of_the_truths(of_truth):
    for verdict in of_truth.bugs:
        for mean in verdict.similarity.values():
            assert mean.mean is None or mean.truth is not None
    cascade = of_truth.bugs[3].similarity["rank"]
    assert cascade.mean == pytest.approx(cascade.truth)
    assert cascade.ceiling == pytest.approx(1.0)
    assert abs(cascade.floor) < 0.2


@pytest.mark.parametrize("method", first_of(["random", "foreground"]))
def test_maps_that_do_not_look_at_the_network_follow_no_bug_at_all(method):
    report = debug(method, ["mislabeled", "cascade[layer=block1]"], n_samples=4, size=16)
    assert [verdict.outcome for verdict in report.bugs] == ["hidden", "hidden"]
    assert [verdict.follows.value for verdict in report.bugs] == [0.0, 0.0]
    assert report.revealed == ()
    assert report.exit_code == 1


def test_an_empty_truth_asks_for_an_empty_map():
    def constant_share(model, inputs, targets):
        """A quarter of the values where the inputs are small, as pre-processed ones are."""
        return torch.full_like(inputs[:, 0], 0.25 if inputs.max() < 2 else 1.0)

    (verdict,) = debug(constant_share, ["scaled"], n_samples=4, size=16).bugs
    assert verdict.basis == "mass"
    assert verdict.follows.value == 0.75
    assert verdict.n_empty == 4
    assert verdict.agreement is verdict.mass is None
    (verdict,) = debug("gradient", ["scaled"], n_samples=4, size=16).bugs
    assert (verdict.outcome, verdict.follows.value, verdict.n_without_map) == ("revealed", 1.0, 4)


@pytest.mark.wide
def test_a_map_that_vanishes_follows_by_half_which_is_not_enough(of_gradient):
    vanished = of_gradient.bugs[1]
    assert vanished.n_without_map == 4
    assert vanished.follows.value == pytest.approx(0.5)
    assert vanished.outcome == "no map"
    assert of_gradient.exit_code == 1
    (lenient,) = debug("gradient", ["out-of-distribution"], n_samples=2, size=16, gamma=0.4).bugs
    assert lenient.outcome == "no map", "also where one half would be enough"
    assert all(vanished.similarity[name].mean is None for name in SIMILARITIES)
    assert vanished.similarity["rank"].n == 0


def test_the_own_class_of_a_mislabeled_network_hides_the_bug(of_gradient):
    mislabeled = of_gradient.bugs[0]
    assert mislabeled.follows.value == 1.0
    assert mislabeled.follows_own is None
    assert mislabeled.n_same_class < 4


def test_similarities_are_means_with_standard_errors_over_images(of_gradient):
    """Computed once more, image by image."""
    healthy, contaminated = (
        al.make_environment(f"multi-color-sum[{bug}output=logit,size=16]") for bug in ("", "bug=mislabeled,")
    )
    ranks = []
    for index in range(4):
        seeded = [environment.changed(network_seed=index) for environment in (healthy, contaminated)]
        target = healthy.label(healthy.scene(index))
        maps = []
        for environment in seeded:
            batch = environment.batch((environment.scene(index),), target=target)
            maps.append(al.make_method("gradient")(environment.model, batch.inputs, batch.targets))
        ranks.append(float(map_similarity(*maps).rank))
    mean = of_gradient.bugs[0].similarity["rank"]
    assert mean.mean == pytest.approx(np.mean(ranks))
    assert mean.standard_error == pytest.approx(np.std(ranks, ddof=1) / 2)
    assert mean.n == 4


@pytest.mark.wide
def test_the_ceiling_of_a_seeded_method_is_another_seed():
    (verdict,) = debug("random", ["mislabeled"], n_samples=2, size=16).bugs
    assert abs(verdict.similarity["rank"].ceiling) < 0.3
    assert verdict.similarity["rank"].mean == pytest.approx(1.0)


def test_the_mass_on_the_background_separates_the_networks(of_truth):
    mass = of_truth.bugs[0].mass
    assert mass["own"] == 1.0
    assert mass["healthy"] == 0.0


def test_a_method_that_fails_is_a_failure_of_each_bug():
    def broken(model, inputs, targets):
        raise RuntimeError("out of ideas")

    report = debug(broken, ["mislabeled", "bgr"], n_samples=2, size=16)
    assert [verdict.outcome for verdict in report.bugs] == ["failed", "failed"]
    assert "out of ideas" in report.bugs[0].error.message
    assert "out of ideas" in str(report)
    assert report.exit_code == 1


def test_reports_are_json_and_tables(of_truth):
    stored = json.loads(json.dumps(of_truth.to_dict(), allow_nan=False))
    assert [bug["bug"] for bug in stored["bugs"]] == BUGS
    assert set(stored["bugs"][0]["similarity"]) == set(SIMILARITIES)
    text = str(of_truth)
    assert "cascade head" in text
    assert "reveals" in text
    assert max(map(len, text.splitlines())) <= 80
    rows = of_truth.to_pandas()
    assert set(rows["quantity"]) >= {"follows", "mass.own", "rank"}


@pytest.mark.parametrize(
    ("value", "low", "high", "outcome"),
    [
        (0.9, 0.6, 1.2, "revealed"),
        (0.5, 0.5, 0.5, "partly"),
        (0.5, 0.3, 0.7, "undecided"),
        (0.3, 0.1, 0.49, "partly"),
        (0.1, -0.1, 0.3, "hidden"),
        (0.0, 0.0, 0.0, "hidden"),
    ],
)
def test_the_interval_decides(value, low, high, outcome):
    assert revelation_of(Dependence(value, low, high), 0.5) == outcome


def test_equal_truths_hide_a_bug_from_every_map():
    assert revelation_of(None, 0.5) == "invisible"


def test_healthy_maps_of_zeros_leave_an_empty_truth_undecided():
    def nothing(model, inputs, targets):
        return torch.zeros_like(inputs)

    (verdict,) = debug(nothing, ["scaled"], n_samples=2, size=16).bugs
    assert (verdict.outcome, verdict.follows) == ("undecided", None)


# Cases


def test_a_bug_without_a_layer_is_tested_in_every_layer():
    names = [case.bug for case in bug_cases(None, size=16)]
    layers = ["head", "block3", "block2", "block1", "detector"]
    assert [name for name in names if "cascade" in name] == [f"cascade[layer={layer}]" for layer in layers]
    assert [name for name in names if "reinit" in name] == [f"reinitialized[layer={layer}]" for layer in layers[1:]]
    assert {name.partition("[")[0] for name in names} == set(ENVIRONMENT_OF)


def test_both_environments_differ_in_the_bug_only():
    (case,) = bug_cases(["mislabeled[wrong_labels=0.5,n_redundant=0]"], size=16, seed=3)
    assert case.healthy.spec == "multi-color-sum[n_redundant=0,output=logit,seed=3,size=16]"
    assert case.contaminated.changed(bug="none", wrong_labels=0.1).spec == case.healthy.spec


@pytest.mark.parametrize(
    ("bugs", "error", "message"),
    [
        (["mislabelled"], UnknownName, "`bug` must be a known name, got 'mislabelled'; did you mean mislabeled"),
        (["cascade[layer=block9]"], UnknownName, "`layer` must be a known name, got 'block9'"),
        (["frozen[layer=block1]"], BadOption, "`layer` must go with the bug"),
        (["frozen[depth=1]"], UnknownName, "`option` must be a known name, got 'depth'"),
        (["bgr", "bgr"], BadOption, "`bugs` must be distinct, got 'bgr'"),
        ([], BadOption, "`bugs` must be"),
        ("bgr", BadOption, "`bugs` must be"),
    ],
)
def test_unknown_bugs_are_refused(bugs, error, message):
    with pytest.raises(error, match=message):
        bug_cases(require_bugs(bugs), size=16)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_samples": 1}, "`n_samples` must be at least 2, got 1"),
        ({"gamma": 1.5}, "`gamma` must be in"),
        ({"seed": -1}, "`seed` must be"),
        ({"progress": 3}, "`progress` must be"),
    ],
)
def test_bad_options_are_refused(options, message):
    with pytest.raises(BadOption, match=message):
        debug("gradient", ["bgr"], **options)
