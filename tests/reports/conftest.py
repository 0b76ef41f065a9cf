"""A small run that has everything: two seeds, two environments, a method that fails, and one with a hostile name."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from memory_run import MemoryRun

from attributionlab.runs.plan import Plan

HOSTILE = """<script>alert(1)<|script>'"&amp;{{ 7 * 7 }}`.py"""
"""A file's name that would run, if anything of it were taken for HTML or a template."""

MESSAGE = "</dialog><img src=x onerror=alert(2)> \\textbf{50 %} | a_b $c$"

METHODS = f"""
def center(model, inputs, targets):
    maps = inputs.new_zeros(len(inputs), *inputs.shape[2:])
    maps[:, 4:12, 4:12] = 1
    return maps


def broken(model, inputs, targets):
    raise RuntimeError({MESSAGE!r})
"""


@dataclass(frozen=True)
class SmallRun:
    """The records of the run, and the names of its odd methods."""

    records: MemoryRun
    hostile: str
    broken: str


def make_run(folder: Path, *, save_maps: int = 2, name: str = "<b>small</b> & odd") -> SmallRun:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / HOSTILE).write_text(METHODS)
    hostile, broken = (f"{folder / HOSTILE}:{function}" for function in ("center", "broken"))
    plan = Plan.of(
        name=name,
        environments=["multi-color-sum[size=16]", "single-color-sum[size=16]"],
        methods=["input-x-gradient", "random", hostile, broken],
        metrics=["insertion", "sensitivity-n[n_orders=4]"],
        seeds=[0, 1],
        n_samples=3,
        save_maps=save_maps,
    )
    return SmallRun(MemoryRun(plan), hostile, broken)


@pytest.fixture(scope="session")
def small_run(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="session")
def run_without_maps(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("bare"), save_maps=0, name="bare")
