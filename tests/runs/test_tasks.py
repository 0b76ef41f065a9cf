"""Tasks: each is done once, its result is kept, and damage or failures are done again."""

import json
from pathlib import Path

import pytest

from attributionlab.errors import BadOption
from attributionlab.runs.executors import Executor, calls_others
from attributionlab.runs.task_runner import TASKS_FILE, run_tasks
from attributionlab.runs.tasks import Task

HERE = f"{Path(__file__)}"


def double(number, device):
    if number < 0:
        raise ValueError("it is negative")
    return {"double": 2 * number, "device": device}


@pytest.fixture
def calls(monkeypatch):
    """Do tasks in this process, and note their arguments."""
    noted = []
    monkeypatch.setattr("attributionlab.runs.executors.calls_others", lambda _unit: False)
    monkeypatch.setattr(
        "attributionlab.runs.tasks.load_function",
        lambda _address, _kind: lambda number, device: noted.append(number) or double(number, device),
    )
    return noted


def tasks(*numbers):
    return [Task(f"{HERE}:double", {"number": number}) for number in numbers]


def test_each_task_is_done_once_and_results_have_the_order_of_tasks(calls, tmp_path):
    executor, steps = Executor(), []
    first = run_tasks(tasks(3, 1), tmp_path, executor=executor)
    assert [result.value for result in first] == [{"double": 6, "device": "cpu"}, {"double": 2, "device": "cpu"}]
    again = run_tasks(tasks(1, 2, 3), tmp_path, executor=executor, progress=steps.append)
    assert [result.value["double"] for result in again] == [2, 4, 6]
    assert (calls, steps) == ([3, 1, 2], [2, 1])


def test_a_failure_is_returned_and_done_again(calls, tmp_path):
    for _ in range(2):
        (failed,) = run_tasks(tasks(-1), tmp_path, executor=Executor())
        assert (failed.value, failed.error.type, failed.error.message) == (None, "ValueError", "it is negative")
    assert calls == [-1, -1]


@pytest.mark.parametrize("damage", [lambda line: line[:-9], lambda line: line.replace(b'"double":2', b'"double":3')])
def test_a_damaged_line_is_done_again(calls, tmp_path, damage):
    run_tasks(tasks(1, 2), tmp_path, executor=Executor())
    file = tmp_path / TASKS_FILE
    first, second = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(second + damage(first))
    assert [result.value["double"] for result in run_tasks(tasks(1, 2), tmp_path, executor=Executor())] == [2, 4]
    assert calls == [1, 2, 1]
    lines = [json.loads(line)["record"]["arguments"]["number"] for line in file.read_bytes().splitlines()]
    assert lines == [2, 1]


def test_a_folder_in_which_another_process_runs_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("attributionlab.runs.executors.calls_others", lambda _unit: False)
    executor = Executor()

    class Rival(Executor):
        def do_tasks(self, tasks):
            return iter(run_tasks(tasks, tmp_path, executor=executor))

    with pytest.raises(BadOption, match="`output` must not be a folder that another run writes into"):
        run_tasks(tasks(1), tmp_path, executor=Rival())


def test_functions_of_others_run_in_a_process_of_their_own():
    assert calls_others(tasks(1)[0])
    assert not calls_others(Task("attributionlab.papers.catalog:find_paper"))


def test_tasks_are_done_in_processes(tmp_path):
    (result,) = run_tasks(tasks(4), tmp_path, executor=Executor(workers=1))
    assert result.value == {"double": 8, "device": "cpu"}
