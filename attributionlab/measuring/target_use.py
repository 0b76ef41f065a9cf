"""Use of targets: whether maps of another output than the winner's are those of the winner."""

from __future__ import annotations

import torch
from torch import Tensor

from attributionlab.environments import Environment
from attributionlab.measuring.applicable import judged_truth
from attributionlab.measuring.explain import explain
from attributionlab.measuring.failure import Failure
from attributionlab.methods import AnyMethod, Declaration
from attributionlab.truth import Batch, GroundTruth


def visible_truth(declaration: Declaration, truth: GroundTruth) -> Tensor:
    """(b, *shape): the part of the truth that maps of this sign can show."""
    by_sign = {"signed": truth.signed, "positive": truth.positive_mask, "magnitude": truth.overall_mask}
    return by_sign[declaration.sign]


def n_same_for_winner(
    method: AnyMethod, environment: Environment, batch: Batch, maps: Tensor, device: torch.device | str = "cpu"
) -> int:
    """Number of maps that are the same for the winner as for the batch's targets, although what they can show of the two differs.

    Maps that are zero everywhere do not count.

    Args:
        method: The method, bound to the environment.
        environment: The environment, with its network on the device.
        batch: The samples, with their targets.
        maps: (b, *shape), the method's maps of the batch.
        device: Device on which the method runs.
    """
    batch, maps = batch.to("cpu"), maps.cpu()
    winner = environment.batch(batch.scenes)
    truths = [
        visible_truth(method.declaration, judged_truth(method.declaration, environment, samples))
        for samples in (batch, winner)
    ]
    counts = (truths[0] != truths[1]).flatten(1).any(dim=1) & (maps != 0).flatten(1).any(dim=1)
    if not counts.any():
        return 0
    of_winner = explain(method, environment.model, winner, device=device)
    if isinstance(of_winner, Failure):
        return 0
    return int(((of_winner.values.cpu() == maps).flatten(1).all(dim=1) & counts).sum())
