"""Mistakes of an environment's author: each is one line that names the member, or a claim with its first counterexample."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import attributionlab as al
from attributionlab.errors import BrokenEnvironment

sys.path.insert(0, str(Path(__file__).parents[1]))
from table_environment import WeightedColumns


def raises(_environment, *_):
    raise KeyError("columns")


def changed(member, value, **further):
    """An environment with one member replaced, or several."""
    return type("Changed", (WeightedColumns,), {"name": "changed", member: value, **further})()


RETURNED = [
    ("explains", "output", "be probability, logit or value, got 'output'"),
    ("inputs_of", lambda _, scene: [scene], r"return real numbers of shape (c, *shape), as (1, h, w) or (1, d), got list"),
    ("inputs_of", lambda _, scene: scene, "return real numbers of shape (c, *shape), as (1, h, w) or (1, d), got int64 of shape (6,)"),
    ("label", lambda *_: 0.5, "return an integer, got 0.5"),
    ("target_of", lambda *_: 0.5, "return an integer, got 0.5"),
    ("signed_truth", lambda _, scene: scene[None], "return an array of shape (6,), that of the input without channels, got int64 of shape (1, 6)"),
    ("signed_truth", lambda *_: np.full(6, 0.5), "return 1, -1 and 0 only, got 0.5"),
    ("signed_truth", lambda *_: np.full(6, 256), "return 1, -1 and 0 only, got 256"),
    ("true_baseline", torch.zeros(3), "be a tensor of shape (1,), one number for each channel, got float32 of shape (3,)"),
    ("true_baseline", 0.0, "be a tensor of shape (1,), one number for each channel, got float"),
    ("build_network", lambda _: None, "return a torch.nn.Module, got None"),
    ("build_network", lambda _: nn.Flatten(0), "map inputs (8, 1, 6) to outputs (8, k), got float32 of shape (48,)"),
    ("logits", lambda *_: 1.0, "return an array of shape (2,), one number for each output of the network, got float"),
]  # fmt: skip


@pytest.mark.parametrize(("member", "value", "message"), RETURNED)
def test_a_member_that_returns_something_else_is_named_by_verify(member, value, message):
    with pytest.raises(BrokenEnvironment, match=rf"^`{member}` of changed must {re.escape(message)}$"):
        al.verify(changed(member, value))


CHECKED = [
    ("scene", raises, r"`scene` of changed raised KeyError: 'columns'"),
    ("logits", lambda *_: np.zeros((1, 2)), r"`logits` of changed must return an array of shape \(k,\), one number for each output of the network, got float64 of shape \(1, 2\)"),
    ("true_baseline", 0.0, r"`true_baseline` of changed must be a tensor of shape \(1,\), one number for each channel, got float"),
]  # fmt: skip


@pytest.mark.parametrize(("member", "value", "message"), CHECKED)
def test_a_wrong_member_is_named_by_check(member, value, message):
    with pytest.raises(BrokenEnvironment, match=f"^{message}"):
        al.check("gradient", changed(member, value), n_samples=4)


def test_a_wrong_true_baseline_is_named_by_answers():
    with pytest.raises(BrokenEnvironment, match=r"^`true_baseline` of changed must be a tensor of shape \(1,\)"):
        al.answers("gradient", changed("true_baseline", 0.0), n_samples=4)


MEMBERS = ("scene", "inputs_of", "signed_truth", "label", "target_of", "build_network", "logits", "claims")


@pytest.mark.parametrize("member", [*MEMBERS, "explains", "true_baseline"])
def test_a_member_that_raises_is_named_with_its_line(member):
    value = raises if member in MEMBERS else property(raises)
    with pytest.raises(BrokenEnvironment, match=rf"^`{member}` of changed raised KeyError: 'columns'") as error:
        al.verify(changed(member, value))
    assert isinstance(error.value.__cause__, KeyError)
    assert error.value.exit_code == 1


def test_the_line_of_the_environments_file_is_named():
    class Mistaken(WeightedColumns):
        def label(self, scene):
            return np.stack(scene[:0])

    line = Mistaken.label.__code__.co_firstlineno + 1
    with pytest.raises(
        BrokenEnvironment, match=rf"^`label` of weighted-columns raised .* \(line {line} of .*test_members.py\)$"
    ):
        Mistaken().sample(1)


def test_claims_must_be_claims():
    with pytest.raises(
        BrokenEnvironment, match=r"^`claims` of changed must yield `attributionlab.environments.Claim`, got True$"
    ):
        al.verify(changed("claims", lambda *_: iter([True])))


def test_a_network_of_probabilities_must_have_logits():
    message = "return a network with a method `logits`, as its outputs are probabilities, got Sequential"
    with pytest.raises(BrokenEnvironment, match=f"^`build_network` of changed must {message}$"):
        al.verify(changed("explains", "probability"))


def test_a_network_that_gives_nan_is_named():
    class Undefined(nn.Module):
        def forward(self, inputs):
            return torch.full((len(inputs), 2), torch.nan)

    with pytest.raises(
        BrokenEnvironment, match=r"^`build_network` of changed must give finite outputs, got NaN or infinity$"
    ):
        al.verify(changed("build_network", lambda _: Undefined()))


def test_inputs_of_different_shapes_are_refused():
    ragged = changed("inputs_of", lambda _, scene: np.zeros((1, 3 + scene[0] % 2)))
    with pytest.raises(
        BrokenEnvironment, match=r"^`inputs_of` of changed must return one shape, got \(1, 3\) and \(1, 4\)$"
    ):
        ragged.sample(8)


def test_a_label_must_be_an_output_of_the_network():
    environment = changed("label", lambda *_: 2, signed_truth=lambda *_: np.ones(6))
    with pytest.raises(
        BrokenEnvironment, match=r"^`label` of changed must be an output of the network, 0 to 1, got \[2\]$"
    ):
        al.verify(environment)


def test_labels_and_truths_may_be_booleans():
    environment = changed("label", lambda _, scene: scene[0] > 0, signed_truth=lambda _, scene: scene > 0)
    batch = environment.sample(4)
    assert batch.labels.tolist() == [int(scene[0] > 0) for scene in batch.scenes]
    assert batch.ground_truth.signed.dtype == torch.int8


truth_of = WeightedColumns.signed_truth


def violations(environment):
    return {claim.name: claim.note for claim in al.verify(environment, n_samples=2).claims if not claim.holds}


def test_a_wrong_label_is_found_with_the_sample():
    network = changed("label", lambda self, scene: int(np.argmin(self.weights @ scene)))
    assert re.fullmatch(
        r"first violation: sample 0: the network gives [01], `label` [01]", violations(network)["outputs"]
    )


@pytest.mark.parametrize(
    ("lie", "text"),
    [
        (lambda self, scene: -truth_of(self, scene), r"truth [+-]1, effect \S+ alone and \S+ in the whole"),
        (lambda *_: np.zeros(6), r"truth \+0, effect \S+ alone and \S+ in the whole"),
        (lambda self, scene: np.where(truth_of(self, scene) == 0, 1, truth_of(self, scene)), r"truth \+1, effect \S+ alone and \S+ in the whole"),
    ],
    ids=["flipped", "forgotten", "invented"],
)  # fmt: skip
def test_a_truth_that_contradicts_the_closed_form_is_found_with_the_feature(lie, text):
    found = violations(changed("signed_truth", lie))
    assert set(found) == {"truth", "shapley values"}
    assert re.fullmatch(rf"first violation: sample 0, feature \(\d,\): {text}", found["truth"])


def test_an_environment_is_verified_by_its_spec():
    assert al.verify("single-color-sum[size=16]", n_samples=1, n_pixels=2).environment == "single-color-sum[size=16]"


@pytest.mark.parametrize("member", ["logits", "claims"])
def test_a_short_memory_is_no_mistake_of_the_author(member):
    def full(_environment, *_):
        raise RuntimeError("[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory")

    with pytest.raises(RuntimeError, match="can't allocate memory"):
        al.verify(changed(member, full), n_samples=1)
