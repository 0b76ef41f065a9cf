"""Functions named in text: `package.module:function` or `file.py:function`."""

from __future__ import annotations

import importlib
import importlib.util
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from attributionlab.errors import BadOption, bad_option, missing_file
from attributionlab.files import is_file
from attributionlab.printable import error_line, value_text

NAME_OR_ADDRESS = "be a name, file.py:function or package.module:function"
"""What a text must be that names a method or a metric."""

_ADDRESS = re.compile(r"(?P<where>.*):(?P<name>[^:\[\]]*)(\[(?P<options>.*)\])?")


@dataclass(frozen=True)
class Address:
    """Place and name of a function, and the options written behind it."""

    where: str
    name: str
    options: str | None

    def __str__(self) -> str:
        """Without the options."""
        return f"{self.where}:{self.name}"


def parse_address(text: str) -> Address | None:
    """Take `where:name[options]` apart; None if it does not look like that."""
    match = _ADDRESS.fullmatch(text)
    return None if match is None else Address(match["where"], match["name"], match["options"])


def load_function(text: str, kind: str) -> Callable[..., Any]:
    """The function that `package.module:function` or `file.py:function` names.

    Args:
        text: Where it is.
        kind: What it is to be used as, for messages: `method` or `metric`.

    Raises:
        MissingFile: If the module, the file or the function is not there.
        BadOption: If the text names neither, if importing it fails, or it is not callable.
    """
    where, _, name = text.rpartition(":")
    is_module = all(part.isidentifier() for part in where.split(".")) and not is_file(Path(where))
    if not name or not (is_module or where.endswith(".py")):
        raise bad_option(kind, NAME_OR_ADDRESS, text)
    module = _load_file(Path(where), kind) if where.endswith(".py") else _load_module(where, kind)
    function = getattr(module, name, None)
    if function is None:
        raise missing_file(kind, "name a function that exists", text, f"{where} has no {value_text(name)}")
    if not callable(function):
        raise bad_option(kind, "name a function", text)
    loaded: Callable[..., Any] = function
    return loaded


def address_of(function: Callable[..., object]) -> str:
    """The address of a function that is at hand: `module:qualified name`."""
    name = getattr(function, "__qualname__", type(function).__qualname__)
    return f"{getattr(function, '__module__', None) or 'unknown'}:{name}"


def _load_file(path: Path, kind: str) -> ModuleType:
    if not is_file(path):
        raise missing_file(kind, "name a file that exists", str(path))
    spec = importlib.util.spec_from_file_location(f"attributionlab {kind} {path.resolve()}", path)
    assert spec is not None and spec.loader is not None, "a file ending in .py has a loader"
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up there
    folder = str(path.resolve().parent)
    if folder not in sys.path:  # as for a script: modules beside the file can be imported
        sys.path.append(folder)
    try:
        spec.loader.exec_module(module)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        del sys.modules[spec.name]
        raise _not_importable(str(path), error, kind) from error
    return module


def _load_module(name: str, kind: str) -> ModuleType:
    if "" not in sys.path:  # as `python -m` does: modules of the folder in which the command is run
        sys.path.insert(0, "")
    try:
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


def _not_importable(where: str, error: BaseException, kind: str) -> BadOption:
    return bad_option(kind, "be importable", where, error_line(error))
