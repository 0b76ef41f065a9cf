"""Neural number checker (Eq. 3, 6, 7): a network that tells whether a number is N.

    I_{>i}(x) = ReLU(ReLU(x - i) - ReLU(x - i - 1))        1 for integers x > i, else 0
    I_N(x)    = ReLU(I_{>N-1}(x) - I_{>N}(x))              1 for x = N, 0 for every other integer

**Computes** the indicator of one number, in three layers: ramps, comparisons, checks.

**Exact for** every integer x with |x| + |N| < 2^24: all intermediate values are integers below 2^24.

**Margin** 1: between the integers the output is the triangle `I_N(x) = max(0, 1 - |x - N|)`, so `I_5(4.5) = 0.5`.
Interpolation paths, noise and blur produce such values, so attribution methods evaluate the network there.

**Why** at the number itself the network sits on a kink. PyTorch takes ReLU'(0) = 0, hence I_N'(N) = +1: the slope from
the left. Every gradient at a detected color comes from this convention.
"""

from __future__ import annotations

from torch import nn

from attributionlab.errors import bad_option
from attributionlab.networks.wiring import Wiring, activated


def add_ramps(layer: Wiring, channel: str, number: int, name: str) -> None:
    """Add ReLU(x - N + 1), ReLU(x - N), ReLU(x - N - 1) of the input `channel`, called after `name`."""
    for start in (number - 1, number, number + 1):
        layer.add(_ramp(name, start), {channel: 1.0}, -float(start))


def add_comparisons(layer: Wiring, number: int, name: str) -> None:
    """Add I_{>N-1} and I_{>N} (Eq. 6), each the difference of two ramps."""
    for start in (number - 1, number):
        layer.add(_above(name, start), {_ramp(name, start): 1.0, _ramp(name, start + 1): -1.0})


def add_check(layer: Wiring, number: int, name: str) -> str:
    """Add I_N (Eq. 7), the difference of two comparisons; returns the name of its channel."""
    return layer.add(f"[{name} = {number}]", {_above(name, number - 1): 1.0, _above(name, number): -1.0})


def build_number_checker(number: int) -> nn.Sequential:
    """The network I_N as three linear layers of widths 1-3-2-1, each followed by ReLU.

    Args:
        number: N, an integer with |N| < 2^23.

    Returns:
        A network from (b, 1) to (b, 1): 1 where the input is N, 0 at every other integer.

    Raises:
        BadOption: If N is not an integer with |N| < 2^23.

    References:
        Zhang et al. 2024, Eq. 3, 6, 7 and Figure 11.

    Example:
        >>> import torch
        >>> build_number_checker(5)(torch.tensor([[4.0], [5.0], [6.0]])).flatten().tolist()
        [0.0, 1.0, 0.0]
    """
    if not isinstance(number, int) or abs(number) >= 2**23:
        raise bad_option("number", "be an integer below 2^23", number)
    ramps = Wiring(["x"])
    add_ramps(ramps, "x", number, "x")
    comparisons = Wiring(ramps.outputs)
    add_comparisons(comparisons, number, "x")
    checks = Wiring(comparisons.outputs)
    add_check(checks, number, "x")
    return activated([ramps.linear(), comparisons.linear(), checks.linear()])


def _ramp(name: str, start: int) -> str:
    """Name of a ramp."""
    return f"ReLU({name} - {start})" if start >= 0 else f"ReLU({name} + {-start})"


def _above(name: str, number: int) -> str:
    """Name of a comparison."""
    return f"[{name} > {number}]"
