"""Metrics: agreement with the exact truth, and the perturbation metrics that are audited by it."""

from attributionlab.metrics.agreement import TRUTHS, Agreement, SoftScores, normalize, score, soft_scores
from attributionlab.metrics.factory import METRICS, Metric
from attributionlab.metrics.insertion import Curve, deletion, insertion
from attributionlab.metrics.ranking import RankCorrelation, rank_correlation
from attributionlab.metrics.sensitivity import SensitivityCurve, sensitivity_n

__all__ = [
    "METRICS",
    "TRUTHS",
    "Agreement",
    "Curve",
    "Metric",
    "RankCorrelation",
    "SensitivityCurve",
    "SoftScores",
    "deletion",
    "insertion",
    "normalize",
    "rank_correlation",
    "score",
    "sensitivity_n",
    "soft_scores",
]
