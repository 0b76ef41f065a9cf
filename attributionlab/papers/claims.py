"""Claims of a paper, and one rule that judges all of them by measured numbers."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from attributionlab.papers.evidence import Evidence

SHARE = 0.8
"""Share of the networks in which a claim must hold to count as reproduced: four of five."""

Criterion = Callable[[float], bool]


class Status(StrEnum):
    """Outcome of a claim."""

    reproduced = "reproduced"
    direction = "direction only"
    not_reproduced = "not reproduced"
    unchecked = "cannot be checked here"


@dataclass(frozen=True)
class PublishedClaim:
    """A statement of the paper.

    Args:
        key: Name, unique in the report.
        source: Table or section and page.
        statement: One line.
        published: Printed value or verdict, as text.
        test: Condition for "reproduced", in words.
        direction: Condition for "direction only", in words; empty where the claim has no direction.
    """

    key: str
    source: str
    statement: str
    published: str
    test: str
    direction: str = ""


@dataclass(frozen=True)
class Direction:
    """The weaker claim that an effect has the published sign.

    Args:
        evidence: Measured number that shows the sign; often another one than the claim's own.
        holds: Whether a value has the published sign.
    """

    evidence: Evidence
    holds: Criterion

    @property
    def share(self) -> float:
        """Share of the networks in which it holds."""
        return _share(self.evidence, self.holds)

    @property
    def is_reproduced(self) -> bool:
        """Whether it holds on average and with enough networks."""
        return self.holds(self.evidence.value) and self.share >= SHARE


@dataclass(frozen=True)
class Finding:
    """The outcome of a claim under one reading of the paper.

    Args:
        reading: Interpretation of a point that the paper leaves open; empty where there is only one.
        status: Outcome.
        reason: Explanation of the status, one line.
        ours: Measured number; None where there is none.
        share: Share of the networks in which the claim holds; None where nothing was measured.
    """

    reading: str
    status: Status
    reason: str
    ours: Evidence | None = None
    share: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Entry of the JSON report."""
        return {
            "setting": self.reading,
            "status": self.status.value,
            "reason": self.reason,
            "ours": None if self.ours is None else dataclasses.asdict(self.ours),
            "share": self.share,
        }


@dataclass(frozen=True)
class JudgedClaim:
    """A claim and its findings, one per reading of the paper."""

    claim: PublishedClaim
    findings: tuple[Finding, ...]

    def to_dict(self) -> dict[str, Any]:
        """Entry of the JSON report."""
        claim = self.claim
        return {
            "id": claim.key,
            "source": claim.source,
            "statement": claim.statement,
            "published": claim.published,
            "test": claim.test,
            "direction": claim.direction,
            "findings": [finding.to_dict() for finding in self.findings],
        }


def judge_evidence(
    evidence: Evidence,
    holds: Criterion,
    direction: Direction | None = None,
    *,
    reading: str = "",
    note: str = "",
    cause: str = "",
) -> Finding:
    """Decide about a claim.

    Reproduced: it holds for the mean over networks and with at least `SHARE` of them. Direction only: it holds for the mean
    but with fewer networks, or its direction alone holds for the mean and with at least `SHARE` of them.

    Args:
        evidence: The measured number.
        holds: Whether a value is as claimed.
        direction: The weaker claim; None if there is none.
        reading: See `Finding`.
        note: Remark that is reported in any case.
        cause: Presumed cause, reported unless the claim is reproduced.
    """
    if not np.isfinite(evidence.value):
        return Finding(reading, Status.not_reproduced, _sentence("undefined with at least one network", note, cause))
    share = _share(evidence, holds)
    counted = _counted(share, evidence)
    if holds(evidence.value) and share >= SHARE:
        status, reason = Status.reproduced, f"holds{counted}"
    elif holds(evidence.value):
        status, reason = Status.direction, f"holds on average, but{counted} only"
    elif direction is not None and direction.is_reproduced:
        status = Status.direction
        reason = f"does not hold on average; its direction does{_counted(direction.share, direction.evidence)}"
    else:
        status = Status.not_reproduced
        reason = "does not hold" + (f" on average, but{counted}" if share else "")
    if status is Status.reproduced:
        cause = ""
    return Finding(reading, status, _sentence(reason, note, cause), evidence, share)


def unchecked(reason: str, *, reading: str = "") -> Finding:
    """The finding of a claim that cannot be checked."""
    return Finding(reading, Status.unchecked, reason)


def within(target: float, tolerance: float) -> Criterion:
    """Whether a value is that close to a printed one (rounding aside)."""
    return lambda value: abs(value - target) <= tolerance + 1e-9


def _share(evidence: Evidence, holds: Criterion) -> float:
    return sum(map(holds, evidence.by_seed)) / len(evidence.by_seed)


def _counted(share: float, evidence: Evidence) -> str:
    """The number of networks in which a claim holds, in words; empty if there is one network."""
    n_seeds = len(evidence.by_seed)
    return f" with {round(share * n_seeds)} of {n_seeds} networks" if n_seeds > 1 else ""


def _sentence(*parts: str) -> str:
    return "; ".join(part for part in parts if part)
