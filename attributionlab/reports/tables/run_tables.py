"""The table of a run as rich, CSV, JSON, LaTeX (booktabs) and Markdown."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.measure import Measurement
from rich.table import Table

from attributionlab.printable import printable
from attributionlab.reports.tables.cells import escape, to_csv
from attributionlab.reports.tables.plain import plain_table
from attributionlab.reports.tables.run_rows import Column, RunTable, run_table
from attributionlab.reports.tables.verdicts import OUTCOME_STYLES, foldable
from attributionlab.runs import MethodSummary, Records

_COLORS = {**OUTCOME_STYLES, "not run": "dim"}

_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"{\ttfamily\char34}",  # \textquotedbl is missing from LaTeX's default encoding
    "[": "{[}",  # else it can be taken for the optional argument of a command before it
    "]": "{]}",
    **{letter: f"\\{letter}" for letter in "&%$#_"},
}


def to_rich(table: RunTable) -> RenderableType:
    """Render for the terminal: a table per environment, then each failure once."""
    parts: list[RenderableType] = []
    for environment, rows in table.groups.items():
        parts += [_Fitting(environment, table.shown, tuple(rows)), ""]
    failed: dict[tuple[str, str, str], list[str]] = {}
    for row in table.rows:
        if row.error is not None:
            failed.setdefault((row.method, row.error.type, row.error.message), []).append(row.environment)
    for (method, error, message), environments in failed.items():
        place = environments[0] if len(environments) == 1 else f"{len(environments)} environments"
        parts.append(f"[bold red]{escape(error)}[/]: {escape(message)} [dim]({escape(method)}, {escape(place)})[/]")
    return Group(*parts, *map(escape, table.advice), f"[dim]{escape(table.note)}[/]")


def records_table(records: Records) -> RenderableType:
    """Render the table of a run for the terminal."""
    return to_rich(run_table(records))


@dataclass(frozen=True)
class _Fitting:
    """The table of an environment; in a narrow terminal, truths, metrics and seconds move to further tables below."""

    environment: str
    columns: tuple[Column, ...]
    rows: tuple[MethodSummary, ...]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        def fits(columns: Sequence[Column]) -> bool:
            minimum = Measurement.get(console, options.update(width=10_000), self.drawn(columns)).minimum
            return minimum <= options.max_width

        if fits(self.columns):
            yield self.drawn(self.columns)
            return
        method, *values = self.columns
        yield self.drawn([method, *(column for column in values if not column.aside)])
        rest = [column for column in values if column.aside]
        while rest:
            n = next((n for n in range(len(rest), 1, -1) if fits([method, *rest[:n]])), 1)
            yield ""
            yield self.drawn([method, *rest[:n]], f"{self.environment}, continued")
            rest = rest[n:]

    def drawn(self, columns: Sequence[Column], title: str = "") -> Table:
        """Draw the table with these columns only."""
        table = plain_table(escape(title or self.environment))
        for column in columns:
            table.add_column(
                foldable(column.title),
                justify="right" if column.is_number else "left",
                min_width=16 if column.key == "method" else None,
                overflow="fold",
                no_wrap=column.is_number or column.key == "verdict",
            )
        for row in self.rows:
            table.add_row(*(_rich_cell(column, row) for column in columns))
        return table


def to_csv_text(table: RunTable) -> str:
    """Write all columns as CSV, a row per environment and method; an empty cell is a missing value."""
    return to_csv(_dicts(table), [column.key for column in table.columns if column.key])


def to_json(table: RunTable) -> dict[str, object]:
    """Build the JSON object: all columns by name; null is a missing value."""
    return {"name": table.name, "gamma": table.gamma, "rows": _dicts(table)}


def to_latex(table: RunTable) -> str:
    """Write a LaTeX tabular for the package booktabs, with all text escaped. The column that decides is named, and in bold."""
    shown = table.shown
    layout = "".join("r" if column.is_number else "l" for column in shown)
    lines = [
        f"% {_one_line(table.note)}; \\usepackage{{booktabs}}",
        *(f"% {_one_line(text)}" for text in table.advice),
        f"\\begin{{tabular}}{{{layout}}}",
        "\\toprule",
        _latex_row([escape_latex(column.title) for column in shown]),
    ]
    for environment, rows in table.groups.items():
        lines += [
            "\\midrule",
            f"\\multicolumn{{{len(shown)}}}{{l}}{{\\textit{{{escape_latex(environment)}}}}} \\\\",
            *(_latex_row([_latex_cell(column, row) for column in shown]) for row in rows),
        ]
    return "\n".join([*lines, "\\bottomrule", "\\end{tabular}", ""])


def to_markdown(table: RunTable) -> str:
    """Write a Markdown table per environment, with all text escaped. The column that decides is named, and in bold."""
    lines, shown = [], table.shown
    for environment, rows in table.groups.items():
        lines += [
            f"**{escape_markdown(environment)}**",
            "",
            _markdown_row([escape_markdown(column.title) for column in shown]),
            _markdown_row(["---:" if column.is_number else "---" for column in shown]),
            *(_markdown_row([_markdown_cell(column, row) for column in shown]) for row in rows),
            "",
        ]
    return "\n".join(
        [*lines, escape_markdown(table.note), *(f"\n{escape_markdown(text)}" for text in table.advice), ""]
    )


def escape_latex(text: str) -> str:
    """Escape text so that LaTeX sets it letter by letter."""
    escaped = "".join(_LATEX.get(letter, letter) for letter in _one_line(text))
    return re.sub(r"(?<=[-'`,<>?!])(?=[-'`,])", "{}", escaped)  # else two of them become another sign


def escape_markdown(text: str) -> str:
    """Escape text so that Markdown shows it letter by letter, also within a table."""
    escaped = re.sub(r"([\\`*_{}\[\]()#+!|~$])", r"\\\1", _one_line(text))
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _dicts(table: RunTable) -> list[dict[str, object]]:
    return [{column.key: column.value(row) for column in table.columns if column.key} for row in table.rows]


def _rich_cell(column: Column, row: MethodSummary) -> str:
    text = column.text(row)
    if column.key == "method":
        return foldable(text)
    if column.key == "verdict":
        return f"[{_COLORS.get(text, 'red')}]{escape(text)}[/]"
    return f"[bold]{escape(text)}[/]" if column.decides(row) else escape(text)


def _latex_cell(column: Column, row: MethodSummary) -> str:
    text = "--" if column.value(row) is None else escape_latex(column.text(row))
    if column.is_number and re.match(r"-\d", text):
        text = rf"\(-\){text[1:]}"  # else the sign is a hyphen
    return f"\\textbf{{{text}}}" if column.decides(row) else text


def _latex_row(cells: list[str]) -> str:
    return " & ".join(cells) + " \\\\"


def _markdown_cell(column: Column, row: MethodSummary) -> str:
    text = escape_markdown(column.text(row))
    return f"**{text}**" if column.decides(row) else text


def _markdown_row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _one_line(text: str) -> str:
    return printable(" ".join(text.split()))
