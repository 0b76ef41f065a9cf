"""Saving figures as PNG, SVG or PDF."""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from attributionlab.errors import bad_option
from attributionlab.files import whole_file
from attributionlab.reports.marks import FIGURE_METADATA, check_replaceable

FORMATS = (".png", ".svg", ".pdf")


def check_path(path: Path, *, force: bool = False) -> None:
    """Refuse a path at which no figure can be written, before any work is done.

    Args:
        path: Where the figure is to be.
        force: Whether a file that attributionlab did not write may be overwritten.

    Raises:
        BadOption: If its ending is no format of figures, no folder can be made for it, or there is a file of other origin.
    """
    if path.suffix.lower() not in FORMATS:
        raise bad_option("output", f"end in {' or '.join(FORMATS)}", str(path))
    check_replaceable(path, force=force)


def save_figure(figure: Figure, path: Path, *, force: bool = False) -> None:
    """Write a figure as PNG, SVG or PDF: the whole file, or none; folders on the way to it are made.

    Raises:
        BadOption: If `check_path` refuses the path.
        MachineError: If the file cannot be written.
    """
    check_path(path, force=force)
    ending = path.suffix.lower()
    with whole_file(path) as file, mpl.rc_context({"svg.hashsalt": "attributionlab"}):
        figure.savefig(file, format=ending[1:], dpi=150, metadata=FIGURE_METADATA[ending])
