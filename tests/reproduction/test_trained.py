import pytest
import torch

from attributionlab.reproduction import trained
from attributionlab.reproduction.trained import NETWORKS, accuracy, designed_data, study, train

RESNET = "ResNet-8 of Table 1"
LINEAR = NETWORKS["one hidden layer on the pixels"]


def test_halves_add_up_to_the_whole_and_do_not_overlap():
    data = designed_data()
    assert torch.equal(data.whole, data.center + data.edge)
    assert data.whole.max() == 1
    assert all(half.flatten(1).any(dim=1).all() for half in (data.center, data.edge))


def test_the_same_seed_trains_the_same_network():
    data = designed_data()
    first, second, other = (train(LINEAR, data, seed, n_steps=3).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


def test_training_leaves_the_random_state_alone():
    before = torch.get_rng_state()
    train(LINEAR, designed_data(), 0, n_steps=1)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("kind", [kind for kind in NETWORKS if kind != RESNET])
def test_a_trained_network_is_right_on_its_two_images(kind):
    data = designed_data()
    assert accuracy(train(NETWORKS[kind], data, 0), data.whole) == 1


def test_a_network_may_ignore_half_of_what_was_designed():
    data = designed_data()
    network = train(NETWORKS[RESNET], data, 0, n_steps=50)
    assert [accuracy(network, images) for images in (data.whole, data.center, data.edge)] == [1, 1, 0.5]


def test_the_gap_between_the_halves_is_reported(monkeypatch):
    monkeypatch.setattr(trained, "NETWORKS", {"pixels": LINEAR})
    by_claim = {result.claim.key: result.findings[0] for result in study(2, n_steps=20).results}
    edge, center, half = (by_claim[f"figure3.{name}"].ours.by_seed for name in ("edge", "center", "half"))
    assert half == tuple(abs(one - other) for one, other in zip(edge, center, strict=True))


def test_a_study_repeats_itself(monkeypatch):
    monkeypatch.setattr(trained, "NETWORKS", {"pixels": LINEAR})
    assert study(1, n_steps=5) == study(1, n_steps=5)
