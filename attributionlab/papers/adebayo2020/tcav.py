"""TCAV by captum: the share of images whose output a concept raises, beside the same of random sets of images.

captum writes activations and separating planes to a folder; here this folder is temporary.

References:
    Kim et al. 2018, Interpretability Beyond Feature Attribution: Quantitative Testing with Concept Activation Vectors.
"""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy.stats import ttest_ind_from_stats
from torch import Tensor, nn
from torch.utils.data import DataLoader

from attributionlab.methods.base import captum_quiet
from attributionlab.papers.evidence import Values

BATCH_SIZE = 64


@dataclass(frozen=True, eq=False)
class LayerScores:
    """TCAV scores at a layer: shares of images whose output rises in the direction of a concept.

    Args:
        concepts: By name of a concept: (r,) scores, one for each random set that the concept was separated from.
        random: (r, r) scores of random sets in place of concepts, row from column; NaN on the diagonal, and everywhere if they
            were not measured.
    """

    concepts: Mapping[str, Values]
    random: Values

    @property
    def pairs(self) -> Values:
        """Scores of all pairs of random sets, in both orders, so that no order is preferred."""
        return _off_diagonal(self.random)

    def gain(self, concept: str) -> float:
        """Mean score of a concept less that of pairs of random sets, from -1 to 1."""
        return float(self.concepts[concept].mean() - self.pairs.mean())

    def p_value(self, concept: str) -> float:
        """Probability under the two-sided t-test between the scores of a concept and those of pairs of random sets."""
        return p_value(self.concepts[concept], self.pairs)

    def false_alarms(self, alpha: float) -> float:
        """Share of the random sets that the test calls significant in place of a concept; `alpha` is what a valid test allows."""
        rejected = []
        for index in range(len(self.random)):
            others = np.delete(np.delete(self.random, index, 0), index, 1)
            rejected.append(p_value(np.delete(self.random[index], index), _off_diagonal(others)) < alpha)
        return float(np.mean(rejected))

    def to_dict(self) -> dict[str, Any]:
        """The scores as JSON; NaN becomes null."""
        return {
            "concepts": {name: scores.tolist() for name, scores in self.concepts.items()},
            "random": self.random.tolist(),
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> LayerScores:
        """The scores that `to_dict` stored."""
        concepts = {name: np.array(scores, dtype=np.float64) for name, scores in stored["concepts"].items()}
        return cls(concepts, np.array(stored["random"], dtype=np.float64))


class SeparatingPlane:
    """The classifier of Kim et al. in captum's interface: a hinge loss, descended in a seeded order."""

    def train_and_eval(self, dataloader: Iterable[tuple[Tensor, Tensor]], **_options: object) -> dict[str, Tensor]:
        """Fit to batches of activations (n, d) and identifiers of their concepts (n,); their accuracy."""
        from sklearn.linear_model import SGDClassifier  # noqa: PLC0415  # takes a second to import

        activations, identifiers = (torch.cat(parts).numpy() for parts in zip(*dataloader, strict=True))
        self.plane = SGDClassifier(alpha=0.01, max_iter=1000, tol=1e-3, random_state=0).fit(activations, identifiers)
        return {"accs": torch.tensor(self.plane.score(activations, identifiers))}

    def weights(self) -> Tensor:
        """(2, d): the direction of each of the two concepts."""
        direction = torch.from_numpy(self.plane.coef_).float()
        return torch.cat([-direction, direction])

    def classes(self) -> list[int]:
        """Identifiers of the two concepts, in the order of `weights`."""
        identifiers: list[int] = self.plane.classes_.tolist()
        return identifiers


def tcav_scores(
    model: nn.Module,
    layers: Sequence[str],
    concepts: Mapping[str, Tensor],
    random_sets: Sequence[Tensor],
    inputs: Tensor,
    target: int,
    *,
    with_pairs: bool = True,
) -> dict[str, LayerScores]:
    """TCAV scores of concepts at layers.

    A direction in the activations of a layer separates the images of a concept from a random set. The score is the share of the
    inputs whose output has a positive derivative in this direction.

    Args:
        model: (b, c, h, w) to (b, k), in evaluation mode.
        layers: Paths of modules.
        concepts: Images (n, c, h, w) by name of a concept.
        random_sets: Sets of images (n, c, h, w); at least four for `p_value` and `false_alarms`.
        inputs: (b, c, h, w), images of the class.
        target: The class, whose output is derived.
        with_pairs: Whether to separate the random sets from each other as well.

    Returns:
        The scores by layer.
    """
    n, names = len(random_sets), list(concepts)
    pairs = [(n + index, other) for index in range(len(names)) for other in range(n)]
    pairs += itertools.combinations(range(n), 2) if with_pairs else []
    shares = _sign_counts(model, layers, [*random_sets, *concepts.values()], pairs, inputs, target)
    scores = {}
    for layer, counts in shares.items():
        matrix = np.full((n + len(names), n + len(names)), np.nan)
        for (row, column), (first, second) in zip(pairs, counts, strict=True):
            matrix[row, column], matrix[column, row] = first, second
        scores[layer] = LayerScores(dict(zip(names, matrix[n:, :n], strict=True)), matrix[:n, :n])
    return scores


def _sign_counts(
    model: nn.Module,
    layers: Sequence[str],
    sets: Sequence[Tensor],
    pairs: Sequence[tuple[int, int]],
    inputs: Tensor,
    target: int,
) -> dict[str, list[tuple[float, float]]]:
    """Scores of both sets of each pair by captum, by layer."""
    from captum.concept import TCAV, Concept  # noqa: PLC0415  # it imports matplotlib, which takes a second

    concepts = [
        Concept(index, "images", DataLoader(images, batch_size=BATCH_SIZE))  # type: ignore[arg-type]  # a tensor is a dataset
        for index, images in enumerate(sets)
    ]
    experiments = [[concepts[first], concepts[second]] for first, second in pairs]
    with tempfile.TemporaryDirectory() as folder, captum_quiet(), torch.enable_grad():
        tcav = TCAV(model, list(layers), classifier=SeparatingPlane(), save_path=folder)
        scores = tcav.interpret(inputs, experiments, target=target)
    return {
        layer: [tuple(scores[f"{first}-{second}"][layer]["sign_count"].tolist()) for first, second in pairs]
        for layer in layers
    }


def _off_diagonal(matrix: Values) -> Values:
    """All entries of a matrix (r, r) but its diagonal."""
    entries: Values = matrix[~np.eye(len(matrix), dtype=np.bool_)]
    return entries


def p_value(first: Values, second: Values) -> float:
    """Probability under the two-sided t-test of equal means, as Kim et al. test; 1 for two constants that are equal, 0 if they differ."""
    if np.ptp(first) == 0 and np.ptp(second) == 0:
        return float(first[0] == second[0])
    samples = ((sample.mean(), sample.std(ddof=1), len(sample)) for sample in (first, second))
    return float(ttest_ind_from_stats(*itertools.chain(*samples)).pvalue)
