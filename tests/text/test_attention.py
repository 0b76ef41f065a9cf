"""The classifier with attention, its training, and Attr% of words by role."""

import math

import pytest
import torch

from attributionlab.errors import BadOption, BelowBound
from attributionlab.text import AttentionClassifier, article_texts, attention_shares, generated_paragraphs, train_text
from attributionlab.text.attention import EmbeddedTexts
from attributionlab.text.word_shares import WORD_METHODS, RoleShares


@pytest.fixture(scope="module")
def data():
    return article_texts(generated_paragraphs(150))


@pytest.fixture
def model():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return AttentionClassifier(20, width=4).eval()


IDS = torch.tensor([[5, 6, 7, 8], [9, 3, 0, 0]])


def test_attention_is_that_of_eq_5_to_8(model):
    with torch.no_grad():
        states, _ = model.states(model.embedding(IDS[:1]))
        scores = [float(model.query @ torch.tanh(model.key(state))) for state in states[0]]
        weights = [math.exp(score) for score in scores]
        weights = [weight / sum(weights) for weight in weights]
        hidden = sum(weight * state for weight, state in zip(weights, states[0], strict=True))
        torch.testing.assert_close(model.attend(IDS[:1])[0], torch.tensor(weights))
        torch.testing.assert_close(model(IDS[:1])[0], model.head(hidden))


def test_padding_gets_no_attention_and_changes_nothing(model):
    with torch.no_grad():
        attention = model.attend(IDS)
        assert attention[1, 2:].tolist() == [0, 0]
        torch.testing.assert_close(attention.sum(dim=1), torch.ones(2))
        torch.testing.assert_close(model(IDS)[1], model(IDS[1:, :2])[0])


def test_a_network_of_embeddings_has_the_same_outputs(model):
    with torch.no_grad():
        embeddings = model.embedding(IDS[:1]).transpose(1, 2)
        torch.testing.assert_close(EmbeddedTexts(model)(embeddings), model(IDS[:1]))


@pytest.mark.wide
def test_training_learns_the_articles_and_belongs_to_its_seed(data):
    first = train_text(data)
    assert first.test.beats_bound
    assert first.test.accuracy >= 0.9
    assert not first.model.training
    again = train_text(data, n_epochs=first.n_epochs).model.state_dict() if first.n_epochs == 20 else None
    assert again is None or all(torch.equal(again[name], tensor) for name, tensor in first.model.state_dict().items())
    one, same = (train_text(data, n_epochs=1, seed=5).model.query for _ in range(2))
    assert torch.equal(one, same)


def test_shares_of_all_roles_sum_to_1_for_every_method(data):
    steps = []
    report = attention_shares(data, n_networks=2, n_texts=2, progress=steps.append)
    assert steps == [1, 1]
    assert len(report.accuracies) == 2
    for method in WORD_METHODS:
        rows = [row for row in report.shares if row.method == method]
        assert [row.role for row in rows] == ["other", "correlating"]
        for network in range(2):
            assert sum(row.means[network] for row in rows) == pytest.approx(1)
        assert sum(row.frequency for row in rows) == pytest.approx(1)
    attention = next(row for row in report.shares if (row.method, row.role) == ("attention", "correlating"))
    assert attention.mean > attention.frequency
    assert "attention, correlating: " in str(report)


def test_shapley_values_of_the_words_add_up_to_the_difference_of_outputs(data):
    model = train_text(data, n_epochs=1).model
    ids, target = data.ids(data.rows("test")[:1]), torch.tensor([1])
    values = WORD_METHODS["shapley sampling"](model, ids, target)
    with torch.no_grad():
        embeddings = model.embedding(ids).transpose(1, 2)
        outputs = model.from_embeddings(torch.cat([embeddings, 0 * embeddings]))[:, 1].double()
    assert float(values.sum()) == pytest.approx(float(outputs[0] - outputs[1]), abs=1e-4)  # float32 outputs


def test_mean_and_deviation_are_over_networks():
    row = RoleShares("attention", "correlating", (0.1, 0.3), 0.05)
    assert (row.mean, row.deviation) == (pytest.approx(0.2), pytest.approx(0.2 / 2**0.5))
    assert str(row) == "attention, correlating: 20.0% +- 14.1% | 5.0%"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"methods": ["attentions"]}, "`methods` must be attention"),
        ({"methods": []}, "`methods` must be a list"),
        ({"n_networks": 0}, "`n_networks` must be at least 1"),
        ({"n_texts": 0}, "`n_texts` must be at least 1"),
        ({"n_epochs": 0}, "`n_epochs` must be at least 1"),
    ],
)
def test_what_does_not_fit_is_refused(data, options, message):
    with pytest.raises(BadOption, match=message):
        attention_shares(data, **options)


def test_a_network_that_does_not_beat_p_star_has_no_shares():
    data = article_texts(generated_paragraphs(20), "nc")
    with pytest.raises(BelowBound, match=r"`model` must beat p\* for a verdict, got accuracy .* with seed 0"):
        attention_shares(data, n_epochs=1, n_texts=1)
