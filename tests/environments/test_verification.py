from __future__ import annotations

import copy
import dataclasses
import json

import pytest
import torch
from wide import first_of, some_of

from attributionlab.environments import Claim, MultiColorSum, Verification, make_environment, verify
from attributionlab.errors import BadOption
from attributionlab.networks import ColorDetector

SPECS = (
    "multi-color-sum",
    "multi-color-sum[accumulator=signed]",
    "multi-color-sum[accumulator=uniform,layout=dense]",
    "multi-color-sum[n_redundant=0]",
    "multi-color-sum[output=logit]",
    "single-color-modulo",
    "single-color-sum",
    "single-color-sum[accumulator=signed]",
)
COMMON = [
    *("outputs", "closed form", "truth", "shapley values", "precision", "variants"),
    *("counts", "background", "sensitivity", "symmetry", "addition"),
]


def small(spec="multi-color-sum", **options):
    return make_environment(spec, **{"size": 16, **options})


def violated(environment, **options):
    """Names of the claims that do not hold."""
    verification = verify(environment, **{"n_samples": 1, "n_pixels": 16, **options})
    names = {claim.name for claim in verification.claims if not claim.holds}
    assert verification.passed == (not names)
    return names


def sabotaged(spec, change):
    """An environment whose network, every time it is built, is changed: `change(network)`."""
    environment = small(spec)
    kind = type(environment)

    class Sabotaged(kind):
        def build_network(self):
            network = super().build_network()
            with torch.no_grad():
                change(network)
            return network

        def variants(self):  # changes name layers of the plain network
            return iter(())

    return Sabotaged(**{field.name: getattr(environment, field.name) for field in dataclasses.fields(environment)})


# What holds


@pytest.mark.parametrize(
    "spec", some_of(SPECS, "multi-color-sum[accumulator=signed]", "single-color-modulo", "single-color-sum")
)
def test_every_claim_of_every_environment_holds(spec):
    assert violated(small(spec)) == set()


@pytest.mark.parametrize("options", first_of([{"height": 16, "width": 21}, {"size": 25}, {"seed": 4}]), ids=str)
@pytest.mark.parametrize("name", ["multi-color-sum", "single-color-modulo"])
def test_every_claim_holds_at_other_sizes_and_seeds(name, options):
    assert violated(make_environment(name, **{"size": 16, **options} if "seed" in options else options)) == set()


@pytest.mark.wide
@pytest.mark.parametrize(
    ("spec", "claims"),
    [
        ("multi-color-sum", [*COMMON, "signs", "known colors", "unknown colors", "redundancy off", "counterpart"]),
        ("multi-color-sum[output=logit]", [*COMMON, "known colors", "unknown colors", "redundancy off", "counterpart"]),
        ("single-color-modulo", [*COMMON, "modulo"]),
        ("single-color-sum", COMMON),
    ],
)
def test_each_environment_makes_its_own_claims(spec, claims):
    verification = verify(small(spec), n_samples=1, n_pixels=4)
    assert [claim.name for claim in verification.claims] == claims
    assert verification.environment == small(spec).spec


@pytest.mark.slow
@pytest.mark.parametrize("spec", ["multi-color-sum", "single-color-modulo"])
def test_every_claim_holds_exhaustively(spec):
    verification = verify(small(spec), n_samples=2, exhaustive=True)
    assert verification.passed
    if spec == "multi-color-sum":
        checked = {claim.name: claim.n_checked for claim in verification.claims}
        assert checked["unknown colors"] == 2**24 - 5


@pytest.mark.wide
def test_exhaustively_every_pixel_is_changed():
    environment = small("single-color-sum")
    verification = verify(environment, n_samples=2, exhaustive=True)
    checked = {claim.name: claim.n_checked for claim in verification.claims}
    n_white = int(environment.sample(2).inputs.sum())
    assert checked["symmetry"] == checked["sensitivity"] == n_white
    assert checked["addition"] == 2 * 16 * 16 - n_white


@pytest.mark.wide
def test_otherwise_as_many_pixels_are_changed_as_asked_for():
    checked = {claim.name: claim.n_checked for claim in verify(small(), n_samples=2, n_pixels=5).claims}
    assert checked["symmetry"] == checked["sensitivity"] == checked["addition"] == checked["signs"] == 2 * 5
    assert checked["outputs"] == 2
    assert checked["counts"] == 2 * 4
    assert checked["known colors"] == 5
    assert checked["unknown colors"] > 2**18 - 100


def test_progress_is_told_each_claim_in_order():
    told = []
    verification = verify(small("single-color-modulo"), n_samples=1, n_pixels=2, progress=told.append)
    assert told == [claim.name for claim in verification.claims]


def test_the_model_is_left_as_it_was():
    environment = small()
    before = copy.deepcopy(environment.model.state_dict())
    verify(environment, n_samples=1, n_pixels=2)
    assert all(torch.equal(value, before[name]) for name, value in environment.model.state_dict().items())
    assert all(parameter.requires_grad for parameter in environment.model.parameters())


@pytest.mark.wide
def test_a_network_that_saturates_is_verified_without_another_warning():
    with pytest.warns(UserWarning, match="saturates"):
        environment = small(temperature=0.25, max_margin=None)
    assert violated(environment) == set()


@pytest.mark.parametrize("name", ["n_samples", "n_pixels"])
def test_numbers_below_one_are_refused(name):
    with pytest.raises(BadOption, match=f"`{name}` must be at least 1, got 0"):
        verify(small(), **{name: 0})


# What does not hold: networks with one thing changed


def test_one_kernel_weight_too_large_violates_the_counts():
    def change(network):
        network.accumulator.layers[0].weight[0, 0, 1, 1] += 1

    assert {"counts", "symmetry"} <= violated(sabotaged("multi-color-sum", change), n_pixels=500)


def test_one_kernel_weight_of_the_last_block_changed_violates_the_counts():
    def change(network):
        network.accumulator.layers[-4].weight[1, 0, 1, 1] -= 0.5

    assert {"counts", "symmetry"} <= violated(sabotaged("single-color-sum", change), n_pixels=500)


def test_a_kernel_weight_between_two_classes_violates_symmetry_and_addition():
    def change(network):  # the second class leaks into the first
        network.accumulator.layers[0].weight[0, 1] = 1.0

    assert {"counts", "symmetry", "addition"} <= violated(
        sabotaged("multi-color-sum[accumulator=uniform,layout=dense]", change)
    )


def test_a_bias_violates_the_background():
    def change(network):
        network.accumulator.layers[-2].bias[0] += 1

    assert {"background", "counts"} <= violated(sabotaged("single-color-sum", change))


def test_a_channel_that_ignores_a_color_violates_sensitivity():
    def change(network):  # the accumulator does not read the third color
        network.accumulator.layers[0].weight[:, 2] = 0

    environment = sabotaged("multi-color-sum[layout=dense]", change)
    assert {"sensitivity", "symmetry", "addition", "counts"} <= violated(environment)


def test_swapped_classes_violate_the_outputs_only():
    def change(network):
        network.head[2].weight.copy_(network.head[2].weight[[1, 2, 3, 0]])

    names = violated(sabotaged("multi-color-sum[output=logit]", change))
    assert names == {"outputs", "closed form"}


@pytest.mark.parametrize("spec", ["multi-color-sum", "single-color-modulo"])
def test_a_mask_with_a_wrong_sign_violates_the_shapley_values(spec):
    class Flipped(type(small(spec))):
        def signs(self, scene):
            first, *others = super().signs(scene)
            return (-first, *others)

    assert violated(Flipped(height=16, width=16)) == {"truth", "shapley values"}


def test_a_mask_that_covers_the_background_violates_the_shapley_values():
    class Everywhere(type(small())):
        def signed_truth(self, scene):
            return super().signed_truth(scene) | 1

    assert violated(Everywhere(height=16, width=16)) == {"truth", "shapley values"}


def test_a_color_that_votes_for_the_winner_violates_the_signs():
    def change(network):  # the more pixels of another color, the lower its logit
        network.head[2].weight.diagonal().copy_(torch.tensor([4.0, -4.0, -4.0, -4.0]))

    assert "signs" in violated(sabotaged("multi-color-sum", change))


def test_a_logit_that_ignores_its_count_violates_the_signs():
    def change(network):
        network.head[2].weight.zero_()

    assert {"outputs", "signs"} <= violated(sabotaged("multi-color-sum", change))


def test_a_detector_that_is_blind_to_a_color_violates_the_known_colors():
    def change(network):
        network.detector.layers[-2].weight[3] = 0

    assert {"known colors", "counts"} <= violated(sabotaged("multi-color-sum", change))


def test_a_background_that_wakes_redundant_channels_violates_the_known_colors():
    def change(network):  # the background is no longer counted among the known colors
        network.detector.layers[-2].weight[-1, 4] = 0

    assert {"known colors", "background"} <= violated(sabotaged("multi-color-sum", change))


def test_a_redundant_channel_that_sleeps_violates_the_unknown_colors_only():
    def change(network):
        network.detector.layers[-2].bias[-1] = 0

    assert violated(sabotaged("multi-color-sum", change)) == {"unknown colors"}


def test_a_detector_that_answers_to_similar_colors_violates_the_unknown_colors():
    def change(network):  # two matching channels are enough
        network.detector.layers[-4].bias[0] += 1

    assert "unknown colors" in violated(sabotaged("multi-color-sum", change))


def test_a_weight_off_the_dyadic_grid_violates_the_precision():
    def change(network):
        network.accumulator.layers[0].weight[:, 4:] *= 1 + 1e-6

    assert "precision" in violated(sabotaged("multi-color-sum", change))


def test_logits_that_depend_on_the_batch_violate_the_precision():
    def change(network):
        network.head.register_forward_hook(lambda _head, _inputs, logits: logits + (len(logits) > 1))

    assert violated(sabotaged("multi-color-sum[n_redundant=0]", change)) == {"precision", "closed form"}


def test_a_changed_modulo_network_violates_the_modulo():
    def change(network):
        network.head[0].bias[1] += 1

    assert "modulo" in violated(sabotaged("single-color-modulo", change))


def test_unknown_colors_that_matter_with_redundancy_off_violate_it():
    def change(network):  # the first class answers to unknown colors too, and to designed images as before
        answers = network.detector.layers[-2]
        if len(network.detector.channels) == 4:
            answers.weight[0, 1:] = -1
            answers.weight[0, 0] = 0
            answers.bias[0] = 1

    assert violated(sabotaged("multi-color-sum", change)) == {"redundancy off"}


def test_redundancy_that_changes_designed_images_violates_redundancy_off():
    def change(network):
        if len(network.detector.channels) == 4:
            network.head[2].weight *= 2

    assert violated(sabotaged("multi-color-sum", change)) == {"redundancy off"}


def test_the_model_under_test_is_the_environments_own():
    environment = small("single-color-sum")
    with torch.no_grad():
        environment.model.accumulator.layers[-2].bias += 1
    names = violated(environment)
    assert {"outputs", "counts", "background"} <= names
    assert "precision" not in names  # it is wrong in float32 and float64 alike


# The record


def test_a_claim_that_was_never_tested_does_not_hold():
    assert not Claim("a", "b").holds


def test_a_claim_counts_cases_and_violations():
    claim = Claim("a", "b")
    claim.test(torch.tensor([[True, True], [True, True]]))
    assert (claim.n_checked, claim.n_violations, claim.holds) == (4, 0, True)
    claim.test(torch.tensor([False, True, False]))
    assert (claim.n_checked, claim.n_violations, claim.holds) == (7, 2, False)


def test_a_verification_passes_if_every_claim_holds():
    good, bad = Claim("good", "", 3, 0), Claim("bad", "", 3, 1)
    assert Verification("x", [good, good]).passed
    assert not Verification("x", [good, bad]).passed


def test_a_verification_can_be_written_as_json():
    record = json.loads(json.dumps(verify(small("single-color-sum"), n_samples=1, n_pixels=2).to_dict()))
    assert set(record) == {"environment", "passed", "claims", "note"}
    assert record["passed"] is True
    assert set(record["claims"][0]) == {"name", "statement", "n_checked", "n_violations", "note", "holds"}


@pytest.mark.wide
def test_effects_below_the_resolution_are_noted():
    with pytest.warns(UserWarning, match="saturates"):
        environment = small(size=48, temperature=0.25, max_margin=None)
    (signs,) = (claim for claim in verify(environment, n_samples=4).claims if claim.name == "signs")
    assert signs.holds
    assert "below the resolution of float64" in signs.note


def test_the_detector_that_is_verified_is_a_color_detector():
    environment = small()
    assert isinstance(environment, MultiColorSum)
    assert isinstance(environment.model.detector, ColorDetector)


def test_another_device_is_a_claim_of_its_own():
    """`meta` computes nothing, so asking for it fails loudly: the device is really used."""
    with pytest.raises(RuntimeError):
        verify(small("single-color-sum"), n_samples=1, device="meta")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no CUDA device here")
@pytest.mark.parametrize("design", ["uniform", "nonnegative", "signed"])
def test_logits_are_the_same_on_a_gpu(design):
    verification = verify(small("multi-color-sum", accumulator=design), n_samples=2, device="cuda")
    assert verification.passed
    assert "device" in [claim.name for claim in verification.claims]
