"""Plans from entries that a user wrote; all problems are reported at once."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from attributionlab.environments import Environment, make_environment
from attributionlab.errors import AttributionLabError, BadPlan, BrokenEnvironment, bad_option, unknown_name
from attributionlab.measuring.applicable import check_applies
from attributionlab.methods import AnyMethod, make_method
from attributionlab.metrics import make_metric
from attributionlab.printable import error_text
from attributionlab.runs.declarations import code_digest, facts_of
from attributionlab.runs.plan import LEAST, Plan
from attributionlab.specs.arguments import share, whole_number
from attributionlab.specs.grammar import parse_spec
from attributionlab.truth.kinds import require_truth

Built = TypeVar("Built")

MOST_PROBLEMS = 200
"""Problems after which checking stops: the input is then hardly a plan."""

MOST_JOBS = 10_000_000
"""Largest number of jobs of a plan: their records take about 10 GB."""


@dataclass(frozen=True)
class Problem:
    """A mistake in a plan.

    Args:
        message: One line.
        option: Name of the option at fault; None if the error is not about an option.
        entry: The key of the plan that holds it.
        index: Index in a list, or -1.
        near: The list item as written, if it is a text; else empty.
    """

    message: str
    option: str | None
    entry: str
    index: int
    near: str


class PlanReader:
    """Reads entries one by one and collects their problems."""

    def __init__(self, entries: Mapping[str, Any]) -> None:
        self.entries = entries
        self.problems: list[Problem] = []

    def plan(self) -> Plan:
        """Check all entries and build the plan."""
        entry_names = [field.name for field in dataclasses.fields(Plan) if field.name not in ("code", "facts")]
        for entry in self.entries:
            if entry not in entry_names:
                self.problem(unknown_name("entry", entry, entry_names), entry)
        environments = self.items("environments", make_environment)
        setting = environments[0] if environments else None
        methods = self.items("methods", lambda spec: make_method(spec, setting))
        metrics = self.items("metrics", make_metric, least=0)
        numbers: dict[str, Any] = {}
        for name in filter(self.entries.__contains__, LEAST):
            numbers[name] = self.number(name, n_samples=numbers.get("n_samples", Plan.n_samples))
        checked: dict[str, Any] = {
            "name": self.text("name", "run"),
            "environments": tuple(environment.spec for environment in environments),
            "methods": tuple(method.spec for method in methods),
            "metrics": tuple(metric.spec for metric in metrics),
            "seeds": self.seeds("seeds", environments),
            "network_seeds": self.seeds("network_seeds", environments),
            "gamma": self.gamma(),
            "truth": self.truth(methods, environments),
            "target": self.target(environments),
            **numbers,
        }
        self.raise_problems()
        digests = {subject.spec: code_digest(subject) for subject in (*methods, *metrics)}
        plan = Plan(**checked, code={spec: digest for spec, digest in digests.items() if digest is not None})
        n_expanded = len(environments) * max(len(plan.seeds), 1) * max(len(plan.network_seeds), 1)
        self.check_size(plan, n_expanded)
        facts = facts_of(environments, methods, plan.seeds, plan.network_seeds, plan.truth)
        if len(facts.environments) < n_expanded:
            self.problem(bad_option("seeds", "make each environment another one", list(plan.seeds)), "seeds")
        self.raise_problems()
        return dataclasses.replace(plan, facts=facts)

    def check_size(self, plan: Plan, n_expanded: int) -> None:
        """Refuse a plan with more jobs than a folder of records can hold.

        Raises:
            BadPlan: If the plan has more than `MOST_JOBS` jobs.
        """
        n_ranges = -(-plan.n_samples // plan.images_per_job)
        n_jobs = n_expanded * n_ranges * len(plan.methods) * len(plan.measures)
        if n_jobs > MOST_JOBS:
            hint = "leave out some, or set images_per_job to more"
            self.problem(bad_option("n_samples", f"make at most {MOST_JOBS:,} jobs", n_jobs, hint), "n_samples")
        self.raise_problems()

    def raise_problems(self) -> None:
        """Raise all problems collected so far.

        Raises:
            BadPlan: If there are any.
        """
        if self.problems:
            raise BadPlan(problem.message for problem in self.problems)

    def problem(self, error: AttributionLabError, entry: str, index: int = -1, near: str = "") -> None:
        """Record a problem.

        Raises:
            BadPlan: If there are `MOST_PROBLEMS` of them.
        """
        self.problems.append(Problem(error_text(error), error.option, entry, index, near))
        if len(self.problems) >= MOST_PROBLEMS:
            self.raise_problems()

    def items(self, entry: str, make: Callable[..., Built], least: int = 1) -> list[Built]:
        """Build the environments, methods or metrics that a list of specs names."""
        specs = self.entries.get(entry, [])
        if not isinstance(specs, (list, tuple)) or len(specs) < least:
            self.problem(bad_option(entry, "be a list of specs" + (", at least one" if least else ""), specs), entry)
            return []
        components: dict[str, Built] = {}
        for index, spec_or_table in enumerate(specs):
            try:
                if not isinstance(spec_or_table, (str, Mapping)):
                    raise bad_option(entry, "hold specs, or tables with a name and options", spec_or_table)
                component = make(spec_or_table)
                if component.spec in components:  # type: ignore[attr-defined]  # all three kinds have a spec
                    raise bad_option(entry, "name each one once", component.spec)  # type: ignore[attr-defined]  # as above
                components[component.spec] = component  # type: ignore[attr-defined]  # as above
            except AttributionLabError as error:
                self.problem(error, entry, index, _spec_of(spec_or_table))
        return list(components.values())

    def number(self, name: str, n_samples: int) -> int:
        """A whole number; `true` for `save_maps` means all images."""
        value = self.entries[name]
        if name == "save_maps" and isinstance(value, bool):
            return n_samples if value else 0
        try:
            return whole_number(name, value, LEAST[name])
        except AttributionLabError as error:
            self.problem(error, name)
            return LEAST[name]

    def seeds(self, name: str, environments: Sequence[Environment]) -> tuple[int, ...]:
        """Distinct seeds, which no environment may set itself."""
        values = self.entries.get(name, [])
        try:
            if not isinstance(values, (list, tuple)):
                raise bad_option(name, "be a list of integers", values)
            seeds = tuple(whole_number(name, seed, 0) for seed in values)
            if len(set(seeds)) < len(seeds):
                raise bad_option(name, "name each one once", list(values))
            for environment in environments if seeds else ():
                own = parse_spec(environment.spec).options.keys() & _SET_BY[name]
                if own:
                    hint = f"{environment.spec} sets {min(own)} itself"
                    raise bad_option(name, "be left out where an environment has its own", list(values), hint)
        except AttributionLabError as error:
            self.problem(error, name)
            return ()
        return seeds

    def text(self, name: str, default: str) -> str:
        """A text entry, or its default."""
        value = self.entries.get(name, default)
        if not isinstance(value, str):
            self.problem(bad_option(name, "be a text", value), name)
            return default
        return value

    def gamma(self) -> float:
        """The least mean F1 that passes."""
        try:
            return share("gamma", self.entries.get("gamma", Plan.gamma))
        except AttributionLabError as error:
            self.problem(error, "gamma")
            return Plan.gamma

    def target(self, environments: Sequence[Environment]) -> str | int:
        """The explained output, whose truth every environment must know."""
        target: Any = self.entries.get("target", Plan.target)
        for environment in environments:
            try:
                environment.sample(1, target=target)
            except BrokenEnvironment as error:  # which the target cannot help
                self.problem(error, "environments")
            except AttributionLabError as error:
                self.problem(error, "target")
                return Plan.target
        return target  # type: ignore[no-any-return]  # checked by the environments

    def truth(self, methods: Sequence[AnyMethod], environments: Sequence[Environment]) -> str:
        """The deciding truth, which must apply to every method everywhere."""
        try:
            truth = require_truth(self.entries.get("truth", Plan.truth))
        except AttributionLabError as error:
            self.problem(error, "truth")
            return Plan.truth
        for method, environment in itertools.product(methods, environments) if truth != "auto" else ():
            try:
                check_applies(truth, method.declaration, environment, method.spec)
            except AttributionLabError as error:
                self.problem(error, "truth")
        return truth


_SET_BY = {"seeds": {"seed", "data_seed", "network_seed"}, "network_seeds": {"network_seed"}}


def _spec_of(spec_or_table: object) -> str:
    """A spec as it is written, by which its line is recognized."""
    spec = spec_or_table.get("name") if isinstance(spec_or_table, Mapping) else spec_or_table
    return spec if isinstance(spec, str) else ""
