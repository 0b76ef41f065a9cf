"""The verdict on every method at a glance: a row per method, a cell per environment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from attributionlab.reports.tables.run_rows import verdict
from attributionlab.runs.summaries import MethodSummary

MARKS = {"passed": "\N{CHECK MARK}", "mixed": "\N{ALMOST EQUAL TO}", "failed": "\N{BALLOT X}", "broken": "!"}
"""What says the same without color."""


@dataclass(frozen=True)
class Cell:
    """What became of a method in an environment.

    Args:
        look: `passed`, `failed`, `mixed` where seeds differ, or `broken` where any has no verdict.
        said: The verdict in words.
        f1: Mean F1 on the deciding truth over the seeds that have one, or None.
    """

    look: str
    said: str
    f1: float | None

    @property
    def mark(self) -> str:
        """The look as a sign."""
        return MARKS[self.look]


@dataclass(frozen=True)
class Glance:
    """All methods in all environments.

    Args:
        families: The environments, without their seeds.
        rows: Cells by method, in the order of `families`.
    """

    families: tuple[str, ...]
    rows: Mapping[str, tuple[Cell, ...]]

    @property
    def everywhere(self) -> list[str]:
        """The methods that pass with every seed of every environment."""
        return [method for method, cells in self.rows.items() if all(cell.look == "passed" for cell in cells)]


def glance(summaries: Sequence[MethodSummary], methods: Sequence[str], seeds: Mapping[str, Sequence[str]]) -> Glance:
    """Sum up over the seeds of each environment.

    Args:
        summaries: By environment and method.
        methods: In the order of the plan.
        seeds: By environment, its specs with seeds.
    """
    about = {(one.environment, one.method): one for one in summaries}
    return Glance(
        families=tuple(seeds),
        rows={
            method: tuple(_cell([about[one, method] for one in seeds[family]]) for family in seeds)
            for method in methods
        },
    )


def _cell(found: Sequence[MethodSummary]) -> Cell:
    said = [verdict(one) for one in found]
    odd = [one for one in said if one not in ("passed", "failed")]
    scores = [truth.f1 for one in found if (truth := one.truths.get(one.deciding_truth)) is not None]
    f1 = fmean(scores) if scores else None
    if odd:
        return Cell("broken", odd[0], f1)
    if len(set(said)) == 1:
        return Cell(said[0], said[0], f1)
    return Cell("mixed", f"{said.count('passed')} of {len(said)} passed", f1)
