"""Functions of torch by the way in which relevance passes them, and a forward pass that is watched function by function.

Modules hide which functions they call, and functions are called outside of modules as well. A `TorchFunctionMode` sees every
call. A function that is in none of the sets below has no rule, so that a network that calls it is refused.
"""

from __future__ import annotations

import abc
import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from attributionlab.errors import BadOption, bad_option

Function = Callable[..., Any]


def _names(words: str) -> frozenset[str]:
    return frozenset(words.split())


MOVED = _names(
    """reshape view flatten unflatten ravel squeeze unsqueeze permute transpose swapaxes movedim t get contiguous clone to float
    double getitem setitem select narrow index_select gather cat concat concatenate stack chunk split tensor_split unbind
    expand expand_as view_as reshape_as type_as repeat tile roll flip pad where masked_fill pixel_shuffle pixel_unshuffle channel_shuffle rearrange
    dropout dropout1d dropout2d dropout3d alpha_dropout feature_alpha_dropout identity requires_grad
    max_pool1d max_pool2d max_pool3d adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d amax max"""
)
"""Functions that move or select values (the maximum selects the winner): the gradient moves relevance back."""

SUMS = _names(
    """add sub subtract iadd isub radd rsub sum mean avg_pool1d avg_pool2d avg_pool3d adaptive_avg_pool1d adaptive_avg_pool2d
    adaptive_avg_pool3d interpolate upsample"""
)
"""Sums with fixed weights: relevance is shared in proportion to the summands."""

SHIFTS = frozenset({"add", "sub", "subtract", "iadd", "isub", "radd", "rsub"})
"""Sums that may have a constant summand."""

DIFFERENCES = frozenset({"sub", "subtract", "isub", "rsub"})

RECTIFIERS = frozenset({"relu", "relu6", "hardtanh", "clamp", "clamp_min"})
"""Activations that are the identity between two limits."""

ACTIVATIONS = RECTIFIERS | _names(
    """leaky_relu prelu rrelu elu selu celu silu mish gelu hardswish tanh softsign tanhshrink softshrink hardshrink
    threshold"""
)
"""Functions of single values: the only input of a cell receives all of its relevance, if 0 stays 0."""

SCALINGS = _names("mul multiply imul rmul div divide true_divide idiv truediv itruediv neg negative")
"""Products and quotients; with a constant they are functions of single values."""

GATES = frozenset({"sigmoid", "hardsigmoid"})
"""Functions between 0 and 1. The value that a gate is multiplied with receives all relevance, as a constant's factor does."""

WEIGHTED = _names(
    """linear bilinear conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d matmul rmatmul mm bmm mv addmm addmv
    baddbmm einsum tensordot dot inner multi_head_attention_forward scaled_dot_product_attention"""
)
"""Functions with weights, for which methods choose a rule layer by layer."""

NONLINEAR = (
    ACTIVATIONS
    | GATES
    | _names(
        """softmax softmin log_softmax logsigmoid log_sigmoid softplus glu gumbel_softmax maximum minimum where abs sign
        heaviside exp expm1 log log1p erf logsumexp logaddexp sin cos atan arctan lstm gru rnn_tanh rnn_relu
        lp_pool1d lp_pool2d multi_head_attention_forward scaled_dot_product_attention"""
    )
)
"""Activations, and functions that can be written for them."""


def name_of(function: Function) -> str:
    """The name of a function without underscores: `relu` for `relu_`, `iadd` for `Tensor.__iadd__`."""
    return str(getattr(function, "__name__", function)).strip("_")


def tensors_of(args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Tensor]:
    """Tensors among the arguments of a function, and in lists of them."""
    values = [*args, *kwargs.values()]
    nested = [value for value in values if isinstance(value, list | tuple)]
    return [value for each in ([*values], *nested) for value in each if isinstance(value, Tensor)]


class WatchedPass(TorchFunctionMode, abc.ABC):
    """A forward pass whose function calls are handled by `call`; constants require no gradient.

    Args:
        model: The network; it is watched while the mode is entered.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.modules: list[tuple[str, nn.Module]] = []
        self._stack = contextlib.ExitStack()

    @abc.abstractmethod
    def call(self, function: Function, active: list[Tensor], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Evaluate a function whose arguments `active` depend on the input."""

    def __torch_function__(
        self, func: Function, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        del types
        kwargs = kwargs or {}
        active = [tensor for tensor in tensors_of(args, kwargs) if tensor.requires_grad]
        return self.call(func, active, args, kwargs) if active else func(*args, **kwargs)

    def __enter__(self) -> Any:
        self._stack.enter_context(constant_parameters(self.model))
        self._stack.enter_context(torch.enable_grad())
        for name, module in self.model.named_modules():
            if not any(module.children()):
                for handle in self.hooks(name, module):
                    self._stack.callback(handle.remove)
        return super().__enter__()  # type: ignore[no-untyped-call]

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)  # type: ignore[no-untyped-call]
        self._stack.close()
        self.modules.clear()

    def hooks(self, name: str, module: nn.Module) -> list[torch.utils.hooks.RemovableHandle]:
        """Keep track of the innermost module that is being called."""
        return [
            module.register_forward_pre_hook(lambda *_: self.modules.append((name, module))),
            module.register_forward_hook(lambda *_: self.modules.pop() and None),
        ]

    def refuse(self, function: Function, hint: str = "") -> BadOption:
        """The error for a function without a rule, which names the module of torch that calls it."""
        path, module = self.modules[-1] if self.modules else ("", self.model)
        kind = type(module)
        if self.modules and kind.__module__.startswith("torch.nn."):
            return bad_option("model", "have a relevance rule for every module", f"{path} ({kind.__name__})", hint)
        place = f"{name_of(function)} in {path or 'the model'} ({kind.__name__})"
        return bad_option("model", "have a relevance rule for every function", place, hint)


@contextlib.contextmanager
def constant_parameters(model: nn.Module) -> Iterator[None]:
    """Let no parameter require a gradient, so that only what depends on the input does."""
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    for parameter in parameters:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in parameters:
            parameter.requires_grad_()
