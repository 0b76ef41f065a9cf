"""Random numbers that depend on what is drawn, never on when, where or in which batch.

Every stream is named by a key of integers and words (`generator(seed, "scene", index)`), hashed together by numpy's
`SeedSequence`. So sample 7 of seed 0 is the same image alone, in any batch, in any process.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

Key = int | str


def generator(*key: Key) -> np.random.Generator:
    """A random generator that is a function of its key alone."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([_word(part) for part in key])))


def content_key(sample: Tensor) -> int:
    """A 64-bit fingerprint of one sample's values, rounded to float32.

    A seeded method draws from `generator(seed, content_key(inputs[i]))`, so an image gets the same map alone and in a
    batch, in any order, on any device, in float64 too.
    """
    return _digest(sample.detach().float().cpu().contiguous().numpy().tobytes())


def _word(part: Key) -> int:
    return _digest(part.encode()) if isinstance(part, str) else part


def _digest(data: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "little")
