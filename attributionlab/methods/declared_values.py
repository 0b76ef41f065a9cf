"""Exact values of the game that a method declares to answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from attributionlab.environments.base import Environment
from attributionlab.games import every_game, exact_values
from attributionlab.games.permutations import Sampling
from attributionlab.games.switching import is_designed
from attributionlab.methods.declaration import SAMPLES
from attributionlab.specs.options import convert
from attributionlab.truth.baselines import Baseline
from attributionlab.truth.batch import Batch
from attributionlab.truth.values import ExactValues

if TYPE_CHECKING:
    from attributionlab.methods.base import AnyMethod

ORDERS = Sampling(400, None, 0)
"""Random orders for Shapley values without a closed form."""


def declared_values(
    method: AnyMethod, environment: Environment, batch: Batch, inputs: Tensor | None = None
) -> ExactValues | None:
    """Exact values of the game that a method answers; None if there is none, or it has no exact values in the environment.

    Args:
        method: The method.
        environment: The environment.
        batch: Its samples.
        inputs: Baselines (b, c, *shape), where no color is the baseline.
    """
    game, _, baseline = (method.answers or "").partition("@")
    if not game or baseline == SAMPLES:
        return None
    color: Any = convert("baseline", baseline, Baseline) if inputs is None else inputs
    explains = method.declaration.explained_in(environment)
    return every_game(environment, batch, color, games=(game,), explains=explains, sampling=ORDERS).get(game)


def mean_path_values(environment: Environment, batch: Batch, references: Tensor) -> ExactValues | None:
    """The mean of the Aumann-Shapley values from each of several baselines; None for a network that is not from this package.

    Args:
        environment: The environment.
        batch: Its samples.
        references: (n, c, *shape), the baselines.
    """
    if not is_designed(environment.model):
        return None
    starts = [reference.expand_as(batch.inputs) for reference in references.to(batch.inputs)]
    exact = [exact_values(environment, batch, "aumann-shapley", start) for start in starts]
    total = torch.stack([each.total for each in exact if each.total is not None]).mean(dim=0)
    values = torch.stack([each.values for each in exact]).mean(dim=0)
    return ExactValues(values, None, total, "aumann-shapley", SAMPLES)
