"""What methods say of their own work: recorded while they run, collected by whoever wants to know."""

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
    """Collect what is recorded inside, by name; a collection inside another one keeps its values to itself."""
    recorded: Recorded = {}
    token = _COLLECTED.set(recorded)
    try:
        yield recorded
    finally:
        _COLLECTED.reset(token)


def record(name: str, values: Tensor | float) -> None:
    """Record a diagnostic, one value per image; nothing happens where nobody collects.

    Args:
        name: What it is.
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
        found = torch.as_tensor(values).detach().double().cpu()
        recorded.setdefault(name, []).extend(found.reshape(-1).tolist())


def record_convergence(model: nn.Module, inputs: Tensor, baselines: Tensor, targets: Tensor, maps: Tensor) -> None:
    """Record by how much maps (b, ...) miss the difference of outputs; two forward passes, only where somebody collects."""
    if _COLLECTED.get() is None:
        return
    with torch.no_grad():
        gained, lost = (model(images).gather(1, targets[:, None])[:, 0].double() for images in (inputs, baselines))
    record("convergence_delta", maps.detach().double().flatten(1).sum(dim=1) - (gained - lost))
