"""Diagnostics that methods record about their own computation, collected by callers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import torch
from torch import Tensor, nn

Recorded = dict[str, list[float]]

_COLLECTED: ContextVar[Recorded | None] = ContextVar("attributionlab_diagnostics", default=None)


@contextmanager
def collecting() -> Iterator[Recorded]:
    """Collect the diagnostics recorded inside, by name; the outer one of nested collections does not get the inner values."""
    recorded: Recorded = {}
    token = _COLLECTED.set(recorded)
    try:
        yield recorded
    finally:
        _COLLECTED.reset(token)


def is_collecting() -> bool:
    """Whether a caller collects diagnostics."""
    return _COLLECTED.get() is not None


def record(name: str, values: Tensor | float) -> None:
    """Record a diagnostic, one value per image; does nothing outside of `collecting`.

    Args:
        name: Name of the diagnostic.
        values: (b,), or the value of one image.

    Example:
        >>> with collecting() as recorded:
        ...     record("area", torch.tensor([0.25, 0.5]))
        ...     record("area", 1.0)
        >>> recorded
        {'area': [0.25, 0.5, 1.0]}
    """
    recorded = _COLLECTED.get()
    if recorded is not None:
        diagnostics = torch.as_tensor(values).detach().double().cpu()
        recorded.setdefault(name, []).extend(diagnostics.reshape(-1).tolist())


def record_convergence(model: nn.Module, inputs: Tensor, baselines: Tensor, targets: Tensor, maps: Tensor) -> None:
    """Record the sum of the maps minus the difference of outputs, by forward passes, if collecting.

    Args:
        model: Returns outputs (b, k).
        inputs: (b, c, *shape).
        baselines: (b, c, *shape), or (b, n, c, *shape) where the output is averaged over n baselines.
        targets: (b,) int64.
        maps: (b, ...).
    """
    if not is_collecting():
        return
    each = baselines[:, None] if baselines.ndim == inputs.ndim else baselines
    with torch.no_grad():
        outputs = model(inputs).gather(1, targets[:, None])[:, 0].double()
        baseline_outputs = torch.stack(
            [model(images)[:, target].double().mean() for images, target in zip(each, targets, strict=True)]
        )
    record("convergence_delta", maps.detach().double().flatten(1).sum(dim=1) - (outputs - baseline_outputs))
