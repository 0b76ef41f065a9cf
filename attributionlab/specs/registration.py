"""The type of the functions that register a class or a function under a name."""

from __future__ import annotations

import typing
from collections.abc import Callable
from typing import Any, Protocol, TypeVar, overload

Registered = TypeVar("Registered", bound=Callable[..., object])


class Registration(Protocol):
    """A function that registers a class or a function, and returns it; with a name alone it returns a decorator."""

    @overload
    def __call__(self, name: str, /) -> Callable[[Registered], Registered]: ...
    @overload
    def __call__(self, name: str, entry: Registered, /) -> Registered: ...
    @overload
    def __call__(self, entry: Registered, /) -> Registered: ...


def registration(function: Callable[..., Any]) -> Registration:
    """The function itself, with the type of a function that registers."""
    return typing.cast("Registration", function)
