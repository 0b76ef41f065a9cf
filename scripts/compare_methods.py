"""Our methods beside those of other libraries on the same networks: the table of docs/methods.md.

    python scripts/compare_methods.py > table.md

Needs `pip install "attributionlab[findings]"`. A cell is the largest difference between two maps relative to the largest magnitude of the library's map.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import importlib
import importlib.metadata
import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from unittest import mock

import numpy as np
import torch
from captum import attr
from torch import Tensor, nn

import attributionlab as al
from attributionlab.methods.base import captum_quiet
from attributionlab.methods.shapley import shapley_regression, shapley_values
from attributionlab.methods.surrogate import evaluate
from attributionlab.networks.designed import logits_of
from attributionlab.perturbation import SwitchedSegments, all_coalitions
from attributionlab.seeding import content_key, generator

GRID = (4, 3)
"""Rows and columns of the segments that surrogates hide: 12, of which 2^12 coalitions are too many for 500 samples."""


@dataclass(frozen=True, eq=False)
class Case:
    """A network with images.

    Args:
        name: `ours`, `cnn` or `resnet`.
        model: The network, in evaluation mode.
        inputs: (2, 3, h, w).
        targets: (2,) int64.
        baselines: (3, 3, h, w), for methods that average over several.
        layer: Path of the layer at which CAMs look.
    """

    name: str
    model: nn.Module
    inputs: Tensor
    targets: Tensor
    baselines: Tensor
    layer: str


class Residual(nn.Module):
    """Two convolutions with BatchNorm and a shortcut."""

    def __init__(self, n: int) -> None:
        super().__init__()
        layers = [
            nn.Conv2d(n, n, 3, padding=1),
            nn.BatchNorm2d(n),
            nn.ReLU(),
            nn.Conv2d(n, n, 3, padding=1),
            nn.BatchNorm2d(n),
        ]
        self.body, self.relu = nn.Sequential(*layers), nn.ReLU()

    def forward(self, inputs: Tensor) -> Tensor:
        """Compute the block."""
        outputs: Tensor = self.relu(self.join(self.body(inputs), inputs))
        return outputs

    def join(self, first: Tensor, second: Tensor) -> Tensor:
        """Add two branches."""
        return first + second


class ResidualOfZennit(Residual):
    """Residual block whose sum is the module that zennit knows."""

    def join(self, first: Tensor, second: Tensor) -> Tensor:
        """Add two branches."""
        outputs: Tensor = self.sum(torch.stack([first, second], dim=-1))
        return outputs


class Logits(nn.Module):
    """Logits of a network in float64, in which rounding does not hide differences."""

    def __init__(self, case: Case) -> None:
        super().__init__()
        model = copy.deepcopy(case.model).double()
        self.model = model[:-1] if isinstance(model, nn.Sequential) and isinstance(model[-1], nn.Softmax) else model

    def forward(self, inputs: Tensor) -> Tensor:
        """Compute the logits."""
        return logits_of(self.model)(inputs)


def random_network(name: str) -> nn.Module:
    """A small CNN, or a ResNet with BatchNorm, with random weights and statistics."""
    stem = [nn.Conv2d(3, 6, 3), nn.ReLU(), nn.MaxPool2d(2)]
    if name == "cnn":
        head = [nn.Conv2d(6, 5, 3), nn.ReLU(), nn.AvgPool2d(2), nn.Flatten(), nn.Linear(20, 4), nn.Softmax(dim=1)]
    else:
        head = [Residual(6), Residual(6), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 4)]
    model = nn.Sequential(*stem, *head)
    random = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for key, value in model.state_dict().items():
            if "running_var" in key:
                value.copy_(0.5 + torch.rand(value.shape, generator=random))
            elif value.is_floating_point():
                value.copy_(
                    torch.randn(value.shape, generator=random) / (value[0].numel() ** 0.5 if value.ndim > 1 else 2)
                )
    return model.eval()


@cache
def case(name: str, size: int = 14) -> Case:
    """The network of a name with two images."""
    if name == "ours":
        environment = al.make_environment("multi-color-sum", size=max(16, size))
        batch, others = environment.sample(2), environment.sample(3, start=50).inputs
        return Case(name, environment.model, batch.inputs, batch.targets, others, "accumulator.layers.3")
    random = torch.Generator().manual_seed(1)
    images = torch.randn(5, 3, size, size, generator=random)
    layer = "1" if name == "cnn" else "3.body.0"
    return Case(name, random_network(name), images[:2], torch.tensor([1, 3]), images[2:], layer)


Maps = Callable[[Case], Tensor]
NETWORKS = ("ours", "cnn", "resnet")


@dataclass(frozen=True)
class Comparison:
    """One of our methods and what it is held to.

    Args:
        spec: Our method.
        package: The package of the other.
        reference: Its name there.
        ours: Maps (2, h, w) of ours, or other numbers.
        theirs: The same of the other.
        tolerance: Largest difference relative to the largest magnitude of the other.
        networks: Names of the networks.
    """

    spec: str
    package: str
    reference: str
    ours: Maps
    theirs: Maps
    tolerance: float = 1e-5
    networks: tuple[str, ...] = NETWORKS


def by_name(spec: str, **options: object) -> Maps:
    """One of our methods, by its spec; `layer` and `baseline` may be taken from the case."""

    def function(case: Case) -> Tensor:
        chosen = {name: getattr(case, value) if isinstance(value, str) else value for name, value in options.items()}
        environment = al.make_environment("multi-color-sum", size=16) if case.name == "ours" else None
        return al.make_method(spec, environment, **chosen)(case.model, case.inputs, case.targets)

    return function


def by_captum(kind: str, *arguments: str, **options: object) -> Maps:
    """A class of captum; arguments are attributes of the case."""

    def function(case: Case) -> Tensor:
        with captum_quiet():
            maps = [
                getattr(attr, kind)(case.model).attribute(
                    image, *(getattr(case, name) for name in arguments), target=target, **options
                )
                for image, target in zip(case.inputs.split(1), case.targets.tolist(), strict=True)
            ]
        return torch.cat(maps).detach().sum(dim=1)

    return function


def by_relevance(spec: str) -> Maps:
    """One of our relevance methods, in float64; deep Taylor decomposition with the bounds of the images."""

    def function(case: Case) -> Tensor:
        bounds = dict(zip(("low", "high"), bounds_of(case), strict=True)) if spec == "deep-taylor" else {}
        return al.make_method(spec, **bounds)(Logits(case), case.inputs.double(), case.targets)

    return function


def bounds_of(case: Case) -> tuple[float, float]:
    """Smallest and largest value of a pixel."""
    return (0.0, 255.0) if case.name == "ours" else (-5.0, 5.0)


def by_zennit(rule: str, **options: float) -> Maps:
    """Zennit's rule in all layers, its composite of this name, or its rules of deep Taylor decomposition."""

    def function(case: Case) -> Tensor:
        rules, composites, canonizers, attribution, layer, types = (
            importlib.import_module(f"zennit.{name}")
            for name in ("rules", "composites", "canonizers", "attribution", "layer", "types")
        )
        model = Logits(case)
        for module in model.modules():
            if isinstance(module, Residual):
                module.__class__, module.sum = ResidualOfZennit, layer.Sum()
        merge, base = [canonizers.SequentialMergeBatchNorm()], composites.layer_map_base(stabilizer=TINY)
        if rule == "DeepTaylor":
            low, high = (torch.full_like(case.inputs[:1].double(), bound) for bound in bounds_of(case))
            composite = composites.SpecialFirstLayerMapComposite(
                [*base, (types.Linear, rules.ZPlus(stabilizer=TINY))],
                [(types.Linear, rules.ZBox(low, high, stabilizer=TINY))],
                canonizers=merge,
            )
        elif hasattr(rules, rule):
            composite = composites.LayerMapComposite([*base, (types.Linear, getattr(rules, rule)(**options))], merge)
        else:
            composite = getattr(composites, rule)(stabilizer=TINY, canonizers=merge)
        with attribution.Gradient(model, composite) as attributor:
            _, maps = attributor(case.inputs.double(), lambda output: output * one_hot(case.targets, output))
        return maps.sum(dim=1)

    return function


TINY = 1e-12
"""Number that zennit adds to every sum, by default 1e-6."""


MERGED = 5e-5
"""Tolerance where zennit merges BatchNorm: its epsilon is left behind, half of 1e-5 for each."""


def one_hot(targets: Tensor, output: Tensor) -> Tensor:
    """(b, k), 1 at the target."""
    return nn.functional.one_hot(targets, output.shape[1]).to(output)


NOISE = 0.001
"""Noise narrow enough that designed networks still know the colors."""


def by_noise_tunnel(kind: str) -> Maps:
    """Captum's NoiseTunnel of signed gradients, with our draws of the noise."""

    def function(case: Case) -> Tensor:
        maps = []
        for image, target in zip(case.inputs.split(1), case.targets.tolist(), strict=True):
            draws = generator(0, "noise", content_key(image[0])).standard_normal((50, *image.shape[1:]))
            with mock.patch.object(
                torch, "normal", lambda _, width, draws=draws: width * torch.from_numpy(draws).float()
            ):
                maps.append(
                    attr.NoiseTunnel(attr.Saliency(case.model)).attribute(
                        image,
                        nt_type=kind,
                        nt_samples=50,
                        abs=False,
                        target=target,
                        stdevs=NOISE * float(image.max() - image.min()),
                    )
                )
        return torch.cat(maps).detach().sum(dim=1)

    return function


N_DRAWS = 200


def our_expected_gradients(case: Case) -> Tensor:
    """Expected gradients by draws, between the images and three others; in float64, since float32 moves points across steep ramps."""
    method = al.make_method("expected-gradients", al.make_environment("multi-color-sum"), n_draws=N_DRAWS)
    vars(method)["references"] = case.baselines
    return method(copy.deepcopy(case.model).double(), case.inputs.double(), case.targets)


def by_gradient_shap(case: Case) -> Tensor:
    """Captum's GradientShap on the same draws."""
    maps, model, baselines = [], copy.deepcopy(case.model).double(), case.baselines.double()
    for image, target in zip(case.inputs.double().split(1), case.targets.tolist(), strict=True):
        draws = generator(0, "expected gradients", content_key(image[0])).random((N_DRAWS, 2))
        chosen = (draws[:, 0] * len(case.baselines)).astype(int)
        with (
            mock.patch.object(np.random, "choice", lambda *_, chosen=chosen: chosen),
            mock.patch.object(np.random, "uniform", lambda *_, draws=draws: draws[:, 1]),
        ):
            maps.append(
                attr.GradientShap(model).attribute(image, baselines, n_samples=N_DRAWS, stdevs=0.0, target=target)
            )
    return torch.cat(maps).detach().sum(dim=1)


def layer_of(case: Case) -> nn.Module:
    """The layer at which CAMs look."""
    return dict(case.model.named_modules())[case.layer]


def by_layer_gradcam(case: Case) -> Tensor:
    """Captum's LayerGradCam with ReLU, enlarged."""
    coarse = attr.LayerGradCam(case.model, layer_of(case)).attribute(
        case.inputs, target=case.targets, relu_attributions=True
    )
    return attr.LayerAttribution.interpolate(coarse, case.inputs.shape[2:], "bilinear").detach()[:, 0]


def by_guided_gradcam(case: Case) -> Tensor:
    """Captum's GuidedGradCam."""
    with captum_quiet():
        guided = attr.GuidedGradCam(case.model, layer_of(case))
        return guided.attribute(case.inputs, target=case.targets, interpolate_mode="bilinear").detach().sum(dim=1)


def by_occlusion(case: Case) -> Tensor:
    """Captum's Occlusion of the logits."""
    logits = getattr(case.model, "logits", case.model)
    maps = attr.Occlusion(logits).attribute(
        case.inputs, sliding_window_shapes=(3, 4, 3), strides=(3, 3, 2), target=case.targets
    )
    return maps.detach()[:, 0]


def by_deep_explainer(*, from_images: bool) -> Maps:
    """Shap's DeepExplainer relative to three images, or to black."""

    def function(case: Case) -> Tensor:
        shap = importlib.import_module("shap")
        explainer = shap.DeepExplainer(
            case.model, case.baselines if from_images else torch.zeros_like(case.baselines[:1])
        )
        values = torch.from_numpy(explainer.shap_values(case.inputs, check_additivity=False))
        return values[torch.arange(2), ..., case.targets].sum(dim=1)

    return function


def segments_of(case: Case) -> Tensor:
    """A grid of 12 segments."""
    height, width = case.inputs.shape[2:]
    rows, columns = torch.arange(height) * GRID[0] // height, torch.arange(width) * GRID[1] // width
    return rows[:, None] * GRID[1] + columns


def switched_of(case: Case, *, hidden: Tensor | None = None) -> SwitchedSegments:
    """The first image with its segments, hidden ones in their mean color."""
    image, segments = case.inputs[:1], segments_of(case)
    start = al.make_method("lime").hidden(image, segments) if hidden is None else hidden
    return SwitchedSegments(case.model, image, start, segments)


def draws(case: Case, n_samples: int = 80) -> np.ndarray:
    """The coalitions that the package `lime` draws from the seed 0."""
    n_segments = int(segments_of(case).max()) + 1
    coins = (
        np.random.RandomState(0).randint(0, 2, n_samples * n_segments).reshape(n_samples, n_segments)
    )  # its generator
    coins[0] = 1
    return coins == 1


def our_lime(case: Case) -> Tensor:
    """Our coefficients on the draws of the package."""
    method, switched, coalitions = al.make_method("lime"), switched_of(case), torch.from_numpy(draws(case))
    outputs = evaluate(switched, coalitions, int(case.targets[0]))
    return torch.from_numpy(method.fit(coalitions.numpy(), outputs, method.weights(switched, coalitions)))


def package_lime(case: Case) -> Tensor:
    """The coefficients of the package `lime`."""
    lime_image = importlib.import_module("lime.lime_image")
    target = int(case.targets[0])

    def classify(images: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            return case.model(torch.from_numpy(images).permute(0, 3, 1, 2).float()).double().numpy()

    explanation = lime_image.LimeImageExplainer(random_state=0).explain_instance(
        case.inputs[0].permute(1, 2, 0).double().numpy(),
        classify,
        labels=(target,),
        top_labels=None,
        num_samples=80,
        segmentation_fn=lambda _: segments_of(case).numpy(),
        random_seed=0,
    )
    values = dict(explanation.local_exp[target])
    return torch.tensor([values[segment] for segment in sorted(values)], dtype=torch.float64)


def kernel_explainer(case: Case, n_segments: int, n_samples: int) -> tuple[object, Tensor]:
    """Shap's KernelExplainer over the first segments, the others being shown, and its values."""
    shap = importlib.import_module("shap")
    switched = switched_of(case, hidden=case.baselines[:1])

    def value(rows: np.ndarray) -> np.ndarray:
        return evaluate(switched, some(torch.from_numpy(rows == 1)), int(case.targets[0]))

    state = np.random.get_state()  # noqa: NPY002  # shap draws from the global generator
    np.random.seed(0)  # noqa: NPY002
    explainer = shap.KernelExplainer(value, np.zeros((1, n_segments)))
    values = explainer.shap_values(np.ones(n_segments), nsamples=n_samples, l1_reg=False, silent=True)
    np.random.set_state(state)  # noqa: NPY002
    return explainer, torch.from_numpy(values)


def some(coalitions: Tensor) -> Tensor:
    """Coalitions of the first segments, in which the others are shown."""
    return torch.cat([coalitions, torch.ones(len(coalitions), 12 - coalitions.shape[1], dtype=torch.bool)], dim=1)


def our_shapley_values(case: Case) -> Tensor:
    """All coalitions of seven segments."""
    outputs = evaluate(switched_of(case, hidden=case.baselines[:1]), some(all_coalitions(7)), int(case.targets[0]))
    return torch.from_numpy(shapley_values(outputs))


def our_regression(case: Case) -> Tensor:
    """Our regression on 300 coalitions of 12 segments that shap has drawn."""
    explainer, _ = kernel_explainer(case, 12, 300)
    coalitions = explainer.maskMatrix == 1
    rows = torch.cat([torch.tensor([[False], [True]]).expand(2, 12), torch.from_numpy(coalitions)])
    outputs = evaluate(switched_of(case, hidden=case.baselines[:1]), rows, int(case.targets[0]))
    values, _ = shapley_regression(coalitions, explainer.kernelWeights, outputs[2:], outputs[0], outputs[1])
    return torch.from_numpy(values)


COMPARISONS = (
    Comparison("gradient", "captum", "Saliency(abs=False)", by_name("gradient"), by_captum("Saliency", abs=False)),
    Comparison("gradient-magnitude", "captum", "Saliency", by_name("gradient-magnitude"), by_captum("Saliency")),
    Comparison("input-x-gradient", "captum", "InputXGradient", by_name("input-x-gradient"), by_captum("InputXGradient")),
    Comparison(
        "integrated-gradients[n_steps=20]", "captum", "IntegratedGradients(n_steps=20)",
        by_name("integrated-gradients", n_steps=20), by_captum("IntegratedGradients", n_steps=20),
    ),
    *(
        Comparison(f"{spec}[noise={NOISE:g}]", "captum", f"NoiseTunnel(Saliency), nt_type={kind}, same draws",
                   by_name(f"{spec}[noise={NOISE:g}]"), by_noise_tunnel(kind), 1e-4)  # captum subtracts squares in float32
        for spec, kind in (("smoothgrad", "smoothgrad"), ("smoothgrad-squared", "smoothgrad_sq"), ("vargrad", "vargrad"))
    ),
    Comparison(
        f"expected-gradients[n_draws={N_DRAWS}]", "captum", f"GradientShap(n_samples={N_DRAWS}), same draws",
        our_expected_gradients, by_gradient_shap,
    ),
    Comparison("guided-backprop", "captum", "GuidedBackprop", by_name("guided-backprop"), by_captum("GuidedBackprop")),
    Comparison("deconvnet", "captum", "Deconvolution", by_name("deconvnet"), by_captum("Deconvolution")),
    Comparison("deeplift[rule=captum]", "captum", "DeepLift", by_name("deeplift[rule=captum]"), by_captum("DeepLift")),
    Comparison(
        "deepshap[rule=captum]", "captum", "DeepLiftShap",
        by_name("deepshap[rule=captum]", baseline="baselines"), by_captum("DeepLiftShap", "baselines"),
    ),
    Comparison("deeplift", "shap", "DeepExplainer from black", by_name("deeplift"), by_deep_explainer(from_images=False)),
    Comparison("deepshap", "shap", "DeepExplainer from black", by_name("deepshap"), by_deep_explainer(from_images=False)),
    Comparison(
        "deepshap from 3 images", "shap", "DeepExplainer from 3 images",
        by_name("deepshap", baseline="baselines"), by_deep_explainer(from_images=True),
        1e-4,  # on designed networks channels of a pixel cancel
    ),
    Comparison("lrp-z", "zennit", "Epsilon(1e-12)", by_relevance("lrp-z"), by_zennit("Epsilon", epsilon=TINY), MERGED),
    Comparison("lrp-epsilon", "zennit", "Epsilon(1e-6)", by_relevance("lrp-epsilon"), by_zennit("Epsilon", epsilon=1e-6), MERGED),
    Comparison("lrp-gamma", "zennit", "Gamma(0.25)", by_relevance("lrp-gamma"), by_zennit("Gamma", gamma=0.25, stabilizer=TINY), MERGED),
    Comparison(
        "lrp-alpha-beta", "zennit", "AlphaBeta(2, 1)",
        by_relevance("lrp-alpha-beta"), by_zennit("AlphaBeta", alpha=2, beta=1, stabilizer=TINY), MERGED,
    ),
    Comparison("lrp-epsilon-plus-flat", "zennit", "EpsilonPlusFlat", by_relevance("lrp-epsilon-plus-flat"), by_zennit("EpsilonPlusFlat"), MERGED),
    Comparison(
        "lrp-epsilon-alpha2-beta1-flat", "zennit", "EpsilonAlpha2Beta1Flat",
        by_relevance("lrp-epsilon-alpha2-beta1-flat"), by_zennit("EpsilonAlpha2Beta1Flat"), MERGED,
    ),
    Comparison("deep-taylor", "zennit", "ZBox, ZPlus", by_relevance("deep-taylor"), by_zennit("DeepTaylor"), networks=NETWORKS[:2]),
    Comparison("gradcam", "captum", "LayerGradCam", by_name("gradcam", layer="layer"), by_layer_gradcam),
    Comparison("guided-gradcam", "captum", "GuidedGradCam", by_name("guided-gradcam", layer="layer"), by_guided_gradcam),
    Comparison("occlusion[window=4,3,stride=3,2]", "captum", "Occlusion", by_name("occlusion[window=4,3,stride=3,2]"), by_occlusion),
    Comparison("lime", "lime", "LimeImageExplainer, same draws", our_lime, package_lime, 1e-4),
    Comparison(
        "kernel-shap, 7 segments", "shap", "KernelExplainer(nsamples=126, l1_reg=False)",
        our_shapley_values, lambda case: kernel_explainer(case, 7, 126)[1],
    ),
    Comparison(
        "kernel-shap, 12 segments", "shap", "KernelExplainer(nsamples=300, l1_reg=False), same draws",
        our_regression, lambda case: kernel_explainer(case, 12, 300)[1],
    ),
)  # fmt: skip
"""Methods with a reference implementation."""


def difference(comparison: Comparison, network: str, size: int = 14) -> float:
    """The largest difference relative to the largest magnitude of the other's map."""
    with warnings.catch_warnings(), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        ours, theirs = (function(case(network, size)).double() for function in (comparison.ours, comparison.theirs))
    return float((ours - theirs).abs().max() / theirs.abs().max())


def table(size: int) -> str:
    """All comparisons as a table in Markdown."""
    lines = [["method", "held to", *NETWORKS, "tolerance"], ["---"] * 6]
    for comparison in COMPARISONS:
        version = importlib.metadata.version(comparison.package)
        cells = [
            f"{difference(comparison, name, size):.1g}" if name in comparison.networks else "-" for name in NETWORKS
        ]
        lines.append(
            [
                f"`{comparison.spec}`",
                f"{comparison.package} {version}, {comparison.reference}",
                *cells,
                f"{comparison.tolerance:g}",
            ]
        )
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=14, help="side of the images of the random networks")
    print(table(parser.parse_args().size))
