"""The report of Attr% of words: networks with attention, and rationales, on several data sets."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from attributionlab.machine import versions
from attributionlab.measuring.progress import Progress, no_progress
from attributionlab.specs.arguments import require_choice, require_list, whole_number
from attributionlab.tabular import Tabular
from attributionlab.text.articles import KINDS, ArticleTexts, article_texts
from attributionlab.text.paragraphs import Paragraphs
from attributionlab.text.rationale_scores import RationaleScores, score_rationale
from attributionlab.text.rationale_training import selection_target, train_rationale
from attributionlab.text.rationales import SELECTORS
from attributionlab.text.word_shares import WORD_METHODS, WordShares, attention_shares

SELECTION = 0.1
"""%Sel of rationales."""


@dataclass(frozen=True, eq=False)
class WordReport(Tabular):
    """Attr% of words.

    Args:
        data: The data sets.
        shares: Attr% by method and role on each data set.
        rationales: Scores of rationale models; a model that does not beat p* is among them, and its accuracy says so.
    """

    _table: ClassVar[str] = "attributionlab.reports.tables.words:word_tables"
    _rows: ClassVar[str] = "attributionlab.reports.tables.words:word_rows"

    data: tuple[ArticleTexts, ...]
    shares: tuple[WordShares, ...]
    rationales: tuple[RationaleScores, ...]

    def to_dict(self) -> dict[str, Any]:
        """The documented JSON; numbers that are undefined are null."""
        return {
            "schema": 1,
            "data": [
                {"kind": each.kind, "source": each.source, "n_texts": len(each), "n_test": len(each.rows("test"))}
                for each in self.data
            ],
            "networks": [
                {"data": each.kind, "accuracies": [test.accuracy for test in each.accuracies]} for each in self.shares
            ],
            "shares": [
                {
                    "data": each.kind,
                    "method": row.method,
                    "role": row.role,
                    "mean": row.mean,
                    "deviation": _defined(row.deviation),
                    "by_network": list(row.means),
                    "frequency": row.frequency,
                }
                for each in self.shares
                for row in each.shares
            ],
            "rationales": [_rationale(each) for each in self.rationales],
            "versions": versions(),
        }


def _rationale(scores: RationaleScores) -> dict[str, Any]:
    test = {name: getattr(scores.test, name) for name in ("accuracy", "n", "bound", "luck", "beats_bound")}
    fields = {name: _defined(value) for name, value in dataclasses.asdict(scores).items()}
    optima = {
        name: {key: _defined(part) for key, part in fields[name].items()} for name in ("optimum", "optimum_per_text")
    }
    return {**fields, **optima, "test": test}


def _defined(value: Any) -> Any:
    """None for NaN."""
    return None if isinstance(value, float) and value != value else value  # noqa: PLR0124  # NaN


def word_attributions(
    paragraphs: Paragraphs,
    kinds: Sequence[str] = ("article",),
    methods: Sequence[str] = tuple(WORD_METHODS),
    *,
    selectors: Sequence[str] = (),
    selection: float = SELECTION,
    n_networks: int = 3,
    n_texts: int = 8,
    seed: int = 0,
    progress: Progress = no_progress,
) -> WordReport:
    """Change the articles of paragraphs, train networks, and measure which share of each method lies on the words that they must use.

    Args:
        paragraphs: The texts.
        kinds: Data sets: `article`, `cn`, `nc`.
        methods: Names of `WORD_METHODS`.
        selectors: Rationale models to train as well: `reinforce`, `hardkuma`.
        selection: Share of the words that rationales should select.
        n_networks: Networks with attention for each data set.
        n_texts: Largest number of test texts to explain.
        seed: Seed of labels, articles and splits.
        progress: Called with 1 after each network.

    Raises:
        BadOption: If an argument is not valid.
        BelowBound: If a network with attention does not beat p*.
    """
    for name in require_list("kinds", kinds, "data sets", 1):
        require_choice("kinds", name, KINDS)
    for name in require_list("selectors", selectors, "names"):
        require_choice("selectors", name, SELECTORS)
    selection = selection_target("selection", selection)
    whole_number("n_networks", n_networks, 1, 1000)
    data = tuple(article_texts(paragraphs, kind, seed=seed) for kind in dict.fromkeys(kinds))
    shares = tuple(
        attention_shares(each, methods, n_networks=n_networks, n_texts=n_texts, progress=progress) for each in data
    )
    rationales = []
    for each in data:
        for selector in dict.fromkeys(selectors):
            rationales.append(score_rationale(each, train_rationale(each, selector, target=selection)))
            progress(1)
    return WordReport(data, shares, tuple(rationales))
