from __future__ import annotations

import numpy as np
import pytest
import torch

from attributionlab.errors import BadOption, Inexact
from attributionlab.networks import Bound, exact_arithmetic
from attributionlab.networks.dyadic import grid_of, is_power_of_two, require_exact, require_power_of_two

SWITCHES = {
    "cuda matmul": torch.backends.cuda.matmul,
    "cudnn conv": torch.backends.cudnn.conv,
    "mkldnn matmul": torch.backends.mkldnn.matmul,
    "mkldnn conv": torch.backends.mkldnn.conv,
}


@pytest.fixture
def fast_switches():
    """All switches set to the fast arithmetic, as a user might, and set back at the end."""
    before = {name: switch.fp32_precision for name, switch in SWITCHES.items()}
    for switch in SWITCHES.values():
        switch.fp32_precision = "tf32"
    yield SWITCHES
    for name, switch in SWITCHES.items():
        switch.fp32_precision = before[name]


@pytest.mark.parametrize(
    ("values", "grid"),
    [([0.5, 3.0, -0.75], 0.25), ([1.0, 2.0, 64.0], 1.0), ([0.0], 1.0), ([], 1.0), ([2.0**-20, 1.0], 2.0**-20)],
)
def test_the_grid_is_the_coarsest_power_of_two_that_divides_every_value(values, grid):
    assert grid_of(np.array(values)) == grid


def test_a_grid_can_be_that_of_several_arrays_and_numbers():
    assert grid_of(np.array([[0.5]]), 0.125, np.array([3.0])) == 0.125


@pytest.mark.parametrize("value", [1.0, 2, 0.25, 2.0**-30, 2.0**100])
def test_powers_of_two_are_recognized(value):
    assert is_power_of_two(value)
    assert require_power_of_two("temperature", value) == value


@pytest.mark.parametrize("value", [0.0, -1.0, 3.0, 0.75, float("inf"), float("nan")])
def test_other_numbers_are_refused_as_powers_of_two(value):
    assert not is_power_of_two(value)
    with pytest.raises(BadOption, match=r"`width` must be a power of two \(so that dividing by it is exact\), got"):
        require_power_of_two("width", value)


def test_a_bound_of_two_to_the_24_multiples_is_exact():
    bound = Bound("layer", 2.0**20, 2.0**-4)
    assert bound.multiples == 2**24
    assert bound.exact
    require_exact(bound, "never said")


def test_a_bound_above_that_is_refused_with_its_size_and_a_hint():
    with pytest.raises(
        Inexact, match=r"the last layer would not be exact in float32: .*2\^25\.00 .*0\.0625.*; do less"
    ):
        require_exact(Bound("last layer", 2.0**21, 2.0**-4), "do less")


def test_float32_does_round_above_the_bound_and_not_below_it():
    assert torch.tensor(2.0**24) + 1 == 2.0**24
    assert torch.tensor(2.0**24 - 1) + 1 == 2.0**24


@pytest.mark.parametrize("name", SWITCHES)
def test_fast_but_inexact_arithmetic_is_off_inside_and_restored_after(name, fast_switches):
    with exact_arithmetic():
        assert fast_switches[name].fp32_precision == "ieee"
    assert fast_switches[name].fp32_precision == "tf32"


@pytest.mark.parametrize("name", SWITCHES)
def test_the_switches_are_restored_after_an_exception(name, fast_switches):
    with pytest.raises(KeyError, match="inside"), exact_arithmetic():
        raise KeyError("inside")
    assert fast_switches[name].fp32_precision == "tf32"


@pytest.mark.parametrize("name", SWITCHES)
def test_nested_use_restores_what_was_set_outside(name, fast_switches):
    with exact_arithmetic():
        with exact_arithmetic():
            pass
        assert fast_switches[name].fp32_precision == "ieee"
    assert fast_switches[name].fp32_precision == "tf32"


def test_autocast_is_off_inside_and_on_again_after():
    with torch.autocast("cpu", dtype=torch.bfloat16):
        with exact_arithmetic("cpu"):
            assert not torch.is_autocast_enabled("cpu")
            assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32
        assert torch.is_autocast_enabled("cpu")


def test_the_switches_stay_off_until_the_last_one_leaves():
    """Two that overlap, as in two threads: the first to leave must not switch on what the second relies on."""
    matmul = torch.backends.cuda.matmul
    usual = matmul.fp32_precision
    matmul.fp32_precision = "tf32"
    try:
        first, second = exact_arithmetic(), exact_arithmetic()
        first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)
        assert matmul.fp32_precision == "ieee"
        second.__exit__(None, None, None)
        assert matmul.fp32_precision == "tf32"
    finally:
        matmul.fp32_precision = usual
