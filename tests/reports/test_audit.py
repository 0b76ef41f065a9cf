"""The audit as tables, rows and a figure: what they show is what was found."""

import io

import numpy as np
import pytest
from rich.console import Console

from attributionlab.judging import Audit, Comparison, EnvironmentAudit, ImageCurves, MethodScores
from attributionlab.judging.ranking import PairedDifference, RankCorrelation
from attributionlab.measuring import Failure
from attributionlab.reports.figures.audit import audit_figure
from attributionlab.reports.tables.audit import CSV_COLUMNS, audit_rows, audit_tables

SPEC = "multi-color-sum[size=16]"
SEEDED = "multi-color-sum[network_seed=1,size=16]"


def scores_of(f1, insertion, deletion):
    curves = {"insertion": ImageCurves(np.array([0.0, 1.0]), np.array([[0.0, 1.0], [0.0, 3.0]]), "explained output")}
    return MethodScores(f1, {"insertion": insertion, "deletion": deletion}, {}, None, curves)


def audit_of(*environments, comparisons=()):
    methods = {
        "middle": scores_of(0.5, 0.75, 0.375),
        "failed": MethodScores(None, {"insertion": None, "deletion": None}, {}, Failure("NotFinite", "gave NaN")),
        "best": scores_of(0.875, 0.5, 0.125),
        "worst": scores_of(0.25, 0.25, 0.625),
    }
    usual = EnvironmentAudit(
        environment=SPEC,
        methods=methods,
        correlations={
            "insertion": RankCorrelation(0.5, 0.125, 0.75, 0.25, 3, 2),
            "deletion": RankCorrelation(None, None, None, None),
        },
        higher_is_better={"insertion": True, "deletion": False},
        metric_errors={"deletion": "deletion raised ValueError: no"},
        family=SPEC,
        references={"exact": scores_of(1.0, 0.875, 0.0625)},
    )
    return Audit("positive", 2, environments or (usual,), comparisons, {})


def printed(audit):
    console = Console(file=io.StringIO(), width=140, color_system=None, highlight=False)
    for table in audit_tables(audit):
        console.print(table)
    return console.file.getvalue()


def test_maps_from_the_truth_are_drawn_apart_where_they_would_stand_among_the_methods():
    figure = audit_figure(audit_of())
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()][-1] == "exact (from the truth, not ranked)"
    by_insertion, by_deletion = figure.subfigs[0].axes[2:]
    for axis, place in ((by_insertion, (1, 1)), (by_deletion, (1, 1))):
        (reference,) = [line for line in axis.lines if line.get_markerfacecolor() == "none"]
        assert (*reference.get_xdata(), *reference.get_ydata()) == place
        assert len(axis.lines) == 5, "the diagonal, three methods and the reference"


def test_methods_stand_by_falling_f1_with_those_that_failed_last():
    lines = [line.split() for line in printed(audit_of()).splitlines()]
    rows = [line for line in lines if line and line[0] in ("best", "middle", "worst", "failed")]
    assert rows == [
        ["best", "0.875", "0.500", "0.125"],
        ["middle", "0.500", "0.750", "0.375"],
        ["worst", "0.250", "0.250", "0.625"],
        ["failed", "-", "-", "-", "gave", "NaN"],
    ]
    reference = ["exact", "1.000", "0.875", "0.062", "reference"]
    assert lines[lines.index(rows[-1]) + 1] == reference, "behind the methods, whatever its scores"


def test_tables_say_which_direction_is_better_how_many_images_and_what_failed():
    text = printed(audit_of())
    assert f"{SPEC} · 2 images" in text
    assert "F1 (positive) ↑   insertion ↑   deletion ↓" in text
    assert "deletion raised ValueError: no" in text
    correlations = [line.split() for line in text.splitlines() if " to " in line and "F1" not in line]
    assert correlations == [
        ["insertion", "0.500", "0.125", "to", "0.750", "0.250", "3", "2"],
        ["deletion", *["-", "-", "to", "-", "-"], "0", "0"],
    ]


def test_rows_hold_every_score_and_statistic():
    effect = PairedDifference(0.25, 0.75, -0.5, -0.625, -0.25, 1.0, 2)
    rows = audit_rows(audit_of(comparisons=(Comparison(SPEC, "insertion", effect),)))
    assert all(set(row) <= set(CSV_COLUMNS) for row in rows)
    assert {(row["environment"], row["f1_truth"]) for row in rows} == {(SPEC, "positive")}
    scores = {(row["method"], row["score"]): (row["value"], row["error"]) for row in rows if "method" in row}
    failed = "deletion raised ValueError: no"
    assert scores["best", "f1"] == (0.875, None)
    assert scores["best", "insertion"] == (0.5, None)
    assert scores["best", "deletion"] == (0.125, failed)
    assert scores["failed", "f1"] == scores["failed", "deletion"] == (None, "gave NaN")
    assert len(scores) == 5 * 3
    assert {row["method"] for row in rows if row.get("role") == "reference"} == {"exact"}
    assert {row["n_methods"] for row in rows if row.get("statistic") == "spearman"} == {3, 0}
    others = [
        (row["score"], row["statistic"], row["value"], row["low"], row["high"]) for row in rows if "method" not in row
    ]
    assert others == [
        ("insertion", "spearman", 0.5, 0.125, 0.75),
        ("insertion", "kendall", 0.25, None, None),
        ("deletion", "spearman", None, None, None),
        ("deletion", "kendall", None, None, None),
        ("insertion", "spearman less without redundant channels", -0.5, -0.625, -0.25),
    ]


def points(axis):
    """Where the markers of the methods stand, from left to right as they were drawn."""
    return [tuple(float(value[0]) for value in line.get_data()) for line in axis.lines if len(line.get_xdata()) == 1]


def test_the_figure_ranks_the_best_first_by_f1_and_by_each_metric_in_its_direction():
    figure = audit_figure(audit_of())
    insertion, deletion = figure.subfigs[0].axes[2:]
    assert points(insertion)[:3] == [(2, 1), (1, 2), (3, 3)]
    assert points(deletion)[:3] == [(2, 2), (1, 1), (3, 3)]
    assert insertion.get_title() == "Spearman 0.50, 95 % 0.12 to 0.75\n3 methods, 2 images"
    assert deletion.get_title().startswith("Spearman undefined\n")


def test_the_figure_draws_mean_curves_and_the_middle_half_of_the_images():
    figure = audit_figure(audit_of())
    curves, without = figure.subfigs[0].axes[:2]
    assert [line.get_ydata().tolist() for line in curves.lines] == [[0, 2]] * 4
    assert len(curves.collections) == 3, "none for the map from the truth"
    band = curves.collections[0].get_paths()[0].vertices
    assert {(x, y) for x, y in band.tolist() if x == 1} == {(1, 1.5), (1, 2.5)}
    assert (curves.get_xlabel(), curves.get_ylabel()) == ("share of the pixels", "explained output (probability)")
    assert "mean over 2 images; bands: their middle half" in figure.subfigs[0].get_suptitle()
    assert without.texts[0].get_text() == "no curves"


@pytest.mark.wide
def test_a_figure_of_methods_that_all_failed_is_drawn():
    methods = {"failed": audit_of().environments[0].methods["failed"]}
    nothing = RankCorrelation(None, None, None, None)
    environment = EnvironmentAudit(SPEC, methods, {"deletion": nothing}, {"deletion": False}, {}, SPEC)
    audit_figure(audit_of(environment)).canvas.draw()


@pytest.mark.parametrize("values", [(0.5, 0.75), (None, 0.75), (None, None)])
def test_seeds_are_averaged_over_those_with_a_correlation(values):
    environments = [
        EnvironmentAudit(
            spec, {}, {"deletion": RankCorrelation(value, None, None, None)}, {"deletion": False}, {}, SPEC
        )
        for spec, value in zip((SPEC, SEEDED), values, strict=True)
    ]
    known = [value for value in values if value is not None]
    text = printed(audit_of(*environments))
    row = text.partition("over network seeds")[2].partition(SPEC)[2].splitlines()[0].split()
    numbers = ["0.625", "0.500", "to", "0.750"] if len(known) == 2 else ["0.750", "0.750", "to", "0.750"]
    assert row == ["deletion", *(numbers if known else ["-", "-"]), str(len(known))]
    assert SEEDED not in text, "one network is enough to look at"
