"""The faithfulness test (section 2, Eq. 2): does a method agree with the exact truth in every environment?"""

from __future__ import annotations

import copy
import math
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

import torch
from torch import Tensor, nn

from attributionlab._checks import whole_number
from attributionlab.environments import Batch, Environment, make_environment
from attributionlab.errors import BadOption, MachineError, MethodError, bad_option
from attributionlab.experiments.diagnosis import diagnose
from attributionlab.experiments.intervals import Summary, summarize
from attributionlab.methods import AnyMethod, Declaration, context_for, make_method, run_guarded
from attributionlab.methods.diagnostics import Recorded, collecting
from attributionlab.metrics import TRUTHS, score

CONTROLS = ("random", "constant")
PACKAGES = ("attributionlab", "torch", "captum", "numpy", "scipy", "scikit-image")

Truths = dict[str, Summary | None]
Diagnostics = dict[str, dict[str, float]]
Progress = Callable[[int], None]


@dataclass(frozen=True)
class MethodFailure:
    """Why a method gave no maps.

    Args:
        type: Name of the error: `MethodRaised`, `WrongShape`, `NotFinite`, `ModelChanged`, `InputsChanged` or `TorchChanged`.
        message: One line.
    """

    type: str
    message: str


@dataclass(frozen=True)
class EnvironmentVerdict:
    """What a method did in one environment.

    Args:
        environment: Canonical spec.
        n_samples: Images, samples 0 to n - 1.
        seed: Seed of the scenes.
        device: Where it ran.
        seconds_per_image: Time of the method alone.
        n_zero_maps: Maps that are zero everywhere; they score 0.
        passed: Whether the mean F1 on the deciding truth reaches gamma.
        truths: The scores by kind of truth; None where the truth does not apply.
        controls: The same for the random and the constant map.
        diagnosis: What is conspicuous, or None.
        error: Why there are no scores, or None.
        diagnostics: What the method recorded of its own work: `mean`, `low` (least) and `high` (greatest) over images
            where it is finite.
    """

    environment: str
    n_samples: int
    seed: int
    device: str
    seconds_per_image: float | None
    n_zero_maps: int
    passed: bool
    truths: Truths
    controls: dict[str, Truths]
    diagnosis: str | None
    error: MethodFailure | None
    diagnostics: Diagnostics = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """The result of the faithfulness test.

    Args:
        method: Canonical spec.
        gamma: The threshold on F1.
        deciding_truth: The kind of truth that decides.
        environments: What happened in each environment.
        versions: Versions of what was used.
    """

    method: str
    gamma: float
    deciding_truth: str
    environments: tuple[EnvironmentVerdict, ...]
    versions: dict[str, str]

    @property
    def passed(self) -> bool:
        """Whether the method passed in every environment: one failure is a witness against it (Eq. 2)."""
        return all(environment.passed for environment in self.environments)

    def to_dict(self) -> dict[str, Any]:
        """The documented JSON."""
        return {
            "method": self.method,
            "gamma": self.gamma,
            "deciding_truth": self.deciding_truth,
            "passed": self.passed,
            "environments": [_environment_dict(environment) for environment in self.environments],
            "versions": self.versions,
        }


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
    if not isinstance(gamma, (int, float)) or not 0 <= gamma <= 1:
        raise bad_option("gamma", "be in [0, 1]", gamma)
    n_samples, batch_size = whole_number("n_samples", n_samples, 1), whole_number("batch_size", batch_size, 1)
    if truth not in ("auto", *TRUTHS):
        raise bad_option("truth", f"be auto or {' or '.join(TRUTHS)}", truth)
    where = find_device(device)
    given = [environments] if isinstance(environments, (Environment, str)) else list(environments)
    if not given:
        raise bad_option("environments", "name at least one", environments)
    built = [make_environment(item) if isinstance(item, str) else item for item in given]
    bound = [make_method(method, environment) for environment in built]
    deciding = deciding_truth(bound[0].declaration) if truth == "auto" else truth
    for one, environment in zip(bound, built, strict=True):
        if deciding not in applicable_truths(one.declaration, environment):
            where_not = f"{environment.spec}, got {deciding!r}; {one.spec} cannot be judged by it there"
            raise BadOption(f"`truth` must apply in {where_not}")
    plan = Plan(n_samples, float(gamma), deciding, batch_size, where, progress or no_progress)
    verdicts = tuple(_check_one(one, environment, plan) for one, environment in zip(bound, built, strict=True))
    return Verdict(bound[0].spec, plan.gamma, deciding, verdicts, versions())


def no_progress(n_done: int) -> None:
    """Where nobody watches."""


def deciding_truth(declaration: Declaration) -> str:
    """The truth that fits what a method claims to give."""
    if declaration.sign != "positive":
        return "overall"
    return "positive-smooth" if declaration.granularity == "coarse" else "positive"


def find_device(name: str) -> torch.device:
    """The device called `auto`, `cpu` or `cuda`.

    Raises:
        BadOption: If the name is another one.
        MachineError: If there is no GPU where one was asked for.
    """
    if name not in ("auto", "cpu", "cuda"):
        raise bad_option("device", "be auto, cpu or cuda", name)
    available = torch.cuda.is_available()
    if name == "cuda" and not available:
        raise MachineError("`device` must be one that this machine has, got 'cuda'; torch sees no GPU here")
    return torch.device("cuda" if available and name != "cpu" else "cpu")


def versions() -> dict[str, str]:
    """Versions of everything that a result depends on."""
    return {"python": platform.python_version(), **{package: version(package) for package in PACKAGES}}


@dataclass(frozen=True)
class Plan:
    """What is asked, checked."""

    n_samples: int
    gamma: float
    deciding: str
    batch_size: int
    device: torch.device
    progress: Progress


@dataclass(frozen=True)
class Maps:
    """What a method returned for all images, and how long it took, where that is known."""

    maps: Tensor
    seconds: float | None = None
    recorded: Recorded = field(default_factory=dict)


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


def applicable_truths(declaration: Declaration, environment: Environment) -> tuple[str, ...]:
    """The kinds of truth that say something about the method here: only probabilities have pixels that lower them."""
    gives_negative = declaration.sign == "signed" and declaration.explains == "output"
    has_negative = environment.explains == "probability" and gives_negative
    return tuple(truth for truth in TRUTHS if truth != "negative" or has_negative)


def _truths(maps: Tensor, batch: Batch, applicable: Sequence[str], gamma: float) -> Truths:
    agreement = score(maps, batch.ground_truth)
    return {
        truth: summarize(agreement.against(truth), gamma, seed=0) if truth in applicable else None for truth in TRUTHS
    }


def _environment_dict(verdict: EnvironmentVerdict) -> dict[str, Any]:
    return {
        "environment": verdict.environment,
        "n_samples": verdict.n_samples,
        "seed": verdict.seed,
        "device": verdict.device,
        "seconds_per_image": verdict.seconds_per_image,
        "n_zero_maps": verdict.n_zero_maps,
        "passed": verdict.passed,
        "truths": _truths_dict(verdict.truths),
        "controls": {name: _truths_dict(truths) for name, truths in verdict.controls.items()},
        "diagnosis": verdict.diagnosis,
        "diagnostics": {name: dict(values) for name, values in verdict.diagnostics.items()},
        "error": None if verdict.error is None else {"type": verdict.error.type, "message": verdict.error.message},
    }


def _truths_dict(truths: Truths) -> dict[str, Any]:
    return {truth: None if summary is None else summary.to_dict() for truth, summary in truths.items()}
