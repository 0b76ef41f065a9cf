"""The sentence that reports a verdict, with all that it takes to measure it again."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from attributionlab.judging.verdict import EnvironmentVerdict, Verdict


def report_as(verdict: Verdict) -> str:
    """One sentence for a paper: program, method, outcome, benchmark, and in each environment the score that decides with its interval."""
    program = f"attributionlab {_version(verdict, 'attributionlab')} (torch {_version(verdict, 'torch')})"
    rule = "" if verdict.rule == "interval" else ", decided by the mean alone"
    measured = "; ".join(_measured(verdict, environment) for environment in verdict.environments)
    benchmark = f" on the benchmark {verdict.benchmark}" if verdict.benchmark else ""
    threshold = f"F1 on {verdict.deciding_truth} truth, threshold {verdict.gamma:g}{rule}"
    return f"{program} finds {verdict.method} {verdict.outcome}{benchmark} ({threshold}): {measured}."


def _version(verdict: Verdict, package: str) -> str:
    """A package's version; verdicts that were stored or made by hand may lack it."""
    return verdict.versions.get(package, "of unknown version")


def _measured(verdict: Verdict, environment: EnvironmentVerdict) -> str:
    """The score that decides in one environment, or why there is none."""
    n, n_networks = environment.n_samples, len(environment.network_seeds)
    networks = "one network" if n_networks == 1 else f"{n_networks} networks"
    images = f"{n} image{'s' if n > 1 else ''} under {networks}, seed {environment.seed}, {environment.device}"
    if environment.error is not None:
        return f"{environment.error.type} in {environment.environment}, {images}"
    summary = environment.truths[verdict.deciding_truth]
    if summary is None:
        return f"no such truth in {environment.environment}, {images}"
    interval = f"95 % interval {summary.f1_low:.3f} to {summary.f1_high:.3f}"
    return f"{summary.f1:.3f} ({interval}) in {environment.environment}, {images}"
