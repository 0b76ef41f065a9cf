"""The example of a package with a method, a metric and an environment: found by its entry points, used by every command."""

from __future__ import annotations

import csv
import importlib.util
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from skimage.io import imread
from typer.testing import CliRunner

import attributionlab as al
from attributionlab.cli.app import app
from attributionlab.testing import assert_dummy, assert_faithful, assert_metric_known_answers

sys.path.insert(0, str(Path(__file__).parent))
from plugin_site import PLUGIN, install, write_metadata

SMALL = ("--size", "16", "--n-samples", "8")

MISTAKEN = """
from dataclasses import dataclass
from typing import ClassVar

import attributionlab as al
import numpy as np
from attributionlab_bar.environment import BarPosition


class Lying(BarPosition):
    name: ClassVar[str] = "lying"

    def logits(self, scene, present):
        return super().logits(scene, present) + (present.sum() == 1)


class Forgetful(al.Environment):
    name: ClassVar[str] = "forgetful"
    summary: ClassVar[str] = "an environment without truth"
    explains: ClassVar[str] = "value"
    true_baseline: ClassVar = None

    def scene(self, index): return index
    def inputs_of(self, scene): return np.ones((1, 2))
    def label(self, scene): return 0
    def build_network(self): return None
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder in which the example is installed, with a package of three mistakes."""
    folder = tmp_path_factory.mktemp("site")
    install(PLUGIN, folder)
    (folder / "mistaken.py").write_text(MISTAKEN)
    entries = {"lying": "mistaken:Lying", "forgetful": "mistaken:Forgetful", "missing": "mistaken:Missing"}
    write_metadata(folder, "mistaken", "1.0", {"attributionlab.environments": entries})
    return folder


@pytest.fixture
def run(site, fresh_catalogs, monkeypatch, tmp_path):
    """Runs a command where the packages are installed, in an empty folder."""
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.chdir(tmp_path)

    def invoke(*arguments, code=0):
        result = CliRunner().invoke(app, list(arguments))
        assert result.exit_code == code, result.output
        return result

    return invoke


@pytest.mark.parametrize(
    ("kind", "name", "options"),
    [
        ("environments", "bar-position", {"size", "length", "data_seed", "network_seed", "seed"}),
        ("methods", "trapezoid-gradients", {"n_steps"}),
        ("metrics", "keep-top", {"share"}),
    ],
)
def test_it_is_listed_with_its_options(run, kind, name, options):
    (entry,) = json.loads(run("list", kind, name, "--format", "json").stdout)[kind]
    assert set(entry["options"]) == options
    assert entry["summary"]


def test_it_is_verified_with_its_own_claim(run):
    rows = list(csv.DictReader(io.StringIO(run("verify", "bar-position", *SMALL, "--format", "csv").stdout)))
    assert [row["name"] for row in rows] == ["outputs", "closed form", "truth", "precision", "shift"]
    assert {row["holds"] for row in rows} == {"True"}
    assert rows[0]["environment"] == "bar-position[size=16]"


@pytest.mark.parametrize("option", ["length=16", "size=34"])
def test_its_options_are_those_of_the_network_too(run, option):
    run("verify", f"bar-position[{option}]", "--n-samples", "1", "--n-pixels", "8")


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("bar-position[size=7]", "got 'bar-position[size=7]'; ValueError: `size` must be even and at least 8, got 7"),
        ("bar-position[length=5]", "`length` must be 4 or 8 or 16, got '5'"),
        ("bar-position[lenght=4]", "`option` must be a known name, got 'lenght'; did you mean length?"),
        ("bar-positon", "`environment` must be a known name, got 'bar-positon'; did you mean bar-position?"),
    ],
)
def test_its_options_are_refused_in_one_line(run, spec, message):
    stderr = run("verify", spec, code=2).stderr
    assert stderr.count("\n") == 1
    assert message in stderr


@pytest.mark.wide
def test_its_method_passes_and_the_gradient_fails_in_its_environment(run):
    check = ("--env", "bar-position", *SMALL, "--format", "json")
    passed = json.loads(run("check", "trapezoid-gradients[n_steps=2]", *check).stdout)
    assert passed["environments"][0]["truths"]["negative"]["f1"] > 0.9
    run("check", "gradient", *check, code=1)


def test_its_method_is_the_trapezoid_rule(run):
    """The gradient is constant along the path, but 0 at black, where the ReLUs are closed: one step gives half of it."""
    environment = al.make_environment("bar-position", size=16)
    batch = environment.sample(4)
    offsets = np.arange(16) + 0.5 - 8
    for n_steps, share in ((1, 1 / 2), (4, 7 / 8)):
        method = al.make_method("trapezoid-gradients", environment, n_steps=n_steps)
        attribution = method(environment.model, batch.inputs, batch.targets).numpy()
        assert (attribution == batch.inputs[:, 0].numpy() * offsets / 16 * share).all()


@pytest.mark.wide
def test_its_metric_audits_methods(run):
    arguments = ("--methods", "truth,trapezoid-gradients,random", "--metrics", "keep-top,keep-top[share=0.5]")
    (audited,) = json.loads(run("audit", "--env", "bar-position", *arguments, *SMALL, "--format", "json").stdout)[
        "environments"
    ]
    assert list(audited["references"]) == ["exact[game=removal]"], "Shapley values have no closed form here"
    scores = {method: row["keep-top"] for method, row in audited["methods"].items()}
    assert scores["truth"] == scores["trapezoid-gradients"] > scores["random"]


def test_its_images_are_generated_scored_and_shown(run, tmp_path):
    run("generate", "bar-position", *SMALL, "-o", "bars")
    assert imread(tmp_path / "bars/images/000000.png").sum() == 2 * 8 * 255
    assert json.loads((tmp_path / "bars/manifest.json").read_text())["samples"][0].keys() >= {"left", "top", "label"}
    run("score", "bars", "bars/truth.npz", "--key", "signed")
    run("show", "bar-position", "--size", "16", "--methods", "trapezoid-gradients,gradient", "-o", "bars.png")
    assert imread(tmp_path / "bars.png").std() > 10


PLAN = """
environments = ["bar-position[size=16]"]
methods = ["trapezoid-gradients", "random"]
metrics = ["keep-top"]
n_samples = 4
"""


def test_a_run_measures_and_a_report_shows_it(run, tmp_path):
    Path("plan.toml").write_text(PLAN)
    assert "4 of 4 jobs done" in run("run", "plan.toml", "-o", "run").stdout
    records = al.load_records("run")
    assert {record.job.measure for record in records} == {"agreement", "keep-top"}
    run("report", "run", "-o", "report.html")
    assert "bar-position[size=16]" in (tmp_path / "report.html").read_text()


@pytest.mark.wide
def test_the_assertions_hold_for_its_method_and_metric(run):
    assert_faithful("trapezoid-gradients", "bar-position", size=16, rule="point", n_samples=4)
    assert_dummy("trapezoid-gradients", "bar-position", n_samples=2, size=16)
    assert_metric_known_answers("keep-top", n_samples=2, size=16)


# Mistakes


def test_an_entry_point_that_is_broken_costs_one_line_and_nothing_else(run):
    result = run("list", "environments", "--format", "csv")
    assert result.stderr == (
        "warning: the environment 'forgetful' of package mistaken (mistaken:Forgetful) cannot be used: "
        "BadOption: `environment` must define signed_truth, got 'Forgetful'\n"
        "warning: the environment 'missing' of package mistaken (mistaken:Missing) cannot be used: "
        "AttributeError: module 'mistaken' has no attribute 'Missing'\n"
    )
    assert {"bar-position", "lying"} < {row["name"] for row in csv.DictReader(io.StringIO(result.stdout))}
    assert run("verify", "bar-position", "--n-samples", "1").stderr == ""


def test_an_environment_without_a_member_is_refused_in_one_line_that_names_it(run):
    assert run("verify", "forgetful", code=2).stderr == (
        "error: `environment` must be usable, got 'forgetful'; package mistaken (mistaken:Forgetful) registers it, but "
        "BadOption: `environment` must define signed_truth, got 'Forgetful'\n"
    )


def test_a_closed_form_that_lies_is_found_with_the_first_counterexample(run):
    rows = list(csv.DictReader(io.StringIO(run("verify", "lying", *SMALL, "--format", "csv", code=1).stdout)))
    (closed_form,) = (row for row in rows if row["name"] == "closed form")
    assert closed_form["holds"] == "False"
    assert closed_form["note"].startswith("first violation: sample 0, 1 of 256 features shown: network (")


# Other processes


def environment_with(site):
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(site), *filter(None, [os.environ.get("PYTHONPATH")])])}


@pytest.mark.slow
def test_workers_in_other_processes_find_it(site, tmp_path):
    (tmp_path / "plan.toml").write_text(PLAN)
    command = [sys.executable, "-m", "attributionlab", "run", "plan.toml", "-o", "run", "--workers", "2"]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment_with(site), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "4 of 4 jobs done" in done.stdout


@pytest.mark.slow
@pytest.mark.skipif(
    importlib.util.find_spec("hatchling") is None, reason="hatchling, which builds the package, is not installed"
)
def test_pip_builds_and_installs_it(tmp_path):
    site = tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*pip, "--target", str(site), str(PLUGIN)], check=True, cwd=tmp_path)
    command = [sys.executable, "-m", "attributionlab", "verify", "bar-position", "--n-samples", "1"]
    subprocess.run(command, check=True, cwd=tmp_path, env=environment_with(site))
