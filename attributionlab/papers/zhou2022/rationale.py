"""Section 7: do rationales select the words that carry the information? (Figures 12 and 13)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from attributionlab.papers.claims import JudgedClaim
from attributionlab.papers.published import load_published
from attributionlab.papers.studies import Cell, ReportTable, StudyReport, StudySetting
from attributionlab.papers.zhou2022.claims import claim, finding
from attributionlab.papers.zhou2022.figures import report_figure
from attributionlab.papers.zhou2022.networks import run_all
from attributionlab.papers.zhou2022.paper import PACKAGE
from attributionlab.papers.zhou2022.texts import FOLDER, KINDS, SOURCE, rationale_task, texts_of
from attributionlab.reports.figures.rationales import RationalePoint, rationales_figure
from attributionlab.text import SelectionOptimum

Scores = Mapping[str, Any]

SELECTORS = {"RL": "reinforce", "CR": "hardkuma"}
"""Our selectors by the paper's names."""

NEAR = 0.05
"""Distance of precision or recall from the optimum that counts as near; ours."""


def rationale(setting: StudySetting) -> StudyReport:
    """Section 7."""
    tasks = {
        (kind, name, rate): rationale_task(setting, kind, selector, rate)
        for kind in KINDS
        for name, selector in SELECTORS.items()
        for rate in rates(setting, kind)
    }
    results = run_all(setting, list(tasks.values()), FOLDER, "zhou-rationale")
    scores = {key: with_nan(results[task.key]) for key, task in tasks.items() if task.key in results}
    claims = (
        _accurate(scores),
        _rates_match(scores),
        _near_optimal(scores, "precision"),
        _near_optimal(scores, "recall"),
        _faulty(scores),
        _articles_alone(scores),
        _below_optimum(scores),
        _worse_than_cr(scores),
        _covered(scores),
        _absence(scores),
    )
    notes = (
        SOURCE.format(digest=texts_of("article", setting.preset.details["longest_text"]).source.split()[-1]),
        *NOTES,
    )
    figure = report_figure(
        rationales_figure(_points(scores)),
        "zhou-rationale.png",
        "Precision and recall against %Sel, as in Figures 12 and 13",
    )
    return StudyReport("zhou-rationale", "Section 7: rationales", claims, (_table(scores),), notes, (figure,))


NOTES = (
    (
        "The penalty is on the expected share of selected words, where the paper's is on that of the drawn selection, which has no gradient; rewards are "
        "compared with a baseline; the target falls from 80 % to its value over the first half of the training (see docs/text.md). One network per point, "
        "as in the paper."
    ),
    "Models that are not 97 % accurate are in the claims, too, where the paper has none; their accuracy is in the table.",
    "A selected word that follows the label is not necessary: a selector that only ever selects one of two words says as much by its absence.",
)


def with_nan(value: Any) -> Any:
    """A stored result with NaN where a record has null: the precision of nothing."""
    if isinstance(value, dict):
        return {name: with_nan(part) for name, part in value.items()}
    return float("nan") if value is None else value


def rates(setting: StudySetting, kind: str) -> list[float]:
    """The paper's %Sel for a data set; the first, the last and one between where the preset asks for three."""
    printed = load_published(PACKAGE)["rationale"]["article_rates" if kind == "article" else "half_rates"]
    n = min(setting.preset.details["selection_rates"], len(printed))
    return [float(printed[round(place)]) for place in np.linspace(0, len(printed) - 1, n)]


Measured = Mapping[tuple[str, str, float], Scores]


def _of(scores: Measured, name: str, kinds: Sequence[str]) -> list[Scores]:
    return [each for (kind, own, _), each in scores.items() if own == name and kind in kinds]


def _by_model(scores: Measured, kinds: Sequence[str], value: Any, holds: Any, **options: Any) -> list[Any]:
    """A finding per selector, over its networks."""
    return [finding([value(each) for each in _of(scores, name, kinds)], holds, name, **options) for name in SELECTORS]


def _accurate(scores: Measured) -> JudgedClaim:
    least = load_published(PACKAGE)["rationale"]["accuracy"]
    findings = _by_model(scores, KINDS, lambda each: each["accuracy"], lambda value: value > least)
    statement = "All models achieve an accuracy of over 97 %"
    return claim("zhou-rationale.accurate", "sections 7.1 and 7.2", statement, "over 97 %", "above 97 %", findings)


def _rates_match(scores: Measured) -> JudgedClaim:
    findings = _by_model(
        scores, KINDS, lambda each: abs(each["selected"] - each["target"]), lambda value: value <= 0.02
    )
    statement = "The penalty makes the share of selected words match the target"
    return claim("zhou-rationale.rates", "section 7", statement, "near the target", "within 2 points", findings)


def _near_optimal(scores: Measured, score: str) -> JudgedClaim:
    findings = _by_model(
        scores, ("article",), lambda each: each["optimum"][score] - each[score], lambda value: value <= NEAR
    )
    return claim(
        f"zhou-rationale.article-{score}",
        "section 7.1, Figure 12",
        f"On Article, {score} is nearly the optimum of the whole data set",
        "near-perfect",
        f"at most {NEAR} below the optimum",
        findings,
    )


def _faulty(scores: Measured) -> JudgedClaim:
    article = [
        each
        for each in _of(scores, "CR", ("article",))
        if each["target"] == min(s["target"] for s in scores.values() if s["kind"] == "article")
    ]
    return claim(
        "zhou-rationale.faulty",
        "section 7.1, Figure 12",
        "CR at the lowest %Sel selects the first few words of a text",
        "faulty",
        "more than half of the selected words are among the first five",
        [
            finding(
                [each["first_words"] for each in article],
                lambda value: value > 0.5,
                note="one network in the paper, too",
            )
        ],
    )


def _articles_alone(scores: Measured) -> JudgedClaim:
    findings = _by_model(
        scores, ("cn", "nc"), lambda each: each["precision"] + each["non_correlating"], lambda value: value >= 0.9
    )
    return claim(
        "zhou-rationale.articles-alone",
        "section 7.2",
        "Rationales consist almost exclusively of articles",
        "almost all",
        "at least 90 % of the selected words",
        findings,
    )


def _below_optimum(scores: Measured) -> JudgedClaim:
    findings = _by_model(
        scores,
        ("cn", "nc"),
        lambda each: each["optimum"]["precision"] - each["precision"],
        lambda value: value > 0.1,
        direction=lambda value: value > 0.0,
    )
    return claim(
        "zhou-rationale.misled",
        "section 7.2, Figure 13",
        "Precision is markedly below the optimum, because non-correlating articles are selected",
        "markedly below",
        "more than 0.1 below",
        findings,
        "below",
    )


def _worse_than_cr(scores: Measured) -> JudgedClaim:
    gaps = [
        scores[kind, "CR", rate]["precision"] - each["precision"]
        for (kind, name, rate), each in scores.items()
        if name == "RL" and kind != "article" and (kind, "CR", rate) in scores
    ]
    return claim(
        "zhou-rationale.rl-worse",
        "sections 7.2 and 7.3",
        "The problem is more severe with RL than with CR",
        "RL is worse",
        "RL's precision is lower at the same target",
        [finding(gaps, lambda value: value > 0)],
    )


def _covered(scores: Measured) -> JudgedClaim:
    findings = _by_model(
        scores, KINDS, lambda each: each["covered"], lambda value: value > 0.99, direction=lambda value: value > 0.9
    )
    return claim(
        "zhou-rationale.covered",
        "sections 7.1 and 7.2, expectation",
        "Every rationale has at least one word that follows the label",
        "necessary",
        "more than 99 % of the texts",
        findings,
        "more than 90 %",
    )


def _absence(scores: Measured) -> JudgedClaim:
    findings = _by_model(scores, KINDS, lambda each: each["right_uncovered"], lambda value: value <= 0.6)
    return claim(
        "zhou-rationale.absence",
        "section 4, remark",
        "Without such a word a classifier can only guess (absence is no evidence)",
        "implied by the expectation",
        "at most 60 % of these texts are classified correctly",
        findings,
    )


def _points(scores: Measured) -> list[RationalePoint]:
    return [
        RationalePoint(
            kind,
            name,
            each["selected"],
            each["precision"],
            each["recall"],
            SelectionOptimum(**each["optimum"]),
            SelectionOptimum(**each["optimum_per_text"]),
        )
        for (kind, name, _), each in scores.items()
    ]


def _table(scores: Measured) -> ReportTable:
    rows: list[tuple[Cell, ...]] = []
    for (kind, name, rate), each in scores.items():
        numbers = [each[column] for column in ("accuracy", "selected", "precision")]
        more = [
            each["recall"],
            each["optimum"]["recall"],
            each["non_correlating"],
            each["covered"],
            each["right_uncovered"],
            each["first_words"],
        ]
        rows.append((kind, name, f"{rate:g}", *numbers, each["optimum"]["precision"], *more))
    columns = (
        "data",
        "model",
        "target",
        "accuracy",
        "%Sel",
        "precision",
        "at most",
        "recall",
        "at most (recall)",
        "other articles",
        "texts with one",
        "right without one",
        "first five words",
    )
    return ReportTable("Rationales of the test texts", columns, tuple(rows))
