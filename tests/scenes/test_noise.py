"""Noise within the design domain."""

import numpy as np
import pytest

import attributionlab as al
from attributionlab.scenes import colored_ids, patch_ids, shuffled


@pytest.mark.parametrize(
    "spec", ["multi-color-sum[size=16]", "background-sum[size=16]", "single-color-modulo[size=32]"]
)
@pytest.mark.parametrize("share", [0.3, 1.0])
def test_noise_keeps_counts_and_the_network_agrees_with_the_closed_form(spec, share):
    environment = al.make_environment(spec)
    scene = environment.scene(0)
    noisy = shuffled(scene, share, np.random.default_rng(0))
    assert noisy.n_pixels == scene.n_pixels
    batch, plain = environment.batch((noisy,)), environment.batch((scene,))
    assert (batch.inputs != plain.inputs).any()
    assert environment.model(batch.inputs).equal(environment.model(plain.inputs))
    logits = environment.logits(noisy, np.ones(batch.inputs.shape[2:], bool))
    assert logits.tolist() == environment.logits(scene, np.ones(batch.inputs.shape[2:], bool)).tolist()
    signed = batch.ground_truth.signed[0]
    colored = np.any(batch.inputs[0].numpy() != np.array(scene.background)[:, None, None], axis=0)
    if spec.startswith("multi"):
        assert ((signed != 0).numpy() == colored).all(), "the truth moves along with the pixels"


def test_a_share_of_the_pixels_changes_places():
    scene = al.make_environment("multi-color-sum[size=32]").scene(0)
    before, after = colored_ids(scene), colored_ids(shuffled(scene, 0.25, np.random.default_rng(1)))
    assert 0 < np.count_nonzero(before != after) <= 0.25 * before.size


def test_supports_hold_what_has_their_color_and_do_not_overlap():
    scene = al.make_environment("multi-color-sum[size=16]").scene(0)
    noisy = shuffled(scene, 0.5, np.random.default_rng(2))
    assert np.sum([patch.support for patch in noisy.patches], axis=0).max() == 1
    ids, colored = patch_ids(noisy), colored_ids(noisy)
    assert (ids[colored > 0] == colored[colored > 0]).all()


def test_no_noise_changes_nothing():
    scene = al.make_environment("multi-color-sum[size=16]").scene(0)
    same = shuffled(scene, 0.0, np.random.default_rng(0))
    assert (colored_ids(same) == colored_ids(scene)).all()
    assert (patch_ids(same) == patch_ids(scene)).all()
