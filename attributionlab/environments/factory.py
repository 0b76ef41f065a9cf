"""From a spec to an environment."""

from __future__ import annotations

from collections.abc import Mapping

from attributionlab.environments.base import Environment
from attributionlab.environments.multi_color_sum import MultiColorSum
from attributionlab.environments.single_color_modulo import SingleColorModulo
from attributionlab.environments.single_color_sum import SingleColorSum
from attributionlab.errors import bad_option
from attributionlab.specs.arguments import require_list, require_text
from attributionlab.specs.catalog import Registry
from attributionlab.specs.grammar import parse_spec
from attributionlab.specs.options import convert, convert_options, join_options

ENVIRONMENTS: Registry[type[Environment]] = Registry("environment", "attributionlab.environments")
for _kind in (MultiColorSum, SingleColorModulo, SingleColorSum):
    ENVIRONMENTS.register(_kind.name, _kind)

SHORTHANDS = {"size": ("height", "width"), "seed": ("data_seed", "network_seed")}
"""Options that set two options at once."""


def make_environment(name: str, **options: object) -> Environment:
    """Build an environment from its name or spec.

    Args:
        name: A registered name, or a spec like `multi-color-sum[n_redundant=0,size=64]`.
        **options: Options of the environment; `size` sets height and width, `seed` both seeds.

    Raises:
        UnknownName: If there is no such environment or option.
        BadOption: If a value does not fit, or contradicts the spec.

    Example:
        >>> make_environment("multi-color-sum", size=64, seed=3, n_redundant=0).spec
        'multi-color-sum[n_redundant=0,seed=3,size=64]'
    """
    spec = parse_spec(require_text("name", name, "be the name or spec of an environment"))
    kind = ENVIRONMENTS.get(spec.name)
    given, written = (convert_options(kind, _expanded(some), SHORTHANDS) for some in (options, spec.options))
    return kind(**join_options(given, written, name))


def as_environment(name: str, value: object) -> Environment:
    """An environment as it is, or that of a spec.

    Args:
        name: The parameter, for messages.
        value: Its value.

    Raises:
        BadOption: If `value` is neither, or an option does not fit.
        UnknownName: If there is no such environment or option.
    """
    return make_environment(value) if isinstance(value, str) else require_environment(name, value)


def as_environments(value: object) -> list[Environment]:
    """One environment or several, of the parameter `environments`.

    Raises:
        BadOption: If `value` is neither an environment nor a list of at least one.
        UnknownName: If there is no such environment or option.
    """
    if isinstance(value, (Environment, str)):
        return [as_environment("environments", value)]
    values = require_list("environments", value, "environments or their specs", 1)
    return [as_environment("environments", each) for each in values]


def require_environment(name: str, value: object) -> Environment:
    """`value`, which must be an environment.

    Raises:
        BadOption: If it is not one.
    """
    if not isinstance(value, Environment):
        raise bad_option(name, "be an environment, as make_environment returns it", value)
    return value


def complete_environment(spec: str, **defaults: object) -> Environment:
    """Build an environment from a spec, with `size` and `seed` where the spec does not set them itself, in full or in part.

    Raises:
        UnknownName: If there is no such environment or option.
        BadOption: If a value does not fit.

    Example:
        >>> complete_environment("multi-color-sum[height=32,width=48]", size=64, seed=3).spec
        'multi-color-sum[height=32,seed=3,width=48]'
    """
    named = parse_spec(spec).options
    missing = {name: value for name, value in defaults.items() if not {name, *SHORTHANDS[name]} & set(named)}
    return make_environment(spec, **missing)


def _expanded(options: Mapping[str, object]) -> dict[str, object]:
    """The options with each shorthand replaced by the two that it stands for."""
    expanded = {name: value for name, value in options.items() if name not in SHORTHANDS}
    for shorthand, names in SHORTHANDS.items():
        if shorthand in options:
            for name in names:
                if name in expanded:
                    raise bad_option(shorthand, f"not come together with `{name}`", options[shorthand])
                expanded[name] = convert(shorthand, options[shorthand], int)
    return expanded
