"""Outputs while pixels are switched: exact for designed networks, by forward passes for any network."""

from attributionlab.perturbation.coalitions import SwitchedSegments, all_coalitions, segment_means
from attributionlab.perturbation.dense import DensePixels
from attributionlab.perturbation.order import Ranking, descending, descending_from, random_orders, tie_orders
from attributionlab.perturbation.switch import switch_pixels, switch_steps
from attributionlab.perturbation.tree import DEFAULT_MEMORY, SwitchedPixels
from attributionlab.perturbation.windows import WindowedCounts

__all__ = [
    "DEFAULT_MEMORY",
    "DensePixels",
    "Ranking",
    "SwitchedPixels",
    "SwitchedSegments",
    "WindowedCounts",
    "all_coalitions",
    "descending",
    "descending_from",
    "random_orders",
    "segment_means",
    "switch_pixels",
    "switch_steps",
    "tie_orders",
]
