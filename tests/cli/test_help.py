"""Help in 80 columns, errors of values, and completion of names."""

import os
import re
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from attributionlab.cli import app as program
from attributionlab.cli import completion
from attributionlab.cli.list import parse_kind
from attributionlab.cli.options import environment_specs
from attributionlab.cli.reproduce import split_options
from attributionlab.errors import BadOption
from attributionlab.methods.factory import METHODS

HELP = {name: ("--help",) if not name else (name, "--help") for name in ("", *program.COMMANDS)}


def call(*arguments, capsys):
    """Exit code, stdout and stderr of the program, without a process of its own."""
    sys.argv = ["attributionlab", *arguments]
    code = program._program()
    return code, *capsys.readouterr()


@pytest.fixture(autouse=True)
def narrow(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(sys, "argv", sys.argv)


@pytest.fixture(params=HELP)
def text(request):
    return CliRunner().invoke(program.app, HELP[request.param]).stdout


def test_help_fits_80_columns_and_cuts_nothing_off(text):
    assert max(map(len, text.splitlines())) <= 80
    assert "\u2026" not in text
    assert "..." not in text.replace("[ENVIRONMENT...]", "").replace("FOLDERS...", "").replace(
        "[STUDIES...]", ""
    ).replace("[ARGS]...", "").replace("[FILES...]", "")


def test_help_has_words_for_values_and_no_types_of_python(text):
    assert not re.search(r"<|\b(bool|str|int|float)\b|\[default: \(|\[default: \]", text)


def test_help_breaks_no_name_at_a_hyphen(text):
    assert not re.search(r"\w-\n", text)


@pytest.mark.parametrize("command", ["verify", "generate", "show", "check", "audit", "reproduce"])
def test_n_is_short_for_n_samples_everywhere(command):
    kind = "N|auto" if command == "check" else "INTEGER"
    assert f"-n, --n-samples {kind}" in CliRunner().invoke(program.app, [command, "-h"]).stdout


def test_defaults_are_shown_also_where_they_are_0():
    text = CliRunner().invoke(program.app, ["generate", "-h"]).stdout
    assert "Index of the first sample.  [default: 0]" in text
    assert "[default: 224]" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("check gradient --size abc", "`size` must be an integer, got 'abc'"),
        ("check gradient --gamma x", "`gamma` must be a number, got 'x'"),
        ("check gradient --device tpu", "`device` must be auto, cpu or cuda, got 'tpu'"),
        ("check gradient --format yaml", "`format` must be table, json or csv, got 'yaml'"),
        ("check gradient -n 0", "`n_samples` must be at least 4, got 0"),
        ("check gradient --rule mean", "`rule` must be interval or point, got 'mean'"),
        ("check gradient -n few", "`n_samples` must be an integer or auto, got 'few'"),
        (
            "check captum.attr.Saliency",
            "`method` must be a known name, got 'captum.attr.Saliency'; a function is written package.module:function, here captum.attr:Saliency",
        ),
        ("audit --methods gradient", "`methods` must name at least 2, got 'gradient'"),
        ("audit --metrics ,", "`metrics` must name at least 1, got ','"),
        (
            "check gradient --env ,",
            "`environment` must be a known name, got ','; known: background-sum, multi-color-sum, single-color-modulo, single-color-sum",
        ),
        (
            "list foo",
            "`kind` must be environments, methods, metrics, segmenters or manipulations, got 'foo'",
        ),
        (
            "list lime",
            (
                "`kind` must be environments, methods, metrics, segmenters or manipulations, got 'lime'; "
                "`attributionlab list methods lime` describes it"
            ),
        ),
        (
            "reproduce table1 -o new --preste quick",
            "`option` must be a known name, got '--preste'; did you mean --preset?",
        ),
        ("reproduce table1 -o new --vgg16", "`option` must be followed by its value, got '--vgg16'"),
        ("reproduce table1 -o new --sam-model=vit_b", "`sam_model` must go with --sam-checkpoint, got 'vit_b'"),
    ],
)
def test_a_bad_value_is_one_line_in_the_words_of_the_package(arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert call(*arguments.split(), capsys=capsys) == (2, "", f"error: {message}\n")
    assert list(tmp_path.iterdir()) == []


def test_without_a_command_help_is_printed(capsys):
    code, stdout, stderr = call(capsys=capsys)
    assert (code, stderr) == (2, "")
    assert stdout.startswith("Usage: attributionlab [OPTIONS] COMMAND [ARGS]...\n")


def test_environments_are_repeated_or_separated_by_commas():
    specs = environment_specs(["a,b[c=1,d=2]", "e"])
    assert specs == ["a", "b[c=1,d=2]", "e"]


@pytest.mark.parametrize("kind", ["environment", "method", "metric", "segmenter", "manipulation"])
def test_a_kind_may_be_named_in_the_singular(kind):
    assert parse_kind(kind) == parse_kind(f"{kind}s") == f"{kind}s"


@pytest.mark.parametrize("kinds", [(), ("methods",)])
def test_lists_fit_80_columns_and_cut_nothing_off(kinds):
    text = CliRunner().invoke(program.app, ["list", *kinds]).stdout
    assert max(map(len, text.splitlines())) == 80
    assert "\u2026" not in text
    assert all(name in text for name in METHODS.names)


def test_the_options_of_a_paper_are_taken_from_the_paper():
    text = CliRunner().invoke(program.app, ["reproduce", "-h"]).stdout
    assert "--vgg16 VALUE" in text
    names, options = split_options(["table1", "--vgg16", "a.py:f", "section4", "--sam-model=vit_b"])
    assert (names, options) == (["table1", "section4"], {"vgg16": "a.py:f", "sam_model": "vit_b"})
    with pytest.raises(BadOption, match="`option` must be followed by its value, got '--vit'"):
        split_options(["--vit"])


COMPLETED = [
    ("check integ", "integrated-gradients"),
    ("check gradient --env single-color-m", "single-color-modulo"),
    ("check gradient --truth ov", "overall"),
    ("check gradient --format j", "json"),
    ("audit --methods gradient,occ", "gradient,occlusion"),
    ("audit --metrics del", "deletion"),
    ("list me", "methods\nmetrics"),
    ("list metrics ins", "insertion"),
    ("reproduce appendix", "appendix-k"),
]


@pytest.mark.parametrize(("words", "completed"), COMPLETED)
def test_names_are_completed(words, completed, capsys, monkeypatch):
    monkeypatch.setenv(completion.VARIABLE, "complete_bash")
    monkeypatch.setenv("COMP_WORDS", f"attributionlab {words}")
    monkeypatch.setenv("COMP_CWORD", str(len(words.split())))
    completion.prepare_completion()
    code, stdout, stderr = call(capsys=capsys)
    assert (code, stdout.strip(), stderr) == (0, completed, "")


def test_completion_does_not_import_torch():
    code = (
        "import sys; from attributionlab.cli import app, completion; completion.prepare_completion(); app._program(); "
    )
    request = {completion.VARIABLE: "complete_bash", "COMP_WORDS": "attributionlab check inte", "COMP_CWORD": "2"}
    done = subprocess.run(
        [sys.executable, "-c", code + "print('torch' in sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | request,
    )
    assert done.stdout == "integrated-gradients\nFalse\n"


@pytest.mark.parametrize("shell", completion.Shell)
def test_the_script_of_a_shell_calls_the_program(shell):
    result = CliRunner().invoke(program.app, ["--show-completion", shell.value])
    assert result.exit_code == 0
    assert completion.VARIABLE in result.stdout


def test_completion_is_installed_for_a_shell_that_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    result = CliRunner().invoke(program.app, ["--install-completion", "fish"])
    script = tmp_path / ".config" / "fish" / "completions" / "attributionlab.fish"
    assert result.stdout == f"wrote {script}; completion works in the next shell that you start\n"
    assert completion.VARIABLE in script.read_text()
