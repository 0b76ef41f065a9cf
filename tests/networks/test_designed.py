from __future__ import annotations

import copy
import io

import numpy as np
import pytest
import torch
from oracles import accumulate, count_colors, detect
from torch import nn

from attributionlab.environments import make_environment
from attributionlab.errors import Inexact
from attributionlab.networks import dyadic
from attributionlab.networks.blocks import design_blocks

DESIGNS = ("uniform", "nonnegative", "signed")
NETWORKS = ("multi-color-sum", "multi-color-sum[output=logit]", "single-color-modulo", "single-color-sum")


def environment_for(spec="multi-color-sum", **options):
    return make_environment(spec, **{"size": 16, **options})


def random_images(environment, n=3):
    """Integer colors: a third known ones, a third any, a third close to known ones; sides of the environment."""
    random = np.random.default_rng(environment.height)
    palette = np.array([*environment.colors, environment.background])
    shape = (n, environment.height, environment.width)
    known = palette[random.integers(0, len(palette), shape)]
    close = np.clip(known + random.integers(-1, 2, (*shape, 3)), 0, 255)
    anything = random.integers(0, 256, (*shape, 3))
    images = np.choose(random.integers(0, 3, shape)[..., None], [known, close, anything])
    return torch.from_numpy(images.transpose(0, 3, 1, 2).copy()).float()


def is_3x3(module):
    return isinstance(module, nn.Conv2d) and module.kernel_size == (3, 3)


# What it computes


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("size", [16, 21])
def test_counts_of_designed_images_are_numbers_of_pixels(design, size):
    environment = environment_for(accumulator=design, size=size)
    inputs = environment.sample(4).inputs
    expected = [count_colors(image, environment.colors) for image in inputs.permute(0, 2, 3, 1).int().tolist()]
    assert environment.model.counts(inputs).tolist() == expected


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("options", [{}, {"n_redundant": 1, "redundant_scale": -0.5}, {"n_redundant": 0}], ids=str)
def test_counts_of_random_images_are_what_exact_arithmetic_gives(design, options):
    environment = environment_for(accumulator=design, network_seed=2, **options)
    images = random_images(environment, n=2)
    expected = []
    for image in images.permute(0, 2, 3, 1).int().tolist():
        pixels = [
            [detect(pixel, environment.colors, environment.background, environment.n_redundant) for pixel in row]
            for row in image
        ]
        channels = [[[pixel[k] for pixel in row] for row in pixels] for k in range(4 + environment.n_redundant)]
        expected.append(accumulate(channels, environment.model.accumulator.blocks))
    assert environment.model.counts(images).tolist() == expected


@pytest.mark.parametrize("temperature", [0.5, 16.0])
def test_logits_are_counts_over_the_temperature_and_the_output_their_softmax(temperature):
    environment = environment_for(temperature=temperature, max_margin=8 * temperature)
    inputs = environment.sample(3).inputs
    model = environment.model
    assert torch.equal(model.logits(inputs), model.counts(inputs) / temperature)
    assert torch.equal(model(inputs), model.logits(inputs).softmax(dim=1))


@pytest.mark.parametrize("spec", NETWORKS[1:])
def test_without_a_softmax_the_output_is_the_logits(spec):
    environment = environment_for(spec)
    inputs = environment.sample(3).inputs
    assert environment.model.softmax is None
    assert torch.equal(environment.model(inputs), environment.model.logits(inputs))


def test_classes_name_the_counts():
    assert environment_for().model.classes == ("(255, 0, 0)", "(0, 255, 0)", "(0, 0, 255)", "(255, 255, 0)")
    assert environment_for("single-color-sum").model.classes == ("white",)


# Exactness


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("options", [{}, {"layout": "dense"}, {"redundant_scale": -3 / 8}, {"n_redundant": 0}], ids=str)
def test_logits_of_any_integer_colors_are_the_same_in_float32_and_float64(design, options):
    environment = environment_for(accumulator=design, size=20, **options)
    images = torch.cat([environment.sample(2).inputs, random_images(environment)])
    logits = environment.model.logits(images)
    assert torch.equal(environment.build_network().double().logits(images.double()), logits.double())


@pytest.mark.parametrize("spec", NETWORKS[2:])
@pytest.mark.parametrize("design", DESIGNS)
def test_values_of_gray_images_are_the_same_in_float32_and_float64(spec, design):
    environment = environment_for(spec, accumulator=design)
    images = environment.sample(4).inputs
    assert torch.equal(environment.build_network().double()(images.double()), environment.model(images).double())


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("options", [{}, {"layout": "dense"}], ids=str)
def test_a_batch_gives_the_same_logits_as_single_images(design, options):
    environment = environment_for(accumulator=design, size=20, **options)
    images = torch.cat([environment.sample(3).inputs, random_images(environment, 4)])
    single = torch.cat([environment.model.logits(image) for image in images.split(1)])
    assert torch.equal(environment.model.logits(images), single)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("layout", ["compact", "dense"])
def test_the_gpu_gives_the_same_logits_bit_for_bit(design, layout):
    environment = environment_for(accumulator=design, layout=layout, size=32)
    images = torch.cat([environment.sample(3).inputs, random_images(environment)])
    on_gpu = environment.build_network().cuda()
    with torch.autocast("cuda", dtype=torch.bfloat16):
        logits = on_gpu.logits(images.cuda())
    assert torch.equal(logits.cpu(), environment.model.logits(images))


def test_the_memory_layout_of_the_inputs_changes_nothing():
    environment = environment_for()
    images = random_images(environment)
    logits = environment.model.logits(images)
    assert torch.equal(environment.model.logits(images.contiguous(memory_format=torch.channels_last)), logits)
    assert torch.equal(environment.model.logits(images.flip(3).flip(3)), logits)


def test_a_network_that_float32_would_round_is_not_built(monkeypatch):
    environment = environment_for()
    design_blocks.cache_clear()
    monkeypatch.setattr(dyadic, "EXACT_MULTIPLES", 100)
    with pytest.raises(Inexact, match="would not be exact in float32"):
        environment.build_network()


def test_a_fine_redundant_scale_on_a_large_image_is_not_built():
    with pytest.raises(Inexact, match="coarser or smaller `redundant_scale`"):
        make_environment("multi-color-sum", size=512, redundant_scale=1 / 1024)


# The switches of inexact arithmetic


@pytest.fixture
def fast_switches():
    """The switches of matrix products and convolutions, set to fast arithmetic and set back at the end."""
    switches = (
        torch.backends.cuda.matmul,
        torch.backends.cudnn.conv,
        torch.backends.mkldnn.matmul,
        torch.backends.mkldnn.conv,
    )
    before = [switch.fp32_precision for switch in switches]
    for switch in switches:
        switch.fp32_precision = "tf32"
    yield switches
    for switch, precision in zip(switches, before, strict=True):
        switch.fp32_precision = precision


@pytest.mark.parametrize("method", ["counts", "logits", "forward"])
def test_every_layer_runs_in_plain_float32_and_the_users_settings_come_back(method, fast_switches):
    model = environment_for().model
    seen = {}
    for module in (model.detector, model.accumulator, model.head, model.softmax):
        for leaf in module.modules():
            leaf.register_forward_hook(
                lambda leaf, *_: seen.update({leaf: [switch.fp32_precision for switch in fast_switches]})
            )
    getattr(model, method)(torch.zeros(1, 3, 16, 16))
    assert all(precisions == ["ieee"] * 4 for precisions in seen.values())
    assert model.accumulator in seen
    assert (model.head in seen) == (method != "counts")
    assert (model.softmax in seen) == (method == "forward")
    assert [switch.fp32_precision for switch in fast_switches] == ["tf32"] * 4


@pytest.mark.parametrize("method", ["counts", "logits", "forward"])
def test_the_users_settings_come_back_after_an_exception(method, fast_switches):
    with pytest.raises(RuntimeError, match="channels"):
        getattr(environment_for().model, method)(torch.zeros(1, 5, 16, 16))
    assert [switch.fp32_precision for switch in fast_switches] == ["tf32"] * 4


def test_autocast_does_not_reach_into_the_network():
    environment = environment_for()
    images = torch.cat([environment.sample(2).inputs, random_images(environment)])
    expected = environment.model(images)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        outputs = environment.model(images)
        assert torch.is_autocast_enabled("cpu")
    assert outputs.dtype == torch.float32
    assert torch.equal(outputs, expected)


# Gradients


@pytest.mark.parametrize("design", DESIGNS)
@pytest.mark.parametrize("size", [16, 24])
def test_the_gradient_of_a_logit_is_three_over_t_at_pixels_of_its_color_and_zero_elsewhere(design, size):
    environment = environment_for(accumulator=design, size=size, n_redundant=0, output="logit")
    batch = environment.sample(4)
    inputs = batch.inputs.requires_grad_()
    for target, color in enumerate(environment.colors):
        (gradient,) = torch.autograd.grad(environment.model(inputs)[:, target].sum(), inputs)
        own = (batch.inputs == torch.tensor(color)[:, None, None]).all(dim=1)
        assert torch.equal(gradient.sum(dim=1), 3.0 / environment.counts_per_logit * own)


@pytest.mark.parametrize("size", [16, 23, 32])
@pytest.mark.parametrize("seed", range(3))
def test_signed_kernels_keep_every_pre_activation_above_zero_on_designed_images(size, seed):
    environment = environment_for(accumulator="signed", size=size, network_seed=seed)
    lowest = []
    for module in filter(is_3x3, environment.model.modules()):
        module.register_forward_hook(lambda _module, _inputs, output: lowest.append(output.min().item()))
    blank = environment.true_baseline[None, :, None, None].expand(1, 3, size, size)
    full = torch.tensor(environment.colors).float()[:, :, None, None].expand(4, 3, size, size)
    environment.model(torch.cat([environment.sample(4).inputs, blank, full]))
    assert len(lowest) == len(environment.model.accumulator.blocks)
    assert min(lowest) > 0


@pytest.mark.parametrize("design", ["uniform", "nonnegative"])
def test_other_kernels_never_have_a_negative_pre_activation_on_designed_images(design):
    environment = environment_for(accumulator=design)
    lowest = []
    for module in filter(is_3x3, environment.model.modules()):
        module.register_forward_hook(lambda _module, _inputs, output: lowest.append(output.min().item()))
    environment.model(environment.sample(4).inputs)
    assert min(lowest) == 0


# An ordinary network


@pytest.mark.parametrize("spec", NETWORKS)
@pytest.mark.parametrize("layout", ["compact", "dense"])
def test_it_is_made_of_ordinary_modules_only(spec, layout):
    options = {"layout": layout} if spec.startswith("multi") else {}
    leaves = [module for module in environment_for(spec, **options).model.modules() if not list(module.children())]
    assert {type(leaf) for leaf in leaves} <= {nn.Conv2d, nn.Linear, nn.ReLU, nn.Softmax}


@pytest.mark.parametrize("spec", NETWORKS)
def test_every_module_is_used_once_per_forward_pass(spec):
    environment = environment_for(spec)
    calls = []
    leaves = [module for module in environment.model.modules() if not list(module.children())]
    for leaf in leaves:
        leaf.register_forward_hook(lambda module, *_: calls.append(module))
    environment.model(environment.sample(1).inputs)
    assert len(calls) == len(leaves)
    assert len(set(calls)) == len(calls)


def test_every_weight_belongs_to_one_layer():
    model = environment_for().model
    storages = [parameter.data_ptr() for parameter in model.parameters()]
    assert len(set(storages)) == len(storages)


@pytest.mark.parametrize("spec", NETWORKS)
def test_building_does_not_touch_the_global_random_numbers_of_torch_or_numpy(spec):
    before = torch.get_rng_state(), np.random.get_state()[1].copy()  # noqa: NPY002
    environment = environment_for(spec)
    environment.build_network()
    environment.sample(2)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert (np.random.get_state()[1] == before[1]).all()  # noqa: NPY002


@pytest.mark.parametrize("spec", NETWORKS)
def test_a_deep_copy_computes_the_same_with_weights_of_its_own(spec):
    environment = environment_for(spec)
    inputs = environment.sample(2).inputs
    twin = copy.deepcopy(environment.model)
    assert torch.equal(twin(inputs), environment.model(inputs))
    with torch.no_grad():
        for parameter in twin.parameters():
            parameter.zero_()
    assert environment.model.counts(inputs).sum() > 0


@pytest.mark.parametrize("spec", NETWORKS)
def test_saved_weights_restore_the_network(spec):
    environment = environment_for(spec, network_seed=7)
    inputs = environment.sample(2).inputs
    file = io.BytesIO()
    torch.save(environment.model.state_dict(), file)
    file.seek(0)
    restored = environment_for(spec, network_seed=8).build_network()
    restored.load_state_dict(torch.load(file, weights_only=True))
    for one, two in zip(restored.parameters(), environment.model.parameters(), strict=True):
        assert torch.equal(one, two)
    assert torch.equal(restored(inputs), environment.model(inputs))


@pytest.mark.parametrize("spec", [NETWORKS[0], NETWORKS[2]])
def test_it_exports_and_the_export_computes_the_same(spec):
    environment = environment_for(spec)
    inputs = environment.sample(2).inputs
    exported = torch.export.export(environment.model, (inputs,)).module()
    with dyadic.exact_arithmetic():
        assert torch.equal(exported(inputs), environment.model(inputs))


@pytest.mark.parametrize("spec", NETWORKS)
@pytest.mark.parametrize("side", [16, 20])
def test_outputs_have_one_row_per_image(spec, side):
    environment = environment_for(spec, size=side)
    n_outputs = 4 if spec.startswith("multi") else 1
    assert environment.model(environment.sample(3).inputs).shape == (3, n_outputs)
