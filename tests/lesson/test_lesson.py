"""The lesson's notebooks and exercises do what the plan says."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

LESSON = Path(__file__).parents[2] / "lesson"
NOTEBOOKS = sorted((LESSON / "notebooks").glob("*.md"))
EXERCISES = sorted((LESSON / "exercises").glob("*.py"))
CODE = re.compile(r"^```python( answer)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def cells(path):
    return [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]


@pytest.mark.parametrize("source", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_those_of_their_markdown(source):
    blocks = CODE.findall(source.read_text())
    answered, asked = (cells(source.with_name(f"{source.stem}{end}.ipynb")) for end in ("-answers", ""))
    assert ["".join(cell["source"]) for cell in answered] == [code.strip() for _, code in blocks]
    assert ["".join(cell["source"]) for cell in asked] == [
        "# your code" if answer else code.strip() for answer, code in blocks
    ]
    assert not any(output["output_type"] == "error" for cell in answered for output in cell["outputs"])
    assert any(cell["outputs"] for cell in answered)
    assert not any(cell["outputs"] for cell in asked)


def test_slides_need_no_network_and_have_their_pictures():
    page = (LESSON / "slides.html").read_text()
    assert page.count("<section>") == (LESSON / "slides.md").read_text().count("\n---\n") + 1
    assert not re.search(r'(src|href)="(?!data:)', page)
    assert page.count('src="data:image/png') == page.count("<img")


def test_every_exercise_has_an_answer():
    assert [path.name for path in EXERCISES] == [
        path.name for path in sorted((LESSON / "exercises/answers").glob("*.py"))
    ]
    assert len(EXERCISES) == 5


@pytest.mark.slow
@pytest.mark.parametrize("source", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(source):
    namespace = {"__name__": "__main__"}
    for _, code in CODE.findall(source.read_text()):
        exec(compile(code, source.name, "exec"), namespace)  # as a notebook does


@pytest.mark.slow
@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda path: path.stem)
def test_an_exercise_fails_and_its_answer_passes(exercise, tmp_path):
    for path, code in ((exercise, 1), (exercise.parent / "answers" / exercise.name, 0)):
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "--rootdir",
            str(tmp_path),
            str(path),
        ]
        done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=tmp_path)
        assert done.returncode == code, done.stdout
