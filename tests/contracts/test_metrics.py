"""What holds for every registered metric: whoever adds one gets these tests for nothing."""

import copy
from functools import cache

import pytest
import torch

from attributionlab.environments import make_environment
from attributionlab.errors import NotFinite, WrongShape
from attributionlab.metrics import METRICS, Metric, make_metric
from attributionlab.seeding import generator
from attributionlab.specs.grammar import format_spec, parse_spec
from attributionlab.specs.options import convert_options, option_fields

ALL = tuple(METRICS)
LINEAR = "multi-color-sum[n_redundant=0,output=logit,size=16]"
ENVIRONMENTS = ("multi-color-sum[size=16]", LINEAR, "single-color-modulo[size=16]", "single-color-sum[size=16]")


@cache
def environment_of(spec):
    return make_environment(spec)


@cache
def batch_of(spec):
    return environment_of(spec).sample(3)


def noise(key, n=3):
    return torch.from_numpy(generator(key, "map").standard_normal((n, 16, 16)))


def measure(name, spec, *maps, rows=slice(None), **options):
    return make_metric(name, **options).evaluate(environment_of(spec), batch_of(spec)[rows], maps)


@pytest.mark.parametrize("spec", ENVIRONMENTS)
@pytest.mark.parametrize("name", ALL)
def test_there_is_one_score_per_image_and_method_and_a_curve_over_the_pixels(name, spec):
    found = measure(name, spec, noise(0), noise(1))
    assert len(found) == 2
    for one in found:
        assert one.scores.shape == (3,)
        assert one.scores.dtype == torch.float64
        assert one.scores.isfinite().all()
        if one.curves is not None:
            assert one.curves.shape == (3, len(one.at))
            assert (one.at.diff() > 0).all() and one.at[0] >= 0 and one.at[-1] <= 1


@pytest.mark.parametrize("name", ALL)
def test_the_truth_scores_better_than_noise_and_noise_better_than_the_opposite_of_the_truth(name):
    truth = batch_of(LINEAR).ground_truth.signed.double()
    scores = [one.scores for one in measure(name, LINEAR, truth, noise(0), -truth)]
    if not make_metric(name).higher_is_better:
        scores = [-one for one in scores]
    assert (scores[0] > scores[1]).all() and (scores[1] > scores[2]).all()


@pytest.mark.parametrize("spec", ENVIRONMENTS)
@pytest.mark.parametrize("name", ALL)
def test_scores_do_not_depend_on_the_batch_or_on_other_methods(name, spec):
    (together, _) = measure(name, spec, noise(0), noise(1))
    alone = torch.cat(
        [measure(name, spec, noise(0)[row : row + 1], rows=slice(row, row + 1))[0].scores for row in range(3)]
    )
    assert torch.equal(together.scores, alone)


@pytest.mark.parametrize("name", ALL)
def test_scores_do_not_depend_on_the_scale_or_on_how_channels_share_a_value(name):
    """Powers of two round nothing."""
    spec = ENVIRONMENTS[0]
    (usual,) = measure(name, spec, noise(0))
    (scaled,) = measure(name, spec, 4 * noise(0))
    (shared,) = measure(name, spec, torch.stack([noise(0) / 2, noise(0) / 4, noise(0) / 4], dim=1))
    torch.testing.assert_close(scaled.scores, usual.scores, rtol=1e-12, atol=1e-12)  # sums of other numbers
    torch.testing.assert_close(shared.scores, usual.scores, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", ALL)
def test_network_images_and_maps_are_left_as_they_were(name):
    spec = ENVIRONMENTS[0]
    model, images, maps = environment_of(spec).model, batch_of(spec).inputs.clone(), noise(0)
    state, given = copy.deepcopy(model.state_dict()), maps.clone()
    measure(name, spec, maps)
    assert torch.equal(maps, given)
    assert torch.equal(batch_of(spec).inputs, images)
    assert all(torch.equal(value, state[key]) for key, value in model.state_dict().items())
    assert all(not module._forward_hooks for module in model.modules())


@pytest.mark.parametrize("name", ALL)
def test_random_number_generators_are_left_as_they_were(name):
    before = torch.get_rng_state()
    measure(name, LINEAR, noise(0))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("name", ALL)
def test_a_constant_map_has_a_score_and_always_the_same(name):
    constant = torch.ones(3, 16, 16)
    (first,), (again,) = (measure(name, ENVIRONMENTS[0], constant) for _ in range(2))
    assert first.scores.isfinite().all()
    assert torch.equal(first.scores, again.scores)


@pytest.mark.parametrize("name", ALL)
def test_maps_that_do_not_fit_are_refused(name):
    with pytest.raises(WrongShape, match="attribution"):
        measure(name, LINEAR, noise(0)[:, 1:])
    with pytest.raises(NotFinite, match="attribution"):
        measure(name, LINEAR, noise(0) / 0)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no CUDA device here")
@pytest.mark.parametrize("spec", ENVIRONMENTS)
@pytest.mark.parametrize("name", ALL)
def test_scores_are_the_same_on_a_gpu(name, spec):
    there, batch = environment_of(spec).to(torch.device("cuda")), batch_of(spec).to("cuda")
    (found,) = make_metric(name).evaluate(there, batch, [noise(0).to("cuda")])
    (expected,) = measure(name, spec, noise(0))
    tolerance = (
        1e-3 if name == "sensitivity-n" else 1e-6
    )  # softmax and sums round; drops of 1e-4 then have three digits left
    torch.testing.assert_close(found.scores.cpu(), expected.scores, rtol=tolerance, atol=1e-6)


@pytest.mark.parametrize("name", ALL)
def test_metrics_declare_who_they_are(name):
    kind = METRICS.get(name)
    assert issubclass(kind, Metric)
    assert kind.name == name
    assert isinstance(kind.higher_is_better, bool)
    assert kind.source and kind.__doc__
    assert make_metric(name).spec == name


CHANGED = {
    "canvas": ("background", "background"),
    "measure": ("correct-steps", "correct-steps"),
    "n_orders": ("7", 7),
    "order": ("magnitude", "magnitude"),
    "seed": ("5", 5),
    "steps": ("9", 9),
}
"""For every option another value, as text and as Python value; a new option has to be added here."""


@pytest.mark.parametrize(
    ("name", "option"), [(name, option) for name in ALL for option in option_fields(METRICS.get(name))]
)
def test_an_option_goes_through_the_spec_and_back(name, option):
    kind, (text, value) = METRICS.get(name), CHANGED[option]
    default = option_fields(kind)[option].default
    assert convert_options(kind, {option: default}) == {option: default}
    metric = make_metric(format_spec(name, {option: text}))
    assert getattr(metric, option) == value
    assert parse_spec(metric.spec).options == {option: text}
    assert make_metric(metric.spec) == metric == make_metric(name, **{option: value})
