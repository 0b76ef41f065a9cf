"""The images of a report with their truth, maps, scores, and the network's answers."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from matplotlib.colors import to_hex

from attributionlab.environments import make_environment
from attributionlab.reports.answers import Answer, answers_of, truth_text
from attributionlab.reports.figures.looks import MAGNITUDE, TICKS, look_of
from attributionlab.reports.figures.pictures import SIGNED
from attributionlab.reports.page.pictures import image_uri, map_uri
from attributionlab.reports.run_view import RunView
from attributionlab.runs import MethodSummary, Records
from attributionlab.runs.declarations import built_in_images
from attributionlab.truth import TRUTHS

N_STOPS = 12
"""Steps of a color bar."""

N_IMAGES = 8
"""Largest number of images per environment in the gallery."""

N_WITHOUT_MAPS = 4
"""Largest number of images per environment if no maps were saved."""


@dataclass(frozen=True)
class MapOfImage:
    """The map of a method for an image, or the reason why there is none, and its scores on that image."""

    method: str
    uri: str | None
    extent: str
    """The smallest and the largest value, divided by the explained output."""
    why: str
    truth: str
    scores: tuple[float | None, ...]
    f1: float | None
    """F1 on the deciding truth."""


@dataclass(frozen=True)
class ShownImage:
    """An image of the gallery, with the network's answer and the effects of its features as texts."""

    id: str
    environment: str
    index: int
    answer: Answer
    effects: str
    uri: str
    truth: str
    maps: tuple[MapOfImage, ...]


@dataclass(frozen=True)
class ScaleBar:
    """A color bar: colors by their place from 0 to 1, and ticks as pairs of place and text."""

    name: str
    stops: tuple[tuple[float, str], ...]
    ticks: tuple[tuple[float, str], ...]


def color_scales() -> list[ScaleBar]:
    """The color bars of signed maps and of magnitudes."""
    scales = []
    for colors in (SIGNED, MAGNITUDE):
        ticks = TICKS[colors.name]
        lowest = min(ticks)
        places = [place / N_STOPS for place in range(N_STOPS + 1)]
        stops = tuple((place, to_hex(colors(place))) for place in places)
        scales.append(
            ScaleBar(colors.name, stops, tuple(((tick - lowest) / (1 - lowest), text) for tick, text in ticks.items()))
        )
    return scales


def shown_images(
    records: Records, view: RunView, summaries: tuple[MethodSummary, ...], n_images: int
) -> list[ShownImage]:
    """The first images of each environment, with their truth, maps and scores."""
    by_cell = {(summary.environment, summary.method): summary for summary in summaries}
    shown: list[ShownImage] = []
    for seeds in view.seeds.values():
        environment = seeds[0]
        saved = {method: view.maps(environment, method) for method in view.methods}
        most = max((len(maps) for maps in saved.values() if maps is not None), default=0) or N_WITHOUT_MAPS
        batch = built_in_images(environment, min(n_images, most, records.plan.n_samples), records.plan.target)
        if batch is None:
            continue
        answers = answers_of(make_environment(environment), batch)
        of_methods = [
            _maps_of_method(view, by_cell.get((environment, method)), (environment, method), saved[method], answers)
            for method in view.methods
        ]
        for index, answer in enumerate(answers):
            shown.append(
                ShownImage(
                    id=f"image-{len(shown)}",
                    environment=environment,
                    index=index,
                    answer=answer,
                    effects=", ".join(truth_text(batch, index)),
                    uri=image_uri(batch.inputs[index]),
                    truth=map_uri(look_of(batch.ground_truth.signed[index])),
                    maps=tuple(maps[index] for maps in of_methods),
                )
            )
    return shown


def _maps_of_method(
    view: RunView,
    summary: MethodSummary | None,
    cell: tuple[str, str],
    saved: npt.NDArray[np.float32] | None,
    answers: list[Answer],
) -> list[MapOfImage]:
    """The maps of a method in an environment with their scores, image by image."""
    environment, method = cell
    scores = _image_scores(view.records, environment, method, len(answers), summary)
    truth = "" if summary is None else summary.deciding_truth
    error = None if summary is None else summary.error
    explains_logit = saved is not None and view.explains_logit(environment, method)
    maps = []
    for index, answer in enumerate(answers):
        values = torch.as_tensor(saved[index]) if saved is not None and index < len(saved) else None
        look = None if values is None else look_of(values, truth, answer, explains_logit=explains_logit)
        maps.append(
            MapOfImage(
                method=method,
                uri=None if look is None else map_uri(look),
                extent="" if look is None else look.caption,
                why="no map saved" if error is None else error.message,
                truth=truth,
                scores=tuple(values[index] for values in scores),
                f1=None if summary is None else scores[TRUTHS.index(truth)][index],
            )
        )
    return maps


def _image_scores(
    records: Records, environment: str, method: str, n_images: int, summary: MethodSummary | None
) -> list[list[float | None]]:
    """Scores of every image: F1 by kind of truth, then the metrics; None where a truth does not apply to the method."""
    undefined = np.full(n_images, np.nan)
    agreement = records.all_scores(environment, method, n_images=n_images)
    applies = {truth: summary is not None and summary.truths.get(truth) is not None for truth in TRUTHS}
    scores = [agreement.get(f"{truth}.f1", undefined) if applies[truth] else undefined for truth in TRUTHS]
    scores += [
        records.all_scores(environment, method, metric, n_images).get("score", undefined)
        for metric in records.plan.metrics
    ]
    return [[None if math.isnan(value) else float(value) for value in values] for values in scores]
