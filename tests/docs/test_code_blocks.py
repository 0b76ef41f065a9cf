"""Every code block of the README and the docs runs, from a folder that has nothing but the examples in it."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest
from torchvision_shim import install_where_missing
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
]


@pytest.mark.usefixtures("fresh_catalogs")
@pytest.mark.parametrize(("language", "code"), BLOCKS)
def test_code_block_runs(language, code, tmp_path, monkeypatch):
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    monkeypatch.chdir(tmp_path)
    if "quantus" in code:
        install_where_missing()  # Quantus imports zennit where it is installed, and that torchvision
    if language == "python":
        exec(compile(code, "block", "exec", dont_inherit=True), {})  # as a file of its own
        return
    assert language == "sh", f"blocks are python or sh, got {language}"
    for line in code.splitlines():
        program, *arguments = shlex.split(line)
        assert program == "attributionlab"
        result = CliRunner().invoke(app, arguments)
        allowed = (0, 1, 4) if arguments[0] == "check" else (0,)  # passed, failed or undecided
        assert result.exit_code in allowed, result.output


def test_readme_tells_the_truth_about_its_first_commands():
    """From black the pixels are right and the signs wrong, from the true baseline it passes."""
    for method, outcome, exit_code in (("deeplift", "PIXELS-ONLY", 1), ("deeplift[baseline=true]", "PASSED", 0)):
        result = CliRunner().invoke(app, ["check", method, "--size", "64"])
        assert f"{method}: {outcome}" in result.output
        assert result.exit_code == exit_code


@pytest.mark.parametrize(
    "page", [*PAGES, ROOT / "CONTRIBUTING.md", ROOT / "examples/plugin/README.md"], ids=lambda page: page.name
)
def test_links_lead_to_files(page):
    targets = [match[0] for match in LINK.findall(page.read_text(encoding="utf-8"))]
    assert [target for target in targets if not (page.parent / target).exists()] == []
