"""Exact outputs of designed networks while pixels are switched."""

from attributionlab.perturbation.windows import WindowedCounts

__all__ = ["WindowedCounts"]
