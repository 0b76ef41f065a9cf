"""Exact values of every feature in a game: in closed form, from the network, or from random orders."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from attributionlab.environments.base import Environment
from attributionlab.environments.members import call
from attributionlab.environments.trained import TrainedNetwork
from attributionlab.errors import bad_option
from attributionlab.games.additive import network_set_function
from attributionlab.games.checkpoint import Checkpoint
from attributionlab.games.input_game import InputGame, InputValues
from attributionlab.games.permutations import Sampling
from attributionlab.games.switching import explained_by, is_designed
from attributionlab.perturbation.order import check_indices
from attributionlab.specs.arguments import require_choice, require_function, require_instance
from attributionlab.specs.grammar import format_value
from attributionlab.truth.baselines import Baseline, baseline_color
from attributionlab.truth.batch import Batch, LabeledImages
from attributionlab.truth.explained import Explained
from attributionlab.truth.kinds import COMPLETE_GAMES, GAMES
from attributionlab.truth.maps import require_model, require_tensor
from attributionlab.truth.set_functions import IntArray
from attributionlab.truth.values import ExactValues


def exact_values(
    environment: Environment | TrainedNetwork,
    batch: Batch | LabeledImages,
    game: str,
    baseline: Baseline | Tensor = "true",
    *,
    network: nn.Module | None = None,
    explains: Explained | None = None,
    feature_mask: Tensor | None = None,
    n_orders: int | None = None,
    target_error: float | None = None,
    seed: int = 0,
    checkpoint: str | Path | None = None,
    progress: Callable[[int], object] | None = None,
) -> ExactValues:
    """The value of every feature in a game, relative to a baseline.

    v(S) is the explained output, that of `batch.targets`, with the features in S shown and the others at the baseline.

    | game | value of feature i | adds up to |
    |---|---|---|
    | `removal` | v(N) - v(N without i) | - |
    | `alone` | v({i}) - v(empty set) | - |
    | `shapley` | mean over all orders of what i adds to the features before it | v(N) - v(empty set) |
    | `aumann-shapley` | integral of the gradient along the straight path from the baseline, times the difference | v(N) - v(empty set) |

    Values are computed in closed form, or exactly from the network. Only Shapley values without a closed form, for example
    those from black with redundant channels, are estimated from random orders.

    Args:
        environment: An environment; or any network, whose Shapley values are estimated.
        batch: Samples of the environment; for a network any inputs with targets.
        game: One of the table.
        baseline: Value of an absent feature: `true` (the environment's background), `black`, a color, or one input for each
            sample, (b, c, *shape).
        network: Another network for the same inputs, with the same kind of output, such as that of a counterpart; by
            default the environment's own.
        explains: Explained output, one of `environment.explainable`; by default the environment's own.
        feature_mask: (b, *shape) integers: features with the same number are shown together, like the segments of an image. Each
            feature has the Shapley value of its group; `total` is None, because every group counts once.
        n_orders: Number of random orders for Shapley values, at least 2 and by default 400. If it is set, Shapley values
            with a closed form are estimated as well. With `target_error`, the largest number, by default 10,000.
        target_error: Largest standard error, relative to the largest value of a sample, at which the orders suffice.
        seed: Seed of the orders; a sample's values do not depend on its batch.
        checkpoint: A .npz file that keeps the sums over the orders so far, every few seconds. A later call with the same
            samples, network, baseline and seed goes on from there, also after an interruption or with more orders.
        progress: Called with the number of orders finished since the last call.

    Returns:
        The values, their standard errors (None if they are exact) and their sums.

    Raises:
        BadOption: If an argument is not valid, the game is not defined for the environment, or the target error is not
            reached.

    Example:
        >>> import attributionlab as al
        >>> environment = al.make_environment("single-color-sum", size=16)
        >>> batch = environment.sample(1)
        >>> exact = al.exact_values(environment, batch, "shapley")
        >>> bool((exact.values == batch.ground_truth.signed).all())
        True
    """
    require_choice("game", game, GAMES)
    progress = require_function("progress", progress, "(n_orders)") or (lambda _: None)
    model = _network(environment, network)
    _check_batch(environment, batch, model)
    estimates = _estimates(model, environment, game, n_orders, target_error)
    groups = _groups(feature_mask, batch, game)
    sampling = Sampling.checked(n_orders, target_error, seed)
    kept = None if checkpoint is None else Checkpoint.read(checkpoint)
    samples = []
    for input_game in input_games(environment, batch, baseline, model, explains, groups):
        exact = None if estimates else input_game.exactly(game)
        samples.append(input_game.from_orders(sampling, progress, kept) if exact is None else exact)
    if kept is not None and kept.stored:
        kept.keep(now=True)
    name = baseline_name(baseline)
    return joined(samples, game, name, batch.inputs.device, has_total=game in COMPLETE_GAMES and groups is None)


def has_closed_form(environment: Environment) -> bool:
    """Whether Shapley values from the true background take no random orders."""
    (sample,) = input_games(environment, environment.sample(1), "true", environment.model)
    return sample.exactly("shapley") is not None


def _network(environment: object, network: object) -> nn.Module:
    """The network whose output is explained."""
    if not isinstance(environment, (Environment, TrainedNetwork)):
        raise bad_option("environment", "be an environment or a TrainedNetwork", environment)
    return environment.model if network is None else require_model("network", network)


def _check_batch(environment: Environment | TrainedNetwork, batch: object, model: nn.Module) -> None:
    """Refuse a batch that does not belong to the environment, or targets that are no outputs of the network."""
    if isinstance(environment, Environment):
        require_instance("batch", batch, Batch, "be a Batch of the environment")
        assert isinstance(batch, Batch)
        if not torch.equal(environment.batch(batch.scenes).inputs, batch.inputs.detach().cpu().float()):
            raise bad_option("batch", "hold the inputs of its scenes", batch)
    elif not isinstance(batch, (Batch, LabeledImages)):
        raise bad_option("batch", "be a Batch or LabeledImages", batch)
    with torch.no_grad():
        check_indices(batch.targets, model(_as_weights(batch.inputs[:1], model)).shape[1])


def _as_weights(inputs: Tensor, model: nn.Module) -> Tensor:
    """Inputs on the device of a network's weights, and in their precision."""
    weights = next(model.parameters(), inputs)
    return inputs.detach().to(weights.device, weights.dtype)


def _estimates(
    model: nn.Module, environment: Environment | TrainedNetwork, game: str, n_orders: object, target_error: object
) -> bool:
    """Whether values are estimated even if they have a closed form.

    Raises:
        BadOption: If orders are chosen for a game that needs none, or not chosen for a network without an environment.
    """
    is_chosen = n_orders is not None or target_error is not None
    if game != "shapley" and is_chosen:
        name, value = ("target_error", target_error) if n_orders is None else ("n_orders", n_orders)
        raise bad_option(name, f"be none for the game {game}, whose values are exact", value)
    is_trained = isinstance(environment, TrainedNetwork)
    if is_trained and game != "shapley":
        raise bad_option("game", "be shapley for a network without an environment", game)
    is_foreign = model is not environment.model and not is_designed(model)
    if game == "shapley" and not is_chosen and (is_trained or is_foreign):
        raise bad_option("n_orders", "be set for a network without an environment, or `target_error`", n_orders)
    return is_chosen


def _groups(feature_mask: Tensor | None, batch: Batch | LabeledImages, game: str) -> list[IntArray] | None:
    """Groups of each sample (P,), numbered from 0 without gaps; None if every feature is on its own."""
    if feature_mask is None:
        return None
    if game != "shapley":
        raise bad_option("game", "be shapley for groups of features", game)
    mask, shape = require_tensor("feature_mask", feature_mask, "b *shape", "integers"), batch.inputs[:, 0].shape
    if mask.shape != shape:
        raise bad_option("feature_mask", f"have shape {tuple(shape)}", tuple(mask.shape))
    return [np.unique(of_sample, return_inverse=True)[1].ravel() for of_sample in mask.cpu().numpy()]


def input_games(
    environment: Environment | TrainedNetwork,
    batch: Batch | LabeledImages,
    baseline: Baseline | Tensor,
    model: nn.Module,
    explains: Explained | None = None,
    groups: Sequence[IntArray] | None = None,
) -> Iterator[InputGame]:
    """Each sample with its baseline.

    Raises:
        BadOption: If the baseline does not fit, or the environment has no such output.
    """
    inputs, targets = _as_weights(batch.inputs, model), batch.targets.tolist()
    if isinstance(baseline, Tensor):
        starts, color = require_tensor("baseline", baseline, "b c *shape", "floating point").detach().to(inputs), None
        if starts.shape != inputs.shape:
            raise bad_option("baseline", f"have the shape of the inputs, {tuple(inputs.shape)}", tuple(starts.shape))
    else:
        are_colors = isinstance(environment, Environment) and environment.input_range is not None
        values = baseline_color(baseline, inputs.shape[1], environment.true_baseline, are_colors=are_colors)
        starts = values.to(inputs).reshape(-1, *[1] * (inputs.ndim - 2)).expand_as(inputs)
        color = tuple(values.tolist())
    output = _explained(environment, model, explains)
    for index, target in enumerate(targets):
        start, end = starts[index : index + 1].contiguous(), inputs[index : index + 1]
        function = None
        if isinstance(environment, Environment) and isinstance(batch, Batch):
            if color is not None and model is environment.model and output == environment.explains:
                arguments = (batch.scenes[index], target, color)
                function = call(environment, "set_function", environment.set_function, *arguments)
            function = function or network_set_function(model, output, start, end, target)
        yield InputGame(model, output, start, end, target, function, None if groups is None else groups[index])


def _explained(environment: Environment | TrainedNetwork, model: nn.Module, explains: Explained | None) -> Explained:
    """The explained output."""
    if not isinstance(environment, Environment):
        if explains is not None:
            raise bad_option("explains", "be none for a network without an environment", explains)
        return explained_by(model)
    if explains is not None:
        require_choice("explains", explains, environment.explainable)
    return environment.explains if explains is None else explains


def baseline_name(baseline: Baseline | Tensor) -> str:
    """The baseline in the grammar of specs; `inputs` for one input per sample."""
    return "inputs" if isinstance(baseline, Tensor) else format_value(baseline)


def joined(
    samples: Sequence[InputValues], game: str, baseline: str, device: torch.device, *, has_total: bool
) -> ExactValues:
    """The values of all samples as tensors."""

    def stacked(arrays: list[np.ndarray]) -> Tensor:
        return torch.from_numpy(np.stack(arrays)).to(device)

    errors = [sample.standard_error for sample in samples if sample.standard_error is not None]
    return ExactValues(
        stacked([sample.values for sample in samples]),
        stacked(errors) if errors else None,
        torch.tensor([sample.total for sample in samples], dtype=torch.float64, device=device) if has_total else None,
        game,
        baseline,
        max((sample.n_orders for sample in samples if sample.n_orders is not None), default=None),
    )
