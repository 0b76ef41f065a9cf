"""The data sets Article, CN and NC: paragraphs in which articles follow a random label, all or those of one half."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from attributionlab.errors import bad_option
from attributionlab.modification.pictures import TRAIN, VALIDATION, Split
from attributionlab.seeding import generator
from attributionlab.specs.arguments import require_choice, require_instance, whole_number
from attributionlab.text.paragraphs import ARTICLES, Paragraphs

Kind = Literal["article", "cn", "nc"]
KINDS: tuple[Kind, ...] = ("article", "cn", "nc")

FEWEST = 20
"""Fewest paragraphs of a data set."""

PADDING, UNKNOWN = 0, 1
"""Ids that are no words."""


class Role(IntEnum):
    """Part of a word in the label."""

    other = 0
    correlating = 1
    non_correlating = 2


@dataclass(frozen=True, eq=False)
class ArticleTexts:
    """Texts whose labels only articles predict; p* is 1/2.

    Args:
        kind: `article`: all articles follow the label. `cn`: those of the first half do, those of the second are all equal and independent of it.
            `nc`: the halves change places.
        words: The words of each text.
        labels: (n,) int64: 1 where correlating articles are "the", 0 where they are "a".
        roles: The role of each word of each text.
        vocabulary: Words of the training texts; the id of a word is its index + 2.
        splits: The split of each text.
        source: Source and digest of the paragraphs.
    """

    kind: Kind
    words: tuple[tuple[str, ...], ...]
    labels: npt.NDArray[np.int64]
    roles: tuple[npt.NDArray[np.int64], ...]
    vocabulary: tuple[str, ...]
    splits: tuple[Split, ...]
    source: str

    def __len__(self) -> int:
        """Number of texts."""
        return len(self.words)

    def rows(self, split: Split) -> list[int]:
        """Indices of the texts of a split."""
        return [index for index, name in enumerate(self.splits) if name == split]

    def ids(self, rows: list[int]) -> Tensor:
        """Ids of the words of texts, (b, l) int64, padded with 0 at the end."""
        index = {word: place + 2 for place, word in enumerate(self.vocabulary)}
        texts = [torch.tensor([index.get(word, UNKNOWN) for word in self.words[row]]) for row in rows]
        return torch.nn.utils.rnn.pad_sequence(texts, batch_first=True, padding_value=PADDING)

    def frequency(self, role: Role) -> float:
        """Share of the words of the test texts that have a role."""
        roles = np.concatenate([self.roles[row] for row in self.rows("test")])
        return float((roles == role).mean())


def article_texts(paragraphs: Paragraphs, kind: str = "article", *, seed: int = 0) -> ArticleTexts:
    """Give each paragraph a random label, and change its articles accordingly.

    Args:
        paragraphs: At least 20 paragraphs, with articles.
        kind: `article`, `cn` or `nc`.
        seed: Seed of labels, of articles that do not follow them, and of splits.

    Raises:
        BadOption: If there are too few paragraphs, one has no article in a half, or the kind does not exist.

    References:
        Zhou et al. 2022, sections 6.1 and 6.2, Figure 9.
    """
    require_instance("paragraphs", paragraphs, Paragraphs, "be Paragraphs")
    chosen: Kind = require_choice("kind", kind, KINDS)  # type: ignore[assignment]  # one of KINDS
    seed = whole_number("seed", seed, 0)
    if len(paragraphs) < FEWEST:
        raise bad_option("paragraphs", f"be at least {FEWEST}", len(paragraphs))
    labels = np.array([int(generator(seed, "label", index).integers(2)) for index in range(len(paragraphs))])
    if labels.min() == labels.max():
        raise bad_option("seed", "draw both labels", seed, f"all {len(labels)} texts have label {labels[0]}")
    texts = [_changed(words, chosen, int(labels[index]), seed, index) for index, words in enumerate(paragraphs.words)]
    splits = _splits(len(texts), seed)
    train = {word for (words, _), split in zip(texts, splits, strict=True) if split == "train" for word in words}
    return ArticleTexts(
        kind=chosen,
        words=tuple(words for words, _ in texts),
        labels=labels,
        roles=tuple(roles for _, roles in texts),
        vocabulary=tuple(sorted(train)),
        splits=splits,
        source=f"{paragraphs.source}, sha256 {paragraphs.digest}",
    )


def _changed(
    words: tuple[str, ...], kind: Kind, label: int, seed: int, index: int
) -> tuple[tuple[str, ...], npt.NDArray[np.int64]]:
    """The words of a text with changed articles, and their roles."""
    middle = len(words) // 2
    correlates = {"article": (True, True), "cn": (True, False), "nc": (False, True)}[kind]
    independent = int(generator(seed, "independent article", index).integers(2))
    changed, roles = list(words), np.zeros(len(words), dtype=np.int64)
    for half, bounds in enumerate((range(middle), range(middle, len(words)))):
        places = [place for place in bounds if words[place] in ARTICLES]
        if not places:
            raise bad_option("paragraphs", "have an article in each half", " ".join(words))
        for place in places:
            changed[place] = "the" if (label if correlates[half] else independent) else "a"
            roles[place] = Role.correlating if correlates[half] else Role.non_correlating
    return tuple(changed), roles


def _splits(n: int, seed: int) -> tuple[Split, ...]:
    """The split of each text."""
    first, second = round(TRAIN * n), round((TRAIN + VALIDATION) * n)
    names: list[Split] = ["test"] * n
    for place, index in enumerate(generator(seed, "text splits").permutation(n)):
        if place < second:
            names[index] = "train" if place < first else "validation"
    return tuple(names)
