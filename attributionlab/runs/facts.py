"""Facts about what a plan names, stored with it: whoever reads a run imports nothing that its folder names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from attributionlab.truth.kinds import TRUTHS


@dataclass(frozen=True)
class MethodTruths:
    """Kinds of truth that a method is judged by in an environment.

    Args:
        deciding: The kind that decides.
        applicable: The kinds that say something about the method there.
    """

    deciding: str
    applicable: tuple[str, ...]


@dataclass(frozen=True)
class PlanFacts:
    """Declarations of environments and methods of a plan, as they were when it was made.

    Args:
        environments: By canonical spec with seeds: the environment of the plan that it is one of.
        truths: By environment of the plan and method: the kinds of truth.
    """

    environments: Mapping[str, str]
    truths: Mapping[str, Mapping[str, MethodTruths]]

    def to_dict(self) -> dict[str, Any]:
        """As it is stored in the plan."""
        truths = {
            environment: {
                method: {"deciding": kinds.deciding, "applicable": list(kinds.applicable)}
                for method, kinds in methods.items()
            }
            for environment, methods in self.truths.items()
        }
        return {"environments": dict(self.environments), "truths": truths}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any], plan: Mapping[str, Any]) -> PlanFacts:
        """Facts from their stored form, which must be about everything that the stored plan names.

        Raises:
            ValueError: If they are not.
        """
        try:
            environments = dict(stored["environments"])
            truths = {
                environment: {method: _kinds(stored["truths"][environment][method]) for method in plan["methods"]}
                for environment in plan["environments"]
            }
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"`facts` are not about what the plan names: {error}") from error
        if set(environments.values()) != set(plan["environments"]):
            raise ValueError("`facts` are not about the environments of the plan")
        return cls(environments, truths)


def _kinds(stored: Mapping[str, Any]) -> MethodTruths:
    kinds = MethodTruths(stored["deciding"], tuple(stored["applicable"]))
    if not {kinds.deciding, *kinds.applicable} <= set(TRUTHS):
        raise ValueError(f"`facts` name a truth that does not exist: {kinds}")
    return kinds
