"""Ground truth: the features that affect the explained output, with the signs of their effects."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from attributionlab.errors import bad_option
from attributionlab.machine import torch_device
from attributionlab.truth.maps import require_tensor


@dataclass(frozen=True, eq=False, repr=False)
class GroundTruth:
    """The features that the explained output depends on, relative to the true baseline, with signs.

    A feature is a pixel (shape (h, w)), a token ((l,)) or a column ((d,)).

    Args:
        signed: (b, *shape) int8: +1 raises the output, -1 lowers it, 0 does not affect it.
        patch_ids: (b, h, w) int16: the patch that contains a pixel before thinning, counted from 1; 0 for the background.
            None if inputs have no patches.
        smooth_positive_mask: (b, h, w) bool: the unthinned patches of the positive pixels, for methods that are coarse
            by construction. None if inputs have no patches.
    """

    signed: Tensor
    patch_ids: Tensor | None = None
    smooth_positive_mask: Tensor | None = None

    def __post_init__(self) -> None:
        shape = require_tensor("signed", self.signed, "b *shape", "integers", allow_meta=True).shape
        optional = {"patch_ids": ("b h w", "integers"), "smooth_positive_mask": ("b h w", "booleans")}
        for name, (axes, dtypes) in optional.items():
            if getattr(self, name) is not None:
                tensor = require_tensor(name, getattr(self, name), axes, dtypes, allow_meta=True)
                if tensor.shape != shape:
                    raise bad_option(name, f"have the shape of `signed`, {tuple(shape)}", tuple(tensor.shape))

    def __repr__(self) -> str:
        """Number and size of the maps."""
        return f"GroundTruth({'x'.join(map(str, self.signed.shape))})"

    @property
    def positive_mask(self) -> Tensor:
        """(b, *shape) bool: features that raise the output."""
        return self.signed > 0

    @property
    def negative_mask(self) -> Tensor:
        """(b, *shape) bool: features that lower the output."""
        return self.signed < 0

    @property
    def overall_mask(self) -> Tensor:
        """(b, *shape) bool: features that the output depends on."""
        return self.signed != 0

    def __getitem__(self, index: slice) -> GroundTruth:
        """The truth of a slice of the samples."""
        return self._map(lambda tensor: tensor[index])

    def to(self, device: torch.device | str) -> GroundTruth:
        """A copy of the truth on another device.

        Raises:
            BadOption: If torch knows no such device.
            MachineError: If this machine has none.
        """
        device = torch_device(device)
        return self._map(lambda tensor: tensor.to(device))

    def _map(self, function: Callable[[Tensor], Tensor]) -> GroundTruth:
        patches, smooth = self.patch_ids, self.smooth_positive_mask
        return GroundTruth(
            function(self.signed),
            None if patches is None else function(patches),
            None if smooth is None else function(smooth),
        )
