"""Short ways to state and judge claims of this paper."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from attributionlab.papers.claims import (
    Criterion,
    Direction,
    Finding,
    JudgedClaim,
    PublishedClaim,
    judge_evidence,
    unchecked,
)
from attributionlab.papers.evidence import Evidence, average_networks

NOT_MEASURED = "no network was accurate enough, or the method failed"

CONSISTENT = 0.8
"""Spearman's correlation from which a trend counts as consistent; ours."""


def evidence_of(values: Sequence[float]) -> Evidence | None:
    """The mean over networks without undefined values; None without any."""
    defined = [float(value) for value in values if np.isfinite(value)]
    return average_networks(defined) if defined else None


def finding(
    values: Sequence[float],
    holds: Criterion,
    reading: str = "",
    *,
    direction: Criterion | None = None,
    note: str = "",
) -> Finding:
    """Judge values, one per network."""
    evidence = evidence_of(values)
    if evidence is None:
        return unchecked(NOT_MEASURED, reading=reading)
    weaker = None if direction is None else Direction(evidence, direction)
    return judge_evidence(evidence, holds, weaker, reading=reading, note=note)


def claim(
    key: str, source: str, statement: str, published: str, test: str, findings: Sequence[Finding], direction: str = ""
) -> JudgedClaim:
    """A claim with its findings."""
    return JudgedClaim(PublishedClaim(key, source, statement, published, test, direction), tuple(findings))
