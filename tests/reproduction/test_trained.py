import pytest
import torch

from attributionlab.reproduction.trained import NETWORKS, accuracy, designed_data, study, train

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


@pytest.mark.parametrize("kind", list(NETWORKS))
def test_a_trained_network_is_right_on_its_two_images(kind):
    data = designed_data()
    assert accuracy(train(NETWORKS[kind], data, 0), data.whole) == 1


def test_both_halves_are_tested_and_the_worse_one_decides():
    report = study(2, n_steps=60)
    by_claim = {result.claim.key: result.findings for result in report.results}
    for edge, center, half in zip(*(by_claim[f"figure3.{name}"] for name in ("edge", "center", "half")), strict=True):
        pairs = zip(edge.ours.by_seed, center.ours.by_seed, strict=True)
        assert half.ours.by_seed == tuple(min(pair) for pair in pairs)


def test_a_study_repeats_itself():
    assert study(1, n_steps=5) == study(1, n_steps=5)
