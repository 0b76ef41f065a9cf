"""The verdict and the dependence on the network as assertions."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from typing import Any, Literal
from unittest import SkipTest

import torch

from attributionlab.errors import bad_option
from attributionlab.judging import EnvironmentVerdict, check
from attributionlab.judging.checking import FIRST_LOOK
from attributionlab.judging.dependence import DependenceTest, is_blind
from attributionlab.judging.outcome import OVERALL
from attributionlab.judging.statistics import Rule, Summary
from attributionlab.judging.units import Source, Tally
from attributionlab.measuring.applicable import deciding_truth, judged_truth
from attributionlab.metrics import SoftScores, score
from attributionlab.specs.arguments import MOST_IMAGES, require_flag, whole_number
from attributionlab.testing.baseline import compare_with_baseline
from attributionlab.testing.failure import failure
from attributionlab.testing.hints import suggested_fix
from attributionlab.testing.own_network import require_truth
from attributionlab.testing.session import BASELINE, DETAILS, add_row
from attributionlab.testing.sight import reason_for_ceiling
from attributionlab.testing.subject import AnyEnvironment, AnySubject, Subject


class Undecided(AssertionError):
    """The interval of the mean F1 contains gamma, so the data show neither that the method passes nor that it fails."""


def assert_faithful(
    method: AnySubject,
    environment: AnyEnvironment = "multi-color-sum",
    *,
    truth: str = "auto",
    gamma: float = 0.5,
    rule: Rule = "interval",
    n_samples: int | Literal["auto"] = "auto",
    size: int = 64,
    seed: int = 0,
    device: str = "auto",
    allow_undecided: bool = False,
) -> None:
    """The method passes `attributionlab.check`: the interval of its mean F1 against the exact truth lies above gamma.

    Args:
        method: A name or spec, a function `(model, inputs, targets) -> Tensor`, or the address of one.
        environment: An environment, or its spec.
        truth: Kind of truth that decides; `auto` depends on the method's declaration.
        gamma: Smallest mean F1 that passes, in [0, 1].
        rule: `interval`, or `point`: the mean alone decides, under one network, as in the paper.
        n_samples: Number of scenes, at least 4, each under its own network; `auto` adds scenes (8, 16, .. 256) until it is decided.
        size: Rows of the images, unless the environment sets it. Images have an eighth more columns, so that swapped axes show.
        seed: Seed of environments that do not set it.
        device: `auto`, `cpu` or `cuda`.
        allow_undecided: Whether an interval that contains gamma passes.

    Raises:
        unittest.SkipTest: If the method fails, and no map made of its cells or segments could pass.
        AssertionError: If the interval is below gamma, or the method raises, returns no valid maps, or changes the model.
        Undecided: If the interval contains gamma; the message says how many images would decide. It is an AssertionError.
        BadOption: If an option is not valid.

    References:
        Zhang et al. 2024, Definition 2.1.
    """
    __tracebackhide__ = True
    require_truth(environment, "assert_faithful")
    is_auto = isinstance(n_samples, str) and n_samples == "auto"
    n_shown: Any = FIRST_LOOK if is_auto else n_samples
    subject = Subject.of(method, environment, n_shown, size, seed)
    baseline = BASELINE.get()
    if baseline is not None:
        compare_with_baseline(subject, baseline)
    verdict = check(
        subject.method, subject.environment, n_samples=n_samples, gamma=gamma, truth=truth, rule=rule, device=device
    )
    (environment_verdict,) = verdict.environments
    summary = environment_verdict.truths[verdict.deciding_truth]
    row = {
        "method": verdict.method,
        "environment": environment_verdict.environment,
        "decided by": verdict.deciding_truth,
    }
    f1 = "-" if summary is None else f"{summary.f1:.3f}"
    interval = "-" if summary is None else f"{summary.f1_low:.2f}-{summary.f1_high:.2f}"
    held = f"{environment_verdict.n_held}/{len(environment_verdict.network_seeds)}"
    seconds = environment_verdict.seconds_per_image
    row["s per image"] = "-" if seconds is None else f"{seconds:.2g}"
    details = "; ".join(_details(environment_verdict))
    add_row({**row, "F1": f1, "95 % CI": interval, "networks": held, "verdict": verdict.outcome, DETAILS: details})
    if verdict.passed or (verdict.outcome == "undecided" and require_flag("allow_undecided", allow_undecided)):
        return
    if environment_verdict.error is not None:
        raise failure(subject, f"cannot be judged: {environment_verdict.error.message}")
    assert summary is not None, "a method without an error has scores"
    ceiling = None if verdict.outcome == "blind" else reason_for_ceiling(subject, gamma)
    if ceiling is not None:
        raise SkipTest(ceiling)
    subject, maps = _as_judged(subject), subject.maps()
    scores = score(maps, subject.batch.ground_truth).against(verdict.deciding_truth)
    control = environment_verdict.controls["random"][verdict.deciding_truth]
    comparison = "" if control is None else f", where random values get {control.f1:.2f}"
    likely = suggested_fix(maps, subject.batch, verdict.deciding_truth, subject.environment)
    hints = (*environment_verdict.diagnosis, likely or environment_verdict.advice)
    between = f"{summary.f1:.2f} ({summary.f1_low:.2f} to {summary.f1_high:.2f})"
    message = failure(
        subject,
        f"{_problem(environment_verdict)}: F1 on {verdict.deciding_truth} truth is {between}, gamma {gamma:g}{comparison}",
        columns=("image", "precision", "recall", "F1", "expected"),
        rows=_score_rows(scores, gamma),
        worst=-scores.f1.nan_to_num(torch.inf),
        maps=maps,
        hint="; ".join(hint for hint in hints if hint) or None,
    )
    if verdict.outcome != "undecided":
        raise message
    raise Undecided(f"{message}\n{_images_needed(summary, gamma, environment_verdict.n_samples)}")


def _images_needed(summary: Summary, gamma: float, n_samples: int) -> str:
    """The number of images after which an interval as wide for its number would no longer contain gamma."""
    distance, half = abs(summary.f1 - gamma), (summary.f1_high - summary.f1_low) / 2
    if distance == 0:
        return "no number of images can decide a mean that equals gamma; allow_undecided=True accepts it"
    needed = max(n_samples + 1, math.ceil(n_samples * (half / distance) ** 2))
    return f"about {needed:,} images would decide it if the mean stays the same; allow_undecided=True accepts an undecided mean"


def assert_network_dependent(
    method: AnySubject,
    environment: AnyEnvironment = "multi-color-sum",
    *,
    n_samples: int = FIRST_LOOK,
    size: int = 32,
    seed: int = 0,
) -> None:
    """Maps change with the network as the truth does.

    Each image is explained under two networks that use other pixels of it (`environment.counterpart`). Network dependence is 1 for the
    truth and exactly 0 for a map that does not look at the network, such as every pixel that is not background.

    Args:
        method: A name or spec, a function `(model, inputs, targets) -> Tensor`, or the address of one.
        environment: An environment with counterparts, or its spec.
        n_samples: Number of images, each under two networks of its own, at least 2.
        size: Rows of the images, unless the environment sets it. Images have an eighth more columns, so that swapped axes show.
        seed: Seed of environments that do not set it.

    Raises:
        AssertionError: If the upper end of the dependence's 95 percent interval is below 0.02, on overall and on the truth that
            suits the method, or the method raises, returns no valid maps, or changes the model.
        BadOption: If an option is not valid, or the environment has no counterparts.
    """
    __tracebackhide__ = True
    require_truth(environment, "assert_network_dependent")
    n_samples = whole_number("n_samples", n_samples, 2, MOST_IMAGES)
    subject = Subject.of(method, environment, n_samples, size, seed)
    if not subject.environment.has_counterpart:
        raise bad_option("environment", "have counterparts, as multi-color-sum has", subject.environment.spec)
    test = DependenceTest(
        tuple(dict.fromkeys((OVERALL, deciding_truth(subject.method.declaration, subject.environment))))
    )
    source = Source(subject.environment, subject.method, torch.device("cpu"), one_network=False, batch_size=1)
    error = test.measure(Tally(source), n_samples)
    if error is not None:
        raise failure(subject, f"cannot be judged: {error.message}")
    dependence = test.results()
    if is_blind(dependence):
        raise failure(
            subject,
            "does not depend on the network: it credits the same pixels under networks that use others",
            columns=("truth", "dependence", "95 % CI", "expected"),
            rows=[(truth, f"{n.value:.3f}", f"{n.low:.3f} to {n.high:.3f}", "1") for truth, n in dependence.items()],
            hint="look for maps made from the inputs alone, or from another network than `model`",
        )


def _as_judged(subject: Subject) -> Subject:
    """The subject with the truth of the output that its method explains."""
    truth = judged_truth(subject.method.declaration, subject.environment, subject.batch)
    return dataclasses.replace(subject, batch=dataclasses.replace(subject.batch, ground_truth=truth))


def _problem(verdict: EnvironmentVerdict) -> str:
    """The outcome as the predicate of a message."""
    return "gives maps that are zero" if verdict.n_zero_maps == verdict.n_samples else _WHAT[verdict.outcome]


def _details(verdict: EnvironmentVerdict) -> Iterator[str]:
    """States of all kinds of truth, games that are answered, and what to do next."""
    states = {truth: summary.state for truth, summary in verdict.truths.items() if summary is not None}
    if states:
        yield ", ".join(f"{truth} {state}" for truth, state in states.items())
    if verdict.games:
        yield f"answers {', '.join(verdict.answers) or 'no game'}"
    if verdict.advice:
        yield f"what now: {verdict.advice}"


_WHAT = {
    "failed": "is not faithful",
    "blind": "does not follow the network",
    "pixels-only": "finds the right pixels with wrong signs",
    "undecided": "is undecided",
}
"""Outcomes as the predicate of a message."""


def _score_rows(scores: SoftScores, gamma: float) -> list[tuple[str, ...]]:
    """Rows of a table: the scores of each image."""
    columns = (scores.precision.tolist(), scores.recall.tolist(), scores.f1.tolist())
    return [
        (str(index), *(f"{value:.2f}" for value in values), f">= {gamma:g}")
        for index, values in enumerate(zip(*columns, strict=True))
    ]
