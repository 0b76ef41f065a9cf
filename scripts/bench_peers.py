"""Our methods and metrics beside those of Quantus, captum, shap and the package lime on one image at 224x224: CPU seconds of one core, in one run.

    python scripts/bench_peers.py > table.md

Prints a table of docs/benchmarks.md. Needs `pip install "attributionlab[findings,quantus]"`.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import io
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from captum import attr
from torch import Tensor

import attributionlab as al

ENVIRONMENT = al.make_environment("multi-color-sum")
MODEL, BATCH = ENVIRONMENT.model, ENVIRONMENT.sample(1)
IMAGE, TARGET = BATCH.inputs, int(BATCH.targets[0])
BLACK = torch.zeros_like(IMAGE)
MAP = torch.randn(1, 224, 224, generator=torch.Generator().manual_seed(0))
SEGMENTS = torch.arange(8).repeat_interleave(28)[:, None] * 8 + torch.arange(8).repeat_interleave(28)
N_SAMPLES = 200

Call = Callable[[], Any]


def ours(spec: str) -> Call:
    """One of our methods."""
    method = al.make_method(spec, ENVIRONMENT)
    return lambda: method(MODEL, IMAGE, BATCH.targets)


def by_captum(kind: str, *arguments: Any, **options: Any) -> Call:
    """A method of captum."""
    return lambda: getattr(attr, kind)(MODEL).attribute(IMAGE, *arguments, target=TARGET, **options)


def noise_tunnel() -> None:
    """Captum's SmoothGrad with 50 draws."""
    tunnel = attr.NoiseTunnel(attr.Saliency(MODEL))
    tunnel.attribute(IMAGE, nt_samples=50, nt_samples_batch_size=10, stdevs=38.0, abs=False, target=TARGET)


def captum_occlusion() -> None:
    """Captum's Occlusion with windows of 16 pixels, every 8."""
    attr.Occlusion(MODEL.logits).attribute(
        IMAGE, sliding_window_shapes=(3, 16, 16), strides=(3, 8, 8), target=TARGET, perturbations_per_eval=4
    )


def probabilities(images: Tensor) -> np.ndarray:
    """Outputs in batches of four, the best size here."""
    with torch.no_grad():
        return torch.cat([MODEL(part) for part in images.split(4)]).double().numpy()


def package_lime() -> None:
    """The package lime."""
    lime_image = importlib.import_module("lime.lime_image")
    lime_image.LimeImageExplainer(random_state=0).explain_instance(
        IMAGE[0].permute(1, 2, 0).double().numpy(),
        lambda images: probabilities(torch.from_numpy(images).permute(0, 3, 1, 2).float()),
        labels=(TARGET,),
        top_labels=None,
        num_samples=N_SAMPLES,
        segmentation_fn=lambda _: SEGMENTS.numpy(),
    )


def kernel_explainer() -> None:
    """Shap's KernelExplainer over 64 segments."""
    shap = importlib.import_module("shap")
    background = ENVIRONMENT.true_baseline[None, :, None, None]

    def value(rows: np.ndarray) -> np.ndarray:
        masks = torch.from_numpy(rows == 1)[:, SEGMENTS][:, None]
        return probabilities(torch.where(masks, IMAGE, background))[:, TARGET]

    explainer = shap.KernelExplainer(value, np.zeros((1, 64)))
    explainer.shap_values(np.ones(64), nsamples=N_SAMPLES, l1_reg=False, silent=True)


def deep_explainer() -> None:
    """Shap's DeepExplainer from black."""
    importlib.import_module("shap").DeepExplainer(MODEL, BLACK).shap_values(IMAGE, check_additivity=False)


def pixel_flipping() -> None:
    """Quantus' PixelFlipping with 224 values per step, 672 steps, as in its tutorials."""
    quantus = importlib.import_module("quantus")
    metric = quantus.PixelFlipping(
        features_in_step=224, perturb_baseline="black", normalise=False, disable_warnings=True
    )
    metric(
        model=MODEL,
        x_batch=IMAGE.numpy(),
        y_batch=BATCH.targets.numpy(),
        a_batch=MAP[:, None].numpy(),
        channel_first=True,
        softmax=False,
    )


ROWS: tuple[tuple[str, Call, str, str, Call], ...] = (
    ("`deletion`, 50,177 points", lambda: al.deletion(ENVIRONMENT, BATCH, MAP), "quantus", "PixelFlipping, 672 points", pixel_flipping),
    ("`gradient`", ours("gradient"), "captum", "Saliency", by_captum("Saliency", abs=False)),
    ("`integrated-gradients[n_steps=50]`", ours("integrated-gradients[n_steps=50]"), "captum", "IntegratedGradients(n_steps=50)",
     by_captum("IntegratedGradients", n_steps=50, internal_batch_size=10)),
    ("`smoothgrad`", ours("smoothgrad"), "captum", "NoiseTunnel(Saliency), 50 samples", noise_tunnel),
    ("`deeplift`", ours("deeplift"), "captum", "DeepLift", by_captum("DeepLift")),
    ("`deepshap`", ours("deepshap"), "shap", "DeepExplainer, all outputs", deep_explainer),
    ("`occlusion[stride=8,window=16]`", ours("occlusion[window=16,stride=8]"), "captum", "Occlusion", captum_occlusion),
    (f"`lime[n_samples={N_SAMPLES},segments=grid]`", ours(f"lime[n_samples={N_SAMPLES},segments=grid]"), "lime",
     f"LimeImageExplainer, {N_SAMPLES} samples", package_lime),
    (f"`kernel-shap[n_samples={N_SAMPLES},segments=grid]`", ours(f"kernel-shap[n_samples={N_SAMPLES},segments=grid]"), "shap",
     f"KernelExplainer, {N_SAMPLES} samples", kernel_explainer),
)  # fmt: skip
"""Ours, its name and call; theirs with package and name."""


def seconds(function: Call, n: int = 3) -> float:
    """Processor time, the best of some calls after one that warms up."""
    times = []
    for _ in range(n + 1):
        begin = time.process_time()
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            warnings.simplefilter("ignore")
            function()
        times.append(time.process_time() - begin)
    return min(times[1:])


def main() -> None:
    """Measure and print."""
    torch.set_num_threads(1)
    print(f"torch {torch.__version__}, CPU seconds of one core per image of `multi-color-sum` at 224x224\n")
    print("| ours | s | theirs | s | ratio |\n|---|---|---|---|---|")
    for name, our_call, package, reference, their_call in ROWS:
        mine, theirs = seconds(our_call, 5), seconds(their_call, 1)
        version = importlib.metadata.version(package)
        print(
            f"| {name} | {mine:.2g} | {package} {version}, {reference} | {theirs:.2g} | {theirs / mine:.2g} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
