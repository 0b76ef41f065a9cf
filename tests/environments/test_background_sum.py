"""Objects or background: the truth of both networks, by intervention on every pixel."""

from __future__ import annotations

import pytest
import torch

import attributionlab as al
from attributionlab.environments import make_environment, verify
from attributionlab.errors import BadOption

SPURIOUS = "bug=spurious-background"


def environment_of(options=""):
    return make_environment(f"background-sum[{options}{',' if options else ''}size=16]")


@pytest.mark.parametrize("options", ["", SPURIOUS, f"output=logit,{SPURIOUS},n_redundant=0,swapped=1"])
def test_every_claim_holds_on_every_pixel(options):
    verification = verify(environment_of(options), n_samples=1, n_pixels=256)
    assert verification.passed, str(verification)


def test_every_background_pixel_raises_the_spurious_output_and_no_object_affects_it():
    healthy, spurious = environment_of(), environment_of(SPURIOUS)
    batch, clean = spurious.sample(3), healthy.sample(3)
    assert torch.equal(batch.inputs, clean.inputs)
    objects = clean.ground_truth.overall_mask
    assert torch.equal(batch.ground_truth.signed, (~objects).to(torch.int8))
    assert torch.equal(batch.ground_truth.smooth_positive_mask, ~objects)
    assert objects.any()


def test_swapped_backgrounds_leave_the_healthy_network_right_and_the_spurious_one_wrong():
    healthy, spurious = environment_of("swapped=1"), environment_of(f"swapped=1,{SPURIOUS}")
    batch = healthy.sample(4)
    assert torch.equal(healthy.model(batch.inputs).argmax(dim=1), batch.labels)
    assert torch.equal(spurious.model(batch.inputs).argmax(dim=1), 1 - batch.labels)
    assert torch.equal(spurious.sample(4).labels, batch.labels)
    assert torch.equal(spurious.sample(4).targets, 1 - batch.labels)


def test_the_other_class_is_lowered_by_what_raises_the_winner():
    spurious = environment_of(SPURIOUS)
    own, other = (spurious.sample(2, target=target).ground_truth.signed for target in ("winner", "loser"))
    assert torch.equal(own, -other)


def test_both_networks_are_counterparts_of_each_other():
    healthy, spurious = environment_of(), environment_of(SPURIOUS)
    scene = healthy.scene(0)
    network, truth = healthy.counterpart(scene)
    inputs = healthy.batch((scene,)).inputs
    assert torch.equal(network(inputs), spurious.model(inputs))
    assert torch.equal(truth.signed, spurious.batch((scene,)).ground_truth.signed)
    back, truth = spurious.counterpart(scene)
    assert torch.equal(back(inputs), healthy.model(inputs))
    assert torch.equal(truth.signed, healthy.batch((scene,)).ground_truth.signed)


@pytest.mark.parametrize("options", ["", SPURIOUS, f"{SPURIOUS},output=logit,n_redundant=0"])
def test_games_in_closed_form_are_those_of_the_network(options):
    environment = environment_of(options)
    batch = environment.sample(1)
    for game in ("removal", "alone", "aumann-shapley"):
        exact = al.exact_values(environment, batch, game)
        copied = al.exact_values(environment, batch, game, network=environment.build_network().eval())
        torch.testing.assert_close(exact.values, copied.values)
    shapley = al.exact_values(environment, batch, "shapley")
    torch.testing.assert_close(shapley.values.sum(dim=(1, 2)), shapley.total)


def test_a_method_that_marks_the_truth_passes_and_the_objects_alone_do_not():
    assert al.check("truth", f"background-sum[{SPURIOUS},size=16]", n_samples=4).passed
    assert not al.check("edge", f"background-sum[{SPURIOUS},size=16]", n_samples=4).passed


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"backgrounds": ((1, 1, 1),) * 3}, "`backgrounds` must be distinct, and differ from all other colors, got"),
        ({"backgrounds": ((1, 1, 1),)}, "`backgrounds` must be 2 colors, one for each class, got"),
        ({"backgrounds": ((1, 1, 1), (255, 0, 0))}, "`colors` must differ from the backgrounds, got"),
        ({"backgrounds": ((1, 1, 1), (20, 20, 20))}, "`absent` must be distinct, and differ from all other colors"),
        ({"swapped": 2}, "`swapped` must be"),
        ({"bug": "mislabeled"}, "`bug` must be none or spurious-background, got 'mislabeled'"),
    ],
)
def test_bad_options_are_refused(options, message):
    with pytest.raises(BadOption, match=message):
        make_environment("background-sum", size=16, **options)


def test_scenes_of_other_colors_are_refused():
    other = make_environment("background-sum[size=16]", backgrounds=((1, 1, 1), (2, 2, 2)))
    with pytest.raises(BadOption, match="`scenes` must have the colors of the environment"):
        environment_of().batch((other.scene(0),))


def test_a_scene_is_described_with_its_background():
    environment = environment_of()
    scene = environment.scene(0)
    assert environment.describe_scene(scene)["background"] == list(scene.background)
