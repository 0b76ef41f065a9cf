"""Requirements of what a catalog holds, checked when a class or a function is registered, in the words of its author."""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from attributionlab.errors import bad_option
from attributionlab.specs.options import check_options

if TYPE_CHECKING:
    from typing_extensions import TypeIs

_NAME = re.compile(r"[^\s\[\],:=;/\\]+(?<!\.py)")


@dataclass(frozen=True)
class Rules:
    """Requirements of the entries of a catalog; classes are import strings `module:Class`, imported when they are needed.

    Args:
        base: The class that registered classes inherit from; None if only functions are registered.
        facts: Attributes that a registered class must have, and their types.
        wrapper: The class that makes an object of a function, called with `function` and `spec`; None if there is none.
        signature: How a function is called, for messages.
    """

    base: str | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    wrapper: str | None = None
    signature: str = ""

    def is_class_of(self, thing: object) -> TypeIs[type]:
        """Whether `thing` is a class that inherits from the base class."""
        return self.base is not None and isinstance(thing, type) and issubclass(thing, import_object(self.base))

    def is_function(self, thing: object) -> TypeIs[Callable[..., object]]:
        """Whether `thing` is a function that can become an object, or such an object."""
        if self.wrapper is None or isinstance(thing, type):
            return False
        return callable(thing) or isinstance(thing, import_object(self.wrapper))

    def wrap(self, function: object, spec: str) -> Any:
        """The object of a function; the function itself if there is no wrapper, or if it is such an object already."""
        if self.wrapper is None or isinstance(function, import_object(self.wrapper)):
            return function
        return import_object(self.wrapper)(function=function, spec=spec)

    def check(self, kind: str, name: str, entry: object) -> None:
        """Refuse a class or function that cannot be registered under this name.

        Args:
            kind: What it would be, in the singular.
            name: The name.
            entry: The class or function.

        Raises:
            BadOption: If it cannot.
        """
        if not _NAME.fullmatch(name):
            raise bad_option("name", "have no spaces, brackets or any of `,:;=/\\`, and not end in .py", name)
        if self.is_class_of(entry):
            self._check_class(kind, name, entry)
        elif isinstance(entry, type) or not callable(entry) or not self._takes_functions:
            raise bad_option(kind, f"be {self._registrable}", entry)
        else:
            self.wrap(entry, name)  # it refuses a function that lacks its declaration

    def _check_class(self, kind: str, name: str, entry: type) -> None:
        if inspect.isabstract(entry):
            methods = ", ".join(sorted(vars(entry)["__abstractmethods__"]))
            raise bad_option(kind, f"define {methods}", entry.__name__)
        for fact, required in {"name": "builtins:str", **self.facts}.items():
            if not isinstance(getattr(entry, fact, None), import_object(required)):
                type_name = required.partition(":")[2]
                raise bad_option(kind, f"have a class attribute `{fact}`, a {type_name}", entry.__name__)
        own = own_name(entry)
        if own != name:
            raise bad_option("name", f"be the own name of {entry.__name__}, {own!r}", name)
        check_options(entry)

    @property
    def _takes_functions(self) -> bool:
        return self.base is None or self.wrapper is not None

    @property
    def _registrable(self) -> str:
        """Descriptions of the class and the function that can be registered."""
        base = self.base and f"a subclass of attributionlab.{self.base.partition(':')[2]}"
        function = f"a function {self.signature}" if self._takes_functions else ""
        return " or ".join(filter(None, (base, function)))


def import_object(address: str) -> Any:
    """The object that an import string `module:attribute` names."""
    module, _, attribute = address.partition(":")
    return getattr(importlib.import_module(module), attribute)


def own_name(entry: object) -> str:
    """The name by which a class or function is registered if no other is given.

    Raises:
        BadOption: If it has none.
    """
    if isinstance(entry, type):
        name = getattr(entry, "name", None)
        if not isinstance(name, str):
            raise bad_option("class", "have a class attribute `name`, a str", entry.__name__)
        return name
    name = getattr(entry, "__name__", None)
    if name is None or "<" in name:
        raise bad_option("function", "have a name, or be registered under one", entry)
    return str(name).replace("_", "-")
