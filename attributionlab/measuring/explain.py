"""Explaining: the one path from a method to its maps, guarded, timed and with what the method records of its own work."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from attributionlab.errors import MethodError
from attributionlab.measuring.failure import Failure
from attributionlab.measuring.guard import run_guarded
from attributionlab.measuring.progress import Progress, no_progress
from attributionlab.methods import AnyMethod, context_for
from attributionlab.methods.diagnostics import Recorded, collecting
from attributionlab.truth import Batch


@dataclass(frozen=True, eq=False)
class Maps:
    """Maps of a method.

    Args:
        values: (b, *shape).
        seconds: Time of the method alone; None for maps from elsewhere.
        recorded: Diagnostics that the method recorded of its own work, per sample, by name.
    """

    values: Tensor
    seconds: float | None = None
    recorded: Recorded = field(default_factory=dict)

    @property
    def is_zero(self) -> Tensor:
        """(b,) bool: maps that are zero everywhere."""
        return (self.values == 0).flatten(1).all(dim=1)


def attribute(method: AnyMethod, model: nn.Module, batch: Batch) -> Tensor:
    """Maps (b, *shape) of a batch, which lies on the model's device.

    Raises:
        MethodError: If the method raises, returns something else, or changes the model, the inputs or torch.
    """
    return run_guarded(method, model, batch.inputs, batch.targets, **context_for(method, batch))


def explain(
    method: AnyMethod,
    model: nn.Module,
    batch: Batch,
    *,
    batch_size: int | None = None,
    device: torch.device | str = "cpu",
    progress: Progress = no_progress,
) -> Maps | Failure:
    """Let a method explain a batch, part by part.

    Args:
        method: The method, bound to the batch's environment.
        model: The network, on `device`.
        batch: The samples.
        batch_size: Samples that the method is given at once; all of them if left out.
        device: Where the method works.
        progress: Called with the number of samples done since the last call.

    Returns:
        The maps, where the method works; or the failure of a method that breaks.

    Raises:
        BadOption: If an option of the method does not fit the network, which is a usage error rather than a failure.
    """
    parts, seconds, size = [], 0.0, batch_size or len(batch)
    try:
        with collecting() as recorded:
            for start in range(0, len(batch), size):
                part = batch[start : start + size].to(device)
                begin = time.perf_counter()
                parts.append(attribute(method, model, part))
                seconds += time.perf_counter() - begin
                progress(len(part))
    except MethodError as error:
        return Failure.of(error)
    return Maps(torch.cat(parts), seconds, recorded)
