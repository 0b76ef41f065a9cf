"""The table of a run as columns and rows, independent of the format that it is written in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from attributionlab.judging.statistics import State
from attributionlab.runs import MethodSummary, Records
from attributionlab.truth.kinds import TRUTHS

Value = str | float | bool | None
PARTS = ("precision", "recall", "f1", "f1_low", "f1_high")

STATE_MARKS: Mapping[State, str] = {"reached": "+", "below": "-", "open": "?"}
"""Signs for the state of a truth where there is little room."""


@dataclass(frozen=True)
class Column:
    """A column of the table.

    Args:
        key: Name in CSV and JSON; empty if they have the value in other columns.
        title: Heading in tables for people; empty if they leave the column out.
        value: Value for a method in an environment.
        is_number: Whether the column is aligned to the right.
        decides: Whether the verdict on a method rests on this column.
        aside: Whether the column may move to a second table if the terminal is narrow.
        mark: Sign behind the value in tables for people.
    """

    key: str
    title: str
    value: Callable[[MethodSummary], Value]
    is_number: bool = True
    decides: Callable[[MethodSummary], bool] = lambda _: False
    aside: bool = False
    mark: Callable[[MethodSummary], str] = lambda _: ""

    def text(self, summary: MethodSummary) -> str:
        """Text of a row's value in tables for people."""
        value = self.value(summary)
        if value is None:
            return "-"
        if self.key == "seconds_per_image":
            return f"{value:.3g}"
        return f"{value:.3f}{self.mark(summary)}" if self.is_number else str(value)


@dataclass(frozen=True)
class RunTable:
    """A row per environment and method, in the order of the plan.

    Args:
        name: Name of the run.
        gamma: The least mean F1 that passes.
        columns: Columns from left to right.
        rows: Results of each method in each environment.
        target: The explained output: `winner`, `loser` or the index of a class.
        advice: What to do about methods that did not pass, a line for each method and advice.
    """

    name: str
    gamma: float
    columns: tuple[Column, ...]
    rows: tuple[MethodSummary, ...]
    target: str | int = "winner"
    advice: tuple[str, ...] = ()

    @property
    def shown(self) -> tuple[Column, ...]:
        """Columns of tables for people, without the environment, by which rows are grouped."""
        return tuple(column for column in self.columns if column.title and column.key != "environment")

    @property
    def groups(self) -> dict[str, list[MethodSummary]]:
        """The rows by environment."""
        groups: dict[str, list[MethodSummary]] = {}
        for row in self.rows:
            groups.setdefault(row.environment, []).append(row)
        return groups

    @property
    def note(self) -> str:
        """One line that explains the table; it does not rely on bold type, which may be lost."""
        target = "" if self.target == "winner" else f"explained output: {_output_text(self.target)}; "
        return (
            f"{target}F1: mean on the truth that decides. passed: the 95 % interval of F1 is above {self.gamma:g}; undecided: it contains "
            f"{self.gamma:g}; failed: it is below; pixels-only: right pixels, wrong signs. held: networks whose mean F1 reaches {self.gamma:g}. "
            f"After an F1: + its interval is above {self.gamma:g} (reached), - it is below, ? it contains {self.gamma:g} (open). "
            "answers: the nearest game whose exact values the first maps equal, and the number of further ones. A run does not test whether "
            "maps depend on the network; attributionlab check does"
        )


def run_table(records: Records) -> RunTable:
    """Build the table of a run."""
    metrics = [
        Column(metric, metric, lambda summary, metric=metric: summary.metrics.get(metric), aside=True)  # type: ignore[misc]  # bound early
        for metric in records.plan.metrics
    ]
    plan, rows = records.plan, tuple(records.summaries())
    held = held_counts(rows, plan.expanded)
    columns = (
        Column("environment", "environment", lambda summary: summary.environment, is_number=False),
        Column("method", "method", lambda summary: summary.method, is_number=False),
        Column("deciding_truth", "decides", lambda summary: summary.deciding_truth, is_number=False),
        Column("f1", "F1", lambda summary: _deciding(summary, "f1")),
        Column("", "95 % CI", _interval, is_number=False),
        *(_f1_column(truth) for truth in TRUTHS),
        *metrics,
        Column("seconds_per_image", "s/image", lambda summary: summary.seconds_per_image, aside=True),
        Column(
            "held",
            "held",
            lambda summary: _held_text(held.get((summary.environment, summary.method))),
            is_number=False,
        ),
        Column("", "answers", nearest_answer, is_number=False, aside=True),
        Column("verdict", "verdict", verdict, is_number=False),
        Column("outcome", "", lambda summary: summary.outcome, is_number=False),
        *(
            Column(part, "", lambda summary, part=part: _deciding(summary, part))  # type: ignore[misc]  # bound early
            for part in PARTS
            if part != "f1"
        ),
        *(Column(f"{truth}_state", "", _state_of(truth), is_number=False) for truth in TRUTHS),
        Column(
            "answers",
            "",
            lambda summary: None if summary.answers is None else "; ".join(summary.answers),
            is_number=False,
        ),
        Column("advice", "", lambda summary: summary.advice or None, is_number=False),
        Column("diagnosis", "", lambda summary: "; ".join(summary.diagnosis) or None, is_number=False),
        Column("n_images", "", lambda summary: summary.n_images),
        Column("error", "", _error, is_number=False),
    )
    return RunTable(plan.name, plan.gamma, columns, rows, plan.target, advice_lines(rows, plan.expanded))


def held_counts(rows: Sequence[MethodSummary], families: Mapping[str, str]) -> dict[tuple[str, str], tuple[int, int]]:
    """Networks in which the mean F1 of a method reaches gamma, and all networks, of all of its seeds, by environment and method."""
    members: dict[tuple[str, str], list[MethodSummary]] = {}
    for row in rows:
        if row.n_images:
            members.setdefault((families[row.environment], row.method), []).append(row)
    counts = {key: (sum(row.n_held for row in own), sum(row.n_seeds for row in own)) for key, own in members.items()}
    keys = {(row.environment, row.method): (families[row.environment], row.method) for row in rows}
    return {key: counts[family] for key, family in keys.items() if family in counts}


def _held_text(counts: tuple[int, int] | None) -> str | None:
    return None if counts is None else f"{counts[0]}/{counts[1]}"


def advice_lines(rows: Sequence[MethodSummary], families: Mapping[str, str]) -> tuple[str, ...]:
    """Notes about maps and what to do next, each once for the environments of a family."""
    lines: dict[str, None] = {}
    for row in rows:
        place = f"{row.method} in {families[row.environment]}"
        lines |= {f"note: {place}: {text}": None for text in row.diagnosis}
        if row.advice:
            lines[f"what now: {place}, {verdict(row)}: {row.advice}"] = None
    return tuple(lines)


def _state_of(truth: str) -> Callable[[MethodSummary], Value]:
    """The state of a kind of truth; None where it does not apply."""

    def state(summary: MethodSummary) -> Value:
        scores = summary.truths[truth]
        return None if scores is None else scores.state

    return state


def _output_text(target: str | int) -> str:
    """The explained output in words."""
    return "that of the loser" if target == "loser" else f"that of class {target}"


def verdict(summary: MethodSummary) -> str:
    """Verdict on a method: its outcome, not run, or the type of its error."""
    if summary.error is not None:
        return summary.error.type
    if summary.n_images == 0:
        return "not run"
    return summary.outcome


def _error(summary: MethodSummary) -> str | None:
    return None if summary.error is None else f"{summary.error.type}: {summary.error.message}"


def _f1_column(truth: str) -> Column:
    def value(summary: MethodSummary) -> float | None:
        scores = summary.truths[truth]
        return None if scores is None else scores.f1

    def mark(summary: MethodSummary) -> str:
        scores = summary.truths[truth]
        return "" if scores is None else f" {STATE_MARKS[scores.state]}"

    def decides(summary: MethodSummary) -> bool:
        return summary.deciding_truth == truth

    return Column(f"{truth}_f1", truth, value, decides=decides, aside=True, mark=mark)


def nearest_answer(summary: MethodSummary) -> str | None:
    """The nearest game that is answered and the number of others, as a text; None if no game was compared."""
    return None if summary.answers is None else answers_text(summary.answers)


def answers_text(answers: Sequence[str]) -> str:
    """The first game that is answered and the number of others."""
    more = f" +{len(answers) - 1}" if len(answers) > 1 else ""
    return f"{answers[0]}{more}" if answers else "none"


def _deciding(summary: MethodSummary, part: str) -> float | None:
    """A score against the truth that decides."""
    scores = summary.truths[summary.deciding_truth]
    number: float | None = None if scores is None else getattr(scores, part)
    return number


def _interval(summary: MethodSummary) -> str | None:
    """The 95 percent interval of the deciding F1."""
    low, high = _deciding(summary, "f1_low"), _deciding(summary, "f1_high")
    return None if low is None or high is None else f"{low:.3f}-{high:.3f}"
