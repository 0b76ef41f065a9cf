"""Attribution methods of other libraries as functions `(model, inputs, targets) -> Tensor`, each called as its own documentation shows.

Needs `pip install "attributionlab[findings]"`.
"""

from __future__ import annotations

import importlib
import importlib.metadata
from collections.abc import Callable
from typing import Any

import torch
from captum import attr
from torch import Tensor, nn

Function = Callable[[nn.Module, Tensor, Tensor], Tensor]
LAYER = "accumulator.layers.5"
"""Where CAMs look: the ReLU that ends the second block, as the paper does."""

PACKAGES = ("torch", "captum", "zennit", "shap", "grad-cam")


def versions() -> str:
    """Which versions are measured."""
    return ", ".join(f"{package} {importlib.metadata.version(package)}" for package in PACKAGES)


def layer_of(model: nn.Module) -> nn.Module:
    """The layer at which CAMs look, also where one module has several names."""
    return dict(model.named_modules(remove_duplicate=False))[LAYER]


def of_captum(kind: Callable[..., Any], **options: Any) -> Function:
    """A method of captum with its default options."""
    return lambda model, inputs, targets: kind(model).attribute(inputs, target=targets, **options)


def captum_deepliftshap(model: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
    """DeepLiftShap relative to two black images: it has no default and wants more than one."""
    baselines = torch.zeros_like(inputs[:1]).repeat(2, 1, 1, 1)
    maps: Tensor = attr.DeepLiftShap(model).attribute(inputs, baselines, target=targets)
    return maps


def captum_layergradcam(model: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
    """LayerGradCam, enlarged as captum enlarges."""
    coarse = attr.LayerGradCam(model, layer_of(model)).attribute(inputs, target=targets)
    maps: Tensor = attr.LayerAttribution.interpolate(coarse, inputs.shape[2:], "bilinear")
    return maps


def captum_guidedgradcam(model: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
    """GuidedGradCam."""
    maps: Tensor = attr.GuidedGradCam(model, layer_of(model)).attribute(inputs, target=targets)
    return maps


def of_zennit(name: str, **options: Any) -> Function:
    """A composite of zennit, with the gradient attributor; the explained output is handed back."""

    def function(model: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
        composites, attribution = (importlib.import_module(f"zennit.{part}") for part in ("composites", "attribution"))
        composite = getattr(composites, name)(**options)

        def chosen(output: Tensor) -> Tensor:
            return output * nn.functional.one_hot(targets, output.shape[1])

        with attribution.Gradient(model=model, composite=composite) as attributor:
            maps: Tensor = attributor(inputs, chosen)[1]
        return maps

    return function


def of_shap(name: str, **options: Any) -> Function:
    """An explainer of shap, relative to two black images."""

    def function(model: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
        shap = importlib.import_module("shap")
        explainer = getattr(shap, name)(model, torch.zeros_like(inputs[:1]).repeat(2, 1, 1, 1))
        values = torch.from_numpy(explainer.shap_values(inputs, **options))  # (b, c, h, w, k)
        return values[torch.arange(len(inputs)), ..., targets.cpu()].to(inputs)

    return function


def of_gradcam(name: str) -> Function:
    """A CAM of pytorch-grad-cam; maps are scaled to [0, 1] by the library."""

    def function(model: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
        library = importlib.import_module("pytorch_grad_cam")
        target_of = importlib.import_module("pytorch_grad_cam.utils.model_targets").ClassifierOutputTarget
        with getattr(library, name)(model=model, target_layers=[layer_of(model)]) as cam:
            return torch.from_numpy(cam(inputs, [target_of(target) for target in targets.tolist()])).to(inputs)

    return function


def gradcam_guided(model: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
    """GuidedBackpropReLUModel, which explains one image per call."""
    library = importlib.import_module("pytorch_grad_cam")
    maps = [
        library.GuidedBackpropReLUModel(model)(image.detach().clone(), target)
        for image, target in zip(inputs.split(1), targets.tolist(), strict=True)
    ]
    return torch.stack([torch.from_numpy(values) for values in maps]).permute(0, 3, 1, 2)


FUNCTIONS: dict[str, Function] = {
    "captum Saliency": of_captum(attr.Saliency, abs=False),
    "captum InputXGradient": of_captum(attr.InputXGradient),
    "captum IntegratedGradients": of_captum(attr.IntegratedGradients),
    "captum GuidedBackprop": of_captum(attr.GuidedBackprop),
    "captum Deconvolution": of_captum(attr.Deconvolution),
    "captum DeepLift": of_captum(attr.DeepLift),
    "captum DeepLiftShap": captum_deepliftshap,
    "captum LRP": of_captum(attr.LRP),
    "captum LayerGradCam": captum_layergradcam,
    "captum GuidedGradCam": captum_guidedgradcam,
    "zennit EpsilonPlus": of_zennit("EpsilonPlus"),
    "zennit EpsilonPlusFlat": of_zennit("EpsilonPlusFlat"),
    "zennit EpsilonAlpha2Beta1Flat": of_zennit("EpsilonAlpha2Beta1Flat"),
    "zennit EpsilonGammaBox": of_zennit("EpsilonGammaBox", low=0.0, high=255.0),
    "zennit ExcitationBackprop": of_zennit("ExcitationBackprop"),
    "zennit GuidedBackprop": of_zennit("GuidedBackprop"),
    "zennit DeconvNet": of_zennit("DeconvNet"),
    "shap DeepExplainer": of_shap("DeepExplainer"),
    "shap GradientExplainer": of_shap("GradientExplainer", rseed=0, nsamples=20),
    "grad-cam GradCAM": of_gradcam("GradCAM"),
    "grad-cam GradCAMPlusPlus": of_gradcam("GradCAMPlusPlus"),
    "grad-cam HiResCAM": of_gradcam("HiResCAM"),
    "grad-cam LayerCAM": of_gradcam("LayerCAM"),
    "grad-cam GuidedBackpropReLUModel": gradcam_guided,
}
"""By library and name."""
