from .agreement import Agreement, SoftScores, normalize, score, soft_scores
from .base import AnyMetric, FunctionMetric, Measurement, Metric, MetricFunction, metric
from .factory import METRICS, make_metric, register_metric
from .insertion import Curve, Deletion, Insertion, deletion, insertion
from .sensitivity import SensitivityCurve, SensitivityN, sensitivity_n, sensitivity_n_by_subsets
from .values import ValueAgreement, score_values

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
    "ValueAgreement",
    "deletion",
    "insertion",
    "make_metric",
    "metric",
    "normalize",
    "register_metric",
    "score",
    "score_values",
    "sensitivity_n",
    "sensitivity_n_by_subsets",
    "soft_scores",
]
