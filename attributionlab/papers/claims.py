"""What is claimed, what came out, and how the two are compared: one rule for every claim."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

SHARE = 0.8
"""Part of the networks in which something must hold to count as holding: four of five."""

Values = npt.NDArray[np.float64]
Criterion = Callable[[float], bool]


class Status(StrEnum):
    """What became of a claim."""

    reproduced = "reproduced"
    direction = "direction only"
    not_reproduced = "not reproduced"
    unchecked = "cannot be checked here"


@dataclass(frozen=True)
class Claim:
    """Something that the paper says.

    Args:
        key: Name, unique in the report.
        source: Table or section and page.
        statement: One line.
        published: The printed value or verdict, as text.
        test: When it counts as reproduced, in words.
        direction: When its direction alone does, in words; empty where it has none.
    """

    key: str
    source: str
    statement: str
    published: str
    test: str
    direction: str = ""


@dataclass(frozen=True)
class Evidence:
    """A measured number.

    Args:
        value: Its mean over networks.
        by_seed: Its value with each network.
        low: Lower end of its 95 percent interval, images drawn anew; None where nothing is drawn.
        high: Upper end.
    """

    value: float
    by_seed: tuple[float, ...]
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Direction:
    """That the effect at least points the way the paper says.

    Args:
        evidence: What shows it; often another number than the claim's own.
        holds: Whether a value of it points that way.
    """

    evidence: Evidence
    holds: Criterion

    @property
    def share(self) -> float:
        """Part of the networks in which it holds."""
        return _share(self.evidence, self.holds)

    @property
    def found(self) -> bool:
        """Whether it holds on average and with enough networks."""
        return self.holds(self.evidence.value) and self.share >= SHARE


@dataclass(frozen=True)
class Finding:
    """What came out of a claim in one setting.

    Args:
        setting: What the paper leaves open and how it was read here; empty where there is one way.
        status: What became of the claim.
        reason: Why, in one line.
        ours: The measured number; None where there is none.
        share: Part of the networks in which the claim holds; None where nothing was measured.
    """

    setting: str
    status: Status
    reason: str
    ours: Evidence | None = None
    share: float | None = None


@dataclass(frozen=True)
class Result:
    """A claim and its findings, one per reading of the paper."""

    claim: Claim
    findings: tuple[Finding, ...]

    def to_dict(self) -> dict[str, Any]:
        """As in the JSON report."""
        claim = self.claim
        return {
            "id": claim.key,
            "source": claim.source,
            "statement": claim.statement,
            "published": claim.published,
            "test": claim.test,
            "direction": claim.direction,
            "findings": [_finding_dict(finding) for finding in self.findings],
        }


def summarized(by_seed: Sequence[float], resampled: Values | None = None) -> Evidence:
    """The mean over networks, with the interval of resampled means.

    Args:
        by_seed: A value per network, at least one.
        resampled: (n,), the mean over networks for images drawn anew, NaN where undefined; None where nothing is drawn.
    """
    values = np.asarray(by_seed, dtype=np.float64)
    known = np.empty(0) if resampled is None else resampled[np.isfinite(resampled)]
    low, high = (float(end) for end in np.percentile(known, (2.5, 97.5))) if len(known) else (None, None)
    return Evidence(float(values.mean()), tuple(float(value) for value in values), low, high)


def judge(
    evidence: Evidence,
    holds: Criterion,
    direction: Direction | None = None,
    *,
    setting: str = "",
    note: str = "",
    cause: str = "",
) -> Finding:
    """Decide about a claim.

    Reproduced: it holds for the mean over networks and with at least `SHARE` of them. Direction only: it holds for the mean
    but with fewer networks, or its direction alone holds for the mean and with at least `SHARE` of them.

    Args:
        evidence: The measured number.
        holds: Whether a value is as claimed.
        direction: What at least points the same way.
        setting: See `Finding`.
        note: What the reader should know, whatever came out.
        cause: What is known of why it might not be reproduced.
    """
    if not np.isfinite(evidence.value):
        return Finding(setting, Status.not_reproduced, _sentence("undefined with at least one network", note, cause))
    share = _share(evidence, holds)
    counted = _counted(share, evidence)
    if holds(evidence.value) and share >= SHARE:
        status, reason = Status.reproduced, f"holds{counted}"
    elif holds(evidence.value):
        status, reason = Status.direction, f"holds on average, but{counted} only"
    elif direction is not None and direction.found:
        status = Status.direction
        reason = f"does not hold on average; its direction does{_counted(direction.share, direction.evidence)}"
    else:
        status = Status.not_reproduced
        reason = "does not hold" + (f" on average, but{counted}" if share else "")
    if status is Status.reproduced:
        cause = ""
    return Finding(setting, status, _sentence(reason, note, cause), evidence, share)


def unchecked(reason: str, *, setting: str = "") -> Finding:
    """A claim that nothing here can say anything about."""
    return Finding(setting, Status.unchecked, reason)


def within(target: float, tolerance: float) -> Criterion:
    """Whether a value is that close to a printed one (rounding aside)."""
    return lambda value: abs(value - target) <= tolerance + 1e-9


def _share(evidence: Evidence, holds: Criterion) -> float:
    return sum(map(holds, evidence.by_seed)) / len(evidence.by_seed)


def _counted(share: float, evidence: Evidence) -> str:
    """With how many networks, where there are several."""
    n_seeds = len(evidence.by_seed)
    return f" with {round(share * n_seeds)} of {n_seeds} networks" if n_seeds > 1 else ""


def _sentence(*parts: str) -> str:
    return "; ".join(part for part in parts if part)


def _finding_dict(finding: Finding) -> dict[str, Any]:
    ours = None if finding.ours is None else dataclasses.asdict(finding.ours)
    return {
        "setting": finding.setting,
        "status": finding.status.value,
        "reason": finding.reason,
        "ours": ours,
        "share": finding.share,
    }
