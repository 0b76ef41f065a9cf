"""Makes the modules beside this file importable (`from oracles import ...`); a SAM, a browser and Python processes."""

from __future__ import annotations

import functools
import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


def pytest_configure(config):
    """Hide GPUs, except from `pytest -m gpu`: what `auto` finds would decide on the last digit of the expected numbers."""
    if config.option.markexpr != "gpu":
        os.environ["CUDA_VISIBLE_DEVICES"] = ""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Mark the tests that start a browser or watch whole processes as `wide`; tests in this process run the same lines."""
    for item in items:
        if {"browser", "cold_python", "warm_python"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.wide)


@pytest.fixture(scope="session", autouse=True)
def commands_are_built_once():
    """`CliRunner.invoke` reads the signatures of all commands each time, which takes longer than many of the commands."""
    import typer.testing

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(typer.testing, "_get_command", functools.cache(typer.testing._get_command))
        yield


@pytest.fixture(scope="session", autouse=True)
def figures_are_saved_without_a_layout():
    """Save figures with fewer points, too: the constrained layout, which a first drawing computes, takes half of a figure's time.

    Tests of figures take the fixture `layout`, and draw as users do.
    """
    from matplotlib.figure import Figure

    usual = Figure.savefig

    def save(figure, *arguments, **options):
        figure.set_layout_engine(None)
        return usual(figure, *arguments, **options | {"dpi": 60})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Figure, "savefig", save)
        yield usual


@pytest.fixture
def layout(figures_are_saved_without_a_layout, monkeypatch):
    """Save figures with their layout."""
    from matplotlib.figure import Figure

    monkeypatch.setattr(Figure, "savefig", figures_are_saved_without_a_layout)


@pytest.fixture
def checkpoint(tmp_path, monkeypatch):
    """A file of weights of a tiny SAM, which stands where the smallest real one would."""
    import torch
    from sam_models import tiny_sam
    from torchvision_shim import install_where_missing

    from attributionlab.methods import sam

    install_where_missing()
    import segment_anything

    monkeypatch.setitem(segment_anything.sam_model_registry, "vit_b", tiny_sam)
    few_points = functools.partial(segment_anything.SamAutomaticMaskGenerator, points_per_side=8)  # of 32
    monkeypatch.setattr(segment_anything, "SamAutomaticMaskGenerator", few_points)
    sam._mask_generator.cache_clear()
    torch.save(tiny_sam().state_dict(), tmp_path / "weights.pth")
    yield str(tmp_path / "weights.pth")
    sam._mask_generator.cache_clear()


@pytest.fixture(scope="session", autouse=True)
def workers_have_torch_imported(request):
    """Worker processes of runs that the tests start themselves are forked; those of the commands are interpreters of their own."""
    if sys.platform != "linux":
        yield
        return
    from joblib.externals.loky.backend import fork_exec

    def start(command, descriptors, env=None):
        _python, _m, module, *arguments = command
        python = request.getfixturevalue("warm_python")
        return python.start_child(module, arguments, sorted(map(int, descriptors)), {**os.environ, **(env or {})})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fork_exec, "fork_exec", start)
        yield


@pytest.fixture(scope="session")
def warm_python():
    """Starts Python processes that have torch imported, in milliseconds."""
    from warm_python import ColdPython, WarmPython  # a neighbor

    python = WarmPython() if sys.platform == "linux" else ColdPython()
    yield python
    python.close()


@pytest.fixture(scope="session")
def cold_python():
    """Starts interpreters, with the methods of `warm_python`."""
    from warm_python import ColdPython  # a neighbor

    return ColdPython()


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    from chromium import started  # a neighbor

    with started(tmp_path_factory.mktemp("profile")) as driver:
        yield driver


@pytest.fixture
def fresh_catalogs(monkeypatch):
    """Catalogs in which entry points are not read yet; what a test registers is forgotten after it."""
    from attributionlab.environments import ENVIRONMENTS
    from attributionlab.methods import METHODS, SEGMENTERS
    from attributionlab.metrics import METRICS
    from attributionlab.modification import MANIPULATIONS

    for catalog in (ENVIRONMENTS, MANIPULATIONS, METHODS, METRICS, SEGMENTERS):
        for attribute, value in {"entries": dict(catalog.entries), "_broken": {}, "_points": None}.items():
            monkeypatch.setattr(catalog, attribute, value)
