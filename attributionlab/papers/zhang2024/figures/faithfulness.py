"""Figures 5 to 8: scores of the faithfulness test, and maps on a designed and on a real network."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from attributionlab.papers.evidence import Values
from attributionlab.papers.figures import DrawnFigure
from attributionlab.papers.stored import FirstMaps, StoredRun
from attributionlab.papers.studies import StudySetting
from attributionlab.papers.zhang2024.figures.panels import finite_mean, image_and_truth, map_panel
from attributionlab.papers.zhang2024.figures.real import own_maps_or_reason, real_section, title_of
from attributionlab.papers.zhang2024.figures.runs import multi_color_maps, prior_maps, priors_run, section4_run
from attributionlab.papers.zhang2024.figures.sections import BARS, Section, color_bar, compose, gallery, violins
from attributionlab.papers.zhang2024.own_maps import opposite_signs, pixel_correlation
from attributionlab.papers.zhang2024.own_networks import BLACK, CLASSICAL, OwnMaps, from_color
from attributionlab.papers.zhang2024.unseen_data import RULES

PARTS = {"precision": "precision", "recall": "recall", "F1": "f1"}
"""Names of scores in records, by title."""

DESIGNED = "(b) multi-color-sum, with F1 on {truth} truth"

REAL = "In (c), where colors end at the 99th percentile, nobody knows the truth."

Measure = Callable[[OwnMaps], str]
"""A sentence about maps on a real network."""

Labels = Mapping[str, tuple[str, str]]
"""Method and kind of truth, by label of a violin."""


def score_axes(run: StoredRun, labels: Labels) -> dict[str, dict[str, Values]]:
    """Precision, recall and F1, over the images of all networks."""
    return {
        title: {label: run.scores(method, f"{truth}.{name}") for label, (method, truth) in labels.items()}
        for title, name in PARTS.items()
    }


def mean_scores(axes: Mapping[str, Mapping[str, Values]], title: str = "F1") -> str:
    """The means of a score in words."""
    return ", ".join(f"{label} {finite_mean(values):.2f}" for label, values in axes[title].items())


def _figure(
    setting: StudySetting,
    run: StoredRun,
    labels: Labels,
    designed: Section,
    beginnings: Sequence[str],
    measure: Measure,
) -> DrawnFigure:
    """Violins, maps on a designed network, and those on a real one whose names begin like this.

    `measure` describes the maps on the real network by a number that stands in for the eye.
    """
    axes = score_axes(run, labels)
    own = own_maps_or_reason(setting)
    note = f"{REAL}{measure(own)}" if isinstance(own, OwnMaps) else own
    sections = [real_section(own, "c", beginnings)] if isinstance(own, OwnMaps) else []
    figure = compose(violins(f"(a) {run.scope}; dashed: gamma = 0.5", axes), designed, *sections, color_bar())
    return DrawnFigure(figure, f"Mean F1: {mean_scores(axes)}. {note} {BARS}")


def _in_one_row(shown: FirstMaps, methods: Sequence[str], truth: str) -> Section:
    """The images, one after the other in a row, each with its truth and maps."""
    panels = []
    for row in range(len(shown.batch)):
        panels += image_and_truth(shown, row)
        panels += [map_panel(shown, row, method, truth) for method in methods]
    return gallery(DESIGNED.format(truth=truth), [panels])


def _in_rows(shown: FirstMaps, methods: Sequence[str], truth: str) -> Section:
    """A row per image, with its truth and maps."""
    rows = [
        [*image_and_truth(shown, row), *(map_panel(shown, row, method, truth, title_of(method)) for method in methods)]
        for row in range(len(shown.batch))
    ]
    return gallery(DESIGNED.format(truth=truth), rows)


def _no_measure(_own: OwnMaps) -> str:
    return ""


def _opposite(own: OwnMaps) -> str:
    """How often close pixels of like color have opposite signs."""
    near, chance = opposite_signs(own.images, own.maps["DeepSHAP"])
    shares = f"{finite_mean(near):.2f} of the highlighted neighbors of like color, {finite_mean(chance):.2f} of any two"
    return f" DeepSHAP gives opposite signs to {shares}."


def _correlations(pairs: Sequence[tuple[str, str]], own: OwnMaps) -> str:
    """Rank correlations of maps."""
    values = ", ".join(
        f"{finite_mean(pixel_correlation(own.maps[first], own.maps[second])):.2f} ({first} and {second})"
        for first, second in pairs
    )
    return f" Rank correlations of maps: {values}."


def _of_segmentations(own: OwnMaps) -> str:
    first, second = (f"LIME ({prior})" for prior in CLASSICAL)
    return _correlations([(first, second)], own)


def _of_baselines(own: OwnMaps) -> str:
    pairs = [(from_color(name, BLACK), from_color(name, own.color)) for name in ("IG", "Occlusion")]
    return _correlations(pairs, own)


def figure5(setting: StudySetting) -> DrawnFigure:
    """Figure 5: DeepSHAP, by both rules for the softmax."""
    run, truths = section4_run(setting), ("overall", "positive", "negative")
    labels = {
        f"{truth} ({rule.partition(chr(39))[0]})": (method, truth) for rule, method in RULES.items() for truth in truths
    }
    designed = _in_one_row(multi_color_maps(setting), tuple(RULES.values()), "overall")
    return _figure(setting, run, labels, designed, ["DeepSHAP"], _opposite)


def figure6(setting: StudySetting) -> DrawnFigure:
    """Figure 6: LIME with different segmentations."""
    run = priors_run(setting)
    names = [f"LIME ({prior})" for prior in ("felzenszwalb", "quickshift", "sam", "oracle")]
    methods = [name for name in names if name in run.measured.methods]
    labels = {name.removeprefix("LIME ").strip("()"): (name, "overall") for name in methods}
    designed = _in_rows(prior_maps(setting), methods, "overall")
    drawn = _figure(
        setting,
        run,
        labels,
        designed,
        ["LIME"],
        _of_segmentations,
    )
    note = "" if "LIME (sam)" in methods else " SAM is missing: it needs weights; oracle is the scene's true patches."
    return DrawnFigure(drawn.figure, f"{drawn.shows}{note}")


def figure7(setting: StudySetting) -> DrawnFigure:
    """Figure 7: IG and Occlusion from black, and from the true background (with a star)."""
    run, methods = section4_run(setting), ("IG", "IG*", "Occlusion", "Occlusion*")
    labels = {name: (name, "overall") for name in methods}
    designed = _in_rows(multi_color_maps(setting), methods, "overall")
    drawn = _figure(setting, run, labels, designed, ["IG", "Occlusion"], _of_baselines)
    axes = score_axes(run, labels)
    return DrawnFigure(drawn.figure, f"Mean precision: {mean_scores(axes, 'precision')}. {drawn.shows}")


def figure8(setting: StudySetting) -> DrawnFigure:
    """Figure 8: GradCAM, ExPerturb and IBA on positive smooth truth."""
    methods, truth = ("GradCAM", "ExPerturb", "IBA"), "positive-smooth"
    run = section4_run(setting)
    labels = {name: (name, truth) for name in methods}
    designed = _in_rows(multi_color_maps(setting), methods, truth)
    drawn = _figure(setting, run, labels, designed, methods, _no_measure)
    axes = score_axes(run, labels)
    means = f"Mean precision: {mean_scores(axes, 'precision')}; mean recall: {mean_scores(axes, 'recall')}."
    return DrawnFigure(drawn.figure, f"{means} {drawn.shows}")
