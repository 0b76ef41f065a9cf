"""The user study (sections 2.3 to 5, Figure 5, appendix H): what follows from its printed numbers. Everything else would need participants."""

from __future__ import annotations

from scipy.stats import f as f_distribution

from attributionlab.papers.adebayo2020.paper import PACKAGE
from attributionlab.papers.claims import JudgedClaim, PublishedClaim, judge_evidence, unchecked
from attributionlab.papers.evidence import average_networks
from attributionlab.papers.published import load_published
from attributionlab.papers.studies import ReportTable, StudyReport, StudySetting

KEY = "adebayo-users"
N_USERS, N_MAPS = 54, 3
NO_USERS = "needs 54 participants"

FINDINGS = {
    "normal": (
        "section 3.1, Figure 5",
        "Users recommend a healthy model",
        "medians 4, 4, 3 (Gradient, SmoothGrad, IG)",
    ),
    "focus": ("section 3.1, Figure 5", "Some say that its maps highlight what they expect", "30 and 40 percent"),
    "spurious": (
        "section 3.1, Figure 5",
        "Users are unsure about a model with a spurious background",
        "medians 2, 2, 3",
    ),
    "mislabeled": ("section 3.2, Figure 5", "Users reject a model with wrong labels", "medians 1, 2, 1"),
    "top-layer": ("section 4, Figure 5", "Users reject a model with a random top layer by its labels", "by its labels"),
    "ood": ("section 5, Figure 5", "Users reject a model out of its domain by its labels", "by its labels"),
    "labels": ("section 6", "Users rely primarily on the predictions", "motivations in Figure 5 B"),
    "free-form": ("rebuttal, @R2", "Answers in users' own words", "51 of 1130 responses, 4.5 percent"),
}
"""Source, statement and printed result."""

NOTE = (
    "The printed degrees of freedom of the ANOVA are 54, the number of participants; with three maps for each of 54 participants they are "
    "159. For the condition out of distribution the printed bound on p holds with 159 alone."
)


def users(_setting: StudySetting | None = None) -> StudyReport:
    """Figure 5 and appendix H."""
    anova = load_published(PACKAGE)["users"]["anova"]
    claims = [
        JudgedClaim(
            PublishedClaim(f"{KEY}.{key}", source, statement, printed, "the same with users"), (unchecked(NO_USERS),)
        )
        for key, (source, statement, printed) in FINDINGS.items()
    ]
    claims += [_anova_claim(condition, *printed) for condition, printed in anova.items()]
    claims.append(_share_claim())
    rows = tuple(
        (condition, statistic, bound, *(p_value(statistic, freedom) for freedom in DEGREES))
        for condition, (statistic, bound) in anova.items()
    )
    columns = ("condition", "F, published", "p below, published", *(f"p of F(2, {freedom})" for freedom in DEGREES))
    table = ReportTable("One-way ANOVA over maps, recomputed from the printed statistic", columns, rows)
    return StudyReport(KEY, "Figure 5 and appendix H: user study", tuple(claims), (table,), (NOTE,))


DEGREES = (N_USERS, N_USERS * N_MAPS - N_MAPS)


def p_value(statistic: float, freedom: int) -> float:
    """Upper tail of the F distribution with 2 and `freedom` degrees of freedom."""
    return float(f_distribution.sf(statistic, 2, freedom))


def _anova_claim(condition: str, statistic: float, bound: float) -> JudgedClaim:
    claim = PublishedClaim(
        key=f"{KEY}.anova-{condition}",
        source="appendix H, data analysis",
        statement=f"The printed p follows from the printed F, condition {condition}",
        published=f"F(2, 54) = {statistic:g}, p < {bound:g}",
        test="p below the printed bound",
        is_arithmetic=True,
    )
    findings = tuple(
        judge_evidence(
            average_networks([p_value(statistic, freedom)]),
            lambda value: value < bound,
            reading=f"{freedom} degrees of freedom",
        )
        for freedom in DEGREES
    )
    return JudgedClaim(claim, findings)


def _share_claim() -> JudgedClaim:
    claim = PublishedClaim(
        key=f"{KEY}.free-form-share",
        source="rebuttal, @R2",
        statement="51 of 1130 responses are 4.5 percent, and 1130 responses are 54 participants with 21 questions",
        published="4.5 percent",
        test="the share is 4.5 percent in two digits",
        is_arithmetic=True,
    )
    note = "54 times 21 is 1134: four responses are missing without a word"
    evidence = average_networks([100 * 51 / 1130])
    return JudgedClaim(claim, (judge_evidence(evidence, lambda value: round(value, 1) == 4.5, note=note),))
