"""Facts about what a plan names, stored with it so that reading a run imports nothing that its folder names."""

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
    """Declarations of environments and methods of a plan, recorded when it was made.

    Args:
        environments: Environment of the plan, by canonical spec with seeds.
        truths: Kinds of truth, by environment of the plan and method.
    """

    environments: Mapping[str, str]
    truths: Mapping[str, Mapping[str, MethodTruths]]

    def to_dict(self) -> dict[str, Any]:
        """Stored form, a part of the stored plan."""
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
        """Read facts from their stored form.

        Raises:
            ValueError: If they do not cover everything that the stored plan names.
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
