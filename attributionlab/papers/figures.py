"""Figures of a paper, drawn anew from stored runs, each with what the paper says about it and what ours shows."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from markupsafe import Markup
from matplotlib.figure import Figure

from attributionlab.errors import AttributionLabError, bad_option
from attributionlab.files import KEPT, is_file, write_whole
from attributionlab.papers.figure_catalog import PaperFigure
from attributionlab.papers.paper import Paper
from attributionlab.papers.presets import Preset
from attributionlab.papers.reports import render
from attributionlab.papers.running import PRESET_FILE
from attributionlab.papers.studies import StudySetting
from attributionlab.reports.figures.styles import plain
from attributionlab.reports.marks import FIGURE_METADATA
from attributionlab.reports.page.assets import asset, policy
from attributionlab.specs.rules import import_object

FOLDER = "figures"
"""Sub-folder of a reproduction that holds the figures and the maps that they show."""

RESOLUTION = 110
"""Pixels per inch."""

CAPTION = 7
"""Font size of captions in points."""

LINE = 0.125
"""Height of a line of a caption in inches."""

LETTERS_PER_INCH = 17.5

PAGES = {"md": "figures.md", "html": "figures.html"}


@dataclass(frozen=True, eq=False)
class DrawnFigure:
    """A figure from our measurements.

    Args:
        figure: The panels; the captions are added below.
        shows: Description of what is seen, with the measured numbers.
    """

    figure: Figure
    shows: str


@dataclass(frozen=True)
class FigureEntry:
    """An entry of the page: a figure that was drawn, or the reason why it was not.

    Args:
        figure: The figure of the paper.
        shows: What ours shows; empty if it was not drawn.
        png: The picture; empty if it was not drawn.
        error: Reason why it was not drawn; None if it was.
    """

    figure: PaperFigure
    shows: str = ""
    png: bytes = b""
    error: AttributionLabError | None = None


def stored_preset(paper: Paper, folder: Path) -> Preset:
    """The preset of the stored runs.

    Raises:
        BadOption: If the folder holds no reproduction of this paper.
    """
    file = folder / PRESET_FILE
    hint = f"`attributionlab reproduce {paper.key} -o {folder}` measures them"
    if not is_file(file):
        raise bad_option("output", "be the folder of stored runs, from which figures are drawn", str(folder), hint)
    try:
        stored: dict[str, Any] = orjson.loads(file.read_bytes())
        key = stored.pop("paper", paper.key)
        numbers = {name: stored.pop(name) for name in ("name", "size", "n_samples", "n_network_seeds")}
        preset = Preset(**numbers, images_per_job=stored.pop("images_per_job"), details=stored)
    except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError) as error:
        raise bad_option("output", f"hold a {PRESET_FILE} as `reproduce` writes it", str(folder)) from error
    if key != paper.key:
        raise bad_option("output", f"hold runs of {paper.key}", str(folder), f"they are of {key}")
    return preset


def draw_figures(
    paper: Paper, figures: Sequence[PaperFigure], setting: StudySetting
) -> tuple[list[Path], list[FigureEntry]]:
    """Draw figures from stored runs, and write a PNG of each and the two pages that hold all of them.

    A figure that cannot be drawn, for example because its runs are not stored, is an entry with an error; the pages give the reason.

    Args:
        paper: The paper.
        figures: Its figures.
        setting: Folder, preset and options of the stored runs.

    Returns:
        The files, none if no figure could be drawn, and the entries of the pages.
    """
    entries = [_drawn_or_error(figure, setting) for figure in figures]
    files = {entry.figure.file: entry.png for entry in entries if entry.png}
    if not files:
        return [], entries
    folder = setting.folder / FOLDER
    files |= {
        PAGES["md"]: to_page(paper, setting.preset, entries).encode(),
        PAGES["html"]: _html(paper, setting, entries),
    }
    for name, content in files.items():
        write_whole(folder / name, content, KEPT)
    return [folder / name for name in files], entries


def _drawn_or_error(figure: PaperFigure, setting: StudySetting) -> FigureEntry:
    try:
        return _drawn(figure, setting)
    except AttributionLabError as error:
        return FigureEntry(figure, error=error)


def _drawn(figure: PaperFigure, setting: StudySetting) -> FigureEntry:
    draw: Callable[[StudySetting], DrawnFigure] = import_object(figure.draw)
    drawn = draw(setting)
    add_captions(drawn.figure, (figure.quotation, f"Ours: {drawn.shows}"))
    buffer = io.BytesIO()
    drawn.figure.savefig(buffer, format="png", dpi=RESOLUTION, metadata=FIGURE_METADATA[".png"])
    return FigureEntry(figure, drawn.shows, buffer.getvalue())


def add_captions(figure: Figure, captions: Sequence[str]) -> None:
    """Write captions below everything else, for which the figure grows."""
    width = int(LETTERS_PER_INCH * figure.get_figwidth())
    lines = [line for caption in captions for line in textwrap.wrap(caption, width)]
    figure.set_figheight(figure.get_figheight() + LINE * len(lines))
    figure.supxlabel("\n".join(map(plain, lines)), x=0.01, ha="left", fontsize=CAPTION)


def to_page(paper: Paper, preset: Preset, entries: Sequence[FigureEntry], pictures: str = "") -> str:
    """The page in Markdown; `pictures` is the folder of the pictures, with a slash at its end."""
    return render("figures.md.jinja", paper=paper, preset=preset, entries=entries, folder=pictures)


def _html(paper: Paper, setting: StudySetting, entries: Sequence[FigureEntry]) -> bytes:
    css = asset("attributionlab.reports.page", "report.css") + asset("attributionlab.papers", "reproduction.css")
    variables = {"paper": paper, "preset": setting.preset, "entries": entries, "css": Markup(css)}  # noqa: S704  # our own file
    return render("figures.html.jinja", **variables, policy=policy(css, "")).encode()
