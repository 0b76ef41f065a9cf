"""Hooks of mkdocs: links that lead out of `docs` become links to pages of the site, or plain names of files; pictures open large."""

from __future__ import annotations

import re
from typing import Any

PAGES = {
    "README.md": "index.md",
    "attributionlab/networks/README.md": "exactness.md",
    "lesson/README.md": "lesson.md",
}
"""Pages of the site that are made from files elsewhere (`site_pages.py`)."""

LINK = re.compile(r"\[([^\]]*)\]\(((?:\.\./)+|)([^)#:\s]+)(#[^)\s]*)?\)")

SCRIPT = re.compile(r"\| `(\w+\.py)` \|")
"""A script in the table of the examples."""

PICTURE = re.compile(r'<p>(<img [^>]*src="([^":]+)"[^>]*>)</p>')
"""A paragraph of one picture."""


BOOSTS = {
    "tutorials/": 4,
    "howto/": 3,
    "glossary": 3,
    "index": 2,
    "lesson": 2,
    "verdict": 2,
    "metrics": 2,
    "methods": 2,
    "testing": 2,
    "debugging.": 2,
    "reference/python": 0.1,
    "reproduction.": 1,
    "reproduction": 0.1,
    "changes/": 0.1,
    "calibration": 0.2,
    "benchmarks": 0.2,
    "architecture": 0.2,
    "choices": 0.2,
    "debugging-trained": 0.4,
    "quadrature": 0.4,
    "unseen_data_sizes": 0.4,
}
"""Factors of the search, by the beginning of a page's path: pages for users before tables for those who check our results."""


def on_page_content(html: str, **_: object) -> str:
    """A page whose pictures open in their own size: text in wide ones is small in a column."""
    return PICTURE.sub(r'<p><a href="\2">\1</a></p>', html)


def on_page_markdown(markdown: str, *, page: Any, files: Any, **_: object) -> str:
    """The text of a page with its links; also sets the page's factor in the search."""
    boost = next((factor for start, factor in BOOSTS.items() if page.file.src_uri.startswith(start)), 1)
    page.meta.setdefault("search", {"boost": boost})
    if page.file.src_uri == "tutorials/examples.md":
        markdown = SCRIPT.sub(r"| [`\1`](../examples/\1) |", markdown)
    here = page.file.src_uri.rpartition("/")[0]
    depth = here.count("/") + 1 if here else 0

    def linked(link: re.Match[str]) -> str:
        text, up, path, anchor = link[1], link[2].count("../"), link[3], link[4] or ""
        if up <= depth and not (page.file.src_uri in PAGES.values() and not link[2]):
            return link[0]
        back = "../" * depth
        if path in PAGES:
            return f"[{text}]({back}{PAGES[path]}{anchor})"
        if path.startswith("docs/"):
            path = path.removeprefix("docs/")
        known = files.get_file_from_path(path)
        return f"[{text}]({back}{path}{anchor})" if known is not None else text

    return LINK.sub(linked, markdown)
