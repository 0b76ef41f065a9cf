"""Agreement of a map with the exact truth: soft precision, recall and F1 (section 4, Eq. 17).

t(a_j) = a_j / max a   if a_j >= 0,   a_j / |min a|   else                (Eq. 17)
precision = sum_j |t_j g_j| / sum_j |t_j|        recall = sum_j |t_j g_j| / sum_j |g_j|

Signed truth counts a hit only where t_j has the sign of g_j. So its F1 is never above that of overall truth, and the difference is
what wrong signs cost.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from attributionlab.specs.arguments import require_choice, require_instance
from attributionlab.tabular import Tabular
from attributionlab.truth.ground_truth import GroundTruth
from attributionlab.truth.kinds import TRUTHS
from attributionlab.truth.maps import attribution_maps


@dataclass(frozen=True, eq=False)
class SoftScores(Tabular):
    """Soft precision, recall and F1, each (b,) float64 in [0, 1], higher is better.

    An all-zero map scores 0. A truth without pixels does not apply; all three are then NaN.
    """

    _table: ClassVar[str] = "attributionlab.reports.tables.scores:soft_table"
    _rows: ClassVar[str] = "attributionlab.reports.tables.scores:soft_rows"

    precision: Tensor
    recall: Tensor
    f1: Tensor


@dataclass(frozen=True, eq=False)
class Agreement(Tabular):
    """Scores against each kind of truth, for example of positive values against features that raise the output."""

    _table: ClassVar[str] = "attributionlab.reports.tables.scores:agreement_table"
    _rows: ClassVar[str] = "attributionlab.reports.tables.scores:agreement_rows"

    overall: SoftScores
    signed: SoftScores
    positive: SoftScores
    negative: SoftScores
    positive_smooth: SoftScores

    def against(self, truth: str) -> SoftScores:
        """The scores against a kind of truth, one of `TRUTHS`.

        Raises:
            BadOption: If there is no such kind of truth.
        """
        require_choice("truth", truth, TRUTHS)
        scores: SoftScores = getattr(self, truth.replace("-", "_"))
        return scores


def normalize(maps: Tensor) -> Tensor:
    """Scale positive values by the largest one and negative values by the largest magnitude (Eq. 17).

    Args:
        maps: (b, *shape).

    Returns:
        (b, *shape) float64 in [-1, 1]; a sign that does not occur stays absent.
    """
    values = maps.double()
    features = tuple(range(1, values.ndim))
    highest = values.amax(dim=features, keepdim=True).clamp(min=0)
    lowest = values.amin(dim=features, keepdim=True).clamp(max=0).abs()
    scale = torch.where(values >= 0, highest, lowest)
    return values / torch.where(scale == 0, 1.0, scale)


def soft_scores(values: Tensor, mask: Tensor, right: Tensor | None = None) -> SoftScores:
    """Soft precision, recall and F1 of values in [0, 1] against a mask.

    Args:
        values: (b, *shape) in [0, 1].
        mask: (b, *shape) bool.
        right: (b, *shape) bool: where a value can be a hit; by default where the mask is.
    """
    credit, truth = values.double().flatten(1), mask.flatten(1).double()
    hits = truth if right is None else (right & mask).flatten(1).double()
    hit, total_credit, total_truth = (credit * hits).sum(dim=1), credit.sum(dim=1), truth.sum(dim=1)
    zero, undefined = torch.zeros_like(hit), torch.full_like(hit, torch.nan)
    precision = torch.where(total_credit > 0, hit / total_credit, zero)
    recall = hit / total_truth
    f1 = torch.where(hit > 0, 2 * hit / (total_credit + total_truth), zero)  # harmonic mean that avoids 0 / 0
    return SoftScores(*(torch.where(total_truth > 0, score, undefined) for score in (precision, recall, f1)))


def score(attribution: Tensor, ground_truth: GroundTruth) -> Agreement:
    """Compare maps with the exact truth.

    Args:
        attribution: (b, *shape), or (b, c, *shape), which is summed over channels with signs.
        ground_truth: The truth of the same samples.

    Returns:
        Scores of shape (b,) for overall, signed, positive, negative and smooth positive truth; NaN where a truth does not apply.

    Raises:
        WrongShape: If the shapes do not match.
        NotFinite: If a value is NaN or infinite.

    References:
        Zhang et al. 2024, section 4 and Eq. 17.

    Example:
        >>> import attributionlab as al
        >>> batch = al.make_environment("multi-color-sum", size=16).sample(2)
        >>> al.score(batch.ground_truth.signed, batch.ground_truth).overall.f1.tolist()
        [1.0, 1.0]
    """
    scores = scores_against(attribution, ground_truth, TRUTHS)
    return Agreement(**{kind.replace("-", "_"): scores[kind] for kind in TRUTHS})


def scores_against(attribution: Tensor, ground_truth: GroundTruth, kinds: Sequence[str]) -> dict[str, SoftScores]:
    """The scores of `score` against some kinds of truth; each kind takes a fifth of the time."""
    require_instance("ground_truth", ground_truth, GroundTruth, "be a GroundTruth")
    batch, *shape = ground_truth.signed.shape
    maps = attribution_maps(attribution, (batch, None, *shape))
    values = normalize(maps.to(ground_truth.overall_mask.device))
    return {kind: _scores_against(kind, values, ground_truth) for kind in kinds}


def _scores_against(kind: str, values: Tensor, truth: GroundTruth) -> SoftScores:
    """The scores of normalized values against a kind of truth."""
    match kind:
        case "overall":
            return soft_scores(values.abs(), truth.overall_mask)
        case "signed":
            return soft_scores(values.abs(), truth.overall_mask, values * truth.signed > 0)
        case "positive":
            return soft_scores(values.clamp(min=0), truth.positive_mask)
        case "negative":
            return soft_scores((-values).clamp(min=0), truth.negative_mask)
    smooth = truth.smooth_positive_mask
    return soft_scores(values.clamp(min=0), torch.zeros_like(values) if smooth is None else smooth)
