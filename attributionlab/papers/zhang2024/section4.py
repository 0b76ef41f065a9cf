"""Section 4: the methods that pass the faithfulness test at gamma, by kind of truth (Figures 5 to 8)."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

from attributionlab.environments import make_environment
from attributionlab.metrics import score
from attributionlab.papers.claims import Direction, Finding, JudgedClaim, PublishedClaim, judge_evidence, unchecked
from attributionlab.papers.evidence import average_images
from attributionlab.papers.measuring import MeasuredScores
from attributionlab.papers.studies import Cell, ReportTable, StudyReport, StudySetting
from attributionlab.papers.zhang2024.own_maps import compare_signs_and_baselines
from attributionlab.papers.zhang2024.priors import NAMES as PRIORS
from attributionlab.papers.zhang2024.priors import READINGS, measure_priors
from attributionlab.papers.zhang2024.published import GammaClaim, PublishedComparison, comparisons, gamma_claims
from attributionlab.papers.zhang2024.sam import NO_SAM
from attributionlab.papers.zhang2024.unseen_data import METHODS, WITH, measure_effect

KEY = "section4"
SHOWN = tuple(name for name in METHODS if not name.startswith("LIME"))
"""Methods of this study; LIME is measured with its priors in the study of appendix K."""

RULES = {"captum": "DeepSHAP", "shap": "DeepSHAP (shap)"}
"""DeepSHAP by the library whose rule for the softmax it has; the paper does not name its own."""

TRUTHS = ("overall", "positive", "negative", "positive-smooth")
Causes = Mapping[tuple[str, str], str]


def section4(setting: StudySetting) -> StudyReport:
    """All verdicts, the comparisons beside them, and claims that cannot be checked."""
    measured = measure_effect(setting, WITH)
    priors = measure_priors(setting)
    causes = _causes(setting)
    trained = compare_signs_and_baselines(setting)
    claims = (
        *(_verdict(published, measured, priors, causes) for published in gamma_claims()),
        *(_comparison(published, measured) for published in comparisons()),
        *trained.claims,
    )
    tables = (_table(measured, priors), *trained.tables)
    return StudyReport(KEY, "Section 4: the faithfulness test", claims, tables, NOTES, trained.figures)


NOTES = (
    (
        "Section 4 prints figures without numbers; the verdicts are those of the text. Where the text does not say on which truth, "
        "both are measured."
    ),
    "gamma = 0.5 is not calibrated: the F1 of a random or constant map stands in `attributionlab check` beside every verdict.",
    (
        "Appendix G.2 contradicts section 4.3 about the baselines of IG and Occlusion: both are measured, the starred ones from "
        "the true background."
    ),
    (
        "The paper does not name DeepSHAP's rule for the softmax. captum's loses part of the output's change, and only by it are the right "
        "pixels found with wrong signs; by shap's rule, where values add up, only the winner's logit gets a share."
    ),
)


def _causes(setting: StudySetting) -> Causes:
    """Presumed causes of other verdicts by method and truth."""
    batch = make_environment(setting.preset.sized("multi-color-sum")).sample(setting.preset.n_samples)
    winners = score(batch.ground_truth.positive_mask.double(), batch.ground_truth).overall.f1.mean()
    return {
        ("Occlusion*", "overall"): (
            f"it explains the logit, which has no negative pixels: a map of exactly the winner's pixels has {winners:.2f}"
        ),
        ("IBA", "positive-smooth"): "single peaks scale the whole map (docs/calibration.md measures how much)",
    }


def _verdict(published: GammaClaim, measured: MeasuredScores, priors: MeasuredScores, causes: Causes) -> JudgedClaim:
    claim = PublishedClaim(
        key=f"{KEY}.{published.key}",
        source=published.source,
        statement=published.statement,
        published=f"F1 {'at least' if published.passes else 'below'} {published.gamma}",
        test="the same side of gamma",
        direction=_direction_text(published),
    )
    scores = priors if published.method in PRIORS else measured
    findings = []
    for (baseline, method), truth in itertools.product(_variants(published.method).items(), published.truths):
        reading = ", ".join(part for part in (f"{truth} truth", baseline) if part)
        if method in scores.methods:
            cause = causes.get((published.method, truth), "")
            findings.append(_verdict_on(published, method, scores, truth, reading, cause))
        else:
            findings.append(unchecked(NO_SAM, reading=reading))
    return JudgedClaim(claim, tuple(findings))


def _variants(method: str) -> dict[str, str]:
    """Our methods that a claim may be about: LIME by color of hidden segments and regression, DeepSHAP by its rule for the softmax."""
    if method == "DeepSHAP":
        return {f"{rule}'s rule": name for rule, name in RULES.items()}
    if method not in PRIORS:
        return {"": method}
    return {reading: method.replace("LIME", name) for name, reading in READINGS.items()}


def _direction_text(published: GammaClaim) -> str:
    if not published.against:
        return ""
    return f"F1 {'above' if published.passes else 'below'} that of {published.against}"


def _verdict_on(
    published: GammaClaim, method: str, measured: MeasuredScores, truth: str, reading: str, cause: str
) -> Finding:
    name = f"{truth}.f1"
    direction = None
    if published.against:
        difference = average_images(measured.scores(method, name) - measured.scores(published.against, name))
        direction = Direction(difference, lambda value: value > 0 if published.passes else value < 0)
    f1 = measured.mean(method, name)
    return judge_evidence(
        f1, lambda value: (value >= published.gamma) == published.passes, direction, reading=reading, cause=cause
    )


def _comparison(published: PublishedComparison, measured: MeasuredScores) -> JudgedClaim:
    """One score of a method against others."""
    key, test = f"{KEY}.{published.key}", "the difference is above 0"
    claim = PublishedClaim(key, published.source, published.statement, "a difference above 0", test)
    higher = published.higher
    findings = []
    for truth, lower in itertools.product(published.truths, published.lower):
        difference = average_images(measured.scores(*higher.on(truth)) - measured.scores(*lower.on(truth)))
        values = ", ".join(f"{score} {measured.mean(*score.on(truth)).value:.2f}" for score in (higher, lower))
        reading = f"{truth} truth" + (f", against {lower}" if len(published.lower) > 1 else "")
        findings.append(judge_evidence(difference, lambda value: value > 0, reading=reading, note=values))
    return JudgedClaim(claim, tuple(findings))


def _table(measured: MeasuredScores, priors: MeasuredScores) -> ReportTable:
    rows: list[tuple[Cell, ...]] = []
    for scores, names in ((measured, SHOWN), (priors, tuple(priors.methods))):
        for name in names:
            cells: list[Cell] = [name]
            for truth in TRUTHS:
                f1 = scores.mean(name, f"{truth}.f1")
                cells += [_number(f1.value), _number(f1.low), _number(f1.high)]
            rows.append(tuple(cells))
    columns = ("method", *(f"{truth}{end}" for truth in TRUTHS for end in ("", ", low", ", high")))
    return ReportTable("Mean F1, with 95 % intervals over images", columns, tuple(rows))


def _number(value: float | None) -> float | None:
    """The value, or None for NaN: the truth does not apply."""
    return None if value is None or value != value else value  # noqa: PLR0124  # NaN
