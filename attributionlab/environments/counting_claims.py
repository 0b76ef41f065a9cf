"""Claims about counts, by intervention on single pixels (Propositions 3.1 and 3.2)."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from attributionlab.environments.claims import Case, Claim, in_chunks
from attributionlab.environments.intervention import painted

if TYPE_CHECKING:
    from attributionlab.environments.counting import CountingEnvironment


def counts_claim(environment: CountingEnvironment, case: Case) -> Claim:
    """Counts are the numbers of pixels in the scenes."""
    claim = Claim("counts", "the counts are the numbers of pixels, exactly")
    numbers = torch.stack([torch.from_numpy(environment.counts(scene)) for scene in case.batch.scenes])
    claim.test(in_chunks(environment.model.counts, case.batch.inputs).double() == numbers)
    return claim


def background_claim(environment: CountingEnvironment) -> Claim:
    """An empty image has counts 0."""
    claim = Claim("background", "an image of nothing but background has counts 0")
    blank = environment.true_baseline[None, :, None, None].expand(1, -1, environment.height, environment.width)
    claim.test(environment.model.counts(blank.contiguous()) == 0)
    return claim


def intervention_claims(environment: CountingEnvironment, case: Case) -> Iterator[Claim]:
    """Change single pixels and compare the counts; logits and float64 probabilities follow from the counts.

    Signs are tested on the odds against the winner, sum_c exp(l_c - l_winner), which fall as its probability rises. The
    probability itself is too close to 1 to show the effect of colors that are far behind.
    """
    sensitivity = Claim("sensitivity", "removing any colored pixel changes a count (Proposition 3.1)")
    symmetry = Claim("symmetry", "removing any colored pixel lowers its own count by 1 and no other (Proposition 3.2)")
    addition = Claim("addition", "coloring any background pixel raises the count of the color by 1 and no other")
    signs = Claim("signs", "removing a winner's pixel lowers its probability, and another color's never does (float64)")
    counts = in_chunks(environment.model.counts, case.batch.inputs)
    head = copy.deepcopy(environment.model.head).double()
    palette, baseline = environment.colors_of_counts, environment.true_baseline
    n_invisible = 0
    for index, image in enumerate(case.batch.inputs):
        colored = (image != baseline[:, None, None]).any(dim=0)
        pixels = case.choose(colored, index, "removed pixels")
        own = (image[:, pixels[:, 0], pixels[:, 1]].T[:, None] == palette).all(dim=2)  # (n, k)
        removed = in_chunks(environment.model.counts, painted(image, pixels, baseline))
        sensitivity.test((removed != counts[index]).any(dim=1))
        symmetry.test((counts[index] - removed == own).all(dim=1))
        if environment.explains == "probability":
            target = int(case.batch.targets[index])
            odds = _odds_against(head(torch.cat([counts[index : index + 1], removed]).double()), target)
            change = odds[1:] - odds[0]
            signs.test(torch.where(own[:, target], change > 0, change <= 0))
            n_invisible += int((change == 0).sum())
        empty = case.choose(~colored, index, "added pixels")
        for count, color in enumerate(palette):
            share = empty[count :: len(palette)]
            added = in_chunks(environment.model.counts, painted(image, share, color)) - counts[index]
            addition.test((added == torch.eye(len(palette))[count]).all(dim=1))
    yield from (sensitivity, symmetry, addition)
    if environment.explains == "probability":
        if n_invisible:
            signs.note = f"{n_invisible} effects of colors far behind are below the resolution of float64"
        yield signs


def _odds_against(logits: Tensor, target: int) -> Tensor:
    """(n,): sum of exp(l_c - l_target) over the other classes."""
    differences = logits - logits[:, target : target + 1]
    differences[:, target] = -torch.inf
    odds: Tensor = differences.exp().sum(dim=1)
    return odds
