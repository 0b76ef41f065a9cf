"""Relevance instead of gradients: a forward pass whose backward pass follows rules.

Layers follow the rules that a method chooses. Other functions, whether a module calls them or not, follow one idea: the inputs of
a cell share its relevance in proportion to their contributions.

| function | relevance |
|---|---|
| sum, difference, mean, average pooling, interpolation | R_j = a_j sum_k w_jk / z_k R_k with the fixed weights w of the sum; constants keep their share, as biases do |
| activation with f(0) = 0, product with a constant | unchanged: a cell has one input |
| product with a gate (a sigmoid) | all to the value, none to the gate |
| moved or selected values, maximum pooling | moved back |
| anything else | refused |

In front of the first layer constants are part of the preprocessing, so that shifted pixels keep their relevance.

References:
    Bach et al. 2015 (sums, activations), Arras et al. 2017 (gates), Achtibat et al. 2024, Eq. 9 (activations).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from attributionlab.errors import bad_option
from attributionlab.methods.operations import (
    ACTIVATIONS,
    DIFFERENCES,
    GATES,
    MOVED,
    RECTIFIERS,
    SCALINGS,
    SHIFTS,
    SUMS,
    WEIGHTED,
    Function,
    WatchedPass,
    constant_parameters,
    name_of,
    tensors_of,
)
from attributionlab.methods.propagation import Rule, per_contribution
from attributionlab.networks.designed import logits_of
from attributionlab.networks.layers import Layer

Share = Callable[[Tensor, tuple[Tensor, ...]], tuple[Tensor, ...]]
"""(relevance of the output, inputs) -> relevance of each input."""

WITHOUT_LOGITS = "logits are explained: give the model a method `logits` without it"


class RuledPass(WatchedPass):
    """A forward pass whose backward pass propagates relevance.

    Args:
        model: The network, without BatchNorm; see `folding.py`.
        rules: A rule for every layer.
        through_activations: Whether activations pass relevance on unchanged; otherwise inactive rectifiers stop it, and other
            activations have no rule.
        positive: Whether only summands that raise a sum receive a share.
    """

    def __init__(
        self,
        model: nn.Module,
        rules: Mapping[Layer, Rule],
        *,
        through_activations: bool = True,
        positive: bool = False,
    ) -> None:
        super().__init__(model)
        self.rules, self.through_activations, self.positive = rules, through_activations, positive
        self.layers_called = 0

    def hooks(self, name: str, module: nn.Module) -> list[torch.utils.hooks.RemovableHandle]:
        """Let layers follow their rules; keep track of the other modules."""
        handles = super().hooks(name, module)
        if module in self.rules:
            handles.append(module.register_forward_hook(self._follow_rule))
        return handles

    def _follow_rule(self, layer: Layer, arguments: tuple[Tensor, ...], output: Tensor) -> Tensor:
        self.layers_called += 1
        rule = self.rules[layer]
        return propagate(output, lambda relevance, inputs: (rule(layer, inputs[0], relevance),), arguments[:1])

    def call(self, function: Function, active: list[Tensor], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Evaluate a function, and attach its rule."""
        name = name_of(function)
        if name.endswith("_as"):
            active = active[:1]  # the other argument lends its shape only
        gates = [tensor for tensor in active if is_gate(tensor)]
        if self.modules and self.modules[-1][1] in self.rules and not gates:
            return function(*args, **kwargs)  # the layer's rule replaces what its functions do
        values = [tensor for tensor in active if not is_gate(tensor)]
        if name in MOVED and not (gates and values) and not (name in {"max", "amax"} and len(active) > 1):
            return _marked(function(*args, **kwargs)) if gates else function(*args, **kwargs)
        called = Call(function, tuple({id(value): value for value in values}.values()), args, kwargs)
        if name in GATES and not gates:
            return _marked(function(*args, **kwargs))
        if name in SCALINGS and len(values) == 1:
            return self._unchanged(called)
        if not gates and name in SUMS:
            return self._shared(name, called)
        if not gates and name in ACTIVATIONS and len(values) == 1:
            return self._activated(name, called)
        result = function(*args, **kwargs)
        if any(tensor.requires_grad for tensor in tensors_of([result], {})):
            raise self.refuse(function, _hint(name, gates))
        return result  # a size, a comparison, or another constant

    def _activated(self, name: str, called: Call) -> Tensor:
        if self.through_activations:
            return self._unchanged(called)
        if name not in RECTIFIERS:
            raise self.refuse(called.function)
        return called.on_copies(called.values)

    def _unchanged(self, called: Call) -> Tensor:
        zero = called.on_copies([torch.zeros_like(value) for value in called.values])
        if not bool((zero == 0).all()):
            raise self.refuse(called.function, "it does not map 0 to 0, so relevance does not pass it unchanged")
        return propagate(called.result, _keep, called.values)

    def _shared(self, name: str, called: Call) -> Tensor:
        if name in SHIFTS and len(called.values) == 1 and not self.layers_called:
            return propagate(called.result, _keep, called.values)
        if self.positive and name in DIFFERENCES and len(called.values) > 1:
            raise self.refuse(called.function, "this method has no rule for a difference of branches")
        return propagate(called.result, called.shares(positive=self.positive), called.values)


@dataclass(frozen=True, eq=False)
class Call:
    """Call of a function.

    Args:
        function: The function.
        values: Different arguments that depend on the input.
        args: All positional arguments.
        kwargs: All keyword arguments.
    """

    function: Function
    values: tuple[Tensor, ...]
    args: tuple[Any, ...]
    kwargs: dict[str, Any] = field(default_factory=dict)

    @property
    def result(self) -> Tensor:
        """The value of the function, without history."""
        return self.on_copies(self.values).detach()

    def on_copies(self, values: Sequence[Tensor]) -> Tensor:
        """The value of the function for other values, which are copied, since the function may write into them."""
        copies = {id(old): new.clone() for old, new in zip(self.values, values, strict=True)}
        args = [copies.get(id(value), value) for value in self.args]
        kwargs = {name: copies.get(id(value), value) for name, value in self.kwargs.items()}
        result: Tensor = self.function(*args, **kwargs)
        return result

    def shares(self, *, positive: bool) -> Share:
        """R_j = a_j sum_k w_jk / z_k R_k, with the weights w of the function; positive parts of a_j alone if `positive`."""

        def share(relevance: Tensor, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
            summands = [value.clamp(min=0) if positive else value for value in inputs]
            with torch.enable_grad():
                leaves = [summand.detach().requires_grad_() for summand in summands]
                sums = self.on_copies(leaves)
                weighted = torch.autograd.grad(sums, leaves, per_contribution(relevance, sums.detach()))
            return tuple(summand * each for summand, each in zip(summands, weighted, strict=True))

        return share


class _Propagate(torch.autograd.Function):
    """A value, with a rule as its backward pass."""

    @staticmethod
    def forward(ctx: Any, output: Tensor, share: Share, *inputs: Tensor) -> Tensor:
        ctx.save_for_backward(*inputs)
        ctx.share = share
        return output.clone()

    @staticmethod
    def backward(ctx: Any, *relevance: Tensor) -> tuple[Tensor | None, ...]:
        shares = ctx.share(relevance[0], ctx.saved_tensors)
        return None, None, *(share.detach() for share in shares)


def propagate(output: Tensor, share: Share, inputs: tuple[Tensor, ...]) -> Tensor:
    """The output, whose relevance is shared among the inputs."""
    propagated: Tensor = _Propagate.apply(output.detach(), share, *inputs)  # type: ignore[no-untyped-call]
    return propagated


def is_gate(value: Tensor) -> bool:
    """Whether a value is a gate, or a gate's value moved elsewhere."""
    return getattr(value, "is_gate", False)


def inputs_of_first_layers(model: nn.Module, image: Tensor) -> dict[Layer, Tensor]:
    """Layers that read the image (behind preprocessing without layers), and what they read."""
    inputs: dict[Layer, Tensor] = {}

    def cut(layer: Layer, arguments: tuple[Tensor, ...], output: Tensor) -> Tensor:
        if arguments[0].requires_grad:
            inputs[layer] = arguments[0].detach()
        return output.detach()

    leaf = image.detach().clone().requires_grad_()
    handles = [layer.register_forward_hook(cut) for layer in model.modules() if isinstance(layer, Layer)]
    try:
        with constant_parameters(model), torch.enable_grad():
            logits_of(model)(leaf)
    finally:
        for handle in handles:
            handle.remove()
    return inputs


def require_zero_padding(model: nn.Module) -> None:
    """Refuse convolutions that pad with anything but zeros.

    Raises:
        BadOption: If a convolution pads with other values.
    """
    for name, module in model.named_modules():
        if getattr(module, "padding_mode", "zeros") != "zeros":
            raise bad_option("model", "have a relevance rule for every module", f"{name} ({type(module).__name__})")


def require_same_output(model: nn.Module, passed: Tensor, image: Tensor) -> None:
    """Refuse a network whose output is another one while its functions are watched.

    Raises:
        BadOption: If it is, for example because a function overwrites a value that is used again.
    """
    with torch.no_grad():
        plain = logits_of(model)(image)
    if is_gate(passed):
        raise bad_option("model", "have logits that relevance starts from", "gates (of a sigmoid)", WITHOUT_LOGITS)
    if not passed.requires_grad:
        raise bad_option("model", "have logits that relevance starts from", "outputs without a path to the input")
    if not torch.allclose(
        passed, plain, rtol=1e-4, atol=1e-4 * float(plain.abs().max())
    ):  # BatchNorm folded in float32
        hint = "a function writes into values that are used again; use its variant that returns new ones"
        raise bad_option("model", "have the same output while its functions are watched", "another one", hint)


def _keep(relevance: Tensor, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """All relevance of a cell to its only input; that of copies is summed."""
    return (relevance.sum_to_size(inputs[0].shape),)


def _marked(result: Any) -> Any:
    """Mark values as gates."""
    for tensor in tensors_of([result], {}):
        tensor.is_gate = True  # type: ignore[attr-defined]
    return result


def _hint(name: str, gates: list[Tensor]) -> str:
    """The reason why a function has no rule."""
    if gates:
        return "a gate (a sigmoid) may only be multiplied with a value"
    if name in SCALINGS:
        return "it has no rule that shares relevance among the factors of a product; a sigmoid may be one of them"
    if name in WEIGHTED:
        return "rules are chosen layer by layer: put the weights into a module of torch.nn"
    if name in {"softmax", "log_softmax", "softmin"}:
        return WITHOUT_LOGITS
    return "take a method without rules, input-x-gradient for instance"
