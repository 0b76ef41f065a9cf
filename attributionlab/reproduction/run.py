"""All studies, one after the other, and the files of the report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from attributionlab.errors import unknown_name
from attributionlab.experiments.check import find_device, versions
from attributionlab.experiments.store import check_folder
from attributionlab.reproduction import architectures, modulo, priors, section4, trained, unseen_data
from attributionlab.reproduction.report import FILES, Report, to_html, to_json, to_markdown
from attributionlab.reproduction.study import Setting, StudyReport, find_preset

STUDIES: dict[str, Callable[[Setting], StudyReport]] = {
    architectures.KEY: lambda _: architectures.study(),
    "table3": modulo.table3,
    "table4": modulo.table4,
    "table5": unseen_data.table5,
    "table6": unseen_data.table6,
    section4.KEY: section4.study,
    trained.KEY: lambda _: trained.study(),
    priors.KEY: priors.study,
}
"""By name, what measures or resumes a study, in the order of the report."""


def find_studies(names: Sequence[str]) -> list[str]:
    """The studies of these names in the order of the report; `all`, or nothing at all, means every one.

    Raises:
        UnknownName: If there is no such study.
    """
    for name in names:
        if name not in (*STUDIES, "all"):
            raise unknown_name("study", name, (*STUDIES, "all"))
    return [name for name in STUDIES if not names or name in names or "all" in names]


def reproduce(studies: Sequence[str], setting: Setting) -> Report:
    """Measure, or resume what was cut off, and compare with what is published.

    Args:
        studies: Names of studies; none for all.
        setting: Where and how.

    Raises:
        UnknownName: If there is no such study.
        BadOption: If the folder is a file.
        MachineError: If there is no such device.
    """
    named = find_studies(studies)
    check_folder(setting.folder)
    device = find_device(setting.device)
    return Report(tuple(STUDIES[name](setting) for name in named), setting.preset, device.type, versions())


def write_report(report: Report, folder: Path) -> list[Path]:
    """Write Markdown, JSON and HTML, each as a whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, text in zip(FILES.values(), (to_markdown(report), to_json(report), to_html(report)), strict=True):
        part = folder / f"{name}.part"
        part.write_text(text, encoding="utf-8")
        part.replace(folder / name)
        written.append(folder / name)
    return written


__all__ = ["STUDIES", "check_folder", "find_preset", "find_studies", "reproduce", "write_report"]
