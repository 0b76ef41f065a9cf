"""Groups of units that are handed to a worker together."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from attributionlab.runs.jobs import Unit

ENOUGH = 4
"""Groups of units per worker, so that no worker idles long at the end."""

Group = tuple[Unit, ...]
"""Units on the same images."""


def together(units: Sequence[Unit], workers: int) -> list[Group]:
    """Group units that are handed to a worker together.

    Metrics prepare images for all methods. One worker therefore does all units on the same images, if that leaves enough groups for
    every worker; otherwise each unit is its own group.
    """
    groups = [tuple(group) for _, group in itertools.groupby(units, key=lambda unit: unit.images)]
    prepared = any(len(unit.jobs) > 1 for unit in units)
    return groups if prepared and len(groups) >= ENOUGH * workers else [(unit,) for unit in units]
