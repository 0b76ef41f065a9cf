"""The house: imports go one way, and a name means one thing in the whole package."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "scripts" / "architecture.py"


@pytest.fixture(scope="module")
def architecture():
    spec = importlib.util.spec_from_file_location("architecture", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules["architecture"] = module
    spec.loader.exec_module(module)
    return module


def test_every_room_has_its_place(architecture):
    rooms = {
        path.stem for path in architecture.PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert rooms - {"__init__", "__main__", "__pycache__"} == set(architecture.RANK)


def test_imports_go_one_way(architecture):
    assert [str(each) for each in architecture.read_imports() if each.goes_up] == []


def test_a_paper_can_be_deleted_with_its_line_in_the_catalog(architecture):
    papers = {
        path.name for path in (architecture.PACKAGE / "papers").iterdir() if path.is_dir() and path.name != "templates"
    }
    traces = [
        file.relative_to(architecture.PACKAGE)
        for file in architecture.PACKAGE.rglob("*.py")
        for paper in papers
        if f"papers.{paper}" in file.read_text() and paper not in file.parts and file.name != "catalog.py"
    ]
    assert traces == []


def test_no_class_name_stands_twice(architecture):
    assert {name: files for name, files in architecture.class_names().items() if len(files) > 1} == {}


def test_an_import_upward_is_found(architecture, tmp_path):
    (tmp_path / "attributionlab" / "networks").mkdir(parents=True)
    (tmp_path / "attributionlab" / "networks" / "head.py").write_text(
        "from attributionlab.methods import make_method\n"
    )
    (upward,) = architecture.read_imports(tmp_path / "attributionlab")
    assert upward.goes_up
    assert str(upward) == "networks.head imports methods"


def test_a_class_name_that_stands_twice_is_found(architecture, tmp_path):
    for name in ("one.py", "two.py"):
        (tmp_path / name).write_text("class Report:\n    pass\n")
    assert [len(files) for files in architecture.class_names(tmp_path).values()] == [2]
