"""Section 4: who passes the faithfulness test at gamma, on which truth (Figures 5 to 8)."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

from attributionlab.environments import make_environment
from attributionlab.metrics import score
from attributionlab.papers.claims import Claim, Direction, Finding, Result, judge, unchecked
from attributionlab.papers.study import Cell, ReportTable, Setting, StudyReport
from attributionlab.papers.zhang2024.measuring import Measured, mean_of, measure
from attributionlab.papers.zhang2024.own_maps import NO_SAM, section_4
from attributionlab.papers.zhang2024.priors import BASELINES, measure_priors
from attributionlab.papers.zhang2024.priors import NAMES as PRIORS
from attributionlab.papers.zhang2024.published import Comparison, GammaClaim, comparisons, gamma_claims
from attributionlab.papers.zhang2024.unseen_data import METHODS

KEY = "section4"
FOLDER = "section4"
SHOWN = tuple(name for name in METHODS if not name.startswith("LIME"))
"""LIME comes with its priors, from the study of appendix K."""

TRUTHS = ("overall", "positive", "negative", "positive-smooth")
Causes = Mapping[tuple[str, str], str]


def study(setting: Setting) -> StudyReport:
    """All verdicts, the comparisons beside them, and what cannot be checked."""
    environment = {"default": setting.preset.sized("multi-color-sum")}
    methods = {name: METHODS[name] for name in SHOWN}
    found = measure(setting, FOLDER, environment, methods)["default"]
    priors = measure_priors(setting)
    causes = _causes(setting)
    own = section_4(setting)
    results = (
        *(_verdict(claim, found, priors, causes) for claim in gamma_claims()),
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


def _causes(setting: Setting) -> Causes:
    """By method and truth, what is known of why a verdict might differ."""
    batch = make_environment(setting.preset.sized("multi-color-sum")).sample(setting.preset.n_samples)
    winners = score(batch.ground_truth.positive_mask.double(), batch.ground_truth).overall.f1.mean()
    return {
        ("Occlusion*", "overall"): (
            f"it explains the logit, which has no negative pixels: a map of exactly the winner's pixels has {winners:.2f}"
        ),
        ("IBA", "positive-smooth"): "single peaks scale the whole map (docs/calibration.md measures how much)",
    }


def _verdict(said: GammaClaim, found: Measured, priors: Measured, causes: Causes) -> Result:
    claim = Claim(
        key=f"{KEY}.{said.key}",
        source=said.source,
        statement=said.statement,
        published=f"F1 {'at least' if said.passes else 'below'} {said.gamma}",
        test="the same side of gamma",
        direction=_direction_text(said),
    )
    measured = priors if said.method in PRIORS else found
    findings = []
    for (baseline, method), truth in itertools.product(_variants(said.method).items(), said.truths):
        reading = ", ".join(part for part in (f"{truth} truth", baseline) if part)
        if method in measured.methods:
            findings.append(_verdict_on(said, method, measured, truth, reading, causes.get((said.method, truth), "")))
        else:
            findings.append(unchecked(NO_SAM, setting=reading))
    return Result(claim, tuple(findings))


def _variants(method: str) -> dict[str, str]:
    """By what LIME's hidden segments show, which of ours a claim may be about; other methods are what they are."""
    if method not in PRIORS:
        return {"": method}
    return {f"{baseline} baseline": method.replace("LIME", name) for name, baseline in BASELINES.items()}


def _direction_text(said: GammaClaim) -> str:
    if not said.against:
        return ""
    return f"F1 {'above' if said.passes else 'below'} that of {said.against}"


def _verdict_on(said: GammaClaim, method: str, measured: Measured, truth: str, reading: str, cause: str) -> Finding:
    name = f"{truth}.f1"
    direction = None
    if said.against:
        difference = mean_of(measured.scores(method, name) - measured.scores(said.against, name))
        direction = Direction(difference, lambda value: value > 0 if said.passes else value < 0)
    f1 = measured.mean(method, name)
    return judge(f1, lambda value: (value >= said.gamma) == said.passes, direction, setting=reading, cause=cause)


def _comparisons(found: Measured) -> list[Result]:
    """What the text says about who has more of something."""
    return [_comparison(said, found) for said in comparisons()]


def _comparison(said: Comparison, found: Measured) -> Result:
    claim = Claim(f"{KEY}.{said.key}", said.source, said.statement, "a difference above 0", "the difference is above 0")
    higher = said.higher
    findings = []
    for truth, lower in itertools.product(said.truths, said.lower):
        difference = mean_of(found.scores(*higher.on(truth)) - found.scores(*lower.on(truth)))
        values = ", ".join(f"{one} {found.mean(*one.on(truth)).value:.2f}" for one in (higher, lower))
        setting = f"{truth} truth" + (f", against {lower}" if len(said.lower) > 1 else "")
        findings.append(judge(difference, lambda value: value > 0, setting=setting, note=values))
    return Result(claim, tuple(findings))


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
