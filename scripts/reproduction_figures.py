"""Draw the figures of the paper from stored runs, and write docs/reproduction-figures.md and its pictures.

Usage: python scripts/reproduction_figures.py FOLDER

FOLDER is that of `attributionlab reproduce`. Needs the extra `pretrained`. Pictures are reduced to 128 colors, so that they stay small.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

from PIL import Image

from attributionlab.cli.output import progress_bar
from attributionlab.papers.catalog import find_paper
from attributionlab.papers.figure_catalog import ALL, choose_figures
from attributionlab.papers.figures import draw_figures, stored_preset, to_page
from attributionlab.papers.studies import StudySetting

DOCS = Path(__file__).parents[1] / "docs"
PICTURES = "reproduction-figures"
N_COLORS = 128
COLORS = Image.Quantize.MAXCOVERAGE
"""Keeps colors of few pixels, such as those of scenes."""


def main(folder: str) -> None:
    """Draw all figures, and write page and pictures."""
    paper = find_paper("zhang2024")
    setting = StudySetting(Path(folder), stored_preset(paper, Path(folder)), watch=progress_bar)
    _, entries = draw_figures(paper, choose_figures(paper, [ALL]), setting)
    (DOCS / PICTURES).mkdir(exist_ok=True)
    for entry in entries:
        if entry.error is not None:
            raise entry.error
        picture = Image.open(io.BytesIO(entry.png)).convert("RGB").quantize(N_COLORS, COLORS, dither=Image.Dither.NONE)
        picture.save(DOCS / PICTURES / entry.figure.file, optimize=True)
    page = DOCS / f"{PICTURES}.md"
    page.write_text(to_page(paper, setting.preset, entries, f"{PICTURES}/"), encoding="utf-8")
    print(page)


if __name__ == "__main__":
    main(*sys.argv[1:])
