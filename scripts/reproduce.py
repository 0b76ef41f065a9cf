"""Measure every claim of the paper and write docs/reproduction.md, or docs/reproduction-quick.md; an interrupted run is resumed.

Usage: python scripts/reproduce.py FOLDER [PRESET] [N_SAMPLES] [WORKERS] [N_NETWORKS]

docs/reproduction.md is measured by `paper` with 16 images and 10 networks, the other page by `quick`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from attributionlab.cli.output import progress_bar
from attributionlab.papers.catalog import find_studies
from attributionlab.papers.presets import find_preset
from attributionlab.papers.reports import FILES
from attributionlab.papers.running import reproduce, write_report
from attributionlab.papers.studies import StudySetting

DOCS = Path(__file__).parents[1] / "docs"
PAGES = {"paper": "reproduction.md", "quick": "reproduction-quick.md"}


def main(
    folder: str, preset: str = "quick", n_samples: str | None = None, workers: str = "2", n_networks: str | None = None
) -> None:
    """Measure or resume, and write the page."""
    paper, studies = find_studies([])
    changes = {"n_samples": n_samples, "n_network_seeds": n_networks}
    numbers = {name: int(value) for name, value in changes.items() if value is not None}
    amount = find_preset(paper.presets, preset, **numbers)
    setting = StudySetting(Path(folder), amount, workers=int(workers), watch=progress_bar)
    write_report(reproduce(paper, studies, setting), setting.folder)
    page = DOCS / PAGES[preset]
    page.write_text((setting.folder / FILES["md"]).read_text(encoding="utf-8"), encoding="utf-8")
    print(page)


if __name__ == "__main__":
    main(*sys.argv[1:])
