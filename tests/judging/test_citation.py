"""A verdict's sentence for a paper names all that it takes to measure it again."""

import dataclasses

import pytest

from attributionlab.judging import EnvironmentVerdict, Summary, Verdict
from attributionlab.judging.citation import report_as
from attributionlab.measuring.failure import Failure

MEASURED = EnvironmentVerdict(
    environment="multi-color-sum[size=16]",
    n_samples=8,
    network_seeds=tuple(range(8)),
    seed=7,
    device="cpu",
    outcome="passed",
    truths={"signed": Summary(0.5, 0.5, 0.75, 0.625, 0.875, "reached"), "negative": None},
    controls={},
)


def verdict_of(*environments, **changes):
    versions = {"attributionlab": "0.1.0", "torch": "2.13.0"}
    return dataclasses.replace(Verdict("gradient", 0.5, "signed", "interval", environments, versions), **changes)


def test_a_sentence_has_program_outcome_score_interval_and_units():
    assert report_as(verdict_of(MEASURED)) == (
        "attributionlab 0.1.0 (torch 2.13.0) finds gradient passed (F1 on signed truth, threshold 0.5): "
        "0.750 (95 % interval 0.625 to 0.875) in multi-color-sum[size=16], 8 images under 8 networks, seed 7, cpu."
    )


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"network_seeds": (3,)}, "8 images under one network"),
        ({"n_samples": 1}, "1 image under 8 networks"),
        (
            {"error": Failure("RuntimeError", "no hook"), "outcome": "failed"},
            "failed (F1 on signed truth, threshold 0.5): RuntimeError in",
        ),
        ({"truths": {"signed": None}}, "no such truth in multi-color-sum[size=16]"),
    ],
)
def test_what_is_particular_about_a_measurement_is_said(changes, expected):
    assert expected in report_as(verdict_of(dataclasses.replace(MEASURED, **changes)))


def test_the_papers_rule_and_every_environment_are_named():
    other = dataclasses.replace(MEASURED, environment="single-color-sum[size=16]", outcome="undecided")
    sentence = report_as(verdict_of(MEASURED, other, rule="point"))
    assert "finds gradient undecided (F1 on signed truth, threshold 0.5, decided by the mean alone): 0.750" in sentence
    assert sentence.index("in multi-color-sum") < sentence.index("; 0.750") < sentence.index("in single-color-sum")


def test_the_json_has_the_sentence():
    assert verdict_of(MEASURED).to_dict()["report_as"] == report_as(verdict_of(MEASURED))
