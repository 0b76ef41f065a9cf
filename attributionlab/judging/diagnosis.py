"""Diagnosis: explanations of conspicuous maps and scores, with remedies."""

from __future__ import annotations

from collections.abc import Mapping

from attributionlab.measuring.facts import MapFacts

Passed = Mapping[str, bool | None]
"""Whether the mean F1 reaches gamma, by kind of truth; None if the truth does not apply."""


def diagnose(facts: MapFacts, passed: Passed, deciding: str) -> str | None:
    """Describe everything conspicuous in one line; None if nothing is.

    Args:
        facts: Counts over the maps.
        passed: Whether the mean F1 reaches gamma, by kind of truth.
        deciding: The kind of truth that decides.
    """
    lines = (
        _about_zero_maps(facts),
        _about_signs(facts, passed),
        _about_dust(facts),
        _about_logits(facts, passed, deciding),
    )
    return "; ".join(line for line in lines if line) or None


def _about_zero_maps(facts: MapFacts) -> str | None:
    """Explain maps that are zero everywhere."""
    if facts.n_zero == 0:
        return None
    line = f"{facts.n_zero} of {facts.n_maps} maps are zero everywhere"
    if facts.n_saturated:
        return (
            f"{line}: on {facts.n_saturated} of them the softmax is saturated (the probability is 1.0 in float32, its slope "
            "along its own logit exactly 0); explain the logit (`output=logit`) or raise the temperature"
        )
    if facts.n_zero_output == facts.n_zero:
        return f"{line}: the network's output is 0 there"
    return line if facts.zero_reason is None else f"{line}: {facts.zero_reason}"


def _about_logits(facts: MapFacts, passed: Passed, deciding: str) -> str | None:
    """Explain low scores of a method that explains the logit and is judged by overall truth."""
    if (
        facts.perfect_f1 is None
        or deciding != "overall"
        or passed["overall"] is not False
        or passed["positive"] is None
    ):
        return None
    if facts.n_zero == facts.n_maps:
        return None
    return (
        "it explains the logit, in which the other colors have no part, so that even a perfect map has an F1 of only "
        f"{facts.perfect_f1 / facts.n_maps:.2f} on overall truth; {'it passes' if passed['positive'] else 'it fails as well'} "
        "on positive truth (`--truth positive`, or `output=logit`), which is the truth of the logit"
    )


def _about_dust(facts: MapFacts) -> str | None:
    """Explain values of one sign that are negligible relative to the other's."""
    if facts.n_dusty == 0:
        return None
    return (
        f"on {facts.n_dusty} of {facts.n_maps} maps the values of one sign are below a millionth of the other's, as rounding "
        "is: each sign is scaled by itself, so they count in full; if they are rounding, set them to 0"
    )


def _about_signs(facts: MapFacts, passed: Passed) -> str | None:
    """Explain scores of maps with the right pixels but wrong signs."""
    states = [passed["overall"], passed["positive"], passed["negative"]]
    if facts.n_negative == 0 or states != [True, False, False]:
        return None
    return "right pixels, wrong signs: it passes on overall truth and fails on both positive and negative truth"
