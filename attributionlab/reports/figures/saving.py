"""Saving figures as PNG, SVG or PDF."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from attributionlab.errors import bad_option
from attributionlab.files import check_parents, whole_file

FORMATS = (".png", ".svg", ".pdf")

_UNDATED = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
"""Metadata without the time of writing, so that the same figure is the same bytes."""


def check_path(path: Path) -> None:
    """Refuse a path at which no figure can be written, before any work is done.

    Raises:
        BadOption: If its ending is no format of figures, or no folder can be made for it.
    """
    if path.suffix.lower() not in FORMATS:
        raise bad_option("output", f"end in {' or '.join(FORMATS)}", str(path))
    check_parents(path)


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure as PNG, SVG or PDF: the whole file, or none; folders on the way to it are made.

    Raises:
        BadOption: If the ending is another one, or the path cannot lie in a folder.
        MachineError: If the file cannot be written.
    """
    check_path(path)
    ending = path.suffix.lower()
    with whole_file(path) as file, mpl.rc_context({"svg.hashsalt": "attributionlab"}):
        figure.savefig(file, format=ending[1:], dpi=150, metadata=_UNDATED.get(ending))
