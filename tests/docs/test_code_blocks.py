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
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

BLOCKS = [
    pytest.param(language, code, id=f"{page.name}-{index}-{language}")
    for page in PAGES
    for index, (language, code) in enumerate(BLOCK.findall(page.read_text(encoding="utf-8")))
]

EXIT_CODES = {
    "attributionlab check integrated-gradients --size 64": (1,),
    "attributionlab check 'integrated-gradients[baseline=true]' --size 64": (0,),
}
"""Of the README's first commands, which say it: the black baseline fails, the true one passes."""


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
        codes = EXIT_CODES.get(line, (0, 1) if arguments[0] == "check" else (0,))
        assert result.exit_code in codes, result.output


def test_the_commands_whose_exit_codes_are_described_are_in_the_readme():
    assert set(EXIT_CODES) <= set(PAGES[0].read_text(encoding="utf-8").splitlines())
