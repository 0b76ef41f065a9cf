"""Plans of runs. Reading a stored one imports neither torch nor anything that it names."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from attributionlab.errors import bad_option
from attributionlab.runs.facts import PlanFacts
from attributionlab.runs.jobs import AGREEMENT, Job, Unit
from attributionlab.specs.arguments import require_instance, require_mapping, require_text, share, whole_number
from attributionlab.truth.kinds import require_truth


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Methods and metrics, environments and seeds. Build it with `Plan.of`, or read it with `read_plan`.

    Args:
        name: Name of the study.
        environments: Canonical specs, without the seeds below.
        methods: Canonical specs, or addresses of functions.
        metrics: Canonical specs of perturbation metrics.
        seeds: Seeds of scenes and networks, each environment with each; empty where environments keep their own.
        network_seeds: Seeds of networks on the same scenes; empty where they follow `seeds`.
        n_samples: Images per environment and seed.
        images_per_job: Images that a worker explains at once.
        gamma: The least mean F1 that passes.
        truth: The truth that decides; `auto` takes the one that fits each method.
        target: The explained output: `winner`, `loser` or the index of a class; the truth follows it.
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
    target: str | int = "winner"
    save_maps: int = 0
    code: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    facts: PlanFacts | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        require_text("name", self.name)
        for name, least in (("environments", 1), ("methods", 1), ("metrics", 0)):
            for spec in _require_tuple(name, getattr(self, name), "specs", least):
                require_text(name, spec, "hold specs")
        for name in ("seeds", "network_seeds"):
            for seed in _require_tuple(name, getattr(self, name), "integers", 0):
                whole_number(name, seed, 0)
        for name, least in LEAST.items():
            whole_number(name, getattr(self, name), least)
        share("gamma", self.gamma)
        require_truth(self.truth)
        if self.target not in ("winner", "loser"):
            whole_number("target", self.target, 0)
        for digest in require_mapping("code", self.code, "digests by spec").values():
            require_text("code", digest, "hold digests")
        if self.facts is not None:
            require_instance("facts", self.facts, PlanFacts, "be facts of a plan, or none")

    @classmethod
    def of(cls, **entries: Any) -> Plan:
        """Build a plan after checking all its entries.

        Args:
            **entries: The fields of the class. Environments, methods and metrics are specs, or dictionaries with a `name`
                and options.

        Raises:
            BadPlan: If an entry is wrong; the error lists all problems.

        Example:
            >>> Plan.of(environments=["multi-color-sum[size=16]"], methods=["truth"], seeds=[0, 1]).n_jobs
            8
        """
        from attributionlab.runs.plan_entries import PlanReader  # noqa: PLC0415  # imports torch, which reading does not need

        return PlanReader(entries).plan()

    def to_dict(self) -> dict[str, Any]:
        """Stored form, written beside the records."""
        fields = {entry.name: getattr(self, entry.name) for entry in dataclasses.fields(self)}
        stored = {name: list(value) if isinstance(value, tuple) else value for name, value in fields.items()}
        if self.target == "winner":  # as in earlier versions
            del stored["target"]
        facts = {} if self.facts is None else {"facts": self.facts.to_dict()}
        return {**stored, "code": dict(self.code), **facts}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Plan:
        """Read a plan from its stored form.

        Raises:
            BadOption: If an entry is unknown, is missing, or has another type than `to_dict` gives it.
        """
        require_mapping("stored", stored, "entries of a plan")
        entries: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in stored.items()
        }
        facts = entries.pop("facts", None)
        try:
            plan = cls(**entries)
        except TypeError as error:
            raise bad_option("stored", "have the entries of a plan", sorted(map(str, entries)), str(error)) from error
        return plan if facts is None else dataclasses.replace(plan, facts=PlanFacts.from_dict(facts, stored))

    @cached_property
    def declared(self) -> PlanFacts:
        """The recorded facts; without them, those of what is built in."""
        if self.facts is not None:
            return self.facts
        from attributionlab.runs.declarations import assumed_facts  # noqa: PLC0415  # imports torch

        return assumed_facts(self)

    @property
    def expanded(self) -> Mapping[str, str]:
        """Environment of the plan, by canonical spec with seeds."""
        return self.declared.environments

    @property
    def measures(self) -> tuple[str, ...]:
        """Agreement, and the metrics."""
        return (AGREEMENT, *self.metrics)

    @property
    def n_jobs(self) -> int:
        """Number of records of a complete run."""
        n_ranges = -(-self.n_samples // self.images_per_job)
        return len(self.expanded) * n_ranges * len(self.methods) * len(self.measures)

    def units(self) -> Iterator[Unit]:
        """All jobs; those on the same images are consecutive, because a worker keeps what they share."""
        starts = range(0, self.n_samples, self.images_per_job)
        for environment, start, method in itertools.product(self.expanded, starts, self.methods):
            stop = min(start + self.images_per_job, self.n_samples)
            jobs = (
                Job(environment, method, measure, start, stop, self._code(method, measure), self.target)
                for measure in self.measures
            )
            yield Unit(tuple(jobs), max(0, min(self.save_maps, stop) - start))

    def _code(self, *specs: str) -> str:
        return "".join(self.code.get(spec, "") for spec in specs)


LEAST = {"n_samples": 1, "images_per_job": 1, "save_maps": 0}
"""Least values of the numbers of a plan."""


def _require_tuple(name: str, value: object, content: str, least: int) -> tuple[Any, ...]:
    if not isinstance(value, tuple) or len(value) < least:
        raise bad_option(name, f"be a tuple of {content}{f', at least {least}' if least else ''}", value)
    return value
