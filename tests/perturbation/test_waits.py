"""How often the device is waited for: each reading of a value costs a GPU all that it could have done meanwhile."""

from __future__ import annotations

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

import attributionlab as al
from attributionlab.perturbation import SwitchedPixels, descending, descending_from, random_orders, tie_orders, tree

WAITING = {
    torch.ops.aten._local_scalar_dense.default,
    torch.ops.aten.nonzero.default,
    torch.ops.aten.equal.default,
    torch.ops.aten._unique2.default,
}


class Waits(TorchDispatchMode):
    """Counts the operators whose result the CPU needs."""

    def __init__(self):
        super().__init__()
        self.n = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        by_mask = func is torch.ops.aten.index.Tensor and any(
            index is not None and index.dtype == torch.bool for index in args[1]
        )
        self.n += by_mask or func in WAITING
        return func(*args, **(kwargs or {}))


def waits_of(function):
    with Waits() as waits:
        function()
    return waits.n


def test_curves_in_many_parts_wait_no_more_than_in_one(monkeypatch):
    monkeypatch.setattr(tree, "detect_colors", lambda network, images: network.detect(images))  # as on a GPU
    environment = al.make_environment("multi-color-sum[size=16]")
    batch = environment.sample(3)
    orders = random_orders(12, 256).view(3, 4, 256)
    numbers = []
    for max_memory in (2 * 2**30, 150_000):
        pixels = SwitchedPixels(environment.model, torch.zeros_like(batch.inputs), batch.inputs, max_memory)
        numbers.append(waits_of(lambda: pixels.outputs(orders, batch.targets)))  # noqa: B023  # called at once
    assert numbers[0] == numbers[1] <= 2  # targets and orders are checked


@pytest.mark.parametrize("metric", ["insertion", "deletion", "sensitivity-n[n_orders=4]"])
def test_more_methods_wait_no_more(metric):
    environment = al.make_environment("multi-color-sum[size=16]")
    batch = environment.sample(2)
    maps = [batch.ground_truth.signed.float() * factor for factor in range(1, 9)]
    evaluate = al.make_metric(metric).evaluate
    few, many = (waits_of(lambda n=n: evaluate(environment, batch, maps[:n])) for n in (1, 8))
    assert many - few == 7  # each map is checked to be finite


def test_whether_weights_are_the_designed_ones_takes_one_comparison():
    accumulator = al.make_environment("multi-color-sum[size=64]").model.accumulator
    assert waits_of(lambda: accumulator.intact) == 1
    accumulator.layers[4] = torch.nn.Identity()
    assert not accumulator.intact


def test_the_bottleneck_reads_its_losses_once():
    environment = al.make_environment("multi-color-sum[size=16]")
    batch = environment.sample(1)
    numbers = []
    for n_steps in (2, 12):
        method = al.make_method("iba", environment, n_steps=n_steps, n_samples=2)
        numbers.append(waits_of(lambda: method(environment.model, batch.inputs, batch.targets)))  # noqa: B023  # at once
    assert numbers[1] - numbers[0] == 10  # Adam reads its own counter of steps, which lies on the CPU


def test_rise_draws_its_masks_once_for_all_images(monkeypatch):
    environment = al.make_environment("multi-color-sum[size=16]")
    batch, method = environment.sample(3), al.make_method("rise", n_masks=20)
    alone = [method(environment.model, part.inputs, part.targets) for part in (batch[0:1], batch[1:2], batch[2:3])]
    draws, draw_masks = [], type(method).draw_masks
    monkeypatch.setattr(type(method), "draw_masks", lambda *call: draws.append(call[1]) or draw_masks(*call))
    assert torch.equal(method(environment.model, batch.inputs, batch.targets), torch.cat(alone))
    assert draws == [8, 8, 4]


def test_orders_by_attribution_share_the_order_of_ties():
    batch = al.make_environment("multi-color-sum[size=16]").sample(3)
    maps = batch.ground_truth.signed.float()
    ties = tie_orders(batch.inputs, seed=3)
    assert torch.equal(descending_from(ties, maps), descending(maps, batch.inputs, seed=3))
    assert torch.equal(descending_from(ties, torch.zeros_like(maps)), ties)
