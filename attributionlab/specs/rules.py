"""Requirements of the entries of a catalog, checked when a class or a function is registered."""

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
    """Requirements of the entries of a catalog; classes are import strings `module:Class`, imported on use.

    Args:
        base: Base class of registered classes; None if only functions are registered.
        facts: Attributes that a registered class must have, and their types.
        wrapper: Class that wraps a function, constructed from `function` and `spec`; None without a wrapper.
        signature: Signature of a function, for messages.
        adapter: Function `(object, options, address) -> wrapper or None` that wraps objects, classes and names of other packages.
    """

    base: str | None = None
    facts: Mapping[str, str] = field(default_factory=dict)
    wrapper: str | None = None
    signature: str = ""
    adapter: str | None = None

    def adapted(self, candidate: object, options: Mapping[str, object], address: str | None = None) -> Any:
        """A wrapper for an object, class or name of another package that is known; None for anything else."""
        return None if self.adapter is None else import_object(self.adapter)(candidate, options, address)

    def is_class_of(self, candidate: object) -> TypeIs[type]:
        """Whether `candidate` is a subclass of the base class."""
        return self.base is not None and isinstance(candidate, type) and issubclass(candidate, import_object(self.base))

    def is_function(self, candidate: object) -> TypeIs[Callable[..., object]]:
        """Whether `candidate` is a function that can be wrapped, or a wrapped function."""
        if self.wrapper is None or isinstance(candidate, type):
            return False
        return callable(candidate) or isinstance(candidate, import_object(self.wrapper))

    def wrap(self, function: object, spec: str) -> Any:
        """Wrap a function; return it unchanged if there is no wrapper or it is already wrapped."""
        if self.wrapper is None or isinstance(function, import_object(self.wrapper)):
            return function
        return import_object(self.wrapper)(function=function, spec=spec)

    def check(self, kind: str, name: str, entry: object) -> None:
        """Refuse a class or function that cannot be registered under this name.

        Args:
            kind: Kind of the entry, in the singular.
            name: The name.
            entry: The class or function.

        Raises:
            BadOption: If the name or the entry breaks the rules.
        """
        if not _NAME.fullmatch(name):
            raise bad_option("name", "have no spaces, brackets or any of `,:;=/\\`, and not end in .py", name)
        if self.is_class_of(entry):
            self._check_class(kind, name, entry)
        elif isinstance(entry, type) or not callable(entry) or not self._takes_functions:
            raise bad_option(kind, f"be {self._registrable}", entry)
        else:
            self.wrap(entry, name)  # the wrapper refuses functions without a declaration

    def _check_class(self, kind: str, name: str, entry: type) -> None:
        """Refuse a class that lacks a declared fact or has options that cannot be written in a spec."""
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
        """Whether functions can be registered."""
        return self.base is None or self.wrapper is not None

    @property
    def _registrable(self) -> str:
        """Description of the classes and functions that can be registered."""
        base = self.base and f"a subclass of attributionlab.{self.base.partition(':')[2]}"
        function = f"a function {self.signature}" if self._takes_functions else ""
        return " or ".join(filter(None, (base, function)))


def import_object(address: str) -> Any:
    """Import the object of an import string `module:attribute`."""
    module, _, attribute = address.partition(":")
    return getattr(importlib.import_module(module), attribute)


def own_name(entry: object) -> str:
    """The name under which a class or function is registered by default.

    Raises:
        BadOption: If it has no name.
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
