"""Figures 2, 16, 19 and 24: images, truth and maps."""

from __future__ import annotations

import math
from collections.abc import Sequence

from matplotlib.figure import Figure

from attributionlab.papers.figures import DrawnFigure
from attributionlab.papers.stored import FirstMaps, StoredRun
from attributionlab.papers.studies import StudySetting
from attributionlab.papers.zhang2024 import modulo, unseen_data
from attributionlab.papers.zhang2024.figures.panels import (
    SCALE,
    finite_mean,
    image_and_truth,
    map_panel,
    map_panels,
    segment_panel,
)
from attributionlab.papers.zhang2024.figures.runs import (
    modulo_maps,
    modulo_run,
    multi_color_maps,
    prior_maps,
    priors_run,
    section4_run,
)
from attributionlab.papers.zhang2024.figures.sections import Panel, color_bar, compose, gallery, in_rows
from attributionlab.papers.zhang2024.sam import sam_options

N_COLUMNS = 8
"""Panels in a row."""


def figure2(setting: StudySetting) -> DrawnFigure:
    """Figure 2: maps of one image in multi-color-sum."""
    section4_run(setting)  # refuses a folder without the runs of the same maps
    shown = multi_color_maps(setting)
    panels = _panels(shown, 0, tuple(unseen_data.METHODS))
    figure = compose(gallery("", in_rows(panels, N_COLUMNS)), color_bar())
    return DrawnFigure(figure, f"{_f1_range(shown)} A star marks the true background as baseline instead of black.")


def figure19(setting: StudySetting) -> DrawnFigure:
    """Figure 19: maps of several images in multi-color-sum."""
    run = section4_run(setting)
    shown = multi_color_maps(setting)
    figure = _images(shown, tuple(unseen_data.METHODS))
    return DrawnFigure(figure, f"{_f1_range(shown)} {_precision(run, ('IG', 'IG*', 'Occlusion', 'Occlusion*'))}")


def figure16(setting: StudySetting) -> DrawnFigure:
    """Figure 16: maps in single-color-modulo."""
    run, shown = modulo_run(setting), modulo_maps(setting)
    return DrawnFigure(
        _images(shown, tuple(modulo.METHODS)),
        f"{_f1_range(shown)} {_precision(run, ('LRP', 'GuidedBP', 'GradCAM', 'IBA'))}",
    )


def figure24(setting: StudySetting) -> DrawnFigure:
    """Figure 24: segmentations, and LIME's maps on them."""
    run, shown = priors_run(setting), prior_maps(setting)
    priors = ("quickshift", "felzenszwalb", *(("sam",) if sam_options(setting) else ()), "oracle")
    rows: list[Sequence[Panel]] = []
    for row, image in enumerate(shown.batch.inputs):
        panels = image_and_truth(shown, row)
        for prior in priors:
            ids = shown.batch.ground_truth.patch_ids
            patches = None if ids is None else ids[row]
            panels += [] if prior == "sam" else [segment_panel(image, prior, patches)]
            panels.append(map_panel(shown, row, f"LIME ({prior})", title="LIME (sam)" if prior == "sam" else "LIME"))
        rows.append(panels)
    means = ", ".join(
        f"{finite_mean(run.scores(f'LIME ({prior})', 'overall.f1')):.2f} with {prior}" for prior in priors
    )
    note = "" if "sam" in priors else " SAM is missing: it needs weights; oracle is the scene's true patches."
    return DrawnFigure(
        compose(gallery("", rows), color_bar()), f"Mean overall F1 of LIME over {run.scope}: {means}.{note}"
    )


def _images(shown: FirstMaps, methods: Sequence[str]) -> Figure:
    """Rows of panels for each image."""
    sections = [gallery("", in_rows(_panels(shown, row, methods), N_COLUMNS)) for row in range(len(shown.batch))]
    return compose(*sections, color_bar())


def _panels(shown: FirstMaps, row: int, methods: Sequence[str]) -> list[Panel]:
    """The image, its truth and the map of every method."""
    return [*image_and_truth(shown, row), *map_panels(shown, row, methods)]


def _f1_range(shown: FirstMaps) -> str:
    """The best and the worst map of the first image, in words."""
    panels = {panel.title: panel.caption for panel in map_panels(shown, 0, tuple(shown.maps))}
    f1 = {name: float(caption.removeprefix("F1 ")) for name, caption in panels.items() if caption}
    defined = {name: value for name, value in f1.items() if not math.isnan(value)}
    if not defined:
        return SCALE
    best, worst = max(defined, key=defined.__getitem__), min(defined, key=defined.__getitem__)
    return f"{SCALE} Below: overall F1; on image 0 it is highest for {best} ({defined[best]:.2f}) and lowest for {worst} ({defined[worst]:.2f})."


def _precision(run: StoredRun, methods: Sequence[str]) -> str:
    means = ", ".join(f"{name} {finite_mean(run.scores(name, 'overall.precision')):.2f}" for name in methods)
    return f"Mean overall precision over {run.scope}: {means}."
