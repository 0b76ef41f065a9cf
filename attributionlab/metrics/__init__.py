"""Metrics: agreement with the exact truth, and the perturbation metrics that are audited by it."""

from attributionlab.judging.ranking import PairedDifference, RankCorrelation, paired_difference, rank_correlation, ranks
from attributionlab.metrics.agreement import Agreement, SoftScores, normalize, score, soft_scores
from attributionlab.metrics.base import (
    AnyMetric,
    FunctionMetric,
    LabeledImages,
    Measurement,
    Metric,
    MetricFunction,
    TrainedNetwork,
    metric,
)
from attributionlab.metrics.factory import METRICS, make_metric
from attributionlab.metrics.insertion import Curve, Deletion, Insertion, deletion, insertion
from attributionlab.metrics.sensitivity import (
    SensitivityCurve,
    SensitivityN,
    sensitivity_n,
    sensitivity_n_by_subsets,
)
from attributionlab.truth import TRUTHS

__all__ = [
    "METRICS",
    "TRUTHS",
    "Agreement",
    "AnyMetric",
    "Curve",
    "Deletion",
    "FunctionMetric",
    "Insertion",
    "LabeledImages",
    "Measurement",
    "Metric",
    "MetricFunction",
    "PairedDifference",
    "RankCorrelation",
    "SensitivityCurve",
    "SensitivityN",
    "SoftScores",
    "TrainedNetwork",
    "deletion",
    "insertion",
    "make_metric",
    "metric",
    "normalize",
    "paired_difference",
    "rank_correlation",
    "ranks",
    "score",
    "sensitivity_n",
    "sensitivity_n_by_subsets",
    "soft_scores",
]
