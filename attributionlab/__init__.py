"""Is this attribution method right? Networks with hand-written weights, images with exact truth, and the verdict.

Example:
    >>> import attributionlab as al
    >>> environment = al.make_environment("multi-color-sum", size=16)
    >>> al.check("truth", environment, n_samples=2).passed
    True
"""

from __future__ import annotations

import importlib
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from attributionlab.environments import Batch, Environment, GroundTruth, make_environment, verify
    from attributionlab.experiments import (
        Audit,
        Plan,
        Records,
        Verdict,
        audit,
        check,
        check_maps,
        load_records,
        read_plan,
        run_plan,
    )
    from attributionlab.methods import Declaration, Method, declares, make_method
    from attributionlab.metrics import (
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

__version__ = version("attributionlab")

_HOMES = {
    "Agreement": "metrics",
    "Audit": "experiments",
    "Batch": "environments",
    "Curve": "metrics",
    "Declaration": "methods",
    "Environment": "environments",
    "GroundTruth": "environments",
    "LabeledImages": "metrics",
    "Method": "methods",
    "Plan": "experiments",
    "Records": "experiments",
    "SensitivityCurve": "metrics",
    "TrainedNetwork": "metrics",
    "Verdict": "experiments",
    "audit": "experiments",
    "check": "experiments",
    "check_maps": "experiments",
    "declares": "methods",
    "deletion": "metrics",
    "insertion": "metrics",
    "load_records": "experiments",
    "make_environment": "environments",
    "make_method": "methods",
    "make_metric": "metrics",
    "metric": "metrics",
    "read_plan": "experiments",
    "run_plan": "experiments",
    "score": "metrics",
    "sensitivity_n": "metrics",
    "verify": "environments",
}
"""Where each public name lives; it is imported, and torch with it, when it is first used."""

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
    "insertion",
    "load_records",
    "make_environment",
    "make_method",
    "make_metric",
    "metric",
    "read_plan",
    "run_plan",
    "score",
    "sensitivity_n",
    "verify",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module 'attributionlab' has no attribute {name!r}")
    return getattr(importlib.import_module(f"attributionlab.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    """The public names, imported or not."""
    return sorted([*globals(), *__all__])
