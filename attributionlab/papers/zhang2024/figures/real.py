"""The part of Figures 5 to 8 on a real network, and Figure 25."""

from __future__ import annotations

from collections.abc import Sequence

from attributionlab.environments.pretrained import PHOTOGRAPHS
from attributionlab.errors import BadOption
from attributionlab.papers.figures import FOLDER, DrawnFigure
from attributionlab.papers.studies import StudySetting
from attributionlab.papers.zhang2024.figures.panels import finite_mean, photograph_maps, photograph_panel, segment_panel
from attributionlab.papers.zhang2024.figures.photographs import KNOWN, NETWORK, maps_on_photographs
from attributionlab.papers.zhang2024.figures.sections import Panel, Section, color_bar, compose, gallery
from attributionlab.papers.zhang2024.own_maps import total_variation
from attributionlab.papers.zhang2024.own_networks import CLASSICAL, OPTIONS, OwnMaps
from attributionlab.papers.zhang2024.sam import sam_options

LEAST_COLUMNS = 6
"""Width of the panels: the maps of fine methods are noise, which makes large pictures large files."""

MOST_SIDE_BY_SIDE = 3
"""Most maps of a photograph where photographs stand side by side."""


def own_maps(setting: StudySetting) -> OwnMaps:
    """Maps on the real network, stored beside the figures."""
    return maps_on_photographs(setting, setting.folder / FOLDER)


def network_name(own: OwnMaps) -> str:
    """Name of the real network for a caption."""
    return "EfficientNet-Lite0 trained on ImageNet" if own.address == KNOWN else own.address


def own_maps_or_reason(setting: StudySetting) -> OwnMaps | str:
    """Maps on the real network; a sentence for the caption where the extra `pretrained` is missing.

    Raises:
        AttributionLabError: If the network that a user brings cannot be loaded or explained.
    """
    try:
        return own_maps(setting)
    except BadOption as error:
        if OPTIONS[NETWORK] in setting.options:
            raise
        return f"The part on a real network is missing: {error}."


def real_section(own: OwnMaps, letter: str, beginnings: Sequence[str]) -> Section:
    """Photographs, each followed by the maps of the methods whose names begin like this; short rows stand side by side."""
    names = [name for name in (*own.maps, *own.coarse) if name.startswith(tuple(beginnings))]
    titles = {name: title_of(name) for name in names}
    rows = [[_photograph(own, row), *photograph_maps(own, row, titles)] for row in range(len(own.images))]
    if len(names) <= MOST_SIDE_BY_SIDE:
        rows = [[panel for row in rows for panel in row]]
    return gallery(f"({letter}) {network_name(own)}", rows, least_columns=LEAST_COLUMNS)


def title_of(method: str) -> str:
    """Title of a map: of LIME its prior, and `from` before a baseline."""
    if method.startswith("LIME ("):
        return method.removeprefix("LIME (").removesuffix(")")
    return method.replace(", ", " from ")


def _photograph(own: OwnMaps, row: int) -> Panel:
    class_names = {photograph.label: photograph.class_name for photograph in PHOTOGRAPHS}
    return photograph_panel(own, row, class_names.get(int(own.targets[row]), "") if own.address == KNOWN else "")


def figure25(setting: StudySetting) -> DrawnFigure:
    """Figure 25: LIME on a real network with different segmentations."""
    own = own_maps(setting)
    priors = (*CLASSICAL, *(("sam",) if sam_options(setting) else ()))
    rows = []
    for row, image in enumerate(own.images):
        panels = [_photograph(own, row)]
        for prior in priors:
            panels += [segment_panel(image, prior)] if prior in CLASSICAL else []
            panels += photograph_maps(own, row, {f"LIME ({prior})": "LIME (sam)" if prior == "sam" else "LIME"})
        rows.append(panels)
    noise = {prior: finite_mean(total_variation(own.maps[f"LIME ({prior})"])) for prior in priors}
    measured = ", ".join(f"{value:.3f} with {prior}" for prior, value in noise.items())
    shows = f"LIME on {network_name(own)}. Mean total variation of the maps, higher for noisier ones: {measured}."
    if "sam" not in priors:
        shows += " SAM is missing: it needs weights (--sam-checkpoint and --sam-model)."
    return DrawnFigure(compose(gallery("", rows, least_columns=LEAST_COLUMNS), color_bar()), shows)
