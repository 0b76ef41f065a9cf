"""Laws of environments, over random options."""

from __future__ import annotations

import warnings

import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from attributionlab.environments import MultiColorSum, SingleColorModulo, make_environment
from attributionlab.errors import Inexact, SaturationWarning
from attributionlab.specs.grammar import format_spec, parse_spec, split_specs
from attributionlab.specs.options import convert_options

sides = st.integers(16, 28)
seeds = st.integers(0, 2**40)
colors = st.tuples(*[st.integers(0, 255)] * 3).filter(lambda color: color != (20, 20, 20))
dyadic = st.integers(-64, 64).map(lambda steps: steps / 64)
designs = st.sampled_from(["uniform", "nonnegative", "signed"])

scene_options = {
    "height": sides,
    "width": sides,
    "data_seed": seeds,
    "network_seed": seeds,
}
multi_color_options = {
    **scene_options,
    "colors": st.lists(colors, min_size=2, max_size=4, unique=True).map(tuple),
    "max_margin": st.floats(1.0, 1e6) | st.none(),
    "accumulator": designs,
    "n_kernels": st.integers(2, 4),
    "n_redundant": st.integers(0, 3),
    "redundant_scale": dyadic,
    "temperature": st.integers(-8, 8).map(lambda exponent: 2.0**exponent),
    "output": st.sampled_from(["probability", "logit"]),
    "layout": st.sampled_from(["compact", "dense"]),
}
single_color_options = {
    **scene_options,
    "n_patches": st.integers(1, 3),
    "accumulator": designs,
    "n_kernels": st.integers(2, 4),
}


radii = st.just({}) | st.fixed_dictionaries({"min_radius": st.floats(0.5, 2.0), "max_radius": st.floats(2.0, 3.5)})


def chosen(options):
    """Some of the options, the others left at their defaults."""
    return st.fixed_dictionaries({}, optional=options)


@settings(max_examples=80, deadline=None)
@given(options=chosen(multi_color_options), radii=radii)
def test_a_multi_color_environment_is_what_its_spec_builds(options, radii):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SaturationWarning)
        environment = MultiColorSum(**options, **radii)
        try:
            environment.prove()
        except Inexact:
            assume(condition=False)  # no weights are exact with these options, so nothing can be built from the spec
        assert make_environment(environment.spec) == environment
        assert make_environment(environment.spec).spec == environment.spec
    assert split_specs(f"{environment.spec},{environment.spec}") == [environment.spec] * 2


@settings(max_examples=40, deadline=None)
@given(options=chosen({**single_color_options, "modulus": st.integers(2, 60)}))
def test_a_modulo_environment_is_what_its_spec_builds(options):
    environment = SingleColorModulo(**options)
    assert make_environment(environment.spec) == environment
    assert make_environment(environment.spec).spec == environment.spec


@settings(max_examples=60, deadline=None)
@given(number=st.floats(allow_nan=False, allow_infinity=False))
def test_any_finite_number_survives_being_written_and_read(number):
    text = format_spec("multi-color-sum", {"temperature": number})
    assert convert_options(MultiColorSum, parse_spec(text).options) == {"temperature": number}


names = st.sampled_from(["multi-color-sum", "single-color-modulo", "single-color-sum"])


@settings(max_examples=15, deadline=None)
@given(name=names, seed=seeds, height=sides, width=sides, start=st.integers(0, 10**9), n=st.integers(1, 4))
def test_a_sample_does_not_depend_on_its_batch(name, seed, height, width, start, n):
    environment = make_environment(name, seed=seed, height=height, width=width)
    batch = environment.sample(n, start=start)
    last = environment.sample(1, start=start + n - 1)
    assert torch.equal(batch.inputs[-1:], last.inputs)
    assert torch.equal(batch.ground_truth.signed[-1:], last.ground_truth.signed)
    assert torch.equal(batch.labels[-1:], last.labels)


@settings(max_examples=15, deadline=None)
@given(name=names, seed=seeds, height=sides, width=sides, design=designs)
def test_the_network_answers_with_the_label_and_exact_counts(name, seed, height, width, design):
    environment = make_environment(name, seed=seed, height=height, width=width, accumulator=design)
    batch = environment.sample(2)
    outputs = environment.model(batch.inputs)
    answers = outputs[:, 0] if environment.explains == "value" else outputs.argmax(dim=1)
    assert torch.equal(answers, batch.labels.to(answers.dtype))
    counts = [list(scene.n_pixels) for scene in batch.scenes]
    expected = [[sum(numbers)] for numbers in counts] if environment.explains == "value" else counts
    assert environment.model.counts(batch.inputs).tolist() == expected


@settings(max_examples=10, deadline=None)
@given(seed=seeds, size=sides)
def test_the_truth_marks_each_pixel_by_the_color_that_it_shows(seed, size):
    environment = make_environment("multi-color-sum", seed=seed, size=size)
    batch = environment.sample(2)
    shown = torch.zeros_like(batch.ground_truth.signed)
    for index, color in enumerate(environment.colors):
        has_color = (batch.inputs == torch.tensor(color)[:, None, None]).all(dim=1)
        shown += torch.where(batch.labels == index, 1, -1)[:, None, None].to(torch.int8) * has_color
    assert torch.equal(batch.ground_truth.signed, shown)
