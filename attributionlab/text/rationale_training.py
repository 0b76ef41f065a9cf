"""Training of rationale models with a target for the share of selected words."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from attributionlab.errors import bad_option
from attributionlab.measuring.progress import Progress, no_progress
from attributionlab.modification.labels import MeasuredAccuracy
from attributionlab.seeding import generator
from attributionlab.specs.arguments import require_choice, share, whole_number
from attributionlab.text.articles import PADDING, ArticleTexts
from attributionlab.text.hard_kumaraswamy import HardKumaraswamy
from attributionlab.text.rationales import SELECTORS, RationaleModel, SelectorKind
from attributionlab.text.word_training import BATCH, BOUND, LEARNING_RATE

N_EPOCHS = 30

STRENGTH = 10.0
"""Weight of the penalty on the share of selected words."""

START, FALL = 0.8, 0.5
"""HardKuma's target begins at 80 %, about what it selects untrained, and falls to its value over the first half of the epochs. A target that is low at once
drives all shape parameters to where samples are 0 and gradients vanish. REINFORCE begins at the target."""

LARGEST_GRADIENT = 5.0

N_DRAWS = 4
"""Selections that REINFORCE draws of each text; the reward of one is compared with the mean of the others."""


@dataclass(frozen=True, eq=False)
class RationaleTraining:
    """A trained rationale model.

    Args:
        model: In evaluation mode.
        target: %Sel that the penalty asked for.
        test: Accuracy on the test texts, from the selected words alone, beside p*.
    """

    model: RationaleModel
    target: float
    test: MeasuredAccuracy


def train_rationale(
    data: ArticleTexts,
    kind: str = "hardkuma",
    *,
    target: float = 0.1,
    n_epochs: int = N_EPOCHS,
    seed: int = 0,
    progress: Progress = no_progress,
) -> RationaleTraining:
    """Train a rationale model whose expected share of selected words, over a mini-batch, is drawn to a target.

    The loss is the cross entropy of the classifier plus 10 |%Sel - target|, where %Sel is the *expected* share of selected words, which
    has a gradient. The reward of REINFORCE is compared with a baseline, the mean reward of other selections of the same text.

    Args:
        data: The texts.
        kind: `reinforce` or `hardkuma`.
        target: %Sel, above 0 and below 1.
        n_epochs: Epochs.
        seed: Seed of the weights, of the order of texts and of selections.
        progress: Called with 1 after each epoch.

    Raises:
        BadOption: If an argument is not valid.

    References:
        Zhou et al. 2022, section 7, which penalizes the share of the drawn selection.
    """
    chosen: SelectorKind = require_choice("kind", kind, SELECTORS)  # type: ignore[assignment]  # one of SELECTORS
    target = selection_target("target", target)
    n_epochs, seed = whole_number("n_epochs", n_epochs, 1, 10_000), whole_number("seed", seed, 0)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = RationaleModel(len(data.vocabulary) + 2, chosen)
        if chosen == "reinforce":
            nn.init.constant_(model.choice.bias, float(np.log(target / (1 - target))))
    ids, labels = data.ids(data.rows("train")), torch.from_numpy(data.labels[data.rows("train")])
    optimizer = torch.optim.Adam(model.parameters(), lr=LEARNING_RATE)
    draws = torch.Generator().manual_seed(seed)
    loss_of, start = (_reinforce_loss, target) if chosen == "reinforce" else (_hardkuma_loss, max(target, START))
    for epoch in range(n_epochs):
        current = max(target, start - (start - target) * epoch / (FALL * n_epochs))
        for rows in torch.from_numpy(generator(seed, "rationale epoch", epoch).permutation(len(ids))).split(BATCH):
            optimizer.zero_grad()
            batch = ids[rows]
            loss_of(
                model, batch[:, : int((batch != PADDING).sum(dim=1).max())], labels[rows], current, draws
            ).backward()
            nn.utils.clip_grad_norm_(model.parameters(), LARGEST_GRADIENT)
            optimizer.step()
        progress(1)
    rows = data.rows("test")
    with torch.no_grad():
        predicted = model.eval()(data.ids(rows)).argmax(dim=1)
    n_correct = int((predicted == torch.from_numpy(data.labels[rows])).sum())
    return RationaleTraining(model, target, MeasuredAccuracy(n_correct, len(rows), BOUND))


def selection_target(name: str, value: object) -> float:
    """A share of words to select.

    Raises:
        BadOption: If it is not above 0 and below 1.
    """
    target = share(name, value)
    if target in (0, 1):
        raise bad_option(name, "be above 0 and below 1", value)
    return target


def _penalty(probabilities: Tensor, is_word: Tensor, target: float) -> Tensor:
    """The distance of the expected share of selected words from the target, weighted."""
    return STRENGTH * ((probabilities * is_word).sum() / is_word.sum() - target).abs()


def _reinforce_loss(
    model: RationaleModel, ids: Tensor, labels: Tensor, target: float, draws: torch.Generator
) -> Tensor:
    """Cross entropy for the classifier, REINFORCE for the selector."""
    is_word = ids != PADDING
    logits = model.choices(ids)[..., 0]
    probabilities = logits.sigmoid()
    repeated = probabilities.detach().repeat(N_DRAWS, 1)
    shown = (torch.rand(repeated.shape, generator=draws) < repeated).float() * is_word.repeat(N_DRAWS, 1)
    losses = nn.functional.cross_entropy(
        model.classify(ids.repeat(N_DRAWS, 1), shown), labels.repeat(N_DRAWS), reduction="none"
    )
    reward = -losses.detach().reshape(N_DRAWS, -1)
    advantage = (reward - reward.mean(dim=0)) * N_DRAWS / (N_DRAWS - 1)
    chosen = nn.functional.binary_cross_entropy_with_logits(logits.repeat(N_DRAWS, 1), shown, reduction="none")
    log_probability = -(chosen * is_word.repeat(N_DRAWS, 1)).sum(dim=1).reshape(N_DRAWS, -1)
    return losses.mean() - (advantage * log_probability).mean() + _penalty(probabilities, is_word, target)


def _hardkuma_loss(model: RationaleModel, ids: Tensor, labels: Tensor, target: float, draws: torch.Generator) -> Tensor:
    """Cross entropy through degrees that are drawn."""
    is_word = ids != PADDING
    words = HardKumaraswamy.of(model.choices(ids))
    shown = words.from_uniform(torch.rand(is_word.shape, generator=draws)) * is_word
    loss = nn.functional.cross_entropy(model.classify(ids, shown), labels)
    return loss + _penalty(words.probability_of_selection, is_word, target)
