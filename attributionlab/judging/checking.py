"""The faithfulness test (section 2, Eq. 2): does a method agree with the exact truth in every environment?"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from attributionlab.environments import Environment
from attributionlab.environments.factory import as_environments
from attributionlab.errors import MethodError
from attributionlab.judging.diagnosis import diagnose
from attributionlab.judging.statistics import summarize
from attributionlab.judging.verdict import Diagnostics, EnvironmentVerdict, Truths, Verdict
from attributionlab.machine import find_device, versions
from attributionlab.measuring.applicable import applicable_truths, check_applies, deciding_truth
from attributionlab.measuring.failure import MethodFailure
from attributionlab.measuring.maps import Maps
from attributionlab.measuring.progress import Progress, no_progress
from attributionlab.methods import AnyMethod, Declaration, context_for, make_method, run_guarded
from attributionlab.methods.diagnostics import Recorded, collecting
from attributionlab.metrics import score
from attributionlab.specs.arguments import MOST_IMAGES, require_function, share, whole_number
from attributionlab.truth import TRUTHS, Batch
from attributionlab.truth.kinds import require_truth

CONTROLS = ("random", "constant")


def check(
    method: str | AnyMethod | Callable[..., Tensor],
    environments: Environment | str | Sequence[Environment | str] = "multi-color-sum",
    *,
    n_samples: int = 16,
    gamma: float = 0.5,
    truth: str = "auto",
    batch_size: int = 4,
    device: str = "auto",
    progress: Progress | None = None,
) -> Verdict:
    """Test whether a method finds the pixels that designed networks use.

    Args:
        method: A name or spec, a function `(model, inputs, targets) -> Tensor`, or where to find one.
        environments: One or more environments or their specs; the method must pass in all of them.
        n_samples: Images per environment.
        gamma: The least mean F1 that passes, in [0, 1].
        truth: Which truth decides; `auto` takes the one that fits the method's declaration: overall for signed and
            magnitude methods and undeclared functions, positive for positive ones, positive-smooth if they are coarse.
        batch_size: Images that the method is given at once; the maps of registered methods do not depend on it.
        device: `auto` (a GPU if there is one), `cpu` or `cuda`.
        progress: Called with the number of images done since the last call.

    Returns:
        The verdict; `.passed`, `.environments`, `.to_dict()`.

    Raises:
        BadOption: If an option does not fit, or the deciding truth does not apply in an environment.
        MachineError: If there is no such device.

    References:
        Zhang et al. 2024, Definition 2.1, Eq. 2, section 4.

    Example:
        >>> check("truth", "multi-color-sum[size=16]", n_samples=2).passed
        True
    """
    gamma = share("gamma", gamma)
    n_samples = whole_number("n_samples", n_samples, 1, MOST_IMAGES)
    batch_size = whole_number("batch_size", batch_size, 1)
    require_truth(truth)
    require_function("progress", progress, "(n)")
    where = find_device(device)
    built = as_environments(environments)
    bound = [make_method(method, environment) for environment in built]
    deciding = deciding_truth(bound[0].declaration) if truth == "auto" else truth
    for one, environment in zip(bound, built, strict=True):
        check_applies(deciding, one.declaration, environment, one.spec)
    plan = Plan(n_samples, gamma, deciding, batch_size, where, progress or no_progress)
    verdicts = tuple(_check_one(one, environment, plan) for one, environment in zip(bound, built, strict=True))
    return Verdict(bound[0].spec, plan.gamma, deciding, verdicts, versions())


@dataclass(frozen=True)
class Plan:
    """What is asked, checked."""

    n_samples: int
    gamma: float
    deciding: str
    batch_size: int
    device: torch.device
    progress: Progress


def _check_one(method: AnyMethod, environment: Environment, plan: Plan) -> EnvironmentVerdict:
    batch = environment.sample(plan.n_samples)
    model = copy.deepcopy(environment.model).to(plan.device)
    try:
        return judge(environment, batch, method.declaration, plan, _attribute(method, model, batch, plan))
    except MethodError as failure:
        return judge(environment, batch, method.declaration, plan, MethodFailure(type(failure).__name__, str(failure)))


def judge(
    environment: Environment, batch: Batch, declaration: Declaration, plan: Plan, attributed: Maps | MethodFailure
) -> EnvironmentVerdict:
    """The verdict on maps, or on a method that gave none."""
    applicable = applicable_truths(declaration, environment)
    controls = {
        name: _truths(make_method(name)(environment.model, batch.inputs, batch.targets), batch, applicable, plan.gamma)
        for name in CONTROLS
    }
    error = attributed if isinstance(attributed, MethodFailure) else None
    truths: Truths = dict.fromkeys(TRUTHS)
    diagnosis, n_zero_maps, seconds, recorded = None, 0, None, {}
    if isinstance(attributed, Maps):
        truths = _truths(attributed.maps, batch, applicable, plan.gamma)
        seconds = None if attributed.seconds is None else attributed.seconds / plan.n_samples
        n_zero_maps = int((attributed.maps == 0).flatten(1).all(dim=1).sum())
        diagnosis = diagnose(environment, batch, declaration, truths, attributed.maps, plan.deciding)
        recorded = _diagnostics(attributed.recorded)
    decided = truths[plan.deciding]
    return EnvironmentVerdict(
        environment=environment.spec,
        n_samples=plan.n_samples,
        seed=environment.data_seed,
        device=plan.device.type,
        seconds_per_image=seconds,
        n_zero_maps=n_zero_maps,
        passed=decided is not None and decided.passed,
        truths=truths,
        controls=controls,
        diagnosis=diagnosis,
        error=error,
        diagnostics=recorded,
    )


def _attribute(method: AnyMethod, model: nn.Module, batch: Batch, plan: Plan) -> Maps:
    """The maps of all images, on the CPU, and the time that they took."""
    maps, seconds = [], 0.0
    with collecting() as recorded:
        for start in range(0, len(batch), plan.batch_size):
            part = batch[start : start + plan.batch_size].to(plan.device)
            begin = time.perf_counter()
            maps.append(run_guarded(method, model, part.inputs, part.targets, **context_for(method, part)).cpu())
            seconds += time.perf_counter() - begin
            plan.progress(len(part))
    return Maps(torch.cat(maps), seconds, recorded)


def _diagnostics(recorded: Recorded) -> Diagnostics:
    """Mean and range of what was recorded, over images where it is finite; without the names where it never is."""
    finite = {name: [value for value in values if math.isfinite(value)] for name, values in recorded.items()}
    return {
        name: {"mean": math.fsum(values) / len(values), "low": min(values), "high": max(values)}
        for name, values in finite.items()
        if values
    }


def _truths(maps: Tensor, batch: Batch, applicable: Sequence[str], gamma: float) -> Truths:
    agreement = score(maps, batch.ground_truth)
    return {
        truth: summarize(agreement.against(truth), gamma, seed=0) if truth in applicable else None for truth in TRUTHS
    }
