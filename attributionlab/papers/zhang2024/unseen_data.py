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
from collections.abc import Mapping, Sequence

import numpy as np

from attributionlab.judging.ranking import PairedDifference, paired_difference
from attributionlab.papers.claims import Claim, Direction, Evidence, Finding, Result, Status, Values, judge
from attributionlab.papers.study import Setting, StudyReport
from attributionlab.papers.zhang2024.measuring import SEED, Measured, Ranked, measure
from attributionlab.papers.zhang2024.published import F1_COLUMN, METRIC_NAMES, published_table
from attributionlab.papers.zhang2024.rankings import consistency, correlations, orders, rank_table

WITH, OFF, UNIFORM = "with the effect", "redundancy off", "uniform weights, redundancy kept"
ENVIRONMENTS: dict[str, dict[str, object]] = {WITH: {}, OFF: {"n_redundant": 0}, UNIFORM: {"accumulator": "uniform"}}
TRUTHS = ("positive", "overall")

METHODS = {
    "GradCAM": "gradcam[layer=5]",
    "GuidedBP": "guided-backprop",
    "LIME": "lime[segments=quickshift,baseline=black]",
    "LIME*": "lime[segments=quickshift]",
    "ExPerturb": "extremal-perturbation[area=0.1,blur=21]",
    "Occlusion": "occlusion[window=5,stride=3]",
    "Occlusion*": "occlusion[window=5,stride=3,baseline=true]",
    "DeepSHAP": "deepshap",
    "IG": "integrated-gradients",
    "IG*": "integrated-gradients[baseline=true]",
    "IBA": "iba[layer=7,information_weight=20]",
}
PLAIN = ("GradCAM", "GuidedBP", "LIME", "ExPerturb", "Occlusion", "DeepSHAP", "IG", "IBA")
BASELINES = {
    "black baselines": {name: name for name in PLAIN},
    "true baselines": {name: f"{name}*" if f"{name}*" in METHODS else name for name in PLAIN},
}
"""By reading, the eight methods of the tables and which of ours they are."""

PRINTED_NOTE = (
    "The printed correlations of Tables 2, 5 and 6 do not follow from the printed ranks: recomputed, Table 5 gives {with_effect} and "
    "Table 6 gives {without} (Insertion, Deletion, Sensitivity-N). So the direction of the finding is the target, not the values."
)
BAND_NOTE = "Eight methods are few ranks: without any relation, Spearman's correlation stays within about 0.7 of 0 nineteen times of twenty."
DRAWN_NOTE = (
    "Correlations of images drawn anew are lower than those of the images themselves, because methods that are close swap: with few images "
    "an interval may leave out its own value."
)
READINGS_NOTE = (
    "Readings: F1 against positive truth (section 5) or overall truth (caption of Table 6); IG and Occlusion from black "
    "(section 4.3) or from the true background (appendix G.2), LIME's hidden segments alike."
)


def table5(setting: Setting) -> StudyReport:
    """With the effect."""
    printed = published_table("table5")
    readings = _readings({"": _measured(setting, WITH)})
    results = (
        *consistency("table5", printed),
        *correlations("table5", printed, readings, trusted=False),
        *orders("table5", printed, _of_truth(readings, printed.truth)),
    )
    shown = readings[_name("", printed.truth, "true baselines")]
    table = rank_table("Ranks, 1 the best, on positive truth, from true baselines", printed, shown)
    return StudyReport("table5", "Table 5: ranks with the Unseen Data Effect", results, (table,), _notes())


def table6(setting: Setting) -> StudyReport:
    """Without it, in both readings, and Table 2: the comparison of the two."""
    printed = published_table("table6")
    present, absent = _measured(setting, WITH), {name: _measured(setting, name) for name in (OFF, UNIFORM)}
    readings = _readings(absent)
    results = (
        *consistency("table6", printed),
        *correlations("table6", printed, readings, trusted=False),
        *orders("table6", printed, _of_truth(readings, printed.truth)),
        *(_drop(column, present, absent) for column in METRIC_NAMES),
        *(_no_improvement(column, present, absent[UNIFORM]) for column in METRIC_NAMES),
    )
    tables = tuple(
        rank_table(
            f"Ranks, 1 the best, on overall truth, from true baselines; {name}",
            printed,
            readings[_name(name, printed.truth, "true baselines")],
        )
        for name in absent
    )
    return StudyReport("table6", "Tables 6 and 2: ranks without the Unseen Data Effect", results, tables, _notes())


def _measured(setting: Setting, name: str) -> Measured:
    """One environment, in a folder of its own, so that both tables share what they share."""
    preset = setting.preset
    metrics = {**METRIC_NAMES, "Sensitivity-N": f"sensitivity-n[n_orders={preset.sensitivity_orders}]"}
    folder = "unseen-data-" + name.split(",", maxsplit=1)[0].replace(" ", "-")
    environment = {name: preset.sized("multi-color-sum", **ENVIRONMENTS[name])}
    return measure(setting, folder, environment, METHODS, metrics)[name]


def _readings(measured: Mapping[str, Measured]) -> dict[str, Ranked]:
    """Every environment with every truth and every choice of baselines."""
    return {
        _name(name, truth, baselines): found.ranked(methods, truth)
        for (name, found), truth, (baselines, methods) in itertools.product(measured.items(), TRUTHS, BASELINES.items())
    }


def _name(*parts: str) -> str:
    return ", ".join(f"{part} truth" if part in TRUTHS else part for part in parts if part)


def _of_truth(readings: Mapping[str, Ranked], truth: str) -> dict[str, Ranked]:
    return {name: ranked for name, ranked in readings.items() if f"{truth} truth" in name}


def _drop(column: str, present: Measured, absent: Mapping[str, Measured]) -> Result:
    """Section 5: the metrics agree less with the truth where the effect is present."""
    printed = published_table("table2")
    values = [printed.column(column)[row] for row in ("with", "without")]
    claim = Claim(
        key=f"table2.{column.lower()}",
        source=printed.source,
        statement=f"{column} agrees less with the truth where the effect is present",
        published=f"{values[0]:.2f} with, {values[1]:.2f} without",
        test="the correlation with the effect less that without it is below 0, its interval, too",
        direction="it is below 0, whatever its interval",
    )
    findings = []
    for (name, other), truth, (baselines, methods) in itertools.product(absent.items(), TRUTHS, BASELINES.items()):
        found, difference = _difference(column, present.ranked(methods, truth), other.ranked(methods, truth))
        findings.append(judge_drop(found, difference, _name(name, truth, baselines)))
    return Result(claim, tuple(findings))


def judge_drop(found: PairedDifference, difference: Evidence, setting: str) -> Finding:
    """A difference of correlations is a drop if its interval is below 0, and points that way if it is."""
    clear = found.high is not None and found.high < 0
    direction = Direction(difference, lambda value: value < 0)
    note = "" if found.first is None else f"{found.first:.2f} with, {found.second:.2f} without"
    cause = "" if clear else "the interval contains 0"
    return judge(difference, lambda value: clear and value < 0, direction, setting=setting, note=note, cause=cause)


def _no_improvement(column: str, present: Measured, uniform: Measured) -> Result:
    """Appendix I: uniform weights alone do not bring the agreement back."""
    claim = Claim(
        key=f"appendix-i.{column.lower()}",
        source="appendix I",
        statement=f"Uniform weights with redundancy kept do not significantly improve the agreement of {column}",
        published="no significant improvement",
        test="the interval of the difference to the non-uniform network contains 0, or uniform weights are worse",
    )
    findings = []
    for truth, (baselines, methods) in itertools.product(TRUTHS, BASELINES.items()):
        found, difference = _difference(column, present.ranked(methods, truth), uniform.ranked(methods, truth))
        setting = _name(truth, baselines)
        findings.append(_judge_no_improvement(found, difference, setting))
    return Result(claim, tuple(findings))


def _judge_no_improvement(found: PairedDifference, difference: Evidence, setting: str) -> Finding:
    if found.high is None or not np.isfinite(difference.value):  # undefined with some network
        return judge(difference, lambda _: False, setting=setting)
    improved = found.high < 0
    note = f"{found.first:.2f} with non-uniform, {found.second:.2f} with uniform weights"
    reason = "uniform weights agree better" if improved else "no clear improvement"
    status = Status.not_reproduced if improved else Status.reproduced
    return Finding(setting, status, f"{reason}; {note}", difference, None)


def _difference(column: str, first: Ranked, second: Ranked) -> tuple[PairedDifference, Evidence]:
    """By how much the correlation with F1 is lower in the first than in the second, on the same images."""
    pairs = [
        (_scores(first, column, network), _scores(second, column, network))
        for network in range(len(first.columns[column]))
    ]
    found = paired_difference(pairs, seed=SEED)
    one, other = (ranked.correlation(F1_COLUMN, column) for ranked in (first, second))
    by_seed = tuple(a - b for a, b in zip(one.by_seed, other.by_seed, strict=True))
    return found, Evidence(one.value - other.value, by_seed, found.low, found.high)


def _scores(ranked: Ranked, column: str, network: int) -> tuple[Values, Values]:
    return ranked.columns[F1_COLUMN][network], ranked.columns[column][network]


def _notes() -> tuple[str, ...]:
    def written(values: Sequence[float]) -> str:
        return ", ".join(f"{value:.2f}" for value in values)

    recomputed = [written(published_table(name).recomputed()) for name in ("table5", "table6")]
    return PRINTED_NOTE.format(with_effect=recomputed[0], without=recomputed[1]), BAND_NOTE, DRAWN_NOTE, READINGS_NOTE
