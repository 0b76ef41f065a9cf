"""Measure every claim of the paper and write docs/reproduction-tables.md, or docs/reproduction-quick.md; an interrupted run is resumed.

Usage: python scripts/reproduce.py FOLDER [PRESET] [N_SAMPLES] [WORKERS] [N_NETWORKS] [--stored]

docs/reproduction-tables.md is measured by `paper` with 16 images and 10 networks, the other page by `quick`. The regions of README.md and docs
that repeat their results are filled (scripts/reproduction_pages.py). With --stored nothing but Figure 3's small networks is measured: the page is
written from a finished folder, of which no numbers need be given, and of an unfinished one the script says what is missing and writes nothing.
A folder of Zhou et al. 2022 becomes docs/reproduction-zhou2022.md.
"""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import reproduction_pages
from PIL import Image

from attributionlab.cli.output import progress_bar
from attributionlab.papers.catalog import find_paper, find_studies
from attributionlab.papers.figures import stored_preset
from attributionlab.papers.paper import Paper
from attributionlab.papers.presets import find_preset
from attributionlab.papers.reports import FILES, ReproductionReport
from attributionlab.papers.running import PRESET_FILE, reproduce, write_report
from attributionlab.papers.studies import StudySetting

DOCS = Path(__file__).parents[1] / "docs"
PAGES = {
    ("zhang2024", "paper"): ("reproduction-tables.md", "reproduction-paper-", "Reproduction"),
    ("zhang2024", "quick"): ("reproduction-quick.md", "reproduction-quick-", "Reproduction"),
    ("zhou2022", "quick"): ("reproduction-zhou2022.md", "zhou2022/", "Reproduction of Zhou et al. 2022"),
}
"""Page, how the names of its pictures begin, and its heading, by paper and preset."""

N_COLORS = 128
"""Colors of a picture in docs, so that it stays small."""

STORED = "--stored"
UNTOLD = ("figure3",)
"""Studies that train small networks anew each time, and store nothing."""


class Missing(Exception):
    """Runs that are not finished."""


@contextmanager
def only_stored(folder: Path, title: str, n_jobs: int) -> Iterator[Callable[[int], None]]:
    """A watch that stops a run before its first job, unless all jobs are stored; the first report is of stored jobs."""
    if not (folder / title / "plan.json").is_file() and not any(folder.glob("*/tasks.jsonl")):
        raise Missing(f"{title}: all {n_jobs:,} jobs are missing")
    reports: list[int] = []

    def advance(n_done: int) -> None:
        reports.append(n_done)
        if len(reports) == 1 and n_done < n_jobs:
            raise Missing(f"{title}: {n_jobs - n_done:,} of {n_jobs:,} jobs are missing")

    yield advance


def missing_runs(paper: Paper, folder: Path) -> list[str]:
    """The runs that a folder lacks, the first of each study, one line each."""

    def watch(title: str, n_jobs: int) -> AbstractContextManager[Callable[[int], None]]:
        return only_stored(folder, title, n_jobs)

    problems: dict[str, None] = {}
    for study in paper.studies:
        try:
            if study not in UNTOLD:
                reproduce(paper, [study], StudySetting(folder, stored_preset(paper, folder), watch=watch))
        except Missing as problem:
            problems[str(problem)] = None
    return list(problems)


def write_page(report: ReproductionReport, folder: Path) -> Path:
    """Write the report into its folder and, with its pictures, into docs."""
    write_report(report, folder)
    name, prefix, heading = PAGES[report.paper.key, report.preset.name.split(",")[0]]
    text = (folder / FILES["md"]).read_text(encoding="utf-8").replace("# Reproduction\n", f"# {heading}\n", 1)
    for figure in (figure for study in report.studies for figure in study.figures):
        picture = Image.open(io.BytesIO(figure.png)).convert("RGB")
        picture.quantize(N_COLORS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(
            DOCS / f"{prefix}{figure.file}", optimize=True
        )
        text = text.replace(f"({figure.file})", f"({prefix}{figure.file})")
    (DOCS / name).write_text(text, encoding="utf-8")
    reproduction_pages.main()
    return DOCS / name


def main(
    folder: str, preset: str = "quick", n_samples: str | None = None, workers: str = "2", n_networks: str | None = None
) -> None:
    """Measure or resume, and write the page."""
    paper, studies = find_studies([])
    changes = {"n_samples": n_samples, "n_network_seeds": n_networks}
    numbers = {name: int(value) for name, value in changes.items() if value is not None}
    amount = find_preset(paper.presets, preset, **numbers)
    setting = StudySetting(Path(folder), amount, workers=int(workers), watch=progress_bar)
    print(write_page(reproduce(paper, studies, setting), setting.folder))


def from_stored(folder: Path) -> None:
    """Write the page of a finished folder.

    Raises:
        SystemExit: If runs are missing; with one line for each.
    """
    paper = find_paper(json.loads((folder / PRESET_FILE).read_text(encoding="utf-8"))["paper"])
    missing = missing_runs(paper, folder)
    if missing:
        raise SystemExit(
            "\n".join((f"{folder} is not finished, so that nothing was written. At least these are missing:", *missing))
        )
    setting = StudySetting(folder, stored_preset(paper, folder), watch=progress_bar)
    print(write_page(reproduce(paper, list(paper.studies), setting), folder))


if __name__ == "__main__":
    words = [word for word in sys.argv[1:] if word != STORED]
    if STORED in sys.argv:
        from_stored(Path(words[0]))
    else:
        main(*words)
