"""Shares, positions and areas of training images by their influence, one measurement per seed, and their tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from attributionlab.papers.adebayo2020.judged import error_cell, mean_cell
from attributionlab.papers.adebayo2020.tracin import CHECKPOINTS, LAST
from attributionlab.papers.evidence import Values
from attributionlab.papers.studies import Cell, ReportTable

SPURIOUS, HEALTHY, HALF = "spurious", "healthy", "half spurious"
NETWORKS = (SPURIOUS, HEALTHY, HALF)
OWN, BACKGROUND_ALONE = "object on the background", "background alone"
INPUTS = (OWN, BACKGROUND_ALONE)
READINGS = (CHECKPOINTS, LAST)
SELF_INFLUENCE, LOSS = "self-influence", "loss"
RANKINGS = (SELF_INFLUENCE, LOSS)


class MeasuredInfluence:
    """Shares, positions and areas, one measurement for each seed.

    Args:
        measured: Measurements of all seeds.
    """

    def __init__(self, measured: Sequence[dict[str, Any]]) -> None:
        self.measured = measured
        self.reached = [measurement for measurement in measured if measurement["reached"]]

    def shares(self, network: str, inputs: str, reading: str, of: str = "spurious") -> Values:
        """(seeds, inputs): share among the most influential training images."""
        return np.array(
            [measurement["shares"][network][inputs][reading][of] for measurement in self.reached], dtype=np.float64
        )

    def base(self, network: str, inputs: str) -> Values:
        """(seeds, inputs): share of spurious images among all training images."""
        return np.array(
            [measurement["shares"][network][inputs]["base"] for measurement in self.reached], dtype=np.float64
        )

    def positions(self, reading: str, score: str) -> Values:
        """(seeds, mislabeled images): positions in the order of falling scores."""
        return np.array([measurement["positions"][reading][score] for measurement in self.measured], dtype=np.float64)

    def share_table(self) -> ReportTable:
        """A row per network and kind of input."""
        columns = ["training images", "input", "base rate"]
        for reading in READINGS:
            columns += [f"spurious, {reading}", "standard error", f"of the predicted class, {reading}"]
        rows: list[tuple[Cell, ...]] = []
        for network in NETWORKS:
            for inputs in INPUTS:
                cells: list[Cell] = [network, inputs, mean_cell(self.base(network, inputs))]
                for reading in READINGS:
                    shares = self.shares(network, inputs, reading)
                    cells += [mean_cell(shares), error_cell(shares)]
                    cells.append(mean_cell(self.shares(network, inputs, reading, "class")))
                rows.append(tuple(cells))
        return ReportTable("Shares among the top 1 percent of training images", tuple(columns), tuple(rows))

    def position_table(self) -> ReportTable:
        """A row per score: mean position of mislabeled images."""
        rows: list[tuple[Cell, ...]] = []
        for score in RANKINGS:
            cells: list[Cell] = [score]
            for reading in READINGS:
                values = self.positions(reading, score)
                cells += [mean_cell(values), error_cell(values), float(np.median(values))]
            rows.append(tuple(cells))
        columns = ["ranked by"]
        for reading in READINGS:
            columns += [f"mean, {reading}", "standard error", f"median, {reading}"]
        title = "Positions of mislabeled training images, shares of the training set (printed: 0.11)"
        return ReportTable(title, tuple(columns), tuple(rows))

    def area_table(self) -> ReportTable:
        """A row per score: area under the ROC curve for digits against images of the domain."""
        rows: tuple[tuple[Cell, ...], ...] = tuple(
            (
                score,
                *(
                    float(np.mean([measurement["areas"][reading][score] for measurement in self.measured]))
                    for reading in READINGS
                ),
            )
            for score in RANKINGS
        )
        return ReportTable(
            "Domain shift: area under the ROC curve, digits against images of the domain (chance: 0.5)",
            ("score", *READINGS),
            rows,
        )
