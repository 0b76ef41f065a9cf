"""Overview of the verdicts: a row per method, a cell per environment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import get_args

from attributionlab.judging.outcome import Outcome
from attributionlab.reports.tables.run_rows import verdict
from attributionlab.runs.summaries import MethodSummary

MARKS = {
    "passed": "\N{CHECK MARK}",
    "undecided": "?",
    "mixed": "\N{ALMOST EQUAL TO}",
    "pixels-only": "\N{PLUS-MINUS SIGN}",
    "blind": "\N{BALLOT X}",
    "failed": "\N{BALLOT X}",
    "broken": "!",
}
"""Symbols of the looks, for readers who do not see the colors."""


@dataclass(frozen=True)
class Cell:
    """Verdict on a method in an environment.

    Args:
        look: An outcome, `mixed` if seeds differ, or `broken` if any seed has none.
        verdict: The verdict in words.
        f1: Mean F1 on the deciding truth over the seeds that have one, or None.
        interval: Its 95 percent interval; None if there are several seeds.
    """

    look: str
    verdict: str
    f1: float | None
    interval: tuple[float, float] | None = None

    @property
    def mark(self) -> str:
        """Symbol of the look."""
        return MARKS[self.look]


@dataclass(frozen=True)
class Glance:
    """Verdicts on all methods in all environments.

    Args:
        families: The environments, without their seeds.
        rows: Cells by method, in the order of `families`.
    """

    families: tuple[str, ...]
    rows: Mapping[str, tuple[Cell, ...]]

    @property
    def passing_methods(self) -> list[str]:
        """Methods that pass with every seed of every environment."""
        return [method for method, cells in self.rows.items() if all(cell.look == "passed" for cell in cells)]


def glance(summaries: Sequence[MethodSummary], methods: Sequence[str], seeds: Mapping[str, Sequence[str]]) -> Glance:
    """Combine the verdicts over the seeds of each environment.

    Args:
        summaries: Results of every method in every environment.
        methods: Methods in the order of the plan.
        seeds: Specs with seeds, by environment.
    """
    by_cell = {(summary.environment, summary.method): summary for summary in summaries}
    return Glance(
        families=tuple(seeds),
        rows={
            method: tuple(_cell([by_cell[environment, method] for environment in seeds[family]]) for family in seeds)
            for method in methods
        },
    )


def _cell(summaries: Sequence[MethodSummary]) -> Cell:
    verdicts = [verdict(summary) for summary in summaries]
    problems = [text for text in verdicts if text not in get_args(Outcome)]
    deciding = [summary.truths.get(summary.deciding_truth) for summary in summaries]
    scores = [truth.f1 for truth in deciding if truth is not None]
    f1 = fmean(scores) if scores else None
    (only,) = deciding if len(deciding) == 1 else (None,)
    interval = None if only is None else (only.f1_low, only.f1_high)
    if problems:
        return Cell("broken", problems[0], f1, interval)
    if len(set(verdicts)) == 1:
        return Cell(verdicts[0], verdicts[0], f1, interval)
    return Cell("mixed", f"{verdicts.count('passed')} of {len(verdicts)} passed", f1)
