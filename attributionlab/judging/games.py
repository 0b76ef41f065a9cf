"""Agreement of a method's maps with the exact values of every game: the questions that the method answers."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from attributionlab.environments import Environment
from attributionlab.games import every_game
from attributionlab.games.checkpoint import estimate_key
from attributionlab.games.permutations import Sampling
from attributionlab.judging.game_agreement import SCORES, GameAgreement
from attributionlab.judging.units import N_COMPARED, Tally
from attributionlab.methods import AnyMethod
from attributionlab.metrics.values import score_values
from attributionlab.specs.grammar import format_value
from attributionlab.truth import Batch, ExactValues
from attributionlab.truth.baselines import Baseline
from attributionlab.truth.explained import Explained

BASELINES: tuple[Baseline, ...] = ("true", "black")

FEW_FEATURES = 48**2
"""Features per image up to which the first four images are compared; of larger images, two."""

N_KEPT = 16
"""Samples whose values are kept for the next method."""


@dataclass
class GameScores:
    """Scores of maps against games, image by image.

    Args:
        rows: The scores of each image, by `game@baseline`.
        n_images: Number of images so far.
    """

    rows: dict[str, list[dict[str, float]]] = field(default_factory=dict)
    n_images: int = 0

    def add(self, maps: Tensor, values: Mapping[str, ExactValues]) -> None:
        """Compare the map (1, *shape) of an image with the values of games."""
        self.n_images += 1
        for name, exact in values.items():
            agreement = score_values(maps, exact)
            row = {score: float(getattr(agreement, score)) for score in SCORES}
            if exact.standard_error is not None:
                size = float(exact.values.abs().sum())
                row["noise"] = float(exact.standard_error.sum()) / size if size > 0 else math.nan
            self.rows.setdefault(name, []).append(row)

    def agreements(self) -> dict[str, GameAgreement]:
        """The agreement with each game that has values for all images, nearest first."""
        complete = {name: GameAgreement.of(rows) for name, rows in self.rows.items() if len(rows) == self.n_images}
        return dict(sorted(complete.items(), key=lambda item: item[1].distance))


def values_of_games(
    environment: Environment,
    batch: Batch,
    explains: Explained,
    baselines: Sequence[Baseline] = BASELINES,
    sampling: Sampling | None = None,
) -> dict[str, ExactValues]:
    """The values of all games of a batch with one sample, by `game@baseline`; those of the last samples are kept.

    Args:
        environment: The environment.
        batch: The sample.
        explains: Explained output.
        baselines: Values of absent features.
        sampling: Random orders for Shapley values without a closed form; None to leave these out.
    """
    values: dict[str, ExactValues] = {}
    for baseline in baselines:
        color = environment.true_baseline if baseline == "true" else torch.zeros_like(environment.true_baseline)
        facts = (type(environment), environment.spec, explains, batch.targets.tolist(), baseline, sampling)
        key = (type(environment), estimate_key(environment.model, color, batch.inputs, *facts))
        if key not in _KEPT:
            _KEPT[key] = every_game(environment, batch, baseline, explains=explains, sampling=sampling)
        _KEPT.move_to_end(key)
        name = format_value(baseline)
        values |= {f"{game}@{name}": exact for game, exact in _KEPT[key].items()}
        while len(_KEPT) > N_KEPT:
            _KEPT.popitem(last=False)
    return values


def values_with_declared(
    method: AnyMethod,
    environment: Environment,
    batch: Batch,
    baselines: Sequence[Baseline] = BASELINES,
    sampling: Sampling | None = None,
) -> dict[str, ExactValues]:
    """The values of all games of a batch with one sample, as `values_of_games`, and those of the game that the method declares to answer."""
    values = values_of_games(environment, batch, method.declaration.explained_in(environment), baselines, sampling)
    name = method.answers
    if name is not None and name not in values:
        exact = method.exact_answer(environment, batch)
        values |= {} if exact is None else {name: exact}
    return values


_KEPT: OrderedDict[tuple[type, int], dict[str, ExactValues]] = OrderedDict()
"""Values by a fingerprint of network, input and question."""


def n_compared(tally: Tally) -> int:
    """Number of images that `first_agreements` compares."""
    return min(len(tally.first), N_COMPARED if tally.maps[0].numel() <= FEW_FEATURES else N_COMPARED // 2)


def first_agreements(tally: Tally) -> dict[str, GameAgreement]:
    """Agreement of the first maps of a tally with all games whose values take no random orders, nearest first."""
    declaration, scores = tally.source.method.declaration, GameScores()
    for (environment, batch), maps in zip(tally.first[: n_compared(tally)], tally.maps, strict=False):
        scores.add(maps, values_of_games(environment, batch, declaration.explained_in(environment)))
    return scores.agreements()
