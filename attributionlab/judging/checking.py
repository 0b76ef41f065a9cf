"""The faithfulness test (section 2, Eq. 2): agreement of a method with the exact truth in every environment."""

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
from attributionlab.errors import bad_option
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
        method: A name or spec, a function `(model, inputs, targets) -> Tensor`, or the location of one.
        environments: One or more environments or their specs; the method must pass in all of them.
        n_samples: Images per environment.
        gamma: Smallest mean F1 that passes, in [0, 1].
        truth: Kind of truth that decides. `auto` depends on the method's declaration: overall for signed and
            magnitude methods and undeclared functions, positive for positive ones, positive-smooth if they are coarse.
        batch_size: Images per call of the method; the maps of registered methods do not depend on it.
        device: `auto` (a GPU if there is one), `cpu` or `cuda`.
        progress: Called with the number of images finished since the last call.

    Returns:
        The verdict; `.passed`, `.environments`, `.to_dict()`.

    Raises:
        BadOption: If an option is not valid, or the deciding truth does not apply in an environment.
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
    torch_device = find_device(device)
    pairs = [(make_method(method, environment), environment) for environment in as_environments(environments)]
    first = pairs[0][0]
    deciding = deciding_truth(first.declaration, pairs[0][1]) if truth == "auto" else truth
    for bound_method, environment in pairs:
        check_applies(deciding, bound_method.declaration, environment, bound_method.spec)
    options = CheckOptions(n_samples, gamma, deciding, batch_size, torch_device, progress or no_progress)
    verdicts = tuple(_check_environment(bound_method, environment, options) for bound_method, environment in pairs)
    return Verdict(first.spec, options.gamma, deciding, verdicts, versions())


@dataclass(frozen=True)
class CheckOptions:
    """Validated options of a check.

    Args:
        n_samples: Samples per environment.
        gamma: Smallest mean F1 that passes.
        deciding: The kind of truth that decides.
        batch_size: Samples per call of a method.
        device: Device on which methods run.
        progress: Called with the number of samples finished since the last call.
    """

    n_samples: int
    gamma: float
    deciding: str
    batch_size: int
    device: torch.device
    progress: Progress


def _check_environment(method: AnyMethod, environment: Environment, options: CheckOptions) -> EnvironmentVerdict:
    """Compute and judge the maps of a method in one environment."""
    batch = environment.sample(options.n_samples)
    model = copy.deepcopy(environment.model).to(options.device)
    maps = explain(
        method, model, batch, batch_size=options.batch_size, device=options.device, progress=options.progress
    )
    if isinstance(maps, Maps):
        maps = dataclasses.replace(maps, values=maps.values.cpu())
    return judge(environment, batch, method.declaration, options, maps)


def judge(
    environment: Environment, batch: Batch, declaration: Declaration, options: CheckOptions, maps: Maps | Failure
) -> EnvironmentVerdict:
    """The verdict on maps, or on a failed method.

    Raises:
        BadOption: If the deciding truth has no feature in any sample.
    """
    applicable = applicable_truths(declaration, environment)
    failed = EnvironmentVerdict(
        environment=environment.spec,
        n_samples=options.n_samples,
        seed=environment.data_seed,
        device=options.device.type,
        passed=False,
        truths=dict.fromkeys(TRUTHS),
        controls=_control_scores(environment, batch, applicable, options.gamma),
    )
    if failed.controls["constant"][options.deciding] is None:
        hint = f"none of {options.n_samples} samples of {environment.spec} has such a feature"
        raise bad_option("truth", "apply to some sample", options.deciding, hint)
    if isinstance(maps, Failure):
        return dataclasses.replace(failed, error=maps)
    truths = _truths(maps.values, batch, applicable, options.gamma)
    facts = inspect_maps(environment, batch, declaration, maps.values)
    passed = {truth: None if summary is None else summary.passed for truth, summary in truths.items()}
    return dataclasses.replace(
        failed,
        seconds_per_image=None if maps.seconds is None else maps.seconds / options.n_samples,
        n_zero_maps=facts.n_zero,
        passed=bool(passed[options.deciding]),
        truths=truths,
        diagnosis=diagnose(facts, passed, options.deciding),
        diagnostics=_diagnostics(maps.recorded),
    )


def _control_scores(
    environment: Environment, batch: Batch, applicable: Sequence[str], gamma: float
) -> dict[str, Truths]:
    """Scores of the control maps; the random one has both signs where signs are judged."""
    options: dict[str, dict[str, object]] = {"random": {"signed": "negative" in applicable}, "constant": {}}
    maps = {
        name: make_method(name, **options[name])(environment.model, batch.inputs, batch.targets) for name in CONTROLS
    }
    return {name: _truths(values, batch, applicable, gamma) for name, values in maps.items()}


def _diagnostics(recorded: Recorded) -> Diagnostics:
    """Mean and range of the recorded diagnostics over images with finite values; without names that have none."""
    finite = {name: [value for value in values if math.isfinite(value)] for name, values in recorded.items()}
    return {
        name: {"mean": math.fsum(values) / len(values), "low": min(values), "high": max(values)}
        for name, values in finite.items()
        if values
    }


def _truths(maps: Tensor, batch: Batch, applicable: Sequence[str], gamma: float) -> Truths:
    """Scores by kind of truth; None for kinds that do not apply."""
    agreement = score(maps, batch.ground_truth)
    return {
        truth: summarize(agreement.against(truth), gamma, seed=0) if truth in applicable else None for truth in TRUTHS
    }
