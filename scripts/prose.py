"""Check the style of the project's sentences with proselint: clichés, redundancy, repeated words, hedging, and more.

    python scripts/prose.py

Code, tables and headings are left out, as in `readability.py`; docstrings, messages and help texts are included. The exit code is 1 if
there is a finding. Needs the extra `docs` (proselint).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from proselint.checks import __register__ as every_check
from proselint.config import DEFAULT
from proselint.registry import CheckRegistry
from proselint.tools import LintFile
from readability import own_texts

DISABLED = {
    "typography": "quotes, dots and multiplication signs of plain ASCII can be typed, searched and read in a terminal",
    "needless_variants": "'saliency' and 'opposite' are the field's words",
    "lexical_illusions": "code is left out, so that words on both sides of it look repeated",
    "archaism": "finds 'for ever' in 'for every'",
    "misc.but": "each sentence is checked as a paragraph of its own, so every 'But' would begin one",
    "uncomparables": "'less uniform weights' is a smaller measured number here",
    "psychology": "p-values in tables are rounded",
}
"""Checks of proselint that do not fit, and why."""


def findings() -> Iterator[str]:
    """One line for each finding: text, check, message, and the words around it."""
    registry = CheckRegistry()
    registry.register_many(every_check)
    for name, pairs in own_texts().items():
        content = "\n\n".join(sentence for _, sentence in pairs)
        files = [file for file, _ in pairs]
        text = LintFile(name, content)
        for result in text.lint({**DEFAULT, "max_errors": 10_000}):
            line = max(0, result.pos[0] - 2) // 2
            found = result.check_result
            if found.check_path.startswith(tuple(DISABLED)):
                continue
            start, end = found.span
            context = " ".join(text.content[max(0, start - 40) : end + 40].split())
            yield f"{files[min(line, len(files) - 1)].name}: {found.check_path}: {found.message} [{context}]"


def main() -> int:
    """Print the findings; returns the exit code."""
    lines = list(findings())
    print(*lines, sep="\n", end="\n" if lines else "")
    return int(bool(lines))


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    sys.exit(main())
