"""Appendix K on trained networks: LIME's maps on a user's own VGG16 or ViT and images, by segmentation prior.

The paper judges these maps by eye: with SAM they have less noise. Nobody knows their truth, so that two things are given here: the
maps as a picture, and their total variation, which is what noise raises.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch import Tensor

from attributionlab._functions import load_function
from attributionlab.errors import bad_option
from attributionlab.experiments.check import find_device
from attributionlab.methods import make_method, run_guarded
from attributionlab.metrics import LabeledImages, TrainedNetwork
from attributionlab.metrics.agreement import normalize
from attributionlab.reports.figures import PANEL, SIGNED, picture, save_figure
from attributionlab.reproduction.claims import Claim, Finding, Result, judge, unchecked
from attributionlab.reproduction.measuring import mean_of
from attributionlab.reproduction.study import Cell, ReportTable, Setting

NETWORKS = {"VGG16": "Figure 25", "ViT-B-16": "Figure 26"}
CLASSICAL = ("quickshift", "felzenszwalb")
NO_NETWORK = "needs a network trained on ImageNet and images: give {option} FILE.py:FUNCTION"
NO_SAM = "needs SAM's weights: give --sam-checkpoint and --sam-model"
BY_EYE = "the paper judges by eye; total variation stands in for it"


def results_of(setting: Setting) -> tuple[list[Result], list[ReportTable]]:
    """What can be said of every network of the paper, with a picture and a table of those that were given."""
    results, tables = [], []
    for network, figure in NETWORKS.items():
        claim = Claim(
            key=f"appendix-k.{network.lower()}",
            source=f"appendix K, {figure}",
            statement=f"LIME's maps on {network} are less noisy with SAM",
            published="by eye",
            test="lower mean total variation than with Quickshift and with Felzenszwalb",
        )
        address = setting.own_networks.get(network)
        if address is None:
            option = f"--{network.split('-', maxsplit=1)[0].lower()}"
            results.append(Result(claim, (unchecked(NO_NETWORK.format(option=option)),)))
            continue
        own, images = load_network(address)
        maps = explain(own, images, setting)
        save_figure(draw(images, maps), setting.folder / picture_name(network))
        noise = {prior: total_variation(values) for prior, values in maps.items()}
        results.append(Result(claim, tuple(_quieter(noise, prior) for prior in CLASSICAL)))
        rows: list[tuple[Cell, ...]] = [(prior, float(values.mean())) for prior, values in noise.items()]
        title = f"Mean total variation of LIME's maps on {address} ({picture_name(network)})"
        tables.append(ReportTable(title, ("prior", "total variation"), tuple(rows)))
    return results, tables


def picture_name(network: str) -> str:
    """The file that shows the maps on a network."""
    return f"appendix-k-{network.lower()}.png"


def load_network(address: str) -> tuple[TrainedNetwork, LabeledImages]:
    """What the function at this address returns: a network that takes colors of 0..255, and images.

    Raises:
        MissingFile: If there is no such function.
        BadOption: If it returns something else.
    """
    found: object = load_function(address, "network")()
    match found:
        case (TrainedNetwork() as own, LabeledImages() as images):
            return own, images
    raise bad_option("network", "return (TrainedNetwork, LabeledImages)", address, f"it returns {type(found).__name__}")


def explain(own: TrainedNetwork, images: LabeledImages, setting: Setting) -> dict[str, Tensor]:
    """LIME's maps (b, h, w) by prior, with SAM where it is given."""
    device = find_device(setting.device)
    model = own.model.to(device)
    options: dict[str, dict[str, object]] = {prior: {} for prior in CLASSICAL}
    if setting.sam:
        options["sam"] = setting.sam
    maps = {}
    for prior, more in options.items():
        method = make_method("lime", segments=prior, baseline="black", **more)
        maps[prior] = run_guarded(method, model, images.inputs.to(device), images.targets.to(device)).cpu()
    return maps


def total_variation(maps: Tensor) -> Tensor:
    """Mean absolute difference of neighboring pixels, (b,), of maps (b, h, w) scaled as by Eq. 17."""
    values = normalize(maps)
    return values.diff(dim=1).abs().mean(dim=(1, 2)) + values.diff(dim=2).abs().mean(dim=(1, 2))


def draw(images: LabeledImages, maps: Mapping[str, Tensor]) -> Figure:
    """A row per image: the image, and the map by every prior."""
    figure = Figure(figsize=(PANEL * (1 + len(maps)), (PANEL + 0.1) * len(images.inputs) + 0.3), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(len(images.inputs), 1 + len(maps), squeeze=False)
    for axis in axes.flat:
        axis.set_xticks([])
        axis.set_yticks([])
    for row, (axis, *others) in enumerate(axes):
        axis.imshow(picture(images.inputs[row]), interpolation="nearest")
        for other, values in zip(others, maps.values(), strict=True):
            scaled = normalize(values[row : row + 1])[0]
            other.imshow(scaled.numpy(), cmap=SIGNED, vmin=-1, vmax=1, interpolation="nearest")
    for axis, name in zip(axes[0], ("image", *maps), strict=True):
        axis.set_title(name, fontsize=8)
    return figure


def _quieter(noise: Mapping[str, Tensor], prior: str) -> Finding:
    setting = f"against {prior}"
    if "sam" not in noise:
        return unchecked(NO_SAM, setting=setting)
    difference = torch.stack([noise["sam"] - noise[prior]]).numpy()
    return judge(mean_of(difference), lambda value: value < 0, setting=setting, note=BY_EYE)
