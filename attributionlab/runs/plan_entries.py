"""Plans from what a user wrote: all problems are reported at once."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from attributionlab.environments import Environment, make_environment
from attributionlab.errors import AttributionLabError, BadPlan, bad_option, unknown_name
from attributionlab.measuring.applicable import check_applies
from attributionlab.methods import AnyMethod, make_method
from attributionlab.metrics import make_metric
from attributionlab.printable import error_text
from attributionlab.runs.declarations import code_digest, facts_of
from attributionlab.runs.plan import LEAST, Plan
from attributionlab.specs.arguments import share, whole_number
from attributionlab.specs.grammar import format_value, parse_spec
from attributionlab.truth.kinds import require_truth

Found = TypeVar("Found")

MOST_PROBLEMS = 200
"""Problems after which no more are looked for: a plan with so many is something else."""

MOST_JOBS = 10_000_000
"""Jobs of a plan, at most: their records take about 10 GB."""


@dataclass(frozen=True)
class Problem:
    """A mistake in a plan.

    Args:
        message: One line.
        option: Name of the option at fault; None where the error is about none.
        entry: The key of the plan that holds it.
        index: Which item of a list, or -1.
        near: The item as it is written, where it is a text.
    """

    message: str
    option: str | None
    entry: str
    index: int
    near: str


class PlanReader:
    """Reads entries one by one, and remembers what is wrong with them."""

    def __init__(self, entries: Mapping[str, Any]) -> None:
        self.entries = entries
        self.problems: list[Problem] = []

    def plan(self) -> Plan:
        """The plan, if nothing is wrong."""
        known = [one.name for one in dataclasses.fields(Plan) if one.name not in ("code", "facts")]
        for entry in self.entries:
            if entry not in known:
                self.problem(unknown_name("entry", entry, known), entry)
        environments = self.items("environments", make_environment)
        setting = environments[0] if environments else None
        methods = self.items("methods", lambda spec, /, **options: make_method(spec, setting, **options))
        metrics = self.items("metrics", make_metric, least=0)
        numbers: dict[str, Any] = {}
        for name in filter(self.entries.__contains__, LEAST):
            numbers[name] = self.number(name, n_samples=numbers.get("n_samples", Plan.n_samples))
        checked: dict[str, Any] = {
            "name": self.text("name", "run"),
            "environments": tuple(one.spec for one in environments),
            "methods": tuple(one.spec for one in methods),
            "metrics": tuple(one.spec for one in metrics),
            "seeds": self.seeds("seeds", environments),
            "network_seeds": self.seeds("network_seeds", environments),
            "gamma": self.gamma(),
            "truth": self.truth(methods, environments),
            **numbers,
        }
        self.raise_problems()
        digests = {one.spec: code_digest(one) for one in (*methods, *metrics)}
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
            BadPlan: If it has.
        """
        n_ranges = -(-plan.n_samples // plan.images_per_job)
        n_jobs = n_expanded * n_ranges * len(plan.methods) * len(plan.measures)
        if n_jobs > MOST_JOBS:
            hint = "leave out some, or set images_per_job to more"
            self.problem(bad_option("n_samples", f"make at most {MOST_JOBS:,} jobs", n_jobs, hint), "n_samples")
        self.raise_problems()

    def raise_problems(self) -> None:
        """Raise what was found to be wrong so far.

        Raises:
            BadPlan: If something was.
        """
        if self.problems:
            raise BadPlan(problem.message for problem in self.problems)

    def problem(self, error: AttributionLabError, entry: str, index: int = -1, near: str = "") -> None:
        """Remember it; where there are very many, stop looking for more.

        Raises:
            BadPlan: If there are.
        """
        self.problems.append(Problem(error_text(error), error.option, entry, index, near))
        if len(self.problems) >= MOST_PROBLEMS:
            self.raise_problems()

    def items(self, entry: str, make: Callable[..., Found], least: int = 1) -> list[Found]:
        """What a list of specs names."""
        given = self.entries.get(entry, [])
        if not isinstance(given, (list, tuple)) or len(given) < least:
            self.problem(bad_option(entry, "be a list of specs" + (", at least one" if least else ""), given), entry)
            return []
        found: dict[str, Found] = {}
        for index, item in enumerate(given):
            near = ""
            try:
                spec, options = _spec_and_options(entry, item)
                near = spec
                made = make(spec, **options)
                if made.spec in found:  # type: ignore[attr-defined]  # all three kinds have a spec
                    raise bad_option(entry, "name each one once", spec)
                found[made.spec] = made  # type: ignore[attr-defined]  # as above
            except AttributionLabError as error:
                self.problem(error, entry, index, near)
        return list(found.values())

    def number(self, name: str, n_samples: int) -> int:
        """A whole number; of `save_maps`, `true` means all images."""
        value = self.entries[name]
        if name == "save_maps" and isinstance(value, bool):
            return n_samples if value else 0
        try:
            return whole_number(name, value, LEAST[name])
        except AttributionLabError as error:
            self.problem(error, name)
            return LEAST[name]

    def seeds(self, name: str, environments: Sequence[Environment]) -> tuple[int, ...]:
        """A list of seeds, each once, which no environment sets itself."""
        given = self.entries.get(name, [])
        try:
            if not isinstance(given, (list, tuple)):
                raise bad_option(name, "be a list of integers", given)
            seeds = tuple(whole_number(name, seed, 0) for seed in given)
            if len(set(seeds)) < len(seeds):
                raise bad_option(name, "name each one once", list(given))
            for environment in environments if seeds else ():
                own = parse_spec(environment.spec).options.keys() & _SET_BY[name]
                if own:
                    hint = f"{environment.spec} sets {min(own)} itself"
                    raise bad_option(name, "be left out where an environment has its own", list(given), hint)
        except AttributionLabError as error:
            self.problem(error, name)
            return ()
        return seeds

    def text(self, name: str, default: str) -> str:
        """A text."""
        value = self.entries.get(name, default)
        if not isinstance(value, str):
            self.problem(bad_option(name, "be a text", value), name)
            return default
        return value

    def gamma(self) -> float:
        """The threshold."""
        try:
            return share("gamma", self.entries.get("gamma", Plan.gamma))
        except AttributionLabError as error:
            self.problem(error, "gamma")
            return Plan.gamma

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


def _spec_and_options(entry: str, item: object) -> tuple[str, dict[str, Any]]:
    """A spec as it is, or the name and the options of a table."""
    if isinstance(item, str):
        return item, {}
    if isinstance(item, Mapping) and isinstance(item.get("name"), str):
        options = {name: value for name, value in item.items() if name != "name"}
        return item["name"], {name: format_value(_frozen(value)) for name, value in options.items()}
    raise bad_option(entry, "hold specs, or tables with a name and options", item)


def _frozen(value: object) -> object:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
