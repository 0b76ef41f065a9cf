"""Random numbers as functions of a key, independent of time, process and batch.

Every stream has a key of integers and words (`generator(seed, "scene", index)`), hashed together by numpy's
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
    batch, in any order, on any device, and in float64.
    """
    return _digest(sample.detach().float().cpu().contiguous().numpy().tobytes())


def _word(part: Key) -> int:
    """A part of a key as an integer."""
    return _digest(part.encode()) if isinstance(part, str) else part


def _digest(content: bytes) -> int:
    """A 64-bit hash."""
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "little")
