"""The verdict on a method, and its JSON."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from attributionlab.judging.statistics import Summary
from attributionlab.measuring.failure import Failure
from attributionlab.tabular import Tabular

Truths = dict[str, Summary | None]

Diagnostics = dict[str, dict[str, float]]


@dataclass(frozen=True)
class EnvironmentVerdict:
    """The verdict on a method in one environment.

    Args:
        environment: Canonical spec.
        n_samples: Images, samples 0 to n - 1.
        seed: Seed of the scenes.
        device: Device on which the method ran.
        passed: Whether the mean F1 on the deciding truth reaches gamma.
        truths: The scores by kind of truth; None if the truth does not apply.
        controls: Scores of the random map, which has both signs where negative truth is judged, and of the constant map.
        seconds_per_image: Time of the method alone.
        n_zero_maps: Maps that are zero everywhere; they score 0.
        diagnosis: Explanation of conspicuous maps, or None.
        error: Failure of the method, or None.
        diagnostics: Diagnostics that the method recorded: `mean`, `low` (smallest) and `high` (largest) over images with
            finite values.
    """

    environment: str
    n_samples: int
    seed: int
    device: str
    passed: bool
    truths: Truths
    controls: dict[str, Truths]
    seconds_per_image: float | None = None
    n_zero_maps: int = 0
    diagnosis: str | None = None
    error: Failure | None = None
    diagnostics: Diagnostics = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict(Tabular):
    """The result of the faithfulness test; prints as the tables of `attributionlab check`.

    Args:
        method: Canonical spec.
        gamma: The threshold on F1.
        deciding_truth: The kind of truth that decides.
        environments: Verdict in each environment.
        versions: Versions of Python and of packages.
    """

    _table: ClassVar[str] = "attributionlab.reports.tables.verdicts:verdict_table"
    _rows: ClassVar[str] = "attributionlab.reports.tables.verdicts:verdict_rows"

    method: str
    gamma: float
    deciding_truth: str
    environments: tuple[EnvironmentVerdict, ...]
    versions: dict[str, str]

    @property
    def passed(self) -> bool:
        """Whether the method passed in every environment (Eq. 2)."""
        return all(environment.passed for environment in self.environments)

    def to_dict(self) -> dict[str, Any]:
        """The documented JSON."""
        return {
            "method": self.method,
            "gamma": self.gamma,
            "deciding_truth": self.deciding_truth,
            "passed": self.passed,
            "environments": [_environment_dict(environment) for environment in self.environments],
            "versions": self.versions,
        }


def _environment_dict(verdict: EnvironmentVerdict) -> dict[str, Any]:
    """One environment in the documented JSON."""
    return {
        "environment": verdict.environment,
        "n_samples": verdict.n_samples,
        "seed": verdict.seed,
        "device": verdict.device,
        "seconds_per_image": verdict.seconds_per_image,
        "n_zero_maps": verdict.n_zero_maps,
        "passed": verdict.passed,
        "truths": _truths_dict(verdict.truths),
        "controls": {name: _truths_dict(truths) for name, truths in verdict.controls.items()},
        "diagnosis": verdict.diagnosis,
        "diagnostics": {name: dict(values) for name, values in verdict.diagnostics.items()},
        "error": None if verdict.error is None else {"type": verdict.error.type, "message": verdict.error.message},
    }


def _truths_dict(truths: Truths) -> dict[str, Any]:
    """Scores by kind of truth in the documented JSON."""
    return {truth: None if summary is None else summary.to_dict() for truth, summary in truths.items()}
