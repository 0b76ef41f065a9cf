"""Every fault is caught with the message that names it, and no correct method is flagged."""

from __future__ import annotations

import re

import pytest
from faulty import batches, cams, correct, digits, methods, metrics, places, settings, states, targets, values
from wide import some_of

from attributionlab import testing
from attributionlab.errors import MethodError
from attributionlab.testing import assert_all

FAULTS = {
    fault: expected
    for module in (methods, targets, values, places, batches, states, settings, digits, cams, metrics)
    for fault, expected in module.FAULTS.items()
}
"""Of each fault, the assertion that catches it and what its message must say."""


def failed(method, seed=0):
    """Messages by name of the assertions that do not hold."""
    with pytest.raises(AssertionError) as caught:
        assert_all(method, seed=seed)
    text = str(caught.value)
    parts = re.split(r"\n\n(?=assert_\w+: )", text)
    return dict(part.split(": ", 1) for part in parts[1:])


def name_of(method):
    return getattr(method, "__name__", getattr(method, "spec", str(method)[:40]))


REPEATED = {
    "aligned_corners",
    "another_begin_than_the_difference",
    "another_layer",
    "batch_mixed",
    "blind_to_the_network",
    "channel_dropped",
    "chunks_in_reversed_order",
    "divided_by_the_largest_magnitude_so_far",
    "divided_by_the_steps_twice",
    "doubled_at_branches",
    "every_second_row_and_column",
    "growing_weights",
    "guided_by_hooks",
    "half_of_the_path",
    "kept_without_a_copy",
    "last_rows_never_covered",
    "maps_added_up",
    "mean_loss",
    "mirrored",
    "mirrored_maps",
    "moved_by_three_rows",
    "moved_far",
    "multiplied_by_the_input_twice",
    "nearest_neighbor",
    "network_in_bfloat16",
    "normalized",
    "normalized_over_the_batch",
    "odd_image_left_out",
    "off_by_one_upsampling",
    "one_target_after_the_other",
    "positive_with_negative_values",
    "reshaped_in_place_of_transposed",
    "result_in_float16",
    "reversed_order",
    "rows_and_columns_returned_swapped",
    "scaled_by_the_index",
    "shifted_by_a_pixel",
    "shifted_maps",
    "sign_flipped",
    "squared_sums",
    "swapped_and_stretched",
    "tail_beyond_32_dropped",
    "target_in_the_middle",
    "target_of_the_image_before",
    "target_of_the_last_image",
    "targets_in_ascending_order",
    "turned_by_180_degrees",
    "upside_down",
    "windows_off_by_half",
}
"""Faults that take longest to be caught, and run no line of the package that other faults do not run."""


def test_there_are_faults_of_every_kind():
    assert len(FAULTS) >= 60
    assert set(map(name_of, FAULTS)) > REPEATED
    assert len({name_of(fault) for fault in FAULTS}) == len(FAULTS)


@pytest.mark.parametrize(
    "fault",
    some_of(
        FAULTS,
        *(
            FAULTS.keys()
            - {methods.in_half_precision, states.growing_list, *(f for f in FAULTS if name_of(f) in REPEATED)}
        ),
    ),
    ids=name_of,
)
def test_a_fault_is_caught_with_the_message_that_names_it(fault, monkeypatch):
    """By its assertion alone, at its default sizes, as `assert_all` runs it."""
    monkeypatch.setattr(
        "attributionlab.testing.failure.save_figure", lambda *_: None
    )  # the drawing is tested elsewhere
    assertion, message = FAULTS[fault]
    with pytest.raises((AssertionError, MethodError), match=f"(?s){message}"):
        (assertion if callable(assertion) else getattr(testing, assertion))(fault)


NAMED = {
    methods.sign_flipped: "has -1 times the values of the gradient.*with the opposite sign",
    places.moved_far: "the gradient, moved by -5 rows and 7 columns",
}
"""Mistakes that `assert_values` names, of faults that other assertions catch as well."""


@pytest.mark.parametrize(("fault", "message"), NAMED.items(), ids=map(name_of, NAMED))
def test_a_comparison_of_values_names_the_mistake(fault, message):
    with pytest.raises(AssertionError, match=f"(?s){message}"):
        testing.assert_values(fault)


@pytest.mark.parametrize(
    "fault", [places.moved_far, cams.normalized, metrics.ties_by_position, metrics.one_step], ids=name_of
)
def test_a_fault_is_named_with_another_seed(fault):
    """A part of an image without truth, a map of zeros that is divided by its maximum, equal scores of noise and negated truth."""
    assertion, message = FAULTS[fault]
    with pytest.raises(AssertionError, match=f"(?s){message}"):
        (assertion if callable(assertion) else getattr(testing, assertion))(fault, seed=1)


@pytest.mark.parametrize(
    ("fault", "assertion", "message"),
    [
        (methods.nan_on_one_image, "assert_model_unchanged", "NaN values in 1 of"),
        (methods.leaking_hooks, "assert_model_unchanged", "hooks on accumulator.layers.1 changed from 0 to 1"),
        *(pytest.param(fault, "assert_values", message, marks=pytest.mark.wide) for fault, message in NAMED.items()),
    ],
    ids=name_of,
)
def test_the_report_on_all_assertions_names_one_cause(fault, assertion, message):
    failures = failed(fault)
    assert len(failures) == 1
    assert re.search(message, failures[assertion], re.DOTALL)


@pytest.mark.wide
@pytest.mark.parametrize("method", methods.CORRECT, ids=name_of)
def test_a_correct_method_is_not_flagged(method):
    report = assert_all(method)
    assert not report.failed
    assert len(report.passed) >= 6


@pytest.mark.parametrize(
    "method",
    [correct.own_smoothgrad, correct.own_vargrad, correct.from_the_corner, correct.normalized_gradient, cams.grad_cam]
    + [
        each
        for each in correct.LIBRARIES
        if name_of(each) in ("captum FeatureAblation on segments", "zennit EpsilonPlus")
    ],
    ids=name_of,
)
@pytest.mark.parametrize(
    "assertion",
    [testing.assert_values, testing.assert_dtype_robust, testing.assert_target_used, testing.assert_deterministic],
)
def test_a_correct_method_of_another_kind_is_not_flagged(assertion, method):
    """Noise, a baseline of the image's own, cells, values per segment, rules; `scripts/table_of_faults.py` has all of them."""
    assertion(method)
