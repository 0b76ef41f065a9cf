"""Declarations of what a plan names, recorded with the plan so that reading a run need not import them."""

from __future__ import annotations

import dataclasses
import hashlib
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from attributionlab.environments import Environment, make_environment
from attributionlab.environments.factory import ENVIRONMENTS
from attributionlab.errors import BadOption, bad_option
from attributionlab.measuring.applicable import applicable_truths, deciding_truth
from attributionlab.methods import AnyMethod, Declaration, make_method
from attributionlab.methods.factory import METHODS
from attributionlab.metrics import AnyMetric, make_metric
from attributionlab.metrics.factory import METRICS
from attributionlab.runs.facts import MethodTruths, PlanFacts
from attributionlab.specs.catalog import Catalog
from attributionlab.specs.functions import parse_address
from attributionlab.specs.grammar import parse_spec
from attributionlab.truth import Batch

if TYPE_CHECKING:
    from attributionlab.runs.plan import Plan


def facts_of(
    environments: Sequence[Environment],
    methods: Sequence[AnyMethod],
    seeds: Sequence[int],
    network_seeds: Sequence[int],
    truth: str,
) -> PlanFacts:
    """The facts of a plan.

    Args:
        environments: Environments of the plan.
        methods: Methods of the plan.
        seeds: Seeds of scenes and networks.
        network_seeds: Seeds of networks.
        truth: The truth that decides, or `auto`.
    """
    expanded = {
        member.spec: environment.spec
        for environment in environments
        for member in seeded(environment, seeds, network_seeds)
    }
    truths = {
        environment.spec: {
            method.spec: _truths(make_method(method, environment).declaration, environment, truth) for method in methods
        }
        for environment in environments
    }
    return PlanFacts(expanded, truths)


def assumed_facts(plan: Plan) -> PlanFacts:
    """Facts of a plan that an earlier version stored without them, from what is built in.

    Nothing that the plan names is imported. A method that is not built in counts as undeclared, with a warning.

    Raises:
        BadOption: If an environment is not built in.
    """
    environments = [_built_in_environment(spec) for spec in plan.environments]
    declarations = {method: _built_in_declaration(method) for method in plan.methods}
    missing = [method for method, declaration in declarations.items() if declaration is None]
    if missing:
        warnings.warn(
            f"the declaration of {missing[0]} is not recorded in this run, which an earlier version made: it is judged as an "
            "undeclared function; run the same command again to record it",
            UserWarning,
            stacklevel=2,
        )
    expanded = {
        member.spec: environment.spec
        for environment in environments
        for member in seeded(environment, plan.seeds, plan.network_seeds)
    }
    truths = {
        environment.spec: {
            method: _truths(declaration or Declaration(), environment, plan.truth)
            for method, declaration in declarations.items()
        }
        for environment in environments
    }
    return PlanFacts(expanded, truths)


def seeded(environment: Environment, seeds: Sequence[int], network_seeds: Sequence[int]) -> list[Environment]:
    """The environment with every seed, and every seed of the network."""
    members = []
    for seed in seeds or (None,):
        member = environment if seed is None else dataclasses.replace(environment, data_seed=seed, network_seed=seed)
        members += [dataclasses.replace(member, network_seed=network_seed) for network_seed in network_seeds] or [
            member
        ]
    return members


def is_built_in(catalog: Catalog[Any], name: str) -> bool:
    """Whether a name is built in or was registered in this process; using it then imports no other package."""
    return name in catalog.entries or name in catalog.built_in


def built_in_direction(metric: str) -> bool | None:
    """Whether higher scores of a built-in metric are better; None for a metric that is not built in."""
    if parse_address(metric) is not None:
        return None
    try:
        return make_metric(metric).higher_is_better if is_built_in(METRICS, parse_spec(metric).name) else None
    except (BadOption, LookupError):  # an option of an earlier version
        return None


def built_in_images(environment: str, n_samples: int, target: str | int = "winner") -> Batch | None:
    """First images of an environment; None, with a warning, if it is not built in: reading a run imports nothing else."""
    if not is_built_in(ENVIRONMENTS, parse_spec(environment).name):
        warnings.warn(
            f"the images of {environment} are not drawn: it is not built in, and reading a run imports nothing that the run names",
            UserWarning,
            stacklevel=2,
        )
        return None
    return make_environment(environment).sample(n_samples, target=target)  # type: ignore[arg-type]  # checked by the environment


def code_digest(subject: AnyMethod | AnyMetric) -> str | None:
    """Digest of the file of a `file.py:function`, or of SAM's weights; None for anything with a name and a version."""
    weights: str | None = getattr(subject, "sam_checkpoint", None)
    address = parse_address(subject.spec) if weights is None else None
    path = address.where if address is not None and address.where.endswith(".py") else weights
    if path is None:
        return None
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def _truths(declaration: Declaration, environment: Environment, truth: str) -> MethodTruths:
    deciding = deciding_truth(declaration, environment) if truth == "auto" else truth
    return MethodTruths(deciding, applicable_truths(declaration, environment))


def _built_in_environment(spec: str) -> Environment:
    if not is_built_in(ENVIRONMENTS, parse_spec(spec).name):
        hint = (
            "this run was made by an earlier version, which did not record it; run the same command again to record it"
        )
        raise bad_option("environment", "be recorded to be read, unless it is built in", spec, hint)
    return make_environment(spec)


def _built_in_declaration(method: str) -> Declaration | None:
    """Declaration of a built-in method; None if finding it out would import what the plan names."""
    if parse_address(method) is not None:
        return None
    try:
        return make_method(method).declaration if is_built_in(METHODS, parse_spec(method).name) else None
    except (BadOption, LookupError, OSError):  # an option of an earlier version, or weights that are gone
        return None
