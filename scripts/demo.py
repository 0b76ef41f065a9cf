"""The main job on a small environment: check a few methods, print the table, leave pictures and JSON in a folder.

Usage: python scripts/demo.py FOLDER
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

import attributionlab as al
from attributionlab.cli.output import stdout
from attributionlab.exchange.dataset import generate
from attributionlab.measuring.galleries import gallery
from attributionlab.reports.figures.maps import attribution_figure
from attributionlab.reports.figures.saving import save_figure
from attributionlab.reports.tables.cells import escape
from attributionlab.reports.tables.plain import plain_table

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


def main(folder: Path) -> None:
    """Check all of `METHODS` on `multi-color-sum` at 64x64."""
    folder.mkdir(parents=True, exist_ok=True)
    console = stdout()
    environment = al.make_environment("multi-color-sum", size=64)
    progress = track(METHODS, description="checking methods", console=Console(stderr=True), transient=True)
    verdicts = [al.check(method, environment, n_samples=16) for method in progress]
    for verdict in verdicts:
        name = verdict.method.replace("[", "-").replace("]", "").replace("=", "-")
        (folder / f"{name}.json").write_text(json.dumps(verdict.to_dict(), indent=2) + "\n", encoding="utf-8")
    console.print(comparison_table(verdicts, title=f"F1 against the exact truth of {environment.spec}, 16 images"))
    console.print(
        "`decides` is the truth that fits what a method declares; F1 and its interval are those on it, and at least 0.5 passes.\n"
    )

    drawn = gallery(environment, [al.make_method(method, environment) for method in METHODS[:-3]])
    save_figure(
        attribution_figure(drawn.batch, drawn.maps, title=environment.spec, captions=drawn.truths), folder / "maps.png"
    )
    generate(environment, folder / "images", n_samples=8, force=True)
    console.print(
        f"Look at {folder / 'maps.png'} and {folder / 'images' / 'preview.png'}; verdicts are in {folder}/*.json"
    )


def comparison_table(verdicts: Sequence[al.Verdict], title: str) -> Table:
    """Build a table with a row per method and environment."""
    table = plain_table(escape(title))
    for name in ("method", "decides", "F1", "95 % CI", "verdict"):
        table.add_column(name, justify="right" if name == "F1" else "left", no_wrap=name != "method")
    for verdict in verdicts:
        for environment in verdict.environments:
            scores = environment.truths[verdict.deciding_truth]
            numbers = (
                ("-", "-") if scores is None else (f"{scores.f1:.3f}", f"{scores.f1_low:.3f}-{scores.f1_high:.3f}")
            )
            outcome = "[green]passed[/]" if environment.passed else "[red]failed[/]"
            table.add_row(escape(verdict.method), verdict.deciding_truth, *numbers, outcome)
    return table


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "demo"))
