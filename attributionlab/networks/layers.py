"""Kinds of layers of torch: those with weights, and BatchNorm."""

from __future__ import annotations

from torch import nn

Convolution = nn.Conv1d | nn.Conv2d | nn.Conv3d
Transposed = nn.ConvTranspose1d | nn.ConvTranspose2d | nn.ConvTranspose3d
Layer = nn.Linear | Convolution | Transposed
BatchNorm = nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d
