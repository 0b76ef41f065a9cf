"""Environments of images: sizes, scenes of patches, and the smooth truth."""

from __future__ import annotations

import abc
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from attributionlab.environments.base import Environment, Target
from attributionlab.environments.samples import explained_outputs, is_own, read_signed
from attributionlab.errors import bad_option
from attributionlab.scenes import Scene, colored_ids, patch_ids, render
from attributionlab.specs.arguments import require_list, whole_number
from attributionlab.truth.batch import Batch
from attributionlab.truth.explained import Explained
from attributionlab.truth.ground_truth import GroundTruth

PAPER_SIDE = 224
"""Side of the paper's images; sizes stated for it scale with the image."""

SMALLEST_SIDE = 16

LARGEST_BATCH = 2**34
"""Largest size in bytes of the images and the truth of one batch, which fits into a machine with 32 GB."""

BYTES_OF_TRUTH = 4
"""Bytes per pixel: one for its sign, two for its patch, one for its smooth mask; each channel of the image needs four more."""

LARGEST_SIDE = 4096
"""Side of the largest images: float32 counts up to 4096 x 4096 = 2**24 pixels exactly."""


@dataclass(frozen=True, kw_only=True)
class ImageEnvironment(Environment):
    """Images of patches on a background: inputs (b, c, h, w), colors 0..255, gray 0 or 1.

    Args:
        height: Rows of the images, at least 16.
        width: Columns of the images, at least 16.
    """

    height: int = PAPER_SIDE
    width: int = PAPER_SIDE

    shorthands: ClassVar[Mapping[str, tuple[str, ...]]] = {**Environment.shorthands, "size": ("height", "width")}

    has_smooth_truth: ClassVar[bool] = True

    def __post_init__(self) -> None:
        sides = {"size": self.height} if self.height == self.width else {"height": self.height, "width": self.width}
        for side, value in sides.items():
            whole_number(side, value, SMALLEST_SIDE, LARGEST_SIDE, "float32 counts 2**24 pixels exactly")
        super().__post_init__()

    @abc.abstractmethod
    def signs(self, scene: Scene) -> tuple[int, ...]:
        """Effect of a pixel of each patch on the explained output: +1, -1 or 0."""

    @property
    @abc.abstractmethod
    def background_color(self) -> tuple[int, ...]:
        """Value of each channel outside of patches."""

    @property
    def true_baseline(self) -> Tensor:
        """(c,) float32: the background."""
        return torch.tensor(self.background_color, dtype=torch.float32)

    @property
    def input_range(self) -> tuple[float, float]:
        """0 to 255 for colors, 0 to 1 for gray images."""
        return 0.0, (255.0 if len(self.background_color) > 1 else 1.0)

    @property
    def most_samples(self) -> int:
        """Largest number of images in one batch, limited by `LARGEST_BATCH` bytes."""
        per_image = self.height * self.width * (BYTES_OF_TRUTH + 4 * len(self.background_color))
        return max(1, min(super().most_samples, LARGEST_BATCH // per_image))

    @property
    def scale(self) -> float:
        """The image's smaller side relative to that of the paper's images."""
        return min(self.height, self.width) / PAPER_SIDE

    @property
    def area_scale(self) -> float:
        """The image's area relative to that of the paper's images."""
        return self.height * self.width / PAPER_SIDE**2

    def batch(self, scenes: tuple[Any, ...], *, target: Target = "winner") -> Batch:
        """The images of these scenes and their truth.

        Raises:
            BadOption: If `scenes` is empty, or contains a value that is not a scene of this size, or `target` is no output with a
                known truth.
        """
        for scene in require_list("scenes", scenes, "scenes", 1):
            if not isinstance(scene, Scene) or (scene.height, scene.width) != (self.height, self.width):
                raise bad_option("scenes", f"hold scenes of {self.height}x{self.width} pixels", scene)
        return super().batch(scenes, target=target)

    def inputs_of(self, scene: Scene) -> npt.NDArray[np.generic]:
        """(c, h, w): the rendered scene."""
        return np.moveaxis(render(scene), -1, 0)

    def signed_truth(self, scene: Scene) -> npt.NDArray[np.int8]:
        """(h, w): the sign of the patch that colors a pixel; 0 for the background and for pixels removed by thinning."""
        signed: npt.NDArray[np.int8] = _by_id(self.signs(scene))[colored_ids(scene)]
        return signed

    def signs_of(self, scene: Scene, target: int, explained: Explained) -> tuple[int, ...]:  # noqa: ARG002  # subclasses read all
        """`signs` for another output, as in `signed_truth_of`."""
        return self.signs(scene)

    def signed_truth_of(self, scene: Scene, target: int, explained: Explained) -> npt.NDArray[np.int8]:
        """(h, w): as `signed_truth`, for another output."""
        signed: npt.NDArray[np.int8] = _by_id(self.signs_of(scene, target, explained))[colored_ids(scene)]
        return signed

    def ground_truth(
        self, scenes: Sequence[Scene], targets: Sequence[int] | None = None, explained: Explained | None = None
    ) -> GroundTruth:
        """The truth of these scenes, with the unthinned patches; as in `Environment`."""
        outputs = explained_outputs(self, scenes, targets, explained)
        signed = [read_signed(self, scene, *output) for scene, output in zip(scenes, outputs, strict=True)]
        signs = [
            self.signs(scene) if is_own(self, scene, *output) else self.signs_of(scene, *output)
            for scene, output in zip(scenes, outputs, strict=True)
        ]
        return _truth(scenes, signed, signs)

    def truth_of_signs(self, scene: Scene, signs: Sequence[int]) -> GroundTruth:
        """The truth of one scene from the effects of its patches."""
        return _truth([scene], [_by_id(signs)[colored_ids(scene)]], [signs])

    def describe_scene(self, scene: Scene) -> dict[str, Any]:
        """Shape, color, radius, position and size of each patch."""
        patches = [
            {
                "shape": patch.shape,
                "color": list(patch.color),
                "radius": round(patch.radius, 3),
                "top": patch.top,
                "left": patch.left,
                "n_pixels": patch.n_pixels,
            }
            for patch in scene.patches
        ]
        return {"patches": patches}


def _truth(
    scenes: Sequence[Scene], signed: Sequence[npt.NDArray[np.int8]], signs: Sequence[Sequence[int]]
) -> GroundTruth:
    """The truth of scenes, from the signs of their pixels (h, w) and of their patches."""
    supports = [patch_ids(scene) for scene in scenes]
    smooth = [_by_id(of_patches)[support] > 0 for of_patches, support in zip(signs, supports, strict=True)]
    return GroundTruth(*(torch.from_numpy(np.stack(maps)) for maps in (signed, supports, smooth)))


def _by_id(signs: Sequence[int]) -> npt.NDArray[np.int8]:
    """The sign of each patch id from the signs of the patches; id 0 is the background."""
    return np.array([0, *signs], dtype=np.int8)
