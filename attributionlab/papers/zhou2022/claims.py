"""Functions that state and judge claims of this paper."""

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
    unmeasured,
)
from attributionlab.papers.evidence import average_networks

NO_NETWORK = "no network was accurate enough"
FAILED = "undefined with {n} of {n_all} networks, on which the method failed or too little was measured"

CONSISTENT = 0.8
"""Spearman's correlation from which a trend counts as consistent; ours."""


def finding(
    values: Sequence[float],
    holds: Criterion,
    reading: str = "",
    *,
    direction: Criterion | None = None,
    note: str = "",
) -> Finding:
    """Judge values, one per network."""
    n_undefined = int(np.sum(~np.isfinite(values)))
    if n_undefined or not values:
        reason = FAILED.format(n=n_undefined, n_all=len(values)) if n_undefined else NO_NETWORK
        return unmeasured(reason, reading=reading)
    evidence = average_networks([float(value) for value in values])
    weaker = None if direction is None else Direction(evidence, direction)
    return judge_evidence(evidence, holds, weaker, reading=reading, note=note)


def claim(
    key: str, source: str, statement: str, published: str, test: str, findings: Sequence[Finding], direction: str = ""
) -> JudgedClaim:
    """A claim with its findings."""
    return JudgedClaim(PublishedClaim(key, source, statement, published, test, direction), tuple(findings))
