"""Pages of the site that are made from the package: run by mkdocs (mkdocs-gen-files).

The reference of methods, environments, metrics and manipulations comes from their catalogs, that of Python from the docstrings.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import mkdocs_gen_files

import attributionlab
from attributionlab.environments.factory import ENVIRONMENTS
from attributionlab.live.page import lab_page
from attributionlab.methods.factory import METHODS
from attributionlab.metrics.factory import METRICS
from attributionlab.modification.factory import MANIPULATIONS
from attributionlab.specs.catalog import Catalog

ROOT = Path(__file__).parents[1]
DESCRIBED: dict[str, dict[str, Any]] = json.loads((ROOT / "attributionlab/reports/tables/built_in.json").read_text())

COPIES = {
    "attributionlab/networks/README.md": "exactness.md",
}
INTRODUCTIONS = {
    "methods": "Every method by its name, with its options. [What each method computes](../methods.md) has all methods on one page, and whose implementation each is held to.",
    "environments": "Every environment by its name, with its options. [Truth](../truth.md) says what truth means.",
    "metrics": "Every metric by its name, with its options. [Metrics](../metrics.md) says what the audit finds.",
    "manipulations": "Manipulations of pictures of your own. [Networks that are trained](../modification.md) says what they are for.",
}
"""First paragraphs of the pages of the reference."""

ALTERNATIVES = {
    "methods": "An image, its truth, and the map of {}",
    "environments": "Four images of {} above their truth",
    "metrics": "The curve of {} for the truth, for GradCAM and for a random map",
}
"""What is in a picture, for readers who do not see it."""


def write(path: str, text: str) -> None:
    """Add a page to the site."""
    with mkdocs_gen_files.open(path, "w") as file:
        file.write(text)


EXPLAINED = {"methods": "methods.md", "environments": "environments.md", "metrics": "metrics.md"}
"""Pages with a section for each entry, `### `name``: its formula, what is known about it, and where it fails."""

SECTION = re.compile(r"^### ((?:`[\w-]+`(?:, )?)+)\n(.*?)(?=^#{2,3} |\Z)", re.MULTILINE | re.DOTALL)


def sections(kind: str) -> dict[str, str]:
    """The section about each entry of a kind, without its heading."""
    if kind not in EXPLAINED:
        return {}
    text = (ROOT / "docs" / EXPLAINED[kind]).read_text(encoding="utf-8")
    parts = SECTION.findall(text)
    return {name: body.strip().replace("](", "](../") for names, body in parts for name in re.findall(r"[\w-]+", names)}


def reference(catalog: Catalog[Any]) -> str:
    """The page of a catalog: for each entry its summary, its picture, formula and known answers, and its options."""
    entries, explained = DESCRIBED[catalog.plural], sections(catalog.plural)
    parts = [f"# {catalog.plural.capitalize()}", INTRODUCTIONS[catalog.plural]]
    for name, entry in entries.items():
        summary = str(entry["summary"])
        parts += [f"## {name}", summary if summary.endswith((".", "?", ")")) else f"{summary}."]
        if (ROOT / f"docs/pictures/{catalog.plural}/{name}.png").exists():
            parts.append(f"![{ALTERNATIVES[catalog.plural].format(name)}](../pictures/{catalog.plural}/{name}.png)")
        if name in explained:
            parts.append(explained[name])
        if options := entry.get("options"):
            rows = (f"| `{option}` | {str(text).replace('|', ' or ')} |" for option, text in options.items())
            parts.append("\n".join(("| option | default, and what it can be |", "|---|---|", *rows)))
        address = catalog.built_in.get(name)
        if address:
            parts.append(f"In Python `{address.replace(':', '.')}`.")
    return "\n\n".join(parts) + "\n"


def python() -> str:
    """The public names of the package, from their docstrings."""
    stub = (ROOT / "attributionlab/__init__.pyi").read_text()
    homes = {}
    for line in stub.replace("(\n    ", "(").replace(",\n    ", ", ").replace(",\n)", ")").splitlines():
        if line.startswith("from .") and " import " in line and " as " not in line:
            module, _, names = line.removeprefix("from .").partition(" import ")
            homes |= {name.strip(): module for name in names.strip("()").split(",")}
    parts = ["# Python", "`import attributionlab as al` has these names; they are imported when they are used."]
    for name in sorted(attributionlab.__all__, key=str.lower):
        if name in homes:
            defined = getattr(attributionlab, name)
            parts.append(f"::: {defined.__module__}.{getattr(defined, '__qualname__', name)}")
    return "\n\n".join(parts) + "\n"


def replaced(text: str, old: str, new: str) -> str:
    """The text with a passage exchanged, which must be there."""
    if old not in text:
        raise ValueError(f"site_pages.py looks for {old!r}, which is no longer in the text")
    return text.replace(old, new)


def lesson() -> str:
    """The lesson on one page: what it is, the plan, the handout, and the files themselves, which become part of the site."""
    about, plan, handout = (
        (ROOT / "lesson" / name).read_text(encoding="utf-8") for name in ("README.md", "plan.md", "handout.md")
    )
    about = replaced(about, "[`slides.html`](slides.html)", "[`slides.html`](lesson/slides.html)")
    about = replaced(about, "the page to paint in,", "[the page to paint in](lab.html),")
    files = [
        path.relative_to(ROOT)
        for pattern in ("slides.html", "notebooks/*.ipynb", "exercises/*.py", "exercises/answers/*.py")
        for path in sorted((ROOT / "lesson").glob(pattern))
    ]
    for file in files:
        write(file.as_posix(), (ROOT / file).read_text(encoding="utf-8"))
    links = "\n".join(f"* [{file.relative_to('lesson').as_posix()}]({file.as_posix()})" for file in files)
    parts = (
        about,
        replaced(plan, "# The teacher", "## The teacher"),
        replaced(handout, "# Which picture", "## Handout: which picture"),
    )
    return "\n".join((*parts, "## Files", "", "Save a file by the menu of its link.", "", links, ""))


for source, page in COPIES.items():
    write(page, (ROOT / source).read_text())
write("index.md", replaced((ROOT / "README.md").read_text(), "a page to paint on.", "[a page to paint on](lab.html)."))
write("lab.html", lab_page())
write("lesson.md", lesson())
for script in sorted((ROOT / "examples").glob("*.py")):
    write(f"examples/{script.name}", script.read_text(encoding="utf-8"))
for kind in (METHODS, ENVIRONMENTS, METRICS, MANIPULATIONS):
    write(f"reference/{kind.plural}.md", reference(kind))
write("reference/python.md", python())
