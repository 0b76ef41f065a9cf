"""Figures of a paper by their numbers; `papers.figures` draws them. This module does not import torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from attributionlab.errors import bad_option
from attributionlab.papers.paper import Paper

ALL = "all"
"""Stands for all figures of a paper."""


@dataclass(frozen=True)
class PaperFigure:
    """A figure of the paper.

    Args:
        number: Its number.
        title: Heading.
        source: Section and page that speak of it.
        statement: The paper's sentence about it.
        draw: Function `(StudySetting) -> DrawnFigure` as an import string.
    """

    number: int
    title: str
    source: str
    statement: str
    draw: str

    @property
    def file(self) -> str:
        """Name of the picture."""
        return f"figure{self.number}.png"

    @property
    def quotation(self) -> str:
        """The paper's sentence, with its source."""
        return (
            f"The paper ({self.source}): \N{LEFT DOUBLE QUOTATION MARK}{self.statement}\N{RIGHT DOUBLE QUOTATION MARK}"
        )


def choose_figures(paper: Paper, words: Sequence[str]) -> tuple[PaperFigure, ...]:
    """The figures of these numbers in the order of the paper; all for `all`.

    Raises:
        BadOption: If the paper has no figures here, or none of a number.
    """
    catalog = {str(figure.number): figure for figure in paper.paper_figures}
    if not catalog:
        raise bad_option("figures", f"be left out for {paper.key}, whose figures are not drawn", ", ".join(words))
    unknown = [word for word in words if word not in (ALL, *catalog)]
    if unknown or not words:
        raise bad_option("figures", f"be of {', '.join(catalog)} or {ALL}", unknown[0] if unknown else "")
    return tuple(figure for number, figure in catalog.items() if ALL in words or number in words)
