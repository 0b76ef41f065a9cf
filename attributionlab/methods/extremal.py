"""Extremal perturbation: the region of a fixed area that, shown alone, maximizes the logit (Fong et al. 2019).

max_m  f(m x + (1 - m) b)  -  w || vecsort(m) - r_a ||^2        r_a: ones for the largest part a, zeros for the rest
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor, nn
from torch.nn import functional

from attributionlab.errors import bad_option
from attributionlab.methods.base import Method, one_by_one, require_at_least, require_images
from attributionlab.methods.declaration import Declaration
from attributionlab.methods.diagnostics import record
from attributionlab.methods.smooth_mask import SmoothMask, interpolate_levels, pyramid
from attributionlab.networks.designed import logits_of
from attributionlab.seeding import generator
from attributionlab.truth.baselines import Baseline

PAPER_SIDE = 224
"""Side of the images for which lengths are stated; they scale with the image."""

MOMENTUM = 0.9
"""Momentum and dampening of the smooth mask's ascent."""

GROWTH = 1.0035
"""Factor of the area's weight in every step of the smooth mask, as in TorchRay."""

EQUAL = 2.0**-30
"""Values of a mask closer than this are taken for equal: they differ by rounding, which is another one on a GPU."""


@dataclass(frozen=True, kw_only=True)
class ExtremalPerturbation(Method):
    """A mask of fixed area that keeps the logit high; the map is the mask.

    `mask=smooth` is the authors' algorithm, as published in TorchRay: a smooth maximum over cells, between eight levels
    of blur, by gradient ascent with momentum. (TorchRay's area is that of the mask with its margin, ours that of the
    image.) On designed networks every mask value below 1 turns colored pixels into unknown colors. There the slope of
    the detector is 0, and gradient ascent cannot move. `mask=bilinear` is ours for them: enlarged from a coarse mask that
    starts at 1, by Adam.

    Args:
        mask: Kind of mask.
        area: a, the fraction of the image that is shown.
        baseline: b, the values of hidden pixels: the image under a Gaussian `blur`, `black`, `true` (the background), a value per
            channel, or a tensor.
        blur: Standard deviation of the blur in pixels of a 224 pixel wide image.
        cell: Pixels per cell of the coarse mask, in pixels of a 224 pixel wide image.
        width: Width of the smooth mask's kernel, in pixels of a 224 pixel wide image.
        n_steps: Steps of the optimization: 800 for the smooth and 100 for the bilinear mask if none.
        learning_rate: Their size: 0.01 for the smooth and 0.05 for the bilinear mask if none.
        area_weight: Initial w; it grows by 0.35 % in each step for the smooth, and tenfold until the end for the bilinear mask.
    """

    name: ClassVar[str] = "extremal-perturbation"
    declaration: ClassVar[Declaration] = Declaration(
        family="perturbation",
        sign="positive",
        granularity="coarse",
        explains="logit",
        needs=frozenset({"gradients", "baseline"}),
        source="Fong et al. 2019",
    )

    mask: Literal["smooth", "bilinear"] = "smooth"
    area: float = 0.1
    baseline: Baseline | Literal["blur"] = "blur"
    blur: float = 20.0
    cell: float = 7.0
    width: float = 21.0
    n_steps: int | None = None
    learning_rate: float | None = None
    area_weight: float = 300.0

    def __post_init__(self) -> None:
        if self.n_steps is not None:
            require_at_least(self, n_steps=1)
        if not 0 < self.area < 1:
            raise bad_option("area", "be above 0 and below 1", self.area)
        for option in ("blur", "cell", "width", "learning_rate", "area_weight"):
            if getattr(self, option) is not None and getattr(self, option) <= 0:
                raise bad_option(option, "be above 0", getattr(self, option))

    def attribute(self, model: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
        """The masks (b, 1, h, w), one image at a time; the area that each reaches is recorded."""
        require_images(self, inputs)
        optimize = self.optimize_smooth if self.mask == "smooth" else self.optimize_bilinear
        masks = one_by_one(lambda image, target: optimize(model, image, target), inputs, targets)
        areas = masks.flatten(1).mean(dim=1)
        record("area_reached", areas)
        record("area_error", areas / self.area - 1)
        return masks

    def optimize_smooth(self, model: nn.Module, image: Tensor, target: Tensor) -> Tensor:
        """The mask (1, 1, h, w) of one image by the authors' algorithm."""
        height, width = image.shape[2:]
        scale = min(height, width) / PAPER_SIDE
        smooth = SmoothMask((height, width), max(1, round(self.cell * scale)), self.width * scale)
        show, logits = self.levels(image), logits_of(model)
        coarse = _ones(image, *smooth.coarse_shape)
        n_pixels = smooth.weights.shape[2] * smooth.weights.shape[3]
        ascending, reference = _sorting(n_pixels, image.device), torch.ones(n_pixels).to(coarse)
        reference[: n_pixels - round(self.area * height * width)] = 0
        rate = self.learning_rate or 0.01
        optimizer = torch.optim.SGD([coarse], lr=rate, momentum=MOMENTUM, dampening=MOMENTUM)
        weight, mask = self.area_weight, coarse
        for step in range(self.n_steps or 800):
            mask, whole = smooth.enlarge(coarse)
            shown = show(mask.to(image))
            shown = shown.flip(3) if step % 2 == 0 else shown
            reward = logits(shown)[:, target].sum()
            excess = (ascending(whole) - reference).square().mean()
            (coarse.grad,) = torch.autograd.grad(weight * excess - reward, coarse)
            optimizer.step()
            with torch.no_grad():
                coarse.clamp_(0, 1)
            weight *= GROWTH
        return mask.detach().to(image)

    def levels(self, image: Tensor) -> Callable[[Tensor], Tensor]:
        """A function from a mask to the image that it shows."""
        if self.baseline == "blur":
            levels = pyramid(image, self.blur * min(image.shape[2:]) / PAPER_SIDE)
            return lambda mask: interpolate_levels(levels, mask)
        hidden = self.hidden(image)
        return lambda mask: hidden + mask * (image - hidden)

    def optimize_bilinear(self, model: nn.Module, image: Tensor, target: Tensor) -> Tensor:
        """The mask (1, 1, h, w) of one image, enlarged bilinearly."""
        height, width = image.shape[2:]
        cell = self.cell * min(height, width) / PAPER_SIDE
        coarse = _ones(image, max(2, round(height / cell)), max(2, round(width / cell)))
        hidden, logits = self.hidden(image), logits_of(model)
        scale = float(logits(image).detach()[:, target].abs().clamp(min=1e-6))
        n_shown = round(self.area * height * width)
        reference = torch.cat([torch.zeros(height * width - n_shown), torch.ones(n_shown)]).to(coarse)
        ascending = _sorting(height * width, image.device)
        optimizer = torch.optim.Adam([coarse], lr=self.learning_rate or 0.05)
        n_steps = self.n_steps or 100
        for step in range(n_steps):
            mask = functional.interpolate(coarse, size=(height, width), mode="bilinear", align_corners=True)
            reward = logits(hidden + mask.to(image) * (image - hidden))[:, target].sum() / scale
            excess = (ascending(mask) - reference).square().mean()
            weight = self.area_weight * 10 ** (step / n_steps)
            (coarse.grad,) = torch.autograd.grad(weight * excess - reward, coarse)
            optimizer.step()
            with torch.no_grad():
                coarse.clamp_(0, 1)
        mask = functional.interpolate(coarse.detach(), size=(height, width), mode="bilinear", align_corners=True)
        return mask.to(image)

    def hidden(self, image: Tensor) -> Tensor:
        """Values of hidden pixels, (1, c, h, w)."""
        if self.baseline != "blur":
            return self.baseline_like(image, self.baseline)
        deviation = self.blur * min(image.shape[2:]) / PAPER_SIDE
        blurred = gaussian_filter(image.double().cpu().numpy(), sigma=(0, 0, deviation, deviation))
        return torch.from_numpy(blurred).to(image)


def _ones(image: Tensor, height: int, width: int) -> Tensor:
    """A coarse mask (1, 1, height, width) of ones, on the image's device; in float64, whose rounding is far below `EQUAL`."""
    return torch.ones(1, 1, height, width, dtype=torch.float64, device=image.device, requires_grad=True)


def _sorting(n_pixels: int, device: torch.device) -> Callable[[Tensor], Tensor]:
    """A function from a mask to its values in ascending order, with equal values in another random order at every step.

    The orders are the same on every device. In a fixed order, the same pixels would be pushed down at every step, also those
    that the reward holds at 1, and the area would never be met.
    """
    random = generator(0, "ties of a mask")

    def ascending(mask: Tensor) -> Tensor:
        values = mask.flatten()[torch.from_numpy(random.permutation(n_pixels)).to(device)]
        return values[(values.detach() / EQUAL).round().argsort(stable=True)]

    return ascending
