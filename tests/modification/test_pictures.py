"""Modified data sets: draws, splits, versions, designed networks, built-in pictures."""

import numpy as np
import pytest
import torch

from attributionlab.errors import BadOption, UnknownName
from attributionlab.methods import make_method
from attributionlab.modification import (
    Pictures,
    attribution_percentage,
    builtin_pictures,
    changes,
    flat_pictures,
    make_manipulation,
    modify,
    reference_network,
    region_network,
    register_manipulation,
)
from attributionlab.modification.builtin import CLASSES
from attributionlab.modification.training import measured_accuracy, pixels_to_inputs


@pytest.fixture(scope="module")
def data():
    return modify(flat_pictures(30), "spot", noninformative="border")


def test_each_picture_has_the_manipulation_of_its_new_label(data):
    spot, border = make_manipulation("spot").region(32, 32), make_manipulation("border").region(32, 32)
    for original, picture, label, has in zip(
        data.originals.values, data.values, data.labels, data.has_noninformative, strict=True
    ):
        expected = original.copy()
        if label == 1:
            expected[spot] = 255
        if has:
            expected[border] = 255
        assert (picture == expected).all()
    assert 10 < data.has_noninformative.sum() < 50
    assert (data.region == spot).all()
    assert (data.noninformative_region == border).all()


def test_equal_seeds_give_equal_data_and_others_do_not(data):
    again = modify(flat_pictures(30), "spot", noninformative="border")
    other = modify(flat_pictures(30), "spot", noninformative="border", seed=1)
    assert (again.values == data.values).all()
    assert again.splits == data.splits
    assert (other.labels != data.labels).any()
    assert other.splits != data.splits


def test_the_splits_are_seven_to_one_to_two(data):
    assert [len(data.rows(split)) for split in ("train", "validation", "test")] == [42, 6, 12]
    assert len({int(row) for split in ("train", "validation", "test") for row in data.rows(split)}) == 60


def test_a_version_has_another_manipulation_and_else_the_same_draws():
    data = modify(builtin_pictures(n_per_class=5, size=32), "noise", noninformative="spot")
    for index in range(10):
        label = int(data.labels[index])
        assert (data.version(index, label) == data.values[index]).all()
        changed = (data.version(index, 1 - label) != data.values[index]).any(axis=2)
        assert changed.any()
        assert not (changed & ~data.region).any()


def test_levels_and_reassignments_change_nothing_else(data):
    noise = modify(builtin_pictures(n_per_class=5, size=32), "noise")
    faint = noise.at_level(0.02)
    assert (faint.labels == noise.labels).all()
    assert (faint.region == noise.region).all()
    assert (faint.values != noise.values).any()
    kept = noise.reassigned(1.0)
    assert (kept.labels == kept.originals.labels).all()
    assert (noise.reassign, kept.reassign, kept.accuracy_bound) == (0.5, 1.0, 1.0)
    with pytest.raises(BadOption, match="must have levels of visibility, got 'blank, spot'"):
        data.at_level(1.0)


def test_with_three_classes_each_has_its_manipulation():
    pictures = builtin_pictures(["cat", "brick", "scenes"], n_per_class=4, size=16)
    data = modify(pictures, ["blank", "spot", "border"], reassign=[[0.5, 0.25, 0.25]] * 3)
    assert data.reassign is None
    assert data.accuracy_bound == 0.5
    for picture, label in zip(data.values, data.labels, strict=True):
        assert ((picture[0, 0] == 255).all()) == (label == 2)


@pytest.fixture(scope="module")
def designed(data):
    plain = modify(flat_pictures(30), "spot")
    rows = plain.rows("test")
    return plain, pixels_to_inputs(plain.values[rows]), torch.from_numpy(plain.labels[rows])


@pytest.mark.parametrize(("build", "percentage"), [(region_network, 1.0), (reference_network, 0.5)])
def test_two_networks_are_equally_accurate_and_one_uses_the_rest_as_a_reference(designed, build, percentage):
    data, inputs, labels = designed
    model = build(data.region)
    assert measured_accuracy(model, data).accuracy == 1.0
    assert measured_accuracy(model, data).bound == 0.5
    region = torch.from_numpy(data.region)
    gradient = make_method("gradient")(model, inputs, torch.ones_like(labels))
    assert attribution_percentage(gradient, region).tolist() == [percentage] * len(labels)


def test_exact_shapley_values_of_the_positive_control_lie_in_the_region(designed):
    data, inputs, labels = designed
    model = region_network(data.region)
    # of a linear function, input x gradient is the Shapley value relative to black
    values = make_method("input-x-gradient")(model, inputs, torch.ones_like(labels))
    lit = inputs.flatten(1).any(dim=1)
    assert attribution_percentage(values[lit], torch.from_numpy(data.region)).tolist() == [1.0] * int(lit.sum())
    for row in range(2):
        hidden = inputs[row : row + 1].clone()
        hidden[:, :, torch.from_numpy(data.region)] = 0
        drop = float((model(inputs[row : row + 1]) - model(hidden))[0, 1].detach())
        assert float(values[row].double().sum()) == drop


def test_the_margins_of_the_designed_networks_hold_for_every_level(designed):
    data = designed[0]
    n_in, n_out = int(data.region.sum()), int((~data.region).sum())
    flat = (
        np.repeat(np.arange(101, dtype=np.uint8)[:, None, None, None], 32, axis=1).repeat(32, axis=2).repeat(3, axis=3)
    )
    marked = np.where(data.region[..., None], 255, flat).astype(np.uint8)
    for build, least in ((region_network, 77 * 3 * n_in), (reference_network, 63 * 3 * n_in * n_out)):
        model = build(data.region)
        assert float(model(pixels_to_inputs(flat))[:, 1].detach().max()) <= -least
        assert float(model(pixels_to_inputs(marked))[:, 1].detach().min()) >= least


@pytest.mark.wide
@pytest.mark.parametrize("name", CLASSES)
def test_a_built_in_picture_belongs_to_its_class_seed_and_index(name):
    few, more = (builtin_pictures([name, "cat" if name != "cat" else "brick"], n_per_class=n, size=16) for n in (1, 2))
    assert few.values.shape == (2, 16, 16, 3)
    assert (few.values[0] == more.values[0]).all()
    assert (more.values[0] != more.values[1]).any()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: builtin_pictures(["cat"], n_per_class=1), BadOption, "`classes` must be at least two"),
        (lambda: builtin_pictures(["cat", "cat"], n_per_class=1), BadOption, "`classes` must have different names"),
        (lambda: builtin_pictures(["cat", "gras"]), UnknownName, "did you mean grass"),
        (lambda: builtin_pictures(size=8), BadOption, "`size` must be at least 16"),
        (lambda: flat_pictures(0), BadOption, "`n_per_class` must be at least 1"),
        (lambda: modify(flat_pictures(3), "spot"), BadOption, "`pictures` must be at least 10, got 6"),
        (lambda: modify(flat_pictures(5), ["spot"] * 3), BadOption, r"must be 2, one per class \(or a single one"),
        (lambda: modify(flat_pictures(5), "spot", reassign=2), BadOption, "`reassign` must be in"),
        (
            lambda: modify(flat_pictures(5), "spot", reassign=[[1, 0], [1, 0]]),
            BadOption,
            "`reassign` must leave pictures in every class, got 'none in lighter'",
        ),
        (lambda: modify(flat_pictures(5), "spot", seed=-1), BadOption, "`seed` must be at least 0"),
        (lambda: modify(None, "spot"), BadOption, "`pictures` must be Pictures"),
        (
            lambda: modify(flat_pictures(5), "noise", noninformative="spot[top=100]"),
            BadOption,
            "must lie outside of the",
        ),
        (lambda: modify(flat_pictures(5), "noise", noninformative="blank"), BadOption, "must change some pixels"),
        (lambda: region_network(np.ones((2, 2), dtype=bool)), BadOption, "must have pixels inside and outside"),
        (lambda: Pictures(np.zeros((1, 2, 2, 3)), np.zeros(1, int), ("a", "b")), BadOption, "`values` must be uint8"),
        (
            lambda: Pictures(np.zeros((2, 2, 2, 3), np.uint8), np.zeros(2, int), ("a", "b")),
            BadOption,
            "must have pictures each",
        ),
        (
            lambda: Pictures(np.zeros((2, 2, 2, 3), np.uint8), np.arange(3), ("a", "b", "c")),
            BadOption,
            "`labels` must be 2",
        ),
        (
            lambda: Pictures(np.zeros((2, 2, 2, 3), np.uint8), np.arange(2), ("a", "b"), ("x",)),
            BadOption,
            "`sources` must be 2",
        ),
    ],
)
def test_what_does_not_fit_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_an_empty_region_and_one_of_the_whole_picture_are_warned_about():
    with pytest.warns(UserWarning, match="the region of blank, blank is empty"):
        modify(flat_pictures(5), "blank")
    whole = changes(lambda height, width: np.ones((height, width), dtype=bool))(lambda picture, _random: picture)
    with pytest.warns(UserWarning, match="is the whole picture"):
        modify(flat_pictures(5), whole)


@pytest.mark.usefixtures("fresh_catalogs")
def test_a_registered_function_has_a_name():
    register_manipulation("half-black")(
        changes(lambda height, width: np.arange(height)[:, None].repeat(width, 1) < 8)(
            lambda picture, _random: np.where(np.arange(len(picture))[:, None, None] < 8, 0, picture)
        )
    )
    assert modify(flat_pictures(5), "half-black").manipulations[1].spec == "half-black"
