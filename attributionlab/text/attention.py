"""A bidirectional LSTM with attention, as Zhou et al. 2022 train it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from attributionlab.text.articles import PADDING

WIDTH = 32
"""Dimensions of embeddings, of each direction's state and of the query; the paper has 200."""


class AttentionClassifier(nn.Module):
    """Embedding, Bi-LSTM, attention, linear layer.

    k_i = tanh(Linear(h_i)), b_i = q . k_i, a = softmax(b), h = sum_i a_i h_i; logits = Linear(h).

    Args:
        n_ids: Number of ids: words of the vocabulary, padding and unknown words.
        n_classes: k.
        width: Dimensions of embeddings, states and query.

    References:
        Zhou et al. 2022, Eq. 5 to 8.
    """

    def __init__(self, n_ids: int, n_classes: int = 2, width: int = WIDTH) -> None:
        super().__init__()
        self.embedding = nn.Embedding(n_ids, width, padding_idx=PADDING)
        self.states = nn.LSTM(width, width, batch_first=True, bidirectional=True)
        self.key = nn.Linear(2 * width, width)
        self.query = nn.Parameter(torch.randn(width) / width**0.5)
        self.head = nn.Linear(2 * width, n_classes)

    def forward(self, ids: Tensor) -> Tensor:
        """Logits (b, k) of texts (b, l), padded at the end."""
        return self._classified(self.embedding(ids), (ids != PADDING).sum(dim=1))[0]

    def attend(self, ids: Tensor) -> Tensor:
        """Attention (b, l), which sums to 1 over the words of a text and is 0 at its padding."""
        return self._classified(self.embedding(ids), (ids != PADDING).sum(dim=1))[1]

    def from_embeddings(self, embeddings: Tensor) -> Tensor:
        """Logits (b, k) of texts of one length, given as embeddings (b, c, l)."""
        lengths = torch.full((len(embeddings),), embeddings.shape[2])
        return self._classified(embeddings.transpose(1, 2), lengths)[0]

    def _classified(self, embeddings: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Logits, and attention."""
        packed = nn.utils.rnn.pack_padded_sequence(embeddings, lengths.cpu(), batch_first=True, enforce_sorted=False)
        states, _ = nn.utils.rnn.pad_packed_sequence(
            self.states(packed)[0], batch_first=True, total_length=embeddings.shape[1]
        )
        scores = torch.tanh(self.key(states)) @ self.query
        is_padding = torch.arange(embeddings.shape[1]) >= lengths[:, None]
        attention = scores.masked_fill(is_padding, -torch.inf).softmax(dim=1)
        logits: Tensor = self.head((attention[..., None] * states).sum(dim=1))
        return logits, attention


class EmbeddedTexts(nn.Module):
    """A classifier as a network of embeddings (b, c, l), which attribution methods take.

    Args:
        classifier: The classifier.
    """

    def __init__(self, classifier: AttentionClassifier) -> None:
        super().__init__()
        self.classifier = classifier

    def forward(self, embeddings: Tensor) -> Tensor:
        """Logits (b, k)."""
        return self.classifier.from_embeddings(embeddings)
