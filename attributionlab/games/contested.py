"""Features on whose sign the games disagree."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from attributionlab.games.every_game import every_game
from attributionlab.truth.baselines import Baseline

if TYPE_CHECKING:
    from collections.abc import Mapping

    from attributionlab.environments.base import Environment
    from attributionlab.truth.batch import Batch
    from attributionlab.truth.values import ExactValues


def contested_mask(environment: Environment, batch: Batch, baseline: Baseline | Tensor = "true") -> Tensor:
    """Features that raise the output in one game and lower it in another.

    For these features the sign depends on the question that a method answers. They are reported, and never used in F1.

    Args:
        environment: An environment.
        batch: Its samples.
        baseline: Value of an absent feature: `true`, `black`, a color, or an input for each sample.

    Returns:
        (b, *shape) bool, on the batch's device; over the games whose values take no random orders.

    Raises:
        BadOption: If an option is not valid.

    Example:
        >>> import attributionlab as al
        >>> environment = al.make_environment("multi-color-sum[output=logit,n_redundant=0]", size=16)
        >>> al.contested_mask(environment, environment.sample(2)).any().item()
        False
    """
    mask = signs_disagree(every_game(environment, batch, baseline))
    return torch.zeros_like(batch.ground_truth.signed, dtype=torch.bool) if mask is None else mask


def signs_disagree(games: Mapping[str, ExactValues]) -> Tensor | None:
    """(b, *shape) bool: features with a positive value in one game and a negative one in another; None without exact values."""
    exact = [game.values for game in games.values() if game.standard_error is None]
    if not exact:
        return None
    values = torch.stack(exact)
    return (values > 0).any(dim=0) & (values < 0).any(dim=0)
