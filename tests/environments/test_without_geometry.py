"""Inputs are (b, c, *shape) and maps (b, *shape): columns of a table go the same way as pixels."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from skimage.io import imread
from typer.testing import CliRunner

import attributionlab as al
from attributionlab.cli.app import app
from attributionlab.environments import NoClosedForm
from attributionlab.errors import BadOption
from attributionlab.exchange.dataset import generate
from attributionlab.exchange.dataset_folder import open_folder
from attributionlab.methods import METHODS
from attributionlab.reports.figures.maps import difference_figure
from attributionlab.reports.figures.pictures import picture

sys.path.insert(0, str(Path(__file__).parents[1]))
from table_environment import WeightedColumns


def weighted(model, inputs, targets):
    """Exact: weight times value."""
    return model[1].weight[targets][:, None] * inputs


@pytest.fixture
def environment():
    return WeightedColumns()


def test_batches_have_the_shapes_of_the_contract(environment):
    batch = environment.sample(3)
    assert (batch.inputs.shape, batch.inputs.dtype) == ((3, 1, 6), torch.float32)
    assert batch.ground_truth.signed.shape == (3, 6)
    assert batch.ground_truth.patch_ids is None
    assert repr(batch) == "Batch(3 inputs of 1x6)"
    assert len(batch[:2].ground_truth.signed) == 2


def test_it_offers_only_the_options_that_it_has(environment):
    assert environment.spec == "weighted-columns"
    assert WeightedColumns(data_seed=2, network_seed=2, n_columns=4).spec == "weighted-columns[n_columns=4,seed=2]"


def test_it_is_verified(environment):
    verification = al.verify(environment, n_samples=3)
    assert verification.passed
    names = ["outputs", "closed form", "truth", "shapley values", "precision"]
    assert [claim.name for claim in verification.claims] == names


def test_a_wrong_closed_form_is_found():
    class Wrong(WeightedColumns):
        def logits(self, scene, present):
            return super().logits(scene, present) * (1 + (present.sum() == 5))

    verification = al.verify(Wrong(), n_samples=2)
    assert {"closed form", "shapley values"} <= {claim.name for claim in verification.claims if not claim.holds}
    (claim,) = (claim for claim in verification.claims if claim.name == "closed form")
    assert re.fullmatch(
        r"first violation: sample 0, 5 of 6 features shown: network \(\S+, \S+\), `logits` \(\S+, \S+\)", claim.note
    )


def test_without_a_closed_form_the_verification_says_so():
    class Trained(WeightedColumns):
        logits = al.Environment.logits

    environment = Trained()
    assert not environment.has_logits
    with pytest.raises(
        NoClosedForm, match="`environment` must have its function in closed form, got 'weighted-columns'"
    ):
        environment.logits(environment.scene(0), np.ones(6, bool))
    verification = al.verify(environment, n_samples=2)
    assert verification.passed
    assert "no closed form" in verification.note


def test_it_is_checked(environment):
    verdict = al.check(weighted, environment, n_samples=4)
    (result,) = verdict.environments
    assert result.truths["overall"].f1 > 0
    assert result.truths["positive-smooth"] is None
    assert al.check("truth", environment, n_samples=4).passed


def test_features_that_lower_a_logit_are_judged(environment):
    truths = al.check("truth", environment, n_samples=4).environments[0].truths
    assert truths["negative"].f1 == 1.0
    assert al.check("truth", environment, n_samples=4, truth="negative").passed
    assert al.check("gradient-magnitude", environment, n_samples=4).environments[0].truths["negative"] is None


def test_a_truth_that_no_sample_has_cannot_decide():
    class Raising(WeightedColumns):
        def signed_truth(self, scene):
            return np.zeros(len(scene))

    message = (
        "`truth` must apply to some sample, got 'signed'; none of 4 samples of weighted-columns has such a feature"
    )
    with pytest.raises(BadOption, match=f"^{message}$"):
        al.check("gradient", Raising(), n_samples=4)


def test_library_methods_without_geometry_explain_it(environment):
    batch = environment.sample(4)
    maps = al.make_method("integrated-gradients[baseline=true]", environment)(
        environment.model, batch.inputs, batch.targets
    )
    assert torch.equal(maps.sign(), batch.ground_truth.signed.float())


def test_the_ground_truth_scores_one_and_smooth_truth_does_not_apply(environment):
    batch = environment.sample(4)
    scores = al.score(batch.ground_truth.signed, batch.ground_truth)
    assert scores.overall.f1.tolist() == [1.0] * 4
    assert scores.positive_smooth.f1.isnan().all()


def test_perturbation_metrics_run_by_forward_passes(environment):
    batch = environment.sample(4)
    maps = weighted(environment.model, batch.inputs, batch.targets)
    curve = al.insertion(environment, batch, maps.detach(), canvas="background")
    assert curve.outputs.shape == (4, 7)
    drop = al.sensitivity_n(environment, batch, maps.detach(), canvas="background", n_orders=8)
    torch.testing.assert_close(drop.mean, torch.ones(4, dtype=torch.float64))


NEED_IMAGES = {"occlusion", "rise", "extremal-perturbation", "lime", "kernel-shap"}
NEED_A_LAYER = {"gradcam", "guided-gradcam", "iba"}


@pytest.mark.parametrize("name", METHODS.built_in)
def test_every_method_explains_columns_or_says_in_one_line_that_it_needs_images(environment, name):
    options = {"low": -8, "high": 8} if name == "deep-taylor" else {}  # columns have no bounds of their own
    method, batch = al.make_method(name, environment, **options), environment.sample(2)
    if name in NEED_IMAGES | NEED_A_LAYER:
        option = "layer" if name in NEED_A_LAYER else "inputs"
        with pytest.raises(BadOption, match=rf"^`{option}` must be [^\n]*$") as error:
            method(environment.model, batch.inputs, batch.targets)
        if name in NEED_IMAGES:
            assert str(error.value) == f"`inputs` must be images (b, c, h, w) for {name}, got shape (b, 1, 6)"
        return
    context = {"batch": batch} if method.needs_batch else {}
    assert method(environment.model, batch.inputs, batch.targets, **context).shape == (2, 6)


def test_methods_that_do_not_fit_fail_in_an_audit_and_the_others_go_on(environment):
    (audited,) = al.audit(
        ["gradient", "gradcam", "occlusion", "truth"], ["insertion"], environment, n_samples=1
    ).environments
    assert audited.methods["gradcam"].error.message.startswith("`layer` must be the dotted path of a module")
    assert audited.methods["occlusion"].error.message.startswith("`inputs` must be images (b, c, h, w) for occlusion")
    assert audited.methods["truth"].error is None
    assert audited.correlations["insertion"].kendall is not None


def test_an_option_that_was_set_and_does_not_fit_is_refused_in_an_audit(environment):
    message = r"^`layer` must be .*, got 'x'; this model has 0, 1 \(for gradcam\[layer=x\]\)$"
    with pytest.raises(BadOption, match=message):
        al.audit(["gradient", "gradcam[layer=x]"], ["insertion"], environment, n_samples=1)


def test_averages_over_baselines_are_those_of_images(environment):
    """DeepSHAP and expected gradients explain (b, c, 1, d) as they explain (b, c, d)."""

    class Images(WeightedColumns):
        def inputs_of(self, scene):
            return super().inputs_of(scene)[:, None]

        def signed_truth(self, scene):
            return super().signed_truth(scene)[None]

    images = Images()
    for name in ("deepshap", "expected-gradients"):
        maps = [
            al.make_method(name, kind)(kind.model, batch.inputs, batch.targets)
            for kind, batch in ((environment, environment.sample(2)), (images, images.sample(2)))
        ]
        assert torch.equal(maps[0], maps[1][:, 0])


@pytest.mark.wide
def test_columns_are_generated_scored_and_drawn(environment, tmp_path, fresh_catalogs):
    al.register_environment(WeightedColumns)
    folder = generate(environment, tmp_path / "columns", n_samples=3)
    assert sorted(path.name for path in folder.iterdir()) == [
        *("README.md", "manifest.json", "model.safetensors", "preview.png", "truth.npz"),
    ]
    assert "`signed` (n, l), the truth" in (folder / "README.md").read_text()
    opened, batch, *_ = open_folder(folder)
    assert (opened.spec, len(batch)) == ("weighted-columns", 3)
    shown = CliRunner().invoke(
        app, ["show", "weighted-columns", "--methods", "gradient", "-o", str(tmp_path / "x.png")]
    )
    assert shown.exit_code == 0, shown.output
    height, width = imread(tmp_path / "x.png").shape[:2]
    assert height < width


def test_a_manifest_that_names_images_of_columns_is_refused(environment, tmp_path, fresh_catalogs):
    al.register_environment(WeightedColumns)
    folder = generate(environment, tmp_path / "columns", n_samples=2)
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["samples"][0]["image"] = "preview.png"
    (folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(BadOption, match=r"^`folder` must name 0 images in manifest.json, got .*; it names 1$"):
        open_folder(folder)


@pytest.mark.wide
def test_a_figure_of_differences_draws_columns(environment):
    maps = torch.arange(12.0).view(2, 6)
    for same_units in (False, True):
        figure = difference_figure(environment.sample(2), [1, 0], maps, maps.flip(0), same_units=same_units)
        assert figure.axes[1].images[0].get_array().shape == (1, 6)


@pytest.mark.parametrize("n_channels", [2, 4])
def test_pictures_of_other_numbers_of_channels_show_the_sum_of_magnitudes(n_channels):
    image = torch.zeros(n_channels, 2, 2)
    image[:, 0, 1], image[0, 1, 0] = -2, 1
    drawn = picture(image)
    assert drawn[..., 0].tolist() == [[0, 255], [int(255 / (2 * n_channels)), 0]]
    assert (drawn[..., 0] == drawn[..., 2]).all()


def test_pictures_of_columns_are_blue_below_zero_and_red_above():
    drawn = picture(torch.tensor([[-3.0, 0.0, 3.0]])).astype(int)
    assert drawn.shape == (1, 3, 3)
    assert drawn[0, 0, 2] > drawn[0, 0, 0]
    assert drawn[0, 2, 0] > drawn[0, 2, 2]
    assert drawn[0, 1].min() > 250
