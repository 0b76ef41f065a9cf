"""Statistics of the quiz: per condition an ANOVA over the methods, and Tukey's test of each pair (appendix H)."""

from __future__ import annotations

import itertools
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from attributionlab.live.quiz_answers import CONDITIONS, REASONS, QuizAnswer

FEWEST = 2
"""Fewest participants for each method, and fewest methods, of which a test can be made."""


@dataclass(frozen=True)
class Pair:
    """Tukey's test of two methods.

    Args:
        first: A method.
        second: Another method.
        difference: Mean answer of the first minus that of the second.
        p: Probability of a difference at least as large, if there is none.
    """

    first: str
    second: str
    difference: float
    p: float


@dataclass(frozen=True)
class ConditionResult:
    """Answers to the questions of one condition.

    Args:
        condition: The condition.
        answers: For each method the answer of each participant, 1 to 5; the mean where a participant judged several models.
        reasons: For each method the number of times that each reason was chosen.
        statistic: F of the one-way ANOVA over the methods; None if there are too few answers, or they do not vary within the methods.
        p: Its probability; None as above.
        pairs: Tukey's test of all pairs of methods; empty as above.
    """

    condition: str
    answers: dict[str, tuple[float, ...]]
    reasons: dict[str, dict[str, int]]
    statistic: float | None
    p: float | None
    pairs: tuple[Pair, ...]


@dataclass(frozen=True)
class QuizReport:
    """Result of a quiz.

    Args:
        participants: Names of the participants.
        methods: Specs of the methods.
        conditions: A result for each condition that has answers.
        n_repeated: Participants who answered the repeated question.
        n_consistent: Those of them whose second answer differs by at most 1.
    """

    participants: tuple[str, ...]
    methods: tuple[str, ...]
    conditions: tuple[ConditionResult, ...]
    n_repeated: int
    n_consistent: int

    def to_dict(self) -> dict[str, Any]:
        """The result as JSON."""
        return {
            "schema": 1,
            "n_participants": len(self.participants),
            "methods": list(self.methods),
            "n_repeated": self.n_repeated,
            "n_consistent": self.n_consistent,
            "conditions": [_condition_dict(result) for result in self.conditions],
        }


def analyze_answers(answers: Sequence[QuizAnswer]) -> QuizReport:
    """Compute the statistics of all answers; a repeated question counts for the consistency alone.

    Args:
        answers: Answers of all participants.

    References:
        Adebayo et al. 2020, Figure 5 and appendix H. As there, the ANOVA takes the answers of one participant to different methods
        for independent.
    """
    asked = [answer for answer in answers if not answer.is_repeat]
    methods = tuple(sorted({answer.method for answer in asked}))
    results = [_result(condition, methods, asked) for condition in CONDITIONS]
    distances = [_distance(answer, asked) for answer in answers if answer.is_repeat]
    return QuizReport(
        participants=tuple(sorted({answer.participant for answer in answers})),
        methods=methods,
        conditions=tuple(result for result in results if result.answers),
        n_repeated=sum(distance is not None for distance in distances),
        n_consistent=sum(distance is not None and distance <= 1 for distance in distances),
    )


def _result(condition: str, methods: Sequence[str], asked: Sequence[QuizAnswer]) -> ConditionResult:
    by_method: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    reasons: dict[str, Counter[str]] = defaultdict(Counter)
    for answer in asked:
        if answer.condition == condition:
            by_method[answer.method][answer.participant].append(answer.answer)
            reasons[answer.method][answer.reason] += 1
    means = {
        method: tuple(float(np.mean(values)) for _, values in sorted(by_method[method].items()))
        for method in methods
        if method in by_method
    }
    counts = {method: {reason: reasons[method][reason] for reason in REASONS} for method in means}
    return ConditionResult(condition, means, counts, *_tests(means))


def _tests(answers: dict[str, tuple[float, ...]]) -> tuple[float | None, float | None, tuple[Pair, ...]]:
    """F and p of the ANOVA, and Tukey's tests."""
    groups = {method: values for method, values in answers.items() if len(values) >= FEWEST}
    if len(groups) < FEWEST or all(len(set(values)) == 1 for values in groups.values()):
        return None, None, ()
    anova, tukey = stats.f_oneway(*groups.values()), stats.tukey_hsd(*groups.values())
    pairs = tuple(
        Pair(first, second, float(tukey.statistic[a, b]), float(tukey.pvalue[a, b]))
        for (a, first), (b, second) in itertools.combinations(enumerate(groups), 2)
    )
    return float(anova.statistic), float(anova.pvalue), pairs


def _distance(repeat: QuizAnswer, asked: Sequence[QuizAnswer]) -> int | None:
    """Distance of a repeated answer from the first one, which is the participant's first question."""
    firsts = [answer for answer in asked if answer.participant == repeat.participant and answer.place == 1]
    return abs(repeat.answer - firsts[0].answer) if firsts else None


def _condition_dict(result: ConditionResult) -> dict[str, Any]:
    return {
        "condition": result.condition,
        "answers": {method: list(values) for method, values in result.answers.items()},
        "reasons": result.reasons,
        "anova": None if result.statistic is None else {"F": result.statistic, "p": result.p},
        "tukey": [vars(pair) for pair in result.pairs],
    }
