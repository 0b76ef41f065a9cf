"""Precision and recall of rationales against the words that follow the label, beside the best that their length allows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from attributionlab.modification.labels import MeasuredAccuracy
from attributionlab.specs.arguments import require_instance, share
from attributionlab.text.articles import ArticleTexts, Role
from attributionlab.text.rationale_training import RationaleTraining
from attributionlab.text.rationales import RationaleModel

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class SelectionOptimum:
    """The best precision and recall of a selection of some length.

    Args:
        precision: Largest share of the selected words that follow the label.
        recall: Largest share of the words that follow the label that are selected.
    """

    precision: float
    recall: float


@dataclass(frozen=True)
class RationaleScores:
    """Rationales of the test texts; shares are over all words of all test texts.

    Args:
        kind: Data set: `article`, `cn` or `nc`.
        selector: `reinforce` or `hardkuma`.
        target: %Sel that the training asked for.
        test: Accuracy from the selected words alone, beside p*.
        selected: %Sel, share of the words that are selected.
        precision: Share of the selected words that follow the label; NaN if none is selected.
        recall: Share of the words that follow the label that are selected.
        non_correlating: Share of the selected words that are articles without information.
        covered: Share of the texts of which a word that follows the label is selected.
        right_uncovered: Share of the other texts that are still classified correctly: there the absence of a word is the evidence.
            NaN if there are none.
        first_words: Share of the selected words that are among the first 5 of their text; large for a selector that reads nothing.
        optimum: For the same %Sel of all texts together (the solid lines of Figures 12 and 13).
        optimum_per_text: For the same %Sel in each text (the dashed lines).
    """

    kind: str
    selector: str
    target: float
    test: MeasuredAccuracy
    selected: float
    precision: float
    recall: float
    non_correlating: float
    covered: float
    right_uncovered: float
    first_words: float
    optimum: SelectionOptimum
    optimum_per_text: SelectionOptimum

    def __str__(self) -> str:
        return (
            f"{self.kind}, {self.selector}: accuracy {self.test.accuracy:.3f}, %Sel {self.selected:.3f}, precision "
            f"{self.precision:.3f} (at most {self.optimum.precision:.3f}), recall {self.recall:.3f} (at most "
            f"{self.optimum.recall:.3f}), {self.covered:.0%} of the texts have a selected word that follows the label"
        )


FIRST = 5
"""Words at the beginning of a text."""


def selection_optimum(data: ArticleTexts, selected: float, *, per_text: bool = False) -> SelectionOptimum:
    """The best precision and recall on the test texts if a share of the words is selected.

    With c correlating words among n, s n of which are selected: precision min(1, c / s n), recall min(1, s n / c).

    Args:
        data: The texts.
        selected: s, the share of selected words, in [0, 1].
        per_text: Whether s holds in each text, instead of in all together. Parts of words count.

    References:
        Zhou et al. 2022, Figures 12 and 13.
    """
    s = share("selected", selected)
    roles = [data.roles[row] for row in data.rows("test")]
    correlating = np.array([(each == Role.correlating).sum() for each in roles], dtype=np.float64)
    kept = s * np.array([len(each) for each in roles], dtype=np.float64)
    if not per_text:
        correlating, kept = correlating.sum(keepdims=True), kept.sum(keepdims=True)
    hits = float(np.minimum(correlating, kept).sum())
    precision = hits / float(kept.sum()) if s else float("nan")
    return SelectionOptimum(precision, hits / float(correlating.sum()))


def selected_words(model: RationaleModel, data: ArticleTexts, rows: list[int]) -> list[Mask]:
    """The words of texts that a model selects without chance."""
    shown = model.select(data.ids(rows)) > 0
    return [mask[: len(data.words[row])].numpy() for mask, row in zip(shown, rows, strict=True)]


def score_rationale(data: ArticleTexts, training: RationaleTraining) -> RationaleScores:
    """Score the rationales of the test texts.

    Args:
        data: The texts on which the model was trained.
        training: The trained model.

    Returns:
        The scores. A rationale of a good model need not have any word that follows the label: where only one of two words is ever
        selected, its absence says as much (`covered`, `right_uncovered`).

    References:
        Zhou et al. 2022, sections 3 and 7.
    """
    require_instance("training", training, RationaleTraining, "be what `train_rationale` returns")
    rows = data.rows("test")
    masks = selected_words(training.model, data, rows)
    with torch.no_grad():
        predicted = training.model(data.ids(rows)).argmax(dim=1).numpy()
    chosen = np.concatenate(masks)
    roles = np.concatenate([data.roles[row] for row in rows])
    hits = chosen & (roles == Role.correlating)
    covered = np.array(
        [bool((mask & (data.roles[row] == Role.correlating)).any()) for mask, row in zip(masks, rows, strict=True)]
    )
    is_right = predicted == data.labels[rows]
    share_selected = float(chosen.mean())
    return RationaleScores(
        kind=data.kind,
        selector=training.model.kind,
        target=training.target,
        test=training.test,
        selected=share_selected,
        precision=_share(hits.sum(), chosen.sum()),
        recall=_share(hits.sum(), (roles == Role.correlating).sum()),
        non_correlating=_share((chosen & (roles == Role.non_correlating)).sum(), chosen.sum()),
        covered=float(covered.mean()),
        right_uncovered=_share((is_right & ~covered).sum(), (~covered).sum()),
        first_words=_share(sum(mask[:FIRST].sum() for mask in masks), chosen.sum()),
        optimum=selection_optimum(data, share_selected),
        optimum_per_text=selection_optimum(data, share_selected, per_text=True),
    )


def _share(part: float, whole: float) -> float:
    """A share; NaN of nothing."""
    return float(part / whole) if whole else float("nan")
