"""Fill the marked regions of README.md and docs from the pages that the reproduction wrote, and compare statuses with those before.

Usage: python scripts/reproduction_pages.py

`scripts/reproduce.py` calls it. A region stands between `<!-- reproduction: NAME -->` and `<!-- end -->`; nothing between them is written by hand.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from attributionlab.papers.claims import WORST_FIRST, Status

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = {"224": "reproduction-tables.md", "64": "reproduction-quick.md"}
"""The complete reports by side of the images."""

FILLED = ("README.md", "docs/metrics.md", "docs/reproduction.md")
BEFORE = DOCS / "changes" / "reproduction-before.csv"
CHANGES = DOCS / "changes" / "reproduction.md"

CLAIM = re.compile(r"\| `(?P<study>[a-z0-9-]+)` \| (?P<statement>.*?) \| .*? \| (?P<status>[^|]*?) \|")
DROP = re.compile(r"\| (?P<metric>\S+) agrees less with the truth where the effect is present .*")
REGION = re.compile(r"(<!-- reproduction: (?P<name>[a-z]+) -->\n).*?(<!-- end -->)", re.DOTALL)

SWITCHED_OFF = "redundancy off, "
"""Beginning of the readings in which the effect is switched off."""

EARLIER = "; measured before the statuses became stricter"
"""Added to the counts of reports that an earlier version wrote."""

IN_WORDS = ("section4", "statements", "figure3")
"""Studies whose claims are sentences that need no table."""

VERDICTS = {
    "What holds": (Status.reproduced,),
    "What was put in": (Status.fitted,),
    "What holds in part": (Status.direction,),
    "What does not hold": (Status.not_reproduced,),
    "What was not measured": (Status.unmeasured,),
    "What nobody can check here": (Status.unchecked,),
}


@dataclass(frozen=True)
class Page:
    """A complete report.

    Args:
        file: Name of the file.
        scope: Size of the images and numbers of images and networks.
        counts: Numbers of claims by status, as the report says.
        claims: Study, statement and status of each claim.
        drops: Correlation with the effect less that without it, by metric and reading.
    """

    file: str
    scope: str
    counts: str
    claims: tuple[tuple[str, str, Status], ...]
    drops: dict[tuple[str, str], str]


def worst(text: str) -> Status:
    """The worst status that a text names."""
    return next(status for status in WORST_FIRST if status.value in text)


def read_page(name: str) -> Page:
    """A report that the reproduction wrote."""
    lines = (DOCS / name).read_text(encoding="utf-8").splitlines()
    claims = [match for match in map(CLAIM.fullmatch, lines) if match]
    drops: dict[tuple[str, str], str] = {}
    for line in lines:
        match = DROP.fullmatch(line)
        if match:
            _, _, _, reading, ours, *_ = line.strip("| ").split(" | ")
            drops[match["metric"], reading] = ours
    return Page(
        file=name,
        scope=next(line for line in lines if line.startswith("**Preset")).split(": ")[1].split("; ")[0].strip("*."),
        counts=next(line for line in lines if re.match(r"\d+ reproduced, ", line)).rstrip("."),
        claims=tuple(
            (match["study"], match["statement"].replace("\\*", "*"), worst(match["status"])) for match in claims
        ),
        drops=drops,
    )


def counts(pages: dict[str, Page]) -> str:
    """The number of claims by status and size."""
    return "".join(
        f"* [{page.scope}]({{docs}}{page.file}): {page.counts}{'' if 'fitted' in page.counts else EARLIER}.\n"
        for page in pages.values()
    )


def headline(pages: dict[str, Page]) -> str:
    """The difference that the effect makes to the agreement of metrics with the truth, by size and by everything that the paper leaves open."""
    metrics = ("Insertion", "Deletion", "Sensitivity-N")
    rows = [
        f"| images | truth, baselines of the methods, rule of DeepSHAP | {' | '.join(metrics)} |",
        "|---|---|---|---|---|",
    ]
    for page in pages.values():
        readings = dict.fromkeys(reading for _, reading in page.drops if reading.startswith(SWITCHED_OFF))
        for reading in readings:
            cells = [_signed(page.drops.get((metric, reading), "-")) for metric in metrics]
            rows.append(f"| {page.scope} | {reading.removeprefix(SWITCHED_OFF)} | {' | '.join(cells)} |")
    return "\n" + "\n".join(rows) + "\n\n"


def _signed(ours: str) -> str:
    """The difference with its sign, without its interval."""
    value = ours.split(" ", maxsplit=1)[0]
    return value if value == "-" else f"{float(value):+.2f}"


def summary(pages: dict[str, Page]) -> str:
    """Statements by what came out, of the studies whose claims are sentences; the others as numbers."""
    parts = []
    for verdict, statuses in VERDICTS.items():
        lines = [line for page in pages.values() for line in _statements(page, statuses)]
        if lines:
            parts.append(f"**{verdict}**\n\n" + "\n".join(lines) + "\n")
    return "\n" + "\n".join(parts) + "\n"


def _statements(page: Page, statuses: tuple[Status, ...]) -> list[str]:
    """The statements of a page that have one of these statuses: one line for the sentences, one for the tables."""
    chosen = [(study, statement) for study, statement, status in page.claims if status in statuses]
    sentences = [statement for study, statement in chosen if study in IN_WORDS]
    others = Counter(study for study, _ in chosen if study not in IN_WORDS)
    tables = ", ".join(f"{n} of {study}" for study, n in others.items())
    text = "; ".join(sentence.replace("*", "\\*") for sentence in sentences)
    size = page.scope.split(" ")[0]
    return (
        [f"* At {size}: {'; '.join(part for part in (text, tables and f'in tables: {tables}') if part)}."]
        if chosen
        else []
    )


REGIONS = {"counts": counts, "headline": headline, "summary": summary}


def filled(text: str, pages: dict[str, Page], docs: str) -> str:
    """A page with its regions filled.

    Args:
        text: The page.
        pages: The reports by side of the images.
        docs: Path from the page to the folder of the docs.
    """

    def fill(match: re.Match[str]) -> str:
        return match[1] + REGIONS[match["name"]](pages).replace("{docs}", docs) + match[3]

    return REGION.sub(fill, text)


def changes(pages: dict[str, Page]) -> str:
    """Statuses before and after, side by side; claims that are no longer counted stand last."""
    with BEFORE.open(encoding="utf-8", newline="") as file:
        before = {(row["size"], row["study"], row["claim"]): row["status"] for row in csv.DictReader(file)}
    now = {
        (size, study, statement): status.value
        for size, page in pages.items()
        for study, statement, status in page.claims
    }
    rows = [
        f"| {size} | `{study}` | {statement.replace('*', chr(92) + '*')} | {before.get(key, '-')} | {now.get(key, '-')} |"
        for key in dict.fromkeys((*now, *before))
        for size, study, statement in (key,)
    ]
    return INTRODUCTION + "\n".join(rows) + "\n"


INTRODUCTION = """# Statuses of the reproduction before and after

Before, a claim had one status for every reading of the paper. Now it has the worst of them. What was put in is called fitted. Thresholds
became stricter. Section 4 is also judged on one network, and Tables 5 and 6 also by shap's rule of DeepSHAP. Networks that are alike count once. Methods have changed, too. Claims
that are new have a dash in the column *before*. Claims that are no longer counted have a dash in the column *now*: printed correlations are compared with printed ranks in a table of
their own, and the claim on the closed form of Table 4 became two. `python scripts/reproduction_pages.py` writes this page.

| side | study | claim | before | now |
|---|---|---|---|---|
"""


def main() -> None:
    """Fill all regions, and write the comparison with the statuses before."""
    pages = {size: read_page(name) for size, name in PAGES.items()}
    for name in FILLED:
        page = ROOT / name
        docs = "docs/" if page.parent == ROOT else ""
        page.write_text(filled(page.read_text(encoding="utf-8"), pages, docs), encoding="utf-8")
    CHANGES.write_text(changes(pages), encoding="utf-8")


if __name__ == "__main__":
    main()
