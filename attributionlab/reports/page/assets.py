"""What HTML pages share: files of the package that stand in them, and the policy that lets nothing else in."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files

from attributionlab.printable import printable


def asset(package: str, name: str) -> str:
    """The text of a file among the templates of a package."""
    return files(package).joinpath("templates", name).read_text(encoding="utf-8")


def policy(css: str, js: str) -> str:
    """What the page may do: run its own script and style, show images inside of it, and nothing else."""
    style, script = (
        f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in (css, js)
    )
    return f"default-src 'none'; img-src data:; style-src {style}; script-src {script}; base-uri 'none'; form-action 'none'"


def printable_value(value: object) -> object:
    """What a template shows of a value: text without control characters; markup and numbers as they are."""
    return printable(value) if type(value) is str else value
