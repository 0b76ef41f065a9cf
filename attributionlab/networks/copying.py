"""Copies of networks, in less than half the time of `copy.deepcopy`."""

from __future__ import annotations

import copy
from collections import OrderedDict
from typing import TypeVar

from torch import nn

Network = TypeVar("Network", bound=nn.Module)


def copy_network(network: Network) -> Network:
    """A deep copy of a network, as `copy.deepcopy` makes: most of what modules have are empty tables of hooks, which are made anew.

    Args:
        network: Any module. One that says itself how it is copied (by `__deepcopy__`, say) is asked.

    Example:
        >>> network = nn.Sequential(nn.Linear(2, 1))
        >>> copied = copy_network(network)
        >>> copied[0].weight is network[0].weight, bool((copied[0].weight == network[0].weight).all())
        (False, True)
    """
    memo: dict[int, object] = {
        id(value): type(value)()
        for module in network.modules()
        for value in vars(module).values()
        if type(value) in (dict, OrderedDict, set) and not value
    }
    return copy.deepcopy(network, memo)
