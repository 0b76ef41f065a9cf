"""The page in one HTML file: weights, engine and style are written into it, and it asks for nothing else."""

from __future__ import annotations

import json
from importlib.metadata import version

import jinja2

from attributionlab.live.export import export_lab
from attributionlab.reports.page.assets import asset, policy

PACKAGE = "attributionlab.live"
SIZE, N_NETWORKS, N_SCENES = 32, 4, 8


def lab_page() -> str:
    """The HTML."""
    spec = export_lab(SIZE, N_NETWORKS, N_SCENES)
    css, js = asset(PACKAGE, "lab.css"), asset(PACKAGE, "engine.js") + asset(PACKAGE, "page.js")
    environment = jinja2.Environment(autoescape=False, undefined=jinja2.StrictUndefined, keep_trailing_newline=True)  # noqa: S701  # nothing here is from a user
    return environment.from_string(asset(PACKAGE, "lab.html.j2")).render(
        policy=policy(css, js),
        css=css,
        js=js,
        spec=json.dumps(spec, separators=(",", ":")),
        scale=f"{spec['scale']:g}",
        n_weights=f"{_count_weights(spec):,}",
        version=f"attributionlab {version('attributionlab')}",
    )


def _count_weights(spec: dict[str, object]) -> int:
    """Weights of one network that are not 0."""
    layers = [*spec["detector"]]  # type: ignore[misc]  # JSON
    detector = sum(len(terms) for layer in layers for terms in layer["terms"])
    blocks = spec["accumulators"][0]  # type: ignore[index]  # JSON
    return detector + sum(len(part["terms"]) for block in blocks for part in (*block["kernels"], *block["mixing"]))
