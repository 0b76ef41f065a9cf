"""Functions named in text: `package.module:function` or `file.py:function`."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from attributionlab.errors import BadOption, bad_option, missing_file
from attributionlab.files import is_file
from attributionlab.machine import contained
from attributionlab.printable import error_line, value_text

NAME_OR_ADDRESS = "be a name, file.py:function or package.module:function"
"""Expectation of a text that names a method or a metric."""

_ADDRESS = re.compile(r"(?P<where>.*):(?P<name>[^:\[\]]*)(\[(?P<options>.*)\])?")


@dataclass(frozen=True)
class Address:
    """Location and name of a function, with the options that follow them."""

    where: str
    name: str
    options: str | None

    def __str__(self) -> str:
        """The address without options."""
        return f"{self.where}:{self.name}"


def parse_address(text: str) -> Address | None:
    """Parse `where:name[options]`; None if the text has another form."""
    match = _ADDRESS.fullmatch(text)
    return None if match is None else Address(match["where"], match["name"], match["options"])


def load_function(text: str, kind: str, *, may_be_object: bool = False) -> Callable[..., Any]:
    """The function that `package.module:function` or `file.py:function` names.

    Args:
        text: The address.
        kind: Kind of the function for messages: `method` or `metric`.
        may_be_object: Whether any object is returned, for a caller that adapts it.

    Raises:
        MissingFile: If the module, the file or the function does not exist.
        BadOption: If the text is not an address, the import fails, or the object is not callable.
    """
    location, _, name = text.rpartition(":")
    is_module = all(part.isidentifier() for part in location.split(".")) and not is_file(Path(location))
    if not name or not (is_module or location.endswith(".py")):
        raise bad_option(kind, NAME_OR_ADDRESS, text)
    module = _load_file(Path(location), kind) if location.endswith(".py") else _load_module(location, kind)
    function = getattr(module, name, None)
    if function is None:
        raise missing_file(kind, "name a function that exists", text, f"{location} has no {value_text(name)}")
    if not callable(function) and not may_be_object:
        raise bad_option(kind, "name a function", text)
    loaded: Callable[..., Any] = function
    return loaded


MODE = "training"
"""Attribute of modules that says nothing about a method."""


def address_of(function: Callable[..., object]) -> str:
    """The address `module:qualified name` of a function, with the arguments of a partial and the simple attributes of an object."""
    if isinstance(function, functools.partial):
        values = {**{str(index): value for index, value in enumerate(function.args)}, **function.keywords}
        return f"{address_of(function.func)}{_simple_values(values)}"
    name = getattr(function, "__qualname__", None)
    if name is not None:
        return f"{getattr(function, '__module__', None) or 'unknown'}:{name}"
    values = {name: value for name, value in getattr(function, "__dict__", {}).items() if name != MODE}
    return f"{type(function).__module__}:{type(function).__qualname__}{_simple_values(values)}"


def _simple_values(values: Mapping[str, object]) -> str:
    """Values of arguments or attributes, `(n=3,sign=true)`, those that are short; empty without any."""
    simple = {name: value for name, value in values.items() if isinstance(value, (bool, int, float, str)) and len(str(value)) <= 40}  # fmt: skip
    text = ",".join(f"{name}={_word(value)}" for name, value in simple.items() if not name.startswith("_"))
    return f"({text})" if text else ""


def _word(value: object) -> str:
    """A value without the signs that addresses have."""
    return re.sub(r"[\[\]:,=\s]+", "-", str(value))


def _load_file(path: Path, kind: str) -> ModuleType:
    """Import a file as a module."""
    if not is_file(path):
        raise missing_file(kind, "name a file that exists", str(path))
    spec = importlib.util.spec_from_file_location(f"attributionlab {kind} {path.resolve()}", path)
    assert spec is not None and spec.loader is not None, "a file ending in .py has a loader"
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look up their module there
    folder = str(path.resolve().parent)
    if folder not in sys.path:  # as for a script: modules beside the file can be imported
        sys.path.append(folder)
    try:
        with contained():
            spec.loader.exec_module(module)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        del sys.modules[spec.name]
        raise _not_importable(str(path), error, kind) from error
    return module


def _load_module(name: str, kind: str) -> ModuleType:
    """Import a module, also from the working directory."""
    if "" not in sys.path:  # like `python -m`: modules of the working directory can be imported
        sys.path.insert(0, "")
    try:
        with contained():
            return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{name}.".startswith(f"{error.name}."):
            hint = "a file is written file.py:function"
            raise missing_file(kind, "name a module that exists", name, hint) from error
        raise _not_importable(name, error, kind) from error
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise _not_importable(name, error, kind) from error


def _not_importable(location: str, error: BaseException, kind: str) -> BadOption:
    """The error for a file or module whose import fails."""
    return bad_option(kind, "be importable", location, error_line(error))
