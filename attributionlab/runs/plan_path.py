"""The two forms of a plan's source, told apart. Importing this module does not import torch."""

from __future__ import annotations

from pathlib import Path

from attributionlab.errors import missing_file
from attributionlab.files import is_file
from attributionlab.specs.functions import parse_address


def is_plan_function(text: str) -> bool:
    """Whether a text is the address of a function, `file.py:name` or `package.module:name`, and not the path of a TOML file."""
    return parse_address(text) is not None and not text.endswith(".toml")


def require_plan(text: str) -> None:
    """Refuse the path of a TOML file that does not exist.

    Raises:
        MissingFile: If it does not exist.
        BadOption: If the text is the address of something else than a function.
    """
    if not is_plan_function(text) and not is_file(Path(text)):
        raise missing_file("plan", "be a file that exists", text)
