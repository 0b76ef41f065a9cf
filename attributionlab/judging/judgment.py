"""The verdict on the maps of a tally, or on a method that failed: outcome, scores, controls, games and advice."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import torch

from attributionlab.errors import bad_option
from attributionlab.judging.advice import Symptoms, advise, check_command, is_typed, show_command
from attributionlab.judging.dependence import Dependence, is_blind, is_right_without_network, weak_dependence
from attributionlab.judging.diagnosis import diagnose, summarize_recorded
from attributionlab.judging.games import first_agreements, n_compared
from attributionlab.judging.outcome import Outcome, outcome_of, states_of
from attributionlab.judging.statistics import Rule
from attributionlab.judging.units import Tally
from attributionlab.judging.verdict import EnvironmentVerdict, Truths
from attributionlab.measuring.progress import Progress
from attributionlab.truth import TRUTHS

GAMMA = 0.5
"""Smallest mean F1 that passes, unless another is given."""

MAX_SECONDS = 120.0
"""Seconds after which no more images are added."""


@dataclass(frozen=True)
class CheckOptions:
    """Validated options of a check.

    Args:
        looks: Numbers of scenes after which to look.
        gamma: Smallest mean F1 that passes.
        rule: What decides.
        one_network: Whether all scenes share a network.
        max_seconds: Seconds after which no more images are added.
        batch_size: Scenes per call of a method.
        device: Device on which methods run.
        progress: Called with the number of scenes finished since the last call.
        picked: Whether the user named the deciding truth.
        more: How to get more scenes; empty for the command itself.
        is_stored: Whether the maps come from elsewhere, so that no command names their method.
    """

    looks: tuple[int, ...]
    gamma: float
    rule: Rule
    one_network: bool
    max_seconds: float
    batch_size: int
    device: torch.device
    progress: Progress
    picked: bool = False
    more: str = ""
    is_stored: bool = False


def outcome_so_far(tally: Tally, deciding: str, options: CheckOptions) -> Outcome:
    """The outcome so far, from the scores alone."""
    truths = tally.scores.summaries(tally.applicable, options.gamma, options.rule)
    return outcome_of(states_of(truths), deciding, picked=options.picked)


def judge(
    tally: Tally,
    deciding: str,
    options: CheckOptions,
    *,
    dependence: dict[str, Dependence] | None = None,
    same_for_other: bool | None = None,
    out_of_time: bool = False,
) -> EnvironmentVerdict:
    """The verdict on the maps of a tally, or on a method that failed.

    Raises:
        BadOption: If the deciding truth has no feature in any sample.
    """
    environment = tally.source.environment
    failed = EnvironmentVerdict(
        environment=environment.spec,
        n_samples=tally.n_begun,
        network_seeds=tally.source.network_seeds(tally.n_begun),
        seed=environment.data_seed,
        device=options.device.type,
        outcome="failed",
        truths=dict.fromkeys(TRUTHS),
        controls=_controls(tally, options),
        error=tally.failure,
    )
    if tally.failure is not None:
        return dataclasses.replace(failed, advice=_advice(failed, deciding, options, tally.source.method.spec))
    if failed.controls["constant"][deciding] is None:
        hint = f"none of {tally.n} samples of {environment.spec} has such a feature"
        raise bad_option("truth", "apply to some sample", deciding, hint)
    truths = tally.scores.summaries(tally.applicable, options.gamma, options.rule)
    outcome = _judged_outcome(truths, deciding, options, dependence)
    verdict = dataclasses.replace(
        failed,
        outcome=outcome,
        truths=truths,
        dependence=dependence,
        n_held=tally.n_held(deciding, options.gamma),
        ignores_target=same_for_other,
        out_of_time=out_of_time,
        seconds_per_image=tally.seconds / tally.n if tally.seconds else None,
        n_zero_maps=tally.facts.n_zero,
        diagnosis=(
            *diagnose(tally.facts, tally.recorded),
            *filter(None, [weak_dependence(dependence, deciding)]),
        ),
        diagnostics=summarize_recorded(tally.recorded),
        games=first_agreements(tally),
        n_compared=n_compared(tally),
        declares=tally.source.method.answers,
    )
    return dataclasses.replace(verdict, advice=_advice(verdict, deciding, options, tally.source.method.spec))


def _judged_outcome(
    truths: Truths, deciding: str, options: CheckOptions, dependence: dict[str, Dependence] | None
) -> Outcome:
    """The outcome from the scores and the network dependence; by the rule `point` the mean decides alone."""
    outcome = outcome_of(states_of(truths), deciding, picked=options.picked)
    if options.rule == "point":
        return outcome
    f1 = {truth: 0.0 if summary is None else summary.f1 for truth, summary in truths.items()}
    is_borrowed = outcome == "passed" and is_right_without_network(dependence, f1)
    return "blind" if is_blind(dependence) or is_borrowed else outcome


def _advice(verdict: EnvironmentVerdict, deciding: str, options: CheckOptions, method: str) -> str:
    """Advice on a verdict."""
    typed = method if is_typed(method) and not options.is_stored else ""
    named = (verdict.environment, typed)
    return advise(
        Symptoms(
            outcome=verdict.outcome,
            truths=verdict.truths,
            deciding=deciding,
            gamma=options.gamma,
            has_error=verdict.error is not None,
            n_zero=verdict.n_zero_maps,
            n_maps=verdict.n_samples,
            ignores_target=bool(verdict.ignores_target),
            out_of_time=verdict.out_of_time,
            show=show_command(*named),
            more=options.more or _more_scenes(verdict, deciding, options, typed),
        )
    )


def _more_scenes(verdict: EnvironmentVerdict, deciding: str, options: CheckOptions, method: str) -> str:
    """The command that checks on four times as many scenes (half the interval), or for longer; the option where none can be typed."""
    if not method:
        return "`max_seconds`" if verdict.out_of_time else "`n_samples`"
    changed = {"gamma": options.gamma, "truth": deciding if options.picked else "auto"}
    usual = {"gamma": GAMMA, "truth": "auto"}
    kept = {name: value for name, value in changed.items() if value != usual[name]}
    more = (
        {"max-seconds": max(4 * options.max_seconds, MAX_SECONDS)}
        if verdict.out_of_time
        else {"n-samples": 4 * verdict.n_samples}
    )
    return f"`{check_command(verdict.environment, method, {**kept, **more})}`"


def _controls(tally: Tally, options: CheckOptions) -> dict[str, Truths]:
    """Scores of the control maps."""
    return {
        name: scores.summaries(tally.applicable, options.gamma, options.rule) for name, scores in tally.controls.items()
    }
