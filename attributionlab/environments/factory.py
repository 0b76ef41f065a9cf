"""The catalog of environments, and their construction from specs. Importing this module does not import torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attributionlab.errors import bad_option
from attributionlab.specs.arguments import require_list
from attributionlab.specs.catalog import Catalog
from attributionlab.specs.grammar import parse_spec
from attributionlab.specs.options import option_fields
from attributionlab.specs.registration import registration
from attributionlab.specs.rules import Rules

if TYPE_CHECKING:
    from attributionlab.environments.base import Environment

ENVIRONMENTS: Catalog[type[Environment]] = Catalog(
    kind="environment",
    built_in={
        "background-sum": "attributionlab.environments.background_sum:BackgroundSum",
        "multi-color-sum": "attributionlab.environments.multi_color_sum:MultiColorSum",
        "single-color-modulo": "attributionlab.environments.single_color_modulo:SingleColorModulo",
        "single-color-sum": "attributionlab.environments.single_color_sum:SingleColorSum",
    },
    rules=Rules(base="attributionlab.environments.base:Environment", facts={"summary": "builtins:str"}),
)
"""All environments."""


@registration
def register_environment(name: Any, environment: Any = None, /) -> Any:
    """Register an environment under a name, in this process.

    It must be a subclass of `Environment`: a frozen dataclass whose fields are its options, with a `name` and a `summary`. An
    installed package uses an entry point of the group `attributionlab.environments` instead, which works in every process.

    Args:
        name: The name in specs; by default a class's own `name`, or a function's name with dashes.
        environment: The class or function; omitted if `register_environment` is used as a decorator.

    Returns:
        The class or function itself.

    Raises:
        BadOption: If the name is taken or not valid in a spec, or the class or function does not fit.

    Example:
        >>> from typing import ClassVar  # doctest: +SKIP
        >>> from attributionlab.environments import SingleColorSum  # doctest: +SKIP
        >>> @register_environment  # doctest: +SKIP
        ... class WhiteCount(SingleColorSum):
        ...     name: ClassVar[str] = "white-count"
        >>> make_environment("white-count[size=16]").spec  # doctest: +SKIP
        'white-count[size=16]'
    """
    return ENVIRONMENTS.register(name, environment)


def make_environment(name: str | Environment | type[Environment], /, **options: object) -> Environment:
    """Build an environment from its name or spec.

    Args:
        name: A registered name, a spec like `multi-color-sum[n_redundant=0,size=64]`, an environment or its class.
        **options: Options of the environment; `size` sets height and width, `seed` both seeds.

    Raises:
        UnknownName: If there is no such environment or option.
        BadOption: If a value is not valid, or contradicts the spec.
        Inexact: If the network would not be exact with these options.
        BrokenEnvironment: If the check of the options raises another exception.

    Example:
        >>> make_environment("multi-color-sum", size=64, seed=3, n_redundant=0).spec
        'multi-color-sum[n_redundant=0,seed=3,size=64]'
    """
    from attributionlab.environments.members import call  # noqa: PLC0415  # imports torch, which is not needed to list names

    environment: Environment = ENVIRONMENTS.build(name, options)
    call(environment, "prove", environment.prove)
    return environment


def as_environment(name: str, value: object) -> Environment:
    """Return an environment, or build it from a spec.

    Args:
        name: Name of the parameter, for messages.
        value: Its value.

    Raises:
        BadOption: If `value` is neither an environment nor a spec, or an option is not valid.
        UnknownName: If there is no such environment or option.
    """
    return make_environment(value) if isinstance(value, str) else require_environment(name, value)


def as_environments(value: object) -> list[Environment]:
    """Environments from the parameter `environments`, which is one or several.

    Raises:
        BadOption: If `value` is neither an environment nor a non-empty list of environments.
        UnknownName: If there is no such environment or option.
    """
    if not isinstance(value, (list, tuple)):
        return [as_environment("environments", value)]
    environments = require_list("environments", value, "environments or their specs", 1)
    return [as_environment("environments", environment) for environment in environments]


def require_environment(name: str, value: object) -> Environment:
    """`value`, which must be an environment.

    Raises:
        BadOption: If it is not an environment.
    """
    from attributionlab.environments.base import Environment  # noqa: PLC0415  # imports torch, which is not needed to list names

    if not isinstance(value, Environment):
        raise bad_option(name, "be an environment, as make_environment returns it, or its spec", value)
    return value


def complete_environment(spec: str, **defaults: object) -> Environment:
    """Build an environment from a spec, with defaults for `size` and `seed` where it has them and the spec does not set them.

    Raises:
        UnknownName: If there is no such environment or option.
        BadOption: If a value is not valid.

    Example:
        >>> complete_environment("multi-color-sum[height=32,width=48]", size=64, seed=3).spec
        'multi-color-sum[height=32,seed=3,width=48]'
    """
    parsed = parse_spec(spec)
    kind = ENVIRONMENTS.get(parsed.name)
    settable = {name: (name,) for name in option_fields(kind)} | dict(kind.shorthands)
    missing = {
        name: value
        for name, value in defaults.items()
        if name in settable and not {name, *settable[name]} & set(parsed.options)
    }
    return make_environment(spec, **missing)
