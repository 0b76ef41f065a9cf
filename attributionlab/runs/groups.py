"""Groups of units that are handed to a worker together."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from attributionlab.runs.jobs import Unit
from attributionlab.runs.tasks import Task

ENOUGH = 4
"""Groups of units per worker, so that no worker idles long at the end."""

Group = tuple[Unit | Task, ...]
"""Units on the same images, or a task."""


def together(units: Sequence[Unit | Task], workers: int) -> list[Group]:
    """Group units that are handed to a worker together.

    Metrics prepare images for all methods. One worker therefore does all units on the same images, if that leaves enough groups for
    every worker; otherwise each unit is its own group.
    """
    alone: list[Group] = [(unit,) for unit in units]
    if not any(isinstance(unit, Unit) and len(unit.jobs) > 1 for unit in units):
        return alone
    groups = [tuple(group) for _, group in itertools.groupby(units, key=_images)]
    return groups if len(groups) >= ENOUGH * workers else alone


def _images(unit: Unit | Task) -> object:
    """Units with equal values are on the same images."""
    return unit.key if isinstance(unit, Task) else unit.images
