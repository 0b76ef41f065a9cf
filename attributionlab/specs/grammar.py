"""One grammar everywhere: `name[option=value,option=value]`, and the conversion of values to the types of options.

Options are fields of a frozen dataclass; their annotations say what is allowed. A value may come as text (from a spec or the
command line) or as a Python value; both are checked in the same way. An item without `=` continues the value before it,
so `baseline=20,20,20` needs no quotes.
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
    """A name and options, as they were written."""

    name: str
    options: Mapping[str, str]


def parse_spec(text: str) -> Spec:
    """Take `name[option=value,...]` apart.

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
    """Take `option=value,option=value` apart.

    Raises:
        BadOption: If an item is not `option=value`, or an option comes twice.
    """
    options: dict[str, str] = {}
    key = ""
    for item in filter(None, (part.strip() for part in text.split(","))):
        before, equals, value = item.partition("=")
        if equals:
            key = before.strip()
            if not key or key in options:
                raise bad_option("spec", "name each option once, as option=value", item)
            options[key] = value.strip()
        elif key:
            options[key] += f",{item}"
        else:
            raise bad_option("spec", "list options as option=value", item)
    return options


def split_specs(text: str) -> list[str]:
    """Take a list of specs apart at the commas outside of brackets.

    Example:
        >>> split_specs("gradient,integrated-gradients[baseline=true,n_steps=9]")
        ['gradient', 'integrated-gradients[baseline=true,n_steps=9]']
    """
    return [part.strip() for part in re.split(r",(?![^\[]*\])", text) if part.strip()]


def format_spec(name: str, options: Mapping[str, object]) -> str:
    """Put a spec together, options sorted.

    Example:
        >>> format_spec("lime", {"segments": "sam", "n_samples": 5})
        'lime[n_samples=5,segments=sam]'
    """
    if not options:
        return name
    return f"{name}[{','.join(f'{key}={format_value(options[key])}' for key in sorted(options))}]"


def format_value(value: object) -> str:
    """A value as it is written in a spec."""
    match value:
        case bool():
            return str(value).lower()
        case None:
            return "none"
        case float():
            return repr(int(value)) if value.is_integer() else repr(value)
        case tuple():
            nested = any(isinstance(item, tuple) for item in value)
            return (";" if nested else ",").join(map(format_value, value))
    return str(value)
