from __future__ import annotations

import numpy as np
import pytest
import torch

from attributionlab.seeding import content_key, generator

KEYS = [
    (0,),
    (1,),
    (0, "scene"),
    (0, "scene", 1),
    (0, "scene", 2),
    (1, "scene", 1),
    ("scene", 0),
    (0, "blob", 1),
    (2**80,),
]


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_the_same_key_gives_the_same_numbers(key):
    assert (generator(*key).random(5) == generator(*key).random(5)).all()


def test_different_keys_give_different_numbers():
    assert len({generator(*key).random() for key in KEYS}) == len(KEYS)


def test_streams_do_not_depend_on_what_was_drawn_elsewhere():
    expected = generator(3, "a").random(4)
    generator(3, "b").random(100)
    np.random.default_rng(0).random(7)
    assert (generator(3, "a").random(4) == expected).all()


def test_streams_never_change():
    assert generator(0, "multi-color scene", 7).random(3).tolist() == [
        0.42734950981865116,
        0.3182436770892022,
        0.25940067395221633,
    ]


def test_negative_seeds_are_refused():
    with pytest.raises(ValueError, match="non-negative"):
        generator(-1)


def test_equal_samples_have_equal_fingerprints_alone_and_in_a_batch():
    batch = torch.arange(24.0).reshape(2, 3, 2, 2)
    assert content_key(batch[1]) == content_key(batch[1].clone())
    assert content_key(batch[1]) == content_key(
        batch[1].contiguous(memory_format=torch.preserve_format).requires_grad_()
    )


def test_the_memory_layout_does_not_change_a_fingerprint():
    sample = torch.arange(12.0).reshape(3, 2, 2)
    strided = sample.permute(1, 2, 0).contiguous().permute(2, 0, 1)
    assert not strided.is_contiguous()
    assert content_key(strided) == content_key(sample)


def test_samples_that_differ_in_one_value_have_different_fingerprints():
    sample = torch.zeros(3, 4, 4)
    other = sample.clone()
    other[2, 3, 3] = 1.0
    assert content_key(sample) != content_key(other)


def test_a_fingerprint_is_a_64_bit_number_that_seeds_a_generator():
    key = content_key(torch.ones(2, 2))
    assert 0 <= key < 2**64
    assert generator(0, key).random() == generator(0, key).random()
