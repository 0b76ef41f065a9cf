"""Draw the pictures of the reference: for each method, environment and metric one small PNG in `docs/pictures`.

A method's picture shows an image, the truth and the method's map. An environment's shows four images above their truth. A metric's shows its curve
for the truth, for one method and for a random map.
"""

from __future__ import annotations

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

import attributionlab as al
from attributionlab.environments.factory import ENVIRONMENTS
from attributionlab.methods.factory import METHODS
from attributionlab.reports.figures.pictures import picture

FOLDER = Path(__file__).parents[1] / "docs/pictures"
SIDE = 32
MAPS = {"truth": "-", "gradcam": "--", "random": ":"}
"""Maps whose curves are drawn, with their dashes."""


def map_of(name: str, environment: al.Environment, batch: al.Batch) -> Tensor:
    """The map (h, w) of the first image."""
    method = al.make_method(name, environment)
    extra = {"batch": batch} if "batch" in method.declaration.needs else {}
    maps: Tensor = method(environment.model, batch.inputs, batch.targets, **extra)
    return maps[0]


def panel(axis: Axes, values: Tensor, title: str) -> None:
    """A signed map, red for positive and blue for negative values; 1 is the largest magnitude."""
    limit = float(values.abs().max()) or 1.0
    axis.imshow(values.numpy(), cmap="RdBu_r", vmin=-limit, vmax=limit, interpolation="nearest")
    axis.set_title(title, fontsize=9)
    axis.set_axis_off()


def image(axis: Axes, inputs: Tensor, title: str) -> None:
    """An input (c, h, w)."""
    shown = picture(inputs)
    axis.imshow(shown, cmap="gray", interpolation="nearest")
    axis.set_title(title, fontsize=9)
    axis.set_axis_off()


def save(figure: Figure, name: str) -> None:
    """Write a small PNG."""
    path = FOLDER / f"{name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=100, pil_kwargs={"optimize": True}, metadata={"Software": None})


def methods() -> None:
    """Image, truth and map of every method, on one image."""
    environment = al.make_environment("multi-color-sum", size=SIDE, seed=0)
    batch = environment.sample(1)
    for name in METHODS.built_in:
        figure = Figure(figsize=(4.8, 1.8), layout="constrained")
        axes = figure.subplots(1, 3)
        image(axes[0], batch.inputs[0], "image")
        panel(axes[1], batch.ground_truth.signed[0], "truth")
        panel(axes[2], map_of(name, environment, batch), name if len(name) < 20 else "map")
        save(figure, f"methods/{name}")


def environments() -> None:
    """Four images of every environment, and their truth."""
    for name in ENVIRONMENTS.built_in:
        batch = al.make_environment(name, size=SIDE, seed=0).sample(4)
        figure = Figure(figsize=(5.6, 3), layout="constrained")
        for column, (top, bottom) in enumerate(figure.subplots(2, 4).T):
            image(top, batch.inputs[column], "image" if column == 0 else "")
            panel(bottom, batch.ground_truth.signed[column], "truth" if column == 0 else "")
        save(figure, f"environments/{name}")


def metrics() -> None:
    """Curves of every metric for maps of different quality."""
    environment = al.make_environment("multi-color-sum[n_redundant=0,output=logit]", size=SIDE)
    batch = environment.sample(1)
    for name, measure in {
        "insertion": al.insertion,
        "deletion": al.deletion,
        "sensitivity-n": al.sensitivity_n,
    }.items():
        figure = Figure(figsize=(4.4, 2.4), layout="constrained")
        axis = figure.subplots()
        for method, dashes in MAPS.items():
            curve = measure(environment, batch, map_of(method, environment, batch)[None])
            at, values = (curve.sizes, curve.correlations) if name == "sensitivity-n" else (curve.steps, curve.outputs)
            axis.plot(at.numpy(), values[0].numpy(), dashes, label=method, linewidth=1.5)
        axis.set_xlabel("N" if name == "sensitivity-n" else "pixels", fontsize=8)
        axis.set_ylabel("correlation" if name == "sensitivity-n" else "explained output", fontsize=8)
        axis.tick_params(labelsize=7)
        axis.legend(fontsize=7)
        save(figure, f"metrics/{name}")


if __name__ == "__main__":
    methods()
    environments()
    metrics()
