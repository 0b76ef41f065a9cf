"""What can go wrong, in the user's words.

Every error is an `AttributionLabError` and carries the exit code of the command line: 1 where a check failed, 2 where
the call was wrong, 3 where the machine is at fault. The leaves also inherit the builtin that a caller would expect.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from typing import ClassVar

from attributionlab.printable import LONGEST_MESSAGE, LONGEST_VALUE, printable, shortened, value_text


class AttributionLabError(Exception):
    """Base of all errors of this package; `exit_code` is what the command line returns."""

    exit_code: ClassVar[int] = 2

    option: str | None = None
    """Name of the option or entry at fault, where the error is about one."""

    def __str__(self) -> str:
        """The message as it was written (a LookupError would otherwise quote it), printable and of limited length."""
        text = str(self.args[0]) if self.args else ""
        return shortened(printable(text[: 2 * LONGEST_MESSAGE]), LONGEST_MESSAGE)


class BadOption(AttributionLabError, ValueError):
    """An option or argument has a value that cannot be used."""


class BadPlan(AttributionLabError, ValueError):
    """A plan with mistakes; `problems` has all of them, a line each."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class UnknownName(AttributionLabError, LookupError):
    """A name that is in no registry; the message suggests the closest ones."""


class Inexact(AttributionLabError, ValueError):
    """A network whose arithmetic would not be exact in float32, so it is not built."""


class MissingFile(AttributionLabError, FileNotFoundError):
    """A file, module or function that is not there."""


class MethodError(AttributionLabError, RuntimeError):
    """An attribution method misbehaved; the leaves say how."""

    exit_code = 1


class MethodRaised(MethodError):
    """The method raised an exception."""


class WrongShape(MethodError):
    """The method returned something that is not one attribution per pixel of each image."""


class NotFinite(MethodError):
    """The method returned NaN or infinity."""


class ModelChanged(MethodError):
    """The method left the model different from how it found it."""


class InputsChanged(MethodError):
    """The method wrote into the inputs."""


class TorchChanged(MethodError):
    """The method left a global setting of torch different from how it found it."""


class MetricError(AttributionLabError, RuntimeError):
    """A metric raised an exception, or did not return one number per image."""

    exit_code = 1


class TookTooLong(AttributionLabError, RuntimeError):
    """A method or a metric did not end in the time that it was given."""

    exit_code = 1


class MachineError(AttributionLabError, RuntimeError):
    """The machine cannot do it: no GPU where one was asked for, a full disk."""

    exit_code = 3


class Terminated(KeyboardInterrupt):
    """SIGTERM, raised where the program was; whoever tidies up after Ctrl-C does so here, too."""


class DamagedRecords(UserWarning):
    """Records of a run that are not as they were written; the next run does their jobs again."""


class PluginWarning(UserWarning):
    """An entry point of an installed package that cannot be used; everything else works without it."""


class SaturationWarning(UserWarning):
    """The softmax of an environment saturates, so explanations of its probability can be all zero."""


def bad_option(name: str, expectation: str, value: object, hint: str = "") -> BadOption:
    """The error for one bad value: `` `name` must expectation, got value; hint ``."""
    error = BadOption(_message(name, expectation, value, hint))
    error.option = name
    return error


def missing_file(name: str, expectation: str, value: object, hint: str = "") -> MissingFile:
    """The error for something that is not there, in the words of `bad_option`."""
    return MissingFile(_message(name, expectation, value, hint))


def _message(name: str, expectation: str, value: object, hint: str) -> str:
    return f"`{name}` must {expectation}, got {value_text(value)}" + (f"; {hint}" if hint else "")


MOST_NAMES = 5
"""Names that a message lists at most."""


def unknown_name(
    kind: str,
    name: str,
    known: Iterable[str],
    *,
    aliases: Mapping[str, tuple[str, ...]] | None = None,
    listing: str = "",
) -> UnknownName:
    """The error for a name that does not exist, with the closest existing ones.

    Args:
        kind: What has the name, in the singular.
        name: The name that does not exist.
        known: The existing names.
        aliases: Names that other libraries use, in lower case without separators, and the existing names that they mean.
        listing: A command that lists the existing names, for messages that would list too many.
    """
    known = sorted(known)
    close = closest_names(name[:LONGEST_VALUE], known, aliases or {})
    if close:
        hint = f"did you mean {' or '.join(close)}?"
    elif len(known) > MOST_NAMES and listing:
        hint = f"`{listing}` lists them"
    elif len(known) > MOST_NAMES:
        hint = f"known: {', '.join(known[:MOST_NAMES])} and {len(known) - MOST_NAMES} more"
    else:
        hint = f"known: {', '.join(known)}"
    error = UnknownName(f"`{kind}` must be a known name, got {value_text(name)}; {hint}")
    error.option = name if kind in ("option", "entry") else kind
    return error


def closest_names(name: str, known: Iterable[str], aliases: Mapping[str, tuple[str, ...]]) -> list[str]:
    """The existing names that `name` may stand for: the same letters, an alias, or up to three that are spelled alike."""
    known = list(known)
    letters = _letters(name)
    same = [existing for existing in known if _letters(existing) == letters]
    meant = [existing for existing in aliases.get(letters, ()) if existing in known]
    if letters and (same or meant):
        return same or meant
    as_written = {existing.casefold(): existing for existing in known}
    return [as_written[like] for like in difflib.get_close_matches(name.casefold(), as_written, n=3, cutoff=0.5)]


def _letters(name: str) -> str:
    """Letters and digits of a name in lower case: `Integrated_Gradients` and `integrated-gradients` have the same."""
    return re.sub(r"[\W_]", "", name.casefold())
