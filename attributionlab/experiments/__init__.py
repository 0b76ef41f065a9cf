"""Experiments: the faithfulness test, the audit of metrics, and runs of many of them from a plan."""

from attributionlab.experiments.audit import audit, expand
from attributionlab.experiments.audited import Audit, Comparison, EnvironmentAudit, ImageCurves, MethodScores
from attributionlab.experiments.check import EnvironmentVerdict, MethodFailure, Verdict, check
from attributionlab.experiments.intervals import Summary
from attributionlab.experiments.maps import check_maps
from attributionlab.experiments.plan import Plan
from attributionlab.experiments.plan_file import read_plan
from attributionlab.experiments.records import Record
from attributionlab.experiments.results import Records, load_records
from attributionlab.experiments.runner import RunOutcome, run_plan
from attributionlab.experiments.summaries import MethodSummary

__all__ = [
    "Audit",
    "Comparison",
    "EnvironmentAudit",
    "EnvironmentVerdict",
    "ImageCurves",
    "MethodFailure",
    "MethodScores",
    "MethodSummary",
    "Plan",
    "Record",
    "Records",
    "RunOutcome",
    "Summary",
    "Verdict",
    "audit",
    "check",
    "check_maps",
    "expand",
    "load_records",
    "read_plan",
    "run_plan",
]
