"""Distances of maps to the exact values of games, as tables for the terminal and as rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.table import Table

from attributionlab.reports.tables.cells import escape
from attributionlab.reports.tables.plain import plain_table
from attributionlab.truth.kinds import GAMES

if TYPE_CHECKING:
    from attributionlab.judging import Answers
    from attributionlab.judging.game_agreement import GameAgreement

COLUMNS = (
    "game",
    "answered",
    "cosine",
    "rank",
    "sign",
    "l1",
    "l1_rescaled",
    "dummy",
    "completeness",
    "largest_l1",
    "noise",
)


def distances_table(games: Mapping[str, GameAgreement], n_images: int) -> Table:
    """Build a table with a row per game and a column per baseline: the mean distance, and what is answered.

    Args:
        games: Agreement with each game, by `game@baseline`.
        n_images: Number of images.
    """
    names = [name.partition("@") for name in games]
    baselines = sorted({baseline for _, _, baseline in names}, key=lambda name: (name != "true", name))
    images = f"{n_images} image{'s' if n_images != 1 else ''}"
    table = plain_table(f"l1 distance to exact values, {images}")
    table.add_column("game", no_wrap=True)
    for baseline in baselines:
        table.add_column(f"from {baseline}", justify="right", no_wrap=True)
    table.add_column("answers", no_wrap=True)
    for game in GAMES:
        row = {baseline: games.get(f"{game}@{baseline}") for baseline in baselines}
        if any(row.values()):
            reached = [baseline for baseline, agreement in row.items() if agreement and agreement.is_answered]
            answers = f"[green]from {', '.join(reached)}[/]" if reached else "[dim]-[/]"
            table.add_row(game, *map(_distance, row.values()), answers)
    return table


def answers_sentence(answers: list[str], declares: str | None, games: Mapping[str, GameAgreement]) -> str:
    """A sentence about the questions that are answered; empty where there are no games."""
    if not games:
        return ""
    if declares is not None and declares in games and declares not in answers:
        return (
            f"declares to answer {escape(declares)} and misses its values, by {_largest(games[declares])} on one image "
            "(look at the accuracy of what it computes: steps, draws)"
        )
    elsewhere = ""
    if declares is not None and declares not in games:
        elsewhere = f"; declares {escape(declares)}, which `attributionlab answers` compares"
    if not answers:
        nearest = next(iter(games))
        return f"answers no game; the nearest is {escape(nearest)}, at {_distance(games[nearest])}{elsewhere}"
    if len(answers) == len(games) > 1:
        return f"answers every game{elsewhere}"
    text = f"answers {escape(', '.join(answers))}{elsewhere}"
    if any(name.endswith("@true") for name in answers):
        return text
    return f"{text}: effects relative to that baseline, a different question from the one with the true background as baseline"


def answers_table(answers: Answers) -> RenderableType:
    """Build what `attributionlab answers` prints."""
    title = f"{answers.method} in {answers.environment} · explains the {answers.explains}"
    parts: list[RenderableType] = [f"[bold]{escape(title)}[/]"]
    if answers.error is not None:
        return Group(*parts, f"[bold red]{escape(answers.error.type)}[/]: {escape(answers.error.message)}")
    if not answers.games:
        return Group(*parts, "no game has exact values here")
    parts.append(distances_table(answers.games, answers.n_samples))
    if any(agreement.noise is not None for agreement in answers.games.values()):
        parts.append(
            "[dim]~: estimated from random orders; the number after it is the distance that standard errors explain[/]"
        )
    if answers.declared is not None and answers.declared not in _grid_names(answers.games):
        agreement = answers.games.get(answers.declared)
        distance = "not computed here" if agreement is None else f"distance {_distance(agreement)}"
        parts.append(f"declares {escape(answers.declared)}: {distance}")
    parts.append(answers_sentence(answers.answers, answers.declared, answers.games))
    if answers.contested:
        parts.append(f"games from the true baseline disagree on the sign of {answers.contested:.1%} of the features")
    return Group(*parts)


def answers_rows(answers: Answers) -> list[dict[str, object]]:
    """Build the rows of CSV: one per game, nearest first."""
    return [
        {
            "game": name,
            "answered": agreement.is_answered,
            **agreement.scores,
            "largest_l1": agreement.largest_l1,
            "noise": agreement.noise,
        }
        for name, agreement in answers.games.items()
    ]


def _largest(agreement: GameAgreement) -> str:
    """The largest l1 of an image."""
    return "-" if agreement.largest_l1 is None else f"{agreement.largest_l1:.2g}"


def _grid_names(games: Mapping[str, GameAgreement]) -> list[str]:
    """Names of the games that have a row of the table."""
    return [name for name in games if name.partition("@")[0] in GAMES]


def _distance(agreement: GameAgreement | None) -> str:
    """The mean l1; of an estimate with what its standard errors explain."""
    if agreement is None or agreement.largest_l1 is None:
        return "-"
    distance = f"{agreement.distance:.3f}" if agreement.distance < 100 else ">100"
    return distance if agreement.noise is None else f"{distance} ~{agreement.noise:.2g}"
