from .answering import Answers, answers
from .audit_report import Audit, Comparison, EnvironmentAudit, ImageCurves, MethodScores
from .auditing import audit, expand
from .checking import check
from .comparing import MethodComparison, compare
from .ranking import PairedDifference, RankCorrelation, paired_difference, rank_correlation
from .statistics import Summary
from .stored_maps import check_maps
from .verdict import EnvironmentVerdict, Verdict

__all__ = [
    "Answers",
    "Audit",
    "Comparison",
    "EnvironmentAudit",
    "EnvironmentVerdict",
    "ImageCurves",
    "MethodComparison",
    "MethodScores",
    "PairedDifference",
    "RankCorrelation",
    "Summary",
    "Verdict",
    "answers",
    "audit",
    "check",
    "check_maps",
    "compare",
    "expand",
    "paired_difference",
    "rank_correlation",
]
