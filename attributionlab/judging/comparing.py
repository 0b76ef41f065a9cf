"""Two methods, or two revisions of one, on the same scenes under the same networks."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from attributionlab.environments import Environment
from attributionlab.environments.factory import as_environment
from attributionlab.judging.checking import looks_of
from attributionlab.judging.judgment import MAX_SECONDS
from attributionlab.judging.outcome import OVERALL
from attributionlab.judging.statistics import Summary, Values, mean_interval
from attributionlab.judging.units import Source, Tally
from attributionlab.machine import find_device, versions
from attributionlab.measuring.applicable import applicable_truths, check_applies, deciding_truth, judged_truth
from attributionlab.measuring.failure import Failure
from attributionlab.measuring.progress import Progress, no_progress
from attributionlab.methods import AnyMethod, make_method
from attributionlab.specs.arguments import number, require_function
from attributionlab.tabular import Tabular
from attributionlab.truth import Batch, GroundTruth
from attributionlab.truth.kinds import require_truth

Relation = Literal["better", "equal", "worse", "undecided", "failed"]

EXIT_CODES: Mapping[Relation, int] = {"better": 0, "equal": 0, "worse": 1, "undecided": 4, "failed": 1}
"""Exit codes of the command line."""

SAME_WITHIN = 0.02
"""Difference of mean F1 within which two methods count as equal."""

N_SHOWN = 4
"""Scenes that are shown: those on which the methods differ most."""


@dataclass(frozen=True)
class ComparedScene:
    """The scores of both methods on one scene.

    Args:
        index: Index of the scene.
        network_seed: Seed of its network.
        first: F1 of the first method.
        second: F1 of the second.
    """

    index: int
    network_seed: int
    first: float
    second: float


@dataclass(frozen=True)
class MethodComparison(Tabular):
    """The difference of two methods; prints as the table of `attributionlab compare`.

    Args:
        first: Canonical spec of the first method.
        second: Canonical spec of the method that it is compared with.
        environment: Canonical spec.
        truth: The kind of truth on which F1 is compared.
        n_samples: Scenes, each under its own network.
        relation: `better`, `equal`, `worse` or `undecided`, of the first against the second; `failed` if one of them broke.
        scores: Mean scores of both, by `first` and `second`; None for a method that broke.
        difference: Mean F1 of the first minus that of the second; None if one of them broke.
        low: Lower end of its 95 percent interval.
        high: Upper end.
        n_higher: Scenes on which the first has the higher F1.
        n_lower: Scenes on which it has the lower one.
        most_different: The scenes on which they differ most, the largest difference first.
        errors: Failures by `first` and `second`.
        versions: Versions of Python and of packages.
    """

    first: str
    second: str
    environment: str
    truth: str
    n_samples: int
    relation: Relation
    scores: dict[str, Summary | None]
    difference: float | None
    low: float | None
    high: float | None
    n_higher: int
    n_lower: int
    most_different: tuple[ComparedScene, ...]
    errors: dict[str, Failure]
    versions: dict[str, str]

    batch: Batch | None = dataclasses.field(default=None, repr=False, compare=False)
    """Scenes of `most_different`, for pictures."""
    maps: dict[str, Tensor] = dataclasses.field(default_factory=dict, repr=False, compare=False)
    """Maps (n, *shape) of both methods on these scenes, by `first` and `second`."""
    judged: dict[str, GroundTruth] = dataclasses.field(default_factory=dict, repr=False, compare=False)
    """The truth by which each is judged, on these scenes."""

    _table: ClassVar[str] = "attributionlab.reports.tables.comparisons:comparison_table"
    _rows: ClassVar[str] = "attributionlab.reports.tables.comparisons:comparison_rows"

    @property
    def exit_code(self) -> int:
        """Exit code of the command line: 0 better or equal, 1 worse or failed, 4 undecided."""
        return EXIT_CODES[self.relation]

    def to_dict(self) -> dict[str, Any]:
        """The documented JSON."""
        names = [entry.name for entry in dataclasses.fields(self) if entry.name not in ("batch", "maps", "judged")]
        stored: dict[str, Any] = {name: getattr(self, name) for name in names}
        stored["scores"] = {name: None if each is None else each.to_dict() for name, each in self.scores.items()}
        stored["most_different"] = [dataclasses.asdict(scene) for scene in self.most_different]
        stored["errors"] = {name: {"type": error.type, "message": error.message} for name, error in self.errors.items()}
        return {"schema": 1, **stored}


def compare(
    first: str | AnyMethod | Callable[..., Tensor],
    second: str | AnyMethod | Callable[..., Tensor],
    environment: Environment | str = "multi-color-sum",
    *,
    n_samples: int | Literal["auto"] = "auto",
    truth: str = "auto",
    max_seconds: float = MAX_SECONDS,
    device: str = "auto",
    progress: Progress | None = None,
) -> MethodComparison:
    """Compare two methods, scene by scene: is the first at least as good as the second?

    Both explain the same scenes under the same networks, so that the difficulty of a scene cancels. The interval of the mean
    difference is that of `check`, for (difference + 1) / 2.

    Args:
        first: The first method: a name or spec, a function `(model, inputs, targets) -> Tensor`, or the location of one.
        second: The method that it is compared with.
        environment: An environment, or its spec. Scene i is explained under the network with its network seed + i.
        n_samples: Scenes, at least 4; `auto` adds scenes (8, 16, 32, .. 256) until the verdict is decided.
        truth: Kind of truth for F1. `auto` takes the one that fits both methods, or overall truth.
        max_seconds: Seconds after which no more images are added.
        device: `auto` (a GPU if there is one), `cpu` or `cuda`.
        progress: Called with the number of maps finished since the last call.

    Raises:
        BadOption: If an option is not valid, or the truth does not apply to both methods.
        MachineError: If there is no such device.

    Example:
        >>> compare("truth", "gradient", "multi-color-sum[size=16]").relation
        'better'
    """
    require_truth(truth)
    require_function("progress", progress, "(n)")
    looks, seconds, built_environment = (
        looks_of(n_samples, "interval"),
        number("max_seconds", max_seconds, 0),
        as_environment("environment", environment),
    )
    methods = {"first": make_method(first, built_environment), "second": make_method(second, built_environment)}
    kind = _truth_of_both(methods, built_environment, truth)
    torch_device = find_device(device)
    networks: dict[int, Environment] = {}
    tallies = {
        name: Tally(Source(built_environment, method, torch_device, one_network=False, batch_size=1, built=networks))
        for name, method in methods.items()
    }
    end = time.monotonic() + seconds
    for look in looks:
        if tallies["first"].n and time.monotonic() > end:
            break
        for tally in tallies.values():
            if tally.failure is None:
                tally.extend(look, progress or no_progress)
        if any(tally.failure for tally in tallies.values()) or _relation(_differences(tallies, kind)) != "undecided":
            break
    return _comparison(methods, built_environment, kind, tallies)


def _truth_of_both(methods: Mapping[str, AnyMethod], environment: Environment, truth: str) -> str:
    """The kind of truth to compare on, which applies to both methods."""
    if truth == "auto":
        kinds = {deciding_truth(method.declaration, environment) for method in methods.values()}
        return kinds.pop() if len(kinds) == 1 else OVERALL
    for method in methods.values():
        check_applies(truth, method.declaration, environment, method.spec)
    return truth


def _differences(tallies: Mapping[str, Tally], truth: str) -> Values:
    """(n,): F1 of the first method minus that of the second, where the truth applies."""
    differences: Values = tallies["first"].scores.f1(truth) - tallies["second"].scores.f1(truth)
    return differences[~np.isnan(differences)]


def _interval(differences: Values) -> tuple[float, float]:
    """The 95 percent interval of the mean difference."""
    shares = (differences + 1) / 2
    low, high = mean_interval(len(shares), float(shares.sum()), float((shares**2).sum()))
    return 2 * low - 1, 2 * high - 1


def _relation(differences: Values) -> Relation:
    """The first method against the second."""
    if len(differences) == 0:
        return "undecided"
    if (differences == 0).all():
        return "equal"
    low, high = _interval(differences)
    if low > 0:
        return "better"
    if high < 0:
        return "worse"
    return "equal" if low > -SAME_WITHIN and high < SAME_WITHIN else "undecided"


def _comparison(
    methods: Mapping[str, AnyMethod], environment: Environment, truth: str, tallies: Mapping[str, Tally]
) -> MethodComparison:
    """The result from what both methods scored."""
    errors = {name: tally.failure for name, tally in tallies.items() if tally.failure is not None}
    comparison = MethodComparison(
        first=methods["first"].spec,
        second=methods["second"].spec,
        environment=environment.spec,
        truth=truth,
        n_samples=min(tally.n for tally in tallies.values()),
        relation="failed",
        scores={name: _summary(tally, truth) for name, tally in tallies.items()},
        difference=None,
        low=None,
        high=None,
        n_higher=0,
        n_lower=0,
        most_different=(),
        errors=errors,
        versions=versions(),
    )
    return comparison if errors else _with_differences(comparison, environment, tallies)


def _with_differences(
    comparison: MethodComparison, environment: Environment, tallies: Mapping[str, Tally]
) -> MethodComparison:
    """The result with the differences, and the scenes on which they are largest."""
    first, second = (tallies[name].scores.f1(comparison.truth) for name in ("first", "second"))
    differences = _differences(tallies, comparison.truth)
    low, high = _interval(differences)
    order = np.argsort(-np.nan_to_num(np.abs(first - second)), kind="stable")[:N_SHOWN].tolist()
    most = tuple(
        ComparedScene(index, environment.network_seed + index, float(first[index]), float(second[index]))
        for index in order
    )
    batch = environment.batch(tuple(environment.scene(index) for index in order))
    judged = {
        name: judged_truth(tally.source.method.declaration, environment, batch) for name, tally in tallies.items()
    }
    return dataclasses.replace(
        comparison,
        relation=_relation(differences),
        difference=float(differences.mean()),
        low=low,
        high=high,
        n_higher=int((differences > 0).sum()),
        n_lower=int((differences < 0).sum()),
        most_different=most,
        batch=batch,
        judged=judged,
        maps={name: torch.cat([tally.maps[index] for index in order]) for name, tally in tallies.items()},
    )


def _summary(tally: Tally, truth: str) -> Summary | None:
    """Mean scores of a method on this truth; None if it broke."""
    if tally.failure is not None or truth not in applicable_truths(
        tally.source.method.declaration, tally.source.environment
    ):
        return None
    return tally.scores.summaries((truth,), 0.0, "interval")[truth]
