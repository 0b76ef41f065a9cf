"""Parts that HTML pages share: files of the package to embed, and the content security policy."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files

from attributionlab.printable import printable


def asset(package: str, name: str) -> str:
    """Read a text file from the templates of a package."""
    return files(package).joinpath("templates", name).read_text(encoding="utf-8")


def policy(css: str, js: str) -> str:
    """Content security policy: only the page's own script and style, and images as data URIs."""
    style, script = (
        f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in (css, js)
    )
    return f"default-src 'none'; img-src data:; style-src {style}; script-src {script}; base-uri 'none'; form-action 'none'"


def printable_value(value: object) -> object:
    """Escape control characters in text before a template shows it; markup and numbers stay unchanged."""
    return printable(value) if type(value) is str else value
