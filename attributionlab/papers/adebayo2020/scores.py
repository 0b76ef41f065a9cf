"""Stored similarities of maps under two networks: scores by explained class, network and method, and their tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from attributionlab.papers.adebayo2020.judged import error_cell, mean_cell
from attributionlab.papers.adebayo2020.stored import as_values
from attributionlab.papers.evidence import Values
from attributionlab.papers.studies import Cell, ReportTable


@dataclass(frozen=True)
class ComparedMaps:
    """Similarities of maps, one measurement per seed.

    Args:
        measured: Each with `scores` by kind, network, method and similarity, and `failures` by method.
        methods: The paper's names.
    """

    measured: Sequence[Mapping[str, Any]]
    methods: Sequence[str]

    def of(self, kind: str, network: str, method: str, name: str) -> Values | str:
        """The scores (seeds, images), or why there are none."""
        rows = [each["scores"][kind][network].get(method, {}).get(name) for each in self.measured]
        if None in rows:
            reasons = [each["failures"].get(method) for each in self.measured]
            return next((reason for reason in reasons if reason), "the method failed on one of the networks")
        return as_values(rows)

    def table(
        self, title: str, kind: str, networks: Sequence[str], names: Mapping[str, str], *, errors: bool = True
    ) -> ReportTable:
        """A row per method, a column per similarity and network; with the standard error of the first network."""
        columns = ["method"]
        for reading in names.values():
            columns += [f"{reading}: {network}" for network in networks]
            columns += [f"{reading}: standard error"] if errors else []
        rows: list[tuple[Cell, ...]] = []
        for method in self.methods:
            cells: list[Cell] = []
            for name in names:
                cells += [mean_cell(self.of(kind, network, method, name)) for network in networks]
                cells += [error_cell(self.of(kind, networks[0], method, name))] if errors else []
            rows.append((method, *cells))
        return ReportTable(title, tuple(columns), tuple(rows))
