"""Cases of a debugging test: a healthy environment beside one with a bug. Importing this module does not import torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from attributionlab.environments.bugs import REINITIALIZING, bug_names
from attributionlab.environments.factory import make_environment
from attributionlab.errors import bad_option, unknown_name
from attributionlab.specs.arguments import require_list, require_text
from attributionlab.specs.grammar import format_spec, parse_spec

if TYPE_CHECKING:
    from attributionlab.environments import Environment

ENVIRONMENT_OF: dict[str, str] = {
    "spurious-background": "background-sum",
    **dict.fromkeys(bug_names(), "multi-color-sum"),
}
"""The environment of each bug."""

ROLES: dict[str, str] = {
    "spurious-background": "data",
    "mislabeled": "data",
    "reinitialized": "model",
    "cascade": "model",
    "frozen": "model",
}
"""Origin of each bug; all others are in the inputs (`test time`), as in Table 1 of Adebayo et al. 2020."""


@dataclass(frozen=True, eq=False)
class BugCase:
    """A bug in its environment.

    Args:
        bug: The bug as a spec: its name, with the options that its environment has besides size and seed.
        healthy: The environment without the bug, of the same scenes and weights.
        contaminated: The environment with the bug.
    """

    bug: str
    healthy: Environment
    contaminated: Environment

    @property
    def role(self) -> str:
        """Origin of the bug: `data`, `model` or `test time`."""
        return ROLES.get(parse_spec(self.bug).name, "test time")


def require_bugs(bugs: object) -> list[str]:
    """Specs of bugs, whose names must exist; None for all bugs.

    Raises:
        BadOption: If `bugs` is not a list of at least one text.
        UnknownName: If there is no such bug.
    """
    if bugs is None:
        return list(ENVIRONMENT_OF)
    specs = [require_text("bugs", bug) for bug in require_list("bugs", bugs, "bugs", 1)]
    for spec in specs:
        name = parse_spec(spec).name if spec else ""
        if name not in ENVIRONMENT_OF:
            raise unknown_name("bug", name, ENVIRONMENT_OF)
    return specs


def bug_cases(bugs: Sequence[str] | None, **defaults: object) -> list[BugCase]:
    """The cases of these bugs; one for each layer where a bug needs a layer and none is named.

    Args:
        bugs: Names or specs, such as `mislabeled`, `cascade` or `cascade[layer=block2]`; None for all bugs.
        **defaults: Options of all environments: `size`, `seed`. The logit is explained unless a spec says otherwise: the softmax
            of a network with a bug saturates, because nothing limits the lead of its winner.

    Raises:
        UnknownName: If there is no such bug, layer or option.
        BadOption: If a value is not valid, or a bug is named twice.
    """
    settings = {"output": "logit", **defaults}
    cases = [case for spec in require_bugs(bugs) for case in _cases_of(spec, bugs is None, settings)]
    names = [case.bug for case in cases]
    for name in names:
        if names.count(name) > 1:
            raise bad_option("bugs", "be distinct", name)
    return cases


def _cases_of(spec: str, is_default: bool, defaults: dict[str, object]) -> list[BugCase]:
    """The cases of one spec. By default, the head is re-initialized once: as the first stage of the cascade."""
    parsed = parse_spec(spec)
    options: dict[str, object] = dict(parsed.options)
    if parsed.name not in REINITIALIZING or "layer" in options:
        return [_case(parsed.name, options, defaults)]
    from attributionlab.networks.bugs import count_blocks, layer_names  # noqa: PLC0415  # imports torch, which is not needed to check names

    environment = make_environment(ENVIRONMENT_OF[parsed.name], **{**defaults, **options, "layer": "head"})
    layers = layer_names(count_blocks(environment.inputs_of(environment.scene(0)).shape[1:]))
    first = 1 if is_default and parsed.name == "reinitialized" else 0
    return [_case(parsed.name, {**options, "layer": layer}, defaults) for layer in layers[first:]]


def _case(name: str, options: dict[str, object], defaults: dict[str, object]) -> BugCase:
    settings = {**defaults, **options}
    contaminated = make_environment(ENVIRONMENT_OF[name], bug=name, **settings)
    healthy = make_environment(
        ENVIRONMENT_OF[name],
        **{option: value for option, value in settings.items() if option not in ("layer", "wrong_labels")},
    )
    return BugCase(format_spec(name, options), healthy, contaminated)
