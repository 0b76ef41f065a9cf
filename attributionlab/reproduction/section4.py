"""Section 4: who passes the faithfulness test at gamma, on which truth (Figures 5 to 8)."""

from __future__ import annotations

from attributionlab.reproduction.claims import Claim, Direction, Evidence, Finding, Result, judge, unchecked
from attributionlab.reproduction.measuring import Measured, mean_of, measure
from attributionlab.reproduction.own_maps import NO_SAM, section_4
from attributionlab.reproduction.priors import NAMES as PRIORS
from attributionlab.reproduction.priors import measure_priors
from attributionlab.reproduction.published import GammaClaim, gamma_claims
from attributionlab.reproduction.study import Cell, ReportTable, Setting, StudyReport
from attributionlab.reproduction.unseen_data import METHODS

KEY = "section4"
FOLDER = "section4"
SHOWN = tuple(name for name in METHODS if name != "LIME")
"""LIME comes with its priors, from the study of appendix K."""

TRUTHS = ("overall", "positive", "negative", "positive-smooth")

CAUSES = {
    "Occlusion*": "a 5x5 window smears over the thinned patch, and Occlusion explains the logit, which has no negative pixels",
    "LIME (felzenszwalb)": "the paper does not say on which truth, nor what hidden segments show; here the true background",
    "LIME (quickshift)": "the paper does not say on which truth, nor what hidden segments show; here the true background",
    "IBA": "the largest value of a map normalizes it, which punishes peaked maps",
}


def study(setting: Setting) -> StudyReport:
    """All verdicts, the comparisons beside them, and what cannot be checked."""
    environment = {"default": setting.preset.sized("multi-color-sum")}
    methods = {name: METHODS[name] for name in SHOWN}
    found = measure(setting, FOLDER, environment, methods)["default"]
    priors = measure_priors(setting)
    own = section_4(setting)
    results = (
        *(_verdict(claim, found, priors) for claim in gamma_claims()),
        *_comparisons(found),
        *own.results,
    )
    tables = (_table(found, priors), *own.tables)
    return StudyReport(KEY, "Section 4: the faithfulness test", results, tables, NOTES, own.figures)


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
)


def _verdict(said: GammaClaim, found: Measured, priors: Measured) -> Result:
    claim = Claim(
        key=f"{KEY}.{said.key}",
        source=said.source,
        statement=said.statement,
        published=f"F1 {'at least' if said.passes else 'below'} {said.gamma}",
        test="the same side of gamma",
        direction=_direction_text(said),
    )
    measured = priors if said.method in PRIORS else found
    findings = tuple(_verdict_on(said, measured, found, truth) for truth in said.truths)
    return Result(claim, findings)


def _direction_text(said: GammaClaim) -> str:
    if not said.against:
        return ""
    return f"F1 {'above' if said.passes else 'below'} that of {said.against}"


def _verdict_on(said: GammaClaim, measured: Measured, found: Measured, truth: str) -> Finding:
    setting = f"{truth} truth"
    if said.method not in measured.methods:
        return unchecked(NO_SAM, setting=setting)
    f1 = measured.mean(said.method, f"{truth}.f1")
    direction = None
    if said.against:
        difference = mean_of(found.scores(said.method, f"{truth}.f1") - found.scores(said.against, f"{truth}.f1"))
        direction = Direction(difference, lambda value: value > 0 if said.passes else value < 0)
    cause = f"possible cause: {CAUSES.get(said.method, 'the margin is small and the networks differ')}"
    return judge(f1, lambda value: (value >= said.gamma) == said.passes, direction, setting=setting, cause=cause)


def _comparisons(found: Measured) -> list[Result]:
    """What the text says about precision and recall, and who is best."""
    smooth = "positive-smooth"

    def scores(method: str, name: str, truth: str = smooth) -> Evidence:
        return found.mean(method, f"{truth}.{name}")

    def difference(first: tuple[str, str], second: tuple[str, str]) -> Evidence:
        return mean_of(found.scores(*first) - found.scores(*second))

    best_other = max(("GradCAM", "ExPerturb"), key=lambda name: scores(name, "f1").value)
    entries = [
        *(
            (
                f"precision-{name.lower()}",
                "section 4.3, Figure 7",
                f"The true baseline enhances the precision of {name}",
                difference((f"{name}*", "overall.precision"), (name, "overall.precision")),
            )
            for name in ("IG", "Occlusion")
        ),
        *(
            (
                f"recall-{name.lower()}",
                "section 4.4, Figure 8",
                f"{name} has higher recall than precision on positive smooth truth",
                difference((name, f"{smooth}.recall"), (name, f"{smooth}.precision")),
            )
            for name in ("GradCAM", "ExPerturb")
        ),
        (
            "iba-best",
            "section 4.4, Figure 8",
            "IBA is the most faithful of the three on positive smooth truth",
            difference(("IBA", f"{smooth}.f1"), (best_other, f"{smooth}.f1")),
        ),
    ]
    results = []
    for key, source, statement, evidence in entries:
        claim = Claim(f"{KEY}.{key}", source, statement, "a difference above 0", "the difference is above 0")
        setting = f"against {best_other}" if key == "iba-best" else ""
        cause = f"possible cause: {CAUSES['IBA']}" if key == "iba-best" else ""
        results.append(Result(claim, (judge(evidence, lambda value: value > 0, setting=setting, cause=cause),)))
    return results


def _table(found: Measured, priors: Measured) -> ReportTable:
    rows: list[tuple[Cell, ...]] = []
    for measured, names in ((found, SHOWN), (priors, tuple(priors.methods))):
        for name in names:
            cells: list[Cell] = [name]
            for truth in TRUTHS:
                f1 = measured.mean(name, f"{truth}.f1")
                cells += [_number(f1.value), _number(f1.low), _number(f1.high)]
            rows.append(tuple(cells))
    columns = ("method", *(f"{truth}{what}" for truth in TRUTHS for what in ("", ", low", ", high")))
    return ReportTable("Mean F1, with 95 % intervals over images", columns, tuple(rows))


def _number(value: float | None) -> float | None:
    """None where a truth does not apply."""
    return None if value is None or value != value else value  # noqa: PLR0124  # NaN
