"""Work of one worker on the jobs of a plan, in this process, in another one or on another machine."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from socket import gethostname

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from attributionlab.environments import Environment, make_environment
from attributionlab.environments.base import Target
from attributionlab.errors import AttributionLabError, MachineError, bad_option
from attributionlab.judging.games import GameScores, values_of_games
from attributionlab.machine import versions
from attributionlab.measuring.applicable import judged_truth
from attributionlab.measuring.evaluate import measure
from attributionlab.measuring.explain import explain
from attributionlab.measuring.failure import Failure
from attributionlab.measuring.inspection import inspect_maps
from attributionlab.measuring.target_use import n_same_for_winner
from attributionlab.methods import AnyMethod, make_method
from attributionlab.metrics import Agreement, AnyMetric, Measurement, make_metric, score
from attributionlab.printable import error_line, error_text, one_line, type_name
from attributionlab.runs.declarations import code_digest
from attributionlab.runs.jobs import AGREEMENT, DIFFERENT_FOR_LOGITS, OF_OUTPUT, Job, Unit
from attributionlab.runs.records import Record
from attributionlab.runs.stopwatch import Stopwatch
from attributionlab.runs.tasks import Task, TaskResult, do_task
from attributionlab.runs.time_limit import at_most
from attributionlab.truth import TRUTHS, Batch

Finite = list[float | None]

N_COMPARED = 2
"""Images of an environment whose maps are compared with the exact values of games."""


@dataclass(frozen=True)
class UnitResult:
    """Records and maps of a unit.

    Args:
        records: One per job.
        maps: Maps (n, h, w) of the first images, or None if none are to be stored.
    """

    records: tuple[Record, ...]
    maps: npt.NDArray[np.float32] | None = None

    @property
    def key(self) -> str:
        """Key of the first job."""
        return self.records[0].job.key


Work = Unit | Task
"""What a worker does at once."""

Result = UnitResult | TaskResult


def do_unit(unit: Unit, kind: str, turn: int = 0, timeout: float | None = None) -> UnitResult:
    """Explain the images of a unit by its method, and measure the maps once per job.

    A failing method or metric is recorded as failed.

    Args:
        unit: Jobs to do.
        kind: `cpu` or `cuda`.
        turn: Index of the GPU, modulo the number of GPUs of the worker's machine.
        timeout: Seconds after which the method, or a metric, is given up; None for never.

    Raises:
        MachineError: If the worker has no such device.
    """
    job, device = unit.jobs[0], device_of(kind, turn)
    watch = Stopwatch(device)
    try:
        images = _images(job.environment, job.start, job.stop, job.target, device)
        method = _method(job.method, job.environment, job.code)
        with at_most(timeout, method.spec):
            explanation = explain(method, images.environment.model, images.batch, device=device)
    except Exception as error:  # noqa: BLE001  # a bad option, no memory left, or anything that a registered class does
        explanation = _failure(error, "method")
    if isinstance(explanation, Failure):
        _forget_models()
        return UnitResult(tuple(watch.record(failed, error=explanation) for failed in unit.jobs))
    seconds, records = watch.seconds, []
    for job in unit.jobs:
        if job.measure == AGREEMENT:
            recorded = {name: _finite(values) for name, values in explanation.recorded.items()}
            agreement = _agreement(job, images, method, explanation.values, device)
            records.append(watch.record(job, seconds=seconds, n_maps=unit.n_maps, diagnostics=recorded, **agreement))
        else:
            records.append(_measure(job, images, explanation.values, device, timeout))
    maps = explanation.values[: unit.n_maps].float().cpu().numpy() if unit.n_maps else None
    return UnitResult(tuple(records), maps)


def do_units(units: Sequence[Work], kind: str, turn: int = 0, timeout: float | None = None) -> tuple[Result, ...]:
    """Do units and tasks one after the other; see `do_unit` and `do_task`."""
    return tuple(
        do_task(unit, device_of(kind, turn), timeout) if isinstance(unit, Task) else do_unit(unit, kind, turn, timeout)
        for unit in units
    )


def device_of(kind: str, turn: int) -> str:
    """`cpu`, or `cuda:i`: GPUs are counted where the work is done, as other machines may have more or fewer."""
    if kind == "cpu":
        return "cpu"
    n_gpus = torch.cuda.device_count()
    if not n_gpus:
        raise MachineError(f"`device` must be one that every worker has, got {kind!r}; {gethostname()} has none")
    return f"cuda:{turn % n_gpus}"


def lost_unit(unit: Work, kind: str, why: str) -> Result:
    """Records of a unit whose worker ended: each is a failure of this kind, with the reason."""
    if isinstance(unit, Task):
        return TaskResult(unit, error=Failure(kind, one_line(f"{unit.function} {why}")))
    failure = Failure(kind, one_line(f"{unit.jobs[0].method} {why}"))
    return UnitResult(tuple(Record(job=job, error=failure, versions=versions()) for job in unit.jobs))


def killed_unit(unit: Work, error: Exception) -> Result:
    """Records of a unit that ended its worker, with the first sentence of the error that told of it."""
    return lost_unit(unit, "WorkerDied", f"took its process down: {error_text(error).partition('. ')[0]}")


@lru_cache(maxsize=4)
def _environment(spec: str, device: str) -> Environment:
    return make_environment(spec).to(device)


@dataclass(frozen=True, eq=False)
class _Images:
    """Images of an environment, and what metrics have prepared for them, shared by all methods.

    Args:
        environment: The environment of the images.
        batch: The images.
        prepared: Preparations by metric and digest of its code.
    """

    environment: Environment
    batch: Batch
    prepared: dict[tuple[str, str], object] = field(default_factory=dict)

    def prepare(self, metric: str, code: str) -> object:
        """Preparation of a metric for the images, computed once."""
        if (metric, code) not in self.prepared:
            self.prepared[metric, code] = _metric(metric, code).prepare(self.environment, self.batch)
        return self.prepared[metric, code]


@lru_cache(maxsize=2)
def _images(spec: str, start: int, stop: int, target: Target, device: str) -> _Images:
    environment = _environment(spec, device)
    return _Images(environment, environment.sample(stop - start, start, target=target).to(device))


@lru_cache(maxsize=64)
def _method(spec: str, environment: str, code: str) -> AnyMethod:
    method = make_method(spec, make_environment(environment))
    _check_code("method", method, code.startswith)
    return method


@lru_cache(maxsize=16)
def _metric(spec: str, code: str) -> AnyMetric:
    metric = make_metric(spec)
    _check_code("metric", metric, code.endswith)
    return metric


def _check_code(kind: str, subject: AnyMethod | AnyMetric, fits: Callable[[str], bool]) -> None:
    """Refuse a function whose file has changed since the plan was made."""
    digest = code_digest(subject)
    if digest is not None and not fits(digest):
        hint = "its file on the worker differs, or has changed since"
        raise bad_option(kind, "be as it was when the plan was made", subject.spec, hint)


def _forget_models() -> None:
    """Drop the cached models, which a failed method may have changed."""
    for cached in (_environment, _images, _method):
        cached.cache_clear()


def _agreement(job: Job, images: _Images, method: AnyMethod, maps: Tensor, device: str) -> dict[str, object]:
    batch, maps, environment = images.batch.to("cpu"), maps.cpu(), _environment(job.environment, "cpu")
    judged = judged_truth(method.declaration, environment, batch)
    scores = _scores_by_name(score(maps, judged), TRUTHS)
    if judged is not batch.ground_truth:
        of_output = _scores_by_name(score(maps, batch.ground_truth), DIFFERENT_FOR_LOGITS)
        scores |= {f"{OF_OUTPUT}{name}": values for name, values in of_output.items()}
    facts = inspect_maps(environment, batch, method.declaration, maps)
    if job.target != "winner" and job.start == 0:
        n_same = n_same_for_winner(method, images.environment, batch, maps, device)
        facts = dataclasses.replace(facts, n_same_for_winner=n_same)
    games = _games(environment, batch, method, maps) if job.start == 0 else {}
    return {"scores": scores, "n_zero_maps": facts.n_zero, "facts": facts.to_dict(), "games": games}


def _games(environment: Environment, batch: Batch, method: AnyMethod, maps: Tensor) -> dict[str, float | None]:
    """Largest distance of the first maps to the exact values of each game; empty if the environment cannot tell its values."""
    scores, explained = GameScores(), method.declaration.explained_in(environment)
    for index in range(min(len(batch), N_COMPARED)):
        part = batch[index : index + 1]
        try:
            values = values_of_games(environment, part, explained)
        except Exception:  # noqa: BLE001  # anything that the closed form of a registered environment does; `verify` names it
            return {}
        scores.add(maps[index : index + 1], values)
    return {game: agreement.largest_l1 for game, agreement in scores.agreements().items()}


def _scores_by_name(agreement: Agreement, truths: Iterable[str]) -> dict[str, list[float | None]]:
    """Precision, recall and F1 of every image, by kind of truth."""
    return {
        f"{truth}.{name}": _finite(getattr(agreement.against(truth), name).tolist())
        for truth in truths
        for name in ("precision", "recall", "f1")
    }


def _measure(job: Job, images: _Images, maps: Tensor, device: str, timeout: float | None) -> Record:
    watch = Stopwatch(device)
    try:
        with at_most(timeout, job.measure):
            prepared, metric = images.prepare(job.measure, job.code), _metric(job.measure, job.code)
            (measurement,) = measure(metric, images.environment, images.batch, [maps], prepared)
    except Exception as error:  # noqa: BLE001  # as above
        return watch.record(job, error=_failure(error, "metric"))
    return watch.record(
        job,
        scores={"score": _finite(measurement.scores.tolist())},
        curves=_curves(measurement),
        higher_is_better=bool(metric.higher_is_better),
        quantity=metric.quantity,
        bounds=_finite([math.inf if bound is None else float(bound) for bound in metric.bounds]),
    )


def _curves(measured: Measurement) -> dict[str, object] | None:
    """The curves for figures, to five digits."""
    thin = measured.thinned()
    if thin.at is None or thin.curves is None:
        return None
    return {"at": _short(thin.at.tolist()), "values": [_short(row.tolist()) for row in thin.curves]}


def _short(values: Sequence[float]) -> Finite:
    return [float(f"{value:.5g}") if np.isfinite(value) else None for value in values]


def _finite(values: Sequence[float]) -> Finite:
    return [value if np.isfinite(value) else None for value in values]


def _failure(error: Exception, role: str) -> Failure:
    if isinstance(error, AttributionLabError):
        return Failure.of(error)
    return Failure(type_name(error), one_line(f"the {role} raised {error_line(error)}"))
