"""The faithfulness test (section 2, Eq. 2): does a method agree with the exact truth in every environment?"""

from __future__ import annotations

import copy
import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from attributionlab.environments import Environment
from attributionlab.environments.factory import as_environments
from attributionlab.judging.diagnosis import diagnose
from attributionlab.judging.statistics import summarize
from attributionlab.judging.verdict import Diagnostics, EnvironmentVerdict, Truths, Verdict
from attributionlab.machine import find_device, versions
from attributionlab.measuring.applicable import applicable_truths, check_applies, deciding_truth
from attributionlab.measuring.explain import Maps, explain
from attributionlab.measuring.failure import Failure
from attributionlab.measuring.inspection import inspect_maps
from attributionlab.measuring.progress import Progress, no_progress
from attributionlab.methods import AnyMethod, Declaration, make_method
from attributionlab.methods.diagnostics import Recorded
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
    deciding = deciding_truth(bound[0].declaration, built[0]) if truth == "auto" else truth
    for one, environment in zip(bound, built, strict=True):
        check_applies(deciding, one.declaration, environment, one.spec)
    options = CheckOptions(n_samples, gamma, deciding, batch_size, where, progress or no_progress)
    verdicts = tuple(
        _check_environment(one, environment, options) for one, environment in zip(bound, built, strict=True)
    )
    return Verdict(bound[0].spec, options.gamma, deciding, verdicts, versions())


@dataclass(frozen=True)
class CheckOptions:
    """Validated options of a check.

    Args:
        n_samples: Samples per environment.
        gamma: The least mean F1 that passes.
        deciding: The kind of truth that decides.
        batch_size: Samples that a method is given at once.
        device: Where methods work.
        progress: Called with the number of samples done since the last call.
    """

    n_samples: int
    gamma: float
    deciding: str
    batch_size: int
    device: torch.device
    progress: Progress


def _check_environment(method: AnyMethod, environment: Environment, options: CheckOptions) -> EnvironmentVerdict:
    batch = environment.sample(options.n_samples)
    model = copy.deepcopy(environment.model).to(options.device)
    result = explain(
        method, model, batch, batch_size=options.batch_size, device=options.device, progress=options.progress
    )
    if isinstance(result, Maps):
        result = dataclasses.replace(result, values=result.values.cpu())
    return judge(environment, batch, method.declaration, options, result)


def judge(
    environment: Environment, batch: Batch, declaration: Declaration, options: CheckOptions, result: Maps | Failure
) -> EnvironmentVerdict:
    """The verdict on maps, or on a method that gave none."""
    applicable = applicable_truths(declaration, environment)
    controls = {
        name: _truths(
            make_method(name)(environment.model, batch.inputs, batch.targets), batch, applicable, options.gamma
        )
        for name in CONTROLS
    }
    failed = EnvironmentVerdict(
        environment=environment.spec,
        n_samples=options.n_samples,
        seed=environment.data_seed,
        device=options.device.type,
        passed=False,
        truths=dict.fromkeys(TRUTHS),
        controls=controls,
    )
    if isinstance(result, Failure):
        return dataclasses.replace(failed, error=result)
    truths = _truths(result.values, batch, applicable, options.gamma)
    facts = inspect_maps(environment, batch, declaration, result.values)
    passed = {truth: None if summary is None else summary.passed for truth, summary in truths.items()}
    return dataclasses.replace(
        failed,
        seconds_per_image=None if result.seconds is None else result.seconds / options.n_samples,
        n_zero_maps=facts.n_zero,
        passed=bool(passed[options.deciding]),
        truths=truths,
        diagnosis=diagnose(facts, passed, options.deciding),
        diagnostics=_diagnostics(result.recorded),
    )


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
