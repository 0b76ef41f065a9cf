"""Claims about colors: each known color activates its own channel, every other color the redundant channels only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import torch
from einops import rearrange
from torch import Tensor

from attributionlab.environments.claims import Case, Claim, in_chunks
from attributionlab.networks import ColorDetector
from attributionlab.scenes import colored_ids
from attributionlab.seeding import generator

N_COALITIONS = 8
"""Random sets of features per scene."""

if TYPE_CHECKING:
    from attributionlab.environments.color_classes import ColorClasses
    from attributionlab.environments.multi_color_sum import MultiColorSum


def color_claims(environment: MultiColorSum, case: Case) -> Iterator[Claim]:
    """Claims about all colors, or about the known colors and 2^18 random ones."""
    detector = environment.model.detector
    assert detector is not None, "a network of colors has a detector"
    known_claim = Claim("known colors", "each color wakes its own channel, the background none")
    unknown_claim = Claim("unknown colors", "every unknown color wakes all redundant channels and no other")
    palette = known_colors(environment)
    n_classes = len(environment.colors)
    expected = torch.eye(len(palette), n_classes + environment.n_redundant)
    expected[-1] = 0
    known_claim.test((_detect(detector, palette) == expected).all(dim=1))
    yield known_claim
    expected_unknown = torch.zeros(n_classes + environment.n_redundant)
    expected_unknown[n_classes:] = 1
    for colors in _colors(case):
        is_known = (colors[:, None] == palette).all(dim=2).any(dim=1)
        unknown_claim.test((_detect(detector, colors[~is_known]) == expected_unknown).all(dim=1))
    yield unknown_claim


def redundancy_claim(environment: MultiColorSum, case: Case) -> Claim:
    """Without redundant channels, logits of designed images stay the same and unknown colors have no effect."""
    statement = "with redundancy off, logits of designed images stay, and unknown colors change nothing"
    claim = Claim("redundancy off", statement)
    without = environment.changed(n_redundant=0)
    images = case.batch.inputs
    logits = in_chunks(environment.model.logits, images)
    claim.test(in_chunks(without.model.logits, images) == logits)
    noise, baseline = random_colors(environment, len(images)), environment.true_baseline[:, None, None]
    is_known = (rearrange(noise, "b c h w -> b h w 1 c") == known_colors(environment)).all(dim=-1).any(dim=-1)
    unseen = torch.where(is_known[:, None], baseline, noise)
    is_background = (images == baseline).all(dim=1, keepdim=True)
    claim.test(in_chunks(without.model.logits, torch.where(is_background, unseen, images)) == logits)
    return claim


def counterpart_claim(environment: MultiColorSum, case: Case) -> Claim:
    """A counterpart's logits are those of the task that it is built for, also when features are removed."""
    statement = "the counterpart counts the second color in place of the winner's, and its truth says so"
    claim = Claim("counterpart", statement)
    numbers = generator(case.seed, "features of the counterpart")
    for scene, image in zip(case.batch.scenes, case.batch.inputs, strict=True):
        winner, second = environment.winner_and_second(scene)
        present = numbers.random((N_COALITIONS, *image.shape[1:])) < numbers.random((N_COALITIONS, 1, 1))
        counts = np.stack([environment.counts(scene, shown) for shown in present])
        counts[:, winner], counts[:, second] = counts[:, second], 0
        shown_images = environment.shown(image.expand(N_COALITIONS, -1, -1, -1), torch.from_numpy(present))
        logits = in_chunks(environment.counterpart_network(winner, second).logits, shown_images).double()
        rescaled = environment.counts_per_logit / environment.counterpart_temperature  # both are powers of two
        claim.test(logits == torch.from_numpy(environment.logits_of_counts(counts) * rescaled))
        lowers = -1 if environment.explains == "probability" else 0
        sign_of = {None: 0, winner: 0, second: 1}
        signs = np.array([0, *(sign_of.get(channel, lowers) for channel in environment.channels(scene))])
        counterpart = environment.counterpart(scene)
        assert counterpart is not None, "environments without counterparts do not claim this"
        claim.test(counterpart.truth.signed[0] == torch.from_numpy(signs[colored_ids(scene)]))
    return claim


def known_colors(environment: MultiColorSum) -> Tensor:
    """(k + 1, 3) float32: the counted colors and the background."""
    return torch.tensor([*environment.colors, environment.background], dtype=torch.float32)


def random_colors(environment: ColorClasses, n: int) -> Tensor:
    """Images of random integer colors, (n, 3, h, w)."""
    shape = (n, 3, environment.height, environment.width)
    values = generator(environment.data_seed, "random colors").random(shape) * 256
    return torch.from_numpy(np.floor(values)).float()


def _colors(case: Case) -> Iterator[Tensor]:
    """All 2^24 colors in chunks (n, 3), or 2^18 random ones."""
    if case.exhaustive:
        for red in range(256):
            plane = torch.cartesian_prod(torch.tensor([red]), torch.arange(256), torch.arange(256))
            yield plane.float()
    else:
        values = generator(case.seed, "colors to detect").random((2**18, 3)) * 256
        yield torch.from_numpy(np.floor(values)).float()


def _detect(detector: ColorDetector, colors: Tensor) -> Tensor:
    """The detector's channels for colors (n, 3): (n, k)."""
    image = rearrange(colors, "n c -> 1 c n 1").contiguous(memory_format=torch.channels_last)
    detected: Tensor = rearrange(detector(image), "1 k n 1 -> n k")
    return detected
