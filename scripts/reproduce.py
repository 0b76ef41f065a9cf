"""Measure every claim of the paper and write docs/reproduction-tables.md, or docs/reproduction-quick.md; an interrupted run is resumed.

Usage: python scripts/reproduce.py FOLDER [PRESET] [N_SAMPLES] [WORKERS] [N_NETWORKS]

docs/reproduction-tables.md is measured by `paper` with 16 images and 10 networks, the other page by `quick`. The regions of README.md and docs
that repeat their results are filled (scripts/reproduction_pages.py).
"""

from __future__ import annotations

import sys
from pathlib import Path

import reproduction_pages

from attributionlab.cli.output import progress_bar
from attributionlab.papers.catalog import find_studies
from attributionlab.papers.presets import find_preset
from attributionlab.papers.reports import FILES
from attributionlab.papers.running import reproduce, write_report
from attributionlab.papers.studies import StudySetting

DOCS = Path(__file__).parents[1] / "docs"
PAGES = {"paper": "reproduction-tables.md", "quick": "reproduction-quick.md"}


def main(
    folder: str, preset: str = "quick", n_samples: str | None = None, workers: str = "2", n_networks: str | None = None
) -> None:
    """Measure or resume, and write the page."""
    paper, studies = find_studies([])
    changes = {"n_samples": n_samples, "n_network_seeds": n_networks}
    numbers = {name: int(value) for name, value in changes.items() if value is not None}
    amount = find_preset(paper.presets, preset, **numbers)
    setting = StudySetting(Path(folder), amount, workers=int(workers), watch=progress_bar)
    report = reproduce(paper, studies, setting)
    write_report(report, setting.folder)
    text = (setting.folder / FILES["md"]).read_text(encoding="utf-8")
    for figure in (figure for study in report.studies for figure in study.figures):
        name = f"reproduction-{preset}-{figure.file}"
        (DOCS / name).write_bytes(figure.png)
        text = text.replace(f"({figure.file})", f"({name})")
    page = DOCS / PAGES[preset]
    page.write_text(text, encoding="utf-8")
    reproduction_pages.main()
    print(page)


if __name__ == "__main__":
    main(*sys.argv[1:])
