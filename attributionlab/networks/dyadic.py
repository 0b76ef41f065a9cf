"""Exactness of float32: grids, bounds, and the switches of PyTorch that would break it.

A *grid* is a power of two of which all values of a layer are multiples. A sum of multiples of a grid `g` whose
absolute values add up to at most `2^24 g` has partial sums that are all float32 numbers, in whatever order they are
added: so the sum is exact, on any device, in any batch. Designed networks use only such weights, and the builders
call `require_exact` for every layer.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from attributionlab.errors import Inexact, bad_option

FloatArray = npt.NDArray[np.float64]

EXACT_MULTIPLES = 2**24
"""Number of multiples of a grid that float32 can distinguish (24 bits of significand)."""


def grid_of(*values: FloatArray | float) -> float:
    """The coarsest power of two, at most 1, of which all `values` are multiples.

    Example:
        >>> grid_of(np.array([0.5, 3.0, -0.75]))
        0.25
    """
    flat = np.concatenate([np.ravel(np.asarray(value, dtype=np.float64)) for value in values])
    return 1.0 / max((value.as_integer_ratio()[1] for value in set(flat.tolist())), default=1)


def is_power_of_two(value: float) -> bool:
    """Whether multiplying and dividing by `value` is exact."""
    return value > 0 and np.isfinite(value) and float(np.frexp(value)[0]) == 0.5


@dataclass(frozen=True)
class Bound:
    """The largest sum of absolute values that can occur in a layer, and its grid.

    Args:
        layer: Name of the layer in messages.
        magnitude: The largest sum of absolute products (and bias) over all outputs of the layer.
        grid: The power of two of which every product is a multiple.
    """

    layer: str
    magnitude: float
    grid: float

    @property
    def multiples(self) -> float:
        """`magnitude / grid`: exact in float32 up to 2^24."""
        return self.magnitude / self.grid

    @property
    def exact(self) -> bool:
        """Whether float32 computes this layer exactly, in any summation order."""
        return self.multiples <= EXACT_MULTIPLES


def require_exact(bound: Bound, hint: str) -> None:
    """Refuse a layer that float32 could round.

    Raises:
        Inexact: If the bound is above 2^24 multiples of the grid.
    """
    if not bound.exact:
        raise Inexact(
            f"the {bound.layer} would not be exact in float32: it can meet 2^{np.log2(bound.multiples):.2f} multiples "
            f"of its grid {bound.grid:g}, and 2^24 are allowed; {hint}"
        )


def require_power_of_two(name: str, value: float) -> float:
    """`value`, if dividing by it is exact.

    Raises:
        BadOption: If `value` is not a positive power of two.
    """
    if not is_power_of_two(value):
        raise bad_option(name, "be a power of two (so that dividing by it is exact)", value)
    return float(value)


@contextlib.contextmanager
def exact_arithmetic(device: torch.device | str = "cpu") -> Iterator[None]:
    """Compute in plain float32 (or float64): no TF32, no bfloat16 shortcuts, no autocast.

    `DesignedNetwork.forward` runs inside. Wrap a backward pass in it if gradients must be exact as well, because PyTorch
    reads these switches again in the backward pass. Afterwards the four switches have their previous values, but set
    explicitly: PyTorch does not tell whether a value was inherited from a more general switch.
    """
    if torch.compiler.is_compiling():  # an exporter traces the arithmetic only; switches are set at run time
        yield
        return
    with _SWITCHES, torch.autocast(torch.device(device).type, enabled=False):
        yield


class _Switches:
    """PyTorch's switches for low precision: off while any caller is inside, restored when the last one leaves.

    They hold for the whole process, so threads share them, and nested calls must not restore them too early.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.n_inside = 0
        self.before: list[str] = []

    @staticmethod
    def all() -> tuple[Any, ...]:
        """The objects whose `fp32_precision` matters to us."""
        backends: Any = torch.backends
        return (backends.cuda.matmul, backends.cudnn.conv, backends.mkldnn.matmul, backends.mkldnn.conv)

    def __enter__(self) -> None:
        with self.lock:
            if self.n_inside == 0:
                self.before = [switch.fp32_precision for switch in self.all()]
                for switch in self.all():
                    switch.fp32_precision = "ieee"
            self.n_inside += 1

    def __exit__(self, *_: object) -> None:
        with self.lock:
            self.n_inside -= 1
            if self.n_inside == 0:
                for switch, precision in zip(self.all(), self.before, strict=True):
                    switch.fp32_precision = precision


_SWITCHES = _Switches()
