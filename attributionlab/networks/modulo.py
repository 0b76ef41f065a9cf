"""Neural modulo (Eq. 8 to 13): seven linear layers that compute x mod N.

    f_1(x) = ReLU(x, x - N, ..., x - qN)        with q = ceil(U / N): x mod N, N + x mod N, 2N + x mod N, ...
    f_2(x) = ReLU(x_0 - x_1, x_1 - x_2, ...)    (N, ..., N, x mod N, 0, ..., 0)
    f_3(x) = ReLU(x_0, I_N(x_0), x_1, ...)      three layers, because a number checker I_N has three
    f_4(x) = ReLU(x_0 - N x_1, x_2 - N x_3, ...)   removes every N
    f_5(x) = ReLU(sum_i x_i)

**Computes** x mod N. Widths 1, q+1, q, 4q, 3q, 2q, q, 1.

**Exact for** every integer x in 0..U, where U is rounded up to qN. Above qN all differences are N and the output is
0 for every x; below 0 it is 0. No scene reaches these counts.

**Margin** 1 (that of the number checker): between the integers the output follows x mod N up to N - 1, and falls linearly
to 0 along the last step.

**Why** the output jumps by N - 1 at every multiple of N, so a single pixel changes it. But the sign of the change does
not depend on the pixel. This tests methods that rely on local slopes where slopes mislead.
"""

from __future__ import annotations

from torch import nn

from attributionlab.errors import bad_option
from attributionlab.networks.dyadic import Bound, require_exact
from attributionlab.networks.number_checker import add_check, add_comparisons, add_ramps
from attributionlab.networks.wiring import Wiring, activated

MOST_STEPS = 4_096
"""Largest q: the widest layer then has 12 q^2 weights, 800 MB."""


def build_modulo(modulus: int, max_count: int) -> nn.Sequential:
    """The network x mod N as seven linear layers, each followed by ReLU.

    Args:
        modulus: N, at least 2.
        max_count: U, the largest count with a correct output, at least N.

    Returns:
        A network from (b, 1) to (b, 1).

    Raises:
        BadOption: If N is below 2, U below N, or U/N above `MOST_STEPS`.
        Inexact: If an intermediate sum could exceed 2^24.

    References:
        Zhang et al. 2024, Eq. 8 to 13 and Figure 14; Table 1 has N = 30 and U = 4920.

    Example:
        >>> import torch
        >>> build_modulo(5, 20)(torch.tensor([[8.0], [10.0]])).flatten().tolist()
        [3.0, 0.0]
    """
    n_steps = count_steps(modulus, max_count)

    remainders = Wiring(["x"])  # f_1
    for step in range(n_steps + 1):
        remainders.add(f"x - {step}N", {"x": 1.0}, -float(step * modulus))
    differences = Wiring(remainders.outputs)  # f_2
    for step in range(n_steps):
        differences.add(f"d{step}", {f"x - {step}N": 1.0, f"x - {step + 1}N": -1.0})

    ramps = Wiring(differences.outputs)  # f_3: each difference is carried along beside its check
    comparisons, checks, remaining = Wiring([]), Wiring([]), Wiring([])
    for name in differences.outputs:
        for stage in (ramps, comparisons, checks):
            stage.add(name, {name: 1.0})
        add_ramps(ramps, name, modulus, name)
        add_comparisons(comparisons, modulus, name)
        is_modulus = add_check(checks, modulus, name)
        remaining.add(name, {name: 1.0, is_modulus: -float(modulus)})  # f_4
    comparisons.inputs, checks.inputs, remaining.inputs = ramps.outputs, comparisons.outputs, checks.outputs
    total = Wiring(remaining.outputs)  # f_5
    total.add("x mod N", dict.fromkeys(remaining.outputs, 1.0))

    stages = (remainders, differences, ramps, comparisons, checks, remaining, total)
    return activated([stage.linear() for stage in stages])


def count_steps(modulus: int, max_count: int) -> int:
    """q, the number of multiples of N up to U, where the network can be built and is exact; builds nothing.

    Differences are at most N and checks at most 1, so the widest sums are those of f_1 and f_2: at most 2qN.

    Raises:
        BadOption: If N is below 2, U below N, or q above `MOST_STEPS`.
        Inexact: If an intermediate sum could exceed 2^24.
    """
    if modulus < 2:
        raise bad_option("modulus", "be at least 2", modulus)
    if max_count < modulus:
        raise bad_option("max_count", f"be at least the modulus ({modulus})", max_count)
    n_steps = -(-max_count // modulus)
    require_exact(Bound("modulo network", 2.0 * n_steps * modulus, 1.0), "choose a smaller `max_count`")
    if n_steps > MOST_STEPS:
        raise bad_option("max_count", f"be at most {MOST_STEPS:,} times the modulus ({modulus})", max_count)
    return n_steps
