"""Experiments: the faithfulness test, and the audit of metrics."""

from attributionlab.experiments.audit import Audit, EnvironmentAudit, MethodScores, audit
from attributionlab.experiments.check import EnvironmentVerdict, MethodFailure, Verdict, check
from attributionlab.experiments.intervals import Summary

__all__ = [
    "Audit",
    "EnvironmentAudit",
    "EnvironmentVerdict",
    "MethodFailure",
    "MethodScores",
    "Summary",
    "Verdict",
    "audit",
    "check",
]
