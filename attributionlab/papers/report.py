"""The reproduction report as Markdown, JSON and one self-contained HTML file; the same results give the same bytes."""

from __future__ import annotations

import base64
import json
from collections import Counter
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup
from rich import box
from rich.markup import escape
from rich.table import Table

from attributionlab.papers.claims import SHARE, Evidence, Finding, Result, Status
from attributionlab.papers.study import Cell, Preset, StudyReport
from attributionlab.papers.zhang2024.published import published
from attributionlab.reports.page.assets import asset, policy

LOOKS = {
    Status.reproduced: ("passed", "\N{CHECK MARK}"),
    Status.direction: ("mixed", "\N{ALMOST EQUAL TO}"),
    Status.not_reproduced: ("failed", "\N{BALLOT X}"),
    Status.unchecked: ("unknown", "?"),
}
"""By status, its class in the HTML report and a sign that says the same without color."""

FILES = {"md": "reproduction.md", "json": "reproduction.json", "html": "reproduction.html"}


@dataclass(frozen=True)
class Report:
    """Everything that came out.

    Args:
        studies: In the order of the paper.
        preset: How much was measured.
        device: Where.
        versions: With what.
    """

    studies: tuple[StudyReport, ...]
    preset: Preset
    device: str
    versions: dict[str, str]

    @property
    def counts(self) -> dict[str, int]:
        """Findings by status."""
        found = Counter(finding.status.value for _, result in self.claims for finding in result.findings)
        return {status.value: found[status.value] for status in Status}

    def count(self, study: StudyReport, status: Status) -> int:
        """Findings of a study that have a status."""
        return sum(finding.status is status for result in study.results for finding in result.findings)

    @property
    def claims(self) -> list[tuple[StudyReport, Result]]:
        """All claims, with the study of each."""
        return [(study, result) for study in self.studies for result in study.results]

    def to_dict(self) -> dict[str, Any]:
        """The documented JSON."""
        return {
            "paper": published()["paper"],
            "preset": {
                "name": self.preset.name,
                "size": self.preset.size,
                "n_samples": self.preset.n_samples,
                "n_network_seeds": self.preset.n_network_seeds,
            },
            "device": self.device,
            "versions": self.versions,
            "counts": self.counts,
            "studies": [study.to_dict() for study in self.studies],
        }


def to_json(report: Report) -> str:
    """The report as JSON; numbers that are undefined are null."""
    return json.dumps(_without_nan(report.to_dict()), indent=2, allow_nan=False) + "\n"


def to_markdown(report: Report) -> str:
    """The report as Markdown."""
    return _render("reproduction.md.jinja", report)


def to_html(report: Report) -> str:
    """The report as one HTML file that needs nothing else; it looks as the report of a run does."""
    css = asset("attributionlab.reports.page", "report.css") + asset("attributionlab.papers", "reproduction.css")
    js = asset("attributionlab.papers", "reproduction.js")
    return _render(
        "reproduction.html.jinja",
        report,
        css=Markup(css),  # noqa: S704  # our own file
        js=Markup(js),  # noqa: S704  # our own file
        policy=policy(css, js),
        looks=LOOKS,
    )


def summary_table(report: Report) -> Table:
    """The claims and what became of them, for a terminal."""
    table = Table(
        title=f"reproduction, {report.preset.name}: {report.preset.scope}",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        caption_justify="left",
    )
    for column in ("study", "claim", "published", "status"):
        table.add_column(column)
    for study, result in report.claims:
        table.add_row(study.key, *map(escape, (result.claim.statement, result.claim.published)), _summary(result))
    counted = ", ".join(f"{n} {status}" for status, n in report.counts.items())
    table.caption = f"{counted} (findings; a claim that the paper leaves open has several)"
    return table


def _render(template: str, report: Report, **more: object) -> str:
    environment = Environment(
        loader=PackageLoader("attributionlab.papers"),
        autoescape=select_autoescape(["html.jinja"], default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(cell=_cell, evidence=_evidence, share=_share, pipes=_pipes)
    environment.filters.update(summary=_summary, criterion=_criterion, embedded=_embedded, code=_code)
    return environment.get_template(template).render(
        report=report, paper=published()["paper"], statuses=list(Status), enough=SHARE, **more
    )


def _cell(value: Cell) -> str:
    """A number in as many digits as it deserves, text as it is, nothing as a dash."""
    if value is None or (isinstance(value, float) and value != value):  # noqa: PLR0124  # NaN
        return "-"
    if isinstance(value, str):
        return value
    return f"{value:,.0f}" if float(value).is_integer() and abs(value) >= 10 else f"{value:.4g}"


def _evidence(found: Evidence | None) -> str:
    """The mean and its interval."""
    if found is None:
        return "-"
    interval = "" if found.low is None or found.high is None else f" ({found.low:.3f} to {found.high:.3f})"
    return (
        f"{found.value:,.0f}" if float(found.value).is_integer() and abs(found.value) >= 10 else f"{found.value:.3f}"
    ) + interval


def _share(finding: Finding) -> str:
    """With how many networks the claim holds; nothing where the number is no matter of networks."""
    if finding.share is None or finding.ours is None or finding.ours.by_seed == (finding.ours.value,):
        return "-"
    n_seeds = len(finding.ours.by_seed)
    return f"{round(finding.share * n_seeds)}/{n_seeds}"


def _embedded(png: bytes) -> str:
    """A picture as an address that holds it."""
    return f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"


def _summary(result: Result) -> str:
    """The status of a claim, or how many readings have which."""
    found = Counter(finding.status for finding in result.findings)
    if len(found) == 1:
        return next(iter(found)).value
    return ", ".join(f"{status.value} {found[status]} of {len(result.findings)}" for status in Status if found[status])


def _criterion(result: Result) -> str:
    """When the claim counts as reproduced, and when its direction does."""
    return result.claim.test + (f"; direction: {result.claim.direction}" if result.claim.direction else "")


def _pipes(text: str) -> str:
    """Text for a cell of a Markdown table."""
    return " ".join(text.split()).replace("|", "\\|").replace("*", "\\*").replace("<", "&lt;")


def _code(text: str) -> Markup:
    """Text for HTML; what stands between backticks is code, as in Markdown."""
    parts = text.split("`")
    return Markup().join(
        Markup("<code>{}</code>").format(part) if place % 2 else part for place, part in enumerate(parts)
    )


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nan(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and value != value else value  # noqa: PLR0124  # NaN
