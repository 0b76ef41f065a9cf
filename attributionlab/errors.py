"""Errors and warnings, with messages in the user's terms.

Every error is an `AttributionLabError` and carries the exit code of the command line. 1: a check failed. 2: the call
was wrong. 3: the machine is at fault. 4: there is no verdict. The concrete classes also inherit the builtin that a
caller expects.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterable, Mapping
from typing import ClassVar

from attributionlab.printable import LONGEST_MESSAGE, LONGEST_VALUE, printable, shortened, value_text


class AttributionLabError(Exception):
    """Base of all errors of this package; `exit_code` is what the command line returns."""

    exit_code: ClassVar[int] = 2

    option: str | None = None
    """Name of the invalid option or entry, if the error concerns one."""

    def __str__(self) -> str:
        """The message as it was written (a LookupError would otherwise quote it), printable and of limited length."""
        text = str(self.args[0]) if self.args else ""
        return shortened(printable(text[: 2 * LONGEST_MESSAGE]), LONGEST_MESSAGE)


class BadOption(AttributionLabError, ValueError):
    """An option or argument has a value that cannot be used."""


class BadPlan(AttributionLabError, ValueError):
    """A plan with mistakes; `problems` lists all of them, a line each."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class UnknownName(AttributionLabError, LookupError):
    """A name that is not registered; the message suggests the closest names."""


class Inexact(AttributionLabError, ValueError):
    """A network that is not built because its arithmetic would not be exact in float32."""


class MissingFile(AttributionLabError, FileNotFoundError):
    """A file, module or function that does not exist."""


class MethodError(AttributionLabError, RuntimeError):
    """An attribution method misbehaved; subclasses say how."""

    exit_code = 1


class MethodRaised(MethodError):
    """The method raised an exception."""


class WrongShape(MethodError):
    """The method returned something that is not one attribution per pixel of each image."""


class NotFinite(MethodError):
    """The method returned NaN or infinity."""


class ModelChanged(MethodError):
    """The method changed the model."""


class InputsChanged(MethodError):
    """The method wrote into the inputs."""


class TorchChanged(MethodError):
    """The method changed a global setting of torch."""


class MetricError(AttributionLabError, RuntimeError):
    """A metric raised an exception, or did not return one number per image."""

    exit_code = 1


class BrokenEnvironment(AttributionLabError, RuntimeError):
    """A member of an environment raised an exception, or returned something else than it must."""

    exit_code = 1


class TookTooLong(AttributionLabError, RuntimeError):
    """A method or a metric exceeded its time limit."""

    exit_code = 1


class BelowBound(AttributionLabError, ValueError):
    """A trained network that is not accurate enough to say what it must use: there is no verdict."""

    exit_code = 4


class MachineError(AttributionLabError, RuntimeError):
    """The machine lacks a resource: a GPU that was requested, or space on the disk."""

    exit_code = 3


class Terminated(KeyboardInterrupt):
    """SIGTERM as an exception; code that cleans up after Ctrl-C handles it as well."""


class DamagedRecords(UserWarning):
    """Damaged records of a run; the next run repeats their jobs."""


class PluginWarning(UserWarning):
    """An unusable entry point of an installed package, which is ignored."""


class SaturationWarning(UserWarning):
    """The softmax of an environment saturates, so explanations of its probability can be all zero."""


def bad_option(name: str, expectation: str, value: object, hint: str = "") -> BadOption:
    """The error for one bad value: `` `name` must expectation, got value; hint ``."""
    error = BadOption(_message(name, expectation, value, hint))
    error.option = name
    return error


def missing_file(name: str, expectation: str, value: object, hint: str = "") -> MissingFile:
    """The error for a missing file, module or function, with a message like that of `bad_option`."""
    return MissingFile(_message(name, expectation, value, hint))


def _message(name: str, expectation: str, value: object, hint: str) -> str:
    return f"`{name}` must {expectation}, got {value_text(value)}" + (f"; {hint}" if hint else "")


MOST_SUGGESTED = 3
"""Largest number of suggested names, unless an alias has more."""

SHORTEST_PART = 3
"""Fewest letters by which a part of a name is recognized."""

LEAST_ALIKE = 0.6
"""Least likeness (0 to 1) of a suggested name."""

LESS_ALIKE = 0.15
"""Difference of likeness (0 to 1) to the nearest name from which a name is no longer suggested."""

MOST_NAMES = 5
"""Largest number of names in a message."""


def unknown_name(
    kind: str,
    name: str,
    names: Iterable[str],
    *,
    aliases: Mapping[str, tuple[str, ...]] | None = None,
    listing: str = "",
) -> UnknownName:
    """The error for a name that does not exist, with the closest existing ones.

    Args:
        kind: Kind of the named object, in the singular.
        name: The name that does not exist.
        names: The existing names.
        aliases: Names that other libraries use, in lower case without separators, and the existing names that they mean, or
            addresses `library:Class`.
        listing: A command that lists the existing names, for messages that would list too many.
    """
    names = sorted(names)
    close = closest_names(name[:LONGEST_VALUE], names, aliases or {})
    if close:
        hint = f"did you mean {' or '.join(close)}?"
    elif len(names) > MOST_NAMES and listing:
        hint = f"`{listing}` lists them"
    else:
        hint = f"known: {some_names(names)}"
    error = UnknownName(f"`{kind}` must be a known name, got {value_text(name)}; {hint}")
    error.option = name if kind in ("option", "entry") else kind
    return error


def some_names(names: Collection[str]) -> str:
    """At most five names in alphabetical order, and the number of the others."""
    first, more = sorted(names)[:MOST_NAMES], len(names) - MOST_NAMES
    return ", ".join(first) + (f" and {more} more" if more > 0 else "")


def closest_names(name: str, names: Iterable[str], aliases: Mapping[str, tuple[str, ...]]) -> list[str]:
    """The existing names that `name` may mean: with the same letters, by an alias, or up to three that contain it or are alike."""
    names = list(names)
    letters = _letters(name)
    same = [existing for existing in names if _letters(existing) == letters]
    meant = [existing for existing in aliases.get(letters, ()) if existing in names or ":" in existing]
    if letters and (same or meant):
        return same or meant
    longer = [existing for existing in names if len(letters) >= SHORTEST_PART and letters in _letters(existing)]
    if longer:
        return sorted(longer, key=len)[:MOST_SUGGESTED]
    as_written = {existing.casefold(): existing for existing in names}
    likeness = {like: difflib.SequenceMatcher(None, like, name.casefold()).ratio() for like in as_written}
    nearest = difflib.get_close_matches(name.casefold(), as_written, n=MOST_SUGGESTED, cutoff=LEAST_ALIKE)
    return [as_written[like] for like in nearest if likeness[like] >= likeness[nearest[0]] - LESS_ALIKE]


def _letters(name: str) -> str:
    """Letters and digits of a name in lower case, equal for `Integrated_Gradients` and `integrated-gradients`."""
    return re.sub(r"[\W_]", "", name.casefold())
