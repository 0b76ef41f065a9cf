"""Exceptions of every kind become one printable line of limited length, and records that can be read again."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner
from warm_python import COMMAND  # a neighbor

import attributionlab as al
from attributionlab.cli.app import app
from attributionlab.printable import LONGEST_MESSAGE, error_line, error_text
from attributionlab.runs import Plan, load_records, run_plan

OWN = """
import attributionlab as al


class Silent(Exception):
    def __str__(self):
        raise ValueError("no text")


class Leaving(Exception):
    def __str__(self):
        raise SystemExit(0)


class Base(BaseException):
    pass


def surrogates(model, inputs, targets):
    raise ValueError("caf\\udce9 \\ud800")


def silent(model, inputs, targets):
    raise Silent


def leaving(model, inputs, targets):
    raise Leaving


def long(model, inputs, targets):
    raise ValueError("x" * 5_000_000)


def generator_exit(model, inputs, targets):
    raise GeneratorExit


def base(model, inputs, targets):
    raise Base("nobody's child")


def named(model, inputs, targets):
    raise type("N\\ud800" * 1000, (Exception,), {})("a")


def escapes(model, inputs, targets):
    raise ValueError("\\x1b[31mred\\x07\\n\\nand a second line")


@al.metric(higher_is_better=True)
def metric_surrogates(environment, batch, maps):
    raise ValueError("caf\\udce9")


@al.metric(higher_is_better=True)
def metric_generator_exit(environment, batch, maps):
    raise GeneratorExit
"""

METHODS = ["surrogates", "silent", "leaving", "long", "generator_exit", "base", "named", "escapes"]


@pytest.fixture
def own(tmp_path):
    (tmp_path / "own.py").write_text(OWN, encoding="utf-8")
    return tmp_path / "own.py"


def is_one_safe_line(text):
    return text.isprintable() and len(text) <= LONGEST_MESSAGE and text.encode("utf-8")


def test_every_exception_of_a_method_or_a_metric_is_a_record_that_can_be_read(tmp_path, own):
    metrics = [f"{own}:metric_surrogates", f"{own}:metric_generator_exit"]
    methods = ["truth", *(f"{own}:{name}" for name in METHODS)]
    plan = Plan.of(environments=["multi-color-sum[size=16]"], methods=methods, metrics=metrics, n_samples=1)
    outcome = run_plan(plan, tmp_path / "run")
    assert outcome.n_run == plan.n_jobs
    errors = {(record.method, record.measure): record.error for record in load_records(tmp_path / "run")}
    assert errors.pop(("truth", "agreement")) is None
    for error in errors.values():
        assert is_one_safe_line(error.message)
        assert is_one_safe_line(error.type)
    messages = {
        method.rpartition(":")[2]: error.message
        for (method, measure), error in errors.items()
        if measure == "agreement"
    }
    assert messages["surrogates"].endswith(r":surrogates raised ValueError: caf\udce9 \ud800")
    assert messages["silent"].endswith(":silent raised Silent: its message cannot be read")
    assert messages["generator_exit"].endswith(":generator_exit raised GeneratorExit")
    assert messages["base"].endswith(":base raised Base: nobody's child")
    assert messages["escapes"].endswith(r":escapes raised ValueError: \x1b[31mred\x07 and a second line")


@pytest.mark.parametrize("name", METHODS)
def test_every_exception_is_one_line_of_a_check(own, name):
    verdict = al.check(f"{own}:{name}", "multi-color-sum[size=16]", n_samples=4)
    assert not verdict.passed
    assert is_one_safe_line(verdict.environments[0].error.message)


def test_a_message_is_one_printable_line():
    assert error_text(ValueError("a\n\tb\x1b")) == r"a b\x1b"
    assert error_line(ValueError()) == "ValueError"
    assert error_line(KeyError("a")) == "KeyError: 'a'"
    assert len(error_line(ValueError("x" * 5_000))) == LONGEST_MESSAGE


def in_this_process(_, *arguments):
    result = CliRunner().invoke(app, arguments)
    return result.exit_code, result.stderr


def in_a_process_of_its_own(python, *arguments):
    result = python.run(COMMAND, *arguments)
    return result.returncode, result.stderr


@pytest.mark.parametrize(
    ("statement", "run"),
    [
        ("raise GeneratorExit", in_this_process),
        ("raise ValueError('caf\\udce9')", in_a_process_of_its_own),
        ("raise ValueError('x' * 5_000_000)", in_this_process),
    ],
)
def test_a_file_that_raises_when_it_is_imported_is_one_line(tmp_path, warm_python, statement, run):
    (tmp_path / "own.py").write_text(statement, encoding="utf-8")
    code, stderr = run(warm_python, "check", f"{tmp_path / 'own.py'}:method", "--size", "16")
    assert code == 2
    assert stderr.startswith("error: `method` must be importable")
    assert stderr.count("\n") == 1
    assert len(stderr) <= LONGEST_MESSAGE + 1
