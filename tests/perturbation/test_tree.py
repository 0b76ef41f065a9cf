"""Curves by events against one forward pass per step, compared with ==."""

from __future__ import annotations

import copy
import re
import subprocess
import sys

import pytest
import torch
from torch import nn
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

import attributionlab as al
from attributionlab.errors import BadOption
from attributionlab.perturbation import DensePixels, SwitchedPixels, random_orders, switch_steps
from attributionlab.seeding import generator

SPECS = [
    "multi-color-sum[size=16]",
    "multi-color-sum[output=logit,size=18]",
    "multi-color-sum[accumulator=signed,redundant_scale=1/8,size=17]",
    "multi-color-sum[accumulator=uniform,height=17,redundant_scale=-1/8,width=22]",
    "multi-color-sum[layout=dense,n_redundant=0,size=16]",
    "multi-color-sum[layout=dense,n_redundant=3,size=16]",
    "single-color-sum[accumulator=uniform,size=19]",
    "single-color-modulo[accumulator=signed,size=20]",
    "multi-color-sum[activation=functional,size=16,structure=residual]",
    "single-color-modulo[activation=shared,height=16,structure=inplace,width=19]",
]


def noise_like(image, key=0):
    largest = 256 if image.shape[1] == 3 else 2
    return torch.from_numpy(generator(key, "noise").integers(0, largest, image.shape)).float()


TARGET = torch.tensor([1])


def orders_of(n, n_pixels):
    """For one image."""
    return random_orders(n, n_pixels)[None]


def cases(spec):
    """From black, from noise and to noise: in and out of the design domain; one image each."""
    environment = al.make_environment(spec)
    image = environment.sample(1).inputs
    pairs = [(torch.zeros_like(image), image), (image, noise_like(image)), (noise_like(image, 1), noise_like(image, 2))]
    return environment.model, pairs


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("spec", SPECS)
def test_logits_are_those_of_forward_passes_at_every_step(spec, dtype):
    model, pairs = cases(spec)
    model = model.to(dtype)
    for start, end in ((start.to(dtype), end.to(dtype)) for start, end in pairs):
        orders = orders_of(2, start[0, 0].numel())
        expected = DensePixels(nn_logits(model), start, end, batch_size=64).all_outputs(orders)
        assert torch.equal(SwitchedPixels(model, start, end).logits(orders), expected)


def nn_logits(model):
    class Logits(nn.Module):
        def forward(self, inputs):
            return model.logits(inputs)

    return Logits()


@pytest.mark.parametrize("spec", SPECS)
def test_images_of_a_batch_are_switched_each_by_its_own_orders_to_its_own_end(spec):
    environment = al.make_environment(spec)
    inputs = environment.sample(3).inputs
    start = torch.stack([noise_like(inputs[:1], key)[0] for key in range(3)])
    orders = random_orders(6, inputs[0, 0].numel()).view(3, 2, -1)
    targets = torch.tensor([0, len(environment.model.classes) - 1, 0])
    for max_memory in (1_000_000, 2_000_000_000):  # orders of different images are evaluated together
        together = SwitchedPixels(environment.model, start, inputs, max_memory)
        alone = [
            SwitchedPixels(environment.model, *(images[index : index + 1] for images in (start, inputs)))
            for index in range(3)
        ]
        logits = torch.cat([one.logits(orders[index : index + 1]) for index, one in enumerate(alone)])
        assert torch.equal(together.logits(orders), logits)
        outputs = [
            one.outputs(orders[index : index + 1], targets[index : index + 1]) for index, one in enumerate(alone)
        ]
        assert torch.equal(together.outputs(orders, targets), torch.cat(outputs))


def test_probabilities_differ_by_the_rounding_of_the_softmax_at_most():
    model, pairs = cases(SPECS[0])
    start, end = pairs[0]
    orders = orders_of(1, start[0, 0].numel())
    expected = DensePixels(model, start, end, batch_size=64).outputs(orders, TARGET)
    got = SwitchedPixels(model, start, end).outputs(orders, TARGET)
    torch.testing.assert_close(got, expected, rtol=0, atol=2e-7)  # two units in the last place of 1


@pytest.mark.wide
@pytest.mark.slow
@pytest.mark.parametrize(("spec", "n_steps"), [("multi-color-sum", 60), ("single-color-modulo", 300)])
def test_random_steps_at_the_size_of_the_paper(spec, n_steps):
    environment = al.make_environment(spec)
    image = environment.sample(1).inputs
    noise = noise_like(image)
    orders = orders_of(1, image[0, 0].numel())
    steps = torch.from_numpy(generator(0, "steps").integers(0, image[0, 0].numel() + 1, n_steps))
    expected = DensePixels(nn_logits(environment.model), noise, image).all_outputs(orders, steps)
    assert len(expected[0, 0].unique(dim=0)) > 10
    assert torch.equal(SwitchedPixels(environment.model, noise, image).logits(orders)[:, :, steps], expected)


def test_orders_are_evaluated_in_parts_that_fit_the_memory():
    model, pairs = cases(SPECS[0])
    start, end = pairs[1]
    orders = orders_of(5, start[0, 0].numel())
    expected = SwitchedPixels(model, start, end).logits(orders)
    assert torch.equal(SwitchedPixels(model, start, end, max_memory=150_000).logits(orders), expected)
    with pytest.raises(BadOption, match=r"`max_memory` must be at least \d+ bytes, for one order, got 1000"):
        SwitchedPixels(model, start, end, max_memory=1000).logits(orders)


class PeakOfTensors(TorchDispatchMode):
    """Largest number of bytes of the tensors that operators made and that were alive at once."""

    def __init__(self):
        super().__init__()
        self.sizes, self.peak = {}, 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        results = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(results):
            if isinstance(tensor, torch.Tensor):
                storage = tensor.untyped_storage()
                self.sizes[StorageWeakRef(storage)] = storage.nbytes()
        self.sizes = {storage: size for storage, size in self.sizes.items() if not storage.expired()}
        self.peak = max(self.peak, sum(self.sizes.values()))
        return results


@pytest.mark.parametrize("spec", ["multi-color-sum[size=16]", "single-color-sum[size=16]"])
def test_the_estimate_of_the_memory_of_an_order_is_twice_what_its_tensors_take(spec):
    """The other half is for what operators take while they run; the peak of the process is measured by a slow test."""
    model, pairs = cases(spec)
    start, end = pairs[1]
    fast, n_orders = SwitchedPixels(model, start, end), 64
    with pytest.raises(BadOption, match="for one order") as caught:
        SwitchedPixels(model, start, end, max_memory=1).logits(orders_of(1, start[0, 0].numel()))
    estimate = int(re.search(r"at least (\d+) bytes", str(caught.value))[1])
    orders = orders_of(n_orders, start[0, 0].numel())
    (images, part), *others = fast._parts(orders)
    assert not others
    fast._counts(images[:1], part[:1])  # what is computed once for all orders
    with PeakOfTensors() as memory:
        fast._counts(images, part)
    assert 0.4 < memory.peak / len(part) / estimate < 0.6


def test_the_modulo_head_sees_no_more_counts_at_once_than_fit_the_memory():
    model, pairs = cases("single-color-modulo[accumulator=uniform,modulus=2,size=20]")  # a wide one
    orders, sizes = orders_of(2, 400), []
    expected = SwitchedPixels(model, *pairs[1]).logits(orders)
    handle = model.head.register_forward_hook(lambda _module, given, _output: sizes.append(len(given[0])))
    widest = max(layer.out_features for layer in model.head if isinstance(layer, nn.Linear))
    assert torch.equal(SwitchedPixels(model, *pairs[1], max_memory=50_000).logits(orders), expected)
    handle.remove()
    assert len(sizes) > 2, "more parts than orders"
    assert max(sizes) * widest * 16 <= 50_000  # float32; a layer, its ReLU, and the next


def test_random_orders_do_not_depend_on_how_many_are_drawn():
    assert torch.equal(random_orders(3, 50)[:2], random_orders(2, 50))


@pytest.mark.parametrize("kind", [SwitchedPixels, DensePixels])
def test_what_is_no_permutation_is_refused(kind):
    model, pairs = cases(SPECS[0])
    twice = orders_of(2, 256)
    twice[0, 1, 0] = twice[0, 1, 1]
    message = r"`orders` must be permutations of the pixels, got 'order 1 of image 0 that is none'"
    with pytest.raises(BadOption, match=message):
        kind(model, *pairs[0]).outputs(twice, TARGET)
    for outside in (-1, 256):  # in the place of 0, or of 255: clamped, it would be a permutation
        shifted = orders_of(2, 256)
        shifted[0, 1][shifted[0, 1] == max(0, min(outside, 255))] = outside
        with pytest.raises(BadOption, match=message):
            kind(model, *pairs[0]).outputs(shifted, TARGET)
    for wrong in (torch.zeros(1, 1, 255, dtype=torch.int64), twice[0], twice.expand(2, -1, -1), twice.double()):
        with pytest.raises(BadOption, match=r"`orders` must be integers of shape \(1, n, 256\)"):
            kind(model, *pairs[0]).outputs(wrong, TARGET)


@pytest.mark.wide
@pytest.mark.parametrize("kind", [SwitchedPixels, DensePixels])
def test_orders_of_any_integer_type_will_do(kind):
    model, pairs = cases(SPECS[0])
    orders = orders_of(2, 256)
    expected = kind(model, *pairs[0]).outputs(orders, TARGET)
    assert torch.equal(kind(model, *pairs[0]).outputs(orders.int(), TARGET), expected)


@pytest.mark.parametrize("kind", [SwitchedPixels, DensePixels])
def test_targets_that_fit_neither_the_images_nor_the_model_are_refused(kind):
    """One target for two images would otherwise be taken for both."""
    model, pairs = cases(SPECS[0])
    start, end = (image.expand(2, -1, -1, -1) for image in pairs[0])
    orders = random_orders(2, 256)[:, None]
    for wrong, got in (
        (TARGET, r"int64 of shape \(1,\)"),
        (torch.zeros(2), r"float32 of shape \(2,\)"),
        ([0, 1], "list"),
    ):
        with pytest.raises(BadOption, match=rf"^`targets` must be int64 of shape \(2,\), one per input, got {got}$"):
            kind(model, start, end).outputs(orders, wrong)
    for odd in (4, -1):
        with pytest.raises(BadOption, match=f"^`targets` must be indices of the model's outputs, 0 to 3, got {odd}$"):
            kind(model, start, end).outputs(orders, torch.tensor([0, odd]))


def test_steps_outside_the_image_are_refused():
    model, pairs = cases(SPECS[0])
    with pytest.raises(BadOption, match=r"`steps` must lie between 0 and 256, got '?0 to 257"):
        DensePixels(model, *pairs[0]).outputs(orders_of(1, 256), TARGET, torch.tensor([0, 257]))


def test_other_networks_are_refused():
    image = torch.zeros(1, 3, 16, 16)
    with pytest.raises(
        BadOption, match=r"`model` must be a designed network, got 'Linear'; give the number of `steps`"
    ):
        SwitchedPixels(nn.Linear(2, 2), image, image)
    changed = al.make_environment("multi-color-sum", size=16).build_network()
    with torch.no_grad():
        changed.accumulator.layers[4].bias -= 3
    with pytest.raises(BadOption, match="`model` must have the weights that it was built with"):
        SwitchedPixels(changed, image, image)
    model = al.make_environment("multi-color-sum", size=16).model
    for kind in (SwitchedPixels, DensePixels):
        with pytest.raises(BadOption, match="`start and end` must be two batches of inputs"):
            kind(model, image, image[:, :, :15])
    for other in (image[:, :, :15], image[:, :1]):
        message = r"`start and end` must have images \(3, 16, 16\) for this model, got \(., 1., 16\)"
        with pytest.raises(BadOption, match=message):
            SwitchedPixels(model, other, other)


@pytest.mark.parametrize("memory", ["2GB", 1.5, 0])
def test_what_is_no_number_of_bytes_is_refused(memory):
    model, pairs = cases(SPECS[0])
    with pytest.raises(BadOption, match="`max_memory` must be "):
        SwitchedPixels(model, *pairs[0], max_memory=memory)


def test_steps_are_spread_evenly_and_are_no_more_than_the_pixels():
    assert switch_steps(10, 4).tolist() == [0, 2, 5, 8, 10]
    assert switch_steps(10, None).tolist() == switch_steps(10, 10).tolist() == list(range(11))
    assert switch_steps(10, 10**12).tolist() == list(range(11))


PEAK = """
import resource, torch, attributionlab as al
from attributionlab.perturbation import SwitchedPixels, random_orders
environment = al.make_environment("multi-color-sum")
image = environment.sample(1).inputs
fast = SwitchedPixels(environment.model, torch.zeros_like(image), image, {max_memory})
orders = random_orders({n_orders}, fast.n_pixels)[None]
fast.outputs(orders[:, :1], torch.tensor([0]))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
outputs = fast.outputs(orders, torch.tensor([0]))
grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
print(grown - outputs.numel() * outputs.element_size())
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss counts kilobytes on Linux only")
@pytest.mark.parametrize(("n_orders", "max_memory"), [(16, 2 * 2**30), (64, 100_000_000), (64, 400_000_000)])
def test_orders_at_the_size_of_the_paper_take_no_more_memory_than_they_may(n_orders, max_memory):
    """By how much the peak of a fresh process, which never falls, grows beyond one order and the result."""
    script = PEAK.format(n_orders=n_orders, max_memory=max_memory)
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert int(result.stdout) < max_memory


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no CUDA device here")
@pytest.mark.parametrize("spec", [*SPECS, "multi-color-sum", "single-color-modulo"])
def test_logits_are_the_same_bits_on_a_gpu(spec):
    model, pairs = cases(spec)
    there = copy.deepcopy(model).to("cuda")
    for start, end in pairs:
        orders = orders_of(3, start[0, 0].numel())
        logits = SwitchedPixels(there, start.to("cuda"), end.to("cuda")).logits(orders)
        assert logits.device.type == "cuda"
        assert torch.equal(logits.cpu(), SwitchedPixels(model, start, end).logits(orders))
