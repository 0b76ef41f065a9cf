from . import benchmarks as benchmarks
from . import environments as environments
from . import methods as methods
from . import metrics as metrics
from . import modification as modification
from . import testing as testing
from .environments import Environment, TrainedNetwork, make_environment, pretrained, register_environment, verify
from .games import contested_mask, exact_values
from .judging import (
    Answers,
    Audit,
    DebugReport,
    MethodComparison,
    Sweep,
    Verdict,
    answers,
    audit,
    check,
    check_maps,
    compare,
    debug,
    sweep,
)
from .methods import Declaration, Method, adapt, declares, make_method, register_method, register_segmenter
from .metrics import (
    Agreement,
    Curve,
    Metric,
    SensitivityCurve,
    ValueAgreement,
    deletion,
    insertion,
    make_metric,
    metric,
    register_metric,
    score,
    score_values,
    sensitivity_n,
)
from .modification import Manipulation, make_manipulation, register_manipulation
from .runs import Plan, Records, load_records, read_plan, run_plan
from .truth import Batch, ExactValues, GroundTruth, LabeledImages

__version__: str

__all__ = [
    "Agreement",
    "Answers",
    "Audit",
    "Batch",
    "Curve",
    "DebugReport",
    "Declaration",
    "Environment",
    "ExactValues",
    "GroundTruth",
    "LabeledImages",
    "Manipulation",
    "Method",
    "MethodComparison",
    "Metric",
    "Plan",
    "Records",
    "SensitivityCurve",
    "Sweep",
    "TrainedNetwork",
    "ValueAgreement",
    "Verdict",
    "adapt",
    "answers",
    "audit",
    "benchmarks",
    "check",
    "check_maps",
    "compare",
    "contested_mask",
    "debug",
    "declares",
    "deletion",
    "environments",
    "exact_values",
    "insertion",
    "load_records",
    "make_environment",
    "make_manipulation",
    "make_method",
    "make_metric",
    "methods",
    "metric",
    "metrics",
    "modification",
    "pretrained",
    "read_plan",
    "register_environment",
    "register_manipulation",
    "register_method",
    "register_metric",
    "register_segmenter",
    "run_plan",
    "score",
    "score_values",
    "sensitivity_n",
    "sweep",
    "testing",
    "verify",
]
