"""Figures 5b, 6b, 7d, 25 and 26: maps on a user's own trained networks.

The paper judges these maps by eye, and nobody knows their truth. So each claim gets a picture, and a number that stands in for the eye.
"""

from __future__ import annotations

import io
import itertools
from dataclasses import dataclass

import numpy as np
import torch
from scipy.stats import rankdata
from torch import Tensor

from attributionlab.metrics import normalize
from attributionlab.papers.claims import Finding, JudgedClaim, PublishedClaim, judge_evidence, unchecked
from attributionlab.papers.evidence import Values, average_images
from attributionlab.papers.studies import Cell, ReportFigure, ReportTable, StudySetting
from attributionlab.papers.zhang2024.own_networks import BLACK, CLASSICAL, OPTIONS, OwnMaps, from_color
from attributionlab.papers.zhang2024.sam import NO_SAM
from attributionlab.reports.figures.looks import SCALE_NOTE, look_of
from attributionlab.reports.figures.panels import CAPTION, PanelGrid, add_color_bars, add_notes, add_titles, draw_map
from attributionlab.reports.figures.pictures import SIGNED, picture

NO_NETWORK = "needs a network trained on ImageNet and images: give --{option} FILE.py:FUNCTION"
BY_EYE = "the paper judges by eye: a number stands in for it"

FIGURES = {"VGG16": "Figure 25", "ViT-B-16": "Figure 26"}
SECTION_4 = {
    "deepshap": (
        "section 4.1, Figure 5b",
        "DeepSHAP gives both signs to close pixels of like color on VGG16",
        "neighbors of like color have opposite signs at least half as often as any two pixels",
    ),
    "lime": ("section 4.2, Figure 6b", "LIME's maps differ by segmentation on VGG16", "rank correlation below 0.5"),
    "baselines": (
        "section 4.3, Figure 7d",
        "Maps of IG and Occlusion depend on the baseline on VGG16",
        "rank correlation below 0.5",
    ),
}
LIKE_COLOR = 8
"""Colors are alike where no channel differs by more, of 255."""

HIGHLIGHTED = 0.25
"""Share of the pixels, those of the greatest magnitude, whose signs are compared: a sign next to 0 shows nothing."""

SAME = 0.5
"""Least rank correlation of maps that count as alike; ours, because the paper gives no number."""

N_SHOWN = 8
"""Images in a picture."""


@dataclass(frozen=True)
class TrainedFindings:
    """Claims about trained networks, with their tables and figures; part of a study."""

    claims: tuple[JudgedClaim, ...]
    tables: tuple[ReportTable, ...] = ()
    figures: tuple[ReportFigure, ...] = ()


def compare_signs_and_baselines(setting: StudySetting) -> TrainedFindings:
    """Section 4: signs, segmentations and baselines on VGG16."""
    claims = {
        key: PublishedClaim(f"section4.imagenet-{key}", source, statement, "by eye", test)
        for key, (source, statement, test) in SECTION_4.items()
    }
    own = _own_maps(setting, "VGG16")
    if own is None:
        return TrainedFindings(tuple(JudgedClaim(claim, (_no_network("VGG16"),)) for claim in claims.values()))
    near, chance = opposite_signs(own.images, own.maps["DeepSHAP"])
    findings = {
        "deepshap": (_mixed_signs(near, chance),),
        "lime": tuple(
            _unlike(own, f"LIME ({first})", f"LIME ({second})")
            for first, second in itertools.combinations((*CLASSICAL, "sam"), 2)
        ),
        "baselines": tuple(
            _unlike(own, from_color(name, BLACK), from_color(name, own.color)) for name in ("IG", "Occlusion")
        ),
    }
    figures = [draw_maps(own, "section4-vgg16.png", f"Maps on {own.address}, as in Figures 5b, 6b and 7d")]
    if own.coarse:
        title = f"Coarse maps on {own.address}, as in Figure 8b"
        figures.append(draw_maps(own, "section4-vgg16-coarse.png", title, dict(own.coarse)))
    judged = tuple(JudgedClaim(claim, findings[key]) for key, claim in claims.items())
    return TrainedFindings(judged, (_signs_table(own, near, chance),), tuple(figures))


def compare_noise(setting: StudySetting) -> TrainedFindings:
    """Appendix K: the noise of LIME's maps on both networks."""
    claims, tables, figures = [], [], []
    for network, source in FIGURES.items():
        claim = PublishedClaim(
            key=f"appendix-k.{network.lower()}",
            source=f"appendix K, {source}",
            statement=f"LIME's maps on {network} are less noisy with SAM",
            published="by eye",
            test="lower mean total variation than with Quickshift and with Felzenszwalb",
        )
        own = _own_maps(setting, network)
        if own is None:
            claims.append(JudgedClaim(claim, (_no_network(network),)))
            continue
        noise = {name: total_variation(maps) for name, maps in own.maps.items() if name.startswith("LIME")}
        claims.append(JudgedClaim(claim, tuple(_quieter(noise, f"LIME ({prior})") for prior in CLASSICAL)))
        tables.append(_noise_table(own, noise))
        lime = {name: own.maps[name] for name in noise}
        title = f"Maps on {own.address}, as in {source}"
        figures.append(draw_maps(own, f"appendix-k-{network.lower()}.png", title, lime))
    return TrainedFindings(tuple(claims), tuple(tables), tuple(figures))


def _own_maps(setting: StudySetting, network: str) -> OwnMaps | None:
    """The maps on a user's network; None if there is no network."""
    return None if setting.prepared is None else setting.prepared.get(network)


def _no_network(network: str) -> Finding:
    return unchecked(NO_NETWORK.format(option=OPTIONS[network]))


def _signs_table(own: OwnMaps, near: Values, chance: Values) -> ReportTable:
    rows: list[tuple[Cell, ...]] = [
        (f"{index}, output {target}", *map(float, shares))
        for index, (target, *shares) in enumerate(zip(own.targets.tolist(), near, chance, strict=True))
    ]
    columns = ("image", "neighbors of like color", "any two")
    title = f"Part of the highlighted pixels with opposite signs, DeepSHAP on {own.address}"
    return ReportTable(title, columns, tuple(rows))


def _noise_table(own: OwnMaps, noise: dict[str, Values]) -> ReportTable:
    rows: list[tuple[Cell, ...]] = [
        (name, average_images(values[None]).value, int(np.isnan(values).sum())) for name, values in noise.items()
    ]
    columns = ("prior", "total variation", "maps without any variation, left out")
    return ReportTable(f"Mean total variation of maps on {own.address}", columns, tuple(rows))


def total_variation(maps: Tensor) -> Values:
    """Mean absolute difference of neighboring pixels of maps (b, h, w) scaled as by Eq. 17.

    Returns:
        (b,), higher for noisier maps; NaN for a map that is constant, because it shows nothing that could be noisy.
    """
    values = normalize(maps)
    variation = values.diff(dim=1).abs().mean(dim=(1, 2)) + values.diff(dim=2).abs().mean(dim=(1, 2))
    return torch.where(variation == 0, torch.nan, variation).numpy()


def pixel_correlation(first: Tensor, second: Tensor) -> Values:
    """Spearman's correlation of the pixels of two maps (b, h, w), ties shared; (b,), NaN where a map is constant."""
    ranks = [rankdata(maps.flatten(1).double().numpy(), axis=1) for maps in (first, second)]
    centered = [values - values.mean(axis=1, keepdims=True) for values in ranks]
    scale = np.sqrt(np.prod([(values**2).sum(axis=1) for values in centered], axis=0))
    return _ratio((centered[0] * centered[1]).sum(axis=1), scale)


def opposite_signs(images: Tensor, maps: Tensor) -> tuple[Values, Values]:
    """The share of pairs of highlighted pixels that have opposite signs.

    Args:
        images: (b, c, h, w), colors 0..255.
        maps: (b, h, w).

    Returns:
        The share among pixels beside or below each other whose colors are alike, (b,), NaN if there are none; and the share
        among any two pixels, (b,).
    """
    near, chance = [], []
    for image, values in zip(images, maps.double(), strict=True):
        magnitude = values.abs()
        lit = (magnitude >= magnitude.flatten().quantile(1 - HIGHLIGHTED)) & (magnitude > 0)
        positive = float((values[lit] > 0).double().mean())
        chance.append(2 * positive * (1 - positive))
        n_alike = n_opposite = 0
        for axis in (0, 1):
            length = values.shape[axis] - 1
            alike = image.diff(dim=axis + 1).abs().amax(dim=0) <= LIKE_COLOR
            alike &= lit.narrow(axis, 0, length) & lit.narrow(axis, 1, length)
            n_alike += int(alike.sum())
            n_opposite += int(((values > 0).int().diff(dim=axis) != 0)[alike].sum())
        near.append(n_opposite / n_alike if n_alike else np.nan)
    return np.array(near), np.array(chance)


def draw_maps(own: OwnMaps, file: str, title: str, maps: dict[str, Tensor] | None = None) -> ReportFigure:
    """A picture with one row per image: the image, and every map with its smallest and largest value."""
    shown = dict(own.maps) if maps is None else maps
    grid = PanelGrid(own.images[0], min(N_SHOWN, len(own.images)), 1 + len(shown))
    for row in range(min(N_SHOWN, len(own.images))):
        axes = grid.row(0, row, 1 + len(shown))
        axes[0].imshow(picture(own.images[row]), interpolation="nearest")
        axes[0].set_xlabel(f"image {row}, explained output {int(own.targets[row])}", fontsize=CAPTION)
        for axis, values in zip(axes[1:], shown.values(), strict=True):
            look = look_of(values[row])
            draw_map(axis, look)
            axis.set_xlabel(look.caption, fontsize=CAPTION)
        if row == 0:
            add_titles(axes, ("image", *shown))
    add_color_bars(grid.figure, SIGNED)
    add_notes(grid.figure, [SCALE_NOTE.format(unit="in the units of the method")])
    buffer = io.BytesIO()
    grid.figure.savefig(buffer, format="png", dpi=150)
    return ReportFigure(file, title, buffer.getvalue())


def _mixed_signs(near: Values, chance: Values) -> Finding:
    """Whether close pixels of like color have opposite signs at least half as often as any two."""
    ratio = np.where(chance == 0, 0.0, _ratio(near, chance))
    return judge_evidence(average_images(ratio[None]), lambda value: value >= 0.5, note=BY_EYE)


def _unlike(own: OwnMaps, first: str, second: str) -> Finding:
    """Whether two methods rank the pixels differently."""
    reading = f"{first} against {second}"
    if not {first, second} <= own.maps.keys():
        return unchecked(NO_SAM, reading=reading)
    correlation = average_images(pixel_correlation(own.maps[first], own.maps[second])[None])
    return judge_evidence(correlation, lambda value: value < SAME, reading=reading, note=BY_EYE)


def _quieter(noise: dict[str, Values], prior: str) -> Finding:
    """Whether maps are less noisy with SAM than with another prior."""
    reading = f"against {prior}"
    if "LIME (sam)" not in noise:
        return unchecked(NO_SAM, reading=reading)
    difference = average_images((noise["LIME (sam)"] - noise[prior])[None])
    return judge_evidence(difference, lambda value: value < 0, reading=reading, note=BY_EYE)


def _ratio(numerator: Values, denominator: Values) -> Values:
    """The quotients; NaN where the denominator is 0."""
    undefined = np.full(np.shape(numerator), np.nan)
    ratio: Values = np.divide(numerator, denominator, out=undefined, where=denominator > 0)
    return ratio
