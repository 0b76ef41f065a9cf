"""Checks of plain values from users: numbers, texts, lists, paths, functions.

Every public function checks its arguments once, at its beginning; private functions trust them.
"""

from __future__ import annotations

import contextlib
import math
import operator
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, SupportsFloat, SupportsIndex, TypeVar, cast

from attributionlab.errors import bad_option

LARGEST_INTEGER = 2**63 - 1
"""Largest integer that JSON, TOML and torch store in 64 bits."""

MOST_IMAGES = 100_000
"""Largest number of images of one call; 10,000 suffice for a mean to 0.003, so larger numbers are mistakes."""

Kind = TypeVar("Kind")


def parse_bytes(name: str, text: str) -> int:
    """A size of memory in bytes, from text.

    Raises:
        BadOption: If the text is not a size.

    Example:
        >>> parse_bytes("max_memory", "1.5GB")
        1500000000
    """
    match = re.fullmatch(r"(?P<number>\d{1,18}(\.\d{1,18})?)\s*(?P<unit>[KMG]?)B?", text.strip(), re.IGNORECASE)
    if match is None:
        raise bad_option(name, "be a size like 500MB or 2GB", text)
    return int(float(match["number"]) * 1000 ** " KMG".index(match["unit"].upper() or " "))


def whole_number(name: str, value: object, least: int, most: int = LARGEST_INTEGER, reason: str = "") -> int:
    """`value` as an int: any integer type is accepted, including those of numpy.

    Args:
        name: Name of the parameter.
        value: Its value.
        least: Smallest valid value.
        most: Largest valid value.
        reason: Reason for the largest value, for the message.

    Raises:
        BadOption: If `value` is not an integer in this range.
    """
    try:
        number = operator.index(cast("SupportsIndex", value))
    except Exception:  # noqa: BLE001  # __index__ may be code of other libraries
        raise bad_option(name, "be an integer", value) from None
    if isinstance(value, bool):
        raise bad_option(name, "be an integer", value)
    if number < least:
        raise bad_option(name, f"be at least {least}", number)
    if number > most:
        raise bad_option(name, f"be at most {most:,}", number, reason)
    return number


def number(name: str, value: object, least: float | None = None, most: float | None = None) -> float:
    """`value` as a finite float: any type of real numbers is accepted.

    Raises:
        BadOption: If `value` is not a finite number in this range.
    """
    low, high = -math.inf if least is None else least, math.inf if most is None else most
    converted = math.nan
    if not isinstance(value, (bool, str, bytes)):
        with contextlib.suppress(Exception):  # __float__ may be code of other libraries
            converted = float(cast("SupportsFloat", value))
    if not math.isfinite(converted) or not low <= converted <= high:
        raise bad_option(name, _range_of_numbers(least, most), value)
    return converted


def share(name: str, value: object) -> float:
    """`value` as a number in [0, 1], for example `gamma`.

    Raises:
        BadOption: If it is not such a number.
    """
    return number(name, value, 0, 1)


def require_choice(name: str, value: object, choices: Iterable[str]) -> str:
    """`value`, which must be one of the choices.

    Raises:
        BadOption: If it is not one of them.
    """
    *leading, last = choices
    if not isinstance(value, str) or value not in (*leading, last):
        raise bad_option(name, f"be {', '.join(leading)} or {last}" if leading else f"be {last}", value)
    return value


def require_flag(name: str, value: object) -> bool:
    """`value`, which must be True or False.

    Raises:
        BadOption: If it is not a bool.
    """
    if not isinstance(value, bool):
        raise bad_option(name, "be True or False", value)
    return value


def require_text(name: str, value: object, expectation: str = "be a text") -> str:
    """`value`, which must be a text.

    Raises:
        BadOption: If it is not a str.
    """
    if not isinstance(value, str):
        raise bad_option(name, expectation, value)
    return value


def require_function(name: str, value: object, call: str) -> Any:
    """`value`, which must be a function, or None.

    Args:
        name: Name of the parameter.
        value: Its value.
        call: Signature of the function for the message: `(record)`.

    Raises:
        BadOption: If it is neither callable nor None.
    """
    if value is not None and not callable(value):
        raise bad_option(name, f"be a function {call}, or none", value)
    return value


def require_list(name: str, value: object, content: str, least: int = 0) -> Sequence[Any]:
    """`value`, which must be a list or a tuple.

    Args:
        name: Name of the parameter.
        value: Its value.
        content: Description of its items, for the message.
        least: Smallest number of items.

    Raises:
        BadOption: If it is not a list or a tuple, or has fewer items.
    """
    if not isinstance(value, (list, tuple)) or len(value) < least:
        raise bad_option(name, f"be a list of {content}{f', at least {least}' if least else ''}", value)
    return value


def require_mapping(name: str, value: object, content: str) -> Mapping[Any, Any]:
    """`value`, which must be a dictionary.

    Raises:
        BadOption: If it is not a mapping.
    """
    if not isinstance(value, Mapping):
        raise bad_option(name, f"be a dictionary of {content}", value)
    return value


def require_instance(name: str, value: object, kind: type[Kind], expectation: str) -> Kind:
    """`value`, which must be an instance of `kind`.

    Raises:
        BadOption: If it is not an instance.
    """
    if not isinstance(value, kind):
        raise bad_option(name, expectation, value)
    return value


def require_path(name: str, value: object) -> Path:
    """`value` as a path: a text or a path that is not empty.

    Raises:
        BadOption: If it is not a path.
    """
    text: object = None
    if isinstance(value, (str, os.PathLike)):
        text = os.fspath(value)
    if not isinstance(text, str) or not text or "\0" in text:
        raise bad_option(name, "be a path", value)
    return Path(text)


def _range_of_numbers(least: float | None, most: float | None) -> str:
    """Description of a valid number for messages."""
    if least is not None and most is not None:
        return f"be in [{least:g}, {most:g}]"
    return "be a finite number" + ("" if least is None else f" of at least {least:g}")
