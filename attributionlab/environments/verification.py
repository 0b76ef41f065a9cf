"""Verification: every claim of an environment, tested by intervention on samples."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch

from attributionlab.environments.base import Environment
from attributionlab.environments.claims import Case, Claim, generic_claims
from attributionlab.environments.factory import as_environment
from attributionlab.environments.members import call, check_network, returned
from attributionlab.machine import torch_device
from attributionlab.printable import value_text
from attributionlab.specs.arguments import MOST_IMAGES, require_flag, require_function, whole_number
from attributionlab.tabular import Tabular

NO_CLOSED_FORM = "the function is known only to the network, so there is no closed form to compare it with"


@dataclass
class Verification(Tabular):
    """All claims of an environment; prints as the table of `attributionlab verify`.

    Args:
        environment: Canonical spec.
        claims: The claims that were tested.
        note: Claims that could not be tested, with the reasons.
    """

    _table: ClassVar[str] = "attributionlab.reports.tables.verdicts:verification_table"
    _rows: ClassVar[str] = "attributionlab.reports.tables.verdicts:verification_rows"

    environment: str
    claims: list[Claim] = field(default_factory=list)
    note: str = ""

    @property
    def passed(self) -> bool:
        """Whether every claim holds."""
        return all(claim.holds for claim in self.claims)

    def to_dict(self) -> dict[str, Any]:
        """The documented JSON."""
        claims = [{**vars(claim), "holds": claim.holds} for claim in self.claims]
        return {"environment": self.environment, "passed": self.passed, "claims": claims, "note": self.note}


def verify(
    environment: Environment | str,
    *,
    n_samples: int = 8,
    n_pixels: int = 64,
    exhaustive: bool = False,
    device: torch.device | str = "cpu",
    progress: Callable[[str], None] | None = None,
) -> Verification:
    """Test every claim of an environment, generic and specific.

    Args:
        environment: The environment, or its spec.
        n_samples: Number of samples.
        n_pixels: Pixels (or tokens, or columns) per sample that are changed, one at a time, for each kind of change.
        exhaustive: Whether every feature is changed, and all 16,777,216 colors are tested.
        device: Another device on which the logits must be equal, bit for bit.
        progress: Called with the name of each claim after its test.

    Raises:
        BadOption: If a number is not an integer of at least 1.
        BrokenEnvironment: If a member of the environment raises an exception, or returns something else than it must.

    References:
        Zhang et al. 2024, Propositions 3.1 and 3.2, which hold exactly for the counts.
    """
    environment = as_environment("environment", environment)
    n_samples = whole_number("n_samples", n_samples, 1, MOST_IMAGES)
    n_pixels = whole_number("n_pixels", n_pixels, 1)
    require_flag("exhaustive", exhaustive)
    require_function("progress", progress, "(name)")
    device = torch_device(device)
    batch = environment.sample(n_samples)
    check_network(environment, batch)
    case = Case(batch, n_pixels, exhaustive, device, environment.data_seed)
    notes = filter(None, ("" if environment.has_logits else NO_CLOSED_FORM, environment.tolerance_reason))
    verification = Verification(environment.spec, note="; ".join(notes))
    with torch.no_grad():
        for claim in itertools.chain(generic_claims(environment, case), _own_claims(environment, case)):
            if progress is not None:
                progress(claim.name)
            verification.claims.append(claim)
    return verification


def _own_claims(environment: Environment, case: Case) -> Iterator[Claim]:
    """The environment's own claims, tested on a case."""
    claims = call(environment, "claims", lambda: iter(environment.claims(case)))
    while True:
        claim: object = call(environment, "claims", next, claims, None)
        if claim is None:
            return
        if not isinstance(claim, Claim):
            raise returned(environment, "claims", "yield `attributionlab.environments.Claim`", value_text(claim))
        yield claim
