"""Text from outside, made safe to print: specs, messages of exceptions, names of files, environments and metrics.

Such text may hold escape sequences that repaint a terminal, characters that reverse the order of reading, or five million
letters. Errors, tables, figures and reports pass it through `printable`.
"""

from __future__ import annotations

import itertools
import math
import re

LONGEST_MESSAGE = 2_000
"""Largest number of characters of an error message, to fit into one line of a log."""

LONGEST_VALUE = 200
"""Largest number of characters of a value within a message: enough to recognize it."""

LONGEST_LIST = 100
"""Largest collection that a message shows by its `repr`, which takes seconds for ten million items."""

_RUNS = re.compile(r"[^ -~]+")


def printable(text: str) -> str:
    r"""Replace every character that is not printable by its escape sequence; line breaks stay.

    Example:
        >>> print(printable("red: \x1b[31m"))
        red: \x1b[31m
    """
    return text if text.isprintable() else _RUNS.sub(lambda match: "".join(map(_escaped, match[0])), text)


def one_line(text: str, most: int = LONGEST_MESSAGE) -> str:
    """`text` in one printable line of at most `most` characters."""
    return shortened(printable(" ".join(text[: 10 * most].split())), most)


def error_text(error: object) -> str:
    """The message of an exception in one printable line of limited length, for any exception.

    Its `__str__` may be user code, which may raise, or return five million letters or invalid Unicode.
    """
    try:
        return one_line(str(error))
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001  # as above
        return "its message cannot be read"


def type_name(error: object) -> str:
    """The name of an exception's type in one printable line of limited length."""
    return one_line(type(error).__name__, LONGEST_VALUE)


def error_line(error: object) -> str:
    """Type and message of an exception, `ValueError: no idea`, in one printable line of limited length."""
    text = error_text(error)
    return one_line(f"{type_name(error)}: {text}" if text else type_name(error))


def shortened(text: str, most: int) -> str:
    """`text` with at most `most` characters; an ellipsis replaces the rest."""
    return text if len(text) <= most else f"{text[: most - 3]}..."


def value_text(value: object) -> str:
    """`repr` of a value for a message: one printable line of at most `LONGEST_VALUE` characters, for any value."""
    try:
        return one_line(_repr(value), LONGEST_VALUE)
    except Exception:  # noqa: BLE001  # __repr__ is the user's code; and Python refuses integers of 5,000 digits
        if isinstance(value, int):
            return f"an integer of about {value.bit_length() * math.log10(2):,.0f} digits"
        return f"an object of type {one_line(type(value).__name__, LONGEST_VALUE)} that has no text"


def _repr(value: object) -> str:
    """`repr`, limited to the first items of large collections."""
    if isinstance(value, (list, tuple, set, frozenset, dict)) and len(value) > LONGEST_LIST:
        return f"{type(value).__name__} of {len(value):,} items, first {list(itertools.islice(value, 5))!r}"
    if isinstance(value, (str, bytes)) and len(value) > LONGEST_VALUE:
        return f"{value[: LONGEST_VALUE - 60]!r}... ({len(value):,} characters)"
    return repr(value)


def _escaped(character: str) -> str:
    """The character if it is printable, else its escape sequence."""
    if character == "\n" or character.isprintable():
        return character
    return character.encode("unicode_escape").decode("ascii")
