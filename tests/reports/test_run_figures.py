"""Figures of a run: what is drawn is what was measured, in the order of the plan, and the same file every time."""

import re

import numpy as np
import pytest
from matplotlib.figure import Figure
from wide import first_of

from attributionlab.errors import BadOption
from attributionlab.judging.audit_report import ImageCurves
from attributionlab.judging.statistics import mean_interval
from attributionlab.reports.figures.curves import band_of, band_opacity, curves_figure, draw_curves
from attributionlab.reports.figures.ranks import ranks_figure
from attributionlab.reports.figures.runs import gallery_figure, run_figures, write_figures
from attributionlab.reports.figures.saving import save_figure
from attributionlab.reports.figures.styles import method_styles
from attributionlab.reports.figures.violins import violin_figure
from attributionlab.reports.run_view import RunView, pooled
from attributionlab.runs import Plan, load_records, run_plan

FAMILY = "multi-color-sum[size=16]"


@pytest.fixture
def view(small_run):
    return RunView(small_run.records)


@pytest.mark.wide
def test_a_run_has_all_its_figures_each_with_a_name_of_its_own(small_run):
    names = [name for name, _ in run_figures(small_run.records)]
    assert names == [
        "gallery-multi-color-sum-size-16",
        "violins-multi-color-sum-size-16",
        "gallery-single-color-sum-size-16",
        "violins-single-color-sum-size-16",
        "curves-insertion",
        "curves-sensitivity-n-n-orders-4",
        "ranks",
    ]


@pytest.mark.usefixtures("layout")
@pytest.mark.parametrize(
    "draw", first_of([ranks_figure, lambda view: violin_figure(view, FAMILY)]), ids=["ranks", "violins"]
)
def test_the_same_records_give_the_same_svg(view, tmp_path, draw):
    first, second = tmp_path / "a.svg", tmp_path / "b.svg"
    for path in (first, second):
        save_figure(draw(view), path)
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.wide
def test_figures_are_written_as_pdf(small_run, tmp_path):
    figure = ranks_figure(RunView(small_run.records))
    save_figure(figure, tmp_path / "ranks.pdf")
    assert (tmp_path / "ranks.pdf").read_bytes().startswith(b"%PDF-")


def test_another_format_is_refused_before_anything_is_written(small_run, tmp_path):
    with pytest.raises(BadOption, match=r"^`figure_format` must be png or svg or pdf, got 'gif'$"):
        write_figures(small_run.records, tmp_path / "figures", "gif")
    assert not (tmp_path / "figures").exists()


@pytest.mark.wide
def test_the_bars_of_a_violin_are_the_greatest_mean_and_least_value(view):
    axis = violin_figure(view, FAMILY).axes[1]  # recall, overall truth
    values = view.scores(FAMILY, "random", "agreement", "overall.recall")
    (place,) = [index for index, method in enumerate(view.methods) if method == "random"]
    bars = [line for line in axis.collections if hasattr(line, "get_segments")]
    heights = {
        round(float(segment[0][1]), 9)
        for bar in bars
        for segment in bar.get_segments()
        if segment[0][1] == segment[1][1] and segment[0][0] < place < segment[1][0]
    }
    assert heights == {round(float(bar), 9) for bar in (values.max(), values.mean(), values.min())}


def test_violins_show_the_images_of_all_seeds(view):
    assert len(view.scores(FAMILY, "random", "agreement", "overall.f1")) == 2 * 3


@pytest.mark.wide
def test_violins_name_the_methods_in_the_order_of_the_plan_and_say_where_one_has_no_scores(view, small_run):
    axis = violin_figure(view, FAMILY).axes[0]
    assert len(axis.get_xticks()) == len(view.methods)
    (absent,) = [text for text in axis.texts if text.get_text() == "n/a"]
    assert absent.get_position()[0] == view.methods.index(small_run.broken)


@pytest.mark.wide
def test_violins_state_the_number_of_images_and_the_interval_of_the_mean(view):
    figure = violin_figure(view, FAMILY)
    axis = figure.axes[1]  # recall, overall truth
    values = view.scores(FAMILY, "random", "agreement", "overall.recall")
    place = view.methods.index("random")
    assert [text.get_text() for text in axis.texts if text.get_position()[0] == place] == [str(len(values))]
    (box,) = [bar for bar in axis.patches if bar.get_x() < place < bar.get_x() + bar.get_width()]
    interval = mean_interval(len(values), float(values.sum()), float((values**2).sum()))
    assert (box.get_y(), box.get_y() + box.get_height()) == pytest.approx(interval)
    assert "95 % interval of the mean" in figure.get_suptitle()


def test_ranks_state_the_interval_and_its_numbers(view):
    titles = [axis.get_title() for axis in ranks_figure(view).axes]
    assert all(
        re.search(r"Spearman \S+(, 95 % -?[\d.]+ to -?[\d.]+)?\n3 methods, 6 images$", title) for title in titles
    )
    assert any("95 %" in title for title in titles)


def test_curves_name_units_and_explain_bands(view):
    figure = curves_figure(view, "insertion")
    assert [axis.get_ylabel() for axis in figure.axes] == ["explained output (probability)", "explained output (value)"]
    assert {axis.get_xlabel() for axis in figure.axes} == {"share of the pixels"}
    assert figure.get_suptitle().endswith("lines: mean over 6 images; bands: their middle half (25 % to 75 %)")


def test_the_bars_of_a_curve_are_the_middle_half_at_its_markers():
    values = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 1.0], [0.0, 5.0, 1.0]])
    curves = {f"m{index}": ImageCurves(np.array([0.0, 0.5, 1.0]), values, "explained output") for index in range(5)}
    axis = Figure().subplots()
    draw_curves(axis, curves, method_styles(curves))
    (line, *_), (bars, *_) = axis.lines, axis.collections
    marked = line.get_markevery()
    drawn = [tuple(map(tuple, segment)) for segment in bars.get_segments()]
    middles = {0: (0.0, 0.0), 1: (0.5, 3.0), 2: (1.0, 1.0)}
    assert drawn == [tuple((curves["m0"].at[place], end) for end in middles[place]) for place in marked]


@pytest.mark.wide
def test_truths_that_apply_to_no_method_have_no_row(view):
    labels = [axis.get_ylabel() for axis in violin_figure(view, "single-color-sum[size=16]").axes]
    assert not any("negative" in label for label in labels)


@pytest.mark.wide
def test_a_truth_that_does_not_apply_to_a_method_has_no_violin_although_records_have_its_scores(view):
    place = view.methods.index("random")
    absent = {
        axis.get_ylabel(): [text.get_text() for text in axis.texts if text.get_position()[0] == place] == ["n/a"]
        for axis in violin_figure(view, FAMILY).axes[::2]
    }
    assert absent == {
        "overall truth": False,
        "signed truth": True,
        "positive truth": False,
        "negative truth": True,
        "positive-smooth truth": False,
    }
    assert len(view.scores(FAMILY, "random", "agreement", "negative.f1"))


def test_a_curve_is_the_mean_over_images_with_the_middle_half_around_it():
    curves = ImageCurves(
        np.array([0.0, 1.0]), np.array([[0.0, np.nan], [1.0, np.nan], [5.0, np.nan]]), "explained output"
    )
    middle, low, high = band_of(curves)
    assert (middle[0], low[0], high[0]) == (2.0, 0.5, 3.0)
    assert np.isnan([middle[1], low[1], high[1]]).all()


def test_many_bands_do_not_hide_the_curves():
    assert band_opacity(1) == band_opacity(2) == 0.12
    assert 12 * band_opacity(12) == pytest.approx(0.3)


def test_curves_at_other_points_are_interpolated_before_they_are_pooled():
    first = ImageCurves(np.array([0.0, 0.5, 1.0]), np.array([[0.0, 1.0, 2.0]]), "explained output")
    second = ImageCurves(np.array([0.0, 1.0]), np.array([[0.0, 4.0]]), "explained output")
    assert pooled([first, second]).values.tolist() == [[0.0, 1.0, 2.0], [0.0, 2.0, 4.0]]


def test_curves_have_a_panel_per_environment_and_the_colors_of_the_methods(view, small_run):
    figure = curves_figure(view, "insertion")
    styles = method_styles(view.methods)
    ran = [method for method in view.methods if method != small_run.broken]
    for axis in figure.axes:
        assert [line.get_color() for line in axis.lines] == [styles[method].color for method in ran]
    drawn = figure.axes[0].lines[1].get_ydata()
    assert drawn == pytest.approx(np.nanmean(view.curves(FAMILY, "insertion")["random"].values, axis=0))


def test_ranks_are_drawn_with_the_best_method_at_1(view):
    figure = ranks_figure(view)
    axis = figure.axes[0]
    scores = view.oriented(FAMILY, "insertion")
    best = max(scores, key=lambda method: np.nanmean(scores[method][0]))
    (line,) = [line for line in axis.lines if line.get_color() == method_styles(view.methods)[best].color]
    assert line.get_xdata() == [1.0]
    assert re.search(r"Spearman -?\d\.\d\d", axis.get_title())


def test_a_metric_that_is_better_when_lower_is_turned_around(view, monkeypatch):
    before = view.oriented(FAMILY, "insertion")["random"][1]
    monkeypatch.setitem(view.directions, "insertion", -1.0)
    assert np.array_equal(view.oriented(FAMILY, "insertion")["random"][1], -before)


def test_the_gallery_shows_saved_maps_and_says_why_one_is_missing(small_run):
    figure = gallery_figure(RunView(small_run.records), FAMILY)
    texts = " ".join(text.get_text() for axis in figure.axes for text in axis.texts).replace("\n", " ")
    assert "RuntimeError" in texts
    titles = [axis.get_title() for axis in figure.axes if axis.get_title()]
    assert titles[:4] == ["image", "ground truth", "input-x-gradient", "random"]


@pytest.mark.wide
def test_without_saved_maps_there_is_no_gallery(run_without_maps):
    assert gallery_figure(RunView(run_without_maps.records), FAMILY) is None
    assert not any(name.startswith("gallery") for name, _ in run_figures(run_without_maps.records))


def test_the_gallery_scores_each_method_as_its_records_do(tmp_path):
    """Also one that explains the logit, and is judged by its truth."""
    plan = Plan.of(environments=[FAMILY], methods=["occlusion", "gradient"], n_samples=1, save_maps=1)
    run_plan(plan, tmp_path / "run")
    records = load_records(tmp_path / "run")
    figure = gallery_figure(RunView(records), FAMILY)
    labels = [axis.get_xlabel() for axis in figure.axes if "F1" in axis.get_xlabel()]
    recorded = [records.scores(FAMILY, method, name="signed.f1")[0] for method in plan.methods]
    assert [label.splitlines()[0] for label in labels] == [f"signed F1 {f1:.2f}" for f1 in recorded]
