"""The result of a debugging test, and its JSON."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from torch import Tensor

from attributionlab.judging.dependence import BLIND_BELOW, Dependence
from attributionlab.measuring.failure import Failure
from attributionlab.tabular import Tabular

Revelation = Literal["failed", "no map", "hidden", "partly", "undecided", "invisible", "revealed"]
"""Whether a map follows a bug: not at all, by less than gamma, fully; or whether that cannot be told; `invisible` if the truths of
both networks agree, so that no map could show the bug; `no map` if every map with the bug is zero or constant although pixels have effects."""

EXIT_CODES: dict[Revelation, int] = {"failed": 1, "no map": 1, "hidden": 1, "partly": 1, "undecided": 4}
"""Exit codes of the command line; 0 if all bugs are revealed or invisible."""

Basis = Literal["mask", "values", "mass"]
"""Measure of a bug: F1 against masks of closed forms, the cosine with exact effects from the network, or the mass of maps if every truth
is empty."""


@dataclass(frozen=True)
class MeanSimilarity:
    """A similarity of two maps, averaged over images.

    Args:
        mean: Mean over the images on which it is defined; None if there are none.
        standard_error: Standard error of the mean; None for fewer than two images.
        n: Number of these images.
        floor: Mean similarity of the healthy map and Gaussian noise.
        ceiling: Mean similarity of the healthy map and the same with another seed.
        truth: Similarity of the exact effects under both networks, which a perfect map would have.
    """

    mean: float | None
    standard_error: float | None
    n: int
    floor: float | None
    ceiling: float | None
    truth: float | None


@dataclass(frozen=True, eq=False)
class ShownMaps:
    """The first scene of a case, for pictures; each pair is healthy, then contaminated.

    Args:
        inputs: (c, h, w) each.
        truths: (h, w) each: the exact effects of all pixels.
        maps: (h, w) each.
    """

    inputs: tuple[Tensor, Tensor]
    truths: tuple[Tensor, Tensor]
    maps: tuple[Tensor, Tensor]


@dataclass(frozen=True, eq=False)
class BugVerdict:
    """Whether the maps of a method follow one bug.

    Args:
        bug: The bug as a spec.
        role: `data`, `model` or `test time`.
        environment: Canonical spec of the environment with the bug.
        healthy: Canonical spec of the one without it.
        outcome: `revealed`, `partly`, `hidden`, `no map`, `undecided`, `invisible` or `failed`.
        basis: What was measured.
        follows: 1 if maps change with the bug as the truth does, 0 if they do not, both explained for the class that the healthy
            network predicts; None if the truths agree.
        follows_own: The same, with the contaminated network explained for the class that it predicts itself.
        agreement: Mean agreement of the contaminated maps with the truth of their network, and of the healthy one (`own`,
            `healthy`): F1 or cosine, on the images whose truth is not empty; None if there are none.
        mass: Mean share of the healthy and of the contaminated maps on the pixels of the contaminated truth, on the same images.
        similarity: Similarities of the healthy and the contaminated map.
        n_same_class: Images of which both networks predict the same class.
        n_empty: Images on which the contaminated truth is empty.
        n_without_map: Images of which one of the maps is zero or constant.
        error: Failure of the method.
        shown: The first scene.
    """

    bug: str
    role: str
    environment: str
    healthy: str
    outcome: Revelation
    basis: Basis | None = None
    follows: Dependence | None = None
    follows_own: Dependence | None = None
    agreement: dict[str, float | None] | None = None
    mass: dict[str, float | None] | None = None
    similarity: dict[str, MeanSimilarity] = dataclasses.field(default_factory=dict)
    n_same_class: int = 0
    n_empty: int = 0
    n_without_map: int = 0
    error: Failure | None = None
    shown: ShownMaps | None = dataclasses.field(default=None, repr=False)

    @property
    def label(self) -> str:
        """The bug for people: `cascade block2` for `cascade[layer=block2]`."""
        name, _, options = self.bug.partition("[layer=")
        return f"{name} {options.removesuffix(']')}" if options and "," not in options else self.bug

    def to_dict(self) -> dict[str, Any]:
        """The documented JSON."""
        names = ("bug", "role", "environment", "healthy", "outcome", "basis", "agreement", "mass")
        stored: dict[str, Any] = {name: getattr(self, name) for name in names}
        for name in ("follows", "follows_own"):
            stored[name] = _interval_dict(getattr(self, name))
        stored["similarity"] = {name: dataclasses.asdict(mean) for name, mean in self.similarity.items()}
        for name in ("n_same_class", "n_empty", "n_without_map"):
            stored[name] = getattr(self, name)
        stored["error"] = self.error and {"type": self.error.type, "message": self.error.message}
        return stored


@dataclass(frozen=True, eq=False)
class DebugReport(Tabular):
    """Bugs that a method reveals; prints as the tables of `attributionlab debug`.

    Args:
        method: Canonical spec.
        gamma: The threshold on `follows`.
        n_samples: Scenes per bug, each under its own network.
        seed: Seed of scenes and networks.
        bugs: The verdict on each bug.
        versions: Versions of Python and of packages.
    """

    _table: ClassVar[str] = "attributionlab.reports.tables.debugging:debug_table"
    _rows: ClassVar[str] = "attributionlab.reports.tables.debugging:debug_rows"

    method: str
    gamma: float
    n_samples: int
    seed: int
    bugs: tuple[BugVerdict, ...]
    versions: dict[str, str]

    @property
    def revealed(self) -> tuple[str, ...]:
        """The bugs that the method reveals."""
        return tuple(verdict.bug for verdict in self.bugs if verdict.outcome == "revealed")

    @property
    def exit_code(self) -> int:
        """Exit code of the command line: 0 if all bugs are revealed, 1 if one is not, 4 if it is undecided."""
        codes = [EXIT_CODES.get(verdict.outcome, 0) for verdict in self.bugs]
        return next((code for code in (1, 4) if code in codes), 0)

    def to_dict(self) -> dict[str, Any]:
        """The documented JSON."""
        return {
            "schema": 1,
            "method": self.method,
            "gamma": self.gamma,
            "n_samples": self.n_samples,
            "seed": self.seed,
            "revealed": list(self.revealed),
            "bugs": [verdict.to_dict() for verdict in self.bugs],
            "versions": self.versions,
        }


def _interval_dict(follows: Dependence | None) -> dict[str, float] | None:
    """A value with its interval in the documented JSON."""
    return None if follows is None else {"value": follows.value, "low": follows.low, "high": follows.high}


TIE = 1e-6
"""Difference to gamma that is rounding: maps are float32."""


def revelation_of(follows: Dependence | None, gamma: float) -> Revelation:
    """The outcome for maps that follow the bug so far.

    A map that vanishes with the bug follows it by exactly one half: it leaves the old truth and does not reach the new one. So a bug is
    revealed above gamma, not at it.

    Args:
        follows: As in `BugVerdict`; None if the truths of both networks agree.
        gamma: Value above which it is revealed.
    """
    if follows is None:
        return "invisible"
    if follows.low > gamma + TIE:
        return "revealed"
    if follows.high > gamma + TIE:
        return "undecided"
    return "partly" if follows.low >= BLIND_BELOW else "hidden"
