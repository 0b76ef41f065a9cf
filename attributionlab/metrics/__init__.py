"""Metrics: agreement with the exact truth, and the perturbation metrics that are audited by it."""

from attributionlab.environments.trained import TrainedNetwork
from attributionlab.metrics.agreement import Agreement, SoftScores, normalize, score, soft_scores
from attributionlab.metrics.base import (
    AnyMetric,
    FunctionMetric,
    Measurement,
    Metric,
    MetricFunction,
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
from attributionlab.truth.batch import LabeledImages

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
    "SensitivityCurve",
    "SensitivityN",
    "SoftScores",
    "TrainedNetwork",
    "deletion",
    "insertion",
    "make_metric",
    "metric",
    "normalize",
    "score",
    "sensitivity_n",
    "sensitivity_n_by_subsets",
    "soft_scores",
]
