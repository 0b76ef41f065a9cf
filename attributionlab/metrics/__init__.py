"""Metrics: agreement with the exact truth, and the perturbation metrics that are audited by it."""

from attributionlab.metrics.agreement import TRUTHS, Agreement, SoftScores, normalize, score, soft_scores
from attributionlab.metrics.insertion import Curve, deletion, insertion
from attributionlab.metrics.sensitivity import SensitivityCurve, sensitivity_n

__all__ = [
    "TRUTHS",
    "Agreement",
    "Curve",
    "SensitivityCurve",
    "SoftScores",
    "deletion",
    "insertion",
    "normalize",
    "score",
    "sensitivity_n",
    "soft_scores",
]
