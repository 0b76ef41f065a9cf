"""Experiments: the faithfulness test, and the audit of metrics."""

from attributionlab.experiments.audit import audit, expand
from attributionlab.experiments.audited import Audit, Comparison, EnvironmentAudit, ImageCurves, MethodScores
from attributionlab.experiments.check import EnvironmentVerdict, MethodFailure, Verdict, check
from attributionlab.experiments.intervals import Summary
from attributionlab.experiments.maps import check_maps

__all__ = [
    "Audit",
    "Comparison",
    "EnvironmentAudit",
    "EnvironmentVerdict",
    "ImageCurves",
    "MethodFailure",
    "MethodScores",
    "Summary",
    "Verdict",
    "audit",
    "check",
    "check_maps",
    "expand",
]
