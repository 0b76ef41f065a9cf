"""The values of all games for the same samples, which share what they compute."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from attributionlab.environments.base import Environment
from attributionlab.games.exact import baseline_name, input_games, joined
from attributionlab.games.input_game import InputGame, InputValues
from attributionlab.games.permutations import Sampling
from attributionlab.games.switching import is_designed
from attributionlab.truth.baselines import Baseline
from attributionlab.truth.batch import Batch
from attributionlab.truth.explained import Explained
from attributionlab.truth.kinds import COMPLETE_GAMES, GAMES
from attributionlab.truth.values import ExactValues

MOST_PASSES = 4096
"""Largest number of features of a network that needs a forward pass for each."""


def every_game(
    environment: Environment,
    batch: Batch,
    baseline: Baseline | Tensor = "true",
    *,
    games: Sequence[str] = GAMES,
    explains: Explained | None = None,
    sampling: Sampling | None = None,
) -> dict[str, ExactValues]:
    """The values of all games that are defined for an environment, by their names.

    Args:
        environment: The environment.
        batch: Its samples.
        baseline: Value of an absent feature, or one input for each sample.
        games: Names of games.
        explains: Explained output, as in `exact_values`.
        sampling: Random orders for Shapley values without a closed form; None to leave these out.

    Returns:
        Values by game. Path integrals through networks that are not from this package, and values that would take a forward pass for
        each of more than 4,096 features, are left out.
    """
    samples = list(input_games(environment, batch, baseline, environment.model, explains))
    values = {game: [_values(each, game, sampling) for each in samples] for game in games}
    name = baseline_name(baseline)
    device = batch.inputs.device
    return {
        game: joined(complete, game, name, device, has_total=game in COMPLETE_GAMES)
        for game, of_samples in values.items()
        if len(complete := [each for each in of_samples if each is not None]) == len(batch)
    }


def _values(each: InputGame, game: str, sampling: Sampling | None) -> InputValues | None:
    """The values of a sample; None if they are left out."""
    function, n_passes = each.set_function, each.end[0, 0].numel()
    if not is_designed(each.model):
        in_closed_form = function is not None and (game != "aumann-shapley" or function.aumann_shapley() is not None)
        if not in_closed_form and (game == "aumann-shapley" or n_passes > MOST_PASSES):
            return None
        if function is not None and function.n_kinds > MOST_PASSES:
            return None
    exact = each.exactly(game)
    return exact if exact is not None or sampling is None else each.from_orders(sampling, lambda _: None)
