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


PICTURE = re.compile(r'<p>(<img [^>]*src="([^":]+)"[^>]*>)</p>')
"""A paragraph of one picture."""


def on_page_content(html: str, **_: object) -> str:
    """A page whose pictures open in their own size: text in wide ones is small in a column."""
    return PICTURE.sub(r'<p><a href="\2">\1</a></p>', html)


def on_page_markdown(markdown: str, *, page: Any, files: Any, **_: object) -> str:
    """The text of a page with its links."""
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
