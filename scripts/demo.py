"""The main job on a small environment: check a few methods, print the table, leave pictures and JSON in a folder.

Usage: python scripts/demo.py FOLDER
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

import attributionlab as al
from attributionlab.cli.output import stdout
from attributionlab.exchange.dataset import generate
from attributionlab.measuring.galleries import gallery
from attributionlab.reports.answers import answers_of
from attributionlab.reports.figures.maps import attribution_figure
from attributionlab.reports.figures.saving import save_figure
from attributionlab.reports.tables.cells import escape
from attributionlab.reports.tables.plain import plain_table
from attributionlab.reports.tables.run_rows import STATE_MARKS, answers_text
from attributionlab.reports.tables.verdicts import OUTCOME_STYLES
from attributionlab.truth import TRUTHS

METHODS = (
    "gradient",
    "integrated-gradients",
    "integrated-gradients[baseline=true]",
    "deepshap",
    "guided-backprop",
    "gradcam",
    "occlusion",
    "random",
    "constant",
    "truth",
)


MAX_SECONDS = 10.0
"""Seconds after which a method near gamma is left undecided."""

EXPLANATION = {
    "decided by": "what the maps are compared with; it follows from what a method declares to give: values with signs, positive ones, or magnitudes. "
    "overall: the pixels that affect the output. signed: the same pixels, each with its direction. positive: the pixels that raise the output. "
    "positive-smooth: whole patches of such pixels, for maps too coarse for single ones. Compare F1 only between rows that are decided by the same.",
    "F1": "agreement of the maps with that truth, from 0 to 1, the mean over the images: precision and recall weigh each pixel by its value, without a threshold.",
    "95 % interval": "where the mean F1 over all images and networks lies, with 95 % confidence; careful by intention, so wide for few images, even for the truth itself.",
    "images": f"that were explained, each under a network of its own: 8, then twice as many, until the verdict is clear or {MAX_SECONDS:g} seconds of a method are over.",
    "held in": "under how many of these networks the F1 of their image is at least 0.5.",
    "uses network": "how much the maps change where another network looks at other colors of the same image, relative to the change of the truth. "
    "1: as the truth does; more is not better. Near 0: hardly, or not as the truth does.",
    "verdict": "passed: the interval is above 0.5, the pass mark (gamma, which you may choose). failed: it is below. undecided: it contains 0.5. blind: the maps "
    "do not follow the network, or less than half of their F1 does. pixels-only: the right pixels with the wrong signs. It holds for this task, and the last three rows are controls.",
}
"""Explanation of every column of the table."""

MORE_EXPLANATION = {
    "overall .. positive-smooth": "F1 on each kind of truth that applies to the method: + its interval is above 0.5, - below it, ? it contains 0.5.",
    "answers": "the question whose exact answer the maps equal, up to 5 %, and the number of others: removal (leave one pixel out), alone (add one to the baseline), "
    "shapley, or aumann-shapley (integrate the gradient); @true from the true background, @black from black. It does not decide.",
}
"""Explanation of the columns of the second table."""


def main(folder: Path) -> None:
    """Check all of `METHODS` on `multi-color-sum` at 64x64, until each is decided or `MAX_SECONDS` are over."""
    folder.mkdir(parents=True, exist_ok=True)
    console = stdout()
    environment = al.make_environment("multi-color-sum", size=64)
    progress = track(METHODS, description="checking methods", console=Console(stderr=True), transient=True)
    verdicts = [al.check(method, environment, max_seconds=MAX_SECONDS) for method in progress]
    for verdict in verdicts:
        name = verdict.method.replace("[", "-").replace("]", "").replace("=", "-")
        (folder / f"{name}.json").write_text(json.dumps(verdict.to_dict(), indent=2) + "\n", encoding="utf-8")
    console.print(comparison_table(verdicts, title=f"F1 against the exact truth of {environment.spec}"))
    console.print(explanation(EXPLANATION))
    console.print()
    console.print(truths_table(verdicts))
    console.print(explanation(MORE_EXPLANATION))
    for verdict in verdicts:
        for environment_verdict in verdict.environments:
            if environment_verdict.advice:
                console.print(escape(f"what now, {verdict.method}: {environment_verdict.advice}"))

    drawn = gallery(environment, [al.make_method(method, environment) for method in METHODS[:-3]])
    figure = attribution_figure(
        drawn.batch,
        drawn.maps,
        title=environment.spec,
        captions=drawn.truths,
        judged=drawn.judged,
        answers=answers_of(environment, drawn.batch),
    )
    save_figure(figure, folder / "maps.png")
    generate(environment, folder / "images", n_samples=8, force=True)
    console.print(
        f"Look at {folder / 'maps.png'} and {folder / 'images' / 'preview.png'}; verdicts are in {folder}/*.json"
    )


def comparison_table(verdicts: Sequence[al.Verdict], title: str) -> Table:
    """Build a table with a row per method and environment."""
    table = plain_table(escape(title))
    for name in ("method", *EXPLANATION):
        table.add_column(
            name,
            justify="right" if name in ("F1", "images", "held in", "uses network") else "left",
            no_wrap=name != "method",
        )
    for verdict in verdicts:
        for environment in verdict.environments:
            scores = environment.truths[verdict.deciding_truth]
            numbers = (
                ("-", "-") if scores is None else (f"{scores.f1:.3f}", f"{scores.f1_low:.3f} to {scores.f1_high:.3f}")
            )
            dependence = environment.dependence and environment.dependence[verdict.deciding_truth]
            network = "-" if dependence is None else f"{dependence.value:.2f}"
            outcome = f"[{OUTCOME_STYLES.get(environment.outcome, 'red')}]{environment.outcome}[/]"
            row = (
                escape(verdict.method),
                verdict.deciding_truth,
                *numbers,
                str(environment.n_samples),
                f"{environment.n_held}/{len(environment.network_seeds)}",
                network,
                outcome,
            )
            table.add_row(*row)
    return table


def truths_table(verdicts: Sequence[al.Verdict]) -> Table:
    """Build a table of F1 on all kinds of truth with their states, and of the games that are answered."""
    table = plain_table("All kinds of truth, and the questions that are answered")
    table.add_column("method")
    for name in (*TRUTHS, "answers"):
        table.add_column(name, justify="left" if name == "answers" else "right", no_wrap=True)
    for verdict in verdicts:
        for environment in verdict.environments:
            scores = (environment.truths[truth] for truth in TRUTHS)
            cells = ["" if each is None else f"{each.f1:.3f} {STATE_MARKS[each.state]}" for each in scores]
            table.add_row(escape(verdict.method), *cells, answers_text(environment.answers))
    return table


def explanation(texts: Mapping[str, str]) -> Table:
    """Build a table that explains the columns of another one."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column()
    for column, text in texts.items():
        table.add_row(column, text)
    return table


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "demo"))
