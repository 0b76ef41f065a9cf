"""Saving figures as PNG, SVG or PDF."""

from __future__ import annotations

import warnings
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
        path: The file to write.
        force: Whether a file that attributionlab did not write may be overwritten.

    Raises:
        BadOption: If the ending is not a format of figures, the folder cannot be created, or a file of other origin exists.
    """
    if path.suffix.lower() not in FORMATS:
        raise bad_option("output", f"end in {' or '.join(FORMATS)}", str(path))
    check_replaceable(path, force=force)


def save_figure(figure: Figure, path: Path, *, force: bool = False) -> None:
    """Write a figure as PNG, SVG or PDF, completely or not at all; missing folders are created.

    Raises:
        BadOption: If `check_path` refuses the path.
        MachineError: If the file cannot be written.
    """
    check_path(path, force=force)
    ending = path.suffix.lower()
    with whole_file(path) as file, mpl.rc_context({"svg.hashsalt": "attributionlab"}), warnings.catch_warnings():
        # names as long as a file's address leave no room for a panel without values; it is drawn without a layout then
        warnings.filterwarnings("ignore", message="constrained_layout not applied", category=UserWarning)
        figure.savefig(file, format=ending[1:], dpi=150, metadata=FIGURE_METADATA[ending])
