"""Trained networks as substitutes for environments."""

import pytest
import torch

import attributionlab as al
from attributionlab.errors import BadOption


def test_a_baseline_without_channels_is_refused():
    with pytest.raises(BadOption, match="`true_baseline` must have a value for each channel, got 'none'"):
        al.TrainedNetwork(torch.nn.Identity(), torch.zeros(0))
