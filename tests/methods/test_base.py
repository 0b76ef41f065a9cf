"""What all methods share: baselines, declared facts, functions as methods."""

import re
import warnings
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import nn

from attributionlab.environments import make_environment
from attributionlab.errors import BadOption, NotFinite, WrongShape
from attributionlab.methods import Declaration, FunctionMethod, Method, declares, make_method
from attributionlab.methods.base import one_by_one
from attributionlab.networks.designed import logits_of

WITH_BASELINE = ("integrated-gradients", "deeplift", "deepshap", "occlusion")


def environment():
    return make_environment("multi-color-sum", size=16, background=(1, 2, 3))


@pytest.mark.parametrize(
    ("baseline", "color"), [("black", (0.0, 0.0, 0.0)), ("true", (1.0, 2.0, 3.0)), ((7, 8, 9), (7.0, 8.0, 9.0))]
)
@pytest.mark.parametrize("name", WITH_BASELINE)
def test_a_baseline_is_one_color_everywhere(name, baseline, color):
    inputs = torch.rand(2, 3, 4, 5, dtype=torch.float64)
    method = make_method(name, environment(), baseline=baseline)
    image = method.baseline_like(inputs, method.baseline)
    assert image.shape == inputs.shape
    assert image.dtype == inputs.dtype
    assert image.is_contiguous()
    assert (image == torch.tensor(color)[:, None, None]).all()


@pytest.mark.parametrize("name", WITH_BASELINE)
def test_the_default_baseline_is_black(name):
    assert make_method(name).baseline == "black"


@pytest.mark.parametrize("name", WITH_BASELINE)
def test_the_true_baseline_is_refused_where_no_environment_says_which(name):
    batch = environment().sample(1)
    message = "^`baseline` must be black or a color where there is no environment to ask, got 'true'$"
    with pytest.raises(BadOption, match=message):
        make_method(name, baseline="true")(environment().model, batch.inputs, batch.targets)


@pytest.mark.parametrize("baseline", [(1, 2), (1, 2, 3, 4)])
def test_a_baseline_with_other_channels_than_the_image_is_refused(baseline):
    batch = environment().sample(1)
    method = make_method("integrated-gradients", baseline=baseline)
    with pytest.raises(BadOption, match=r"^`baseline` must have 3 channels, got \(1"):
        method(environment().model, batch.inputs, batch.targets)


def test_a_true_baseline_with_other_channels_than_the_image_is_refused():
    method = make_method("integrated-gradients", environment(), baseline="true")
    with pytest.raises(BadOption, match=r"^`baseline` must have 1 channels, got 'true'$"):
        method(nn.Flatten(), torch.zeros(1, 1, 4, 4), torch.tensor([0]))


@pytest.mark.parametrize(
    "baseline",
    [
        "white",
        "1,2,x",
        "",
        True,
        "nan",
        "nan,0,0",
        1j,
        float("inf"),
        np.array(["a"]),
        torch.tensor([float("nan")]),
        torch.tensor([True]),
    ],
)
def test_what_is_no_baseline_is_refused(baseline):
    with pytest.raises(BadOption, match=r"^`baseline` must be black or true or a list of numbers or a tensor, got "):
        make_method("integrated-gradients", baseline=baseline)


@pytest.mark.parametrize("baseline", [(256, 0, 0), (0, -1, 0)])
def test_a_baseline_that_is_no_color_is_refused(baseline):
    batch = environment().sample(1)
    with pytest.raises(BadOption, match=rf"^`baseline` must have values in 0\.\.255, got {re.escape(str(baseline))}$"):
        make_method("occlusion", environment(), baseline=baseline)(environment().model, batch.inputs, batch.targets)


@pytest.mark.parametrize("name", WITH_BASELINE)
def test_a_network_without_an_environment_takes_any_number_per_channel_as_baseline(name):
    method = make_method(f"{name}[baseline=-2.5,0,300]")
    assert method.spec == f"{name}[baseline=-2.5,0,300]"
    image = method.baseline_like(torch.rand(2, 3, 4, 5), method.baseline)
    assert (image == torch.tensor([-2.5, 0, 300])[:, None, None]).all()


@pytest.mark.parametrize(
    ("baseline", "expected"),
    [("0.5", 0.5), (0.5, 0.5), (7, 7.0), (np.array([1.0, 2, 3]), [1, 2, 3]), (torch.tensor([1, 2, 3]), [1, 2, 3])],
)
def test_one_number_stands_for_all_channels_and_arrays_are_tensors(baseline, expected):
    method = make_method("occlusion", baseline=baseline)
    image = method.baseline_like(torch.rand(2, 3, 4, 5), method.baseline)
    assert torch.equal(image, torch.tensor(expected).float().expand(3)[:, None, None].expand(2, 3, 4, 5))


@pytest.mark.parametrize("shape", [(3,), (3, 4, 5), (1, 3, 4, 5)])
@pytest.mark.parametrize("name", WITH_BASELINE)
def test_a_tensor_is_a_baseline_per_channel_or_per_value(name, shape):
    values = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    method = make_method(name, baseline=values)
    image = method.baseline_like(torch.rand(2, 3, 4, 5), method.baseline)
    assert torch.equal(image, (values[:, None, None] if values.ndim == 1 else values).expand(2, 3, 4, 5))
    assert method == make_method(name, baseline=values.clone())
    assert method.spec != make_method(name, baseline=values + 1).spec
    assert re.fullmatch(rf"{name}\[baseline=tensor-[0-9a-f]{{8}}\]", method.spec)


def test_a_tensor_that_does_not_fit_the_inputs_is_refused():
    method = make_method("integrated-gradients", baseline=torch.zeros(3, 4, 4))
    message = r"^`baseline` must have shape \(3,\), \(3, 4, 5\) or \(n, 3, 4, 5\), got \(3, 4, 4\); images of another size need "
    with pytest.raises(BadOption, match=message):
        method.baseline_like(torch.zeros(1, 3, 4, 5), method.baseline)
    several = make_method("occlusion", baseline=torch.zeros(2, 3, 4, 5))
    with pytest.raises(BadOption, match=r"^`baseline` must be one image; `deepshap` averages over several, got "):
        several.baseline_like(torch.zeros(1, 3, 4, 5), several.baseline)


MISFITS = {
    "no channels": (
        lambda x, t: (x[:, 0], t),
        "`inputs` must have shape (b, 3, 16, 16) for this model, got (2, 16, 16)",
    ),
    "integers": (
        lambda x, t: (x.long(), t),
        "`inputs` must be floating point of shape (b, c, *shape), got int64 of shape (2, 3, 16, 16)",
    ),
    "numpy": (lambda x, t: (x.numpy(), t), "`inputs` must be floating point of shape (b, c, *shape), got ndarray"),
    "gray": (
        lambda x, t: (x[:, :1], t),
        "`inputs` must have shape (b, 3, 16, 16) for this model, got (2, 1, 16, 16)",
    ),
    "another size": (
        lambda x, t: (x[..., :15], t),
        "`inputs` must have shape (b, 3, 16, 16) for this model, got (2, 3, 16, 15)",
    ),
    "too few targets": (
        lambda x, t: (x, t[:1]),
        "`targets` must be int64 of shape (2,), one per input, got int64 of shape (1,)",
    ),
    "targets of another type": (
        lambda x, t: (x, t.float()),
        "`targets` must be int64 of shape (2,), one per input, got float32 of shape (2,)",
    ),
    "a number": (lambda x, _t: (x, 0), "`targets` must be int64 of shape (2,), one per input, got int"),
    "no such output": (lambda x, t: (x, t * 0 + 4), "`targets` must be indices of the model's outputs, 0 to 3, got 4"),
    "below 0": (lambda x, t: (x, t * 0 - 1), "`targets` must be indices of the model's outputs, 0 to 3, got -1"),
}


@pytest.mark.parametrize("case", MISFITS)
@pytest.mark.parametrize("name", ["gradient", "occlusion", "gradcam", "lime", "random"])
def test_inputs_and_targets_that_do_not_fit_the_model_are_refused_in_one_line(name, case):
    change, message = MISFITS[case]
    batch = environment().sample(2)
    with pytest.raises(BadOption, match=rf"^{re.escape(message)}$"):
        make_method(name, environment())(environment().model, *change(batch.inputs, batch.targets))


def test_declares_attaches_facts_to_a_function():
    @declares(sign="positive", granularity="coarse", explains="logit", needs=["batch"], source="me")
    def my_cam(model, inputs, targets, batch=None):
        return inputs.sum(dim=1)

    expected = Declaration(
        sign="positive", granularity="coarse", explains="logit", needs=frozenset({"batch"}), source="me"
    )
    assert make_method(my_cam).declaration == expected
    assert my_cam(None, torch.ones(1, 2, 1, 1), None).item() == 2.0, "the function stays what it was"


def test_a_function_without_facts_is_signed_and_explains_the_output_pixel_by_pixel():
    declaration = make_method(lambda _model, inputs, _targets: inputs).declaration
    assert declaration == Declaration()
    assert (declaration.sign, declaration.granularity, declaration.explains) == ("signed", "pixel", "output")
    assert declaration.needs == frozenset()


def call(function, inputs=None):
    return make_method(function)(None, torch.ones(2, 3, 4, 5) if inputs is None else inputs, None)


@pytest.mark.parametrize("shape", [(2, 4, 5), (2, 3, 4, 5), (2, 1, 4, 5)])
def test_a_function_may_return_pixels_or_channels(shape):
    maps = call(lambda _model, _inputs, _targets: torch.full(shape, 2.0))
    assert maps.shape == (2, 4, 5)
    assert (maps == 2.0 * (shape[1] if len(shape) == 4 else 1)).all()


def test_a_function_may_return_a_tensor_that_requires_gradients():
    maps = call(lambda _model, _inputs, _targets: torch.ones(2, 4, 5, requires_grad=True) * 2)
    assert not maps.requires_grad


def test_a_function_may_return_integers():
    maps = call(lambda _model, _inputs, _targets: torch.ones(2, 4, 5, dtype=torch.int64))
    assert maps.dtype == torch.float32


@pytest.mark.parametrize("shape", [(2, 4), (4, 5), (1, 4, 5), (2, 5, 4), (2, 2, 4, 5), (2, 4, 5, 3), ()])
def test_a_function_that_returns_another_shape_is_refused(shape):
    with pytest.raises(WrongShape, match=r"must return real values of shape \(2, 4, 5\) or \(2, 3, 4, 5\), got \("):
        call(lambda _model, _inputs, _targets: torch.ones(shape))


@pytest.mark.parametrize("value", [None, 3.0, [1.0], ("map", 3.0)])
def test_a_function_that_returns_no_tensor_is_refused(value):
    with pytest.raises(WrongShape, match=rf"must return a torch\.Tensor, got {type(value).__name__}$"):
        call(lambda _model, _inputs, _targets: value)


@pytest.mark.parametrize(("value", "what"), [(torch.nan, "NaN"), (torch.inf, "infinite"), (-torch.inf, "infinite")])
def test_a_function_that_returns_values_that_are_not_finite_is_refused(value, what):
    def broken(model, inputs, targets):
        maps = torch.ones(2, 4, 5)
        maps[1, 2, 3] = value
        return maps

    with pytest.raises(NotFinite, match=f"must return finite values, got {what} values in 1 of 2 maps$"):
        call(broken)


def test_values_whose_channels_add_up_to_infinity_are_not_taken_for_finite():
    with pytest.raises(NotFinite, match="must return finite values"):
        call(lambda _model, _inputs, _targets: torch.full((2, 3, 4, 5), 3e38))


def test_a_function_method_is_named_by_where_it_is():
    def my_method(model, inputs, targets):
        return inputs

    assert make_method(my_method).spec.endswith("my_method")
    assert make_method(my_method).spec.startswith(f"{__name__}:")


def test_a_callable_object_is_named_by_its_class():
    class MyMethod:
        def __call__(self, _model, inputs, _targets):
            return inputs

    assert make_method(MyMethod()).spec.endswith("MyMethod")


def test_a_function_is_given_the_model_the_inputs_and_the_targets_themselves():
    given = []

    def recording(*arguments, **context):
        given.append((arguments, context))
        return arguments[1]

    model, inputs, targets, batch = nn.Identity(), torch.ones(1, 1, 2, 2), torch.tensor([0]), object()
    make_method(recording)(model, inputs, targets, batch=batch)
    assert given == [((model, inputs, targets), {"batch": batch})]


@dataclass(frozen=True, kw_only=True)
class Careless(Method):
    """A method that writes into what it is given."""

    name: ClassVar[str] = "careless"
    declaration: ClassVar[Declaration] = Declaration()

    def attribute(self, _model, inputs, _targets):
        return inputs.mul_(2)


def test_a_method_works_on_a_detached_copy_of_the_inputs():
    inputs = torch.ones(1, 2, 2, 2, requires_grad=True)
    maps = Careless()(nn.Identity(), inputs, torch.tensor([0]))
    assert maps.tolist() == [[[4.0, 4.0], [4.0, 4.0]]]
    assert torch.equal(inputs, torch.ones(1, 2, 2, 2))


def test_one_by_one_gives_each_image_its_own_call():
    seen = []

    def function(image, target):
        seen.append((image.shape, target.tolist()))
        return image * target

    inputs = torch.arange(6.0).reshape(3, 1, 1, 2)
    joined = one_by_one(function, inputs, torch.tensor([1, 2, 3]))
    assert seen == [((1, 1, 1, 2), [1]), ((1, 1, 1, 2), [2]), ((1, 1, 1, 2), [3])]
    assert joined.flatten().tolist() == [0, 1, 4, 6, 12, 15]


def test_methods_do_not_hide_warnings_of_the_model():
    class Talkative(nn.Module):
        def forward(self, inputs):
            warnings.warn("a warning of the model", UserWarning, stacklevel=1)
            return inputs.flatten(1)

    with pytest.warns(UserWarning, match="a warning of the model"):
        make_method("gradient")(Talkative(), torch.ones(1, 1, 2, 2), torch.tensor([0]))


def test_a_method_with_a_setting_shows_and_compares_only_its_options():
    bound = make_method("gradient", environment())
    assert bound == make_method("gradient")
    assert repr(bound) == "Gradient()"


def test_a_function_method_is_what_it_was_when_made_again():
    method = FunctionMethod(function=lambda _model, inputs, _targets: inputs, spec="mine")
    assert make_method(method) is method


def test_a_layer_called_logits_is_not_taken_for_the_logits():
    model = nn.Module()
    model.logits = nn.Linear(2, 2)
    assert logits_of(model) is model


def test_methods_run_in_evaluation_mode_and_put_every_mode_back():
    model = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(16, 2)).train()
    model[2].eval()
    inputs, targets = torch.ones(1, 1, 4, 4), torch.zeros(1, dtype=torch.int64)
    maps = make_method("gradient")(model, inputs, targets)
    assert torch.equal(maps.flatten(), model[2].weight[0])
    assert (model.training, model[1].training, model[2].training) == (True, True, False)
