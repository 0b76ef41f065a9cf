from .agreement import Agreement, SoftScores, normalize, score, soft_scores
from .base import AnyMetric, FunctionMetric, Measurement, Metric, MetricFunction, metric
from .factory import METRICS, make_metric, register_metric
from .insertion import Curve, Deletion, Insertion, deletion, insertion
from .sensitivity import SensitivityCurve, SensitivityN, sensitivity_n, sensitivity_n_by_subsets
from .similarity import SIMILARITIES, MapSimilarity, gaussian_maps, is_map, map_similarity, region_mass
from .values import ValueAgreement, score_values

__all__ = [
    "METRICS",
    "SIMILARITIES",
    "Agreement",
    "AnyMetric",
    "Curve",
    "Deletion",
    "FunctionMetric",
    "Insertion",
    "MapSimilarity",
    "Measurement",
    "Metric",
    "MetricFunction",
    "SensitivityCurve",
    "SensitivityN",
    "SoftScores",
    "ValueAgreement",
    "deletion",
    "gaussian_maps",
    "insertion",
    "is_map",
    "make_metric",
    "map_similarity",
    "metric",
    "normalize",
    "region_mass",
    "register_metric",
    "score",
    "score_values",
    "sensitivity_n",
    "sensitivity_n_by_subsets",
    "soft_scores",
]
