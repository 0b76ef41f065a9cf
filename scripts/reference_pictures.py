"""Draw the picture of the README, `docs/start.png`, and those of the reference: one small PNG for each method, environment and metric in `docs/pictures`.

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
from attributionlab.measuring.applicable import deciding_truth, judged_truth
from attributionlab.methods.factory import METHODS
from attributionlab.reports.figures.pictures import picture

DOCS = Path(__file__).parents[1] / "docs"
FOLDER = DOCS / "pictures"
SIDE = 32
MAPS = {"truth": "-", "gradcam": "--", "random": ":"}
"""Maps whose curves are drawn, with their dashes."""
START = ("gradient", "guided-backprop", "gradcam", "occlusion", "edge")
"""Methods of the README's picture."""


def map_of(name: str, environment: al.Environment, batch: al.Batch) -> Tensor:
    """The map (h, w) of the first image."""
    method = al.make_method(name, environment)
    extra = {"batch": batch} if "batch" in method.declaration.needs else {}
    maps: Tensor = method(environment.model, batch.inputs, batch.targets, **extra)
    return maps[0]


def panel(axis: Axes, values: Tensor, title: str, fontsize: int = 9) -> None:
    """A signed map, red for positive and blue for negative values; 1 is the largest magnitude."""
    limit = float(values.abs().max()) or 1.0
    axis.imshow(values.numpy(), cmap="RdBu_r", vmin=-limit, vmax=limit, interpolation="nearest")
    axis.set_title(title, fontsize=fontsize)
    axis.set_axis_off()


def image(axis: Axes, inputs: Tensor, title: str, fontsize: int = 9) -> None:
    """An input (c, h, w)."""
    shown = picture(inputs)
    axis.imshow(shown, cmap="gray", interpolation="nearest")
    axis.set_title(title, fontsize=fontsize)
    axis.set_axis_off()


def save(figure: Figure, path: Path, dpi: int = 100) -> None:
    """Write a small PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=dpi, pil_kwargs={"optimize": True}, metadata={"Software": None})


def start() -> None:
    """An image, its truth, and the maps of five methods with the F1 that decides about each."""
    environment = al.make_environment("multi-color-sum", size=SIDE, seed=0)
    batch = environment.sample(1)
    figure = Figure(figsize=(7.6, 4.6), layout="constrained")
    first, second, *others, legend = figure.subplots(2, 4).flat
    image(first, batch.inputs[0], "\nthe image", 12)
    panel(second, batch.ground_truth.signed[0], "\nthe truth", 12)
    for axis, name in zip(others, START, strict=True):
        values = map_of(name, environment, batch)
        declaration = al.make_method(name, environment).declaration
        scores = al.score(values[None], judged_truth(declaration, environment, batch))
        scores = getattr(scores, deciding_truth(declaration, environment).replace("-", "_"))
        panel(axis, values, f"{name}\nF1 {float(scores.f1[0]):.2f}", 12)
    legend.set_axis_off()
    for row, (color, text) in enumerate({"#67001f": "raises the output", "#053061": "lowers the output"}.items()):
        legend.scatter(0.08, 0.7 - 0.3 * row, s=160, color=color, marker="s")
        legend.text(0.2, 0.7 - 0.3 * row, text, fontsize=12, va="center")
    legend.set(xlim=(0, 1), ylim=(0, 1))
    figure.set_layout_engine("constrained", h_pad=0.08)
    save(figure, DOCS / "start.png", dpi=150)


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
        save(figure, FOLDER / f"methods/{name}.png")


def environments() -> None:
    """Four images of every environment, and their truth."""
    for name in ENVIRONMENTS.built_in:
        batch = al.make_environment(name, size=SIDE, seed=0).sample(4)
        figure = Figure(figsize=(5.6, 3), layout="constrained")
        for column, (top, bottom) in enumerate(figure.subplots(2, 4).T):
            image(top, batch.inputs[column], "image" if column == 0 else "")
            panel(bottom, batch.ground_truth.signed[column], "truth" if column == 0 else "")
        save(figure, FOLDER / f"environments/{name}.png")


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
        save(figure, FOLDER / f"metrics/{name}.png")


if __name__ == "__main__":
    start()
    methods()
    environments()
    metrics()
