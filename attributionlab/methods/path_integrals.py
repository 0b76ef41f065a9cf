"""Options, records and warnings that the methods with adaptive quadrature share."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from attributionlab.errors import bad_option
from attributionlab.methods.base import Method, require_at_least
from attributionlab.methods.diagnostics import is_collecting, record
from attributionlab.methods.quadrature import Integral, least_evaluations
from attributionlab.methods.unconverged import UNCONVERGED, describe_unconverged
from attributionlab.specs.options import changed_options


def require_quadrature(method: Method, option: str, n_paths: int = 1, rule: str | None = None) -> None:
    """Refuse options of the quadrature that are out of range, or that the number of nodes makes meaningless.

    Args:
        method: Has the options `tolerance` and `max_evaluations`.
        option: Name of the number of nodes, which is an integer or `auto`.
        n_paths: Number of paths of an image.
        rule: Name of an option for numbers of nodes alone, if any.

    Raises:
        BadOption: If an option is refused.
    """
    if getattr(method, option) == "auto":
        _refuse_changed(method, [] if rule is None else [rule], f"be left out unless `{option}` is a number")
        _require_limits(method, n_paths)
    else:
        require_at_least(method, **{option: 1})
        _refuse_changed(method, ["tolerance", "max_evaluations"], f"be left out unless `{option}` is auto")


def _refuse_changed(method: Method, options: Sequence[str], expectation: str) -> None:
    """Refuse options that differ from their defaults."""
    for name, value in changed_options(method).items():
        if name in options:
            raise bad_option(name, expectation, value)


def _require_limits(method: Method, n_paths: int) -> None:
    """Refuse a tolerance of 0, and a limit below what the first intervals need."""
    tolerance, limit = (getattr(method, name) for name in ("tolerance", "max_evaluations"))
    if not tolerance > 0:
        raise bad_option("tolerance", "be above 0", tolerance)
    if limit < least_evaluations(n_paths):
        hint = f"{least_evaluations(1)} for each of {n_paths} baselines" if n_paths > 1 else ""
        raise bad_option("max_evaluations", f"be at least {least_evaluations(n_paths)}", limit, hint)


def integrate_all(
    spec: str, integrate: Callable[[Tensor, Tensor], Integral], inputs: Tensor, targets: Tensor
) -> Tensor:
    """Integrate for one image at a time, so that a map does not depend on the batch, and record how it went.

    Args:
        spec: Name of the method for the warning.
        integrate: Image (1, c, *shape) and target (1,) to the integral.
        inputs: (b, c, *shape).
        targets: (b,) int64.

    Returns:
        (b, *shape).

    Warns:
        UserWarning: If the tolerance is not met and nobody collects diagnostics.
    """
    integrals = [integrate(*pair) for pair in zip(inputs.split(1), targets.split(1), strict=True)]
    for integral in integrals:
        record("convergence_delta", integral.delta)
        record("evaluations", integral.n_evaluations)
        record("quadrature_error", integral.error)
        record(UNCONVERGED, math.nan if integral.converged else integral.error)
    line = describe_unconverged([integral.error for integral in integrals if not integral.converged], len(integrals))
    if line and not is_collecting():
        warnings.warn(f"{spec}: {line}", stacklevel=4)
    return torch.stack([integral.values for integral in integrals]).to(inputs)
