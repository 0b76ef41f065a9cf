"""The numbers that the paper prints, from `published.toml`, and correlations that follow from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from attributionlab.papers.published import PublishedTable, load_published

METRIC_NAMES: Mapping[str, str] = {"Insertion": "insertion", "Deletion": "deletion", "Sensitivity-N": "sensitivity-n"}
"""Our name of each perturbation metric, by the paper's."""


@dataclass(frozen=True)
class PublishedRanks:
    """A printed table of ranks, F1 first.

    Args:
        table: Ranks of the methods by each column.
        correlations: Printed Spearman correlations of each column but the first with the first.
        truth: Kind of truth of F1, by the caption.
    """

    table: PublishedTable
    correlations: tuple[float, ...]
    truth: str = ""

    def recomputed(self) -> tuple[float, ...]:
        """Spearman's correlations that follow from the printed ranks, of each column but the first with the first."""
        f1, *metrics = np.array(list(self.table.rows.values()), dtype=np.float64).T
        return tuple(float(spearmanr(f1, metric).statistic) for metric in metrics)

    def printed(self, column: str) -> float:
        """The printed correlation of a column."""
        return self.correlations[self.table.columns.index(column) - 1]


@dataclass(frozen=True)
class GammaClaim:
    """A verdict of section 4: a method passes, or fails, the faithfulness test.

    Args:
        key: Short name.
        source: Section and figure.
        statement: One line.
        method: The paper's name of the method.
        truths: Kinds of truth that the text allows.
        gamma: Threshold on F1.
        passes: Whether the method passes according to the paper.
        against: Method beside it in the figure; empty if there is none.
        fitted: Name of the setting of ours that was chosen because of this verdict; empty if there is none.
    """

    key: str
    source: str
    statement: str
    method: str
    truths: tuple[str, ...]
    gamma: float
    passes: bool
    against: str = ""
    fitted: str = ""


@dataclass(frozen=True)
class ScoreOf:
    """A score of a method.

    Args:
        method: The paper's name of the method.
        score: `precision`, `recall` or `f1`.
    """

    method: str
    score: str

    def on(self, truth: str) -> tuple[str, str]:
        """The method, and the name of the score against a kind of truth in records."""
        return self.method, f"{truth}.{self.score}"

    def __str__(self) -> str:
        """Text for a sentence."""
        return f"{self.method}'s {self.score.replace('f1', 'F1')}"


@dataclass(frozen=True)
class PublishedComparison:
    """A statement of section 4 that one score is above others.

    Args:
        key: Short name.
        source: Section and figure.
        statement: One line.
        higher: The higher score.
        lower: The lower scores.
        truths: Kinds of truth that the text allows.
        fitted: As in `GammaClaim`.
    """

    key: str
    source: str
    statement: str
    higher: ScoreOf
    lower: tuple[ScoreOf, ...]
    truths: tuple[str, ...]
    fitted: str = ""


def published() -> dict[str, Any]:
    """All entries of `published.toml`."""
    return load_published("attributionlab.papers.zhang2024")


def threshold(name: str, entry: str) -> float:
    """One of our thresholds; `published.toml` has the reason of each."""
    value: float = published()["thresholds"][name][entry]
    return value


def fitted(name: str) -> str:
    """The setting of ours that was chosen because of the paper, in words; empty without a name."""
    return str(published()["fitted"][name]) if name else ""


def published_table(name: str) -> PublishedTable:
    """A printed table."""
    return PublishedTable.of(published()[name])


def published_ranks(name: str) -> PublishedRanks:
    """A printed table of ranks with its correlations."""
    entry = published()[name]
    return PublishedRanks(PublishedTable.of(entry), tuple(entry["correlations"]), entry.get("truth", ""))


def gamma_claims() -> tuple[GammaClaim, ...]:
    """The verdicts of section 4."""
    return tuple(GammaClaim(**{**entry, "truths": tuple(entry["truths"])}) for entry in published()["section4"])


def comparisons() -> tuple[PublishedComparison, ...]:
    """The comparisons of methods in section 4."""
    return tuple(
        PublishedComparison(
            **{
                **entry,
                "higher": ScoreOf(*entry["higher"]),
                "lower": tuple(ScoreOf(*names) for names in entry["lower"]),
                "truths": tuple(entry["truths"]),
            }
        )
        for entry in published()["section4-comparisons"]
    )
