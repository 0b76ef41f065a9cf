"""Attr% of words by their role in the label, for attention and other methods on the same networks (Table 1)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from attributionlab.environments.trained import TrainedNetwork
from attributionlab.errors import BelowBound
from attributionlab.games import exact_values
from attributionlab.measuring.progress import Progress, no_progress
from attributionlab.methods import make_method
from attributionlab.modification import attribution_percentage
from attributionlab.modification.labels import MeasuredAccuracy
from attributionlab.seeding import generator
from attributionlab.specs.arguments import require_choice, require_list, whole_number
from attributionlab.text.articles import ArticleTexts, Role
from attributionlab.text.attention import AttentionClassifier, EmbeddedTexts
from attributionlab.text.word_training import N_EPOCHS, train_text
from attributionlab.truth import LabeledImages

Values = npt.NDArray[np.float64]

N_STEPS = 20
"""Nodes of integrated gradients."""

N_COALITIONS = 200
"""Texts with hidden words for LIME."""

KERNEL_WIDTH = 0.25
"""Width of LIME's kernel on cosine distances."""

N_ORDERS = 10
"""Random orders of Shapley sampling."""


def _attention(model: AttentionClassifier, ids: Tensor, _target: Tensor) -> Tensor:
    """Attention weights."""
    return model.attend(ids)[0].detach()


def _by_method(spec: str) -> Callable[[AttentionClassifier, Tensor, Tensor], Tensor]:
    """A method on embeddings, summed over their dimensions."""

    def attribute(model: AttentionClassifier, ids: Tensor, target: Tensor) -> Tensor:
        return make_method(spec)(EmbeddedTexts(model), _embedded(model, ids), target)[0]

    return attribute


def _shapley(model: AttentionClassifier, ids: Tensor, target: Tensor) -> Tensor:
    """Shapley values of the words from random orders; an absent word has the embedding 0."""
    embeddings = _embedded(model, ids)
    network = TrainedNetwork(EmbeddedTexts(model).eval(), torch.zeros(embeddings.shape[1]))
    return exact_values(network, LabeledImages(embeddings, target), "shapley", n_orders=N_ORDERS).values[0]


def _lime(model: AttentionClassifier, ids: Tensor, target: Tensor) -> Tensor:
    """Coefficients of a weighted ridge regression on texts with hidden words, whose embeddings are 0."""
    from sklearn.linear_model import Ridge  # noqa: PLC0415  # takes a second to import

    embeddings = _embedded(model, ids)
    random = generator(0, "hidden words", ids.shape[1], *map(int, ids[0]))
    shown = random.integers(0, 2, (N_COALITIONS, ids.shape[1]))
    shown[0] = 1
    with torch.no_grad():
        switched = embeddings * torch.from_numpy(shown)[:, None].to(embeddings)
        outputs = model.from_embeddings(switched)[:, int(target)].double().numpy()
    similarity = shown.mean(axis=1) ** 0.5  # cosine of ones and zeros to ones
    weights = np.exp(-((1 - similarity) ** 2) / (2 * KERNEL_WIDTH**2))
    coefficients: Values = Ridge(alpha=1.0).fit(shown, outputs, weights).coef_
    return torch.from_numpy(coefficients)


WORD_METHODS: dict[str, Callable[[AttentionClassifier, Tensor, Tensor], Tensor]] = {
    "attention": _attention,
    "gradient x embedding": _by_method("input-x-gradient"),
    "integrated gradients": _by_method(f"integrated-gradients[n_steps={N_STEPS}]"),
    "lime": _lime,
    "shapley sampling": _shapley,
}
"""Functions `(model, ids (1, l), target (1,)) -> (l,)`."""


@dataclass(frozen=True)
class RoleShares:
    """Attr% of a method on words of one role.

    Args:
        method: Name of the method.
        role: Name of the role.
        means: Mean Attr% over the texts, for each network.
        frequency: Share of the words with this role.
    """

    method: str
    role: str
    means: tuple[float, ...]
    frequency: float

    @property
    def mean(self) -> float:
        """Mean over networks."""
        return float(np.mean(self.means))

    @property
    def deviation(self) -> float:
        """Standard deviation over networks; NaN for one."""
        return float(np.std(self.means, ddof=1)) if len(self.means) > 1 else float("nan")

    def __str__(self) -> str:
        return f"{self.method}, {self.role}: {self.mean:.1%} +- {self.deviation:.1%} | {self.frequency:.1%}"


@dataclass(frozen=True)
class WordShares:
    """Attr% of methods on all roles, over several networks.

    Args:
        kind: Data set.
        accuracies: Test accuracy of each network, beside p*.
        shares: A row for each method and role that occurs.
    """

    kind: str
    accuracies: tuple[MeasuredAccuracy, ...]
    shares: tuple[RoleShares, ...]

    def __str__(self) -> str:
        return "\n".join([f"{self.kind}: {len(self.accuracies)} networks", *map(str, self.shares)])


def attention_shares(
    data: ArticleTexts,
    methods: Sequence[str] = tuple(WORD_METHODS),
    *,
    n_networks: int = 11,
    n_texts: int = 20,
    n_epochs: int = N_EPOCHS,
    progress: Progress = no_progress,
) -> WordShares:
    """Train networks with consecutive seeds, and measure Attr% of words that follow the label, of those that do not, and of others.

    The explained output is the logit of the predicted class. An accuracy near 1 needs the correlating articles alone.

    Args:
        data: The texts.
        methods: Names of `WORD_METHODS`.
        n_networks: Number of networks.
        n_texts: Largest number of test texts to explain.
        n_epochs: Most epochs of training.
        progress: Called with 1 after each network.

    Returns:
        Mean and standard deviation over networks, as in Table 1.

    Raises:
        BadOption: If an argument is not valid.
        BelowBound: If a network does not beat p*.

    References:
        Zhou et al. 2022, section 6, Table 1.
    """
    for name in require_list("methods", methods, "names", 1):
        require_choice("methods", name, WORD_METHODS)
    whole_number("n_networks", n_networks, 1, 1000)
    rows = data.rows("test")[: whole_number("n_texts", n_texts, 1)]
    means: dict[tuple[str, Role], list[float]] = {}
    accuracies = []
    for seed in range(n_networks):
        training = train_text(data, n_epochs=n_epochs, seed=seed)
        if not training.test.beats_bound:
            raise BelowBound(f"`model` must beat p* for a verdict, got {training.test} with seed {seed}")
        accuracies.append(training.test)
        for key, value in mean_shares(training.model, data, methods, rows).items():
            means.setdefault(key, []).append(value)
        progress(1)
    shares = [
        RoleShares(method, role.name, tuple(values), data.frequency(role)) for (method, role), values in means.items()
    ]
    return WordShares(data.kind, tuple(accuracies), tuple(shares))


def mean_shares(
    model: AttentionClassifier, data: ArticleTexts, methods: Sequence[str], rows: list[int]
) -> dict[tuple[str, Role], float]:
    """Mean Attr% of each method and role on one network, over the texts of these rows."""
    texts = [(data.ids([row]), torch.from_numpy(data.roles[row])) for row in rows]
    with torch.no_grad():
        targets = [model(ids).argmax(dim=1) for ids, _ in texts]
    means = {}
    for method in methods:
        maps = [WORD_METHODS[method](model, ids, target) for (ids, _), target in zip(texts, targets, strict=True)]
        for role in Role:
            regions = [roles == role for _, roles in texts]
            if any(region.any() for region in regions):
                shares = [
                    float(attribution_percentage(values[None], region))
                    for values, region in zip(maps, regions, strict=True)
                ]
                means[method, role] = float(np.mean(shares))
    return means


def _embedded(model: AttentionClassifier, ids: Tensor) -> Tensor:
    """The embeddings of a text, (1, c, l)."""
    embeddings: Tensor = model.embedding(ids).detach().transpose(1, 2).contiguous()
    return embeddings
