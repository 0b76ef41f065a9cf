"""The reproduction report as Markdown, JSON and one self-contained HTML file; equal findings give equal bytes."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup
from rich import box
from rich.table import Table

from attributionlab.papers.claims import SHARE, Finding, JudgedClaim, PublishedClaim, Status
from attributionlab.papers.evidence import Evidence
from attributionlab.papers.paper import Paper
from attributionlab.papers.presets import Preset
from attributionlab.papers.studies import Cell, StudyReport
from attributionlab.reports.page.assets import asset, policy, printable_value
from attributionlab.reports.tables.cells import escape

LOOKS = {
    Status.reproduced: ("passed", "\N{CHECK MARK}"),
    Status.fitted: ("fitted", "="),
    Status.direction: ("mixed", "\N{ALMOST EQUAL TO}"),
    Status.not_reproduced: ("failed", "\N{BALLOT X}"),
    Status.unmeasured: ("failed", "!"),
    Status.unchecked: ("unknown", "?"),
}
"""Class in the HTML report and sign of each status; the sign tells statuses apart without color."""

FILES = {"md": "reproduction.md", "json": "reproduction.json", "html": "reproduction.html"}


@dataclass(frozen=True)
class ReproductionReport:
    """Published and measured results of a paper.

    Args:
        paper: The paper.
        studies: Reports in the order of the paper.
        preset: Amount of work.
        device: Device that measured.
        versions: Versions of the software.
    """

    paper: Paper
    studies: tuple[StudyReport, ...]
    preset: Preset
    device: str
    versions: dict[str, str]

    @property
    def counts(self) -> dict[str, int]:
        """Number of findings, one per reading of a claim, by status."""
        findings = [finding for _, judged in self.claims for finding in judged.findings]
        return _count([finding.status for finding in findings])

    @property
    def claim_counts(self) -> dict[str, int]:
        """Number of claims by status, the worst of its readings."""
        return _count([judged.status for _, judged in self.claims])

    def count(self, study: StudyReport, status: Status) -> int:
        """Number of claims of a study that have a status."""
        return sum(judged.status is status for judged in study.counted)

    @property
    def claims(self) -> list[tuple[StudyReport, JudgedClaim]]:
        """All claims that are counted, with the study of each."""
        return [(study, claim) for study in self.studies for claim in study.counted]

    @property
    def unmeasured_studies(self) -> list[str]:
        """Studies that measured nothing."""
        return [study.key for study in self.studies if study.measured_nothing]

    def to_dict(self) -> dict[str, Any]:
        """The documented JSON."""
        return {
            "paper": self.paper.title,
            "preset": {
                "name": self.preset.name,
                "size": self.preset.size,
                "n_samples": self.preset.n_samples,
                "n_network_seeds": self.preset.n_network_seeds,
            },
            "device": self.device,
            "versions": self.versions,
            "counts": self.counts,
            "claim_counts": self.claim_counts,
            "studies": [study.to_dict() for study in self.studies],
        }


def to_json(report: ReproductionReport) -> str:
    """The report as JSON; numbers that are undefined are null."""
    return json.dumps(_without_nan(report.to_dict()), indent=2, allow_nan=False) + "\n"


def to_markdown(report: ReproductionReport) -> str:
    """The report as Markdown."""
    return render("reproduction.md.jinja", report=report, statuses=list(Status), enough=SHARE)


def to_html(report: ReproductionReport) -> str:
    """The report as one HTML file that needs nothing else, in the style of the report of a run."""
    css = asset("attributionlab.reports.page", "report.css") + asset("attributionlab.papers", "reproduction.css")
    js = asset("attributionlab.papers", "reproduction.js")
    return render(
        "reproduction.html.jinja",
        report=report,
        statuses=list(Status),
        enough=SHARE,
        css=Markup(css),  # noqa: S704  # our own file
        js=Markup(js),  # noqa: S704  # our own file
        policy=policy(css, js),
        looks=LOOKS,
    )


def summary_table(report: ReproductionReport) -> Table:
    """The claims and their statuses, for a terminal."""
    table = Table(
        title=f"reproduction, {report.preset.name}: {report.preset.scope}",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        caption_justify="left",
    )
    for column in ("study", "claim", "published", "status"):
        table.add_column(column)
    for study, judged in report.claims:
        table.add_row(study.key, *map(escape, (judged.claim.statement, judged.claim.published)), _summary(judged))
    counted = ", ".join(f"{n} {status}" for status, n in report.claim_counts.items())
    table.caption = f"{counted} (claims; one that the paper leaves open has the worst status of its readings)"
    return table


def _count(statuses: Sequence[Status]) -> dict[str, int]:
    return {status.value: statuses.count(status) for status in Status}


def render(template: str, **variables: object) -> str:
    """A page from a template of `papers`."""
    environment = Environment(
        loader=PackageLoader("attributionlab.papers"),
        autoescape=select_autoescape(["html.jinja"], default=False),
        finalize=printable_value,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(cell=_cell, evidence=_evidence, share=_share, pipes=_pipes)
    environment.filters.update(
        summary=_summary, readings=_readings, criterion=_criterion, embedded=_embedded, code=_code
    )
    return environment.get_template(template).render(**variables)


def _cell(value: Cell) -> str:
    """A number in as many digits as it deserves, text unchanged, a dash for a number that is missing."""
    if value is None or (isinstance(value, float) and value != value):  # noqa: PLR0124  # NaN
        return "-"
    if isinstance(value, str):
        return value
    return f"{value:,.0f}" if float(value).is_integer() and abs(value) >= 10 else f"{value:.4g}"


def _evidence(evidence: Evidence | None) -> str:
    """The mean and its interval."""
    if evidence is None:
        return "-"
    value, low, high = evidence.value, evidence.low, evidence.high
    mean = f"{value:,.0f}" if float(value).is_integer() and abs(value) >= 10 else f"{value:.3f}"
    return mean if low is None or high is None else f"{mean} ({low:.3f} to {high:.3f})"


def _share(finding: Finding) -> str:
    """Number of networks in which the claim holds; a dash where the number does not depend on networks."""
    if finding.share is None or finding.ours is None or finding.ours.by_seed == (finding.ours.value,):
        return "-"
    n_networks = len(finding.ours.different)
    return f"{round(finding.share * n_networks)}/{n_networks}"


def _embedded(png: bytes) -> str:
    """A picture as an address that holds it."""
    return f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}"


def _summary(judged: JudgedClaim) -> str:
    """The status of a claim, and the number of readings per status where they differ."""
    readings = _readings(judged)
    return judged.status.value + (f" ({readings})" if readings else "")


def _readings(judged: JudgedClaim) -> str:
    """The number of readings per status; empty where all have the same."""
    counts = Counter(finding.status for finding in judged.findings)
    if len(counts) == 1:
        return ""
    n_readings = len(judged.findings)
    return ", ".join(f"{status.value} {counts[status]} of {n_readings}" for status in Status if counts[status])


def _criterion(claim: PublishedClaim) -> str:
    """The conditions for "reproduced" and for "direction only"."""
    return claim.test + (f"; direction: {claim.direction}" if claim.direction else "")


def _pipes(text: str) -> str:
    """Text for a cell of a Markdown table."""
    return " ".join(text.split()).replace("|", "\\|").replace("*", "\\*").replace("<", "&lt;")


def _code(text: str) -> Markup:
    """Text for HTML; text between backticks becomes code, like in Markdown."""
    parts = text.split("`")
    return Markup().join(
        Markup("<code>{}</code>").format(part) if place % 2 else part for place, part in enumerate(parts)
    )


def _without_nan(value: Any) -> Any:
    """A JSON value with null for NaN."""
    if isinstance(value, dict):
        return {name: _without_nan(member) for name, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [_without_nan(member) for member in value]
    return None if isinstance(value, float) and value != value else value  # noqa: PLR0124  # NaN
