"""Writing a report of Attr% to a folder: results as JSON and CSV, and figures."""

from __future__ import annotations

import json
from pathlib import Path

from attributionlab.exchange.new_folder import new_folder
from attributionlab.modification.attr_report import AttrReport
from attributionlab.reports.figures.attr_percent import AXES, examples_figure, question_figure
from attributionlab.reports.figures.saving import save_figure
from attributionlab.reports.tables.attr_percent import COLUMNS, attr_rows
from attributionlab.reports.tables.cells import to_csv

RESULTS, TABLE = "attr-percent.json", "attr-percent.csv"


def write_attr_report(report: AttrReport, folder: Path) -> Path:
    """Write `attr-percent.json`, `attr-percent.csv`, a figure per question, and examples of maps; all or nothing.

    Args:
        report: The report.
        folder: The folder to create.

    Returns:
        The folder.

    Raises:
        BadOption: If the folder exists and is not empty, or cannot be created.
        MachineError: If the folder cannot be written.
    """
    with new_folder(folder) as draft:
        (draft / RESULTS).write_text(json.dumps(report.to_dict(), indent=1, allow_nan=False) + "\n", encoding="utf-8")
        (draft / TABLE).write_text(to_csv(attr_rows(report), COLUMNS), encoding="utf-8")
        for question in report.questions:
            if report.of(question):
                save_figure(question_figure(report, question), draft / AXES[question].file)
        for index, examples in enumerate(report.examples.values(), start=1):
            if examples.maps:
                save_figure(examples_figure(examples), draft / f"examples-{index}.png")
    return folder
