"""The script that measures GPUs, tried to its end on the CPU."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[2]
SECTIONS = ["equality", "speed", "maps", "profile", "tests"]


@pytest.fixture
def gpu(monkeypatch):
    """The script, with few methods and networks, so that all sections are done in seconds."""
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    script = importlib.import_module("gpu")
    monkeypatch.setattr(script, "METHODS", ["gradient", "truth"])
    monkeypatch.setattr(script, "TWELVE_METHODS", ("constant",))
    monkeypatch.setattr(script, "ENVIRONMENTS", ["multi-color-sum", "single-color-modulo"])
    monkeypatch.setattr(script, "DESIGNS", ("accumulator=signed",))
    return script


def rows_of(folder):
    report = json.loads((folder / "gpu.json").read_text(encoding="utf-8"))
    return {name: section["rows"] for name, section in report["sections"].items()}


@pytest.mark.wide
def test_the_cpu_path_measures_all_sections(gpu, tmp_path, capsys):
    assert gpu.main(["-o", str(tmp_path), "--device", "cpu", "--quick"]) == 0
    report = json.loads((tmp_path / "gpu.json").read_text(encoding="utf-8"))
    assert report["schema"] == 1
    assert report["machine"].keys() >= {"device", "torch", "cuda", "driver", "date"}
    assert list(report["sections"]) == SECTIONS
    outcomes = {name: section["outcomes"] for name, section in report["sections"].items()}
    assert outcomes == {
        "equality": {"measured": 2, "equal": 8},
        "speed": {"measured": len(gpu.SPEEDS) + 2},
        "maps": {"equal": 6},
        "profile": {"measured": 3},
        "tests": {"measured": 1},
    }
    page = (tmp_path / "gpu.md").read_text(encoding="utf-8")
    for section in gpu.SECTIONS:
        assert f"\n## {section.title}\n" in page
    for text in ("| `multi-color-sum[accumulator=signed]` | 96 | 0 | 0 |", "curves per second", "`aten::bmm`"):
        assert text in page
    assert sorted(path.name for path in tmp_path.iterdir()) == ["gpu.json", "gpu.md"]
    assert "Speed: " in capsys.readouterr().err


def test_tasks_that_do_not_fit_the_time_are_named(gpu, tmp_path):
    assert gpu.main(["-o", str(tmp_path), "--device", "cpu", "--quick", "--budget", "0"]) == 0
    for rows in rows_of(tmp_path).values():
        assert rows
        assert all(row["outcome"] == "not measured" and row["values"] == {"reason": "out of time"} for row in rows)
    page = (tmp_path / "gpu.md").read_text(encoding="utf-8")
    assert "- curves of multi-color-sum: not measured: out of time" in page


def test_what_fails_or_differs_is_named_and_the_rest_goes_on(gpu, tmp_path, monkeypatch):
    def different(_):
        return next(values)

    def broken(_):
        raise RuntimeError("no such kernel\nand more")

    values = iter(torch.arange(1000.0).split(1))
    monkeypatch.setattr(gpu, "CHECKS", (gpu.Check("numbers", different),))
    monkeypatch.setattr(gpu, "SPEEDS", (("broken", broken),))
    monkeypatch.setattr(gpu, "SECTIONS", gpu.SECTIONS[:2])
    assert gpu.main(["-o", str(tmp_path), "--device", "cpu", "--quick"]) == 1
    rows = rows_of(tmp_path)
    assert [row["outcome"] for row in rows["equality"][2:]] == ["different"] * 8
    assert rows["equality"][2]["values"]["differences"][0] == {
        "check": "numbers",
        "mode": "plain",
        "outcome": "different",
        "gap": 1.0,
    }
    assert rows["speed"][0] == {
        "name": "broken",
        "outcome": "failed",
        "values": {"error": "RuntimeError: no such kernel"},
    }
    assert [row["outcome"] for row in rows["speed"][1:]] == ["measured"] * 2
    page = (tmp_path / "gpu.md").read_text(encoding="utf-8")
    assert "- broken: failed: RuntimeError: no such kernel" in page
    assert "| multi-color-sum[accumulator=signed,size=17] scenes float32 | numbers | plain | different | 1 |" in page


@pytest.mark.parametrize(
    ("result", "outcome", "gap"),
    [([1.0, 2.0], "equal", 0.0), ([1.0, 2.0002], "rounded", 1e-4), ([1.0, 3.0], "different", 0.5)],
)
def test_tensors_are_compared_relative_to_the_largest_magnitude(gpu, result, outcome, gap):
    assert gpu.compare(torch.tensor([1.0, 2.0]), torch.tensor(result), 1e-3) == (outcome, pytest.approx(gap, rel=1e-2))


def test_a_value_that_is_not_finite_differs_without_a_gap(gpu):
    assert gpu.compare(torch.ones(1), torch.full((1,), torch.nan), 1.0) == ("different", None)


def test_a_result_of_another_shape_is_an_error(gpu):
    with pytest.raises(ValueError, match=r"torch.float32 of shape \(1,\) became torch.float64 \(1,\)"):
        gpu.compare(torch.ones(1), torch.ones(1).double(), 1.0)


def test_fast_arithmetic_is_switched_off_again(gpu):
    switch = torch.backends.cuda.matmul
    before = switch.fp32_precision
    with gpu.precision("tf32"):
        assert switch.fp32_precision == "tf32"
    assert switch.fp32_precision == before


def test_every_file_with_tests_for_a_gpu_is_run(gpu):
    full = gpu.Scope(torch.device("cpu"), quick=False, end=0.0)
    names = [task.name for task in gpu.test_tasks(full)]
    assert "tests/perturbation/test_tree.py" in names
    assert "tests/scripts/test_gpu.py" not in names


def test_without_a_gpu_one_line_says_so(gpu, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert gpu.main(["-o", str(tmp_path / "new")]) == 3
    assert capsys.readouterr().err == "torch sees no CUDA device here; `--device cpu` tries the script without one\n"
    assert not (tmp_path / "new").exists()
