"""Measures everything that the paper claims and writes docs/reproduction.md; goes on where it was cut off.

Usage: python scripts/reproduce.py [FOLDER] [WORKERS] [PRESET]
"""

from __future__ import annotations

import sys
from pathlib import Path

from attributionlab.cli.output import progress_bar
from attributionlab.reproduction.report import FILES
from attributionlab.reproduction.run import reproduce, write_report
from attributionlab.reproduction.study import Setting, find_preset

PAGE = Path(__file__).parents[1] / "docs" / "reproduction.md"


def main(folder: str = "reproduction", workers: str = "2", preset: str = "quick") -> None:
    """Measure or resume, and write the page."""
    setting = Setting(Path(folder), find_preset(preset), workers=int(workers), watch=progress_bar)
    write_report(reproduce([], setting), setting.folder)
    PAGE.write_text((setting.folder / FILES["md"]).read_text(encoding="utf-8"), encoding="utf-8")
    print(PAGE)


if __name__ == "__main__":
    main(*sys.argv[1:])
