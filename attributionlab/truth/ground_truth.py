"""Ground truth: which features take part in the explained output, and with which sign."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import torch
from torch import Tensor

from attributionlab.errors import bad_option
from attributionlab.machine import torch_device
from attributionlab.truth.maps import require_tensor


@dataclass(frozen=True, eq=False, repr=False)
class GroundTruth:
    """Which pixels the explained output depends on, relative to the true background, and with which sign.

    Args:
        signed: (b, h, w) int8: +1 raises the output, -1 lowers it, 0 has no part in it.
        patch_ids: (b, h, w) int16: the patch that a pixel lies in before thinning, counted from 1; 0 for the background.
        smooth_positive_mask: (b, h, w) bool: the unthinned patches of the positive pixels, for methods that are coarse
            by construction.
    """

    signed: Tensor
    patch_ids: Tensor
    smooth_positive_mask: Tensor

    def __post_init__(self) -> None:
        require_tensor("signed", self.signed, "b h w", "integers", allow_meta=True)
        require_tensor("patch_ids", self.patch_ids, "b h w", "integers", allow_meta=True)
        require_tensor("smooth_positive_mask", self.smooth_positive_mask, "b h w", "booleans", allow_meta=True)
        for name in ("patch_ids", "smooth_positive_mask"):
            shape = tuple(getattr(self, name).shape)
            if shape != self.signed.shape:
                raise bad_option(name, f"have the shape of `signed`, {tuple(self.signed.shape)}", shape)

    def __repr__(self) -> str:
        """How many maps of which size."""
        return f"GroundTruth({'x'.join(map(str, self.signed.shape))})"

    @property
    def positive_mask(self) -> Tensor:
        """(b, h, w) bool: pixels that raise the output."""
        return self.signed > 0

    @property
    def negative_mask(self) -> Tensor:
        """(b, h, w) bool: pixels that lower the output."""
        return self.signed < 0

    @property
    def overall_mask(self) -> Tensor:
        """(b, h, w) bool: pixels that the output depends on."""
        return self.signed != 0

    def __getitem__(self, index: slice) -> GroundTruth:
        """The truth of some of the images."""
        return GroundTruth(self.signed[index], self.patch_ids[index], self.smooth_positive_mask[index])

    def to(self, device: torch.device | str) -> GroundTruth:
        """The same truth on another device.

        Raises:
            BadOption: If torch knows no such device.
            MachineError: If this machine has none.
        """
        device = torch_device(device)
        return GroundTruth(*(getattr(self, field.name).to(device) for field in dataclasses.fields(self)))
