"""Rationale models: HardKuma's closed forms, selections, training, scores and their optima."""

import numpy as np
import pytest
import torch

from attributionlab.errors import BadOption
from attributionlab.modification.labels import MeasuredAccuracy
from attributionlab.text import (
    RationaleModel,
    RationaleTraining,
    article_texts,
    generated_paragraphs,
    score_rationale,
    selection_optimum,
    train_rationale,
)
from attributionlab.text.articles import PADDING, Role
from attributionlab.text.hard_kumaraswamy import HardKumaraswamy
from attributionlab.text.rationales import SELECTORS

IDS = torch.tensor([[5, 6, 7, 8], [9, 3, 0, 0]])


@pytest.fixture(scope="module")
def data():
    return article_texts(generated_paragraphs(60), "cn")


def of_kind(kind):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return RationaleModel(20, kind, width=4).eval()


@pytest.mark.parametrize(("a", "b"), [(0.5, 0.5), (1.0, 1.0), (2.0, 0.7), (0.2, 3.0)])
def test_shares_of_samples_that_are_zero_or_one_are_the_closed_forms(a, b):
    words = HardKumaraswamy(torch.tensor([[a]]), torch.tensor([[b]]))
    samples = words.from_uniform((torch.arange(20_000) + 0.5)[None] / 20_000)
    assert samples.min() >= 0
    assert samples.max() <= 1
    # 20,000 evenly spaced quantiles: a share is off by at most one of them, and by float32 at the ends
    assert float((samples == 0).double().mean()) == pytest.approx(float(words.probability_of_zero), abs=3e-4)
    assert float((samples == 1).double().mean()) == pytest.approx(float(words.probability_of_one), abs=3e-4)
    assert float(words.probability_of_selection) == pytest.approx(1 - float(words.probability_of_zero))


def test_a_uniform_kumaraswamy_variable_is_stretched_and_clipped():
    words = HardKumaraswamy(torch.ones(1, 3), torch.ones(1, 3))
    samples = words.from_uniform(torch.tensor([[0.05, 0.5, 0.95]]))
    torch.testing.assert_close(samples, torch.tensor([[0.0, 0.5, 1.0]]))
    torch.testing.assert_close(words.probability_of_zero, torch.full((1, 3), 1 / 12))


@pytest.mark.parametrize("kind", SELECTORS)
def test_the_classifier_sees_the_selected_words_alone(kind):
    model = of_kind(kind)
    shown = torch.tensor([[1.0, 0.0, 0.0, 1.0], [1.0, 0.0, 0.0, 0.0]])
    changed = IDS.clone()
    changed[0, 1:3] = 11
    with torch.no_grad():
        torch.testing.assert_close(model.classify(changed, shown), model.classify(IDS, shown))
        changed[0, 0] = 11
        assert not torch.allclose(model.classify(changed, shown), model.classify(IDS, shown))


@pytest.mark.parametrize("kind", SELECTORS)
def test_selections_have_no_chance_and_no_padding(kind):
    model = of_kind(kind)
    selected = model.select(IDS)
    assert torch.equal(selected, model.select(IDS))
    assert selected.min() >= 0
    assert selected.max() <= 1
    assert (selected[IDS == PADDING] == 0).all()


@pytest.mark.parametrize("kind", SELECTORS)
def test_training_belongs_to_its_seed_and_scores_are_consistent(data, kind):
    steps = []
    trained = train_rationale(data, kind, target=0.2, n_epochs=2, seed=3, progress=steps.append)
    assert steps == [1, 1]
    again = train_rationale(data, kind, target=0.2, n_epochs=2, seed=3)
    assert all(
        torch.equal(tensor, again.model.state_dict()[name]) for name, tensor in trained.model.state_dict().items()
    )
    scores = score_rationale(data, trained)
    assert (scores.kind, scores.selector, scores.target, scores.test) == ("cn", kind, 0.2, trained.test)
    assert scores.selected == 0 or scores.precision <= scores.optimum.precision + 1e-12  # both are ratios of float64
    assert scores.recall <= scores.optimum.recall + 1e-12


class _Articles(RationaleModel):
    """A model that selects the words that follow the label, and reads the label from the first of them."""

    def __init__(self, data):
        super().__init__(len(data.vocabulary) + 2, "reinforce", width=2)
        self.the = data.vocabulary.index("the") + 2
        self.half = None

    def select(self, ids):
        words = (ids != PADDING).sum(dim=1)
        is_first_half = torch.arange(ids.shape[1])[None] < (words // 2)[:, None]
        return ((ids == self.the) & is_first_half).float()

    def forward(self, ids):
        has_the = self.select(ids).any(dim=1)
        return torch.stack([~has_the, has_the], dim=1).float()


def test_a_selector_of_one_word_is_right_by_the_absence_of_that_word(data):
    n = len(data.rows("test"))
    scores = score_rationale(data, RationaleTraining(_Articles(data), 0.05, MeasuredAccuracy(n, n, 0.5)))
    positive = float(np.mean([data.labels[row] for row in data.rows("test")]))
    assert 0 < positive < 1
    assert (scores.precision, scores.non_correlating, scores.covered) == (1.0, 0.0, positive)
    assert scores.right_uncovered == 1.0
    assert scores.recall < 1
    assert "precision 1.000 (at most 1.000)" in str(scores)


def test_optima_are_those_of_the_definition(data):
    roles = [data.roles[row] for row in data.rows("test")]
    correlating, words = sum((each == Role.correlating).sum() for each in roles), sum(map(len, roles))
    few = selection_optimum(data, 0.5 * correlating / words)
    assert (few.precision, few.recall) == (1.0, pytest.approx(0.5))
    assert selection_optimum(data, 1.0).precision == pytest.approx(correlating / words)
    assert selection_optimum(data, 1.0).recall == 1.0
    together, each = selection_optimum(data, 0.05), selection_optimum(data, 0.05, per_text=True)
    assert each.precision <= together.precision
    assert each.recall <= together.recall
    assert np.isnan(selection_optimum(data, 0.0).precision)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda data: train_rationale(data, "rl"), "`kind` must be reinforce or hardkuma, got 'rl'"),
        (lambda data: train_rationale(data, target=0), "`target` must be above 0 and below 1"),
        (lambda data: train_rationale(data, target=2), "`target` must be"),
        (lambda data: train_rationale(data, n_epochs=0), "`n_epochs` must be at least 1"),
        (lambda data: selection_optimum(data, -1), "`selected` must be"),
        (lambda data: score_rationale(data, None), "`training` must be what `train_rationale` returns"),
    ],
)
def test_what_does_not_fit_is_refused(data, call, message):
    with pytest.raises(BadOption, match=message):
        call(data)
