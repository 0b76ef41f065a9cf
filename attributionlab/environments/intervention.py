"""Truth by intervention: the sign of what the removal of each pixel changes, computed by the network itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch
from einops import repeat
from torch import Tensor

from attributionlab.environments.claims import Case, Claim, in_chunks
from attributionlab.networks.designed import logits_of
from attributionlab.truth.explained import Explained, FloatArray, output_difference

if TYPE_CHECKING:
    from attributionlab.environments.images import ImageEnvironment
    from attributionlab.scenes import Scene

MOST_KEPT = 64
"""Scenes whose removals are kept, because the truth of one is read several times."""


@dataclass(frozen=True, eq=False)
class SceneRemovals:
    """Logits of one scene as it is, and with one pixel after the other at the true baseline.

    Args:
        pixels: (n, 2) int64, positions of the pixels that differ from the baseline; all others have no effect.
        whole: (k,) float64, logits of the scene.
        removed: (n, k) float64, logits without each pixel.
    """

    pixels: npt.NDArray[np.int64]
    whole: FloatArray
    removed: FloatArray


@dataclass(frozen=True, eq=False)
class Removals:
    """Effects of the pixels of scenes on a network whose function has no closed form.

    Args:
        environment: The environment.
    """

    environment: ImageEnvironment
    _kept: dict[Scene, SceneRemovals] = field(default_factory=dict, repr=False)

    def of(self, scene: Scene) -> SceneRemovals:
        """The logits of a scene without each of its pixels."""
        if scene not in self._kept:
            while len(self._kept) >= MOST_KEPT:
                self._kept.pop(next(iter(self._kept)))
            self._kept[scene] = self._compute(scene)
        return self._kept[scene]

    def logits(self, scene: Scene) -> FloatArray:
        """(k,) float64: logits of a scene."""
        return self.of(scene).whole

    def signs(self, scene: Scene, target: int, explained: Explained) -> npt.NDArray[np.int8]:
        """(h, w): +1 where the removal of a pixel lowers the explained output, -1 where it raises it, else 0."""
        removals = self.of(scene)
        signs = np.zeros((scene.height, scene.width), np.int8)
        effects = output_difference(removals.removed, removals.whole, target, explained)
        signs[tuple(removals.pixels.T)] = np.sign(effects)
        return signs

    def signs_of_patches(self, scene: Scene, target: int, explained: Explained) -> tuple[int, ...]:
        """Sign of the sum of the signs of each patch's pixels."""
        signs = self.signs(scene, target, explained)
        return tuple(int(np.sign(signs[patch.window][patch.colored].sum())) for patch in scene.patches)

    @torch.no_grad()
    def _compute(self, scene: Scene) -> SceneRemovals:
        environment, logits = self.environment, logits_of(self.environment.model)
        weights = next(environment.model.parameters())
        image = torch.from_numpy(np.ascontiguousarray(environment.inputs_of(scene))).to(weights)
        baseline = environment.true_baseline.to(weights)
        pixels = (image != baseline[:, None, None]).any(dim=0).nonzero()
        whole = logits(image[None])[0]
        parts = [in_chunks(logits, painted(image, part, baseline)) for part in pixels.split(1024)]
        removed = torch.cat(parts) if parts else whole.new_zeros(0, len(whole))
        return SceneRemovals(pixels.cpu().numpy(), whole.double().cpu().numpy(), removed.double().cpu().numpy())


def effect_claim(environment: ImageEnvironment, case: Case) -> Claim:
    """All pixels of the truth, and only they, change the explained output when they are removed, with the sign of the truth."""
    statement = (
        "removing a pixel of the truth changes the output with its sign, and no other pixel changes it, in the network"
    )
    claim = Claim("effects", statement)
    baseline, logits = environment.true_baseline, logits_of(environment.model)
    n_contested = 0
    for index, image in enumerate(case.batch.inputs):
        signed, target = case.batch.ground_truth.signed[index], int(case.batch.targets[index])
        blank = repeat(baseline, "c -> 1 c h w", h=image.shape[1], w=image.shape[2]).contiguous()
        whole, empty = (logits(inputs).double().numpy() for inputs in (image[None], blank))
        for kind, mask in (("truth", signed != 0), ("rest", signed == 0)):
            pixels = case.choose(mask, index, kind)
            without = in_chunks(logits, painted(image, pixels, baseline)).double().numpy() if len(pixels) else whole[:0]
            effects = np.sign(output_difference(without, whole, target, environment.explains))
            signs = signed[tuple(pixels.T)]
            claim.test(torch.from_numpy(effects) == signs)
            colors = image[:, pixels[:, 0], pixels[:, 1]].T
            shown = [painted(blank[0], pixels[row : row + 1], color) for row, color in enumerate(colors)]
            if shown:
                alone = in_chunks(logits, torch.cat(shown)).double().numpy()
                added = np.sign(output_difference(empty, alone, target, environment.explains))
                n_contested += int((added * signs.numpy() < 0).sum())
    if n_contested and not claim.n_violations:
        claim.note = f"number of pixels that have the opposite effect when they are shown alone: {n_contested}"
    return claim


def painted(image: Tensor, pixels: Tensor, color: Tensor) -> Tensor:
    """Copies of an image (c, h, w), one per pixel (n, 2), with that pixel set to `color` (c,): (n, c, h, w)."""
    copies = repeat(image, "c h w -> n c h w", n=len(pixels)).clone()
    copies[torch.arange(len(pixels)), :, pixels[:, 0], pixels[:, 1]] = color
    return copies
