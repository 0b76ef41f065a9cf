"""`attributionlab run`: outcome, exit codes, and one line for everything that does not fit."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from attributionlab import runs
from attributionlab.cli.app import app
from attributionlab.errors import MachineError

PLAN = """
environments = ["multi-color-sum[size=16]"]
methods = ["truth", "random"]
metrics = ["insertion"]
n_samples = 2
"""


def call(*arguments):
    return CliRunner().invoke(app, ["run", *map(str, arguments)])


@pytest.fixture
def plan(tmp_path):
    file = tmp_path / "plan.toml"
    file.write_text(PLAN, encoding="utf-8")
    return file


def test_a_run_prints_its_table_and_what_to_do_next(plan, tmp_path):
    result = call(plan, "-o", tmp_path / "run")
    assert result.exit_code == 0, result.output
    assert "truth" in result.stdout
    assert "4 of 4 jobs done" in result.stdout
    assert "attributionlab report" in result.stdout
    assert result.stderr == "", "quiet where nobody watches"
    again = json.loads(call(plan, "-o", tmp_path / "run", "--format", "json").stdout)
    assert (again["n_run"], again["n_before"], again["n_failed"]) == (0, 4, 0)
    assert "All 4 jobs were done before. Look at it: attributionlab report" in call(plan, "-o", tmp_path / "run").stdout


def test_failed_jobs_are_exit_code_1(plan, tmp_path):
    own = tmp_path / "own.py"
    own.write_text("def mine(model, inputs, targets):\n    raise KeyError('x')\n", encoding="utf-8")
    plan.write_text(PLAN.replace('"random"', f'"{own}:mine"'), encoding="utf-8")
    result = call(plan, "-o", tmp_path / "run")
    assert result.exit_code == 1
    assert "MethodRaised" in result.stdout
    assert "2 failed (--retry-failed does them again)" in result.stdout


def test_every_mistake_of_a_plan_has_its_own_line(plan, tmp_path):
    plan.write_text('methods = ["gradiant"]\nenvironments = []\nn_samples = 0\n', encoding="utf-8")
    result = call(plan, "-o", tmp_path / "run")
    assert result.exit_code == 2
    lines = result.stderr.splitlines()
    assert [line.split(":")[2] for line in lines] == ["1", "2", "3"]
    assert all(line.startswith("error: plan.toml:") for line in lines)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (
            [],
            {
                "workers": 1,
                "backend": "loky",
                "address": None,
                "device": "auto",
                "timeout": None,
                "retry_failed": False,
            },
        ),
        (
            ["--workers", 3, "--device", "cpu", "--timeout", 90, "--retry-failed"],
            {"workers": 3, "backend": "loky", "address": None, "device": "cpu", "timeout": 90, "retry_failed": True},
        ),
        (["--backend", "dask", "--scheduler", "tcp://x:1"], {"backend": "dask", "address": "tcp://x:1"}),
        (["--backend", "ray", "--address", "x:1"], {"backend": "ray", "address": "x:1"}),
    ],
)
def test_options_reach_the_run(plan, tmp_path, monkeypatch, arguments, expected):
    asked = {}

    def stopped(checked, output, **options):
        asked.update(options, plan=checked, output=output)
        raise MachineError("stopped here")

    monkeypatch.setattr(runs, "run_plan", stopped, raising=False)
    result = call(plan, "-o", tmp_path / "run", *arguments)
    assert (result.exit_code, result.stderr) == (3, "error: stopped here\n")
    assert {name: asked[name] for name in expected} == expected
    assert (asked["output"], asked["plan"].methods) == (tmp_path / "run", ("truth", "random"))


def test_damaged_records_are_named(plan, tmp_path):
    call(plan, "-o", tmp_path / "run")
    records = tmp_path / "run" / "records.jsonl"
    records.write_bytes(records.read_bytes()[:-9])
    result = call(plan, "-o", tmp_path / "run")
    assert result.exit_code == 0
    assert "warning: records.jsonl:4 is cut off" in result.stderr
    assert "1 of 4 jobs done" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message", "code"),
    [
        (["none.toml"], "`plan` must be a file that exists", 2),
        (["PLAN", "--scheduler", "tcp://x:1"], "`scheduler` must go with --backend dask", 2),
        (["PLAN", "--address", "x:1", "--backend", "dask"], "`address` must go with --backend ray", 2),
        (["PLAN", "--workers", "0"], "`workers` must be at least 1", 2),
        (["PLAN", "--device", "cuda"], "`device` must be one that this machine has", 3),
    ],
)
def test_a_call_that_does_not_fit_gets_one_line(plan, tmp_path, arguments, message, code, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    result = call(*(str(plan) if one == "PLAN" else one for one in arguments), "-o", tmp_path / "run")
    assert result.exit_code == code
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
