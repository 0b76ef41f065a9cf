"""Distances of every method to the exact values of every game: the tables of docs/truth.md.

    python scripts/games_table.py            # writes the tables between the markers of docs/truth.md
    python scripts/games_table.py --print    # prints them

Four images of 32x32, each under its own network; a few minutes of one core.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import torch

import attributionlab as al
from attributionlab.judging.game_agreement import GameAgreement
from attributionlab.methods import METHODS
from attributionlab.truth.kinds import GAMES

PAGE = Path(__file__).parents[1] / "docs" / "truth.md"
BEGIN, END = "<!-- scripts/games_table.py -->", "<!-- end -->"

ENVIRONMENTS = {
    "multi-color-sum": ("true", "black"),
    "multi-color-sum[output=logit]": ("true", "black"),
    "single-color-sum": ("true",),
    "single-color-modulo": ("true",),
}
"""Environments, and the baselines from which games are played; black is the true baseline of the last two."""

VARIANTS = {
    "integrated-gradients": ("integrated-gradients", "integrated-gradients[baseline=true]"),
    "deeplift": ("deeplift", "deeplift[baseline=true]"),
    "deepshap": ("deepshap[baseline=samples]",),
    "occlusion": ("occlusion", "occlusion[stride=1,window=1]", "occlusion[baseline=true,stride=1,window=1]"),
    "kernel-shap": ("kernel-shap[segments=oracle]",),
    "lime": ("lime[segments=oracle]",),
    "exact": ("exact", "exact[baseline=black,game=aumann-shapley]"),
}
"""Specs of methods that are shown with other options than the default ones."""


def specs() -> list[str]:
    """All methods of this package."""
    return [spec for name in METHODS.built_in for spec in VARIANTS.get(name, (name,))]


def table(environment: str, baselines: tuple[str, ...], size: int, n_samples: int) -> Iterator[str]:
    """The lines of one environment's table."""
    columns = [f"{game}@{baseline}" for baseline in baselines for game in GAMES]
    titles = columns if len(baselines) > 1 else list(GAMES)
    built = al.make_environment(environment, size=size)
    yield f"`{environment}`:\n"
    yield f"| method | {' | '.join(titles)} | declares |"
    yield f"|---|{'---:|' * len(columns)}---|"
    for spec in specs():
        result = al.answers(spec, built, baselines=list(baselines), n_samples=n_samples)
        cells = ["failed"] * len(columns) if result.error else [cell(result.games.get(name)) for name in columns]
        yield f"| `{spec}` | {' | '.join(cells)} | {declared(result)} |"


def cell(agreement: GameAgreement | None) -> str:
    """The mean l1, bold where the game is answered."""
    if agreement is None or agreement.scores["l1"] is None:
        return "-"
    distance = agreement.scores["l1"]
    text = ">100" if distance > 100 else f"{distance:.2f}"
    return f"**{text}**" if agreement.is_answered else text


def declared(result: al.Answers) -> str:
    """The game that the method declares to answer, with the distance."""
    if result.declared is None:
        return ""
    return f"`{result.declared}`: {cell(result.games.get(result.declared))}"


def lines(size: int = 32, n_samples: int = 4) -> Iterator[str]:
    """All tables."""
    for environment, baselines in ENVIRONMENTS.items():
        yield from table(environment, baselines, size, n_samples)
        yield ""


def main() -> None:
    """Write the tables, or print them."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    made = []
    for line in lines():
        print(line, flush=True)
        made.append(line)
    if "--print" in sys.argv:
        return
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text("\n".join([before + BEGIN, "", *made, END]) + after, encoding="utf-8")


if __name__ == "__main__":
    main()
