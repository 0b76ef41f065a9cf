"""The grammar of specs, `name[option=value,option=value]`.

Options are fields of a frozen dataclass, whose annotations define the valid values (see `options.py`). An item without `=`
continues the previous value, so `baseline=20,20,20` needs no quotes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from attributionlab.errors import bad_option
from attributionlab.specs.arguments import require_text

_SPEC = re.compile(r"(?P<name>[^\[\]]+)(\[(?P<options>[^\[\]]*)\])?")


@dataclass(frozen=True)
class Spec:
    """A name and its options as text."""

    name: str
    options: Mapping[str, str]


def parse_spec(text: str) -> Spec:
    """Parse `name[option=value,...]`.

    Raises:
        BadOption: If the text does not follow the grammar.

    Example:
        >>> parse_spec("integrated-gradients[baseline=20,20,20,n_steps=5]").options
        {'baseline': '20,20,20', 'n_steps': '5'}
    """
    match = _SPEC.fullmatch(require_text("spec", text).strip())
    if match is None:
        raise bad_option("spec", "look like name[option=value,option=value]", text)
    return Spec(match["name"].strip(), parse_options(match["options"] or ""))


def parse_options(text: str) -> dict[str, str]:
    """Parse `option=value,option=value`.

    Raises:
        BadOption: If an item is not `option=value`, or an option occurs twice.
    """
    options: dict[str, str] = {}
    key = ""
    for pair in filter(None, (part.strip() for part in text.split(","))):
        before, equals, value = pair.partition("=")
        if equals:
            key = before.strip()
            if not key or key in options:
                raise bad_option("spec", "name each option once, as option=value", pair)
            options[key] = value.strip()
        elif key:
            options[key] += f",{pair}"
        else:
            raise bad_option("spec", "list options as option=value", pair)
    return options


def split_specs(text: str) -> list[str]:
    """Split a list of specs at the commas outside of brackets.

    Example:
        >>> split_specs("gradient,integrated-gradients[baseline=true,n_steps=9]")
        ['gradient', 'integrated-gradients[baseline=true,n_steps=9]']
    """
    return [part.strip() for part in re.split(r",(?![^\[]*\])", text) if part.strip()]


def format_spec(name: str, options: Mapping[str, object]) -> str:
    """Format a spec, with sorted options.

    Example:
        >>> format_spec("lime", {"segments": "sam", "n_samples": 5})
        'lime[n_samples=5,segments=sam]'
    """
    if not options:
        return name
    return f"{name}[{','.join(f'{key}={format_value(options[key])}' for key in sorted(options))}]"


def format_value(value: object) -> str:
    """Format a value for a spec."""
    match value:
        case bool():
            return str(value).lower()
        case None:
            return "none"
        case float():
            return repr(int(value)) if value.is_integer() else repr(value)
        case tuple():
            nested = any(isinstance(element, tuple) for element in value)
            return (";" if nested else ",").join(map(format_value, value))
    return str(value)
