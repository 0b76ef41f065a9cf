"""Section 4: the methods that pass the faithfulness test at gamma, by kind of truth (Figures 5 to 8)."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

from attributionlab.environments import make_environment
from attributionlab.metrics import score
from attributionlab.papers.claims import (
    Direction,
    Finding,
    JudgedClaim,
    PublishedClaim,
    attempt,
    judge_evidence,
    unchecked,
)
from attributionlab.papers.evidence import Values, average_images
from attributionlab.papers.measuring import MeasuredScores
from attributionlab.papers.studies import Cell, ReportTable, StudyReport, StudySetting
from attributionlab.papers.zhang2024.own_maps import compare_signs_and_baselines
from attributionlab.papers.zhang2024.priors import NAMES as PRIORS
from attributionlab.papers.zhang2024.priors import READINGS, measure_priors
from attributionlab.papers.zhang2024.published import (
    GammaClaim,
    PublishedComparison,
    ScoreOf,
    comparisons,
    fitted,
    gamma_claims,
    threshold,
)
from attributionlab.papers.zhang2024.sam import NO_SAM
from attributionlab.papers.zhang2024.unseen_data import METHODS, RULES, WITH, measure_effect

KEY = "section4"
SHOWN = tuple(name for name in METHODS if not name.startswith("LIME"))
"""Methods of this study; LIME is measured with its priors in the study of appendix K."""

DECISIONS = {"by the paper's rule, one network": 1, "over networks": None}
"""How a verdict is reached: by the mean over the images of the first network, as in the paper, or over all networks."""

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
        "Section 4 prints figures without numbers, so the verdicts are taken from its text. Where the text does not name the "
        "truth, both are measured."
    ),
    "gamma = 0.5 is not calibrated: the F1 of a random or constant map stands in `attributionlab check` beside every verdict.",
    (
        "Appendix G.2 contradicts section 4.3 about the baselines of IG and Occlusion: both are measured, the starred ones from "
        "the true background."
    ),
    (
        "The paper does not name DeepSHAP's rule for the softmax. captum's rule loses part of the change of the output. Only "
        "with it does DeepSHAP find the right pixels with wrong signs. With shap's rule the values add up, and only the "
        "winner's logit gets a share."
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
        fitted=fitted(published.fitted),
    )
    scores = priors if published.method in PRIORS else measured
    findings = []
    for (baseline, method), truth in itertools.product(_variants(published.method).items(), published.truths):
        reading = ", ".join(part for part in (f"{truth} truth", baseline) if part)
        if method not in scores.methods:
            findings.append(unchecked(NO_SAM, reading=reading))
            continue
        cause = causes.get((published.method, truth), "")
        for decision, n_networks in DECISIONS.items():
            name = f"{reading}, {decision}"
            findings.append(attempt(name, _verdict_on, published, method, scores, truth, n_networks, name, cause))
    return JudgedClaim(claim, tuple(findings))


def _variants(method: str) -> dict[str, str]:
    """Our methods that a claim may be about: LIME by color of hidden segments and regression, DeepSHAP by its rule for the softmax."""
    if method == "DeepSHAP":
        return dict(RULES)
    if method not in PRIORS:
        return {"": method}
    return {reading: method.replace("LIME", name) for name, reading in READINGS.items()}


def _direction_text(published: GammaClaim) -> str:
    if not published.against:
        return ""
    return f"F1 {'above' if published.passes else 'below'} that of {published.against}"


def _verdict_on(
    published: GammaClaim,
    method: str,
    measured: MeasuredScores,
    truth: str,
    n_networks: int | None,
    reading: str,
    cause: str,
) -> Finding:
    name = f"{truth}.f1"

    def scores_of(each: str) -> Values:
        return measured.scores(each, name)[:n_networks]

    direction = None
    if published.against:
        difference = average_images(scores_of(method) - scores_of(published.against))
        direction = Direction(difference, lambda value: value > 0 if published.passes else value < 0)
    f1 = average_images(scores_of(method))
    return judge_evidence(
        f1, lambda value: (value >= published.gamma) == published.passes, direction, reading=reading, cause=cause
    )


def _comparison(published: PublishedComparison, measured: MeasuredScores) -> JudgedClaim:
    """One score of a method against others."""
    least = threshold("difference", "least")
    claim = PublishedClaim(
        key=f"{KEY}.{published.key}",
        source=published.source,
        statement=published.statement,
        published="a difference above 0",
        test=f"the difference is at least {least}",
        direction="it is above 0",
        fitted=fitted(published.fitted),
    )
    findings = []
    for truth, lower in itertools.product(published.truths, published.lower):
        reading = f"{truth} truth" + (f", against {lower}" if len(published.lower) > 1 else "")
        findings.append(attempt(reading, _compared, measured, published.higher, lower, truth, reading))
    return JudgedClaim(claim, tuple(findings))


def _compared(measured: MeasuredScores, higher: ScoreOf, lower: ScoreOf, truth: str, reading: str) -> Finding:
    least = threshold("difference", "least")
    difference = average_images(measured.scores(*higher.on(truth)) - measured.scores(*lower.on(truth)))
    values = ", ".join(f"{score} {measured.mean(*score.on(truth)).value:.2f}" for score in (higher, lower))
    direction = Direction(difference, lambda value: value > 0)
    return judge_evidence(difference, lambda value: value >= least, direction, reading=reading, note=values)


def _table(measured: MeasuredScores, priors: MeasuredScores) -> ReportTable:
    rows: list[tuple[Cell, ...]] = []
    for scores, names in ((measured, SHOWN), (priors, tuple(priors.methods))):
        for name in names:
            cells: list[Cell] = [name]
            for truth in TRUTHS:
                cells += scores.cells(name, f"{truth}.f1")
            rows.append(tuple(cells))
    columns = ("method", *(f"{truth}{end}" for truth in TRUTHS for end in ("", ", low", ", high")))
    return ReportTable("Mean F1, with 95 % intervals over images", columns, tuple(rows))
