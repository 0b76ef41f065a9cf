"""The verdict on a method, and its JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from attributionlab.judging.citation import report_as
from attributionlab.judging.game_agreement import GameAgreement, answered, games_dict
from attributionlab.judging.outcome import EXIT_CODES, Outcome, first_of
from attributionlab.judging.statistics import Rule, Summary
from attributionlab.measuring.failure import Failure
from attributionlab.tabular import Tabular

if TYPE_CHECKING:
    from attributionlab.judging.dependence import Dependence

SCHEMA = 2
"""Version of the JSON."""

Truths = dict[str, Summary | None]

Diagnostics = dict[str, dict[str, float]]


@dataclass(frozen=True)
class EnvironmentVerdict:
    """The verdict on a method in one environment.

    Args:
        environment: Canonical spec.
        n_samples: Scenes, from scene 0.
        network_seeds: Seeds of the networks: one per scene, or one for all.
        seed: Seed of the scenes.
        device: Device on which the method ran.
        outcome: `passed`, `undecided`, `pixels-only`, `blind` or `failed`.
        truths: The scores by kind of truth; None if the truth does not apply.
        controls: Scores of maps that do not look at the network; the random one has both signs where signs are judged.
        dependence: Network dependence by kind of truth, overall and the deciding one; None if it was not tested.
        n_held: Networks under which the F1 on the deciding truth reaches gamma.
        ignores_target: Whether the maps are the same for another target whose truth differs; None if it was not tested.
        out_of_time: Whether `max_seconds` ended the check before it was decided.
        seconds_per_image: Time of the method alone.
        n_zero_maps: Maps that are zero everywhere; they score 0.
        diagnosis: Explanations of conspicuous maps and scores.
        advice: The likely cause of an outcome that is not `passed`, and what to do next; empty for `passed`.
        error: Failure of the method, or None.
        diagnostics: Diagnostics that the method recorded: `mean`, `low` (smallest) and `high` (largest) over scenes with
            finite values, and `median_magnitude` and `largest_magnitude`, in which errors of both signs do not cancel.
            finite values.
        games: Agreement with the exact values of each game, by `game@baseline`, nearest first; of the first images, and of games
            whose values take no random orders.
        n_compared: Number of these images.
        declares: The game that the method declares to answer.
    """

    environment: str
    n_samples: int
    network_seeds: tuple[int, ...]
    seed: int
    device: str
    outcome: Outcome
    truths: Truths
    controls: dict[str, Truths]
    dependence: Mapping[str, Dependence] | None = None
    n_held: int = 0
    ignores_target: bool | None = None
    out_of_time: bool = False
    seconds_per_image: float | None = None
    n_zero_maps: int = 0
    diagnosis: tuple[str, ...] = ()
    advice: str = ""
    error: Failure | None = None
    diagnostics: Diagnostics = field(default_factory=dict)
    games: Mapping[str, GameAgreement] = field(default_factory=dict)
    n_compared: int = 0
    declares: str | None = None

    @property
    def answers(self) -> list[str]:
        """The games that the maps answer, nearest first."""
        return answered(self.games)

    @property
    def passed(self) -> bool:
        """Whether the outcome is `passed`."""
        return self.outcome == "passed"


@dataclass(frozen=True)
class Verdict(Tabular):
    """The result of the faithfulness test; prints as the tables of `attributionlab check`.

    Args:
        method: Canonical spec.
        gamma: The threshold on F1.
        deciding_truth: The kind of truth that decides.
        rule: `interval`, or `point`: the mean alone decides, under one network, as in the paper.
        environments: Verdict in each environment.
        versions: Versions of Python and of packages.
        benchmark: The frozen benchmark on which it was measured, or None.
    """

    _table: ClassVar[str] = "attributionlab.reports.tables.verdicts:verdict_table"
    _rows: ClassVar[str] = "attributionlab.reports.tables.verdicts:verdict_rows"

    method: str
    gamma: float
    deciding_truth: str
    rule: Rule
    environments: tuple[EnvironmentVerdict, ...]
    versions: dict[str, str]
    benchmark: str | None = None

    @property
    def outcome(self) -> Outcome:
        """The first of `failed`, `blind`, `pixels-only`, `undecided`, `passed` that occurs in any environment."""
        return first_of(environment.outcome for environment in self.environments)

    @property
    def passed(self) -> bool:
        """Whether the method passed in every environment (Eq. 2)."""
        return self.outcome == "passed"

    @property
    def exit_code(self) -> int:
        """Exit code of the command line: 0 passed, 1 failed, 4 undecided."""
        return EXIT_CODES[self.outcome]

    @property
    def report_as(self) -> str:
        """The verdict in a sentence for a paper, with all that it takes to measure it again."""
        return report_as(self)

    def to_dict(self) -> dict[str, Any]:
        """The documented JSON."""
        return {
            "schema": SCHEMA,
            "method": self.method,
            "gamma": self.gamma,
            "deciding_truth": self.deciding_truth,
            "rule": self.rule,
            "benchmark": self.benchmark,
            "outcome": self.outcome,
            "passed": self.passed,
            "environments": [_environment_dict(environment) for environment in self.environments],
            "report_as": self.report_as,
            "versions": self.versions,
        }


def _environment_dict(verdict: EnvironmentVerdict) -> dict[str, Any]:
    """One environment in the documented JSON."""
    dependence = verdict.dependence
    return {
        "environment": verdict.environment,
        "n_samples": verdict.n_samples,
        "network_seeds": list(verdict.network_seeds),
        "seed": verdict.seed,
        "device": verdict.device,
        "seconds_per_image": verdict.seconds_per_image,
        "n_zero_maps": verdict.n_zero_maps,
        "outcome": verdict.outcome,
        "passed": verdict.passed,
        "truths": _truths_dict(verdict.truths),
        "network_dependence": dependence and {truth: result.to_dict() for truth, result in dependence.items()},
        "n_held": verdict.n_held,
        "ignores_target": verdict.ignores_target,
        "out_of_time": verdict.out_of_time,
        "games": games_dict(verdict.games),
        "answers": verdict.answers,
        "controls": {name: _truths_dict(truths) for name, truths in verdict.controls.items()},
        "diagnosis": list(verdict.diagnosis),
        "advice": verdict.advice,
        "diagnostics": {name: dict(values) for name, values in verdict.diagnostics.items()},
        "error": None if verdict.error is None else {"type": verdict.error.type, "message": verdict.error.message},
    }


def _truths_dict(truths: Truths) -> dict[str, Any]:
    """Scores by kind of truth in the documented JSON."""
    return {truth: None if summary is None else summary.to_dict() for truth, summary in truths.items()}
