"""Runs: every job once, whoever does it and however often they are interrupted; damage is seen and mended."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from filelock import FileLock
from joblib import parallel_config
from joblib.externals.loky import BrokenProcessPool

import attributionlab as al
from attributionlab.errors import BadOption, DamagedRecords, MachineError
from attributionlab.files import is_draft
from attributionlab.measuring.failure import Failure
from attributionlab.metrics import SensitivityN
from attributionlab.papers.measuring import MeasuredScores
from attributionlab.reports.tables.run_rows import run_table
from attributionlab.runs import Plan, executors, load_records, run_plan
from attributionlab.runs.clusters import Workers, do_on_cluster
from attributionlab.runs.executors import Executor, _parallel
from attributionlab.runs.groups import together
from attributionlab.runs.jobs import Job
from attributionlab.runs.records import RECORDS_FILE, Record, decode, is_whole, read_at, valid
from attributionlab.runs.runner import _device
from attributionlab.runs.stopwatch import Stopwatch
from attributionlab.runs.store import DAMAGED_FILE, Journal, RunFolder
from attributionlab.runs.work import UnitResult, device_of, do_unit

METHODS = ["gradient", "random", "input-x-gradient"]
VARYING = ("seconds", "peak_memory", "device", "versions")


def small(**entries):
    defaults = {
        "environments": ["multi-color-sum[size=16]", "single-color-sum[size=16]"],
        "methods": METHODS,
        "metrics": ["insertion", "sensitivity-n[n_orders=5]"],
        "n_samples": 4,
        "images_per_job": 2,
    }
    return Plan.of(**{**defaults, **entries})


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run that was never interrupted."""
    folder = tmp_path_factory.mktemp("run") / "whole"
    run_plan(small(save_maps=3), folder)
    return folder


def found(folder):
    """What was found, by key: all that does not depend on who did the work."""
    return {
        stored["key"]: {name: value for name, value in stored.items() if name not in VARYING}
        for _, stored in valid(folder / RECORDS_FILE)
    }


def test_a_run_has_one_record_per_job_and_a_second_one_nothing_to_do(whole):
    plan = small(save_maps=3)
    lines = (whole / RECORDS_FILE).read_bytes().splitlines(keepends=True)
    assert len(lines) == plan.n_jobs
    again = run_plan(plan, whole)
    assert (again.n_run, again.n_before, again.n_failed) == (0, plan.n_jobs, 0)
    assert (whole / RECORDS_FILE).read_bytes().splitlines(keepends=True) == lines


def test_the_first_maps_of_an_environment_are_compared_with_games(whole):
    records = load_records(whole)
    compared = {(record.start, record.measure) for record in records if record.games}
    assert compared == {(0, "agreement")}
    answers = {(row.environment[:6], row.method): row.answers for row in records.summaries()}
    exact = {"removal@true", "alone@true", "shapley@true", "aumann-shapley@true"}
    assert exact <= {*answers["single", "input-x-gradient"]}, "a sum of white pixels"
    assert answers["single", "random"] == answers["multi-", "random"] == ()


@pytest.mark.wide
def test_scores_are_those_of_check_and_of_the_metrics(whole):
    records = load_records(whole)
    spec = "multi-color-sum[size=16]"
    environment = al.make_environment(spec)
    batch = environment.sample(4)
    maps = al.make_method("gradient", environment)(environment.model, batch.inputs, batch.targets)
    assert records.scores(spec, "gradient", name="positive.f1") == pytest.approx(
        al.score(maps, batch.ground_truth).positive.f1.numpy(), rel=1e-6
    )
    curve = al.insertion(environment, batch, maps)
    assert records.scores(spec, "gradient", "insertion") == pytest.approx(curve.auc.numpy(), rel=1e-6)
    at, values = records.curves(spec, "gradient", "insertion")
    assert values.shape == (4, len(at))
    assert values[:, -1] == pytest.approx(curve.outputs[:, -1].numpy(), rel=1e-4)  # stored with five digits
    drop = al.sensitivity_n(environment, batch, maps, n_orders=5)
    assert records.scores(spec, "gradient", "sensitivity-n[n_orders=5]") == pytest.approx(drop.mean.numpy(), rel=1e-6)
    stored = records.maps(spec, "gradient")
    assert stored.shape == (3, 16, 16)
    assert stored == pytest.approx(maps[:3].numpy(), rel=1e-4, abs=1e-9)  # batches of 2 and of 4 round differently
    verdict = al.check("gradient", spec, n_samples=4, one_network=True).environments[0].truths["overall"]
    (summary,) = (one for one in records.summaries() if (one.environment, one.method) == (spec, "gradient"))
    assert summary.truths["overall"].f1 == pytest.approx(verdict.f1, rel=1e-6)
    assert summary.truths["overall"].f1_low == pytest.approx(verdict.f1_low, rel=1e-6)


@pytest.mark.wide
def test_records_have_what_methods_say_of_their_work_and_where_it_was_done(tmp_path):
    plan = small(methods=["integrated-gradients"], environments=["multi-color-sum[size=16]"], metrics=["insertion"])
    run_plan(plan, tmp_path / "run")
    by_measure = {(record.measure, record.start): record for record in load_records(tmp_path / "run")}
    agreement, metric = by_measure["agreement", 0], by_measure["insertion", 0]
    assert len(agreement.diagnostics["convergence_delta"]) == 2
    assert (metric.diagnostics, agreement.device) == ({}, "cpu")
    assert agreement.versions["torch"]
    assert agreement.seconds > 0
    assert agreement.peak_memory > 2**26


def test_a_run_that_stops_anywhere_goes_on_with_what_is_missing(whole, tmp_path):
    lines = (whole / RECORDS_FILE).read_bytes().splitlines(keepends=True)
    for n_kept in (0, 1, 7, len(lines) - 1):
        folder = tmp_path / str(n_kept)
        shutil.copytree(whole, folder)
        (folder / RECORDS_FILE).write_bytes(b"".join(lines[:n_kept]))
        outcome = run_plan(small(save_maps=3), folder)
        assert (outcome.n_before, outcome.n_run) == (n_kept, len(lines) - n_kept)
        assert found(folder) == found(whole)


@pytest.mark.parametrize("cut", [1, 30, -1])
def test_a_record_that_is_cut_off_is_named_and_done_again(whole, tmp_path, cut):
    folder = tmp_path / "run"
    shutil.copytree(whole, folder)
    lines = (whole / RECORDS_FILE).read_bytes().splitlines(keepends=True)
    (folder / RECORDS_FILE).write_bytes(b"".join(lines[:-1]) + lines[-1][:cut])
    with pytest.warns(DamagedRecords, match=rf"records.jsonl:{len(lines)} is cut off"):
        load_records(folder).summaries()
    outcome = run_plan(small(save_maps=3), folder)
    assert len(outcome.damaged) == 1
    assert f"records.jsonl:{len(lines)} is cut off" in outcome.damaged[0]
    assert outcome.n_run == 1
    assert found(folder) == found(whole)
    assert (folder / DAMAGED_FILE).read_bytes() == lines[-1][:cut].rstrip(b"\n") + b"\n"


@pytest.mark.parametrize("place", [2, 12, 200, -2])
def test_one_flipped_bit_is_seen_and_the_record_done_again(whole, tmp_path, place):
    folder = tmp_path / "run"
    shutil.copytree(whole, folder)
    content = bytearray((folder / RECORDS_FILE).read_bytes())
    second = content.index(b"\n") + 1
    end = content.index(b"\n", second) + 1
    content[second + place if place > 0 else end + place] ^= 1
    (folder / RECORDS_FILE).write_bytes(bytes(content))
    outcome = run_plan(small(save_maps=3), folder)
    assert len(outcome.damaged) == outcome.n_run == 1
    assert "records.jsonl:2 is damaged (job " in outcome.damaged[0]
    assert found(folder) == found(whole)


def test_maps_that_are_gone_are_made_again(whole, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(whole, folder)
    gone = next((folder / "maps").iterdir())
    gone.unlink()
    assert run_plan(small(save_maps=3), folder).n_run == 1
    assert gone.exists()
    assert found(folder) == found(whole)


def test_maps_that_are_cut_off_are_made_again_and_changed_ones_are_named(whole, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(whole, folder)
    spec = "multi-color-sum[size=16]"
    files = [folder / "maps" / f"{record.job.key}.npz" for record in load_records(folder).of(spec, "gradient")]
    content = files[0].read_bytes()
    files[0].write_bytes(content[:-30])
    with pytest.raises(BadOption, match=r"`maps` must be undamaged, got .*run the plan again"):
        load_records(folder).maps(spec, "gradient")
    assert run_plan(small(save_maps=3), folder).n_run == 1
    assert np.array_equal(load_records(folder).maps(spec, "gradient"), load_records(whole).maps(spec, "gradient"))
    middle = len(content) // 2
    files[0].write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
    with pytest.raises(BadOption, match=r"`maps` must be undamaged, got .*run the plan again"):
        load_records(folder).maps(spec, "gradient")


@pytest.mark.parametrize("moment", ["plan.json", "records.jsonl", ".npz"])
def test_a_run_that_is_killed_while_it_writes_a_file_goes_on_and_leaves_no_draft(whole, tmp_path, monkeypatch, moment):
    """As after `kill -9`: nothing is tidied up."""
    folder, replace = tmp_path / "run", Path.replace
    if moment == "records.jsonl":
        shutil.copytree(whole, folder)
        (folder / RECORDS_FILE).write_bytes((whole / RECORDS_FILE).read_bytes()[:-9])

    def killed(draft, target):
        if str(target).endswith(moment):
            raise Killed
        return replace(draft, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", killed)
        patched.setattr(Path, "unlink", lambda *_, **__: None)
        patched.setattr(Path, "rmdir", lambda *_: None)
        with pytest.raises(Killed):
            run_plan(small(save_maps=3), folder)
    (draft,) = (path for path in folder.rglob("*") if is_draft(path.name))
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    draft.rename(draft.parent / draft.name.replace(f"-{os.getpid()}-", f"-{process.pid}-"))
    run_plan(small(save_maps=3), folder)
    assert not [path for path in folder.rglob("*") if is_draft(path.name)]
    assert found(folder) == found(whole)


@pytest.mark.parametrize(("mask", "expected"), [(0o077, 0o600), (0o022, 0o644)])
def test_the_umask_decides_on_the_modes_of_all_files_of_a_run(tmp_path, mask, expected):
    before = os.umask(mask)
    try:
        plan = small(environments=["multi-color-sum[size=16]"], methods=["random"], metrics=[], save_maps=1)
        run_plan(plan, tmp_path / "run")
        with (tmp_path / "run" / RECORDS_FILE).open("ab") as records:
            records.write(b"{")  # damage, so that the records are written anew
        run_plan(plan, tmp_path / "run")
    finally:
        os.umask(before)
    files = [path for path in (tmp_path / "run").rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {"plan.json", RECORDS_FILE, DAMAGED_FILE}
    assert {path.name: stat.S_IMODE(path.stat().st_mode) for path in files} == {path.name: expected for path in files}


class Killed(BaseException):
    """Nobody catches it."""


def test_maps_without_their_record_are_made_again(whole, tmp_path, monkeypatch):
    """A run that was killed between the two."""
    folder = tmp_path / "run"

    def killed(journal, record):
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(Journal, "append", killed)
        with pytest.raises(Killed):
            run_plan(small(save_maps=3), folder)
    assert len(list((folder / "maps").iterdir())) == 1
    assert run_plan(small(save_maps=3), folder).n_run == small().n_jobs
    assert found(folder) == found(whole)


@pytest.mark.parametrize("below", ["new", "new/and/deep", "empty"])
def test_a_run_that_cannot_begin_leaves_nothing_that_was_not_there(tmp_path, monkeypatch, below):
    (tmp_path / "empty").mkdir()

    def refuses(executor, units):
        raise MachineError("no cluster")

    monkeypatch.setattr(Executor, "do", refuses)
    with pytest.raises(MachineError, match="no cluster"):
        run_plan(small(), tmp_path / below)
    assert [str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")] == ["empty"]


def test_a_run_that_was_there_before_stays_where_nothing_is_left_to_do_or_the_cluster_is_gone(
    whole, tmp_path, monkeypatch
):
    folder = tmp_path / "run"
    shutil.copytree(whole, folder)
    (folder / RECORDS_FILE).unlink()

    def refuses(executor, units):
        raise MachineError("no cluster")

    monkeypatch.setattr(Executor, "do", refuses)
    with pytest.raises(MachineError, match="no cluster"):
        run_plan(small(save_maps=3), folder)
    assert {path.name for path in folder.iterdir()} >= {"plan.json", "maps"}


def test_a_process_that_is_killed_at_any_moment_loses_no_record(tmp_path, warm_python):
    folder = tmp_path / "run"
    plan = small(metrics=["insertion"], n_samples=16, images_per_job=1)
    program = (
        "import sys, attributionlab as al; "
        "plan = al.Plan.of(environments=['multi-color-sum[size=16]', 'single-color-sum[size=16]'], methods="
        f"{METHODS!r}, metrics=['insertion'], n_samples=16, images_per_job=1); "
        "al.run_plan(plan, sys.argv[1])"
    )
    seen = 0
    for _ in range(2):
        with warm_python.start(program, folder) as process:
            deadline = time.monotonic() + 120
            while count(folder) < seen + 20 and process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.01)
            process.send_signal(signal.SIGKILL)
        assert count(folder) >= seen + 20, "what was written stays"
        seen = count(folder)
    run_plan(plan, folder)
    keys = [stored["key"] for _, stored in valid(folder / RECORDS_FILE)]
    lines = (folder / RECORDS_FILE).read_bytes().splitlines(keepends=True)
    assert len(lines) == len(set(keys)) == plan.n_jobs, "nothing lost, nothing done twice"
    run_plan(plan, tmp_path / "other")
    assert found(folder) == found(tmp_path / "other")


def count(folder):
    file = folder / RECORDS_FILE
    return file.read_bytes().count(b"\n") if file.exists() else 0


FAULTY = """
import os


def raises(model, inputs, targets):
    raise ValueError("no idea")


def dies(model, inputs, targets):
    os.kill(os.getpid(), 9)


def fine(model, inputs, targets):
    return inputs.sum(dim=1)
"""


@pytest.fixture
def faulty(tmp_path):
    file = tmp_path / "faulty.py"
    file.write_text(FAULTY, encoding="utf-8")
    return file


def test_a_method_that_raises_is_a_record_and_the_rest_goes_on(tmp_path, faulty):
    plan = small(methods=[f"{faulty}:raises", "truth"], environments=["multi-color-sum[size=16]"])
    outcome = run_plan(plan, tmp_path / "run")
    assert (outcome.n_run, outcome.n_failed) == (plan.n_jobs, plan.n_jobs // 2)
    failed, fine = load_records(tmp_path / "run").summaries()
    assert (failed.error.type, failed.passed, failed.truths["overall"]) == ("MethodRaised", False, None)
    assert "no idea" in failed.error.message
    records = load_records(tmp_path / "run")
    assert np.isnan(records.scores("multi-color-sum[size=16]", f"{faulty}:raises", "insertion")).all()
    assert fine.truths["overall"].f1 == 1
    assert run_plan(plan, tmp_path / "run").n_run == 0, "what failed is done again only when it is asked for"
    assert run_plan(plan, tmp_path / "run", retry_failed=True).n_run == plan.n_jobs // 2


def test_every_metric_prepares_some_images_once_for_all_methods(tmp_path, monkeypatch):
    prepared, prepare = [], SensitivityN.prepare

    def counted(metric, environment, batch):
        prepared.append(metric.n_orders)
        return prepare(metric, environment, batch)

    monkeypatch.setattr(SensitivityN, "prepare", counted)
    metrics = [f"sensitivity-n[n_orders={n}]" for n in (2, 3, 4, 5)]
    plan = Plan.of(
        environments=["single-color-sum[data_seed=7,size=16]"],  # not seen by another test: images are kept
        methods=["gradient", "random", "constant"],
        metrics=metrics,
        n_samples=4,
        images_per_job=2,
    )
    run_plan(plan, tmp_path / "run")
    assert prepared == [2, 3, 4, 5] * 2


def test_of_several_records_of_a_job_the_one_that_did_not_fail_counts_else_the_last(tmp_path):
    """A function that says why it fails, as long as there is a file that tells it to."""
    why, file = tmp_path / "why", tmp_path / "own.py"
    file.write_text(
        f"from pathlib import Path\n\nWHY = Path({str(why)!r})\n\n\ndef moody(model, inputs, targets):\n"
        "    if WHY.exists():\n        raise ValueError(WHY.read_text())\n    return inputs\n",
        encoding="utf-8",
    )
    plan = small(methods=[f"{file}:moody"], environments=["multi-color-sum[size=16]"], metrics=[], n_samples=2)

    def retried(*, retry=True):
        outcome = run_plan(plan, tmp_path / "run", retry_failed=retry)
        (record,) = load_records(tmp_path / "run")
        return outcome.n_run, outcome.n_failed, record.error and record.error.message.rpartition(" ")[2]

    for reason in ("first", "second"):
        why.write_text(reason)
        assert retried() == (1, 1, reason)
    why.unlink()
    assert retried(retry=False) == (0, 1, "second")
    assert retried() == (1, 0, None)
    why.write_text("third")
    assert retried() == (0, 0, None), "what did not fail is not done again"


def test_progress_counts_what_was_done_before_and_then_each_job(whole, tmp_path):
    folder, lines = tmp_path / "run", (whole / RECORDS_FILE).read_bytes().splitlines(keepends=True)
    shutil.copytree(whole, folder)
    (folder / RECORDS_FILE).write_bytes(b"".join(lines[:5]))
    steps, watched = [], []
    run_plan(small(save_maps=3), folder, progress=steps.append, watch=watched.append)
    assert steps == [5, 1, *[3] * ((len(lines) - 6) // 3)]
    assert len(watched) == len(lines) - 5


def test_maps_that_are_zero_everywhere_are_counted_and_spoken_of(tmp_path):
    file = tmp_path / "own.py"
    file.write_text(
        "def half(model, inputs, targets):\n    maps = inputs.sum(dim=1)\n    maps[0] = 0\n    maps[1, 0, 0] = 0\n"
        "    return maps\n",
        encoding="utf-8",
    )
    plan = small(methods=[f"{file}:half", "truth"], environments=["multi-color-sum[size=16]"], metrics=[])
    run_plan(plan, tmp_path / "run")
    half, truth = load_records(tmp_path / "run").summaries()
    assert (half.n_zero_maps, truth.n_zero_maps, truth.diagnosis) == (2, 0, ())
    assert half.diagnosis == ("2 of 4 maps are zero everywhere",)


def test_a_metric_that_does_not_fit_is_a_record_and_the_rest_goes_on(tmp_path):
    plan = small(
        methods=["truth"], environments=["multi-color-sum[size=16]"], metrics=["insertion[measure=correct-steps]"]
    )
    assert run_plan(plan, tmp_path / "run").n_failed == 2
    (summary,) = load_records(tmp_path / "run").summaries()
    assert summary.truths["overall"].f1 == 1
    assert summary.metrics == {"insertion[measure=correct-steps]": None}
    assert "single-color environments" in summary.error.message


def test_a_method_that_dies_is_lost_alone_also_without_other_workers(tmp_path, faulty):
    methods = ["truth", f"{faulty}:dies", f"{faulty}:fine"]
    plan = small(environments=["multi-color-sum[size=16]"], methods=methods, metrics=[], n_samples=2)
    outcome = run_plan(plan, tmp_path / "run")
    assert (outcome.n_run, outcome.n_failed) == (plan.n_jobs, 1)
    errors = {record.method: record.error for record in load_records(tmp_path / "run")}
    assert errors[f"{faulty}:dies"].type == "WorkerDied"
    assert errors["truth"] is errors[f"{faulty}:fine"] is None


@pytest.mark.wide
@pytest.mark.filterwarnings("ignore:A worker stopped:UserWarning")
def test_processes_find_the_same_and_one_that_dies_takes_only_its_own_jobs_along(whole, tmp_path, faulty):
    run_plan(small(save_maps=3), tmp_path / "two", workers=2)
    assert found(tmp_path / "two") == found(whole)
    environments = ["multi-color-sum[size=16]"]
    methods = ["truth", f"{faulty}:dies", f"{faulty}:fine"]
    plan = small(environments=environments, methods=methods, metrics=[], n_samples=2)
    outcome = run_plan(plan, tmp_path / "dying", workers=2)
    assert (outcome.n_run, outcome.n_failed) == (plan.n_jobs, 1)
    errors = {record.method: record.error for record in load_records(tmp_path / "dying")}
    assert errors[f"{faulty}:dies"].type == "WorkerDied"
    assert errors["truth"] is errors[f"{faulty}:fine"] is None


def test_a_folder_of_another_plan_is_refused_with_what_differs(whole, tmp_path):
    with pytest.raises(BadOption, match=r"`output` must belong to the same plan.*it differs in methods, gamma"):
        run_plan(small(save_maps=3, methods=["truth"], gamma=0.1), whole)
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(BadOption, match=r"`output` must be a new folder, or that of a run.*it has file"):
        run_plan(small(), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["file"], "nothing is put into it"
    for below in (tmp_path / "file", tmp_path / "file" / "run"):
        with pytest.raises(BadOption, match=r"`output` must name a folder.*file is a file"):
            run_plan(small(), below)
    with pytest.raises(BadOption, match="`run` must be the folder of a run"):
        load_records(tmp_path)


def test_two_runs_do_not_write_into_one_folder(whole):
    with FileLock(whole / ".lock"), pytest.raises(BadOption, match="not be a folder that another run writes into"):
        run_plan(small(save_maps=3), whole)


def test_a_run_of_another_plan_that_began_meanwhile_is_seen(tmp_path, monkeypatch):
    acquire = FileLock.acquire

    def late(lock, *arguments, **options):
        """Another run has been here and is done."""
        shutil.copy(tmp_path / "other" / "plan.json", tmp_path / "run" / "plan.json")
        return acquire(lock, *arguments, **options)

    run_plan(small(methods=["truth"], metrics=[]), tmp_path / "other")
    monkeypatch.setattr(FileLock, "acquire", late)
    with pytest.raises(BadOption, match="it differs in methods, metrics"):
        run_plan(small(), tmp_path / "run")
    assert [path.name for path in (tmp_path / "run").iterdir() if path.name != ".lock"] == ["plan.json"]


def test_a_full_disk_leaves_only_whole_records_and_the_run_goes_on_later(whole, tmp_path, monkeypatch):
    folder, real, written = tmp_path / "run", os.write, []

    def full(file, data):
        """Room for three records and a half."""
        if len(data) > 300 and len(written) == 3:
            if data[:1] != b"{":
                raise OSError(errno.ENOSPC, "No space left on device")
            return real(file, data[:100])
        written.append(data)
        return real(file, data)

    monkeypatch.setattr(os, "write", full)
    for n_lines in (3, 6):
        written.clear()
        with pytest.raises(
            MachineError, match=r"`output` must be writable.*No space left on device: the recorded results are kept"
        ):
            run_plan(small(save_maps=3), folder)
        lines = (folder / RECORDS_FILE).read_bytes().splitlines(keepends=True)
        assert len(lines) == n_lines
        assert all(map(is_whole, lines))
    monkeypatch.undo()
    outcome = run_plan(small(save_maps=3), folder)
    assert (outcome.n_before, outcome.damaged) == (6, ())
    assert found(folder) == found(whole)


def test_a_folder_that_cannot_be_written_is_the_machines_fault(whole):
    with pytest.raises(MachineError, match="`output` must be writable"):
        Journal(whole / "nowhere" / RECORDS_FILE)


def test_a_disk_that_is_full_for_maps_leaves_no_half_of_them(tmp_path, monkeypatch):
    def full(_file):
        raise OSError(errno.ENOSPC, "No space left on device")

    plan = small(save_maps=3)
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "plan.json").write_text(json.dumps(plan.to_dict()), encoding="utf-8")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(MachineError, match="No space left on device"):
        run_plan(plan, folder)
    assert not [path for path in folder.rglob("*") if path.is_file() and path.stat().st_size and path.suffix != ".json"]


@pytest.mark.parametrize("content", ["{", "[3]", '{"methods": []}', '{"surprise": 3}'])
def test_a_damaged_plan_is_named(whole, tmp_path, content):
    folder = tmp_path / "run"
    shutil.copytree(whole, folder)
    (folder / "plan.json").write_text(content, encoding="utf-8")
    for use in (load_records, lambda path: run_plan(small(save_maps=3), path)):
        with pytest.raises(BadOption, match=r"`run` must have an undamaged plan.json, got .*plan.json"):
            use(folder)


def test_a_disk_that_is_read_only_is_the_machines_fault(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise OSError(errno.EROFS, "Read-only file system")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "mkdir", refuse)
        with pytest.raises(MachineError, match=r"`output` must be writable.*Read-only file system"):
            run_plan(small(), tmp_path / "run")
    with monkeypatch.context() as patched:
        patched.setattr(FileLock, "acquire", refuse)
        with pytest.raises(MachineError, match=r"`output` must be writable.*Read-only file system"):
            run_plan(small(), tmp_path / "run")


def test_a_table_for_pandas_has_a_row_per_image(whole):
    pytest.importorskip("pandas")
    table = load_records(whole).to_pandas()
    assert len(table) == 2 * 3 * 4
    assert {"environment", "family", "method", "sample", "positive.f1", "insertion"} <= set(table.columns)
    rows = table[(table.method == "gradient") & (table.environment == "multi-color-sum[size=16]")]
    expected = load_records(whole).scores("multi-color-sum[size=16]", "gradient", name="positive.f1")
    assert np.array_equal(rows["positive.f1"].to_numpy(), expected)


def test_families_sum_up_their_seeds(tmp_path):
    plan = small(environments=["multi-color-sum[size=16]"], methods=["truth", "random"], metrics=[], seeds=[0, 1, 2])
    run_plan(plan, tmp_path / "run")
    records = load_records(tmp_path / "run")
    truth, random = records.summaries(by="family")
    assert (truth.n_seeds, truth.n_held, truth.n_images, truth.outcome) == (3, 3, 12, "passed")
    each = [one for one in records.summaries() if one.method == "random"]
    assert random.truths["overall"].f1 == pytest.approx(np.mean([one.truths["overall"].f1 for one in each]))
    with pytest.raises(BadOption, match="`by` must be environment or family"):
        records.summaries(by="seed")


def test_a_score_that_is_not_there_is_named(whole):
    with pytest.raises(BadOption, match=r"`name` must be one of negative\.f1"):
        load_records(whole).scores("multi-color-sum[size=16]", "gradient", name="overall.recal")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"workers": 0}, "`workers` must be at least 1"),
        ({"workers": 10_000}, "`workers` must be at most .*, got 10000; 4 for each processor of this machine"),
        ({"backend": "slurm"}, "`backend` must be loky, dask or ray"),
        ({"address": "tcp://x"}, "`address` must go with the backend dask or ray"),
    ],
)
def test_executors_that_do_not_fit_are_refused(options, message):
    with pytest.raises(BadOption, match=message):
        Executor(**options)


@pytest.mark.parametrize(("n_gpus", "expected"), [(1, [0, 0, 0, 0, 0]), (2, [0, 1, 0, 1, 0]), (3, [0, 1, 2, 0, 1])])
def test_units_take_the_gpus_of_the_machine_that_does_them_in_turn(monkeypatch, n_gpus, expected):
    monkeypatch.setattr("torch.cuda.device_count", lambda: n_gpus)
    assert [device_of("cuda", turn) for turn in range(5)] == [f"cuda:{index}" for index in expected]
    assert device_of("cpu", 1) == "cpu"


def test_a_new_process_wakes_its_gpu_before_memory_is_measured(monkeypatch):
    """`torch.cuda.reset_peak_memory_stats` alone ends in `RuntimeError: Invalid device argument`."""
    calls = []
    monkeypatch.setattr("torch.cuda.init", lambda: calls.append("init"))
    monkeypatch.setattr("torch.cuda.reset_peak_memory_stats", lambda device: calls.append(f"reset {device}"))
    Stopwatch("cuda:1")
    assert calls == ["init", "reset cuda:1"]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no CUDA device here")
@pytest.mark.parametrize("workers", [1, 2])
def test_jobs_in_new_processes_run_on_a_gpu(tmp_path, workers):
    assert run_plan(small(), tmp_path / "run", device="cuda", workers=workers).n_failed == 0
    assert all(record.device != "cpu" for record in load_records(tmp_path / "run"))


def test_a_worker_without_a_gpu_is_the_machines_fault(monkeypatch):
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    (unit, *_) = small().units()
    with pytest.raises(MachineError, match="`device` must be one that every worker has, got 'cuda'"):
        do_unit(unit, "cuda")


def test_every_unit_is_handed_out_once_with_its_turn_at_the_device(monkeypatch):
    calls = []

    def record(group, kind, turn, timeout):
        calls.append((group, kind, turn, timeout))
        return group

    monkeypatch.setattr(executors, "do_in_worker", record)
    groups = together(list(small().units()), 1)
    units = [unit for group in groups for unit in group]
    with parallel_config(backend="threading"):
        assert sorted(_parallel(groups, 2, "cuda", 60), key=units.index) == units
    assert sorted(calls, key=lambda call: call[2]) == [(group, "cuda", turn, 60) for turn, group in enumerate(groups)]


def test_units_on_the_same_images_go_to_one_worker_where_metrics_prepare_them_and_no_other_waits():
    units = list(small().units())  # 2 environments of 2 ranges, 3 methods
    by_images = [tuple(units[start : start + 3]) for start in range(0, 12, 3)]
    assert [{unit.images for unit in group} for group in by_images] == [
        {(environment, start, start + 2)} for environment in small().expanded for start in (0, 2)
    ]
    assert together(units, 1) == by_images
    assert together(units, 2) == [(unit,) for unit in units], "two groups for each worker are not enough"
    without = list(small(metrics=[]).units())
    assert together(without, 1) == [(unit,) for unit in without]


def done(unit):
    return UnitResult(tuple(Record(job) for job in unit.jobs))


def test_units_that_were_out_when_a_process_died_are_done_alone_and_only_the_guilty_one_is_lost(monkeypatch):
    units = list(small(n_samples=12, metrics=[]).units())
    guilty, rounds = units[5], []

    def dying(groups, workers, device, timeout):
        """Each crash comes when four are done, or where the guilty one is alone."""
        assert (workers, device, timeout) == (2, "cpu", None)
        some = [unit for group in groups for unit in group]
        rounds.append(len(some))
        for unit in some[:4] if len(some) > 1 else some:
            if unit is guilty:
                raise BrokenProcessPool("it died. Nobody knows why")
            yield done(unit)
        if len(some) > 1:
            raise BrokenProcessPool("another one died")

    monkeypatch.setattr(executors, "_parallel", dying)
    found = list(Executor(workers=2).do(units))
    assert sorted(one.records[0].job.key for one in found) == sorted(unit.jobs[0].key for unit in units)
    (lost,) = (one for one in found if one.records[0].error is not None)
    assert [record.job for record in lost.records] == list(guilty.jobs)
    assert lost.records[0].error.message.endswith("took its process down: it died")
    assert rounds == [36, 1, 1, 1, 1, 28, 1, 1, 1, 1, 20, 1, 1, 1, 1, 12, 1, 1, 1, 1, 4]


def test_every_unit_of_the_groups_that_were_out_is_done_alone(monkeypatch):
    units = list(small(n_samples=20).units())
    guilty, rounds = units[14], []

    def dying(groups, workers, device, timeout):
        rounds.append([len(group) for group in groups])
        for group in groups:
            if guilty in group:
                raise BrokenProcessPool("it died. Nobody knows why")
            yield from map(done, group)

    monkeypatch.setattr(executors, "_parallel", dying)
    found = list(Executor(workers=2).do(units))
    assert sorted(one.records[0].job.key for one in found) == sorted(unit.jobs[0].key for unit in units)
    assert sum(one.records[0].error is not None for one in found) == 1
    assert rounds == [[3] * 20, *[[1]] * 12, [3] * 12]


def test_a_cluster_has_two_units_for_each_worker_and_loses_only_those_that_died():
    units, n_out, turns = list(small(metrics=[]).units()), [], []

    def submit(group, turn, timeout):
        assert timeout == 60
        turns.append(turn)
        (unit,) = group
        return units.index(unit)

    def first(tasks):
        n_out.append(len(tasks))
        return tasks[-1]

    def result(task):
        if task == 3:
            raise BrokenProcessPool("it died. Nobody knows why")
        return (done(units[task]),)

    found = list(do_on_cluster(units, Workers(2, submit, first, result, (BrokenProcessPool,)), 60))
    assert turns == list(range(len(units)))
    assert n_out == [4] * (len(units) - 3) + [3, 2, 1]
    assert sorted(one.records[0].job.key for one in found) == sorted(unit.jobs[0].key for unit in units)
    (lost,) = (one for one in found if one.records[0].error is not None)
    assert [record.job for record in lost.records] == list(units[3].jobs)


def test_units_of_a_group_whose_worker_died_are_handed_out_again_one_by_one():
    units, sizes = list(small().units()), []

    def result(group):
        sizes.append(len(group))
        if units[4] in group:
            raise BrokenProcessPool("it died. Nobody knows why")
        return tuple(map(done, group))

    workers = Workers(1, lambda group, *_: group, lambda tasks: tasks[0], result, (BrokenProcessPool,))
    found = list(do_on_cluster(units, workers, None))
    assert sorted(one.records[0].job.key for one in found) == sorted(unit.jobs[0].key for unit in units)
    (lost,) = (one for one in found if one.records[0].error is not None)
    assert [record.job for record in lost.records] == list(units[4].jobs)
    assert sizes == [3, 3, 3, 1, 1, 1, 3]


def test_workers_that_lack_a_package_are_the_machines_fault():
    def result(task):
        raise ModuleNotFoundError("No module named 'attributionlab'")

    workers = Workers(1, lambda _, turn, __: turn, lambda tasks: tasks[0], result, (BrokenProcessPool,))
    with pytest.raises(MachineError, match="`workers` must have what this machine has installed, got No module named"):
        list(do_on_cluster(list(small().units()), workers, None))


def test_a_cluster_may_have_gpus_where_this_machine_has_none(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert _device("cuda", "tcp://there:8786") == "cuda"
    assert _device("auto", "tcp://there:8786") == _device("auto", None) == _device("cpu", None) == "cpu"
    with pytest.raises(MachineError, match="`device` must be one that this machine has"):
        _device("cuda", None)


def test_a_file_that_is_another_one_where_the_work_is_done_is_refused(tmp_path, faulty):
    plan = small(methods=[f"{faulty}:fine", "truth"], environments=["multi-color-sum[size=16]"], metrics=[])
    faulty.write_text(FAULTY + "\n# changed\n", encoding="utf-8")
    assert run_plan(plan, tmp_path / "run").n_failed == 2
    errors = {record.method: record.error for record in load_records(tmp_path / "run")}
    assert "`method` must be as it was when the plan was made" in errors[f"{faulty}:fine"].message
    assert errors["truth"] is None


def test_a_metric_of_another_file_than_the_plan_saw_is_refused(tmp_path):
    file = tmp_path / "own.py"
    text = (
        "import attributionlab as al\n\n\n@al.metric(higher_is_better=True)\n"
        "def total(environment, batch, maps):\n    return maps.sum(dim=(1, 2))\n"
    )
    file.write_text(text, encoding="utf-8")
    methods = [f"{tmp_path / 'method.py'}:mine"]
    (tmp_path / "method.py").write_text("def mine(model, inputs, targets):\n    return inputs\n", encoding="utf-8")
    plan = small(methods=methods, environments=["multi-color-sum[size=16]"], metrics=[f"{file}:total"])
    file.write_text(text.replace("sum(dim", "mean(dim"), encoding="utf-8")
    assert run_plan(plan, tmp_path / "after").n_failed == 2
    errors = {record.measure: record.error for record in load_records(tmp_path / "after")}
    assert "`metric` must be as it was when the plan was made" in errors[f"{file}:total"].message
    assert errors["agreement"] is None


def test_a_file_that_is_not_where_the_work_is_done_is_named(tmp_path, faulty, monkeypatch):
    monkeypatch.chdir(tmp_path)
    plan = small(methods=["faulty.py:fine"], environments=["multi-color-sum[size=16]"], metrics=[])
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    run_plan(plan, tmp_path / "run")
    assert {(record.error.type, record.error.message) for record in load_records(tmp_path / "run")} == {
        ("MissingFile", "`method` must name a file that exists, got 'faulty.py'")
    }


def test_a_method_for_which_there_is_no_memory_is_a_record(tmp_path, monkeypatch):
    def hungry(*_):
        raise MemoryError

    monkeypatch.setattr("attributionlab.runs.work._images", hungry)
    monkeypatch.setattr("attributionlab.runs.work._forget_models", lambda: None)
    plan = small(methods=["truth"], metrics=[])
    run_plan(plan, tmp_path / "run")
    assert {record.error.type for record in load_records(tmp_path / "run")} == {"MemoryError"}


def test_an_engine_that_is_not_installed_is_named_with_how_to_install_it(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(BadOption, match=r'pip install "attributionlab\[dask\]"'):
        Executor(backend="dask")


def test_a_method_that_changes_the_network_changes_it_for_no_other(whole, tmp_path, faulty):
    faulty.write_text(
        "import torch\n\n\ndef vandal(model, inputs, targets):\n    with torch.no_grad():\n"
        "        next(model.parameters()).mul_(2)\n    return inputs.sum(dim=1)\n",
        encoding="utf-8",
    )
    spec = "multi-color-sum[size=16]"
    plan = small(methods=[f"{faulty}:vandal", "gradient"], environments=[spec], metrics=[])
    assert run_plan(plan, tmp_path / "run").n_failed == 2
    records = load_records(tmp_path / "run")
    assert {record.error.type for record in records if record.method != "gradient"} == {"ModelChanged"}
    assert np.array_equal(records.scores(spec, "gradient"), load_records(whole).scores(spec, "gradient"))


def test_summaries_do_not_depend_on_the_order_in_which_jobs_ended(whole, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(whole, folder)
    lines = (whole / RECORDS_FILE).read_bytes().splitlines(keepends=True)
    (folder / RECORDS_FILE).write_bytes(b"".join(reversed(lines)))
    backward, forward = load_records(folder), load_records(whole)
    assert backward.summaries() == forward.summaries()
    spec = "multi-color-sum[size=16]"
    assert np.array_equal(backward.maps(spec, "gradient"), forward.maps(spec, "gradient"))
    (_, ours), (_, theirs) = (one.curves(spec, "gradient", "insertion") for one in (backward, forward))
    assert np.array_equal(ours, theirs)


def test_a_family_counts_the_seeds_in_which_the_mean_held_and_is_undecided_near_gamma(tmp_path):
    entries = {"environments": ["multi-color-sum[size=16]"], "methods": ["random"], "metrics": [], "seeds": [0, 1]}
    run_plan(small(**entries), tmp_path / "run")
    low, high = sorted(summary.truths["overall"].f1 for summary in load_records(tmp_path / "run").summaries())
    run_plan(small(**entries, gamma=(low + high) / 2), tmp_path / "between")
    (family,) = load_records(tmp_path / "between").summaries(by="family")
    assert (family.deciding_truth, family.outcome) == ("overall", "undecided")
    assert (family.n_held, family.n_seeds) == (1, 2)


def test_what_is_left_out_of_a_record_changes_nothing_else_whatever_texts_hold():
    job = Job("e", 'f.py:m,"scores":{,"curves":{,"n_zero_maps":', "insertion", 0, 2)
    line = Record(job, {"score": [0.5, None]}, {"at": [0.0, 1.0], "values": [[1.0, 2.0]] * 2}, n_zero_maps=1).to_line()
    assert is_whole(line)
    all_of_it = decode(line)
    assert decode(line, "curves") == {name: value for name, value in all_of_it.items() if name != "curves"}
    rest = {name: value for name, value in all_of_it.items() if name not in ("scores", "curves")}
    assert decode(line, "scores") == rest
    assert Record.from_dict(rest).scores == {}


def test_of_several_records_of_a_job_the_first_that_did_not_fail_counts_else_the_last(tmp_path):
    failure = Failure("MethodRaised", "no")
    jobs = [Job("e", "m", "agreement", start, start + 1) for start in range(2)]
    records = [
        Record(jobs[0], error=failure, seconds=1.0),
        Record(jobs[1], error=failure, seconds=2.0),
        Record(jobs[0], {"overall.f1": [1.0]}, seconds=3.0),
        Record(jobs[0], {"overall.f1": [0.0]}, seconds=4.0),
        Record(jobs[1], error=failure, seconds=5.0),
        Record(jobs[0], error=failure, seconds=6.0),
    ]
    path = tmp_path / RECORDS_FILE
    path.write_bytes(b"".join(record.to_line() for record in records))
    assert [(stored["start"], stored["seconds"]) for _, stored in valid(path)] == [(0, 3.0), (1, 5.0)]
    assert [stored["seconds"] for stored in read_at(path, [offset for offset, _ in valid(path)])] == [3.0, 5.0]


def test_the_error_that_is_shown_does_not_depend_on_the_order_of_the_lines(tmp_path):
    plan = small(environments=["multi-color-sum[size=16]"], methods=["random"], metrics=[])
    jobs = [job for unit in plan.units() for job in unit.jobs]
    lines = [Record(job, error=Failure("MethodRaised", f"image {job.start}")).to_line() for job in jobs]
    with RunFolder.opened(tmp_path / "run", plan):
        for some in (lines, lines[::-1]):
            (tmp_path / "run" / RECORDS_FILE).write_bytes(b"".join(some))
            (summary,) = load_records(tmp_path / "run").summaries()
            assert summary.error.message == "image 0"


def test_scores_of_the_first_images_are_those_of_all(whole):
    records, spec = load_records(whole), "multi-color-sum[size=16]"
    some = records.all_scores(spec, "gradient", n_images=3)  # a job and a half
    assert some
    for name, values in some.items():
        assert np.array_equal(values, records.scores(spec, "gradient", name=name)[:3], equal_nan=True)


def test_the_last_images_of_a_plan_are_summed_up_with_the_others(tmp_path):
    plan = small(environments=["multi-color-sum[size=16]"], methods=["random"], metrics=[], n_samples=5)
    run_plan(plan, tmp_path / "run")
    records = load_records(tmp_path / "run")
    (summary,) = records.summaries()
    scores = records.scores("multi-color-sum[size=16]", "random")
    assert (summary.n_images, summary.truths["overall"].f1) == (5, scores.mean())


def test_a_method_that_explains_the_logit_is_judged_by_the_logits_truth_and_papers_read_that_of_the_output(tmp_path):
    spec = "multi-color-sum[size=16]"
    run_plan(Plan.of(environments=[spec], methods=["occlusion", "gradient"], n_samples=2), tmp_path / "run")
    records, environment = load_records(tmp_path / "run"), al.make_environment(spec)
    batch = environment.sample(2)
    maps = al.make_method("occlusion", environment)(environment.model, batch.inputs, batch.targets)
    logit = environment.ground_truth(batch.scenes, batch.targets.tolist(), "logit")
    of_logit, of_output = (al.score(maps, truth).overall.f1.numpy() for truth in (logit, batch.ground_truth))
    assert (of_logit != of_output).all()
    assert (records.scores(spec, "occlusion", name="overall.f1") == of_logit).all()
    assert (records.scores(spec, "occlusion", name="output.overall.f1") == of_output).all()
    assert not any(name.startswith("output.") for name in records.all_scores(spec, "gradient"))
    measured = MeasuredScores((spec,), {"Occlusion": "occlusion", "Gradient": "gradient"}, {}, records)
    assert (measured.scores("Occlusion", "overall.f1") == of_output).all()
    assert (measured.scores("Gradient", "overall.f1") == records.scores(spec, "gradient", name="overall.f1")).all()


def test_a_run_of_another_target_follows_it_and_names_a_method_that_ignores_it(tmp_path):
    environment = al.make_environment("multi-color-sum[output=logit,size=16]")
    plan = Plan.of(
        environments=[environment.spec], methods=["gradient", "edge"], metrics=["deletion"], n_samples=4, target="loser"
    )
    run_plan(plan, tmp_path / "run")
    records = load_records(tmp_path / "run")
    following, ignorant = records.summaries()
    assert following.truths["signed"].f1 == 1 and following.diagnosis == ()
    assert ignorant.diagnosis[0].startswith("4 maps stay the same when the winner is explained")
    batch = environment.sample(4, target="loser")
    deletion = al.deletion(environment, batch, batch.ground_truth.signed).auc
    assert records.scores(environment.spec, "gradient", "deletion").tolist() == pytest.approx(deletion.tolist())
    assert {record.job.target for record in records} == {"loser"}
    assert run_table(records).note.startswith("explained output: that of the loser; ")
