"""Extremal perturbation: the region of a fixed area that, shown alone, maximizes the logit (Fong et al. 2019).

max_m  f(m x + (1 - m) b)  -  w || vecsort(m) - r_a ||^2        r_a: ones for the largest part a, zeros for the rest
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from scipy.ndimage import gaussian_filter
from torch import Tensor, nn
from torch.nn import functional

from attributionlab.errors import bad_option
from attributionlab.methods.base import Declaration, Method, one_by_one, require_at_least, require_images
from attributionlab.methods.diagnostics import record
from attributionlab.networks.designed import logits_of


@dataclass(frozen=True, kw_only=True)
class ExtremalPerturbation(Method):
    """A smooth mask of fixed area that keeps the logit high; the map is the mask.

    On designed networks every mask value below 1 turns colored pixels into unknown colors, where the slope of the detector
    is 0. The mask is therefore enlarged bilinearly from a coarse mask that starts at 1; the paper's smooth maximum never
    reaches 1 and fails here.

    Args:
        area: a, the fraction of the image that is shown.
        baseline: b, the values of hidden pixels: the image under a Gaussian `blur`, `black`, `true` (the background) or a color.
        blur: Standard deviation of the blur in pixels of a 224 pixel wide image.
        cell: Pixels per cell of the coarse mask, in pixels of a 224 pixel wide image.
        n_steps: Steps of Adam.
        learning_rate: Its step size.
        area_weight: Initial w; it grows tenfold until the end.
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

    area: float = 0.1
    baseline: Literal["blur", "black", "true"] | tuple[int, ...] = "blur"
    blur: float = 21.0
    cell: float = 7.0
    n_steps: int = 100
    learning_rate: float = 0.05
    area_weight: float = 300.0

    def __post_init__(self) -> None:
        require_at_least(self, n_steps=1)
        if not 0 < self.area < 1:
            raise bad_option("area", "be above 0 and below 1", self.area)
        for option in ("blur", "cell", "learning_rate", "area_weight"):
            if getattr(self, option) <= 0:
                raise bad_option(option, "be above 0", getattr(self, option))

    def attribute(self, model: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
        """The masks (b, 1, h, w), one image at a time."""
        require_images(self, inputs)
        masks = one_by_one(lambda image, target: self.optimize(model, image, target), inputs, targets)
        record("area_reached", masks.flatten(1).mean(dim=1))
        return masks

    def optimize(self, model: nn.Module, image: Tensor, target: Tensor) -> Tensor:
        """The mask (1, 1, h, w) of one image."""
        height, width = image.shape[2:]
        cell = self.cell * min(height, width) / 224
        coarse = torch.ones(1, 1, max(2, round(height / cell)), max(2, round(width / cell))).to(image)
        hidden, logits = self.hidden(image), logits_of(model)
        scale = float(logits(image).detach()[:, target].abs().clamp(min=1e-6))
        n_shown = round(self.area * height * width)
        reference = torch.cat([torch.zeros(height * width - n_shown), torch.ones(n_shown)]).to(image)
        coarse.requires_grad_()
        optimizer = torch.optim.Adam([coarse], lr=self.learning_rate)
        for step in range(self.n_steps):
            mask = functional.interpolate(coarse, size=(height, width), mode="bilinear", align_corners=True)
            reward = logits(hidden + mask * (image - hidden))[:, target].sum() / scale
            excess = (mask.flatten().sort().values - reference).square().mean()
            weight = self.area_weight * 10 ** (step / self.n_steps)
            (coarse.grad,) = torch.autograd.grad(weight * excess - reward, coarse)
            optimizer.step()
            with torch.no_grad():
                coarse.clamp_(0, 1)
        return functional.interpolate(coarse.detach(), size=(height, width), mode="bilinear", align_corners=True)

    def hidden(self, image: Tensor) -> Tensor:
        """Values of hidden pixels, (1, c, h, w)."""
        if self.baseline != "blur":
            return self.baseline_like(image, self.baseline)
        deviation = self.blur * min(image.shape[2:]) / 224
        blurred = gaussian_filter(image.double().cpu().numpy(), sigma=(0, 0, deviation, deviation))
        return torch.from_numpy(blurred).to(image)
