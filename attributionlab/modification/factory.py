"""The catalog of manipulations, and their construction from specs, functions and addresses. Importing it does not import torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from attributionlab.specs.catalog import Catalog
from attributionlab.specs.registration import registration
from attributionlab.specs.rules import Rules

if TYPE_CHECKING:
    from attributionlab.modification.manipulation import Manipulation, ManipulationFunction

MANIPULATIONS: Catalog[type[Manipulation] | ManipulationFunction] = Catalog(
    kind="manipulation",
    built_in={
        "blank": "attributionlab.modification.uninformative:Blank",
        "blur": "attributionlab.modification.manipulations:Blur",
        "brightness": "attributionlab.modification.manipulations:Brightness",
        "hue": "attributionlab.modification.manipulations:Hue",
        "noise": "attributionlab.modification.manipulations:Noise",
        "watermark": "attributionlab.modification.manipulations:Watermark",
        "border": "attributionlab.modification.uninformative:Border",
        "spot": "attributionlab.modification.uninformative:Spot",
    },
    rules=Rules(
        base="attributionlab.modification.manipulation:Manipulation",
        facts={"summary": "builtins:str"},
        wrapper="attributionlab.modification.manipulation:FunctionManipulation",
        signature="(picture, random) -> picture, with a region",
    ),
)
"""All manipulations."""


@registration
def register_manipulation(name: Any, manipulation: Any = None, /) -> Any:
    """Register a manipulation under a name, in this process.

    It must be a subclass of `Manipulation` (a frozen dataclass whose fields are its options, with a `name` and a `summary`) or a function
    `(picture, random) -> picture` whose region is declared by `changes`. An installed package uses an entry point of
    the group `attributionlab.manipulations` instead, which works in every process.

    Args:
        name: The name in specs; by default a class's own `name`, or a function's name with dashes.
        manipulation: The class or function; omitted if `register_manipulation` is used as a decorator.

    Returns:
        The class or function itself.

    Raises:
        BadOption: If the name is taken or not valid in a spec, or the class or function does not fit.
    """
    return MANIPULATIONS.register(name, manipulation)


def make_manipulation(manipulation: str | Manipulation | ManipulationFunction, /, **options: object) -> Manipulation:
    """Build a manipulation from its name or spec, or wrap a function.

    Args:
        manipulation: A registered name or spec (`watermark[font_size=9]`), a manipulation or its class, a function
            `(picture, random) -> picture` whose region is declared by `changes`, or its address: `package.module:function`, `file.py:function`.
        **options: Options of the manipulation.

    Raises:
        UnknownName: If there is no such manipulation or option.
        BadOption: If a value is not valid or contradicts the spec, a function declares no region, or options are given for it.
        MissingFile: If the module, file or function does not exist.

    Example:
        >>> make_manipulation("watermark", font_size=9).spec
        'watermark[font_size=9]'
    """
    built: Manipulation = MANIPULATIONS.build(manipulation, options)
    return built
