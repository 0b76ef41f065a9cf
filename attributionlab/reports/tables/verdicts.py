"""Verdicts and verifications as tables for the terminal (rich) and as rows for CSV."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import Console, ConsoleOptions, Group, JustifyMethod, RenderableType, RenderResult
from rich.measure import Measurement
from rich.table import Table

from attributionlab.reports.tables.answers import answers_sentence, distances_table
from attributionlab.reports.tables.cells import escape
from attributionlab.reports.tables.plain import plain_table
from attributionlab.truth.kinds import TRUTHS

if TYPE_CHECKING:
    from attributionlab.environments import Verification
    from attributionlab.judging import EnvironmentVerdict, Summary, Verdict

CSV_COLUMNS = (
    "method",
    "environment",
    "truth",
    "precision",
    "recall",
    "f1",
    "f1_low",
    "f1_high",
    "state",
    "deciding",
    "outcome",
    "error",
    "network_dependence",
    "seed",
    "n_samples",
    "gamma",
    "n_held",
    "n_networks",
    "ignores_target",
    "answers",
    "n_zero_maps",
    "diagnosis",
    "advice",
)

OUTCOME_STYLES = {"passed": "green", "undecided": "yellow"}
"""Colors of outcomes; all others are red."""


_SHORT = {"constant": "const.", "foreground": "foregr."}
"""Names of controls where there is little room."""


def verdict_table(verdict: Verdict) -> RenderableType:
    """Build the tables, remarks and verdict that `check` prints about one method."""
    parts: list[RenderableType] = []
    for environment in verdict.environments:
        parts.append(_Scores(verdict, environment))
        if environment.games:
            parts += ["", distances_table(environment.games, environment.n_compared)]
        parts += _remarks(verdict, environment)
    n = len(verdict.environments)
    n_passed = sum(environment.passed for environment in verdict.environments)
    where = f", passed in {n_passed} of {n} environments" if n > 1 else ""
    color = OUTCOME_STYLES.get(verdict.outcome, "red")
    parts.append(f"{escape(verdict.method)}: [bold {color}]{verdict.outcome.upper()}[/]{where}, {_rule(verdict)}")
    used = ", ".join(f"{package} {number}" for package, number in verdict.versions.items())
    parts.append(f"[bold]report it as:[/] {escape(verdict.report_as)}")
    if verdict.rule == "interval":
        states = f"the 95 % interval of F1 is above {verdict.gamma:g} (reached), below it, or contains it (open)"
        parts.append(f"[dim]reached, below, open: {states}[/]")
    parts.append(f"[dim]random, const., foregr.: F1 of maps that ignore the network; {used}[/]")
    return Group(*parts)


def _rule(verdict: Verdict) -> str:
    """What decides, in words."""
    if verdict.outcome == "blind":
        return f"decided by the network dependence; F1 on {verdict.deciding_truth} truth would decide otherwise"
    if verdict.rule == "point":
        return f"decided by the mean F1 on {verdict.deciding_truth} truth >= {verdict.gamma:g}, under one network"
    return f"decided by {verdict.deciding_truth} truth: the interval of the mean F1 against {verdict.gamma:g}"


def verification_table(verification: Verification) -> Table:
    """Build a table of an environment's claims and whether they hold."""
    table = plain_table(escape(verification.environment))
    table.add_column("claim")
    table.add_column("tested", justify="right")
    table.add_column("violated", justify="right")
    table.add_column("holds")
    for claim in verification.claims:
        note = f"\n[dim]{escape(claim.note)}[/]" if claim.note else ""
        holds = "[green]yes[/]" if claim.holds else "[bold red]NO[/]"
        table.add_row(f"{escape(claim.statement)}{note}", f"{claim.n_checked:,}", f"{claim.n_violations:,}", holds)
    if verification.note:
        table.caption = escape(verification.note)
    return table


def verification_rows(verification: Verification) -> list[dict[str, object]]:
    """Build the rows of CSV: one per claim."""
    claims = verification.to_dict()["claims"]
    return [{"environment": verification.environment, **claim} for claim in claims]


def verdict_rows(verdict: Verdict) -> list[dict[str, object]]:
    """Build the rows of CSV, for the method and the controls: one per environment and kind of truth that applies.

    An environment in which the method failed has a row with the error. Zero maps and the diagnosis belong to the method,
    so the controls' rows leave them empty.
    """
    rows: list[dict[str, object]] = []
    for environment in verdict.environments:
        run: dict[str, object] = {"seed": environment.seed, "n_samples": environment.n_samples, "gamma": verdict.gamma}
        remarks: dict[str, object] = {
            "outcome": environment.outcome,
            "n_held": environment.n_held,
            "n_networks": len(environment.network_seeds),
            "ignores_target": environment.ignores_target,
            "answers": "; ".join(environment.answers),
            "n_zero_maps": environment.n_zero_maps,
            "diagnosis": "; ".join(environment.diagnosis),
            "advice": environment.advice,
        }
        if environment.error is not None:
            failure = f"{environment.error.type}: {environment.error.message}"
            row = {"method": verdict.method, "environment": environment.environment, "truth": verdict.deciding_truth}
            failed = {"deciding": True, "outcome": environment.outcome, "error": failure, "network_dependence": None}
            rows.append({**row, **failed, **run, **remarks})
        empty: dict[str, object] = dict.fromkeys(remarks, "")
        controls = [(name, truths, empty) for name, truths in environment.controls.items()]
        for name, truths, details in ((verdict.method, environment.truths, remarks), *controls):
            for truth, summary in truths.items():
                if summary is not None:
                    row = {"method": name, "environment": environment.environment, "truth": truth}
                    decides = truth == verdict.deciding_truth
                    dependence = (environment.dependence or {}).get(truth) if name == verdict.method else None
                    judged: dict[str, object] = {"deciding": decides, "outcome": details["outcome"], "error": ""}
                    judged["network_dependence"] = None if dependence is None else dependence.value
                    rows.append({**row, **summary.to_dict(), **judged, **run, **details})
    return rows


@dataclass(frozen=True)
class _Scores:
    """The scores in an environment; in a narrow terminal, those of the controls move to a second table below."""

    verdict: Verdict
    environment: EnvironmentVerdict

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        controls = list(self.environment.controls)
        table = _scores_table(self.verdict, self.environment, controls)
        if Measurement.get(console, options.update(width=10_000), table).maximum <= options.max_width:
            yield table
        else:
            yield _scores_table(self.verdict, self.environment, [])
            yield ""
            yield _controls_table(self.environment, controls)


def _controls_table(environment: EnvironmentVerdict, controls: Sequence[str]) -> Table:
    """F1 of the controls by kind of truth."""
    table = plain_table("F1 of maps that ignore the network")
    table.add_column("truth", no_wrap=True)
    for name in controls:
        table.add_column(name, justify="right", no_wrap=True)
    for truth in TRUTHS:
        table.add_row(truth, *(_mean(environment.controls[name][truth]) for name in controls))
    return table


def _scores_table(verdict: Verdict, environment: EnvironmentVerdict, controls: Sequence[str]) -> Table:
    """Scores by kind of truth, with the F1 of these controls."""
    seconds = "" if environment.seconds_per_image is None else f", {environment.seconds_per_image:.3g} s per image"
    images = f"{environment.n_samples} image{'s' if environment.n_samples > 1 else ''}"
    networks = f"{len(environment.network_seeds)} network{'s' if len(environment.network_seeds) > 1 else ''}"
    title = f"{environment.environment} · {images}, {networks}, seed {environment.seed}, {environment.device}{seconds}"
    table = plain_table(escape(title))
    columns = (
        "truth",
        "precision",
        "recall",
        "F1",
        "95 % CI",
        f"F1 >= {verdict.gamma:g}",
        *(_SHORT.get(name, name) for name in controls),
    )
    for column in columns:
        justify: JustifyMethod = "left" if column in ("truth", columns[5]) else "right"
        table.add_column(column, justify=justify, no_wrap=True)
    for truth in TRUTHS:
        decides = truth == verdict.deciding_truth
        table.add_row(
            _bold_if(decides, f"{truth} (decides)" if decides else truth),
            *(_bold_if(decides, cell) for cell in _score_cells(environment.truths[truth])),
            _state(environment.truths[truth]),
            *(_mean(environment.controls[name][truth]) for name in controls),
        )
    return table


def _score_cells(summary: Summary | None) -> tuple[str, str, str, str]:
    if summary is None:
        return ("-",) * 4
    interval = f"{summary.f1_low:.3f}-{summary.f1_high:.3f}"
    return f"{summary.precision:.3f}", f"{summary.recall:.3f}", f"{summary.f1:.3f}", interval


def _remarks(verdict: Verdict, environment: EnvironmentVerdict) -> list[str]:
    remarks = []
    if environment.error is not None:
        remarks.append(f"[bold red]{escape(environment.error.type)}[/]: {escape(environment.error.message)}")
    elif len(environment.network_seeds) > 1:
        n, truth = len(environment.network_seeds), verdict.deciding_truth
        remarks.append(f"F1 on {truth} truth reached {verdict.gamma:g} under {environment.n_held} of {n} networks")
    if environment.games:
        remarks.append(answers_sentence(environment.answers, environment.declares, environment.games))
    if environment.dependence is not None:
        parts = [
            f"{result.value:.2f} on {truth} truth ({result.low:.2f} to {result.high:.2f})"
            for truth, result in environment.dependence.items()
        ]
        remarks.append(f"network dependence: {', '.join(parts)}; 1 for the truth, 0 for a map that ignores the network")
    elif environment.error is None:
        remarks.append("network dependence: not tested")
    if environment.ignores_target:
        remarks.append("[yellow]note:[/] the maps are the same for another class: `targets` is ignored")
    remarks += [f"[yellow]note:[/] {escape(line)}" for line in environment.diagnosis]
    for name, values in environment.diagnostics.items():
        kinds = ("median_magnitude", "largest_magnitude", "low", "high")
        median, largest, low, high = (f"{values[kind]:.3g}" for kind in kinds)
        remarks.append(
            f"recorded by the method: {escape(name)}, median magnitude {median}, largest {largest}, {low} to {high} over the images"
        )
    if environment.advice:
        remarks.append(f"[bold]what now:[/] {escape(environment.advice)}")
    return remarks


def foldable(spec: str) -> str:
    """Escape a spec; a long one is broken after its name, or after the module of an address."""
    return escape(spec.replace("[", "\n[").replace(":", ":\n")) if len(spec) > 30 else escape(spec)


def _mean(summary: Summary | None) -> str:
    return "-" if summary is None else f"{summary.f1:.3f}"


def _state(summary: Summary | None) -> str:
    if summary is None:
        return "[dim]n/a[/]"
    return {"reached": "[green]reached[/]", "below": "[red]below[/]", "open": "[yellow]open[/]"}[summary.state]


def _bold_if(condition: bool, text: str) -> str:
    return f"[bold]{text}[/]" if condition else text
