from . import environments as environments
from . import methods as methods
from . import metrics as metrics
from . import testing as testing
from .environments import Environment, make_environment, verify
from .judging import Audit, Verdict, audit, check, check_maps
from .methods import Declaration, Method, declares, make_method
from .metrics import (
    Agreement,
    Curve,
    LabeledImages,
    SensitivityCurve,
    TrainedNetwork,
    deletion,
    insertion,
    make_metric,
    metric,
    score,
    sensitivity_n,
)
from .runs import Plan, Records, load_records, read_plan, run_plan
from .truth import Batch, GroundTruth

__version__: str

__all__ = [
    "Agreement",
    "Audit",
    "Batch",
    "Curve",
    "Declaration",
    "Environment",
    "GroundTruth",
    "LabeledImages",
    "Method",
    "Plan",
    "Records",
    "SensitivityCurve",
    "TrainedNetwork",
    "Verdict",
    "audit",
    "check",
    "check_maps",
    "declares",
    "deletion",
    "environments",
    "insertion",
    "load_records",
    "make_environment",
    "make_method",
    "make_metric",
    "methods",
    "metric",
    "metrics",
    "read_plan",
    "run_plan",
    "score",
    "sensitivity_n",
    "testing",
    "verify",
]
