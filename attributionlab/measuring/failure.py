"""Failure of a method or a metric."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from attributionlab.printable import error_text, type_name


@dataclass(frozen=True)
class Failure:
    """Reason why a method gave no maps, or a metric no scores.

    Args:
        type: Name of the error: `MethodRaised`, `WrongShape`, `NotFinite`, `ModelChanged`, `InputsChanged`, `TorchChanged` or
            `MetricError`, or `BadOption` for a method that does not fit; in records also `TookTooLong`, `WorkerDied` and `BrokenEnvironment`.
        message: The message of the error, in one line.
    """

    type: str
    message: str

    @classmethod
    def of(cls, error: BaseException) -> Self:
        """Convert an error to a failure."""
        return cls(type_name(error), error_text(error))
