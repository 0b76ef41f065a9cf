"""Plans: what a run is to measure. Reading a stored one imports neither torch nor anything that it names."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from attributionlab.runs.facts import PlanFacts
from attributionlab.runs.jobs import AGREEMENT, Job, Unit
from attributionlab.truth.kinds import TRUTHS


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Methods and metrics, environments and seeds. Build it with `Plan.of`, or read it with `read_plan`.

    Args:
        name: What the study is called.
        environments: Canonical specs, without the seeds below.
        methods: Canonical specs, or where functions are.
        metrics: Canonical specs of perturbation metrics.
        seeds: Seeds of scenes and networks, each environment with each; empty where environments keep their own.
        network_seeds: Seeds of networks on the same scenes; empty where they follow `seeds`.
        n_samples: Images per environment and seed.
        images_per_job: Images that a worker explains at once.
        gamma: The least mean F1 that passes.
        truth: Which truth decides; `auto` takes the one that fits each method.
        save_maps: Images per environment, from the first one on, whose maps are stored.
        code: Digests of the files of functions, by spec.
        facts: Declarations of what the plan names; None in plans that an earlier version stored.
    """

    name: str = "run"
    environments: tuple[str, ...]
    methods: tuple[str, ...]
    metrics: tuple[str, ...] = ()
    seeds: tuple[int, ...] = ()
    network_seeds: tuple[int, ...] = ()
    n_samples: int = 16
    images_per_job: int = 4
    gamma: float = 0.5
    truth: str = "auto"
    save_maps: int = 0
    code: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    facts: PlanFacts | None = field(default=None, compare=False, repr=False)

    @classmethod
    def of(cls, **entries: Any) -> Plan:
        """Check everything that a plan says.

        Args:
            **entries: The fields of the class. Environments, methods and metrics are specs, or dictionaries with a `name`
                and options.

        Raises:
            BadPlan: If something is wrong; it lists everything that is.

        Example:
            >>> Plan.of(environments=["multi-color-sum[size=16]"], methods=["truth"], seeds=[0, 1]).n_jobs
            8
        """
        from attributionlab.runs.plan_entries import PlanReader  # noqa: PLC0415  # imports torch, which reading does not need

        return PlanReader(entries, lambda problem, *_: problem).plan()

    def to_dict(self) -> dict[str, Any]:
        """As it is stored beside the records."""
        fields = {one.name: getattr(self, one.name) for one in dataclasses.fields(self)}
        stored = {name: list(value) if isinstance(value, tuple) else value for name, value in fields.items()}
        facts = {} if self.facts is None else {"facts": self.facts.to_dict()}
        return {**stored, "code": dict(self.code), **facts}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Plan:
        """A plan from its stored form, whose types are checked; the rest was checked when it was made.

        Raises:
            TypeError: If an entry has no place in a plan, or is missing.
            ValueError: If an entry has another type than `to_dict` gives it.
        """
        for name, value in stored.items():
            if name in _FITS and not _FITS[name](value):
                raise ValueError(f"`{name}` has a value that no plan has")
        entries: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in stored.items()
        }
        facts = entries.pop("facts", None)
        return cls(**entries, facts=None if facts is None else PlanFacts.from_dict(facts, stored))

    @cached_property
    def declared(self) -> PlanFacts:
        """The recorded facts; without them, those of what is built in."""
        if self.facts is not None:
            return self.facts
        from attributionlab.runs.declarations import assumed_facts  # noqa: PLC0415  # imports torch

        return assumed_facts(self)

    @property
    def expanded(self) -> Mapping[str, str]:
        """By canonical spec with seeds: the environment of the plan that it is one of."""
        return self.declared.environments

    @property
    def measures(self) -> tuple[str, ...]:
        """Agreement, and the metrics."""
        return (AGREEMENT, *self.metrics)

    @property
    def n_jobs(self) -> int:
        """How many records a whole run has."""
        n_ranges = -(-self.n_samples // self.images_per_job)
        return len(self.expanded) * n_ranges * len(self.methods) * len(self.measures)

    def units(self) -> Iterator[Unit]:
        """All jobs; those on the same images follow one another, because a worker keeps what they share."""
        starts = range(0, self.n_samples, self.images_per_job)
        for environment, start, method in itertools.product(self.expanded, starts, self.methods):
            stop = min(start + self.images_per_job, self.n_samples)
            jobs = (
                Job(environment, method, measure, start, stop, self._code(method, measure)) for measure in self.measures
            )
            yield Unit(tuple(jobs), max(0, min(self.save_maps, stop) - start))

    def _code(self, *specs: str) -> str:
        return "".join(self.code.get(spec, "") for spec in specs)


def _is_number(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _are_texts(value: object, least: int) -> bool:
    return isinstance(value, list) and len(value) >= least and all(isinstance(item, str) for item in value)


def _are_seeds(value: object) -> bool:
    return isinstance(value, list) and all(_is_number(seed, 0) for seed in value)


_FITS: dict[str, Callable[[Any], bool]] = {
    "name": lambda value: isinstance(value, str),
    "environments": lambda value: _are_texts(value, 1),
    "methods": lambda value: _are_texts(value, 1),
    "metrics": lambda value: _are_texts(value, 0),
    "seeds": _are_seeds,
    "network_seeds": _are_seeds,
    "n_samples": lambda value: _is_number(value, 1),
    "images_per_job": lambda value: _is_number(value, 1),
    "save_maps": lambda value: _is_number(value, 0),
    "gamma": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 1,
    "truth": lambda value: value in ("auto", *TRUTHS),
    "code": lambda value: isinstance(value, dict) and _are_texts(list(value.values()), 0),
}
"""What a stored plan may hold, by entry."""
