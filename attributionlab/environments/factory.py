"""From a spec to an environment."""

from __future__ import annotations

from collections.abc import Mapping

from attributionlab.environments.base import Environment
from attributionlab.environments.multi_color_sum import MultiColorSum
from attributionlab.environments.single_color_modulo import SingleColorModulo
from attributionlab.environments.single_color_sum import SingleColorSum
from attributionlab.errors import bad_option
from attributionlab.specs.catalog import Registry
from attributionlab.specs.grammar import parse_spec
from attributionlab.specs.options import convert, convert_options, join_options

ENVIRONMENTS: Registry[type[Environment]] = Registry("environment", "attributionlab.environments")
for _kind in (MultiColorSum, SingleColorModulo, SingleColorSum):
    ENVIRONMENTS.register(_kind.name, _kind)


def make_environment(name: str, **options: object) -> Environment:
    """Build an environment from its name or spec.

    Args:
        name: A registered name, or a spec like `multi-color-sum[n_redundant=0,size=64]`.
        **options: Options of the environment; `size` sets height and width, `seed` both seeds.

    Raises:
        UnknownName: If there is no such environment or option.
        BadOption: If a value does not fit, or contradicts the spec.
        Inexact: If the network would not be exact with these options.

    Example:
        >>> make_environment("multi-color-sum", size=64, seed=3, n_redundant=0).spec
        'multi-color-sum[n_redundant=0,seed=3,size=64]'
    """
    spec = parse_spec(name)
    kind = ENVIRONMENTS.get(spec.name)
    given, written = (
        convert_options(kind, _expanded(some, kind.shorthands), kind.shorthands) for some in (options, spec.options)
    )
    environment = kind(**join_options(given, written, name))
    environment.prove()
    return environment


def complete_environment(spec: str, **defaults: object) -> Environment:
    """Build an environment from a spec, with `size` and `seed` where the spec does not set them itself, in full or in part.

    Raises:
        UnknownName: If there is no such environment or option.
        BadOption: If a value does not fit.

    Example:
        >>> complete_environment("multi-color-sum[height=32,width=48]", size=64, seed=3).spec
        'multi-color-sum[height=32,seed=3,width=48]'
    """
    parsed = parse_spec(spec)
    shorthands = ENVIRONMENTS.get(parsed.name).shorthands
    missing = {
        name: value
        for name, value in defaults.items()
        if name in shorthands and not {name, *shorthands[name]} & set(parsed.options)
    }
    return make_environment(spec, **missing)


def _expanded(options: Mapping[str, object], shorthands: Mapping[str, tuple[str, ...]]) -> dict[str, object]:
    """The options with each shorthand replaced by the two that it stands for."""
    expanded = {name: value for name, value in options.items() if name not in shorthands}
    for shorthand, names in shorthands.items():
        if shorthand in options:
            for name in names:
                if name in expanded:
                    raise bad_option(shorthand, f"not come together with `{name}`", options[shorthand])
                expanded[name] = convert(shorthand, options[shorthand], int)
    return expanded
