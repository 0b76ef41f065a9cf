"""The mark of a folder that `generate` wrote. Importing this module does not import torch."""

from __future__ import annotations

from pathlib import Path

from attributionlab.errors import missing_file
from attributionlab.files import is_file

MANIFEST = "manifest.json"


def require_generated(folder: Path) -> None:
    """Refuse a folder that `generate` did not write.

    Raises:
        MissingFile: If there is no manifest in it.
    """
    if not is_file(folder / MANIFEST):
        raise missing_file(
            "folder", "be one that `attributionlab generate` wrote", str(folder), f"it has no {MANIFEST}"
        )
