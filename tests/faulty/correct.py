"""Correct methods of four libraries, as their documentation calls them, and of our own: none may be flagged."""

from __future__ import annotations

import copy
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import torch
from captum import attr
from faulty.methods import gradient, gradient_magnitude, input_x_gradient
from faulty.targets import midpoints, path_integral
from torchvision_shim import install_where_missing

from attributionlab.methods import adapt, declares

install_where_missing()

from zennit import attribution, composites  # noqa: E402  # needs torchvision


def captum(kind, **options):
    """A method of captum; `options` are those of `attribute`."""

    def method(model, inputs, targets):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return kind(model).attribute(inputs.clone(), target=targets, **options).detach()

    method.__name__ = f"captum {kind.__name__}"
    return method


def captum_gradient_shap(model, inputs, targets):
    explainer = attr.GradientShap(model)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return explainer.attribute(inputs.clone(), torch.zeros_like(inputs), n_samples=4, target=targets).detach()


def grid(inputs, side=8):
    """Segments of side x side pixels, (1, 1, h, w)."""
    rows = torch.arange(inputs.shape[2], device=inputs.device) // side
    columns = torch.arange(inputs.shape[3], device=inputs.device) // side
    return (rows[:, None] * (int(columns.max()) + 1) + columns)[None, None]


def on_segments(kind, **options):
    """A method of captum on segments, with the default declaration of a developer who knows it."""

    @declares(granularity="segment", randomness="global")
    def method(model, inputs, targets):
        explain = kind(model).attribute
        masks = grid(inputs)
        maps = explain(inputs.clone(), target=targets, feature_mask=masks, baselines=20.0, **options)
        return maps.detach()[:, :1]

    method.__name__ = f"captum {kind.__name__} on segments"
    return method


def noise_tunnel(kind, **options):
    def method(model, inputs, targets):
        tunnel = attr.NoiseTunnel(attr.Saliency(model))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return tunnel.attribute(
                inputs.clone(), target=targets, nt_type=kind, nt_samples=4, abs=False, **options
            ).detach()

    method.__name__ = f"captum NoiseTunnel {kind}"
    return method if kind == "smoothgrad" else declares(sign="magnitude")(method)


def zennit(composite, *, is_gradient=False):
    """A composite of zennit; relevance starts from the output of the target, a gradient from 1, and rules share by position."""

    @declares(symmetric=False)
    def method(model, inputs, targets):
        picked = copy.deepcopy(model)
        with attribution.Gradient(model=picked, composite=composite()) as attributor:
            chosen = torch.nn.functional.one_hot(targets, 4).to(inputs)
            _, relevance = attributor(inputs.clone(), chosen if is_gradient else lambda outputs: outputs * chosen)
        return relevance.detach()

    method.__name__ = f"zennit {composite.__name__}"
    return method


def zennit_attributor(kind, **options):
    def method(model, inputs, targets):
        with kind(model=model, **options) as attributor:
            _, maps = attributor(inputs.clone(), torch.nn.functional.one_hot(targets, 4).to(inputs))
        return maps.detach()

    method.__name__ = f"zennit {kind.__name__}"
    return method


def grad_cam(name, **options):
    """A class of pytorch-grad-cam on the first block of the accumulator."""

    @declares(sign="positive", granularity="coarse")
    def method(model, inputs, targets):
        import pytorch_grad_cam
        from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

        own = copy.deepcopy(model)  # which it puts into evaluation mode
        chosen = [ClassifierOutputTarget(index) for index in targets.tolist()]
        with getattr(pytorch_grad_cam, name)(model=own, target_layers=[own.accumulator.layers[3]], **options) as cam:
            return cam(input_tensor=inputs.clone(), targets=chosen)

    method.__name__ = f"grad-cam {name}"
    return method


def shap_gradient(model, inputs, targets):
    import shap

    explainer = shap.GradientExplainer(copy.deepcopy(model), torch.zeros_like(inputs[:1]))
    values = explainer.shap_values(inputs.clone(), nsamples=8)
    return np.take_along_axis(values, targets.cpu().numpy()[:, None, None, None, None], axis=-1)[..., 0]


def shap_deep(model, inputs, targets):
    import shap

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        values = shap.DeepExplainer(copy.deepcopy(model), torch.zeros_like(inputs[:1])).shap_values(
            inputs.clone(), check_additivity=False
        )
    return np.take_along_axis(values, targets.cpu().numpy()[:, None, None, None, None], axis=-1)[..., 0]


def own_smoothgrad(model, inputs, targets):
    noisy = [inputs + 30 * torch.randn_like(inputs) for _ in range(4)]
    return torch.stack([gradient(model, images, targets) for images in noisy]).mean(dim=0)


def own_smoothgrad_by_numpy(model, inputs, targets):
    noise = [np.random.normal(0, 20, inputs.shape) for _ in range(4)]  # noqa: NPY002  # as people do
    return torch.stack([gradient(model, inputs + torch.from_numpy(each).to(inputs), targets) for each in noise]).mean(
        dim=0
    )


@declares(sign="magnitude")
def own_vargrad(model, inputs, targets):
    noisy = [inputs + 30 * torch.randn_like(inputs) for _ in range(4)]
    return torch.stack([gradient(model, images, targets) for images in noisy]).var(dim=0)


def own_integrated_gradients(model, inputs, targets):
    return path_integral(model, inputs, targets, torch.zeros_like(inputs), midpoints(20))


def from_the_corner(model, inputs, targets):
    """The baseline of each image is the color of its corner."""
    return path_integral(model, inputs, targets, inputs[:, :, :1, :1].expand_as(inputs), midpoints(20))


def normalized_gradient(model, inputs, targets):
    maps = gradient(model, inputs, targets).sum(dim=1)
    return maps / maps.abs().amax(dim=(1, 2), keepdim=True).clamp(min=1e-30)


@declares(answers="removal@true")
def own_occlusion(model, inputs, targets):
    """One pixel at a time, a row of them in a batch."""
    maps = torch.zeros_like(inputs[:, 0])
    with torch.no_grad():
        for index, (image, target) in enumerate(zip(inputs, targets.tolist(), strict=True)):
            outputs = model(image[None])[0, target]
            for row in range(image.shape[1]):
                hidden = image.repeat(image.shape[2], 1, 1, 1)
                places = torch.arange(image.shape[2])
                hidden[places, :, row, places] = 20.0
                maps[index, row] = outputs - model(hidden)[:, target]
    return maps


@declares(granularity="segment", randomness="global")
def own_shapley_sampling(model, inputs, targets):
    """Random orders of segments, from the global generator."""
    masks = grid(inputs, 8)[0, 0]
    n_segments = int(masks.max()) + 1
    maps = torch.zeros_like(inputs[:, 0])
    with torch.no_grad():
        for _ in range(2):
            shown, before = torch.full_like(inputs, 20.0), None
            before = model(shown).gather(1, targets[:, None])[:, 0]
            for segment in torch.randperm(n_segments):
                shown = torch.where(masks == segment, inputs, shown)
                after = model(shown).gather(1, targets[:, None])[:, 0]
                maps += torch.where(masks == segment, (after - before)[:, None, None], 0) / 2
                before = after
    return maps


def looped(model, inputs, targets):
    """One image after the other."""
    return torch.cat([gradient(model, inputs[i : i + 1], targets[i : i + 1]) for i in range(len(inputs))])


def in_chunks(model, inputs, targets):
    chunks = zip(inputs.split(8), targets.split(8), strict=True)
    return torch.cat([gradient(model, *chunk) for chunk in chunks])


def as_an_array(model, inputs, targets):
    return gradient(model, inputs, targets).numpy()


def jacobian(model, inputs, targets):
    """By torch.func, without hooks or leaves."""

    def output(image, target):
        return model(image[None])[0].gather(0, target[None])[0]

    return torch.stack([torch.func.grad(output)(image, target) for image, target in zip(inputs, targets, strict=True)])


@declares(sign="positive", granularity="coarse")
def cells_of_its_own(model, inputs, targets):
    """Means over a grid that is no layer's, in their places."""
    maps = input_x_gradient(model, inputs, targets).sum(dim=1, keepdim=True)
    cells = torch.nn.functional.adaptive_avg_pool2d(maps, inputs.shape[2] // 4)
    return torch.nn.functional.interpolate(cells.relu(), size=inputs.shape[2:], mode="bilinear")[:, 0]


def vectorized(model, inputs, targets):
    """All images at once, by torch.func.vmap."""

    def output(image, target):
        return model(image[None])[0].gather(0, target[None])[0]

    return torch.func.vmap(torch.func.grad(output))(inputs, targets)


def gauss_legendre_from_the_mean(model, inputs, targets):
    nodes, weights = np.polynomial.legendre.leggauss(20)
    baseline = inputs.mean(dim=(2, 3), keepdim=True).expand_as(inputs)
    shares = zip(nodes / 2 + 0.5, weights / 2, strict=True)
    gradients = [weight * gradient(model, baseline + node * (inputs - baseline), targets) for node, weight in shares]
    return (inputs - baseline) * sum(gradients)


@declares(granularity="segment")
def patches_hidden(model, inputs, targets):
    """The output less that without the patch, by loops."""
    masks, maps = grid(inputs)[0, 0], torch.zeros_like(inputs[:, 0])
    with torch.no_grad():
        outputs = model(inputs).gather(1, targets[:, None])[:, 0]
        for patch in range(int(masks.max()) + 1):
            hidden = model(torch.where(masks == patch, 20.0, inputs)).gather(1, targets[:, None])[:, 0]
            maps += torch.where(masks == patch, (outputs - hidden)[:, None, None], 0)
    return maps


def in_threads(model, inputs, targets):
    """Every image in a thread, with a network of its own."""
    with ThreadPoolExecutor(2) as pool:
        parts = pool.map(
            lambda row: gradient(copy.deepcopy(model), inputs[row : row + 1], targets[row : row + 1]),
            range(len(inputs)),
        )
        return torch.cat(list(parts))


CAMS = ("GradCAM", "GradCAMPlusPlus", "LayerCAM", "XGradCAM", "HiResCAM")

LIBRARIES = (
    captum(attr.Saliency, abs=False),
    declares(sign="magnitude")(captum(attr.Saliency)),
    captum(attr.InputXGradient),
    captum(attr.IntegratedGradients, n_steps=20),
    captum(attr.IntegratedGradients, n_steps=20, method="riemann_middle"),
    captum(attr.IntegratedGradients, n_steps=20, baselines=20.0),
    captum_gradient_shap,
    captum(attr.DeepLift),
    captum(attr.DeepLift, baselines=20.0),
    declares(symmetric=False)(captum(attr.GuidedBackprop)),
    replace(adapt(captum(attr.LRP), explains="logit"), spec="captum LRP"),  # it has no rule for softmax
    on_segments(attr.FeatureAblation),
    on_segments(attr.ShapleyValueSampling, n_samples=2),
    on_segments(attr.KernelShap, n_samples=60),
    on_segments(attr.Lime, n_samples=60),
    noise_tunnel("smoothgrad", stdevs=20.0),
    noise_tunnel("smoothgrad"),
    noise_tunnel("vargrad", stdevs=20.0),
    noise_tunnel("smoothgrad_sq", stdevs=20.0),
    zennit(composites.EpsilonPlus),
    zennit(composites.EpsilonPlusFlat),
    zennit(composites.EpsilonAlpha2Beta1),
    zennit(composites.GuidedBackprop, is_gradient=True),
    zennit_attributor(attribution.Gradient),
    zennit_attributor(attribution.IntegratedGradients, n_iter=20),
    zennit_attributor(attribution.SmoothGrad, n_iter=4),
    shap_gradient,
    shap_deep,
    *map(grad_cam, CAMS),
)
OWN = (
    gradient,
    input_x_gradient,
    gradient_magnitude,
    own_smoothgrad,
    own_smoothgrad_by_numpy,
    own_vargrad,
    own_integrated_gradients,
    from_the_corner,
    normalized_gradient,
    own_occlusion,
    own_shapley_sampling,
    looped,
    in_chunks,
    as_an_array,
    jacobian,
    cells_of_its_own,
    vectorized,
    gauss_legendre_from_the_mean,
    patches_hidden,
    in_threads,
)
CORRECT = (*LIBRARIES, *OWN)

NOT_FAITHFUL = "assert_faithful"

KNOWN = {
    # hooks that miss functional or shared activations; from black, the background's signs are not those of effects
    "captum DeepLift": {"assert_implementation_invariant", NOT_FAITHFUL},
    # what lowers an output is dropped, so most pixels have little value
    "captum GuidedBackprop": {"assert_implementation_invariant", NOT_FAITHFUL},
    "zennit GuidedBackprop": {"assert_implementation_invariant", NOT_FAITHFUL},
    # activations are left on modules, and a branch is counted more than once
    "captum LRP": {"assert_model_unchanged", "assert_implementation_invariant"},
    # inputs that require a gradient get one
    **{f"grad-cam {name}": {"assert_inputs_unchanged"} for name in CAMS},
    # float32 alone
    "shap_gradient": {"assert_dtype_robust"},
    # from black, as DeepLift of captum
    "shap_deep": {"assert_implementation_invariant", NOT_FAITHFUL},
    # a branch is counted twice
    "zennit EpsilonPlus": {"assert_implementation_invariant"},
    "zennit EpsilonPlusFlat": {"assert_implementation_invariant"},
    # and positive and negative parts are scaled apart in every layer, so signs are not those of effects
    "zennit EpsilonAlpha2Beta1": {"assert_implementation_invariant", "assert_sign_correct"},
}
"""What `assert_all` says of libraries and is true, by method: the only assertions that may fail."""
