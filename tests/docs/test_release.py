"""What is told about a release agrees in all places where it is told."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_the_citation_has_the_version_and_the_license_of_the_package():
    citation = (ROOT / "CITATION.cff").read_text()
    assert re.findall(r"^version: (.+)$", citation, re.MULTILINE) == [PROJECT["version"]]
    assert re.findall(r"^license: (.+)$", citation, re.MULTILINE) == [PROJECT["license"]]


def test_the_bibtex_entry_has_the_version_of_the_package():
    assert f"version = {{{PROJECT['version']}}}" in (ROOT / "README.md").read_text()


def test_the_readme_says_what_came_out_of_a_reproduction():
    """The counts in the README are those that the reproduction of Zhou et al. 2022 wrote."""
    (wrote,) = re.findall(
        r"^\d+ reproduced, .* findings\)\.$", (ROOT / "docs/reproduction-zhou2022.md").read_text(), re.MULTILINE
    )
    assert wrote in (ROOT / "README.md").read_text()
