"""Measure every claim of the paper and write docs/reproduction-tables.md, or docs/reproduction-quick.md; an interrupted run is resumed.

Usage: python scripts/reproduce.py FOLDER [PRESET] [N_SAMPLES] [WORKERS] [N_NETWORKS]
       python scripts/reproduce.py FOLDER --stored [--without STUDY]

docs/reproduction-tables.md is measured by `paper` with 16 images and 10 networks, the other page by `quick`. Then the regions of README.md and docs
that repeat their results are filled, and docs/changes/reproduction.md is written (scripts/reproduction_pages.py).
With --stored the page is written from a finished folder. Only what is not stored is computed again: Figure 3's small networks and the answers of the
designed networks. If runs are missing, the script names them and writes nothing. A study whose runs are missing can be left out; the page then says so.
A folder of Zhou et al. 2022 becomes docs/reproduction-zhou2022.md.
"""

from __future__ import annotations

import argparse
import dataclasses
import io
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import reproduction_pages
from PIL import Image

from attributionlab.cli.output import progress_bar
from attributionlab.errors import unknown_name
from attributionlab.papers.catalog import find_paper, find_studies
from attributionlab.papers.figures import stored_preset
from attributionlab.papers.paper import Paper
from attributionlab.papers.presets import find_preset
from attributionlab.papers.reports import FILES, ReproductionReport
from attributionlab.papers.running import PRESET_FILE, reproduce, write_report
from attributionlab.papers.studies import StudySetting
from attributionlab.papers.zhang2024.unseen_data import OFF, UNIFORM, WITH
from attributionlab.runs import load_records
from attributionlab.specs.rules import import_object

DOCS = Path(__file__).parents[1] / "docs"
PAGES = {
    ("zhang2024", "paper"): ("reproduction-tables.md", "reproduction-paper-", "Reproduction"),
    ("zhang2024", "quick"): ("reproduction-quick.md", "reproduction-quick-", "Reproduction"),
    ("zhou2022", "quick"): ("reproduction-zhou2022.md", "zhou2022/", "Reproduction of Zhou et al. 2022"),
}
"""Page, how the names of its pictures begin, and its heading, by paper and preset."""

JUDGED = "How a claim is judged."
"""Beginning of the paragraph below the counts."""

PLANS = "*/plan.json"
"""Plans of the runs in a folder."""

N_COLORS = 128
"""Colors of a picture in docs, so that it stays small."""

RUNS = {
    "zhang2024": {
        "attributionlab.papers.zhang2024.modulo:measure_modulo": (),
        "attributionlab.papers.zhang2024.unseen_data:measure_effect": (WITH, OFF, UNIFORM),
        "attributionlab.papers.zhang2024.priors:measure_priors": (),
        "attributionlab.papers.zhang2024.scales:measure_scales": (),
    }
}
"""Functions that read or make the runs of a paper, with the names that they take; where there are none, each study is tried."""


class Missing(Exception):
    """Runs that are not finished."""


@contextmanager
def only_stored(folder: Path, title: str, n_jobs: int) -> Iterator[Callable[[int], None]]:
    """A watch that stops a run before its first job, unless all jobs are stored; the first report is of stored jobs."""
    if not any(folder.glob("*/tasks.jsonl")) and not _has_records(folder / title):
        raise Missing(f"{title}: all {n_jobs:,} jobs are missing")
    reports: list[int] = []

    def advance(n_done: int) -> None:
        reports.append(n_done)
        if len(reports) == 1 and n_done < n_jobs:
            raise Missing(f"{title}: {n_jobs - n_done:,} of {n_jobs:,} jobs are missing")

    yield advance


def _has_records(run: Path) -> bool:
    """Whether a run has a job that did not fail; of a run without one, no report of stored jobs comes first."""
    return (run / "plan.json").is_file() and any(record.error is None for record in load_records(run).heads())


def stored_setting(paper: Paper, folder: Path) -> StudySetting:
    """A setting in which nothing is measured but what is not stored."""

    def watch(title: str, n_jobs: int) -> AbstractContextManager[Callable[[int], None]]:
        return only_stored(folder, title, n_jobs)

    return StudySetting(folder, stored_preset(paper, folder), watch=watch)


def missing_runs(paper: Paper, setting: StudySetting) -> list[str]:
    """The runs that a folder lacks, one line each; none for a paper whose runs are not listed."""
    problems = []
    for function, names in RUNS.get(paper.key, {}).items():
        for name in names or (None,):
            try:
                import_object(function)(setting, *(() if name is None else (name,)))
            except Missing as problem:
                problems.append(str(problem))
    return problems


def stored_report(paper: Paper, folder: Path, without: Sequence[str] = ()) -> ReproductionReport:
    """The report of stored runs.

    Raises:
        SystemExit: If runs are missing; with one line for each.
    """
    setting = stored_setting(paper, folder)
    problems = [] if without else missing_runs(paper, setting)
    reports = []
    for study in () if problems else (study for study in paper.studies if study not in without):
        try:
            reports.append(reproduce(paper, [study], setting))
        except Missing as problem:
            problems.append(str(problem))
    if problems:
        heading = f"{folder} is not finished, so that nothing was written. These runs are missing:"
        raise SystemExit("\n".join((heading, *dict.fromkeys(problems))))
    return dataclasses.replace(reports[0], studies=tuple(study for report in reports for study in report.studies))


def seconds(folder: Path) -> str:
    """The number of stored jobs and the seconds that they took, in words."""
    runs = [load_records(plan.parent) for plan in sorted(folder.glob(PLANS))]
    jobs = {(records.plan.name, record.job.key): record.seconds for records in runs for record in records.heads()}
    return f"The {len(jobs):,} jobs took {sum(jobs.values()):,.0f} seconds, added up over processes."


def write_page(report: ReproductionReport, folder: Path, without: Sequence[str] = ()) -> Path:
    """Write the report into its folder and, with its pictures and the names of studies that were left out, into docs."""
    write_report(report, folder)
    name, prefix, heading = PAGES[report.paper.key, report.preset.name.split(",")[0]]
    text = (folder / FILES["md"]).read_text(encoding="utf-8").replace("# Reproduction\n", f"# {heading}\n", 1)
    notes = [seconds(folder)] if any(folder.glob(PLANS)) else []
    if without:
        notes.append(f"Left out, because not all of their runs are finished: {', '.join(map('`{}`'.format, without))}.")
    text = text.replace(JUDGED, "".join(f"{note}\n\n" for note in notes) + JUDGED, 1)
    for figure in (figure for study in report.studies for figure in study.figures):
        picture = Image.open(io.BytesIO(figure.png)).convert("RGB")
        picture.quantize(N_COLORS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(
            DOCS / f"{prefix}{figure.file}", optimize=True
        )
        text = text.replace(f"({figure.file})", f"({prefix}{figure.file})")
    (DOCS / name).write_text(text, encoding="utf-8")
    reproduction_pages.main()
    return DOCS / name


def main(folder: Path, preset: str, n_samples: int | None, workers: int, n_networks: int | None) -> None:
    """Measure or resume, and write the page."""
    paper, studies = find_studies([])
    amount = find_preset(paper.presets, preset, n_samples=n_samples, n_network_seeds=n_networks)
    setting = StudySetting(folder, amount, workers=workers, watch=progress_bar)
    print(write_page(reproduce(paper, studies, setting), folder))


def from_stored(folder: Path, without: Sequence[str] = ()) -> None:
    """Write the page of a finished folder.

    Raises:
        SystemExit: If runs are missing; with one line for each.
    """
    paper = find_paper(json.loads((folder / PRESET_FILE).read_text(encoding="utf-8"))["paper"])
    for study in without:
        if study not in paper.studies:
            raise unknown_name("study", study, paper.studies)
    print(write_page(stored_report(paper, folder, without), folder, without))


def parser() -> argparse.ArgumentParser:
    """The arguments of this script."""
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, usage=argparse.SUPPRESS
    )
    arguments.add_argument("folder", type=Path, help="new, or that of an interrupted run")
    arguments.add_argument("preset", nargs="?", default="quick")
    arguments.add_argument("n_samples", nargs="?", type=int)
    arguments.add_argument("workers", nargs="?", type=int, default=2)
    arguments.add_argument("n_networks", nargs="?", type=int)
    arguments.add_argument("--stored", action="store_true", help="write the page of a finished folder")
    arguments.add_argument("--without", action="append", default=[], metavar="STUDY", help="leave a study out")
    return arguments


if __name__ == "__main__":
    arguments = parser().parse_args()
    if arguments.stored:
        from_stored(arguments.folder, arguments.without)
    else:
        main(arguments.folder, arguments.preset, arguments.n_samples, arguments.workers, arguments.n_networks)
