"""Sample 0 never changes silently: whoever changes the sampling on purpose changes these and says so in the changelog."""

from __future__ import annotations

import hashlib

import pytest

from attributionlab.environments import make_environment

GOLDEN = {
    "multi-color-sum": ("9bfd12dfdf11898f", "979ed9e4af9f27a4", 1),
    "single-color-modulo": ("d4526b8493f07be6", "d4526b8493f07be6", 28),
    "single-color-sum": ("d4526b8493f07be6", "d4526b8493f07be6", 58),
}


def digest(tensor):
    return hashlib.sha256(tensor.numpy().astype("int64").tobytes()).hexdigest()[:16]


@pytest.mark.parametrize("name", GOLDEN)
def test_the_first_image_and_its_truth_are_those_of_the_record(name):
    batch = make_environment(name, size=32, seed=0).sample(1)
    found = digest(batch.inputs), digest(batch.ground_truth.signed), int(batch.labels)
    assert found == GOLDEN[name]
