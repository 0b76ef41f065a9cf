"""Training a classifier on texts."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from attributionlab.measuring.progress import Progress, no_progress
from attributionlab.modification.labels import MeasuredAccuracy
from attributionlab.seeding import generator
from attributionlab.specs.arguments import whole_number
from attributionlab.text.articles import ArticleTexts
from attributionlab.text.attention import AttentionClassifier

LEARNING_RATE = 0.01
BATCH = 32
N_EPOCHS = 20
ENOUGH = 0.99
"""Accuracy on the validation texts at which training ends, if two epochs in a row reach it."""

BOUND = 0.5
"""p*: labels are drawn at random."""


@dataclass(frozen=True, eq=False)
class TextTraining:
    """A trained classifier.

    Args:
        model: In evaluation mode.
        n_epochs: Epochs of training.
        test: Accuracy on the test texts, beside p*.
    """

    model: AttentionClassifier
    n_epochs: int
    test: MeasuredAccuracy


def train_text(
    data: ArticleTexts, *, n_epochs: int = N_EPOCHS, seed: int = 0, progress: Progress = no_progress
) -> TextTraining:
    """Train a classifier until it classifies the validation texts, or the epochs are over.

    Args:
        data: The texts.
        n_epochs: Most epochs.
        seed: Seed of the weights and of the order of texts.
        progress: Called with 1 after each epoch.
    """
    n_epochs, seed = whole_number("n_epochs", n_epochs, 1, 10_000), whole_number("seed", seed, 0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = AttentionClassifier(len(data.vocabulary) + 2)
    ids, labels = data.ids(data.rows("train")), torch.from_numpy(data.labels[data.rows("train")])
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    accuracies: list[float] = []
    for epoch in range(n_epochs):
        for rows in torch.from_numpy(generator(seed, "text epoch", epoch).permutation(len(ids))).split(BATCH):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(ids[rows]), labels[rows]).backward()
            optimizer.step()
        progress(1)
        accuracies.append(_n_correct(model, data, data.rows("validation")) / len(data.rows("validation")))
        if len(accuracies) > 1 and min(accuracies[-2:]) >= ENOUGH:
            break
    tests = data.rows("test")
    return TextTraining(
        model.eval(), len(accuracies), MeasuredAccuracy(_n_correct(model, data, tests), len(tests), BOUND)
    )


@torch.no_grad()
def _n_correct(model: AttentionClassifier, data: ArticleTexts, rows: list[int]) -> int:
    """Number of texts that are classified correctly."""
    predicted: Tensor = model(data.ids(rows)).argmax(dim=1)
    return int((predicted == torch.from_numpy(data.labels[rows])).sum())
