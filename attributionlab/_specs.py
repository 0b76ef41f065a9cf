"""One grammar everywhere: `name[option=value,option=value]`, and the conversion of values to the types of options.

Options are fields of a frozen dataclass; their annotations say what is allowed. A value may come as text (from a spec or the
command line) or as a Python value; both are checked in the same way. An item without `=` continues the value before it,
so `baseline=20,20,20` needs no quotes.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import re
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from attributionlab.errors import UnknownName, bad_option, unknown_name

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
    match = _SPEC.fullmatch(text.strip())
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


def parse_bytes(name: str, text: str) -> int:
    """A size of memory as it is written, in bytes.

    Raises:
        BadOption: If it is none.

    Example:
        >>> parse_bytes("max_memory", "1.5GB")
        1500000000
    """
    match = re.fullmatch(r"(?P<number>\d+(\.\d+)?)\s*(?P<unit>[KMG]?)B?", text.strip(), re.IGNORECASE)
    if match is None:
        raise bad_option(name, "be a size like 500MB or 2GB", text)
    return int(float(match["number"]) * 1000 ** " KMG".index(match["unit"].upper() or " "))


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


def option_fields(kind: type) -> dict[str, dataclasses.Field[typing.Any]]:
    """The fields of a dataclass that users can set."""
    return {field.name: field for field in dataclasses.fields(kind) if field.init and not field.metadata.get("hidden")}


@functools.cache
def _annotations(kind: type) -> dict[str, typing.Any]:
    """To evaluate them takes a millisecond, and a run makes thousands of environments and methods."""
    return typing.get_type_hints(kind)


def convert_options(kind: type, options: Mapping[str, object], shorthands: Iterable[str] = ()) -> dict[str, typing.Any]:
    """Check and convert options against the annotations of a dataclass.

    Args:
        kind: The dataclass.
        options: The options, as text or as values.
        shorthands: Names that users may also give, for the hints of messages; they are replaced before.

    Raises:
        UnknownName: If there is no such option.
        BadOption: If a value does not fit.
    """
    annotations = _annotations(kind)
    known = option_fields(kind)
    for name in options:
        if not known:
            owner = getattr(kind, "name", kind.__name__)
            raise UnknownName(f"`option` must be a known name, got {name!r}; {owner} takes no options")
        if name not in known:
            raise unknown_name("option", name, (*known, *shorthands))
    return {name: convert(name, value, annotations[name]) for name, value in options.items()}


def join_options(
    given: Mapping[str, typing.Any], written: Mapping[str, typing.Any], text: str
) -> dict[str, typing.Any]:
    """The options given beside a spec and those written in it.

    Args:
        given: Options beside the spec, converted.
        written: Options in the spec, converted.
        text: The spec.

    Raises:
        BadOption: If the two contradict each other.
    """
    for name in sorted(given.keys() & written.keys()):
        if given[name] != written[name]:
            raise bad_option(name, f"agree with {text}", given[name])
    return {**given, **written}


def changed_options(instance: object) -> dict[str, object]:
    """The options of a dataclass instance that differ from their defaults."""
    values = {name: (getattr(instance, name), field.default) for name, field in option_fields(type(instance)).items()}
    return {name: value for name, (value, default) in values.items() if value != default}


def convert(name: str, value: object, annotation: object) -> object:
    """`value` as the type that `annotation` asks for.

    Raises:
        BadOption: If it is not one.
    """
    for choice in sorted(_choices(annotation), key=lambda choice: choice is not type(None)):  # `none` is no text
        try:
            return _convert_one(value, choice)
        except (ValueError, TypeError, OverflowError, ZeroDivisionError):
            continue
    raise bad_option(name, f"be {describe(annotation)}", value)


def describe(annotation: object) -> str:
    """What an option can be, in words."""
    return " or ".join(_describe(choice) for choice in _choices(annotation))


def _choices(annotation: object) -> tuple[object, ...]:
    """The alternatives of a union, or the one type."""
    is_union = typing.get_origin(annotation) in (typing.Union, types.UnionType)
    return typing.get_args(annotation) if is_union else (annotation,)


def _convert_one(value: object, annotation: object) -> object:
    """`value` as one type; raises ValueError or TypeError if it is not one."""
    if typing.get_origin(annotation) is typing.Literal:
        return _same(value, typing.get_args(annotation))
    if typing.get_origin(annotation) is tuple:
        return _convert_tuple(value, typing.get_args(annotation))
    if annotation in (None, type(None)):
        return _same(None if value == "none" else value, (None,))
    if annotation is bool:
        return _same({"true": True, "false": False}.get(str(value).lower(), value), (True, False))
    if annotation is int:
        return _integer(value)
    if annotation is float:
        return _number(value)
    if annotation is str and isinstance(value, str):
        return value
    raise TypeError(annotation)


def _convert_tuple(value: object, items: tuple[object, ...]) -> tuple[object, ...]:
    nested = typing.get_origin(items[0]) is tuple
    if not isinstance(value, (str, list, tuple)):
        raise TypeError(value)
    parts = value.split(";" if nested else ",") if isinstance(value, str) else value
    if items[-1] is not Ellipsis and len(parts) != len(items):
        raise ValueError(value)
    return tuple(_convert_one(part, items[0]) for part in parts)


def _same(value: object, allowed: tuple[object, ...]) -> object:
    for candidate in allowed:
        if value == candidate and type(value) is type(candidate):
            return candidate
    raise ValueError(value)


def _integer(value: object) -> int:
    if isinstance(value, bool) or (not isinstance(value, str) and int(value) != value):  # type: ignore[call-overload]
        raise ValueError(value)
    return int(value)  # type: ignore[call-overload, no-any-return]


def _number(value: object) -> float:
    if isinstance(value, bool):
        raise ValueError(value)
    number = float(Fraction(value)) if isinstance(value, str) else float(value)  # type: ignore[arg-type]
    if not math.isfinite(number):
        raise ValueError(value)
    return number


def _describe(annotation: object) -> str:
    """What a type is called in messages and lists."""
    if typing.get_origin(annotation) is typing.Literal:
        return " or ".join(map(str, typing.get_args(annotation)))
    if typing.get_origin(annotation) is tuple:
        first, *rest = typing.get_args(annotation)
        if typing.get_origin(first) is tuple:
            return "colors R,G,B;R,G,B;..."
        return "a color R,G,B" if len(rest) == 2 else "a list of integers"
    names = {bool: "true or false", int: "an integer", float: "a number", type(None): "none"}
    return names.get(annotation, "a text")  # type: ignore[call-overload, no-any-return]
