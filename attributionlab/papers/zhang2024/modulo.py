"""Tables 3 and 4: `single-color-modulo`, where perturbation metrics count correct steps."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch.nn import functional

from attributionlab.environments import make_environment
from attributionlab.papers.claims import (
    Direction,
    Finding,
    JudgedClaim,
    NotMeasured,
    PublishedClaim,
    attempt,
    judge_evidence,
    within,
)
from attributionlab.papers.evidence import Evidence, average_images
from attributionlab.papers.measuring import MeasuredScores, RankedScores, measure_plan
from attributionlab.papers.published import PublishedTable
from attributionlab.papers.studies import Cell, ReportTable, StudyReport, StudySetting
from attributionlab.papers.zhang2024.published import (
    fitted,
    published,
    published_ranks,
    published_table,
    threshold,
)
from attributionlab.papers.zhang2024.rankings import consistency, correlations, orders, rank_table

FOLDER = "modulo"
METHODS = {
    "GradCAM": "gradcam[layer=5]",
    "GuidedBP": "guided-backprop",
    "LRP": "lrp-epsilon",
    "ExPerturb": "extremal-perturbation[area=0.1,blur=21,mask=bilinear]",
    "Occlusion": "occlusion[window=5,stride=3]",
    "DeepSHAP": "deepshap[rule=captum]",
    "IG": "integrated-gradients[n_steps=50]",
    "IG*": "integrated-gradients[baseline=true,n_steps=50]",
    "IBA": "iba[layer=11,information_weight=20]",
    "Random": "random",
    "Constant": "constant",
}
TRUTH = "overall"

NOTES = (
    (
        "Metrics count correct steps, as appendices F.4 and F.5 say. Such metrics are nearly functions of the "
        "truth. So a high correlation with F1 is nearly a tautology here."
    ),
    "The paper does not name the rule of LRP; ours is the epsilon rule. Images whose count is a multiple of N are not drawn.",
    (
        "Pixels are ranked by magnitude, because with 50 nodes the sign of IG is arbitrary in this environment. The exact integral "
        "is (x mod N)/n on each white pixel."
    ),
)
OPEN = "docs/calibration.md tries number and size of the blobs, weights and order of the pixels"
BLOBS = f"no setting that was tried gives the printed area ({OPEN})"
CAUSES = {
    "IBA": f"the paper leaves open how the bottleneck's noise is estimated ({OPEN})",
    "ExPerturb": f"the paper leaves open how the mask is parametrized ({OPEN})",
}


def measure_modulo(setting: StudySetting) -> MeasuredScores:
    """The scores of both tables, and of the text of appendix F, from the same records."""
    environment = {"modulo": setting.preset.sized("single-color-modulo")}
    return measure_plan(setting, FOLDER, environment, METHODS, metrics_of(setting))["modulo"]


def ranked_methods(setting: StudySetting) -> RankedScores:
    """The scores that rank the methods."""
    return measure_modulo(setting).ranked({name: name for name in METHODS}, TRUTH)


def metrics_of(setting: StudySetting) -> dict[str, str]:
    """The perturbation metrics by column; each counts correct steps."""
    return {
        "Insertion": "insertion[measure=correct-steps]",
        "Deletion": "deletion[measure=correct-steps]",
        "Sensitivity-N": f"sensitivity-n[measure=correct-steps,n_orders={setting.preset.details['sensitivity_orders']}]",
    }


def table3(setting: StudySetting) -> StudyReport:
    """Table 3: ranks."""
    ranked = ranked_methods(setting)
    printed = published_ranks("table3")
    readings = {"": ranked}
    claims = (
        *consistency("table3", printed),
        *correlations("table3", printed, readings, trusted=True),
        *orders("table3", printed.table, readings),
    )
    table = rank_table("Ranks, 0 the best; ours averaged over networks, ties sharing theirs", printed, ranked)
    return StudyReport("table3", "Table 3: ranks in single-color-modulo", claims, (table,), NOTES)


def table4(setting: StudySetting) -> StudyReport:
    """Table 4: areas under the curves."""
    ranked = ranked_methods(setting)
    printed = published_table("table4")
    areas = {method: {column: _area(ranked, method, column) for column in printed.columns} for method in printed.rows}
    by_index = dict(zip(printed.columns, _by_index(setting), strict=True))
    claims = tuple(
        JudgedClaim(_claim(printed, method, column), _findings(printed, method, column, areas[method], by_index))
        for column in printed.columns
        for method in printed.rows
    )
    more = (_optimum(areas["LRP"]["Insertion"]), _attained(setting, ranked))
    notes = (
        (
            f"With k white pixels among n, the best possible area of Insertion is 1 - k/2n, and that of Deletion is k/2n. The printed optimum, {published()['table4']['optimum']}, "
            "means that 4.92 % of the pixels are white."
        ),
        *NOTES,
    )
    return StudyReport(
        "table4", "Table 4: areas in single-color-modulo", (*claims, *more), (_table(printed, areas),), notes
    )


AreaOrFailure = Evidence | NotMeasured
"""A mean area, or why there is none."""


def _area(ranked: RankedScores, method: str, column: str) -> AreaOrFailure:
    try:
        scores = ranked.column(column, [method])[:, 0]
    except NotMeasured as error:
        return error
    return average_images(-scores if column == "Deletion" else scores)


def _claim(printed: PublishedTable, method: str, column: str) -> PublishedClaim:
    reproduced, direction = (threshold("area", entry) for entry in ("reproduced", "direction"))
    return PublishedClaim(
        key=f"table4.{column.lower()}.{method.lower()}",
        source=printed.source,
        statement=f"{column} area of {method}",
        published=f"{printed.column(column)[method]:.4f}",
        test=f"within {reproduced} of the printed area",
        direction=f"within {direction}",
        fitted=fitted("radii") if method in published()["table4"]["fitted"] else "",
    )


def _findings(
    printed: PublishedTable,
    method: str,
    column: str,
    areas: Mapping[str, AreaOrFailure],
    by_index: Mapping[str, Evidence],
) -> tuple[Finding, ...]:
    """One finding, or two for a map whose values are all equal, because their order is open."""
    value = printed.column(column)[method]
    if method != "Constant":
        return (_finding(areas[column], value, CAUSES.get(method, BLOBS)),)
    total = sum(printed.rows[method])
    cause = (
        f"the printed areas add up to {total:.2f}, but one order of the pixels gives 1, so equal values had two orders"
    )
    return (
        _finding(areas[column], value, cause, "equal values in random order"),
        _finding(by_index[column], value, cause, "equal values in the order of the pixels"),
    )


def _finding(area: AreaOrFailure, printed: float, cause: str, reading: str = "") -> Finding:
    direction = within(printed, threshold("area", "direction"))

    def judge() -> Finding:
        ours = _measured(area)
        holds = within(printed, threshold("area", "reproduced"))
        return judge_evidence(ours, holds, Direction(ours, direction), cause=cause, reading=reading)

    return attempt(reading, judge)


def _measured(area: AreaOrFailure) -> Evidence:
    if isinstance(area, NotMeasured):
        raise area
    return area


def _by_index(setting: StudySetting) -> tuple[Evidence, Evidence]:
    """Insertion and Deletion area of an order by pixel index, which depends on the scenes alone."""
    preset = setting.preset
    white = make_environment(preset.sized("single-color-modulo")).sample(preset.n_samples).ground_truth.positive_mask
    counts = white.flatten(1).double().cumsum(dim=1)
    shares = functional.pad(counts / counts[:, -1:], (1, 0))
    areas = torch.trapezoid(shares, dim=1)[None].numpy() / counts.shape[1]
    return average_images(areas), average_images(1 - areas)


def _optimum(area: AreaOrFailure) -> JudgedClaim:
    optimum = published()["table4"]["optimum"]
    claim = PublishedClaim(
        key="table4.optimum",
        source=published_table("table4").source,
        statement="The best area, 1 - k/2n for k white pixels of n, is the printed one",
        published=f"{optimum}",
        test="within 0.002 of it",
        fitted=fitted("radii"),
    )
    return JudgedClaim(claim, (attempt("", lambda: judge_evidence(_measured(area), within(optimum, 0.002))),))


def _attained(setting: StudySetting, ranked: RankedScores) -> JudgedClaim:
    """Appendix F.4.2: the best methods take all white pixels before the first black one."""
    preset = setting.preset
    white = make_environment(preset.sized("single-color-modulo")).sample(preset.n_samples).ground_truth.positive_mask
    best = 1 - white.double().flatten(1).mean(dim=1).numpy() / 2
    claim = PublishedClaim(
        key="table4.attained",
        source="appendix F.4.2",
        statement="IG, DeepSHAP and LRP attain the best Insertion area of their images",
        published="the optimum",
        test="the mean area is within 0.0005 of the best one, the precision of the table",
    )

    def judge(method: str) -> Finding:
        lost = average_images(best - ranked.column("Insertion", [method])[:, 0])
        return judge_evidence(lost, lambda value: value <= 0.0005, reading=method)

    return JudgedClaim(claim, tuple(attempt(method, judge, method) for method in published()["table4"]["fitted"]))


def _table(printed: PublishedTable, areas: Mapping[str, Mapping[str, AreaOrFailure]]) -> ReportTable:
    columns = (
        "method",
        *(f"{column}, {kind}" for column in printed.columns for kind in ("published", "ours", "low", "high")),
    )
    rows: list[tuple[Cell, ...]] = []
    for method, values in printed.rows.items():
        cells: list[Cell] = [method]
        for column, value in zip(printed.columns, values, strict=True):
            area = areas[method][column]
            cells += [value, *((None,) * 3 if isinstance(area, NotMeasured) else (area.value, area.low, area.high))]
        rows.append(tuple(cells))
    return ReportTable("Areas, with 95 % intervals over images", columns, tuple(rows))
