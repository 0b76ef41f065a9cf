"""Writing a report of Attr% of words to a folder: results, the changed texts, and a figure of rationales."""

from __future__ import annotations

import json
from pathlib import Path

from attributionlab.exchange.new_folder import new_folder
from attributionlab.reports.figures.rationales import RationalePoint, rationales_figure
from attributionlab.reports.figures.saving import save_figure
from attributionlab.reports.tables.cells import to_csv
from attributionlab.reports.tables.words import COLUMNS, word_rows
from attributionlab.text import ArticleTexts, WordReport
from attributionlab.text.articles import Role

RESULTS, TABLE, FIGURE = "attr-words.json", "attr-words.csv", "rationales.png"


def write_word_report(report: WordReport, folder: Path) -> Path:
    """Write `attr-words.json`, `attr-words.csv`, `DATA.jsonl` with the changed texts, and `rationales.png`; all or nothing.

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
        (draft / TABLE).write_text(to_csv(word_rows(report), COLUMNS), encoding="utf-8")
        for data in report.data:
            (draft / f"{data.kind}.jsonl").write_text(text_lines(data), encoding="utf-8")
        if report.rationales:
            points = [
                RationalePoint(
                    each.kind,
                    each.selector,
                    each.selected,
                    each.precision,
                    each.recall,
                    each.optimum,
                    each.optimum_per_text,
                )
                for each in report.rationales
            ]
            save_figure(rationales_figure(points), draft / FIGURE)
    return folder


def text_lines(data: ArticleTexts) -> str:
    """The changed texts as JSON lines: split, label, words, and the role of each word (`correlating`, `non_correlating`, `other`)."""
    texts = zip(data.splits, data.labels, data.words, data.roles, strict=True)
    return "".join(
        json.dumps(
            {
                "split": split,
                "label": int(label),
                "words": list(words),
                "roles": [Role(int(role)).name for role in roles],
            }
        )
        + "\n"
        for split, label, words, roles in texts
    )
