"""Maps whose score is known beforehand."""

import numpy as np
import pytest
import torch

from attributionlab.environments import make_environment
from attributionlab.errors import BadOption
from attributionlab.games import exact_values
from attributionlab.methods import make_method


def random_map(inputs, seed=0):
    return make_method("random", seed=seed)(None, inputs, torch.zeros(len(inputs), dtype=torch.int64))


def images(n=4, side=32):
    return torch.from_numpy(np.random.default_rng(0).integers(0, 256, (n, 3, side, side))).float()


def test_random_values_are_uniform_between_zero_and_one():
    """Largest distance of the empirical distribution function from the diagonal, against Kolmogorov's 0.1 percent."""
    values = np.sort(random_map(images()).flatten().numpy())
    assert values[0] >= 0
    assert values[-1] <= 1
    distance = np.abs(values - (np.arange(len(values)) + 0.5) / len(values)).max()
    assert distance < 1.95 / np.sqrt(len(values))


def test_signed_random_values_are_the_others_from_minus_one_to_one():
    signed = make_method("random", signed=True)
    assert signed.declaration.sign == "signed"
    maps = signed(None, images(), torch.zeros(4, dtype=torch.int64))
    torch.testing.assert_close(maps, 2 * random_map(images()) - 1)  # here rounded to float32 first


def test_random_values_of_neighbors_are_not_correlated():
    maps = random_map(images()).numpy() - 0.5
    correlation = (maps[:, :, 1:] * maps[:, :, :-1]).mean() * 12
    assert abs(correlation) < 5 / np.sqrt(maps.size)


def test_random_maps_depend_on_the_content_of_the_image_and_on_nothing_else():
    first, second = images(2)
    maps = random_map(torch.stack([first, second, first]))
    assert torch.equal(maps[0], maps[2])
    assert not torch.equal(maps[0], maps[1])
    assert torch.equal(random_map(first[None].clone())[0], maps[0])


def test_random_maps_depend_on_a_single_pixel_value():
    changed = images(1)
    changed[0, 2, 31, 31] += 1
    assert not torch.equal(random_map(changed), random_map(images(1)))


def test_random_maps_depend_on_the_seed():
    assert not torch.equal(random_map(images(1), seed=0), random_map(images(1), seed=1))


def test_random_maps_refuse_a_negative_seed():
    with pytest.raises(BadOption, match=r"^`seed` must be at least 0, got -1$"):
        make_method("random", seed=-1)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_constant_map_is_one_everywhere(channels):
    maps = make_method("constant")(None, torch.zeros(2, channels, 4, 5), torch.zeros(2, dtype=torch.int64))
    assert torch.equal(maps, torch.ones(2, 4, 5))


def test_the_truth_is_the_signed_truth_of_the_batch():
    batch = make_environment("multi-color-sum[size=16]").sample(2)
    maps = make_method("truth")(None, batch.inputs, batch.targets, batch=batch)
    assert torch.equal(maps, batch.ground_truth.signed.float())


def test_the_truth_refuses_to_guess_without_a_batch():
    with pytest.raises(BadOption, match=r"^`batch` must be given to the `truth` control, got None$"):
        make_method("truth")(None, torch.zeros(1, 1, 4, 4), torch.tensor([0]))


def test_edges_are_the_sobel_magnitudes_of_all_channels():
    """sqrt((g_x^2 + g_y^2) / 2), with the kernel (1, 2, 1) x (1, 0, -1) / 4 and the border repeated."""
    inputs = images(2, 9)
    padded = np.pad(inputs.double().numpy(), ((0, 0), (0, 0), (1, 1), (1, 1)), mode="symmetric")
    expected = np.zeros((2, 9, 9))
    for image, channel, row, column in np.ndindex(2, 3, 9, 9):
        window = padded[image, channel, row : row + 3, column : column + 3]
        down = (window[2] - window[0]) @ [1, 2, 1] / 4
        across = (window[:, 2] - window[:, 0]) @ [1, 2, 1] / 4
        expected[image, row, column] += np.sqrt((down**2 + across**2) / 2)
    maps = make_method("edge")(None, inputs, torch.zeros(2, dtype=torch.int64))
    torch.testing.assert_close(maps, torch.from_numpy(expected).float())


def test_the_input_is_the_sum_of_its_channels():
    inputs = images(2, 5)
    assert torch.equal(make_method("input")(None, inputs, torch.zeros(2, dtype=torch.int64)), inputs.sum(dim=1))


def test_the_exact_control_gives_the_values_of_its_game():
    environment = make_environment("multi-color-sum[size=16]")
    batch = environment.sample(2)
    for spec, arguments in {
        "exact": ("shapley", "true"),
        "exact[baseline=black,game=removal]": ("removal", "black"),
        "exact[baseline=255,0,0,game=aumann-shapley]": ("aumann-shapley", (255, 0, 0)),
    }.items():
        maps = make_method(spec, environment)(environment.model, batch.inputs, batch.targets, batch=batch)
        assert torch.equal(maps, exact_values(environment, batch, *arguments).values)
    estimated = make_method("exact[n_orders=3]", environment)
    maps = estimated(environment.model, batch.inputs, batch.targets, batch=batch)
    assert torch.equal(maps, exact_values(environment, batch, "shapley", n_orders=3).values)


def test_the_exact_control_explains_the_targets_that_it_is_given():
    environment = make_environment("multi-color-sum[size=16]")
    batch = environment.sample(1)
    others = (batch.targets + 1) % 4
    maps = make_method("exact", environment)(environment.model, batch.inputs, others, batch=batch)
    assert (maps[batch.ground_truth.signed > 0] < 0).all()


@pytest.mark.parametrize(
    ("spec", "context", "message"),
    [
        ("exact", {}, "`batch` must be given to the `exact` control, got None"),
        ("exact[game=removal,n_orders=4]", {"batch"}, "`n_orders` must be none for the game removal"),
    ],
)
def test_the_exact_control_needs_a_batch_and_options_that_fit(spec, context, message):
    environment = make_environment("multi-color-sum[size=16]")
    batch = environment.sample(1)
    method = make_method(spec, environment)
    with pytest.raises(BadOption, match=message):
        method(environment.model, batch.inputs, batch.targets, **({"batch": batch} if context else {}))


def test_the_exact_control_needs_an_environment():
    batch = make_environment("multi-color-sum[size=16]").sample(1)
    with pytest.raises(BadOption, match="`environment` must be given to the `exact` control, got None"):
        make_method("exact")(None, batch.inputs, batch.targets, batch=batch)
    with pytest.raises(BadOption, match="`n_orders` must be at least 2, got 1"):
        make_method("exact", n_orders=1)
