"""The table of a run as rows: one model, which every format writes out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from attributionlab.runs import MethodSummary, Records
from attributionlab.truth.kinds import TRUTHS

Value = str | float | bool | None
PARTS = ("precision", "recall", "f1", "f1_low", "f1_high")


@dataclass(frozen=True)
class Column:
    """A column of the table.

    Args:
        key: Its name in CSV and JSON.
        title: Its name for people; empty where it is not shown to them.
        value: What it says of a method in an environment.
        is_number: Whether it is set to the right.
        decides: Whether it is what the verdict on this method rests on.
        aside: Whether it may stand in a table of its own where there is no room.
    """

    key: str
    title: str
    value: Callable[[MethodSummary], Value]
    is_number: bool = True
    decides: Callable[[MethodSummary], bool] = lambda _: False
    aside: bool = False

    def text(self, summary: MethodSummary) -> str:
        """The value as people read it."""
        value = self.value(summary)
        if value is None:
            return "-"
        return f"{value:.3g}" if self.key == "seconds_per_image" else f"{value:.3f}" if self.is_number else str(value)


@dataclass(frozen=True)
class RunTable:
    """A row per environment and method, in the order of the plan.

    Args:
        name: What the run is called.
        gamma: The least mean F1 that passes.
        columns: From left to right.
        rows: What each method did in each environment.
    """

    name: str
    gamma: float
    columns: tuple[Column, ...]
    rows: tuple[MethodSummary, ...]

    @property
    def shown(self) -> tuple[Column, ...]:
        """The columns for people, but for the environment, by which rows are grouped."""
        return tuple(column for column in self.columns if column.title and column.key != "environment")

    @property
    def groups(self) -> dict[str, list[MethodSummary]]:
        """The rows by environment."""
        found: dict[str, list[MethodSummary]] = {}
        for row in self.rows:
            found.setdefault(row.environment, []).append(row)
        return found

    @property
    def note(self) -> str:
        """What the table means, in a line."""
        return f"mean F1 by truth; a method passes with F1 >= {self.gamma:g} on the truth in bold"


def run_table(records: Records) -> RunTable:
    """The table of a run."""
    truths = [_f1_column(truth) for truth in TRUTHS]
    metrics = [
        Column(metric, metric, lambda one, metric=metric: one.metrics.get(metric), aside=True)  # type: ignore[misc]  # bound now
        for metric in records.plan.metrics
    ]
    columns = (
        Column("environment", "environment", lambda one: one.environment, is_number=False),
        Column("method", "method", lambda one: one.method, is_number=False),
        *truths,
        *metrics,
        Column("seconds_per_image", "s/image", lambda one: one.seconds_per_image, aside=True),
        Column("verdict", "verdict", verdict, is_number=False),
        Column("deciding_truth", "", lambda one: one.deciding_truth, is_number=False),
        Column("passed", "", lambda one: one.passed, is_number=False),
        *(_deciding_column(part) for part in PARTS),
        Column("n_images", "", lambda one: one.n_images),
        Column("error", "", _error, is_number=False),
    )
    return RunTable(records.plan.name, records.plan.gamma, columns, tuple(records.summaries()))


def verdict(summary: MethodSummary) -> str:
    """What became of a method, in a word."""
    if summary.error is not None:
        return summary.error.type
    if summary.n_images == 0:
        return "not run"
    return "passed" if summary.passed else "failed"


def _error(summary: MethodSummary) -> str | None:
    return None if summary.error is None else f"{summary.error.type}: {summary.error.message}"


def _f1_column(truth: str) -> Column:
    def value(summary: MethodSummary) -> float | None:
        found = summary.truths[truth]
        return None if found is None else found.f1

    return Column(f"{truth}_f1", truth, value, decides=lambda summary: summary.deciding_truth == truth)


def _deciding_column(part: str) -> Column:
    def value(summary: MethodSummary) -> float | None:
        found = summary.truths[summary.deciding_truth]
        number: float | None = None if found is None else getattr(found, part)
        return number

    return Column(part, "", value)
