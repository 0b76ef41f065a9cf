"""The numbers that the paper prints, from `published.toml`, and what follows from them."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from scipy.stats import spearmanr

F1_COLUMN = "F1"
METRIC_NAMES: Mapping[str, str] = {"Insertion": "insertion", "Deletion": "deletion", "Sensitivity-N": "sensitivity-n"}
"""The paper's name of each perturbation metric, and ours."""


@dataclass(frozen=True)
class PublishedTable:
    """A printed table.

    Args:
        source: Where it stands.
        columns: Headings.
        rows: By name, the numbers of a row.
        correlations: Printed Spearman correlations of each column but the first with the first; empty where none are.
        truth: Which truth F1 is taken against, by the caption; empty where there is no F1.
    """

    source: str
    columns: tuple[str, ...]
    rows: Mapping[str, tuple[float, ...]]
    correlations: tuple[float, ...] = ()
    truth: str = ""

    def column(self, name: str) -> dict[str, float]:
        """One column, by row."""
        index = self.columns.index(name)
        return {row: values[index] for row, values in self.rows.items()}

    def recomputed(self) -> tuple[float, ...]:
        """Spearman's correlations that follow from the printed ranks, of each column but the first with the first."""
        first, *others = np.array(list(self.rows.values()), dtype=np.float64).T
        return tuple(float(spearmanr(first, other).statistic) for other in others)

    def printed(self, column: str) -> float:
        """The printed correlation of a column."""
        return self.correlations[self.columns.index(column) - 1]


@dataclass(frozen=True)
class GammaClaim:
    """That a method passes, or fails, the faithfulness test of section 4.

    Args:
        key: Short name.
        source: Where it stands.
        statement: One line.
        method: As the paper calls it.
        truths: The kinds of truth that the text allows.
        gamma: The threshold on F1.
        passes: Whether the paper says that it passes.
        against: What it is compared with in the same figure, or nothing.
    """

    key: str
    source: str
    statement: str
    method: str
    truths: tuple[str, ...]
    gamma: float
    passes: bool
    against: str = ""


@dataclass(frozen=True)
class ScoreOf:
    """A score of a method.

    Args:
        method: As the paper calls it.
        score: `precision`, `recall` or `f1`.
    """

    method: str
    score: str

    def on(self, truth: str) -> tuple[str, str]:
        """Method and score against a kind of truth, as records name it."""
        return self.method, f"{truth}.{self.score}"

    def __str__(self) -> str:
        """As in a sentence."""
        return f"{self.method}'s {self.score.replace('f1', 'F1')}"


@dataclass(frozen=True)
class Comparison:
    """That one score is above others.

    Args:
        key: Short name.
        source: Where it stands.
        statement: One line.
        higher: What is said to be higher.
        lower: Than which.
        truths: The kinds of truth that the text allows.
    """

    key: str
    source: str
    statement: str
    higher: ScoreOf
    lower: tuple[ScoreOf, ...]
    truths: tuple[str, ...]


@cache
def published() -> dict[str, Any]:
    """The whole file."""
    text = files("attributionlab.papers.zhang2024").joinpath("published.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def published_table(name: str) -> PublishedTable:
    """One printed table."""
    entry = published()[name]
    return PublishedTable(
        source=entry["source"],
        columns=tuple(entry["columns"]),
        rows={row: tuple(values) for row, values in entry["rows"].items()},
        correlations=tuple(entry.get("correlations", ())),
        truth=entry.get("truth", ""),
    )


def gamma_claims() -> tuple[GammaClaim, ...]:
    """The verdicts of section 4."""
    return tuple(GammaClaim(**{**entry, "truths": tuple(entry["truths"])}) for entry in published()["section4"])


def comparisons() -> tuple[Comparison, ...]:
    """Who has more of what, in section 4."""
    return tuple(
        Comparison(
            **{
                **entry,
                "higher": ScoreOf(*entry["higher"]),
                "lower": tuple(ScoreOf(*one) for one in entry["lower"]),
                "truths": tuple(entry["truths"]),
            }
        )
        for entry in published()["section4-comparisons"]
    )
