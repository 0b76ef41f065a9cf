"""A method that is not trusted: whatever it does is reported, by the right error, in one line."""

import gc
import io
import locale
import logging
import os
import posix
import re
import signal
import sys
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
import torch
from torch import nn

from attributionlab.errors import (
    BadOption,
    InputsChanged,
    MethodError,
    MethodRaised,
    ModelChanged,
    NotFinite,
    TorchChanged,
    WrongShape,
)
from attributionlab.measuring import settings
from attributionlab.measuring.guard import ModelState, run_guarded
from attributionlab.methods import FunctionMethod


class Small(nn.Module):
    """A model with everything that can be changed: weights, a buffer, modes, a module."""

    def __init__(self):
        super().__init__()
        self.convolution = nn.Conv2d(1, 2, 1)
        self.norm = nn.BatchNorm2d(2)
        self.activation = nn.ReLU()

    def forward(self, inputs):
        return self.activation(self.norm(self.convolution(inputs))).sum(dim=(2, 3))


@pytest.fixture
def model():
    small = Small().eval()
    nn.init.ones_(small.convolution.weight)
    return small


def run(function, model, inputs=None, **context):
    method = FunctionMethod(function=function, spec="file.py:mine")
    inputs = torch.ones(2, 1, 3, 3) if inputs is None else inputs
    return run_guarded(method, model, inputs, torch.zeros(2, dtype=torch.int64), **context)


def then_explain(action):
    """A method that does something to the model and returns good maps."""

    def method(model, inputs, targets):
        action(model)
        return inputs

    return method


def test_a_method_that_behaves_is_run(model):
    maps = run(lambda _model, inputs, _targets: inputs * 2, model)
    assert torch.equal(maps, torch.full((2, 3, 3), 2.0))


def test_context_is_handed_on(model):
    assert run(lambda _model, inputs, _targets, *, batch: batch * inputs, model, batch=5).max() == 5


def test_a_method_may_use_and_remove_hooks(model):
    def method(model, inputs, targets):
        handle = model.activation.register_forward_hook(lambda *_: None)
        maps = model.convolution(inputs).sum(dim=1)
        handle.remove()
        return maps

    assert run(method, model).shape == (2, 3, 3)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ValueError("no such thing"), "file.py:mine raised ValueError: no such thing"),
        (RuntimeError("first line\nsecond line"), "file.py:mine raised RuntimeError: first line second line"),
        (KeyError("name"), "file.py:mine raised KeyError: 'name'"),
        (AssertionError(), "file.py:mine raised AssertionError"),
    ],
)
def test_a_method_that_raises_is_reported_in_one_line(model, error, message):
    def method(model, inputs, targets):
        raise error

    with pytest.raises(MethodRaised, match=rf"^{re.escape(message)}$") as caught:
        run(method, model)
    assert caught.value.__cause__ is error
    assert caught.value.exit_code == 1


def test_a_method_with_another_signature_is_reported(model):
    with pytest.raises(MethodRaised, match=r"^file.py:mine raised TypeError: .* takes 2 positional arguments but 3"):
        run(lambda _model, inputs: inputs, model)


def test_an_error_of_ours_keeps_its_type(model):
    def method(model, inputs, targets):
        raise BadOption("`window` must be smaller")

    with pytest.raises(BadOption, match=r"^`window` must be smaller$"):
        run(method, model)


def test_an_error_that_is_no_exception_is_reported(model):
    class Odd(BaseException):
        pass

    def method(model, inputs, targets):
        raise Odd("nobody catches me")

    with pytest.raises(MethodRaised, match=r"^file.py:mine raised Odd: nobody catches me$"):
        run(method, model)


@pytest.mark.parametrize("in_the_child", [lambda: torch.zeros(2, 3, 3), lambda: 1 / 0], ids=["returns", "raises"])
def test_a_fork_that_comes_back_is_ended_and_goes_on_with_nothing(model, in_the_child):
    parent = os.getpid()

    def method(model, inputs, targets):
        child = os.fork()
        if child == 0:
            in_the_child()
            return inputs
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1
        return 2 * inputs

    try:
        maps = run(method, model)
    finally:
        if os.getpid() != parent:  # where the guard fails, pytest must not run twice
            os._exit(0)
    assert torch.equal(maps, torch.full((2, 3, 3), 2.0))


def test_a_user_who_interrupts_is_obeyed(model):
    def method(model, inputs, targets):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(method, model)


def test_a_method_that_exits_the_program_is_reported(model):
    """`sys.exit(0)` in a method must not look like a verdict to whoever reads the exit code."""

    def method(model, inputs, targets):
        raise SystemExit(0)

    with pytest.raises(MethodRaised, match=r"^file.py:mine raised SystemExit: 0$"):
        run(method, model)


def test_a_method_that_ends_the_process_at_once_is_reported(model):
    """In a test suite `os._exit(0)` would read as a success."""

    def method(model, inputs, targets):
        try:
            os._exit(0)
        except Exception:  # noqa: BLE001  # as methods do
            return inputs

    with pytest.raises(MethodRaised, match=r"^file.py:mine raised SystemExit: os._exit\(0\) was called$"):
        run(method, model)
    assert os._exit is posix._exit


def test_children_and_functions_that_are_called_later_may_end_as_they_like(model):
    later = []

    def method(model, inputs, targets):
        child = os.fork()
        if child == 0:
            os._exit(7)
        later.append(os._exit)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
        return 2 * inputs

    run(method, model)
    child = os.fork()
    if child == 0:
        later[0](8)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 8


def test_a_method_that_changes_the_working_directory_does_not_move_the_results(model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def method(model, inputs, targets):
        os.chdir("/")
        return 2 * inputs

    run(method, model)
    assert Path.cwd() == tmp_path


def written_in_place(model, inputs, targets):
    inputs += 1
    return inputs


def nothing(model, inputs, targets):
    return None


RETURNED = {
    "lists": (lambda _m, x, _t: x.tolist(), WrongShape, "must return a torch.Tensor, got list"),
    "text": (lambda _m, x, _t: x.numpy().astype(str), WrongShape, "must return a torch.Tensor, got ndarray"),
    "none": (nothing, WrongShape, "must return a torch.Tensor, got NoneType"),
    "tuple": (lambda _m, x, _t: (x, x), WrongShape, "must return a torch.Tensor, got tuple"),
    "number": (lambda _m, _x, _t: 1.0, WrongShape, "must return a torch.Tensor, got float"),
    "too few images": (lambda _m, x, _t: x[:1], WrongShape, "must return real values of shape (2, 3, 3)"),
    "too few pixels": (lambda _m, x, _t: x[..., :2], WrongShape, "must return real values of shape (2, 3, 3)"),
    "one number per image": (
        lambda _m, x, _t: x.sum((1, 2, 3)),
        WrongShape,
        "must return real values of shape (2, 3, 3)",
    ),
    "complex": (lambda _m, x, _t: x * 1j, WrongShape, "got complex (2, 1, 3, 3)"),
    "sparse": (
        lambda _m, x, _t: x.sum(1).to_sparse(),
        WrongShape,
        "must return a plain, dense tensor, got a sparse_coo one",
    ),
    "sparse rows": (
        lambda _m, x, _t: x[:, 0].to_sparse_csr(),
        WrongShape,
        "must return a plain, dense tensor, got a sparse_csr",
    ),
    "meta": (lambda _m, x, _t: x.to("meta"), WrongShape, "must return a plain, dense tensor, got a meta one"),
    "nested": (
        lambda _m, x, _t: torch.nested.nested_tensor(list(x)),
        WrongShape,
        "must return a plain, dense tensor, got a nested",
    ),
    "NaN": (lambda _m, x, _t: x * torch.nan, NotFinite, "must return finite values, got NaN values in 2 of 2 maps"),
    "inf": (lambda _m, x, _t: x / 0, NotFinite, "must return finite values, got infinite values in 2 of 2 maps"),
    "-inf": (lambda _m, x, _t: -x / 0, NotFinite, "must return finite values, got infinite values in 2 of 2 maps"),
}


@pytest.mark.filterwarnings("ignore:.*(beta|prototype)")  # as torch calls its sparse rows and nested tensors
@pytest.mark.parametrize("case", RETURNED)
def test_a_bad_return_value_is_reported_in_one_line(model, case):
    function, kind, message = RETURNED[case]
    with pytest.raises(kind, match=rf"^file\.py:mine .*{re.escape(message)}") as caught:
        run(function, model)
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, MethodError)


def scale_weights(model):
    model.convolution.weight.data *= 2


def nudge_one_weight(model):
    with torch.no_grad():
        model.convolution.bias[0] = torch.nextafter(model.convolution.bias[0], torch.tensor(9.0))


def run_norm(model):
    model.norm.running_mean += 1


def change_precision(model):
    model.convolution.double()


def add_parameter(model):
    model.extra = nn.Parameter(torch.zeros(1))


def set_eps(model):
    model.norm.eps = 0.1


def replace_weight(model):
    model.convolution.weight = nn.Parameter(torch.zeros_like(model.convolution.weight))


def train_all(model):
    model.train()


def train_one(model):
    model.norm.train()


def freeze(model):
    model.requires_grad_(False)


def freeze_one(model):
    model.convolution.bias.requires_grad_(False)


def hook_forward(model):
    model.activation.register_forward_hook(lambda *_: None)


def hook_forward_pre(model):
    model.activation.register_forward_pre_hook(lambda *_: None)


def hook_backward(model):
    model.activation.register_full_backward_hook(lambda *_: None)


def hook_backward_pre(model):
    model.activation.register_full_backward_pre_hook(lambda *_: None)


def hook_model(model):
    model.register_forward_hook(lambda *_: None)


def replace_activation(model):
    model.activation = nn.Softplus().eval()


def replace_by_a_namesake(model):
    class ReLU(nn.Module):
        def forward(self, inputs):
            return inputs

    model.activation = ReLU().eval()


def replace_forward(model):
    model.activation.forward = lambda inputs: inputs


def add_module(model):
    model.extra = nn.Identity().eval()


CHANGES = {
    scale_weights: "the values of convolution.weight are different",
    nudge_one_weight: "the values of convolution.bias are different",
    run_norm: "the values of norm.running_mean are different",
    change_precision: "convolution.weight has another type, shape or device",
    replace_weight: "the values of convolution.weight are different",
    add_parameter: "it has the new tensor extra",
    set_eps: "option eps of norm changed from 1e-05 to 0.1",
    train_all: "training mode of activation changed from False to True",
    train_one: "training mode of norm changed from False to True",
    freeze: "requires_grad of convolution.bias changed from True to False",
    freeze_one: "requires_grad of convolution.bias changed from True to False",
    hook_forward: "hooks on activation changed from 0 to 1",
    hook_forward_pre: "hooks on activation changed from 0 to 1",
    hook_backward: "hooks on activation changed from 0 to 1",
    hook_backward_pre: "hooks on activation changed from 0 to 1",
    hook_model: "hooks on the model changed from 0 to 1",
    replace_activation: "module activation changed from ReLU to Softplus",
    replace_by_a_namesake: "activation",
    replace_forward: "activation",
    add_module: "extra",
}


@pytest.mark.parametrize("action", CHANGES, ids=lambda action: action.__name__)
def test_a_change_of_the_model_is_reported_in_one_line(model, action):
    with pytest.raises(
        ModelChanged, match=rf"^file\.py:mine changed the model: .*{re.escape(CHANGES[action])}"
    ) as caught:
        run(then_explain(action), model)
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 1


def test_a_change_of_the_model_that_is_taken_back_is_no_change(model):
    def action(model):
        train_all(model)
        scale_weights(model)
        model.convolution.weight.data /= 2
        model.eval()

    assert run(then_explain(action), model).shape == (2, 3, 3)


def test_the_same_model_has_no_difference(model):
    assert ModelState.of(model).difference(ModelState.of(model)) is None


def write_and_return_zeros(model, inputs, targets):
    inputs[0, 0, 0, 0] = 7
    return torch.zeros(2, 3, 3)


def write_nan(model, inputs, targets):
    inputs[0] = torch.nan
    return torch.zeros(2, 3, 3)


def grow(model, inputs, targets):
    inputs.data = torch.ones(2, 1, 3, 4)
    return torch.zeros(2, 3, 4)


@pytest.mark.parametrize("function", [written_in_place, write_and_return_zeros, write_nan, grow])
def test_writing_into_the_inputs_is_reported_in_one_line(model, function):
    inputs = torch.ones(2, 1, 3, 3)
    with pytest.raises(InputsChanged, match=r"^file\.py:mine wrote into its inputs; work on `inputs\.clone\(\)`$"):
        run(function, model, inputs)
    assert torch.equal(inputs, torch.ones(2, 1, 3, 3)), "the method has a copy"


def test_a_method_may_ask_for_gradients_of_its_copy_of_the_inputs(model):
    def method(model, inputs, targets):
        inputs.requires_grad_()
        model(inputs).sum().backward()
        model.zero_grad()
        return inputs.grad

    inputs = torch.ones(2, 1, 3, 3)
    assert run(method, model, inputs).shape == (2, 3, 3)
    assert not inputs.requires_grad
    assert inputs.grad is None


def test_maps_that_are_the_inputs_themselves_are_detached_from_them(model):
    def method(model, inputs, targets):
        return inputs.requires_grad_()

    assert not run(method, model).requires_grad


def test_a_change_of_the_targets_is_reported(model):
    def method(model, inputs, targets):
        targets += 1
        return inputs

    with pytest.raises(InputsChanged, match=r"^file\.py:mine wrote into its targets"):
        run(method, model)


def test_a_changed_model_is_reported_before_changed_inputs(model):
    def method(model, inputs, targets):
        scale_weights(model)
        return written_in_place(model, inputs, targets)

    with pytest.raises(ModelChanged):
        run(method, model)


def test_gradients_that_backward_leaves_behind_are_taken_away(model):
    def leaves_gradients(model, inputs, targets):
        model(inputs).sum().backward()
        return inputs

    run(leaves_gradients, model)
    assert all(parameter.grad is None for parameter in model.parameters())


def test_a_model_that_was_moved_is_reported(model):
    def moves(model, inputs, targets):
        model.to("meta")
        return inputs

    with pytest.raises(ModelChanged, match="has another type, shape or device"):
        run(moves, model)


def default_device():
    torch.set_default_device("meta")


def default_dtype():
    torch.set_default_dtype(torch.float64)


def no_gradients():
    torch.set_grad_enabled(False)


def deterministic():
    torch.use_deterministic_algorithms(True, warn_only=True)


def more_threads():
    torch.set_num_threads(torch.get_num_threads() + 1)


def older_tensor_cores():
    torch.backends.cudnn.allow_tf32 = False


SETTINGS = {
    default_device: "the default device changed from cpu to meta",
    default_dtype: "the default dtype changed from torch.float32 to torch.float64",
    no_gradients: "the grad mode changed from True to False",
    deterministic: "the deterministic mode changed from 0 to 1",
    more_threads: "the number of threads changed from",
    older_tensor_cores: "the precision of cuDNN changed",
}


def settings_of_torch():
    return (
        torch.get_default_dtype(),
        torch.is_grad_enabled(),
        torch.get_deterministic_debug_mode(),
        torch.get_num_threads(),
        torch.get_default_device(),
        torch.backends.cudnn.allow_tf32,  # raises where it and the two precisions contradict each other
        torch.backends.cudnn.conv.fp32_precision,
    )


@pytest.fixture
def torch_as_it_was():
    """Whatever a test leaves behind is put right, so that no other test fails of it."""
    before = settings_of_torch()
    yield before
    torch.set_default_dtype(before[0])
    torch.set_grad_enabled(before[1])
    torch.set_deterministic_debug_mode(before[2])
    torch.set_num_threads(before[3])
    torch.set_default_device(None)
    torch.backends.cudnn.allow_tf32 = before[5]


@pytest.mark.parametrize("action", SETTINGS, ids=lambda action: action.__name__)
def test_a_change_of_torch_is_reported_in_one_line_and_put_back(model, action, torch_as_it_was):
    message = rf"^file\.py:mine changed torch itself: {re.escape(SETTINGS[action])}"
    with pytest.raises(TorchChanged, match=message) as caught:
        run(then_explain(lambda _model: action()), model)
    assert settings_of_torch() == torch_as_it_was
    assert isinstance(caught.value, MethodError)
    assert caught.value.exit_code == 1


def test_a_folder_of_caches_that_torch_sets_is_no_change(model, monkeypatch):
    monkeypatch.delenv("TORCHINDUCTOR_CACHE_DIR", raising=False)
    run(then_explain(lambda _model: os.environ.update(TORCHINDUCTOR_CACHE_DIR="/tmp")), model)


OF_THE_PROCESS = {
    "sys.path": lambda: sys.path.append("models"),
    "the locale": lambda: locale.setlocale(
        locale.LC_NUMERIC, "C.UTF-8" if locale.setlocale(locale.LC_NUMERIC) == "C" else "C"
    ),
    "the handlers of signals": lambda: signal.signal(signal.SIGTERM, signal.SIG_IGN),
    "the level of logging": lambda: logging.getLogger().setLevel(1),
    "the standard streams": lambda: setattr(sys, "stderr", io.StringIO()),
    "the flushing of small numbers to zero": lambda: torch.set_flush_denormal(True),
}


@pytest.mark.parametrize("name", OF_THE_PROCESS)
def test_a_change_of_the_process_is_reported_and_put_back(model, name):
    read, write = settings.SETTINGS[name]
    before = read()
    try:
        with pytest.raises(TorchChanged, match=f"{name} changed"):
            run(then_explain(lambda _model: OF_THE_PROCESS[name]()), model)
        assert read() == before
    finally:
        write(before)


@pytest.mark.parametrize(
    "register",
    [
        nn.modules.module.register_module_forward_hook,
        nn.modules.module.register_module_forward_pre_hook,
        nn.modules.module.register_module_full_backward_hook,
        nn.modules.module.register_module_full_backward_pre_hook,
    ],
    ids=lambda register: register.__name__,
)
def test_a_hook_of_any_kind_on_all_modules_is_reported_and_taken_away(model, register):
    called = []
    with pytest.raises(TorchChanged, match=r"hooks on all modules changed"):
        run(then_explain(lambda _model: register(lambda *_: None)), model)
    with pytest.raises(TorchChanged, match=r"hooks on all modules changed"):
        run(then_explain(lambda _model: register(lambda *_: called.append(1) or None)), model)
    called.clear()
    model(torch.rand(1, 1, 2, 2, requires_grad=True)).sum().backward()
    assert not called


def test_open_figures_environment_variables_and_the_collector_are_put_back(model, monkeypatch):
    monkeypatch.setenv("OMP_WAIT_POLICY", "passive")

    def change(_model):
        plt.figure()
        os.environ["OMP_WAIT_POLICY"] = "active"
        os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"
        torch.Tensor.halved = lambda values: values / 2
        gc.disable()

    n_figures = len(plt.get_fignums())
    with pytest.raises(TorchChanged, match=r"the environment variables changed, "):
        run(then_explain(change), model)
    assert len(plt.get_fignums()) == n_figures
    assert os.environ["OMP_WAIT_POLICY"] == "passive"
    assert "CUBLAS_WORKSPACE_CONFIG" not in os.environ
    assert not hasattr(torch.Tensor, "halved")
    assert gc.isenabled()


@pytest.mark.parametrize("action", SETTINGS, ids=lambda action: action.__name__)
def test_a_change_of_torch_is_put_back_where_the_method_raises(model, action, torch_as_it_was):
    def method(model, inputs, targets):
        action()
        raise ValueError("then it raised")

    with pytest.raises(MethodRaised, match="then it raised"):
        run(method, model)
    assert settings_of_torch() == torch_as_it_was


def test_a_change_of_torch_that_is_taken_back_is_no_change(model):
    def method(model, inputs, targets):
        with torch.no_grad():
            return inputs * 2

    assert run(method, model).shape == (2, 3, 3)


def test_random_numbers_are_no_change_of_torch(model):
    assert run(lambda _model, inputs, _targets: torch.rand_like(inputs), model).shape == (2, 3, 3)


def test_filters_that_silenced_warnings_before_stay():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        read, restore = settings.SETTINGS["the filters of warnings"]
        before = read()
        warnings.filterwarnings("ignore", category=UserWarning)
        restore(before)
        assert read() == before
        assert before
