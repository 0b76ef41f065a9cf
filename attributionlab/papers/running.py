"""Reproduction of a paper: check the options, measure or resume each study, and write the report."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import orjson

from attributionlab.errors import bad_option
from attributionlab.files import KEPT, check_folder, is_draft, write_whole
from attributionlab.machine import find_device, versions
from attributionlab.papers.paper import Paper
from attributionlab.papers.presets import Preset
from attributionlab.papers.reports import FILES, ReproductionReport, to_html, to_json, to_markdown
from attributionlab.papers.studies import StudyReport, StudySetting

PRESET_FILE = "preset.json"


def reproduce(paper: Paper, studies: Sequence[str], setting: StudySetting) -> ReproductionReport:
    """Measure, or resume what was interrupted, and compare with the published numbers.

    Args:
        paper: The paper.
        studies: Names of its studies, in the order of the report; see `find_studies`.
        setting: Folder, preset and options.

    Raises:
        BadOption: If the folder is a file or belongs to another preset or paper, or an option does not fit.
        MachineError: If there is no such device.
    """
    check_options(paper, setting.options)
    check_preset(paper, setting)
    device = find_device(setting.device)
    setting = dataclasses.replace(setting, prepared=paper.prepared(setting, studies))
    stored = orjson.dumps(_identity(paper, setting.preset), option=orjson.OPT_INDENT_2) + b"\n"
    write_whole(setting.folder / PRESET_FILE, stored, KEPT)
    reports = tuple(_measured(paper, name, setting) for name in studies)
    return ReproductionReport(paper, reports, setting.preset, device.type, versions())


def _measured(paper: Paper, study: str, setting: StudySetting) -> StudyReport:
    """The report of a study; where jobs failed that it could not assign to claims, none of them is judged."""
    own = dataclasses.replace(setting, failures=[])
    report = paper.study(study)(own)
    return report.without_measurements(own.failures[0]) if own.failures else report


def check_options(paper: Paper, options: Mapping[str, Any]) -> None:
    """Refuse options that a paper does not have.

    Raises:
        BadOption: If an option is not the paper's.
    """
    for name, value in options.items():
        if name not in paper.options:
            raise bad_option(name, f"be left out for {paper.key}, which has no such option", value)


def check_preset(paper: Paper, setting: StudySetting) -> None:
    """Refuse a folder that is a file, lies below one, or holds anything but measurements of this paper and preset.

    Raises:
        BadOption: If the folder is refused.
    """
    check_folder(setting.folder)
    hint = _objection(setting.folder, paper, setting.preset)
    if hint:
        raise bad_option("output", "be a new folder, or that of the same preset", str(setting.folder), hint)


def _objection(folder: Path, paper: Paper, preset: Preset) -> str:
    """The reason to refuse a folder; empty if it is accepted."""
    file = folder / PRESET_FILE
    if file.exists() and not _is_of(paper, preset, file.read_bytes()):
        return f"it holds {_content(file)}, not {paper.key} with preset {preset.name!r}, {preset.scope}; use another folder"
    entries = [] if file.exists() or not folder.exists() else [entry.name for entry in folder.iterdir()]
    foreign = [name for name in entries if not is_draft(name)]
    return f"it has {min(foreign)}" if foreign else ""


def write_report(report: ReproductionReport, folder: Path) -> list[Path]:
    """Write Markdown, JSON, HTML and the pictures, each completely or not at all; the paths of the three texts."""
    for figure in (figure for study in report.studies for figure in study.figures):
        write_whole(folder / figure.file, figure.png, KEPT)
    texts = (to_markdown(report), to_json(report), to_html(report))
    paths = [folder / name for name in FILES.values()]
    for path, text in zip(paths, texts, strict=True):
        write_whole(path, text.encode(), KEPT)
    return paths


def _identity(paper: Paper, preset: Preset) -> dict[str, str | int]:
    """The content of the preset file."""
    return {"paper": paper.key, **preset.to_dict()}


def _content(file: Path) -> str:
    """The paper and the preset that a preset file names, in words."""
    try:
        stored = orjson.loads(file.read_bytes())
        preset = Preset(stored["name"], stored["size"], stored["n_samples"], stored["n_network_seeds"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return f"an unreadable {PRESET_FILE}"
    return f"{stored.get('paper', 'a paper')} with preset {preset.name!r}, {preset.scope}"


def _is_of(paper: Paper, preset: Preset, stored: bytes) -> bool:
    """Whether a preset file belongs to this preset of this paper; files of earlier versions do not name their paper."""
    try:
        identity = orjson.loads(stored)
    except orjson.JSONDecodeError:
        return False
    return isinstance(identity, dict) and {"paper": paper.key, **identity} == _identity(paper, preset)
