"""Deliberately broken methods, each with one mistake that people make, and correct ones beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn
from torch.nn import functional

from attributionlab.methods import Declaration, Method, declares
from attributionlab.methods.propagation import epsilon_rule
from attributionlab.methods.ruled import propagate


def gradient(model, inputs, targets):
    leaf = inputs.clone().detach().requires_grad_()
    outputs = model(leaf).gather(1, targets[:, None]).sum()
    return torch.autograd.grad(outputs, leaf)[0]


def input_x_gradient(model, inputs, targets):
    return inputs.detach() * gradient(model, inputs, targets)


@declares(sign="magnitude")
def gradient_magnitude(model, inputs, targets):
    return gradient(model, inputs, targets).abs().sum(dim=1)


CORRECT = (gradient, input_x_gradient, gradient_magnitude)
"""The built-in methods are in `contracts/test_assertions.py`, those of libraries in `correct.py`."""


def sign_flipped(model, inputs, targets):
    return -gradient(model, inputs, targets)


def channel_dropped(model, inputs, targets):
    maps = input_x_gradient(model, inputs, targets)
    return maps[:, :2].sum(dim=1)


def shifted_by_a_pixel(model, inputs, targets):
    return gradient(model, inputs, targets).roll(1, dims=3)


def transposed(model, inputs, targets):
    return gradient(model, inputs, targets).transpose(2, 3)


def batch_mixed(model, inputs, targets):
    maps = gradient(model, inputs, targets)
    return maps - 0.1 * maps.mean(dim=0, keepdim=True)


def leaking_hooks(model, inputs, targets):
    model.accumulator.layers[1].register_forward_hook(lambda *_: None)
    return gradient(model, inputs, targets)


def leaking_where_the_model_raises(model, inputs, targets):
    handle = model.accumulator.layers[1].register_forward_hook(lambda *_: None)
    maps = gradient(model, inputs, targets)
    handle.remove()
    return maps


def mutating_the_input(model, inputs, targets):
    inputs -= 0.5
    maps = gradient(model, inputs + 0.5, targets)
    inputs += 0.25
    return maps


def leaving_a_gradient(model, inputs, targets):
    if not inputs.requires_grad:
        return gradient(model, inputs, targets)
    model(inputs).gather(1, targets[:, None]).sum().backward()
    return inputs.grad.clone()


def absolute_value(model, inputs, targets):
    return gradient(model, inputs, targets).abs()


def off_by_one_upsampling(model, inputs, targets):
    maps = gradient(model, inputs, targets)
    return functional.interpolate(maps[..., :-1, :-1], size=maps.shape[2:], mode="nearest")


@dataclass(frozen=True, kw_only=True)
class SeedIgnored(Method):
    """Gradients of noisy copies; the noise comes from the global generator."""

    name: ClassVar[str] = "seed-ignored"
    declaration: ClassVar[Declaration] = Declaration(randomness="seeded")

    seed: int = 0

    def attribute(self, model, inputs, targets):
        return gradient(model, inputs, targets) * (1 + 0.1 * torch.rand(inputs.shape, device=inputs.device).to(inputs))


@dataclass(frozen=True, kw_only=True)
class SeedUnused(Method):
    """A seed that is never read."""

    name: ClassVar[str] = "seed-unused"
    declaration: ClassVar[Declaration] = Declaration(randomness="seeded")

    seed: int = 0

    def attribute(self, model, inputs, targets):
        noise = torch.rand(inputs.shape[1:], generator=torch.Generator().manual_seed(0)).to(inputs)
        return gradient(model, inputs, targets) * (1 + 1e-4 * noise)


def blind_to_the_network(model, inputs, targets):
    return (inputs != inputs[:, :, :1, :1]).any(dim=1).float()


def wrong_target(model, inputs, targets):
    n_classes = model(inputs).shape[1]
    return gradient(model, inputs, (targets + 1) % n_classes)


CALLS = iter(range(10**9))


def noise_added(model, inputs, targets):
    """Other noise at every call, whatever the seeds."""
    noise = torch.rand(inputs.shape, generator=torch.Generator().manual_seed(next(CALLS))).to(inputs)
    maps = gradient(model, inputs, targets)
    return maps + 0.1 * maps.abs().max() * noise


def nan_on_one_image(model, inputs, targets):
    maps = gradient(model, inputs, targets)
    maps[-1, 0, 0, 0] = torch.nan
    return maps


def float16_overflow(model, inputs, targets):
    return (input_x_gradient(model, inputs, targets).half() * 1000).float()


def in_half_precision(model, inputs, targets):
    """Squares and roots that lose most of their digits."""
    maps = gradient(model, inputs, targets)
    return ((maps.half() + 30).sqrt() - 30**0.5).float()


def in_float32_only(model, inputs, targets):
    return gradient(model, inputs.float(), targets)


def not_complete(model, inputs, targets):
    return 1.1 * input_x_gradient(model, inputs, targets)


def guided_by_hooks(model, inputs, targets):
    """Guided backpropagation that looks for modules only."""
    relus = [module for module in model.modules() if isinstance(module, nn.ReLU)]
    handles = [relu.register_full_backward_hook(lambda _, grads, __: (grads[0].clamp(min=0),)) for relu in relus]
    try:
        return gradient(model, inputs, targets)
    finally:
        for handle in handles:
            handle.remove()


def doubled_at_branches(model, inputs, targets):
    """The z rule, which hands each branch of a sum the whole relevance."""

    def attach(layer, arguments, output):
        by_rule = lambda relevance, values: (epsilon_rule(0.0)(layer, values[0], relevance),)  # noqa: E731  # short
        return propagate(output, by_rule, arguments)

    layers = [layer for layer in model.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    handles = [layer.register_forward_hook(attach) for layer in layers]
    try:
        return gradient(model, inputs, targets)
    finally:
        for handle in handles:
            handle.remove()


def kept_by_module(model, inputs, targets):
    """The gradient, by what each ReLU gave; only its last call is kept."""
    kept = {}
    relus = [module for module in model.modules() if isinstance(module, nn.ReLU)]
    handles = [relu.register_forward_hook(lambda one, _, output: kept.update({one: output.detach()})) for relu in relus]
    handles += [relu.register_full_backward_hook(lambda one, _, grads: (grads[0] * (kept[one] > 0),)) for relu in relus]
    try:
        return gradient(model, inputs, targets)
    finally:
        for handle in handles:
            handle.remove()


def kept_without_a_copy(model, inputs, targets):
    """Scaled by how many of the detector's values are negative before ReLU, which may be overwritten by then."""
    kept = []
    handle = model.detector.layers[0].register_forward_hook(lambda *call: kept.append(call[-1].detach()))
    try:
        maps = gradient(model, inputs, targets)
    finally:
        handle.remove()
    return maps * (1 + (kept[0] < 0).flatten(1).double().mean(dim=1)[:, None, None, None]).to(maps)


FAULTS = {
    sign_flipped: ("assert_sign_correct", "has wrong signs.*with the opposite sign"),
    channel_dropped: ("assert_values", r"with its channels weighted \(1, 1, 0\)"),
    shifted_by_a_pixel: ("assert_dummy", "credits the background.*moved by 0 rows and -1 columns its F1"),
    transposed: ("assert_dummy", "rows and columns are swapped: look for"),
    batch_mixed: ("assert_batch_invariant", "depends on the batch"),
    leaking_hooks: ("assert_model_unchanged", "hooks on accumulator.layers.1 changed from 0 to 1"),
    leaking_where_the_model_raises: ("assert_model_unchanged", "leaves traces where forward pass 1 raises: hooks"),
    mutating_the_input: ("assert_inputs_unchanged", "changes what it is given: .*wrote into its inputs"),
    leaving_a_gradient: ("assert_inputs_unchanged", "leaves a gradient on inputs"),
    absolute_value: ("assert_sign_correct", "it has no negative value: look for an absolute value"),
    off_by_one_upsampling: ("assert_dummy", "credits the background"),
    SeedIgnored(): ("assert_deterministic", "has an option `seed` and still depends on the global random numbers"),
    SeedUnused(): ("assert_deterministic", "ignores its option `seed`"),
    blind_to_the_network: ("assert_network_dependent", "does not depend on the network.*made from the inputs alone"),
    wrong_target: ("assert_sensitive", "is blind to"),
    noise_added: ("assert_deterministic", "gives another map when it is called again"),
    nan_on_one_image: ("assert_model_unchanged", "must return finite values, got NaN values in 1 of"),
    float16_overflow: ("assert_dtype_robust", "loses precision: .*look for .half"),
    in_half_precision: ("assert_faithful", r"\d+ of \d+ maps are zero everywhere"),
    in_float32_only: ("assert_dtype_robust", "works in float32 only"),
    guided_by_hooks: ("assert_implementation_invariant", "with activation=functional by up to .*captum#1082"),
    doubled_at_branches: ("assert_implementation_invariant", "with structure=residual .*1.5 times.*zennit#236"),
    kept_by_module: (
        "assert_implementation_invariant",
        "activation=shared +.*raised RuntimeError.*keep what a hook sees",
    ),
    kept_without_a_copy: ("assert_implementation_invariant", "structure=inplace .*clone what a hook keeps"),
}
"""Of each fault, the assertion that catches it and what its message must say."""
