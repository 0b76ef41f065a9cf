"""Every method, environment and metric has a formula, known answers and a picture in the reference."""

import re
from pathlib import Path

import pytest

from attributionlab.environments.factory import ENVIRONMENTS
from attributionlab.methods.factory import METHODS
from attributionlab.metrics.factory import METRICS

DOCS = Path(__file__).parents[2] / "docs"
SECTION = re.compile(r"^### ((?:`[\w-]+`(?:, )?)+)\n(.*?)(?=^#{2,3} |\Z)", re.MULTILINE | re.DOTALL)
ENTRIES = [(kind.plural, name) for kind in (METHODS, ENVIRONMENTS, METRICS) for name in kind.built_in]


@pytest.mark.parametrize(("kind", "name"), ENTRIES, ids=[name for _, name in ENTRIES])
def test_entry_has_a_formula_known_answers_and_a_picture(kind, name):
    sections = {
        entry: body
        for names, body in SECTION.findall((DOCS / f"{kind}.md").read_text(encoding="utf-8"))
        for entry in re.findall(r"[\w-]+", names)
    }
    assert re.search(r"^> \S", sections[name], re.MULTILINE), "no formula"
    assert re.search(r"^\* \*\*(Held to|Known answers)\*\*: \S", sections[name], re.MULTILINE), "no known answers"
    assert (DOCS / f"pictures/{kind}/{name}.png").exists(), "run scripts/reference_pictures.py"
