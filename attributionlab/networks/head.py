"""Identity MLP with a temperature: counts to logits.

**Computes** `logits = counts / T`, by two linear layers with a ReLU between them: the first is the identity, the second
the identity divided by T.

**Exact for** all counts that the accumulator can return: counts are never negative, so ReLU leaves them alone, and T is
a power of two, so the division is exact.

**Why** a network usually ends in an MLP (section 3.1). Logits are pixel counts, so a softmax over them saturates at
once. In float32 the slope of the winner's probability along its own logit is exactly 0 from a lead of about 17 pixels.
Along every logit it is 0 from a lead of about 100. T = 1 follows the paper literally; a larger T keeps the softmax from
saturating.
"""

from __future__ import annotations

from collections.abc import Iterable

from torch import nn

from attributionlab.networks.dyadic import require_power_of_two
from attributionlab.networks.wiring import Wiring


def build_identity_head(n_outputs: int, temperature: float = 1.0) -> nn.Sequential:
    """The head as Linear, ReLU, Linear: (b, k) counts to (b, k) logits.

    Args:
        n_outputs: k, the number of counts.
        temperature: T, a power of two.

    Raises:
        BadOption: If T is not a power of two.
    """
    return build_reading_head(n_outputs, range(n_outputs), temperature)


def build_reading_head(n_counts: int, read: Iterable[int], temperature: float = 1.0) -> nn.Sequential:
    """A head of which each output reads one of the counts: (b, n) counts to (b, k) logits, as Linear, ReLU, Linear.

    Args:
        n_counts: n.
        read: Index of the count that each output reads.
        temperature: T, a power of two.

    Raises:
        BadOption: If T is not a power of two.
    """
    scale = 1.0 / require_power_of_two("temperature", temperature)
    names = [f"count {index}" for index in range(n_counts)]
    identity, divided = Wiring(names), Wiring(names)
    for name in names:
        identity.add(name, {name: 1.0})
    for index in read:
        divided.add(names[index], {names[index]: scale})
    return nn.Sequential(identity.linear(), nn.ReLU(), divided.linear())
