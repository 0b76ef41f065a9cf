"""Options: fields of a frozen dataclass, whose annotations define the valid values, and the conversion of values from text."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import math
import operator
import re
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction

from attributionlab.errors import UnknownName, bad_option, unknown_name
from attributionlab.printable import value_text
from attributionlab.specs.arguments import LARGEST_INTEGER, require_text
from attributionlab.specs.grammar import format_value

MOST_DRAWS = 1_000_000
"""Largest value of options that are counts (`n_steps`, `n_samples`, ...) of forward passes, draws or channels."""

LONGEST_INTEGER = 40
"""Largest number of characters of an integer in text; 2**63 has 19 digits, and Python refuses to parse thousands."""


def option_fields(kind: type) -> dict[str, dataclasses.Field[typing.Any]]:
    """The fields of a dataclass that users can set."""
    return {field.name: field for field in dataclasses.fields(kind) if field.init and not field.metadata.get("hidden")}


@functools.cache
def _annotations(kind: type) -> dict[str, typing.Any]:
    """Type hints of a dataclass, cached because their evaluation takes a millisecond and a run builds thousands of objects."""
    return typing.get_type_hints(kind)


def convert_options(kind: type, options: Mapping[str, object], listing: str = "") -> dict[str, typing.Any]:
    """Check and convert options against the annotations of a dataclass.

    Args:
        kind: The dataclass; its `shorthands`, if any, are names that set several options.
        options: The options, as text or as values.
        listing: A command that lists the options, for messages.

    Raises:
        UnknownName: If there is no such option.
        BadOption: If a value is not valid, or a shorthand and an option that it sets are both given.
    """
    fields = option_fields(kind)
    shorthands: Mapping[str, tuple[str, ...]] = getattr(kind, "shorthands", {})
    for name in options:
        if not fields:
            owner = getattr(kind, "name", kind.__name__)
            raise UnknownName(f"`option` must be a known name, got {value_text(name)}; {owner} takes no options")
        if name not in fields and name not in shorthands:
            raise unknown_name("option", name, (*fields, *shorthands), listing=listing)
    for name, together in shorthands.items():
        for option in together if name in options else ():
            if option in options:
                raise bad_option(name, f"not come together with `{option}`", options[name])
    converted: dict[str, typing.Any] = {}
    for name, value in options.items():
        for option in shorthands.get(name, (name,)):
            converted[option] = _convert_option(kind, option, name, value)
    return converted


def _convert_option(kind: type, option: str, written_as: str, value: object) -> object:
    """The value of one option; `written_as` is its name, or the shorthand that sets it."""
    names = _choices_of(option_fields(kind)[option])
    if names is None:
        return convert(written_as, value, _annotations(kind)[option])
    if require_text(written_as, value) not in names:
        raise unknown_name(written_as, str(value), names)
    return value


def describe_option(kind: type, option: str) -> str:
    """Description of the valid values of an option."""
    names = _choices_of(option_fields(kind)[option])
    return describe(_annotations(kind)[option]) if names is None else " or ".join(names)


def _choices_of(field: dataclasses.Field[typing.Any]) -> list[str] | None:
    """The valid names of an option whose field has `metadata={"choices": function}`; they may grow at run time."""
    choices: Callable[[], Iterable[str]] | None = field.metadata.get("choices")
    return None if choices is None else list(choices())


def check_options(kind: type) -> None:
    """Refuse a class whose options cannot be written in a spec.

    Raises:
        BadOption: If an option lacks a default, has a type without conversion from text, or is not a dataclass field.
    """
    own = {name for name, text in inspect.get_annotations(kind).items() if "ClassVar" not in str(text)}
    if own and "__dataclass_fields__" not in vars(kind):
        hint = f"it defines {', '.join(sorted(own))}"
        raise bad_option("class", "be decorated with @dataclass(frozen=True, kw_only=True)", kind.__name__, hint)
    try:
        annotations = _annotations(kind)
    except (NameError, TypeError) as error:
        hint = f"{type(error).__name__}: {error}"
        raise bad_option("class", "have annotations that can be evaluated", kind.__name__, hint) from error
    for name, field in option_fields(kind).items():
        if field.default is dataclasses.MISSING:
            raise bad_option(name, "have a default that is not made by a factory", kind.__name__)
        if not all(map(_is_convertible, _choices(annotations[name]))):
            hint = "text can become bool, int, float, str, None, Literal or a tuple of these"
            raise bad_option(
                name, f"have a type that text can be converted to in {kind.__name__}", annotations[name], hint
            )


def _is_convertible(annotation: object) -> bool:
    """Whether text can be converted to a type."""
    if typing.get_origin(annotation) is tuple:
        parts = typing.get_args(annotation)
        return all(part is Ellipsis or all(map(_is_convertible, _choices(part))) for part in parts)
    is_plain = typing.get_origin(annotation) is typing.Literal or annotation in (
        None,
        type(None),
        bool,
        int,
        float,
        str,
    )
    return is_plain or hasattr(annotation, "from_option")


def join_options(
    beside: Mapping[str, typing.Any], written: Mapping[str, typing.Any], text: str
) -> dict[str, typing.Any]:
    """Merge the options given in addition to a spec with those in the spec.

    Args:
        beside: Options in addition to the spec, converted.
        written: Options in the spec, converted.
        text: The spec.

    Raises:
        BadOption: If an option has different values in the two.
    """
    for name in sorted(beside.keys() & written.keys()):
        if beside[name] != written[name]:
            raise bad_option(name, f"agree with {text}", beside[name])
    return {**beside, **written}


def changed_options(instance: object) -> dict[str, object]:
    """The options of a dataclass instance that differ from their defaults."""
    values = {name: (getattr(instance, name), field.default) for name, field in option_fields(type(instance)).items()}
    return {name: value for name, (value, default) in values.items() if value != default}


def convert(name: str, value: object, annotation: object) -> object:
    """`value`, converted to the type of `annotation`.

    Raises:
        BadOption: If it cannot be converted.
    """
    for choice in sorted(
        _choices(annotation), key=lambda choice: choice is not type(None)
    ):  # `none` means None, not a text
        try:
            converted = _convert_one(value, choice)
        except Exception:  # noqa: BLE001, S112  # the value's own methods may raise anything
            continue
        if name.startswith("n_") and isinstance(converted, int) and converted > MOST_DRAWS:
            raise bad_option(name, f"be at most {MOST_DRAWS:,}", converted)
        return converted
    raise bad_option(name, f"be {describe(annotation)}", value, _size_hint(value))


def _size_hint(value: object) -> str:
    """A hint on integers that are too large."""
    is_large = isinstance(value, int) and abs(value) > LARGEST_INTEGER
    return "integers lie below 2**63" if is_large or (isinstance(value, str) and len(value) >= LONGEST_INTEGER) else ""


def describe(annotation: object) -> str:
    """Description of the values of a type."""
    return " or ".join(_describe(choice) for choice in _choices(annotation))


def _choices(annotation: object) -> tuple[object, ...]:
    """The members of a union, or the type itself."""
    is_union = typing.get_origin(annotation) in (typing.Union, types.UnionType)
    return typing.get_args(annotation) if is_union else (annotation,)


def _convert_one(value: object, annotation: object) -> object:
    """`value`, converted to one type; raises ValueError or TypeError if it cannot be converted."""
    if typing.get_origin(annotation) is typing.Literal:
        return _convert_literal(value, typing.get_args(annotation))
    if typing.get_origin(annotation) is tuple:
        return _convert_tuple(value, typing.get_args(annotation))
    if annotation in (None, type(None)):
        return _same(None if isinstance(value, str) and value == "none" else value, (None,))
    if annotation is bool:
        words = {"true": True, "false": False}
        return _same(words.get(value.lower(), value) if isinstance(value, str) else value, (True, False))
    if annotation is int:
        return _integer(value)
    if annotation is float:
        return _number(value)
    if annotation is str and isinstance(value, str):
        return value
    from_option: Callable[[object], object] | None = getattr(annotation, "from_option", None)
    if from_option is not None:
        return from_option(value)
    raise TypeError(annotation)


def _convert_tuple(value: object, types_of_parts: tuple[object, ...]) -> tuple[object, ...]:
    """`value`, converted to a tuple whose parts share one type."""
    nested = typing.get_origin(types_of_parts[0]) is tuple
    if types_of_parts[-1] is Ellipsis and isinstance(value, int | float) and not isinstance(value, bool):
        value = (value,)  # as the text of one number
    if not isinstance(value, (str, list, tuple)):
        raise TypeError(value)
    parts = value.split(";" if nested else ",") if isinstance(value, str) else value
    if types_of_parts[-1] is not Ellipsis and len(parts) != len(types_of_parts):
        raise ValueError(value)
    return tuple(_convert_part(part, types_of_parts[0]) for part in parts)


def _convert_part(value: object, annotation: object) -> object:
    """`value`, converted to the first fitting type of a union, or to the only type."""
    *others, last = _choices(annotation)
    for choice in others:
        try:
            return _convert_one(value, choice)
        except (TypeError, ValueError):
            continue
    return _convert_one(value, last)


def _convert_literal(value: object, allowed: tuple[object, ...]) -> object:
    """The allowed value that `value` is, or that a text stands for: `8` for 8."""
    for candidate in allowed if isinstance(value, str) else ():
        if not isinstance(candidate, str) and format_value(candidate) == value:
            return candidate
    return _same(value, allowed)


def _same(value: object, allowed: tuple[object, ...]) -> object:
    """The allowed value that has the type of `value` and is equal to it."""
    for candidate in allowed:
        if type(value) is type(candidate) and value == candidate:
            return candidate
    raise ValueError(value)


def _integer(value: object) -> int:
    """An integer below 2**63 in magnitude."""
    if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
        raise ValueError(value)
    if isinstance(value, str) and len(value) >= LONGEST_INTEGER:
        raise ValueError(value)
    number = int(value) if isinstance(value, (str, float)) else operator.index(value)  # type: ignore[arg-type]  # raises
    if abs(number) > LARGEST_INTEGER:
        raise ValueError(value)
    return number


def _number(value: object) -> float:
    """A finite number; text may also be a quotient of integers."""
    if isinstance(value, (bool, bytes)):
        raise ValueError(value)
    if isinstance(value, str) and re.fullmatch(r"\s*[-+]?\d{1,18}\s*/\s*\d{1,18}\s*", value):
        return float(Fraction(value.replace(" ", "")))
    number = float(value)  # type: ignore[arg-type]  # raises if it is not a number
    if not math.isfinite(number):
        raise ValueError(value)
    return number


def _describe(annotation: object) -> str:
    """The name of a type in messages and lists."""
    if typing.get_origin(annotation) is typing.Literal:
        return " or ".join(map(format_value, typing.get_args(annotation)))
    if typing.get_origin(annotation) is tuple:
        first, *further = typing.get_args(annotation)
        if typing.get_origin(first) is tuple:
            return "colors R,G,B;R,G,B;..."
        if Ellipsis not in further:
            return "a color R,G,B" if len(further) == 2 else "a pair of integers"
        return "a list of integers" if first is int else "a list of numbers"
    names = {bool: "true or false", int: "an integer", float: "a number", type(None): "none"}
    return names.get(annotation, getattr(annotation, "option_text", "a text"))  # type: ignore[call-overload, no-any-return]
