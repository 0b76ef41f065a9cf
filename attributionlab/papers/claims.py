"""Claims of a paper, and one rule that judges all of them by measured numbers."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np

from attributionlab.errors import AttributionLabError
from attributionlab.papers.evidence import Evidence

SHARE = 0.8
"""Share of the networks in which a claim must hold to count as reproduced: four of five. Networks with the same figure count once."""

Criterion = Callable[[float], bool]


class Status(StrEnum):
    """Outcome of a claim."""

    reproduced = "reproduced"
    fitted = "fitted"
    direction = "direction only"
    not_reproduced = "not reproduced"
    unmeasured = "could not be measured"
    unchecked = "cannot be checked here"


WORST_FIRST = (
    Status.not_reproduced,
    Status.unmeasured,
    Status.direction,
    Status.unchecked,
    Status.fitted,
    Status.reproduced,
)
"""A claim has the worst status of its readings."""


class NotMeasured(AttributionLabError):
    """Jobs that a claim needs have failed."""


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
        fitted: Setting of ours that was chosen because of this claim; empty where there is none. Then the claim says nothing new.
        is_arithmetic: Whether it only compares printed numbers with each other; then it stands in a table of its own and is not counted.
    """

    key: str
    source: str
    statement: str
    published: str
    test: str
    direction: str = ""
    fitted: str = ""
    is_arithmetic: bool = False


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
        """Share of the different networks in which it holds."""
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
        share: Share of the different networks in which the claim holds; None where nothing was measured.
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
    """A claim and its findings, one per reading of the paper. A claim that holds because one of our settings was chosen for it is called fitted."""

    claim: PublishedClaim
    findings: tuple[Finding, ...]

    def __post_init__(self) -> None:
        if self.claim.fitted:
            findings = tuple(_fitted(finding, self.claim.fitted) for finding in self.findings)
            object.__setattr__(self, "findings", findings)

    @property
    def status(self) -> Status:
        """The worst status of the readings; a claim without readings cannot be checked."""
        statuses = {finding.status for finding in self.findings}
        return next((status for status in WORST_FIRST if status in statuses), Status.unchecked)

    def without_measurements(self, reason: str) -> JudgedClaim:
        """The claim where jobs of its study failed, which cannot be assigned to claims: none of its numbers counts."""
        kept = (Status.unchecked, Status.unmeasured)
        findings = tuple(
            finding if finding.status in kept else unmeasured(reason, reading=finding.reading)
            for finding in self.findings
        )
        return self if self.claim.is_arithmetic else JudgedClaim(self.claim, findings)

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
            "fitted": claim.fitted,
            "is_arithmetic": claim.is_arithmetic,
            "status": self.status.value,
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

    Reproduced: it holds for the mean over networks and with at least `SHARE` of those that differ. Direction only: it holds for the
    mean but with fewer networks, or its direction alone holds for the mean and with at least `SHARE` of them.

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
        status, reason = Status.direction, f"holds on average, but only{counted}"
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


def unmeasured(reason: str, *, reading: str = "") -> Finding:
    """The finding of a claim whose jobs failed."""
    return Finding(reading, Status.unmeasured, reason)


def attempt(reading: str, judge: Callable[..., Finding], *arguments: Any, **keywords: Any) -> Finding:
    """The finding that `judge` returns for these arguments, or that its scores could not be measured."""
    try:
        return judge(*arguments, **keywords)
    except NotMeasured as error:
        return unmeasured(str(error), reading=reading)


def within(target: float, tolerance: float) -> Criterion:
    """Whether a value differs from a printed one by at most a tolerance, apart from rounding."""
    return lambda value: abs(value - target) <= tolerance + 1e-9


def _fitted(finding: Finding, setting: str) -> Finding:
    """The finding of a claim for whose sake a setting was chosen."""
    if finding.status not in (Status.reproduced, Status.direction):
        return finding
    outcome = "" if finding.status is Status.reproduced else finding.status.value
    reason = _sentence(f"put in: {setting}", outcome, finding.reason)
    return dataclasses.replace(finding, status=Status.fitted, reason=reason)


def _share(evidence: Evidence, holds: Criterion) -> float:
    return sum(map(holds, evidence.different)) / len(evidence.different)


def _counted(share: float, evidence: Evidence) -> str:
    """The number of networks in which a claim holds, in words; empty if there is one network."""
    n_networks, n_different = len(evidence.by_seed), len(evidence.different)
    if n_networks == 1:
        return ""
    if n_different == 1:
        return f" with the one figure of all {n_networks} networks"
    alike = f", {n_networks - n_different} more being alike" if n_different < n_networks else ""
    return f" with {round(share * n_different)} of {n_different} networks{alike}"


def _sentence(*parts: str) -> str:
    return "; ".join(part for part in parts if part)
