"""An environment without geometry: a weighted sum of columns. Used to see that nothing but images needs height and width."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import nn

from attributionlab.environments import Environment
from attributionlab.networks.wiring import Wiring
from attributionlab.seeding import generator


@dataclass(frozen=True, kw_only=True)
class WeightedColumns(Environment):
    """Two linear outputs of columns; the larger one wins, and its value is explained.

    Args:
        n_columns: Columns of the table.
    """

    name: ClassVar[str] = "weighted-columns"
    summary: ClassVar[str] = "which of two weighted sums of columns is larger?"

    n_columns: int = 6

    @property
    def weights(self):
        return generator(self.network_seed, "weights").integers(-4, 5, (2, self.n_columns)) / 4

    def scene(self, index):
        return generator(self.data_seed, "columns", index).integers(-8, 9, self.n_columns)

    def inputs_of(self, scene):
        return scene[None].astype(np.float32)

    def signed_truth(self, scene):
        return np.sign(self.weights[self.label(scene)] * scene).astype(np.int8)

    def label(self, scene):
        return int(np.argmax(self.weights @ scene))

    def logits(self, scene, present):
        return self.weights @ np.where(present, scene, 0)

    def build_network(self):
        columns = Wiring([f"column {index}" for index in range(self.n_columns)])
        for row, weights in enumerate(self.weights):
            columns.add(f"class {row}", dict(zip(columns.inputs, weights, strict=True)))
        return nn.Sequential(nn.Flatten(), columns.linear())

    @property
    def explains(self):
        return "logit"

    @property
    def true_baseline(self):
        return torch.zeros(1)
