"""Section 6: is attention where the information is? (Table 1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from attributionlab.papers.claims import JudgedClaim, within
from attributionlab.papers.published import PublishedTable, load_published
from attributionlab.papers.studies import Cell, ReportTable, StudyReport, StudySetting
from attributionlab.papers.zhou2022.claims import claim, finding
from attributionlab.papers.zhou2022.networks import run_all
from attributionlab.papers.zhou2022.paper import PACKAGE
from attributionlab.papers.zhou2022.texts import FOLDER, KINDS, SOURCE, attention_task, texts_of
from attributionlab.text.word_shares import WORD_METHODS

Networks = Mapping[str, Sequence[Mapping[str, Any]]]
"""Results of the tasks by data set."""

ATTENTION = "attention"


def attention(setting: StudySetting) -> StudyReport:
    """Section 6, Table 1, and the other methods on the same networks."""
    seeds = range(setting.preset.details["text_networks"])
    tasks = {kind: [attention_task(setting, kind, seed) for seed in seeds] for kind in KINDS}
    results = run_all(setting, [task for kind in KINDS for task in tasks[kind]], FOLDER, "zhou-attention")
    networks = {kind: [results[task.key] for task in tasks[kind] if task.key in results] for kind in KINDS}
    printed = PublishedTable.of(load_published(PACKAGE)["table1"])
    claims = (
        _accurate(networks),
        *(_cell(printed, row, networks) for row in printed.rows),
        _not_about_one(networks),
        _barely_better(networks),
        _non_correlating(networks),
        _vary(networks),
    )
    tables = (_table(printed, networks), _methods_table(networks))
    notes = (
        SOURCE.format(digest=texts_of("article", setting.preset.details["longest_text"]).source.split()[-1]),
        READING,
    )
    return StudyReport("zhou-attention", "Section 6: attention", claims, tables, notes)


READING = (
    "Attr% of attention need not be an attribution. The other methods are explanations of the same networks, of the logit of the predicted class; "
    "the embedding 0 stands for an absent word."
)


def _shares(networks: Sequence[Mapping[str, Any]], role: str, method: str = ATTENTION) -> list[float]:
    return [float(each["shares"][method].get(role, float("nan"))) for each in networks]


def _accurate(networks: Networks) -> JudgedClaim:
    least = load_published(PACKAGE)["attention"]["accuracy"]
    findings = [
        finding([each["test"][0] / each["test"][1] for each in networks[kind]], lambda value: value > least, kind)
        for kind in KINDS
    ]
    statement = "All models achieve an accuracy of over 97 %"
    return claim("zhou-attention.accurate", "sections 6.1 and 6.2", statement, "over 97 %", "above 97 %", findings)


def _cell(printed: PublishedTable, row: str, networks: Networks) -> JudgedClaim:
    """A cell of Table 1: the mean within one printed standard deviation; its side of the word frequency is its direction."""
    kind, role = row.split()
    mean, deviation, frequency = (number / 100 for number in printed.rows[row])
    values = _shares(networks[kind], role)
    sign = 1 if mean > frequency else -1
    own = float(np.mean([each["frequency"][role] for each in networks[kind]])) if networks[kind] else float("nan")
    spread = float(np.std(values, ddof=1)) if len(values) > 1 else float("nan")
    return claim(
        f"zhou-attention.{kind}-{role.replace('_', '-')}",
        printed.source,
        f"Attention on {role.replace('_', '-')} words of {kind}",
        f"{mean:.1%} +- {deviation:.1%} (words: {frequency:.1%})",
        "within one printed standard deviation",
        [
            finding(
                values,
                within(mean, deviation),
                direction=lambda value: sign * (value - own) > 0,
                note=f"standard deviation {spread:.1%}, words {own:.1%}",
            )
        ],
        f"{'above' if sign > 0 else 'below'} the share of these words",
    )


def _not_about_one(networks: Networks) -> JudgedClaim:
    findings = [finding(_shares(networks[kind], "correlating"), lambda value: value < 0.9, kind) for kind in KINDS]
    statement = "Attention on the words that must be used is far from 1"
    return claim("zhou-attention.not-one", "section 6", statement, "about 0.1", "below 0.9", findings)


def _barely_better(networks: Networks) -> JudgedClaim:
    values = [
        each["shares"][ATTENTION]["correlating"] - each["frequency"]["correlating"] for each in networks["article"]
    ]
    printed = load_published(PACKAGE)["attention"]["first_run"]
    return claim(
        "zhou-attention.barely",
        "section 6.1",
        "Attention on articles is barely better than random",
        f"{printed} % at 7.9 % of the words",
        "above the share of the words, by at most 5 points",
        [finding(values, lambda value: 0 < value <= 0.05, direction=lambda value: value > 0)],
        "above",
    )


def _non_correlating(networks: Networks) -> JudgedClaim:
    findings = [
        finding(
            [
                each["shares"][ATTENTION]["non_correlating"] - each["frequency"]["non_correlating"]
                for each in networks[kind]
            ],
            lambda value: value > 0,
            kind,
        )
        for kind in ("cn", "nc")
    ]
    return claim(
        "zhou-attention.misled",
        "section 6.2",
        "Attention on non-correlating articles is higher than random",
        "5.9 % and 12.6 %, of 3.8 % and 4.1 % of the words",
        "above the share of these words",
        findings,
    )


def _vary(networks: Networks) -> JudgedClaim:
    spread = {
        kind: float(np.std(_shares(networks[kind], "correlating"), ddof=1)) for kind in KINDS if len(networks[kind]) > 1
    }
    findings = [
        finding(
            [spread.get(kind, float("nan"))],
            lambda value: value > 0.05,
            kind,
            note="a standard deviation over networks",
        )
        for kind in ("cn", "nc")
    ]
    return claim(
        "zhou-attention.vary",
        "section 6.2",
        "Networks differ much in their attention",
        "standard deviations of 25.7 and 8.4 points",
        "a standard deviation above 5 points",
        findings,
    )


def _table(printed: PublishedTable, networks: Networks) -> ReportTable:
    rows: list[tuple[Cell, ...]] = []
    for row, numbers in printed.rows.items():
        kind, role = row.split()
        values = np.array(_shares(networks[kind], role)) * 100
        words = [100 * each["frequency"][role] for each in networks[kind]]
        spread = float(values.std(ddof=1)) if len(values) > 1 else None
        ours: list[Cell] = [float(values.mean()), spread, float(np.mean(words))] if len(values) else [None] * 3
        rows.append((row.replace("_", "-"), *numbers, *ours))
    columns = ("data and words", "published", "sd", "words", "ours", "our sd", "our words")
    return ReportTable("Table 1: attention in percent, over networks", columns, tuple(rows))


def _methods_table(networks: Networks) -> ReportTable:
    rows: list[tuple[Cell, ...]] = []
    for method in WORD_METHODS:
        cells: list[Cell] = [method]
        for kind, role in (
            ("article", "correlating"),
            ("cn", "correlating"),
            ("cn", "non_correlating"),
            ("nc", "correlating"),
            ("nc", "non_correlating"),
        ):
            values = 100 * np.array(_shares(networks[kind], role, method))
            spread = float(values.std(ddof=1)) if len(values) > 1 else float("nan")
            cells.append(f"{values.mean():.1f} +- {spread:.1f}" if len(values) else None)
        rows.append(tuple(cells))
    columns = (
        "method",
        "article, correlating",
        "cn, correlating",
        "cn, other articles",
        "nc, correlating",
        "nc, other articles",
    )
    return ReportTable(
        "Attr% of other methods on the same networks, in percent, mean +- sd over networks", columns, tuple(rows)
    )
