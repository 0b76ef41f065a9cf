"""`sweep`: what each variable changes, numbers against direct computation, bad input."""

import json

import numpy as np
import pytest
import torch

import attributionlab as al
from attributionlab.errors import AttributionLabError
from attributionlab.judging import sweeping
from attributionlab.judging.statistics import resampled_mean
from attributionlab.judging.sweeping import FEWEST_RANKED
from attributionlab.judging.variables import AppliedValue
from attributionlab.scenes import colored_ids

SPEC = "multi-color-sum[size=16]"
METHODS = ["gradient", "occlusion[window=3]", "random"]


def points(*arguments, **options):
    (curve,) = al.sweep(*arguments, SPEC, n_samples=1, metrics=(), **options).curves
    return curve.points


@pytest.fixture(scope="module")
def swept():
    """Three methods over two strengths of the Unseen Data Effect."""
    return al.sweep(METHODS, "redundant_scale", ["0", "1/8"], SPEC, n_samples=3, metrics=["deletion"])


@pytest.mark.wide
def test_means_are_those_of_scene_i_under_network_i(swept):
    scores, deletions = [], []
    for index in range(3):
        environment = al.make_environment(SPEC, redundant_scale=1 / 8, network_seed=index)
        batch = environment.sample(1, index)
        maps = al.make_method("gradient", environment)(environment.model, batch.inputs, batch.targets)
        scores.append(al.score(maps, batch.ground_truth).signed.f1.item())
        deletions.append(al.deletion(environment, batch, maps).auc.item())
    point = swept.curves[0].points[1]
    assert point.value == 0.125
    assert point.environment == "multi-color-sum[redundant_scale=0.125,size=16]"
    assert point.truths["signed"].mean == np.mean(scores)
    assert point.metrics["deletion"].mean == np.mean(deletions)
    assert point.truths["signed"] == resampled_mean(np.array(scores))


def test_correlations_are_those_over_the_methods_in_both_orientations(swept):
    for row, correlation in enumerate(swept.correlations["deletion"]):
        f1, deleted = (
            [(table := curve.points[row]) and values(table).mean for curve in swept.curves]
            for values in (lambda point: point.truths["positive"], lambda point: point.metrics["deletion"])
        )
        ranks = np.argsort(np.argsort([f1, -np.array(deleted)], axis=1), axis=1)
        assert correlation.spearman == pytest.approx(np.corrcoef(ranks)[0, 1])
        assert (correlation.n_methods, correlation.n_images) == (FEWEST_RANKED, 3)


def test_a_named_truth_is_that_of_curves_and_of_ranks():
    result = al.sweep(METHODS, "noise", [0], SPEC, n_samples=1, metrics=["deletion"], truth="overall")
    assert {curve.truth for curve in result.curves} == {"overall"}
    assert result.correlated_truth == "overall"


@pytest.mark.parametrize(("function", "n_calls"), [("resampled_mean", 3 * 2), ("rank_correlation", 1)])
def test_every_interval_is_drawn_by_the_seed(monkeypatch, function, n_calls):
    original, seeds = getattr(sweeping, function), []
    monkeypatch.setattr(sweeping, function, lambda *values, seed: seeds.append(seed) or original(*values, seed=seed))
    options = {"n_samples": 1, "truth": "positive", "seed": 7}
    al.sweep(METHODS, "noise", [0], SPEC, metrics=["deletion"], **options)
    assert set(seeds) == {7}
    assert len(seeds) >= n_calls


def test_truths_that_do_not_apply_have_no_mean():
    (point,) = points("gradient-magnitude", "noise", [0])
    assert point.truths["signed"] is None
    assert point.truths["overall"].mean > 0


def test_maps_that_are_zero_are_counted():
    (point,) = points(lambda _model, inputs, _targets: torch.zeros_like(inputs), "noise", [0])
    assert point.n_zero_maps == 1


def test_a_method_that_changes_its_network_does_not_change_that_of_others():
    @torch.no_grad()
    def breaking(model, inputs, _targets):
        for parameter in model.parameters():
            parameter.zero_()
        return inputs

    _, after = al.sweep([breaking, "gradient"], "noise", [0], SPEC, n_samples=1, metrics=()).curves
    assert after.points[0].truths == points("gradient", "noise", [0])[0].truths


@pytest.mark.parametrize(("size", "n_scenes"), [(16, 4), (17, 2)])
def test_games_of_large_images_are_compared_on_two_scenes(monkeypatch, size, n_scenes):
    compared = []
    monkeypatch.setattr(sweeping, "FEW_FEATURES", 16 * 16)
    monkeypatch.setattr(sweeping.GameScores, "add", lambda scores, *_: compared.append(1) or _counted(scores))
    al.sweep("constant", "noise", [0], f"multi-color-sum[size={size}]", n_samples=5, metrics=())
    assert len(compared) == n_scenes


def _counted(scores):
    scores.n_images += 1


def test_every_scene_has_noise_of_its_own():
    environment = al.make_environment(SPEC)
    scene = environment.scene(0)
    object.__setattr__(environment, "sampler", type("One", (), {"sample": lambda *_: scene})())
    value = AppliedValue(0.5, environment, (), noise=0.5)
    first, again, second = (colored_ids(value.scene(environment, index)) for index in (0, 0, 1))
    assert (first == again).all()
    assert (first != second).any()


def test_fewer_than_three_methods_have_no_correlations():
    assert al.sweep(["gradient", "random"], "noise", [0], SPEC, n_samples=1).correlations == {}


@pytest.mark.wide
@pytest.mark.parametrize(
    ("arguments", "specs"),
    [
        (("integrated-gradients[n_steps=5]", "baseline", [0, -5]), "integrated-gradients[baseline={},n_steps=5]"),
        (("lime[n_samples=9]", "segment_error", ["0.5", 1]), "lime[n_samples=9,segment_error={},segments=oracle]"),
        (("occlusion[window=3]", "method.stride", ["1", 2]), "occlusion[stride={},window=3]"),
    ],
)
def test_variables_of_methods_change_their_options(arguments, specs):
    shown = {"baseline": ("true", "15,15,15"), "segment_error": ("0.5", "1"), "method.stride": ("1", "2")}
    assert [point.method for point in points(*arguments)] == [specs.format(each) for each in shown[arguments[1]]]


def test_a_baseline_is_shifted_to_both_ends_of_the_range_and_black_is_called_so():
    methods = [point.method for point in points("occlusion", "baseline", ["-20", 235])]
    assert methods == ["occlusion", "occlusion[baseline=255,255,255]"]


def test_the_game_of_a_shifted_baseline_is_answered_from_that_baseline():
    (point,) = points("occlusion[stride=1,window=1]", "baseline", [-5])
    assert point.declared == "removal@15,15,15"
    assert point.declared in point.answers


def test_noise_moves_pixels_and_truth_but_a_perfect_map_stays_perfect():
    whole, shuffled = points("truth", "noise", [0, 0.5])
    assert whole.truths["signed"].mean == shuffled.truths["signed"].mean == 1
    whole, shuffled = points("gradcam", "noise", ["0", "1/2"])
    assert shuffled.value == 0.5
    assert shuffled.truths["positive"].mean < whole.truths["positive"].mean


@pytest.mark.wide
def test_a_method_that_fails_at_a_value_is_named_there_and_the_others_go_on():
    def sometimes(_model, inputs, _targets):
        if inputs.shape[-1] == 32:
            raise RuntimeError("not at 32")
        return inputs

    methods = [sometimes, "constant", "gradient", "random"]
    result = al.sweep(methods, "size", [16, 32], n_samples=1, metrics=["deletion"])
    failed, constant, *_ = (curve.points[1] for curve in result.curves)
    assert [each.n_methods for each in result.correlations["deletion"]] == [4, 3]
    assert "not at 32" in failed.error.message
    assert (failed.truths, constant.error, result.exit_code) == ({}, None, 1)
    assert result.curves[0].points[0].error is None
    assert "not at 32" in str(result)


def test_a_metric_that_fails_is_named():
    @al.metric(higher_is_better=True)
    def broken(*_):
        raise RuntimeError("no score")

    result = al.sweep("constant", "noise", [0], SPEC, n_samples=1, metrics=[broken, "deletion"])
    assert next(iter(result.metric_errors.values())).endswith("no score")
    assert list(result.curves[0].points[0].metrics) == ["deletion"]


def test_json_holds_every_number(swept):
    stored = json.loads(json.dumps(swept.to_dict(), allow_nan=False))
    assert (stored["schema"], stored["vary"], stored["values"]) == (1, "redundant_scale", [0, 0.125])
    point = stored["curves"][0]["points"][1]
    assert point["truths"]["signed"]["mean"] == swept.curves[0].points[1].truths["signed"].mean
    assert stored["correlations"]["deletion"][1]["spearman"] == swept.correlations["deletion"][1].spearman
    frame = swept.to_pandas()
    row = frame[(frame.method == "gradient") & (frame.value == 0.125) & (frame.score == "deletion")]
    assert row["mean"].tolist() == [point["metrics"]["deletion"]["mean"]]
    assert "Spearman of F1 (positive)" in str(swept)


def test_the_interval_of_a_mean_leaves_undefined_scores_out():
    scores = np.array([0.0, np.nan, 1.0, 1.0])
    mean = resampled_mean(scores)
    assert mean.mean == 2 / 3
    assert mean.low <= mean.mean <= mean.high
    assert resampled_mean(np.array([np.nan])) is None
    assert resampled_mean(np.array([0.25])) == type(mean)(0.25, 0.25, 0.25)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("gradient", "baseline", [0]), "`vary` must be an option of every method, got 'baseline'; gradient does not"),
        (("lime", "nois", [0]), "`vary` must be a known name, got 'nois'; did you mean noise?"),
        (
            ("lime", "method.window", [0]),
            "`vary` must be an option of every method, got 'window'; lime does not have it",
        ),
        (("integrated-gradients", "n_steps", [0]), "did you mean method.n_steps?"),
        (("occlusion", "baseline", [-21]), "`values` must lead to baselines in 0..255, got -21"),
        (("occlusion", "baseline", ["dark"]), "`values` must be an integer or a number, got 'dark'"),
        (("gradient", "noise", [2]), "`values` must be in [0, 1], got 2"),
        (("gradient", "temperature", [3]), "`temperature` must be a power of two"),
        (("lime", "segment_error", [1.5]), "`segment_error` must be in [0, 1], got 1.5"),
        (("gradient", "noise", []), "`values` must be a list of values, at least 1, got []"),
        (("gradient", 3, [0]), "`vary` must be a text, got 3"),
        (([], "noise", [0]), "`methods` must be a list of methods, at least 1, got []"),
    ],
)
def test_bad_input_gets_one_line(arguments, message):
    with pytest.raises(AttributionLabError) as refused:
        al.sweep(*arguments, SPEC)
    assert message in str(refused.value)


def test_a_truth_that_does_not_apply_at_a_value_is_refused():
    with pytest.raises(AttributionLabError, match="cannot be judged by it there"):
        al.sweep("gradient", "output", ["probability", "logit"], SPEC, truth="negative")


def test_scenes_without_patches_have_no_noise():
    environment = al.make_environment(SPEC)
    object.__setattr__(environment, "sampler", type("Texts", (), {"sample": lambda *_: "a text"})())
    with pytest.raises(AttributionLabError, match="`vary` must be another variable where scenes are no patches"):
        al.sweep("gradient", "noise", [0], environment)


@pytest.mark.wide
def test_progress_counts_maps():
    counted = []
    al.sweep("constant", "noise", [0, 1], SPEC, n_samples=2, metrics=(), progress=counted.append)
    assert sum(counted) == 4
    assert torch.is_grad_enabled()
