"""Soft precision, recall and F1 against nested loops, closed forms and degenerate cases."""

import math
import re

import numpy as np
import pytest
import torch

from attributionlab.environments import make_environment
from attributionlab.errors import NotFinite, WrongShape
from attributionlab.methods.controls import Random
from attributionlab.metrics import normalize, score, soft_scores
from attributionlab.truth import TRUTHS
from attributionlab.truth.ground_truth import GroundTruth

ENVIRONMENTS = (
    "multi-color-sum[size=16]",
    "multi-color-sum[output=logit,size=16]",
    "single-color-modulo[size=16]",
    "single-color-sum[height=17,width=23]",
)


def truth_of(signed, smooth=None):
    """A ground truth from nested lists of -1, 0 and 1."""
    values = torch.tensor(signed, dtype=torch.int8)
    mask = values > 0 if smooth is None else torch.tensor(smooth, dtype=torch.bool)
    return GroundTruth(values, torch.zeros_like(values, dtype=torch.int16), mask)


def random_maps(seed, shape, dtype=np.float64):
    return torch.from_numpy(np.random.default_rng(seed).normal(size=shape).astype(dtype))


def random_truth(seed, shape):
    rng = np.random.default_rng(seed)
    signed = torch.from_numpy(rng.integers(-1, 2, size=shape).astype(np.int8))
    smooth = torch.from_numpy(rng.random(shape) < 0.5)
    return GroundTruth(signed, torch.zeros_like(signed, dtype=torch.int16), smooth)


def literal_normalize(image):
    """Eq. 17, pixel by pixel."""
    highest = max(value for row in image for value in row)
    lowest = min(value for row in image for value in row)
    normalized = []
    for row in image:
        new = []
        for value in row:
            if value > 0:
                new.append(value / highest)
            elif value < 0:
                new.append(value / abs(lowest))
            else:
                new.append(0.0)
        normalized.append(new)
    return normalized


def literal_scores(image, mask, *, signed=False):
    """Section 4, pixel by pixel: soft precision, recall and their harmonic mean; signed: a hit has the sign of the truth."""
    hit = given = wanted = 0.0
    for values, truths in zip(image, mask, strict=True):
        for value, truth in zip(values, truths, strict=True):
            hit += max(value * truth, 0.0) if signed else abs(value * truth)
            given += abs(value)
            wanted += abs(truth)
    if wanted == 0:
        return math.nan, math.nan, math.nan
    precision = hit / given if given else 0.0
    recall = hit / wanted
    f1 = 2 * precision * recall / (precision + recall) if hit else 0.0
    return precision, recall, f1


def literal_agreement(image, signed, smooth):
    normalized = literal_normalize(image)
    raising = [[max(value, 0.0) for value in row] for row in normalized]
    lowering = [[min(value, 0.0) for value in row] for row in normalized]
    return {
        "overall": literal_scores(normalized, [[float(value != 0) for value in row] for row in signed]),
        "signed": literal_scores(normalized, signed, signed=True),
        "positive": literal_scores(raising, [[float(value > 0) for value in row] for row in signed]),
        "negative": literal_scores(lowering, [[float(value < 0) for value in row] for row in signed]),
        "positive-smooth": literal_scores(raising, [[float(value) for value in row] for row in smooth]),
    }


def rows_of(scores):
    return list(zip(scores.precision.tolist(), scores.recall.tolist(), scores.f1.tolist(), strict=True))


@pytest.mark.parametrize("truth", TRUTHS)
@pytest.mark.parametrize("seed", range(4))
def test_scores_equal_a_literal_reading_of_the_paper(seed, truth):
    maps, ground_truth = random_maps(seed, (3, 6, 7)), random_truth(seed + 100, (3, 6, 7))
    fast = rows_of(score(maps, ground_truth).against(truth))
    for index in range(3):
        slow = literal_agreement(
            maps[index].tolist(), ground_truth.signed[index].tolist(), ground_truth.smooth_positive_mask[index].tolist()
        )
        # sums of 42 float64 values in another order differ by a few units in the last place
        assert fast[index] == pytest.approx(slow[truth], rel=1e-13, abs=0)


@pytest.mark.parametrize("seed", range(4))
def test_normalized_maps_equal_a_literal_reading_of_equation_17(seed):
    maps = random_maps(seed, (2, 5, 4))
    assert normalize(maps).tolist() == [literal_normalize(image.tolist()) for image in maps]


def test_each_side_is_scaled_by_its_own_extreme():
    values = torch.tensor([[[4.0, 2.0], [-1.0, -0.5]]])
    assert normalize(values).tolist() == [[[1.0, 0.5], [-1.0, -0.5]]]


def test_each_image_is_scaled_by_itself():
    values = torch.tensor([[[4.0, 2.0]], [[8.0, 2.0]]])
    assert normalize(values).tolist() == [[[1.0, 0.5]], [[1.0, 0.25]]]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([[1.0, 3.0]], [[1 / 3, 1.0]]),
        ([[-1.0, -4.0]], [[-0.25, -1.0]]),
        ([[0.0, 0.0]], [[0.0, 0.0]]),
        ([[0.0, -2.0]], [[0.0, -1.0]]),
    ],
    ids=["only positive", "only negative", "zero", "none positive"],
)
def test_a_side_without_values_stays_empty(values, expected):
    assert normalize(torch.tensor([values], dtype=torch.float64)).tolist() == [expected]


def test_normalized_maps_are_float64_of_the_smallest_numbers():
    tiny = torch.tensor([[[1e-45, -1e-45]]], dtype=torch.float32)
    assert normalize(tiny).tolist() == [[[1.0, -1.0]]]
    assert normalize(tiny).dtype == torch.float64


@pytest.mark.parametrize("spec", ENVIRONMENTS)
def test_the_truth_as_a_map_scores_exactly_one_wherever_it_applies(spec):
    truth = make_environment(spec).sample(3).ground_truth
    agreement = score(truth.signed, truth)
    for name in ("overall", "positive", "negative"):
        if name == "negative" and not truth.negative_mask.any():
            continue
        for values in (agreement.against(name).precision, agreement.against(name).recall, agreement.against(name).f1):
            assert values.tolist() == [1.0, 1.0, 1.0]


@pytest.mark.parametrize("spec", ENVIRONMENTS)
def test_the_smooth_truth_as_a_map_scores_exactly_one_on_smooth_truth(spec):
    truth = make_environment(spec).sample(3).ground_truth
    assert score(truth.smooth_positive_mask, truth).positive_smooth.f1.tolist() == [1.0, 1.0, 1.0]


def test_the_truth_as_a_map_finds_only_the_kept_pixels_of_the_smooth_truth():
    truth = truth_of([[[1, 0, 1, 0]]], smooth=[[[1, 1, 1, 0]]])
    smooth = score(truth.signed, truth).positive_smooth
    assert smooth.precision.tolist() == [1.0]
    assert smooth.recall.tolist() == [2 / 3]


def test_the_negated_truth_passes_overall_and_fails_both_signs():
    truth = make_environment("multi-color-sum[size=16]").sample(3).ground_truth
    agreement = score(-truth.signed, truth)
    assert agreement.overall.f1.tolist() == [1.0] * 3
    assert agreement.positive.f1.tolist() == [0.0] * 3
    assert agreement.negative.f1.tolist() == [0.0] * 3
    assert agreement.positive_smooth.f1.tolist() == [0.0] * 3


@pytest.mark.parametrize("up", [2.0**-60, 0.5, 2.0**40])
@pytest.mark.parametrize("down", [2.0**-60, 4.0, 2.0**40])
def test_scores_do_not_depend_on_the_scale_of_either_side(up, down):
    maps, truth = random_maps(0, (2, 8, 8)), random_truth(1, (2, 8, 8))
    scaled = torch.where(maps > 0, maps * up, maps * down)
    for name in TRUTHS:
        assert rows_of(score(scaled, truth).against(name)) == rows_of(score(maps, truth).against(name))


@pytest.mark.parametrize("truth", TRUTHS)
def test_a_zero_map_scores_zero(truth):
    ground_truth = make_environment("multi-color-sum[size=16]").sample(2).ground_truth
    scores = score(torch.zeros(2, 16, 16), ground_truth).against(truth)
    assert scores.precision.tolist() == scores.recall.tolist() == scores.f1.tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("truth", "value"), [("overall", 3.0), ("overall", -3.0), ("positive", 3.0), ("negative", -3.0)]
)
def test_a_constant_map_scores_its_closed_form_exactly(truth, value):
    """All n pixels are given and k of them are right: precision k/n, recall 1, F1 2k/(n+k)."""
    ground_truth = make_environment("multi-color-sum[size=16]").sample(3).ground_truth
    scores = score(torch.full((3, 16, 16), value), ground_truth).against(truth)
    right = getattr(ground_truth, f"{truth}_mask").sum(dim=(1, 2)).tolist()
    assert scores.precision.tolist() == [k / 256 for k in right]
    assert scores.recall.tolist() == [1.0] * 3
    assert scores.f1.tolist() == [2 * k / (256 + k) for k in right]


def test_random_maps_score_what_is_expected_of_them():
    """Scaled by the largest of n values, one is 1 and the others are U(0, 1); all pixels are alike.

    So precision is k/n and recall (n+1)/2n on average, both exactly.
    """
    batch = make_environment("multi-color-sum[size=16]").sample(1)
    precision, recall = [], []
    for seed in range(100):
        overall = score(Random(seed=seed)(None, batch.inputs, batch.targets), batch.ground_truth).overall
        precision.append(float(overall.precision))
        recall.append(float(overall.recall))
    n, k = 256, int(batch.ground_truth.overall_mask.sum())
    for values, expected in ((precision, k / n), (recall, (n + 1) / (2 * n))):
        standard_error = np.std(values, ddof=1) / math.sqrt(len(values))
        assert abs(np.mean(values) - expected) < 5 * standard_error


@pytest.mark.parametrize("values", [[[0.0, 0.0]], [[1.0, -1.0]]], ids=["zero map", "some map"])
@pytest.mark.parametrize("truth", TRUTHS)
def test_a_truth_without_pixels_does_not_apply(truth, values):
    scores = score(torch.tensor([values]), truth_of([[[0, 0]]])).against(truth)
    assert scores.precision.isnan().all()
    assert scores.recall.isnan().all()
    assert scores.f1.isnan().all()


def test_a_truth_without_pixels_in_one_image_leaves_the_other_alone():
    negative = score(torch.tensor([[[1.0, -2.0]], [[1.0, -2.0]]]), truth_of([[[1, 0]], [[1, -1]]])).negative
    assert negative.f1.isnan().tolist() == [True, False]
    assert float(negative.f1[1]) == 1.0


def test_a_full_truth_makes_precision_one():
    maps = random_maps(3, (1, 4, 4)).abs()
    overall = score(maps, truth_of(np.ones((1, 4, 4)).tolist())).overall
    assert overall.precision.tolist() == [1.0]
    assert overall.recall.tolist() == pytest.approx([float((maps / maps.max()).mean())], rel=1e-13)


def test_scores_follow_the_order_of_the_batch():
    maps, truth = random_maps(4, (4, 5, 5)), random_truth(5, (4, 5, 5))
    order = [2, 0, 3, 1]
    shuffled = score(maps[order], truth[order])
    for name in TRUTHS:
        assert rows_of(shuffled.against(name)) == [rows_of(score(maps, truth).against(name))[index] for index in order]


def test_an_image_scores_the_same_alone_and_in_a_batch():
    maps, truth = random_maps(6, (3, 5, 5)), random_truth(7, (3, 5, 5))
    for name in TRUTHS:
        alone = [rows_of(score(maps[i : i + 1], truth[i : i + 1]).against(name))[0] for i in range(3)]
        assert alone == rows_of(score(maps, truth).against(name))


def test_channels_are_summed_with_their_signs():
    truth = truth_of([[[1, -1, 0]]])
    channels = torch.tensor([[[[3.0, 1.0, 2.0]], [[-1.0, -4.0, -2.0]]]])
    agreement = score(channels, truth)
    assert agreement.overall.f1.tolist() == agreement.positive.f1.tolist() == agreement.negative.f1.tolist() == [1.0]


@pytest.mark.parametrize("channels", [1, 2, 3, 5])
def test_maps_may_have_any_number_of_channels(channels):
    maps, truth = random_maps(8, (2, channels, 5, 5)), random_truth(9, (2, 5, 5))
    assert rows_of(score(maps, truth).overall) == rows_of(score(maps.sum(dim=1), truth).overall)


@pytest.mark.parametrize("dtype", [torch.int8, torch.int64, torch.bool, torch.float16, torch.bfloat16, torch.float64])
def test_real_values_of_every_kind_are_scored(dtype):
    truth = truth_of([[[1, 0, 0, 0]]])
    assert score(torch.tensor([[[1, 1, 0, 0]]]).to(dtype), truth).overall.f1.tolist() == [2 / 3]


def test_channels_of_half_precision_do_not_overflow_when_they_are_summed():
    maps = torch.full((1, 3, 1, 2), 30_000.0, dtype=torch.float16)
    maps[..., 1] = 0
    assert score(maps, truth_of([[[1, 0]]])).overall.f1.tolist() == [1.0]


def test_the_scores_are_float64():
    overall = score(torch.ones(1, 1, 2), truth_of([[[1, 0]]])).overall
    assert overall.f1.dtype == overall.recall.dtype == overall.precision.dtype == torch.float64


def test_maps_that_require_gradients_are_scored_without_them():
    maps = torch.ones(1, 1, 2, requires_grad=True)
    assert not score(maps, truth_of([[[1, 0]]])).overall.f1.requires_grad


@pytest.mark.parametrize(("value", "what"), [(math.nan, "NaN"), (math.inf, "infinite"), (-math.inf, "infinite")])
def test_values_that_are_not_finite_are_refused(value, what):
    maps = torch.ones(2, 2, 2)
    maps[1, 0, 1] = value
    with pytest.raises(NotFinite, match=rf"^`attribution` must be finite values, got {what} values in 1 of 2 maps$"):
        score(maps, truth_of(np.ones((2, 2, 2)).tolist()))


@pytest.mark.parametrize("shape", [(2, 2), (1, 2, 2), (2, 2, 3), (2, 3, 2, 3), (3, 3, 2, 2), (2, 1, 3, 2, 2), ()])
def test_maps_of_another_shape_are_refused(shape):
    message = f"`attribution` must be real values of shape (2, 2, 2) or (2, c, 2, 2), got {shape}"
    with pytest.raises(WrongShape, match=rf"^{re.escape(message)}$"):
        score(torch.ones(shape), truth_of(np.ones((2, 2, 2)).tolist()))


def test_complex_maps_are_refused():
    with pytest.raises(WrongShape, match=r"must be real values .* got complex \(1, 1, 2\)$"):
        score(torch.ones(1, 1, 2, dtype=torch.complex64), truth_of([[[1, 0]]]))


@pytest.mark.parametrize("value", [np.array([[["a", "b"]]]), [[[1.0, 1.0]]], None])
def test_what_is_no_tensor_is_refused(value):
    with pytest.raises(WrongShape, match=rf"^`attribution` must be a torch\.Tensor, got {type(value).__name__}$"):
        score(value, truth_of([[[1, 0]]]))


def test_soft_scores_of_a_worked_example():
    """2 of 4 units given are right, and 2 of 3 wanted are found: 1/2, 2/3, 4/7."""
    values = torch.tensor([[[1.0, 1.0, 1.0, 1.0, 0.0]]])
    scores = soft_scores(values, torch.tensor([[[True, True, False, False, True]]]))
    assert rows_of(scores) == [(0.5, 2 / 3, pytest.approx(4 / 7, rel=1e-15))]


def test_numpy_arrays_score_as_tensors():
    truth = truth_of([[[1, 0, -1]]])
    values = np.array([[[0.5, 0.25, -1.0]]])
    assert torch.equal(score(values, truth).overall.f1, score(torch.from_numpy(values), truth).overall.f1)
