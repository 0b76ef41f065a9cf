"""Rationale models: a selector keeps some words, a classifier sees these words alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor, nn

from attributionlab.text.articles import PADDING
from attributionlab.text.attention import WIDTH
from attributionlab.text.hard_kumaraswamy import HardKumaraswamy

SelectorKind = Literal["reinforce", "hardkuma"]
SELECTORS: tuple[SelectorKind, ...] = ("reinforce", "hardkuma")
"""The RL model of Lei, Barzilay and Jaakkola 2016, and the continuous relaxation of Bastings, Aziz and Titov 2019."""


class WordReader(nn.Module):
    """Embedding and Bi-LSTM; words may be hidden, their embedding is then 0.

    Args:
        n_ids: Number of ids.
        width: Dimensions of embeddings and of each direction's state.
    """

    def __init__(self, n_ids: int, width: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(n_ids, width, padding_idx=PADDING)
        self.states = nn.LSTM(width, width, batch_first=True, bidirectional=True)

    def forward(self, ids: Tensor, shown: Tensor | None = None) -> Tensor:
        """States (b, l, 2 width) of texts (b, l) whose words are shown as much as `shown` (b, l) in [0, 1] says; all by default."""
        embeddings = self.embedding(ids)
        if shown is not None:
            embeddings = embeddings * shown[..., None]
        lengths = (ids != PADDING).sum(dim=1)
        packed = nn.utils.rnn.pack_padded_sequence(embeddings, lengths.cpu(), batch_first=True, enforce_sorted=False)
        states, _ = nn.utils.rnn.pad_packed_sequence(
            self.states(packed)[0], batch_first=True, total_length=ids.shape[1]
        )
        return states


class RationaleModel(nn.Module):
    """A selector of words and a classifier of what it selects, both Bi-LSTMs.

    Args:
        n_ids: Number of ids: words of the vocabulary, padding and unknown words.
        kind: `reinforce`: each word is selected with a probability, and the selector learns from the classifier's loss by REINFORCE.
            `hardkuma`: each word is shown to a degree in [0, 1], drawn from a HardKuma distribution, through which gradients pass.
        n_classes: k.
        width: Dimensions of embeddings and states.

    References:
        Lei, Barzilay and Jaakkola 2016; Bastings, Aziz and Titov 2019.
    """

    def __init__(self, n_ids: int, kind: SelectorKind, n_classes: int = 2, width: int = WIDTH) -> None:
        super().__init__()
        self.kind = kind
        self.selector = WordReader(n_ids, width)
        self.choice = nn.Linear(2 * width, 1 if kind == "reinforce" else 2)
        self.reader = WordReader(n_ids, width)
        self.head = nn.Linear(2 * width, n_classes)

    def forward(self, ids: Tensor) -> Tensor:
        """Logits (b, k) of texts (b, l), from the selected words alone."""
        return self.classify(ids, self.select(ids))

    def choices(self, ids: Tensor) -> Tensor:
        """Raw outputs of the selector, (b, l, 1) logits or (b, l, 2) shape parameters."""
        raw: Tensor = self.choice(self.selector(ids))
        return raw

    def classify(self, ids: Tensor, shown: Tensor) -> Tensor:
        """Logits (b, k) of texts whose words are shown to a degree `shown` (b, l), 0 at padding: the largest state over words decides."""
        states = self.reader(ids, shown)
        states = states.masked_fill((ids == PADDING)[..., None], -1)  # the least that a state can be
        logits: Tensor = self.head(states.amax(dim=1))
        return logits

    @torch.no_grad()
    def select(self, ids: Tensor) -> Tensor:
        """How much each word is shown without chance, (b, l) in [0, 1], 0 at padding.

        RL: 1 where the probability is above 1/2. HardKuma: 0 or 1 where that is the most probable of "0", "1" and "between", else the
        median.
        """
        shown = _SHOWN[self.kind](self.choices(ids))
        return shown * (ids != PADDING)


def _by_probability(raw: Tensor) -> Tensor:
    return (raw[..., 0] > 0).float()


def _by_hard_kumaraswamy(raw: Tensor) -> Tensor:
    words = HardKumaraswamy.of(raw)
    zero, one = words.probability_of_zero, words.probability_of_one
    between = 1 - zero - one
    middle = words.from_uniform(torch.full_like(zero, 0.5))
    is_zero, is_one = (zero >= one) & (zero >= between), (one > zero) & (one >= between)
    return torch.where(is_zero, 0.0, torch.where(is_one, 1.0, middle))


_SHOWN: dict[SelectorKind, Callable[[Tensor], Tensor]] = {
    "reinforce": _by_probability,
    "hardkuma": _by_hard_kumaraswamy,
}
