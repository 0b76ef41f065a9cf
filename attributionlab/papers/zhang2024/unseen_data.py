"""Tables 5, 6 and 2: do perturbation metrics rank methods as the truth does, with and without the Unseen Data Effect?

The paper contradicts itself in three places, and every reading is measured:

- *Without* the effect: section 5 and the caption of Table 6 say that it is absent; appendix I says that redundant channels are kept
  and the weights are uniform, and then that their number is what differs.
- *Truth*: section 5 takes F1 on positive truth, the caption of Table 6 on overall truth.
- *Baselines* of IG and Occlusion: appendix G.2 says the true background, section 4.3 and appendix G.3.2 say black. What LIME's
  hidden segments show is not said: here the same.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence

from attributionlab.judging import PairedDifference, paired_difference
from attributionlab.papers.claims import (
    Direction,
    Finding,
    JudgedClaim,
    PublishedClaim,
    attempt,
    judge_evidence,
)
from attributionlab.papers.evidence import SEED, Evidence, Values
from attributionlab.papers.measuring import F1_COLUMN, MeasuredScores, RankedScores, measure_plan
from attributionlab.papers.studies import StudyReport, StudySetting
from attributionlab.papers.zhang2024.lime import LIME_OF_CAPTUM
from attributionlab.papers.zhang2024.published import (
    METRIC_NAMES,
    fitted,
    published,
    published_ranks,
    published_table,
    threshold,
)
from attributionlab.papers.zhang2024.rankings import consistency, correlations, orders, rank_table
from attributionlab.papers.zhang2024.signs import positive_background
from attributionlab.specs.grammar import format_spec

WITH, OFF, UNIFORM = "with the effect", "redundancy off", "uniform weights, redundancy kept"
ENVIRONMENTS: dict[str, dict[str, object]] = {WITH: {}, OFF: {"n_redundant": 0}, UNIFORM: {"accumulator": "uniform"}}
TRUTHS = ("positive", "overall")

METHODS = {
    "GradCAM": "gradcam[layer=5]",
    "GuidedBP": "guided-backprop",
    "LIME": format_spec("lime", {"baseline": "black", **LIME_OF_CAPTUM}),
    "LIME*": format_spec("lime", {"baseline": "true", **LIME_OF_CAPTUM}),
    "ExPerturb": "extremal-perturbation[area=0.1,blur=21,mask=bilinear]",
    "Occlusion": "occlusion[window=5,stride=3]",
    "Occlusion*": "occlusion[window=5,stride=3,baseline=true]",
    "DeepSHAP": "deepshap[rule=captum]",
    "DeepSHAP (shap)": "deepshap",
    "IG": "integrated-gradients[n_steps=50]",
    "IG*": "integrated-gradients[baseline=true,n_steps=50]",
    "IBA": "iba[layer=7,information_weight=20]",
    "LRP": "lrp-epsilon",
}
"""Methods of Tables 5 and 6 and of section 4, whose verdicts are read from the same records; LRP is in Figure 23 only."""

BACKGROUND_SIGNS = "positive background"
"""Name of the metric that is no column of a table."""

PLAIN = ("GradCAM", "GuidedBP", "LIME", "ExPerturb", "Occlusion", "DeepSHAP", "IG", "IBA")
BASELINES = {
    "black baselines": {name: name for name in PLAIN},
    "true baselines": {name: f"{name}*" if f"{name}*" in METHODS else name for name in PLAIN},
}
"""The eight methods of the tables, and our methods for them, by reading of the paper."""

RULES = {"captum's rule": "DeepSHAP", "shap's rule": "DeepSHAP (shap)"}
"""DeepSHAP by the library whose rule for the softmax it has; the paper does not name its own."""

CHOICES = {
    f"{baselines}, {rule}": {**methods, "DeepSHAP": name}
    for (baselines, methods), (rule, name) in itertools.product(BASELINES.items(), RULES.items())
}
"""Our methods by everything that the paper leaves open about them."""

SHOWN = "true baselines, captum's rule"
"""The choice whose ranks stand in tables."""

PRINTED_NOTE = (
    "The printed correlations of Tables 2, 5 and 6 do not follow from the printed ranks: recomputed, Table 5 gives {with_effect} and "
    "Table 6 gives {without} (Insertion, Deletion, Sensitivity-N). So the direction of the finding is the target, not the values."
)
BAND_NOTE = (
    "Eight methods are few. Where two orders of eight methods are unrelated, their Spearman correlation still lies between "
    "-0.7 and 0.7 in nineteen of twenty cases."
)
DRAWN_NOTE = (
    "Methods are the units of a rank correlation. So intervals draw methods and images anew and keep the networks, which "
    "makes them wide. Images drawn anew give lower correlations than the images themselves, because methods with close "
    "scores change places. With few images an interval may therefore leave out its own value."
)
READINGS_NOTE = (
    "Readings: F1 against positive truth (section 5) or overall truth (caption of Table 6). IG and Occlusion begin at black "
    "(section 4.3) or at the true background (appendix G.2), and LIME's hidden segments have the same color. DeepSHAP uses "
    "captum's rule for the softmax or shap's."
)


def table5(setting: StudySetting) -> StudyReport:
    """Table 5: ranks with the effect."""
    printed = published_ranks("table5")
    readings = _readings({"": measure_effect(setting, WITH)})
    claims = (
        *consistency("table5", printed),
        *correlations("table5", printed, readings, trusted=False),
        *orders("table5", printed.table, _of_truth(readings, printed.truth)),
    )
    shown = readings[_name("", printed.truth, SHOWN)]
    table = rank_table("Ranks, 1 the best, on positive truth, from true baselines", printed, shown)
    return StudyReport("table5", "Table 5: ranks with the Unseen Data Effect", claims, (table,), _notes())


def table6(setting: StudySetting) -> StudyReport:
    """Table 6: ranks without the effect, in both readings; and Table 2: the comparison of Tables 5 and 6."""
    printed = published_ranks("table6")
    present, absent = measure_effect(setting, WITH), {name: measure_effect(setting, name) for name in (OFF, UNIFORM)}
    readings = _readings(absent)
    claims = (
        *consistency("table6", printed),
        *correlations("table6", printed, readings, trusted=False),
        *orders("table6", printed.table, _of_truth(readings, printed.truth)),
        *(_drop(column, present, absent) for column in METRIC_NAMES),
        *(_no_improvement(column, present, absent[UNIFORM]) for column in METRIC_NAMES),
    )
    tables = tuple(
        rank_table(
            f"Ranks, 1 the best, on overall truth, from true baselines; {name}",
            printed,
            readings[_name(name, printed.truth, SHOWN)],
        )
        for name in absent
    )
    return StudyReport(
        "table6",
        "Tables 6 and 2: ranks without the Unseen Data Effect",
        claims,
        tables,
        _notes(),
    )


def measure_effect(setting: StudySetting, name: str) -> MeasuredScores:
    """One environment, in a folder of its own, because several studies use it."""
    preset = setting.preset
    metrics = perturbation_metrics(setting)
    if name == WITH:
        metrics[BACKGROUND_SIGNS] = f"{positive_background.__module__}:{positive_background.__name__}"
    environment = {name: preset.sized("multi-color-sum", **ENVIRONMENTS[name])}
    return measure_plan(setting, folder_of(name), environment, METHODS, metrics)[name]


def folder_of(name: str) -> str:
    """Folder of the records of an environment of `ENVIRONMENTS`."""
    return "unseen-data-" + name.split(",", maxsplit=1)[0].replace(" ", "-")


def perturbation_metrics(setting: StudySetting) -> dict[str, str]:
    """Specs of the perturbation metrics by column."""
    orders = setting.preset.details["sensitivity_orders"]
    return {**METRIC_NAMES, "Sensitivity-N": f"sensitivity-n[n_orders={orders}]"}


def _readings(measured: Mapping[str, MeasuredScores]) -> dict[str, RankedScores]:
    """Every environment with every truth and every choice of methods."""
    return {
        _name(name, truth, choice): scores.ranked(methods, truth)
        for (name, scores), truth, (choice, methods) in itertools.product(measured.items(), TRUTHS, CHOICES.items())
    }


def _name(*parts: str) -> str:
    return ", ".join(f"{part} truth" if part in TRUTHS else part for part in parts if part)


def _of_truth(readings: Mapping[str, RankedScores], truth: str) -> dict[str, RankedScores]:
    return {name: ranked for name, ranked in readings.items() if f"{truth} truth" in name}


def _drop(column: str, present: MeasuredScores, absent: Mapping[str, MeasuredScores]) -> JudgedClaim:
    """Section 5: a metric agrees less with the truth where the effect is present."""
    printed = published_table("table2")
    values = [printed.column(column)[row] for row in ("with", "without")]
    claim = PublishedClaim(
        key=f"table2.{column.lower()}",
        source=printed.source,
        statement=f"{column} agrees less with the truth where the effect is present",
        published=f"{values[0]:.2f} with, {values[1]:.2f} without",
        test="the correlation with the effect minus that without it is below 0, and so is its whole interval",
        direction="it is below 0, whatever its interval",
        fitted=fitted(published()["table2"]["fitted"]),
    )
    findings = []
    for (name, scores), truth, (choice, methods) in itertools.product(absent.items(), TRUTHS, CHOICES.items()):
        reading = _name(name, truth, choice)
        pair = present.ranked(methods, truth), scores.ranked(methods, truth)
        findings.append(attempt(reading, _judge_difference, judge_drop, column, pair, reading))
    return JudgedClaim(claim, tuple(findings))


def _judge_difference(
    judge: Callable[[PairedDifference, Evidence, str], Finding],
    column: str,
    pair: tuple[RankedScores, RankedScores],
    reading: str,
) -> Finding:
    return judge(*difference(column, *pair), reading)


def judge_drop(paired: PairedDifference, difference: Evidence, reading: str) -> Finding:
    """Decide about a drop: a difference of correlations whose interval is below 0; its direction is its sign."""
    clear = paired.high is not None and paired.high < 0
    direction = Direction(difference, lambda value: value < 0)
    note = "" if paired.first is None else f"{paired.first:.2f} with, {paired.second:.2f} without"
    cause = "" if clear else "the interval contains 0"
    return judge_evidence(
        difference, lambda value: clear and value < 0, direction, reading=reading, note=note, cause=cause
    )


def _no_improvement(column: str, present: MeasuredScores, uniform: MeasuredScores) -> JudgedClaim:
    """Appendix I: uniform weights alone do not bring the agreement back."""
    claim = PublishedClaim(
        key=f"appendix-i.{column.lower()}",
        source="appendix I",
        statement=f"Uniform weights with redundancy kept do not significantly improve the agreement of {column}",
        published="no significant improvement",
        test=f"they raise the correlation by less than {threshold('correlation', 'reproduced')}, or lower it",
        direction="they raise it by more, but the interval of the difference contains 0",
    )
    findings = []
    for truth, (choice, methods) in itertools.product(TRUTHS, CHOICES.items()):
        reading = _name(truth, choice)
        pair = present.ranked(methods, truth), uniform.ranked(methods, truth)
        findings.append(attempt(reading, _judge_difference, judge_no_improvement, column, pair, reading))
    return JudgedClaim(claim, tuple(findings))


def judge_no_improvement(paired: PairedDifference, difference: Evidence, reading: str) -> Finding:
    """Decide about a difference, non-uniform less uniform weights, that should not be far below 0."""
    least = -threshold("correlation", "reproduced")
    unclear = paired.high is not None and paired.high >= 0
    note = (
        "" if paired.first is None else f"{paired.first:.2f} with non-uniform, {paired.second:.2f} with uniform weights"
    )
    direction = Direction(difference, lambda _: unclear)
    return judge_evidence(difference, lambda value: value > least, direction, reading=reading, note=note)


def difference(column: str, first: RankedScores, second: RankedScores) -> tuple[PairedDifference, Evidence]:
    """The correlation with F1 in the first less that in the second; their intervals draw the same methods and images on both sides.

    Raises:
        NotMeasured: If jobs failed.
    """
    pairs = [
        (_scores(first, column, network), _scores(second, column, network))
        for network in range(len(first.columns[column]))
    ]
    paired = paired_difference(pairs, seed=SEED)
    minuend, subtrahend = (ranked.correlation(F1_COLUMN, column, has_interval=False) for ranked in (first, second))
    by_seed = tuple(a - b for a, b in zip(minuend.by_seed, subtrahend.by_seed, strict=True))
    firsts = list(zip(minuend.first_alike, subtrahend.first_alike, strict=True))
    alike = tuple(map(firsts.index, firsts))
    return paired, Evidence(minuend.value - subtrahend.value, by_seed, paired.low, paired.high, alike)


def _scores(ranked: RankedScores, column: str, network: int) -> tuple[Values, Values]:
    return ranked.column(F1_COLUMN)[network], ranked.column(column)[network]


def _notes() -> tuple[str, ...]:
    def written(values: Sequence[float]) -> str:
        return ", ".join(f"{value:.2f}" for value in values)

    recomputed = [written(published_ranks(name).recomputed()) for name in ("table5", "table6")]
    return PRINTED_NOTE.format(with_effect=recomputed[0], without=recomputed[1]), BAND_NOTE, DRAWN_NOTE, READINGS_NOTE
