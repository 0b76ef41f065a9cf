from .answering import Answers, answers
from .audit_report import Audit, Comparison, EnvironmentAudit, ImageCurves, MethodScores
from .auditing import audit, expand
from .checking import check
from .comparing import MethodComparison, compare
from .debug_report import BugVerdict, DebugReport, MeanSimilarity
from .debugging import debug
from .ranking import PairedDifference, RankCorrelation, paired_difference, rank_correlation
from .statistics import Summary
from .stored_maps import check_maps
from .sweep_report import Sweep, SweepCurve, SweepPoint
from .sweeping import sweep
from .verdict import EnvironmentVerdict, Verdict

__all__ = [
    "Answers",
    "Audit",
    "BugVerdict",
    "Comparison",
    "DebugReport",
    "EnvironmentAudit",
    "EnvironmentVerdict",
    "ImageCurves",
    "MeanSimilarity",
    "MethodComparison",
    "MethodScores",
    "PairedDifference",
    "RankCorrelation",
    "Summary",
    "Sweep",
    "SweepCurve",
    "SweepPoint",
    "Verdict",
    "answers",
    "audit",
    "check",
    "check_maps",
    "compare",
    "debug",
    "expand",
    "paired_difference",
    "rank_correlation",
    "sweep",
]
