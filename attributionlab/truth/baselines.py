"""Baselines: the value that stands for an absent feature, one per channel or one per feature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from attributionlab.errors import bad_option
from attributionlab.seeding import content_key
from attributionlab.specs.options import convert


@dataclass(frozen=True, eq=False)
class BaselineTensor:
    """Baseline given as a tensor or a NumPy array. Its name in specs, `tensor-<key>`, can be compared but not turned back into the tensor.

    Args:
        values: (c,), (c, *shape), or (n, c, *shape) for methods that average over baselines; finite.
    """

    option_text: ClassVar[str] = "a tensor"

    values: Tensor

    @classmethod
    def from_option(cls, value: object) -> BaselineTensor:
        """The baseline that an option's value is.

        Raises:
            TypeError: If the value is not a tensor or an array of real numbers.
            ValueError: If it is empty or has values that are not finite.
        """
        if isinstance(value, cls):
            return value
        values = torch.from_numpy(value) if isinstance(value, np.ndarray) and value.dtype.kind in "fiu" else value
        if not isinstance(values, Tensor) or values.is_complex() or values.dtype == torch.bool:
            raise TypeError(value)
        if values.numel() == 0 or not values.isfinite().all():
            raise ValueError(value)
        return cls(values.detach().clone() if values.is_floating_point() else values.detach().float())

    @property
    def key(self) -> str:
        """Eight hexadecimal digits that depend on shape and values."""
        shape = torch.tensor(self.values.shape, dtype=torch.float32)
        return f"{content_key(torch.cat([shape, self.values.float().cpu().flatten()])):016x}"[:8]

    def __str__(self) -> str:
        return f"tensor-{self.key}"

    def __repr__(self) -> str:
        return str(self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, BaselineTensor) and torch.equal(self.values.cpu(), other.values.cpu())

    def __hash__(self) -> int:
        return hash(self.key)

    def images(self, inputs: Tensor) -> Tensor:
        """The baselines as images (n, c, *shape) like the inputs (b, c, *shape); n is 1 without a leading dimension.

        Raises:
            BadOption: If the shape does not fit the inputs.
        """
        values, shape = self.values.to(inputs), inputs.shape[1:]
        if values.ndim == 1 and values.shape == shape[:1]:
            return values.reshape(1, -1, *[1] * (inputs.ndim - 2)).expand(1, *shape)
        if values.shape == shape:
            return values[None]
        if values.ndim == inputs.ndim and values.shape[1:] == shape:
            return values
        sizes = ", ".join(map(str, shape))
        hint = "images of another size need a color, 'true' or 'black'; or name an environment of this size"
        expectation = f"have shape ({shape[0]},), ({sizes}) or (n, {sizes})"
        raise bad_option("baseline", expectation, tuple(values.shape), hint)


Baseline = Literal["black", "true"] | tuple[int | float, ...] | BaselineTensor


def baseline_color(
    baseline: object, n_channels: int, true_baseline: Tensor | None, *, are_colors: bool = True
) -> Tensor:
    """The value of each channel of a baseline, (c,).

    Args:
        baseline: `black` (zeros), `true`, a value per channel, or one value for all channels.
        n_channels: c.
        true_baseline: (c,), the color that `true` stands for; None if there is none.
        are_colors: Whether the inputs are colors, so that values must lie in 0..255.

    Raises:
        BadOption: If it is `true` and there is no such color, or it does not fit the inputs.
    """
    converted = convert("baseline", baseline, Baseline)
    if converted == "black":
        return torch.zeros(n_channels)
    if converted == "true":
        if true_baseline is None:
            raise bad_option("baseline", "be black or a color where there is no environment to ask", converted)
        color = true_baseline
    elif isinstance(converted, BaselineTensor):
        if converted.values.ndim != 1:
            raise bad_option("baseline", "have one value per channel", tuple(converted.values.shape))
        color = converted.values
    else:
        assert isinstance(converted, tuple)
        if are_colors and not all(0 <= value <= 255 for value in converted):
            raise bad_option("baseline", "have values in 0..255", converted)
        color = torch.tensor(converted * n_channels if len(converted) == 1 else converted, dtype=torch.float32)
    if len(color) != n_channels:
        raise bad_option("baseline", f"have {n_channels} channels", converted)
    return color
