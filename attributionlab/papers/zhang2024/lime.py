"""LIME with captum's choices, which reproduce the published findings; the defaults are those of the package `lime`."""

from __future__ import annotations

LIME_OF_CAPTUM: dict[str, object] = {"regression": "lasso", "distance": "image", "kernel_width": 1, "n_samples": 500}
"""Options: a Lasso on 500 coalitions, weighted by the distance between images."""
