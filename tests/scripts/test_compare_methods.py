"""The comparisons of docs/methods.md, which are small: every method gives what the library gives that it is held to."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path

import pytest
from torchvision_shim import install_where_missing

from attributionlab.methods import METHODS

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
try:
    script = importlib.import_module("compare_methods")
finally:
    sys.path.remove(str(ROOT / "scripts"))

CASES = [
    pytest.param(
        *(comparison, network),
        id=f"{comparison.spec}-{network}",
        marks=() if network == comparison.networks[-1] else pytest.mark.wide,
    )
    for comparison in script.COMPARISONS
    for network in comparison.networks
]


@pytest.mark.parametrize(("comparison", "network"), CASES)
@pytest.mark.filterwarnings("ignore")  # what other libraries warn of is theirs
def test_a_method_gives_what_its_library_gives(comparison, network):
    install_where_missing()
    pytest.importorskip(comparison.package)
    assert script.difference(comparison, network) <= comparison.tolerance


def test_the_page_has_a_section_for_every_method_and_the_table_of_the_script():
    page = (ROOT / "docs" / "methods.md").read_text(encoding="utf-8")
    described = {
        name
        for heading in re.findall(r"^### (.*)$", page, re.MULTILINE)
        for name in re.findall("`([a-z0-9-]+)`", heading)
    }
    assert described == set(METHODS.built_in)
    for comparison in script.COMPARISONS:
        assert f"| `{comparison.spec}` | {comparison.package} " in page


def test_every_section_of_the_page_has_a_formula_and_says_where_a_method_fails():
    page = (ROOT / "docs" / "methods.md").read_text(encoding="utf-8")
    _, *sections = re.split(r"^### ", page, flags=re.MULTILINE)
    for section in sections:
        items = re.findall(r"^(?:\* \*\*([A-Z][a-z ]+)\*\*: |(>) )\S", section, re.MULTILINE)
        assert ["".join(item) for item in items] == [">", "Held to", "Deviates", "Cost", "Question", "Fails"], section
