"""The import of torch that all commands share."""

import ast
import gc
import sys
from importlib.machinery import BuiltinImporter
from pathlib import Path
from types import ModuleType

import pytest

import attributionlab.cli
from attributionlab.cli.output import import_torch


@pytest.fixture
def no_torch(monkeypatch):
    """A process that has not imported torch, and cannot."""
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    monkeypatch.setattr(sys, "meta_path", [BuiltinImporter])


def test_the_collector_works_again_when_torch_cannot_be_imported(no_torch):
    n_frozen = gc.get_freeze_count()
    with pytest.raises(ModuleNotFoundError, match="torch"):
        import_torch()
    assert gc.isenabled()
    assert gc.get_freeze_count() <= n_frozen  # what was frozen before may have been freed since


def test_a_collector_that_is_off_stays_off(no_torch):
    gc.disable()
    try:
        import_torch()
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_objects_of_programs_that_imported_torch_before_are_collected_as_ever(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", ModuleType("torch"))
    n_frozen = gc.get_freeze_count()
    import_torch()
    assert gc.isenabled()
    assert gc.get_freeze_count() <= n_frozen  # as above


def test_commands_that_build_environments_import_torch_this_way():
    calls = {
        path.stem: {
            getattr(node.func, "id", "") for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)
        }
        for path in Path(attributionlab.cli.__file__).parent.glob("*.py")
    }
    assert [
        name for name, names in calls.items() if "build_environments" in names and "import_torch" not in names
    ] == []
