"""Maps of a method, with what is known of their making."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor

from attributionlab.methods.diagnostics import Recorded


@dataclass(frozen=True)
class Maps:
    """What a method returned for all images, and how long it took, where that is known."""

    maps: Tensor
    seconds: float | None = None
    recorded: Recorded = field(default_factory=dict)
