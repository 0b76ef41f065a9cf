"""All studies, one after the other, and the files of the report."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path

import orjson

from attributionlab.errors import bad_option, unknown_name
from attributionlab.files import KEPT, check_folder, is_draft, write_whole
from attributionlab.machine import find_device, versions
from attributionlab.papers.report import FILES, Report, to_html, to_json, to_markdown
from attributionlab.papers.study import Preset, Setting, StudyReport, find_preset
from attributionlab.papers.zhang2024 import architectures, modulo, priors, section4, trained, unseen_data
from attributionlab.papers.zhang2024.own_networks import explain_networks

PRESET_FILE = "preset.json"
WITH_SAM = (section4.KEY, priors.KEY)

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
        BadOption: If the folder is a file or holds another preset, or SAM's weights or a user's network do not fit.
        MachineError: If there is no such device.
    """
    named = find_studies(studies)
    check_preset(setting.folder, setting.preset)
    device = find_device(setting.device)
    if setting.sam and any(name in WITH_SAM for name in named):
        priors.check_sam(setting, device)
    setting = dataclasses.replace(setting, own_maps=explain_networks(setting, named))
    write_whole(setting.folder / PRESET_FILE, _stored(setting.preset), KEPT)
    return Report(tuple(STUDIES[name](setting) for name in named), setting.preset, device.type, versions())


def check_preset(folder: Path, preset: Preset) -> None:
    """Refuse a folder that is a file, or below one, or that another preset was measured in.

    Raises:
        BadOption: If it is.
    """
    check_folder(folder)
    file = folder / PRESET_FILE
    others = [] if file.exists() or not folder.exists() else [entry.name for entry in folder.iterdir()]
    foreign = [name for name in others if not is_draft(name)]
    if foreign:
        raise bad_option("output", "be a new folder, or that of the same preset", str(folder), f"it has {min(foreign)}")
    if file.exists() and file.read_bytes() != _stored(preset):
        hint = f"it is not preset {preset.name!r} with {preset.scope} (see {PRESET_FILE}); use another folder"
        raise bad_option("output", "be a new folder, or that of the same preset", str(folder), hint)


def write_report(report: Report, folder: Path) -> list[Path]:
    """Write Markdown, JSON, HTML and the pictures, each as a whole or not at all."""
    texts = zip(FILES.values(), (to_markdown(report), to_json(report), to_html(report)), strict=True)
    pictures = {figure.file: figure.png for study in report.studies for figure in study.figures}
    for name, content in pictures.items():
        write_whole(folder / name, content, KEPT)
    written = []
    for name, text in texts:
        write_whole(folder / name, text.encode(), KEPT)
        written.append(folder / name)
    return written


def _stored(preset: Preset) -> bytes:
    return orjson.dumps(dataclasses.asdict(preset), option=orjson.OPT_INDENT_2) + b"\n"


__all__ = ["STUDIES", "find_preset", "find_studies", "reproduce", "write_report"]
