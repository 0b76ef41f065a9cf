"""Checks of the plain values that users hand over: numbers, shares, sizes of memory."""

from __future__ import annotations

import operator
import re
from typing import SupportsIndex, cast

from attributionlab.errors import bad_option


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


def whole_number(name: str, value: object, least: int) -> int:
    """`value` as an int: any integer type will do, numpy's too.

    Raises:
        BadOption: If it is no integer, or below the least one.
    """
    try:
        number = operator.index(cast("SupportsIndex", value))
    except TypeError:
        raise bad_option(name, "be an integer", value) from None
    if isinstance(value, bool):
        raise bad_option(name, "be an integer", value)
    if number < least:
        raise bad_option(name, f"be at least {least}", number)
    return number
