"""Messages of the assertions, their arguments, and metrics with mistakes."""

from __future__ import annotations

import math
import re
from unittest import SkipTest

import pytest
import torch
from faulty.cams import grad_cam

import attributionlab as al
from attributionlab import testing
from attributionlab.errors import BadOption, UnknownName
from attributionlab.methods import declares
from attributionlab.testing.everything import ALL
from attributionlab.testing.subject import has_images_as_baseline


def message_of(assertion, *arguments, **options):
    with pytest.raises(AssertionError) as caught:
        assertion(*arguments, **options)
    return str(caught.value)


def test_everything_public_is_an_assertion_or_a_report():
    assert all(name.startswith("assert_") or name in ("Report", "Undecided") for name in testing.__all__)


@pytest.mark.wide
def test_an_unfaithful_method_is_told_its_scores_and_the_likely_reason():
    message = message_of(testing.assert_faithful, "smoothgrad", size=16, n_samples=8)
    assert re.search(
        r"^smoothgrad gives maps that are zero: F1 on signed truth is 0\.00 \(0\.00 to 0\.\d\d\), gamma 0\.5, where random values get",
        message,
    )
    assert "image  precision  recall    F1  expected" in message
    assert "-> 8 of 8 maps are zero everywhere: its noise is far wider than the number checkers" in message


def test_a_saturated_softmax_is_diagnosed():
    with pytest.warns(UserWarning, match="saturat"):
        environment = al.make_environment("multi-color-sum", size=64, temperature=0.25, max_margin=None)
    message = message_of(testing.assert_faithful, "gradient", environment, rule="point", n_samples=4, gamma=0.99)
    assert "the softmax is saturated" in message
    assert "explain the logit" in message


def test_the_table_shows_eight_images_at_most():
    message = message_of(testing.assert_faithful, "constant", size=16, rule="point", gamma=0.9, n_samples=11)
    assert "and 3 more" in message


def test_the_deciding_truth_and_gamma_may_be_chosen():
    testing.assert_faithful("lrp-z", size=16, truth="positive", rule="point", n_samples=2)
    message_of(testing.assert_faithful, "gradient", size=16, gamma=1.0, n_samples=4)
    with pytest.raises(BadOption, match="`gamma` must be"):
        testing.assert_faithful("gradient", gamma=2)
    with pytest.raises(UnknownName, match="did you mean gradient"):
        testing.assert_faithful("gradeint")


def test_an_environment_may_be_given_as_it_is():
    environment = al.make_environment("single-color-sum", size=16)
    testing.assert_faithful("input-x-gradient", environment, n_samples=4)
    testing.assert_complete("integrated-gradients", environment, n_samples=2)


@pytest.mark.wide
def test_what_the_data_do_not_carry_is_called_undecided_and_fails():
    """An interval of 4 scenes from 0 to 1 is never above gamma = 0.6, not even for the truth."""
    message = message_of(testing.assert_faithful, "truth", size=16, gamma=0.6, n_samples=4)
    assert message.startswith("truth is undecided: F1 on signed truth is 1.00 (0.57 to 1.00), gamma 0.6")
    assert "use more scenes" in message


def foreground(model, inputs, targets):
    """Every pixel that is not background: perfect on overall truth, without looking at the network."""
    return (inputs != inputs[:, :, :1, :1]).any(dim=1).float()


def test_a_map_that_does_not_look_at_the_network_is_not_faithful_however_right_it_looks():
    message = message_of(testing.assert_faithful, foreground, size=16, truth="overall", n_samples=8)
    assert "does not follow the network: F1 on overall truth is 1.00" in message


@declares(needs=["batch"], explains="logit")
def losers(_model, _inputs, _targets, *, batch):
    """The pixels that lower the probability; to the logit of the winner they do nothing."""
    return (batch.ground_truth.signed < 0).float()


@pytest.mark.wide
def test_a_method_that_explains_the_logit_is_told_its_scores_against_the_truth_of_the_logit():
    message = message_of(testing.assert_faithful, losers, size=16, truth="overall", n_samples=8)
    assert "F1 on overall truth is 0.00" in message
    rows = re.findall(r"^ +\d +\d\.\d\d +\d\.\d\d +(\d\.\d\d) +>= 0\.5$", message, re.MULTILINE)
    assert rows == ["0.00"] * 8


def gradient_of_another_network(model, inputs, targets):
    other = al.make_environment("multi-color-sum", height=16, width=18, seed=77).model
    return al.make_method("gradient")(other, inputs, targets)


@pytest.mark.parametrize("blind", [foreground, gradient_of_another_network, "edge", "constant"])
def test_a_map_that_does_not_look_at_the_network_is_caught(blind):
    message = message_of(testing.assert_network_dependent, blind, size=16, n_samples=2)
    assert "does not depend on the network: it credits the same pixels under networks that use others" in message
    assert re.search(r"overall +0\.000 +0\.000 to 0\.000 +1\n", message)


@pytest.mark.wide
@pytest.mark.parametrize("method", ["gradient", "gradcam", "occlusion", "truth"])
def test_maps_that_change_with_the_network_pass(method):
    testing.assert_network_dependent(method, size=16, n_samples=8)


def test_network_dependence_needs_counterparts_and_two_images():
    with pytest.raises(BadOption, match="`environment` must have counterparts, as multi-color-sum has, got 'single"):
        testing.assert_network_dependent("gradient", "single-color-sum", size=16)
    with pytest.raises(BadOption, match="`n_samples` must be at least 2, got 1"):
        testing.assert_network_dependent("gradient", size=16, n_samples=1)


def test_a_method_that_fails_under_the_counterpart_is_named():
    def narrow(model, inputs, targets):
        if model(inputs).max() > 0.9:
            return inputs
        raise RuntimeError("not sure enough")

    message = message_of(testing.assert_network_dependent, narrow, size=16, n_samples=2)
    assert "cannot be judged" in message
    assert "not sure enough" in message


@pytest.mark.wide
def test_quadrature_is_named_where_a_path_method_is_not_complete():
    method = "integrated-gradients[n_steps=50]"
    message = message_of(testing.assert_complete, method, size=16)
    assert "is not complete: sums miss the difference of outputs" in message
    assert "with a number of nodes up to quadrature" in message
    testing.assert_complete(method, size=16, tolerance=0.5)
    testing.assert_complete("integrated-gradients", size=16, tolerance=0.01)


@pytest.mark.wide
def test_the_baseline_of_completeness_may_be_chosen():
    testing.assert_complete("deeplift", size=16, baseline="black", n_samples=2)
    testing.assert_complete("deeplift[baseline=true]", size=16, n_samples=2)
    with pytest.raises(BadOption, match="`baseline` must be auto, black, true or a color of 3 channels, got 'white'"):
        testing.assert_complete("deeplift", size=16, baseline="white")


def ten_percent_off(model, inputs, targets):
    return 1.1 * al.make_method("deeplift")(model, inputs, targets)


@pytest.mark.wide
@pytest.mark.parametrize("factor", [2, 32])
def test_only_a_high_power_of_two_is_taken_for_the_alpha_beta_rule(factor):
    def scaled(times):
        return lambda model, inputs, targets: times * al.make_method("gradient")(model, inputs, targets)

    assert f"has {factor} times the values" in message_of(testing.assert_values, scaled(factor))
    testing.assert_values(scaled(64))


def test_what_is_a_tenth_off_is_not_complete():
    message = message_of(testing.assert_complete, ten_percent_off, size=16, n_samples=2)
    assert re.search(r"by up to 0\.1 of it", message)


def test_an_error_is_relative_to_the_difference_also_where_outputs_are_probabilities():
    def tenth_off(model, inputs, targets):
        image, black = (
            model(images).gather(1, targets[:, None])[:, 0] for images in (inputs, torch.zeros_like(inputs))
        )
        return (1.1 * (image - black) / inputs[0, 0].numel())[:, None, None].expand(-1, *inputs.shape[2:])

    message = message_of(testing.assert_complete, tenth_off, "multi-color-sum", size=16, n_samples=2)
    assert "by up to 0.1 of it" in message


def test_outputs_whose_maps_are_zero_are_not_confused():
    testing.assert_target_used(lambda _, inputs, targets: inputs[:, 0] * (targets == 0)[:, None, None], n_samples=2)


def test_maps_in_another_order_of_images_are_no_mistake_in_targets():
    def rolled(model, inputs, targets):
        return al.make_method("gradient")(model, inputs, targets).roll(1, 0)

    testing.assert_target_used(rolled)


def test_an_output_that_falls_from_the_baseline_is_compared_by_its_magnitude():
    """From white to the image every black pixel takes 1 from the count, so the differences of outputs are negative."""

    def from_white(model, inputs, targets):
        return inputs - 1

    def tenth_off(model, inputs, targets):
        return 1.1 * (inputs - 1)

    testing.assert_complete(from_white, "single-color-sum", baseline=(1.0,), size=16, n_samples=2)
    message = message_of(testing.assert_complete, tenth_off, "single-color-sum", baseline=(1.0,), size=16, n_samples=2)
    assert re.search(r"by up to 0\.1 of it", message)
    assert re.search(r"0 +-\d+\.?\d* +-\d+ +0\.1\n", message), "sum and difference keep their signs"


@pytest.mark.parametrize("n_calls", [1, 2])
def test_a_hook_that_a_forward_pass_leaves_behind_is_told_with_the_number_of_the_pass(n_calls):
    """The method cleans up after every forward pass but one, where that raises."""

    def careless(model, inputs, targets):
        for number in (1, 2):
            handle = model.accumulator.register_forward_hook(lambda *_: None)
            try:
                model(inputs)
            except RuntimeError:
                if number != n_calls:
                    handle.remove()
                raise
            handle.remove()
        return inputs

    message = message_of(testing.assert_model_unchanged, careless, size=16)
    assert f"leaves traces where forward pass {n_calls} raises: hooks on accumulator changed from 0 to 1" in message


def test_a_device_that_is_not_there_is_a_reason_to_skip():
    if torch.cuda.is_available():
        pytest.skip("there is one")
    with pytest.raises(SkipTest, match="torch sees no CUDA device here"):
        testing.assert_device_invariant("gradient")


ABOUT_PIXELS = (
    "assert_dummy",
    "assert_symmetric",
    "assert_sensitive",
    "assert_complete",
    "assert_sign_correct",
    "assert_faithful",
)


def test_coarse_methods_are_asked_about_their_cells_only():
    others = [each.__name__ for each in ALL if each.__name__ not in ABOUT_PIXELS]
    message = message_of(testing.assert_all, "gradcam", skip=others)
    assert "skipped  assert_dummy: " in message
    assert "F1 on positive-smooth truth is 0.4" in message


@pytest.mark.wide
def test_coarse_methods_are_not_asked_about_pixels():
    """GradCAM depends on the network, and is below gamma at 32x32."""
    message = message_of(testing.assert_all, "gradcam")
    assert message.startswith("gradcam: 13 assertions hold, 1 fail, 6 skipped")
    for name in ("assert_dummy", "assert_symmetric", "assert_sensitive", "assert_complete"):
        assert f"skipped  {name}: " in message
    assert "skipped  assert_answers: the method declares no game whose values it gives to the probability" in message
    assert "holds    assert_network_dependent" in message
    assert "assert_faithful: gradcam is not faithful: F1 on positive-smooth truth is 0.4" in message


@al.metric(higher_is_better=False)
def wrong_direction(environment, batch, attribution):
    return al.insertion(environment, batch, attribution).auc


@al.metric(higher_is_better=True)
def hit(environment, batch, attribution):
    """Whether the largest value lies on the truth; a map of equal values hits everywhere."""
    largest = attribution.flatten(1).amax(dim=1)[:, None, None]
    return ((attribution == largest) & batch.ground_truth.positive_mask).flatten(1).any(dim=1).double()


@al.metric(higher_is_better=True)
def of_the_batch(environment, batch, attribution):
    scores = al.insertion(environment, batch, attribution).auc
    return scores - scores.mean() / 2


@al.metric(higher_is_better=True)
def rolling_dice(environment, batch, attribution):
    return al.insertion(environment, batch, attribution).auc + 1e-6 * torch.rand(len(batch))


@al.metric(higher_is_better=True)
def undefined(environment, batch, attribution):
    return torch.full((len(batch),), math.nan)


@al.metric(higher_is_better=True)
def refusing(environment, batch, attribution):
    assert (attribution != 0).any(), "an empty map"
    return al.insertion(environment, batch, attribution).auc


@pytest.mark.parametrize(
    ("metric", "message"),
    [
        (wrong_direction, "ranks noise at or above truth .lower is better, as declared"),
        (hit, "ranks equal values at or above truth"),
        (of_the_batch, "depends on the batch: an image has another score alone than with others"),
        (rolling_dice, "gives the same maps other scores when it is called again"),
        (undefined, "has no finite score for the truth: nan, nan, nan, nan"),
        (refusing, "refuses the zeros: .* raised AssertionError: an empty map"),
    ],
)
def test_a_metric_with_a_mistake_is_caught(metric, message):
    assert re.search(message, message_of(testing.assert_metric_known_answers, metric))


@al.metric(higher_is_better=True)
def undefined_for_zeros(environment, batch, attribution):
    scores = al.insertion(environment, batch, attribution).auc
    return scores.where((attribution != 0).flatten(1).any(dim=1), torch.nan)


@pytest.mark.wide
def test_a_metric_may_have_no_score_for_maps_of_zeros():
    """The truth of some images lies in one half, so that of the other half is a map of zeros."""
    testing.assert_metric_known_answers(undefined_for_zeros)


def test_a_metric_without_a_direction_is_refused():
    with pytest.raises(BadOption, match="`metric` must declare in which direction it is better"):
        testing.assert_metric_known_answers(lambda *_: None)


def test_what_a_method_declares_to_answer_is_asserted():
    testing.assert_answers("occlusion[stride=1,window=1]", size=16, n_samples=1)
    testing.assert_answers(
        "occlusion[baseline=true,stride=1,window=1]", "single-color-sum", size=16, game="shapley@true"
    )
    message = message_of(testing.assert_answers, "integrated-gradients[n_steps=1]", size=16, n_samples=1)
    assert "does not answer aumann-shapley@black: its maps differ from the exact values by" in message
    assert "few steps" in message
    with pytest.raises(BadOption, match="`game` must be chosen for a method that declares none"):
        testing.assert_answers("gradient", size=16)
    with pytest.raises(BadOption, match="`game` must have exact values in"):
        testing.assert_answers("gradient", size=16, n_samples=1, game="worth@true")


@pytest.mark.wide
def test_everything_asserts_the_game_that_a_method_declares():
    @al.declares(answers="removal@true")
    def gradient(model, inputs, targets):
        inputs = inputs.clone().requires_grad_()
        return torch.autograd.grad(model(inputs).gather(1, targets[:, None]).sum(), inputs)[0]

    message = message_of(testing.assert_all, gradient, size=16, skip=["assert_values"])
    assert re.search(
        r"\nassert_answers: \S+gradient does not answer removal@true: its maps differ from the exact values by", message
    )


@pytest.mark.parametrize("gamma", [0.5, 0.42])
def test_a_coarse_method_is_not_judged_where_a_perfect_map_of_its_cells_is_not_clearly_above_gamma(gamma):
    with pytest.raises(SkipTest, match=r"even a perfect map of its cells has an F1 of 0\.50 on positive-smooth truth"):
        testing.assert_faithful("gradcam[layer=9]", size=32, n_samples=4, gamma=gamma)


def test_a_layer_chosen_by_position_may_be_the_module_that_is_shared():
    """GradCAM at a ReLU, which is one module for all layers in the variant `shared`."""
    assert testing.assert_implementation_invariant(grad_cam, size=16) == {}


def test_images_as_a_baseline_are_no_background():
    """Pixels of the background have an effect relative to images that have other pixels there."""
    method = al.make_method("integrated-gradients", baseline=torch.zeros(3, 16, 16))
    assert has_images_as_baseline(method)
    assert not has_images_as_baseline(al.make_method("integrated-gradients"))
    adapted = al.adapt("captum:IntegratedGradients", baselines=torch.zeros(1, 3, 16, 16))
    assert has_images_as_baseline(adapted)
