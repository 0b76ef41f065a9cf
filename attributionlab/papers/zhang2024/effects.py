"""Records that decide about statements of the text: `single-color-modulo`, and `multi-color-sum` with and without the effect."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from attributionlab.papers.claims import Criterion, Direction, Finding, attempt, judge_evidence
from attributionlab.papers.evidence import Evidence
from attributionlab.papers.measuring import MeasuredScores
from attributionlab.papers.studies import StudySetting
from attributionlab.papers.zhang2024.modulo import measure_modulo
from attributionlab.papers.zhang2024.unseen_data import OFF, UNIFORM, WITH, measure_effect


@dataclass(frozen=True, eq=False)
class MeasuredEffects:
    """Scores of both settings of the paper.

    Args:
        setting: Place and amount of the measurement.
        modulo: `single-color-modulo`.
        present: `multi-color-sum` with the Unseen Data Effect.
        absent: The same without it, by reading.
    """

    setting: StudySetting
    modulo: MeasuredScores
    present: MeasuredScores
    absent: Mapping[str, MeasuredScores]


def measure_effects(setting: StudySetting) -> MeasuredEffects:
    """Measure, or read, what Tables 3 to 6 measure."""
    absent = {name: measure_effect(setting, name) for name in (OFF, UNIFORM)}
    return MeasuredEffects(setting, measure_modulo(setting), measure_effect(setting, WITH), absent)


def at_least(bound: float) -> Criterion:
    """Whether a value reaches a bound."""
    return lambda value: value >= bound


def below(bound: float) -> Criterion:
    """Whether a value stays below a bound."""
    return lambda value: value < bound


def judge_number(
    reading: str, measure: Callable[[], Evidence], holds: Criterion, direction: Criterion | None = None, note: str = ""
) -> Finding:
    """The finding of a number whose direction, if any, is a weaker bound on the same number."""

    def judge() -> Finding:
        ours = measure()
        weaker = None if direction is None else Direction(ours, direction)
        return judge_evidence(ours, holds, weaker, reading=reading, note=note)

    return attempt(reading, judge)
