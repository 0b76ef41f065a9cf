import pytest
import torch
from torch import nn

from attributionlab.papers.claims import Status
from attributionlab.papers.zhang2024 import trained
from attributionlab.papers.zhang2024.trained import NETWORKS, accuracy, designed_data, figure3, train

RESNET = "ResNet-8 of Table 1"
LINEAR = NETWORKS["one hidden layer on the pixels"]


def test_halves_add_up_to_the_whole_and_do_not_overlap():
    data = designed_data()
    assert torch.equal(data.whole, data.center + data.edge)
    assert data.whole.max() == 1
    assert all(half.flatten(1).any(dim=1).all() for half in (data.center, data.edge))


def test_the_same_seed_trains_the_same_network():
    data = designed_data()
    first, second, other = (train(LINEAR, data.whole, seed, n_steps=3).state_dict() for seed in (0, 0, 1))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


def test_training_leaves_the_random_state_alone():
    before = torch.get_rng_state()
    train(LINEAR, designed_data().whole, 0, n_steps=1)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("kind", [kind for kind in NETWORKS if kind != RESNET])
def test_a_trained_network_is_right_on_its_two_images(kind):
    data = designed_data()
    assert accuracy(train(NETWORKS[kind], data.whole, 0), data.whole) == 1


def test_a_network_may_ignore_half_of_what_was_designed():
    data = designed_data()
    network = train(NETWORKS[RESNET], data.whole, 0, n_steps=50)
    assert [accuracy(network, images) for images in (data.whole, data.center, data.edge)] == [1, 1, 0.5]


def test_the_gap_between_the_halves_is_reported(monkeypatch):
    monkeypatch.setattr(trained, "NETWORKS", {"pixels": LINEAR})
    by_claim = {result.claim.key: result.findings[0] for result in figure3(2, n_steps=20).claims}
    edge, center, half = (by_claim[f"figure3.{name}"].ours.by_seed for name in ("edge", "center", "half"))
    assert half == tuple(abs(one - other) for one, other in zip(edge, center, strict=True))


def test_a_study_repeats_itself(monkeypatch):
    monkeypatch.setattr(trained, "NETWORKS", {"pixels": LINEAR})
    assert figure3(1, n_steps=5) == figure3(1, n_steps=5)


class Says(nn.Module):
    """Right or guessing, as sure as it is told, by what it is shown."""

    def __init__(self, **sure):
        super().__init__()
        data = designed_data()
        shown = {"whole": data.whole, "edge": data.edge, "center": data.center}
        self.answers = [(shown[name], *answer) for name, answer in sure.items()]

    def forward(self, images):
        (answer,) = (answer for part, *answer in self.answers if torch.equal(part, images))
        right, logit = answer
        return logit * torch.eye(2) if right else torch.tensor([[logit, 0.0], [logit, 0.0]])


def judged(name, target, *networks):
    data = designed_data()
    parts = {"whole": data.whole, "edge": data.edge, "center": data.center}
    return trained._finding(name, target, "kind", networks, parts)


def test_the_gap_counts_whichever_half_is_ignored_and_the_reason_says_so():
    ignores_edge = Says(whole=(True, 1), edge=(False, 1), center=(True, 1))
    ignores_center = Says(whole=(True, 1), edge=(True, 1), center=(False, 1))
    other, same = judged("half", 0.5, ignores_edge), judged("half", 0.5, ignores_center)
    assert (other.ours.value, other.status, other.share) == (0.5, Status.reproduced, 1)
    assert "some ignore the edge" in other.reason
    assert (same.ours.value, same.status, same.reason) == (0.5, Status.reproduced, "holds")
    assert judged("half", 1.0, ignores_center).status is Status.not_reproduced, "another gap is another"


def test_accuracies_are_those_of_the_part_that_is_named():
    network = Says(whole=(True, 1), edge=(True, 1), center=(False, 1))
    assert [judged(name, 1.0, network).ours.value for name in ("whole", "edge", "center")] == [1, 1, 0.5]


def test_being_surer_of_the_edge_is_the_direction():
    surer = Says(whole=(True, 3), edge=(True, 3), center=(True, 1))
    less_sure = Says(whole=(True, 3), edge=(True, 1), center=(True, 3))
    assert judged("center", 0.5, surer).status is Status.direction
    assert judged("center", 0.5, less_sure).status is Status.not_reproduced


def test_guessing_on_both_halves_is_told():
    both = Says(whole=(True, 1), edge=(False, 1), center=(False, 1))
    assert "neither half alone suffices" in judged("center", 0.5, both).reason
    assert judged("center", 0.5, Says(whole=(True, 1), edge=(True, 1), center=(False, 1))).reason == "holds"


def test_confidence_is_the_probability_of_the_right_class():
    network, data = Says(edge=(False, 2.0)), designed_data()
    outputs = torch.tensor([[2.0, 0.0], [2.0, 0.0]]).softmax(dim=1)
    assert trained.confidence(network, data.edge) == pytest.approx(float(outputs[0, 0] + outputs[1, 1]) / 2)


def test_a_trained_network_is_in_evaluation_mode():
    assert not train(LINEAR, designed_data().whole, 0, n_steps=1).training
