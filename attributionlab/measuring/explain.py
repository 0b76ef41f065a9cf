"""Explaining: the single path from a method to its maps, guarded, timed and with the method's own diagnostics."""

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
from attributionlab.truth import Batch, LabeledImages


@dataclass(frozen=True, eq=False)
class Maps:
    """Maps of a method.

    Args:
        values: (b, *shape).
        seconds: Time of the method alone; None for maps from elsewhere.
        recorded: Diagnostics that the method recorded, per sample, by name.
    """

    values: Tensor
    seconds: float | None = None
    recorded: Recorded = field(default_factory=dict)

    @property
    def is_zero(self) -> Tensor:
        """(b,) bool: maps that are zero everywhere."""
        return (self.values == 0).flatten(1).all(dim=1)


def attribute(method: AnyMethod, model: nn.Module, batch: Batch | LabeledImages) -> Tensor:
    """Maps (b, *shape) of a batch on the model's device.

    Raises:
        MethodError: If the method raises, returns no valid maps, or changes the model, the inputs or torch.
    """
    return run_guarded(method, model, batch.inputs, batch.targets, **context_for(method, batch))


def explain(
    method: AnyMethod,
    model: nn.Module,
    batch: Batch | LabeledImages,
    *,
    batch_size: int | None = None,
    device: torch.device | str = "cpu",
    progress: Progress = no_progress,
) -> Maps | Failure:
    """Compute the maps of a method for a batch, part by part.

    Args:
        method: The method, bound to the batch's environment.
        model: The network, on `device`.
        batch: The samples.
        batch_size: Samples per call of the method; by default all of them.
        device: Device on which the method runs.
        progress: Called with the number of samples finished since the last call.

    Returns:
        The maps, or the failure of the method.

    Raises:
        BadOption: If an option of the method is not valid for the network, which is a usage error and not a failure.
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
