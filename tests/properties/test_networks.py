"""Laws of the designed networks, over random sizes, designs, seeds, colors and images."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from oracles import accumulate, count_labels, detect, modulo

from attributionlab.networks import (
    Accumulator,
    ColorDetector,
    DesignedNetwork,
    Redundancy,
    build_identity_head,
    build_modulo,
)

few = settings(max_examples=15, deadline=None)

sides = st.integers(16, 33)
seeds = st.integers(0, 2**40)
designs = st.sampled_from(["uniform", "nonnegative", "signed"])
scales = st.integers(-32, 32).map(lambda steps: steps / 32)
redundancies = st.builds(Redundancy, st.integers(0, 3), scales)
temperatures = st.integers(-3, 6).map(lambda exponent: 2.0**exponent)
colors = st.tuples(*[st.integers(0, 255)] * 3)
close_colors = st.tuples(*[st.integers(100, 102)] * 3)
palettes = st.lists(colors | close_colors, min_size=3, max_size=6, unique=True)


def images_of(palette, size, seed):
    """An image of known colors only, and one of known, random and almost known colors."""
    random = np.random.default_rng(seed)
    known = np.array(palette)[random.integers(0, len(palette), (2, *size))]
    close = np.clip(known + random.integers(-1, 2, known.shape), 0, 255)
    anything = random.integers(0, 256, known.shape)
    mixed = np.choose(random.integers(0, 3, (2, *size))[..., None], [known, close, anything])
    return np.stack([known[0], mixed[1]])


def as_inputs(images):
    return torch.from_numpy(images.transpose(0, 3, 1, 2).copy()).float()


def build(palette, size, *, design, redundancy, seed, temperature=1.0, compact=True):
    *wanted, background = palette
    return DesignedNetwork(
        ColorDetector(wanted, background, redundancy.n_channels, share_thresholds=compact),
        Accumulator(len(wanted), size, design=design, redundancy=redundancy, seed=seed, grouped=compact),
        build_identity_head(len(wanted), temperature),
        softmax=False,
        classes=[str(color) for color in wanted],
    )


networks = st.fixed_dictionaries(
    {"design": designs, "redundancy": redundancies, "seed": seeds, "temperature": temperatures}
)


@few
@given(palette=palettes, size=st.tuples(sides, sides), options=networks, image_seed=seeds)
def test_logits_of_designed_images_are_counts_over_the_temperature(palette, size, options, image_seed):
    random = np.random.default_rng(image_seed)
    labels = random.integers(0, len(palette), size)
    logits = build(palette, size, **options)(as_inputs(np.array(palette)[labels][None]))
    counts = count_labels(labels.tolist(), len(palette) - 1)
    assert logits[0].tolist() == [count / options["temperature"] for count in counts]


@few
@given(palette=palettes, size=st.tuples(sides, sides), options=networks, image_seed=seeds)
def test_float32_and_float64_are_equal_on_any_integer_colors(palette, size, options, image_seed):
    inputs = as_inputs(images_of(palette, size, image_seed))
    network = build(palette, size, **options)
    logits = network(inputs)
    assert torch.equal(network.double()(inputs.double()), logits.double())


@few
@given(palette=palettes, size=st.tuples(sides, sides), options=networks, image_seed=seeds)
def test_dense_and_compact_layouts_are_equal_bit_for_bit(palette, size, options, image_seed):
    inputs = as_inputs(images_of(palette, size, image_seed))
    assert torch.equal(build(palette, size, **options)(inputs), build(palette, size, **options, compact=False)(inputs))


@few
@given(palette=palettes, size=st.tuples(sides, sides), options=networks, image_seed=seeds)
def test_single_images_and_batches_are_equal_bit_for_bit(palette, size, options, image_seed):
    inputs = as_inputs(images_of(palette, size, image_seed))
    network = build(palette, size, **options)
    assert torch.equal(network(inputs), torch.cat([network(image) for image in inputs.split(1)]))


@settings(max_examples=12, deadline=None)
@given(
    size=st.tuples(st.integers(2, 11), st.integers(2, 20)),
    design=designs,
    redundancy=redundancies,
    seed=seeds,
    image_seed=seeds,
)
def test_any_mixture_of_known_and_unknown_pixels_counts_as_exact_arithmetic_says(
    size, design, redundancy, seed, image_seed
):
    labels = np.random.default_rng(image_seed).integers(0, 4, (1, *size))  # two classes, background, unknown
    channels = np.stack([labels == 0, labels == 1, *[labels == 3] * redundancy.n_channels], axis=1)
    accumulator = Accumulator(2, size, design=design, redundancy=redundancy, seed=seed)
    counts = accumulator(torch.from_numpy(channels).float())
    assert counts[0].tolist() == accumulate(channels[0].astype(int).tolist(), accumulator.blocks)


@few
@given(palette=palettes, n_redundant=st.integers(0, 2), shared=st.booleans(), others=st.lists(colors, max_size=10))
def test_any_palette_is_detected_as_the_equations_say(palette, n_redundant, shared, others):
    *wanted, background = palette
    near = [tuple(min(255, value + 1) for value in color) for color in palette]
    pixels = [*palette, *near, *others]
    detector = ColorDetector(wanted, background, n_redundant, share_thresholds=shared)
    answers = detector(torch.tensor(pixels).float().T[None, :, :, None])[0, :, :, 0].T
    assert answers.tolist() == [detect(pixel, wanted, background, n_redundant) for pixel in pixels]


@settings(max_examples=40, deadline=None)
@given(modulus=st.integers(2, 50), max_count=st.integers(2, 500), number=st.integers(0, 500))
def test_any_modulo_is_the_remainder(modulus, max_count, number):
    assume(modulus <= max_count)
    assume(number <= max_count)
    answer = build_modulo(modulus, max_count)(torch.tensor([[float(number)]]))
    assert answer.item() == modulo(number, modulus)


@few
@given(
    size=st.tuples(sides, sides), design=st.sampled_from(["uniform", "nonnegative", "signed"]), seed=seeds, pixel=seeds
)
def test_the_gradient_of_a_count_is_one_at_its_own_pixels(size, design, seed, pixel):
    labels = torch.from_numpy(np.random.default_rng(pixel).integers(0, 3, (1, *size)))
    channels = torch.stack([labels == 0, labels == 1], dim=1).float().requires_grad_()
    Accumulator(2, size, design=design, seed=seed)(channels)[:, 1].sum().backward()
    assert torch.equal(channels.grad[:, 1][labels == 1], torch.ones(int((labels == 1).sum())))
    assert torch.equal(channels.grad[:, 0], torch.zeros(1, *size))
