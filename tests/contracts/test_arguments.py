"""Bad arguments of public functions: an error of ours that names the parameter, whatever the value is."""

from __future__ import annotations

import dataclasses

import pytest
import torch

import attributionlab as al
from attributionlab import testing
from attributionlab.errors import AttributionLabError


class Silent:
    """An object that has no text."""

    def __repr__(self):
        raise RuntimeError("no text")


class Unequal:
    """An object that cannot be compared."""

    __hash__ = None

    def __eq__(self, other):
        raise RuntimeError("no comparison")


HOSTILE = {
    "object": object(),
    "bytes": b"x",
    "complex": 1j,
    "huge": 10**5000,
    "nan": float("nan"),
    "type": dict,
    "silent": Silent(),
    "unequal": Unequal(),
    "empty tensor": torch.zeros(0),
    "complex tensor": torch.zeros(2, 16, 16, dtype=torch.complex64),
    "sparse tensor": torch.zeros(2, 16, 16).to_sparse(),
}
"""Values that fit no parameter below."""

ENVIRONMENT = al.make_environment("multi-color-sum", size=16)
BATCH = ENVIRONMENT.sample(2)
TRUTH = BATCH.ground_truth
MAPS = TRUTH.signed.float()
INSERTION, SENSITIVITY = al.make_metric("insertion", steps=4), al.make_metric("sensitivity-n", n_orders=2)
CALL = {"model": ENVIRONMENT.model, "inputs": BATCH.inputs, "targets": BATCH.targets}
CURVE = {"environment": ENVIRONMENT, "batch": BATCH, "attribution": MAPS}
MEASURED = {"environment": ENVIRONMENT, "batch": BATCH, "attributions": [MAPS]}
SMALL = {"n_samples": 1, "size": 16, "seed": 0}


def fields(value):
    return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}


CALLS = {
    "Batch": (al.Batch, fields(BATCH), fields(BATCH)),
    "GroundTruth": (al.GroundTruth, fields(TRUTH), fields(TRUTH)),
    "LabeledImages": (
        al.LabeledImages,
        {"inputs": BATCH.inputs, "targets": BATCH.targets},
        ["inputs", "targets", "ground_truth"],
    ),
    "TrainedNetwork": (
        al.TrainedNetwork,
        {"model": ENVIRONMENT.model, "true_baseline": torch.zeros(3)},
        ["model", "ranking", "output_per_feature"],
    ),
    "Declaration": (al.Declaration, {}, fields(al.Declaration())),
    "declares": (
        al.declares,
        {},
        ["sign", "granularity", "explains", "needs", "completeness", "tolerance", "source", "answers"],
    ),
    "declares(...)": (al.declares(), {}, ["function"]),
    "metric": (al.metric, {"higher_is_better": True}, ["higher_is_better", "source"]),
    "metric(...)": (al.metric(higher_is_better=True), {}, ["function"]),
    "environment.sample": (ENVIRONMENT.sample, {"n": 1}, ["n", "start"]),
    "environment.batch": (ENVIRONMENT.batch, {}, ["scenes"]),
    "environment.to": (ENVIRONMENT.to, {}, ["device"]),
    "batch.to": (BATCH.to, {}, ["device"]),
    "gradient": (al.make_method("gradient"), CALL, CALL),
    "random": (al.make_method("random"), CALL, CALL),
    "gradient.baseline_like": (
        al.make_method("gradient", ENVIRONMENT).baseline_like,
        {"inputs": BATCH.inputs, "baseline": "black"},
        ["inputs", "baseline"],
    ),
    "score": (al.score, {"attribution": MAPS, "ground_truth": TRUTH}, ["attribution", "ground_truth"]),
    "agreement.against": (al.score(MAPS, TRUTH).against, {}, ["truth"]),
    "insertion": (al.insertion, CURVE, [*CURVE, "canvas", "order", "measure", "steps", "seed", "max_memory"]),
    "deletion": (al.deletion, CURVE, [*CURVE, "canvas", "order", "measure", "steps", "seed", "max_memory"]),
    "sensitivity_n": (al.sensitivity_n, CURVE, [*CURVE, "canvas", "order", "measure", "steps", "seed", "n_orders"]),
    "insertion.evaluate": (INSERTION.evaluate, MEASURED, [*MEASURED, "prepared"]),
    "sensitivity_n.evaluate": (SENSITIVITY.evaluate, MEASURED, [*MEASURED, "prepared"]),
    "insertion.prepare": (INSERTION.prepare, {"environment": ENVIRONMENT, "batch": BATCH}, ["environment", "batch"]),
    "check": (
        al.check,
        {"method": "truth", "environments": ENVIRONMENT},
        ["environments", "n_samples", "gamma", "truth", "batch_size", "device"],
    ),
    "answers": (
        al.answers,
        {"method": "truth", "environment": ENVIRONMENT},
        ["environment", "baselines", "n_samples", "n_orders", "device"],
    ),
    "exact_values": (
        al.exact_values,
        {"environment": ENVIRONMENT, "batch": BATCH, "game": "shapley"},
        [
            "environment",
            "batch",
            "game",
            "baseline",
            "network",
            "explains",
            "feature_mask",
            "n_orders",
            "target_error",
            "seed",
        ],
    ),
    "check_maps": (
        al.check_maps,
        {"maps": MAPS, "environment": ENVIRONMENT, "batch": BATCH},
        ["maps", "environment", "batch", "name", "declaration", "gamma", "truth"],
    ),
    "audit": (
        al.audit,
        {"methods": ["truth", "random"], "environments": ENVIRONMENT},
        [
            "methods",
            "metrics",
            "environments",
            "n_samples",
            "truth",
            "network_seeds",
            "paired",
            "batch_size",
            "max_memory",
            "seed",
        ],
    ),
    "sweep": (
        al.sweep,
        {"methods": "truth", "vary": "noise", "values": [0], "environment": ENVIRONMENT, "metrics": []},
        ["vary", "values", "environment", "metrics", "n_samples", "truth", "device", "seed"],
    ),
    "verify": (
        al.verify,
        {"environment": ENVIRONMENT},
        ["environment", "n_samples", "n_pixels", "exhaustive", "device"],
    ),
    "assert_faithful": (
        testing.assert_faithful,
        {"method": "truth", **SMALL, "n_samples": 4},
        [*SMALL, "environment", "gamma", "truth", "device"],
    ),
    "assert_dummy": (testing.assert_dummy, {"method": "truth", **SMALL}, [*SMALL, "environment", "tolerance"]),
    "assert_symmetric": (testing.assert_symmetric, {"method": "truth", **SMALL}, ["tolerance"]),
    "assert_sensitive": (testing.assert_sensitive, {"method": "truth", **SMALL}, ["share"]),
    "assert_sign_correct": (testing.assert_sign_correct, {"method": "truth", **SMALL}, ["tolerance"]),
    "assert_complete": (testing.assert_complete, {"method": "gradient", **SMALL}, ["baseline"]),
    "assert_batch_invariant": (testing.assert_batch_invariant, {"method": "truth", **SMALL}, ["tolerance"]),
    "assert_dtype_robust": (testing.assert_dtype_robust, {"method": "truth", **SMALL}, ["tolerance"]),
    "assert_implementation_invariant": (
        testing.assert_implementation_invariant,
        {"method": "truth", **SMALL},
        ["activations", "structures", "tolerance"],
    ),
    "assert_metric_known_answers": (testing.assert_metric_known_answers, {"metric": INSERTION, **SMALL}, [*SMALL]),
}
"""Public functions: with arguments that work, and the parameters that are replaced."""

CASES = [
    (function, parameter, value)
    for function, (_, _, parameters) in CALLS.items()
    for parameter in parameters
    for value in HOSTILE
]


@pytest.mark.parametrize(("function", "parameter", "value"), CASES)
def test_a_bad_argument_is_refused_by_its_name(function, parameter, value):
    call, arguments, _ = CALLS[function]
    with pytest.raises(AttributionLabError) as refused:
        call(**{**arguments, parameter: HOSTILE[value]})
    assert f"`{parameter}`" in str(refused.value)
    assert len(str(refused.value)) <= 2_000


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize(
    "option", ["size", "height", "seed", "temperature", "colors", "background", "output", "n_kernels"]
)
def test_a_bad_option_of_an_environment_is_refused_by_its_name(option, value):
    with pytest.raises(AttributionLabError, match=f"^`{option}` must "):
        al.make_environment("multi-color-sum", **{option: HOSTILE[value]})


@pytest.mark.parametrize("value", HOSTILE)
def test_what_is_no_method_is_refused_by_its_name(value):
    if value == "type":
        pytest.skip("a class is callable, so it may be a method")
    for make, name in ((al.make_method, "method"), (al.make_metric, "metric"), (al.make_environment, "environment")):
        with pytest.raises(AttributionLabError, match=f"^`{name}` must "):
            make(HOSTILE[value])


@pytest.mark.parametrize("value", HOSTILE)
def test_what_is_no_environment_is_refused_by_its_name(value):
    with pytest.raises(AttributionLabError, match=r"^`environment` must "):
        al.make_method("gradient", HOSTILE[value])


@pytest.mark.parametrize("text", ["9" * 5000, "1e999999999", "9" * 30 + "/7", "1/0", "nan"])
def test_numbers_in_text_that_are_too_large_are_refused(text):
    for option in ("seed", "temperature"):
        with pytest.raises(AttributionLabError, match=f"^`{option}` must "):
            al.make_environment("multi-color-sum", **{option: text})


def test_fractions_in_text_are_numbers():
    assert al.make_environment("multi-color-sum", size=16, redundant_scale="1/16").redundant_scale == 1 / 16
