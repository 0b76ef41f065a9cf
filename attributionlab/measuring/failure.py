"""Failure: why a method gave no maps."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class MethodFailure:
    """Why a method gave no maps.

    Args:
        type: Name of the error: `MethodRaised`, `WrongShape`, `NotFinite`, `ModelChanged`, `InputsChanged` or `TorchChanged`.
        message: One line.
    """

    type: str
    message: str
