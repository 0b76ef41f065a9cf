"""The questions that a method answers: its maps against the exact values of every game from several baselines."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from torch import Tensor

from attributionlab.environments import Environment
from attributionlab.environments.factory import as_environment
from attributionlab.games.contested import signs_disagree
from attributionlab.games.permutations import Sampling
from attributionlab.judging.game_agreement import GameAgreement, answered, games_dict
from attributionlab.judging.games import BASELINES, GameScores, values_with_declared
from attributionlab.judging.units import Source
from attributionlab.machine import find_device, versions
from attributionlab.measuring.explain import explain
from attributionlab.measuring.failure import Failure
from attributionlab.measuring.progress import Progress, no_progress
from attributionlab.methods import AnyMethod, make_method
from attributionlab.specs.arguments import MOST_IMAGES, require_function, require_list, whole_number
from attributionlab.specs.options import convert
from attributionlab.tabular import Tabular
from attributionlab.truth.baselines import Baseline, baseline_color


@dataclass(frozen=True)
class Answers(Tabular):
    """The games whose exact values the maps of a method are; prints as the table of `attributionlab answers`.

    Args:
        method: Canonical spec.
        environment: Canonical spec.
        explains: The output whose values are compared: that of the environment, or the logit for methods that explain it.
        n_samples: Scenes, each under its own network.
        network_seeds: Seeds of the networks.
        seed: Seed of the scenes.
        device: Device on which the method ran.
        games: Agreement with each game, by `game@baseline`, nearest first.
        declared: The game that the method declares to answer with its options, or None.
        contested: Share of features that raise the output in one game from the true baseline and lower it in another; None if no
            game has exact values.
        error: Failure of the method, or None.
        versions: Versions of Python and of packages.
    """

    _table: ClassVar[str] = "attributionlab.reports.tables.answers:answers_table"
    _rows: ClassVar[str] = "attributionlab.reports.tables.answers:answers_rows"

    method: str
    environment: str
    explains: str
    n_samples: int
    network_seeds: tuple[int, ...]
    seed: int
    device: str
    games: Mapping[str, GameAgreement] = field(default_factory=dict)
    declared: str | None = None
    contested: float | None = None
    error: Failure | None = None
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def answers(self) -> list[str]:
        """The games that are answered, nearest first."""
        return answered(self.games)

    @property
    def exit_code(self) -> int:
        """Exit code of the command line: 1 if the method broke, or does not answer the game that it declares; else 0."""
        is_missed = self.declared in self.games and self.declared not in self.answers
        return int(self.error is not None or is_missed)

    def to_dict(self) -> dict[str, Any]:
        """The documented JSON."""
        return {
            "schema": 1,
            "method": self.method,
            "environment": self.environment,
            "explains": self.explains,
            "n_samples": self.n_samples,
            "network_seeds": list(self.network_seeds),
            "seed": self.seed,
            "device": self.device,
            "games": games_dict(self.games),
            "answers": self.answers,
            "declared": self.declared,
            "contested": self.contested,
            "error": None if self.error is None else {"type": self.error.type, "message": self.error.message},
            "versions": dict(self.versions),
        }


def answers(
    method: str | AnyMethod | Callable[..., Tensor],
    environment: Environment | str = "multi-color-sum",
    *,
    baselines: Sequence[Baseline] = BASELINES,
    n_samples: int = 4,
    n_orders: int = 400,
    device: str = "auto",
    progress: Progress | None = None,
) -> Answers:
    """Compare the maps of a method with the exact values of every game: which questions does it answer?

    A game is answered if the l1 distance of every image is below 0.05. Where values are estimated, it is also answered
    if the mean distance is not larger than what the standard errors explain.

    Args:
        method: A name or spec, a function `(model, inputs, targets) -> Tensor`, or the location of one.
        environment: An environment, or its spec. Scene i is explained under the network with its network seed + i.
        baselines: Values of absent features: `true`, `black`, or colors.
        n_samples: Scenes, at least 1.
        n_orders: Random orders for Shapley values without a closed form, at least 2.
        device: `auto` (a GPU if there is one), `cpu` or `cuda`.
        progress: Called with the number of scenes finished since the last call.

    Returns:
        The agreement with each game; `.answers`, `.games`, `.to_dict()`, `.to_pandas()`.

    Raises:
        BadOption: If an option is not valid.
        MachineError: If there is no such device.

    Example:
        >>> answers("occlusion[baseline=true,stride=1,window=1]", "multi-color-sum[size=16,n_redundant=0]").answers[0]
        'removal@true'
    """
    built = as_environment("environment", environment)
    bound = make_method(method, built)
    colors = _checked_baselines(baselines, built)
    n = whole_number("n_samples", n_samples, 1, MOST_IMAGES)
    sampling = Sampling.checked(n_orders, None, 0)
    report = require_function("progress", progress, "(n)") or no_progress
    source = Source(built, bound, find_device(device), one_network=False, batch_size=1)
    scores, contested, error = GameScores(), [], None
    for unit in source.units(0, n):
        maps = explain(unit.method, unit.network, unit.batch, device=source.device)
        if isinstance(maps, Failure):
            error = maps
            break
        values = values_with_declared(unit.method, unit.environment, unit.batch, colors, sampling)
        scores.add(maps.values.cpu(), values)
        disagree = signs_disagree({name: exact for name, exact in values.items() if name.endswith("@true")})
        contested += [] if disagree is None else [float(disagree.double().mean())]
        report(1)
    return Answers(
        method=bound.spec,
        environment=built.spec,
        explains=bound.declaration.explained_in(built),
        n_samples=n,
        network_seeds=source.network_seeds(n),
        seed=built.data_seed,
        device=source.device.type,
        games={} if error is not None else scores.agreements(),
        declared=bound.answers,
        contested=sum(contested) / len(contested) if contested else None,
        error=error,
        versions=versions(),
    )


def _checked_baselines(baselines: object, environment: Environment) -> tuple[Baseline, ...]:
    """Converted baselines.

    Raises:
        BadOption: If `baselines` is not a list of at least one, or one is not a color of the inputs.
        BrokenEnvironment: If the environment's true baseline is not one.
    """
    values = require_list("baselines", [baselines] if isinstance(baselines, str) else baselines, "baselines", 1)
    colors: tuple[Any, ...] = tuple(convert("baselines", value, Baseline) for value in values)
    n_channels = environment.sample(1).inputs.shape[1]  # sampling checks the true baseline, too
    for color in colors:
        are_colors = environment.input_range is not None
        baseline_color(color, n_channels, environment.true_baseline, are_colors=are_colors)
    return colors
