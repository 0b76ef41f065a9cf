from .agreement import Agreement, SoftScores, normalize, score, soft_scores
from .base import AnyMetric, FunctionMetric, Measurement, Metric, MetricFunction, metric
from .factory import METRICS, make_metric, register_metric
from .insertion import Curve, Deletion, Insertion, deletion, insertion
from .sensitivity import SensitivityCurve, SensitivityN, sensitivity_n, sensitivity_n_by_subsets

__all__ = [
    "METRICS",
    "Agreement",
    "AnyMetric",
    "Curve",
    "Deletion",
    "FunctionMetric",
    "Insertion",
    "Measurement",
    "Metric",
    "MetricFunction",
    "SensitivityCurve",
    "SensitivityN",
    "SoftScores",
    "deletion",
    "insertion",
    "make_metric",
    "metric",
    "normalize",
    "register_metric",
    "score",
    "sensitivity_n",
    "sensitivity_n_by_subsets",
    "soft_scores",
]
