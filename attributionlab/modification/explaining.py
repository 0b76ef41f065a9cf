"""Explaining a trained network on test pictures: methods that need a background, and the share of their maps in the regions."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from attributionlab.errors import BadOption
from attributionlab.judging.statistics import mean_interval
from attributionlab.measuring import Failure, Maps, explain
from attributionlab.measuring.progress import Progress, no_progress
from attributionlab.methods import AnyMethod, Method, make_method
from attributionlab.modification.networks import ModelFactory, last_layer_of_maps
from attributionlab.modification.percentages import attribution_percentage
from attributionlab.modification.pictures import ModifiedPictures
from attributionlab.modification.training import pixels_to_inputs
from attributionlab.specs.options import changed_options, option_fields
from attributionlab.training.loop import predict
from attributionlab.truth import LabeledImages

LAYER = "layer"
"""Option of methods that need a layer of the network."""


@dataclass(frozen=True, eq=False)
class PictureBackground:
    """What methods ask an environment for: the color of an absent pixel, and pictures to compare with.

    Args:
        true_baseline: (3,), the mean color of the training pictures.
        inputs: (n, 3, h, w), the test pictures, as in appendix B.2.
    """

    explains: ClassVar[str] = "logit"
    input_range: ClassVar[tuple[float, float]] = (0.0, 255.0)

    true_baseline: Tensor
    inputs: Tensor

    @classmethod
    def of(cls, data: ModifiedPictures) -> PictureBackground:
        """The background of a data set."""
        color = pixels_to_inputs(data.values[data.rows("train")]).double().mean(dim=(0, 2, 3)).float()
        return cls(color, pixels_to_inputs(data.values[data.rows("test")]))

    def sample(self, n: int, start: int = 0) -> LabeledImages:
        """The first n test pictures, repeated if there are fewer; `start` is not used."""
        del start
        rows = torch.arange(n) % len(self.inputs)
        return LabeledImages(self.inputs[rows], torch.zeros(n, dtype=torch.int64))


def bind(method: AnyMethod, model: nn.Module, background: PictureBackground) -> AnyMethod:
    """The method with a background, and with the network's last layer of maps where it needs a layer and none is set."""
    if not isinstance(method, Method):
        return method
    fields = option_fields(type(method))
    if LAYER in fields and getattr(method, LAYER) == fields[LAYER].default and not hasattr(model, "accumulator"):
        path = last_layer_of_maps(model, background.inputs[:1].to(device_of(model)))
        if path is not None:
            method = make_method(method, layer=f"model.{path}")
    bound: AnyMethod = dataclasses.replace(method, environment=background)  # type: ignore[arg-type]  # it has what methods ask for
    return bound


def check_options(methods: Sequence[AnyMethod], factory: ModelFactory, data: ModifiedPictures) -> None:
    """Try methods whose options were set on a network that is not trained and one picture, so that an option that does not fit is refused at once.

    Raises:
        BadOption: If an option does not fit the network or the pictures.
    """
    changed = [method for method in methods if isinstance(method, Method) and changed_options(method)]
    if not changed:
        return
    with torch.random.fork_rng(devices=[]):
        model = factory(len(data.classes)).eval()
    background = PictureBackground.of(data)
    batch = background.sample(1)
    for method in changed:
        explain(bind(method, model, background), model, batch, device=device_of(model))


def device_of(model: nn.Module) -> torch.device:
    """The device of a network; the CPU if it has no weights."""
    return next(iter(model.parameters()), torch.empty(0)).device


@dataclass(frozen=True, eq=False)
class ExplainedPictures:
    """The test pictures that are explained.

    Args:
        rows: (n,) indices of the pictures in the data set.
        batch: Their inputs, with the predicted classes as targets.
        labels: (n,) their new labels.
        region: bool (h, w), F_C.
        noninformative: bool (h, w), F_N, or None.
    """

    rows: npt.NDArray[np.int64]
    batch: LabeledImages
    labels: npt.NDArray[np.int64]
    region: Tensor
    noninformative: Tensor | None

    @classmethod
    def of(cls, data: ModifiedPictures, model: nn.Module, n_per_class: int) -> ExplainedPictures:
        """The first test pictures of each new class; the explained output is that of the predicted class."""
        tests = data.rows("test")
        chosen = [tests[data.labels[tests] == label][:n_per_class] for label in range(len(data.classes))]
        rows = np.concatenate(chosen)
        inputs = pixels_to_inputs(data.values[rows])
        batch = LabeledImages(inputs, torch.from_numpy(predict(model, inputs)))
        extra = None if data.noninformative is None else torch.from_numpy(data.noninformative_region)
        return cls(rows, batch, data.labels[rows], torch.from_numpy(data.region), extra)


@dataclass(frozen=True)
class AttrMean:
    """Mean Attr% over the pictures of one new class.

    Args:
        label: The class.
        n: Number of pictures.
        n_zero: Number of maps that are zero everywhere, whose Attr% counts as 0.
        mean: Mean Attr% of the joint effective region F_C.
        low: Lower end of its 95 percent interval.
        high: Upper end.
        noninformative: Mean Attr% of the region without information F_N, or None.
    """

    label: int
    n: int
    n_zero: int
    mean: float
    low: float
    high: float
    noninformative: float | None


def attr_means(explained: ExplainedPictures, maps: Tensor) -> list[AttrMean]:
    """Mean Attr% of maps (n, h, w) for each class that has pictures."""
    maps = maps.cpu()
    inside = attribution_percentage(maps, explained.region).numpy()
    extra = None if explained.noninformative is None else attribution_percentage(maps, explained.noninformative).numpy()
    is_zero = (maps == 0).flatten(1).all(dim=1).numpy()
    means = []
    for label in np.unique(explained.labels):
        rows = explained.labels == label
        values = inside[rows]
        low, high = mean_interval(len(values), float(values.sum()), float((values**2).sum()))
        noninformative = None if extra is None else float(extra[rows].mean())
        means.append(
            AttrMean(
                int(label), int(rows.sum()), int(is_zero[rows].sum()), float(values.mean()), low, high, noninformative
            )
        )
    return means


def explain_pictures(
    methods: Sequence[AnyMethod],
    model: nn.Module,
    background: PictureBackground,
    explained: ExplainedPictures,
    *,
    batch_size: int = 8,
    progress: Progress = no_progress,
) -> dict[str, Maps | Failure]:
    """The maps of each method on the explained pictures, or why there are none, by spec.

    The progress function is called with the number of pictures done since the last call; for a method that fails with all the rest.
    """
    results: dict[str, Maps | Failure] = {}
    n = len(explained.batch)
    for method in methods:
        counted: list[int] = []

        def advance(done: int, counted: list[int] = counted) -> None:
            counted.append(done)
            progress(done)

        arguments: dict[str, Any] = {"batch_size": batch_size, "device": device_of(model), "progress": advance}
        try:
            bound = bind(method, model, background)
            results[method.spec] = explain(bound, model, explained.batch, **arguments)
        except BadOption as error:  # the method does not fit this network; the others go on
            results[method.spec] = Failure.of(error)
        progress(n - sum(counted))
    return results
