"""Operations of a network that hooks on its modules miss: activations without a module, and repeated modules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from attributionlab.errors import bad_option
from attributionlab.methods.suitability import require_python_modules

_RELUS: frozenset[Callable[..., Any]] = frozenset(
    {
        functional.relu,
        functional.relu_,
        torch.relu,
        torch.relu_,
        Tensor.relu,
        Tensor.relu_,
        torch.clamp_min,
        torch.clamp_min_,
        Tensor.clamp_min,
        Tensor.clamp_min_,
    }
)


@dataclass(frozen=True)
class Unseen:
    """Operations of one forward pass that hooks miss.

    Args:
        n_functional: Calls of ReLU outside `nn.ReLU`.
        reused: Names of the ReLU modules that were called more than once.
    """

    n_functional: int
    reused: tuple[str, ...]


class _Watch(TorchFunctionMode):
    """Counts function calls, including those by modules but not those inside of these functions."""

    def __init__(self) -> None:
        super().__init__()
        self.n_relus = 0

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        del types
        self.n_relus += func in _RELUS
        return func(*args, **(kwargs or {}))


def unseen(model: nn.Module, inputs: Tensor) -> Unseen:
    """Run a model once and find the operations that hooks miss.

    Args:
        model: The network.
        inputs: (b, c, h, w), of which the first image is used.
    """
    names: dict[nn.Module, str] = {
        module: name for name, module in model.named_modules() if isinstance(module, nn.ReLU)
    }
    calls: Counter[nn.Module] = Counter()
    handles = [relu.register_forward_hook(lambda module, *_: calls.update([module])) for relu in names]
    try:
        with torch.no_grad(), _Watch() as watch:
            model(inputs[:1].clone())
    finally:
        for handle in handles:
            handle.remove()
    return Unseen(
        n_functional=watch.n_relus - calls.total(),
        reused=tuple(names[module] for module, n_calls in calls.items() if n_calls > 1),
    )


def require_relu_modules(model: nn.Module, inputs: Tensor, *, once: bool = False) -> None:
    """Refuse a network where a rule attached to `nn.ReLU` modules would silently be skipped.

    Args:
        model: The network.
        inputs: (b, c, h, w).
        once: Whether each module may be called only once, because a call overwrites the stored values of the previous one.

    Raises:
        BadOption: If a module is compiled, the network calls ReLU as a function, or (with `once`) a module twice.
    """
    require_python_modules(model)
    missed = unseen(model, inputs)
    if missed.n_functional > 0:
        hint = "this method attaches its rule to modules, and would silently omit it there (captum#1082)"
        calls = f"{missed.n_functional} calls of torch.relu or the like"
        raise bad_option("model", "have a nn.ReLU module for every ReLU", calls, hint)
    if once and missed.reused:
        hint = "this method keeps one call of each; use a module of its own for each ReLU"
        raise bad_option("model", "call each nn.ReLU module once", f"{missed.reused[0]} again", hint)
