"""Reading a run: nothing that its folder names is imported, and what is missing or damaged is said."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from wide import first_of

from attributionlab.errors import BadOption, DamagedRecords
from attributionlab.reports.figures.runs import write_figures
from attributionlab.reports.page.report import report_html
from attributionlab.reports.run_view import RunView
from attributionlab.reports.tables.run_rows import run_table
from attributionlab.reports.tables.run_tables import to_json
from attributionlab.runs import Plan, load_records, run_plan
from attributionlab.runs.records import RECORDS_FILE, decode, encode, scan

ENVIRONMENT = "multi-color-sum[size=16]"

OWN = """
import attributionlab as al


@al.declares(sign="positive")
def mine(model, inputs, targets):
    return inputs.sum(dim=1)


@al.metric(higher_is_better=False, bounds=(0, None))
def total(environment, batch, attribution):
    return attribution.abs().sum(dim=(1, 2))
"""

EVIL = """
from pathlib import Path

Path({marker!r}).write_text("imported")
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A run of a method and a metric in a file that is run by nobody any more: importing it leaves a mark."""
    place = tmp_path_factory.mktemp("reading")
    own = place / "own.py"
    own.write_text(OWN, encoding="utf-8")
    methods, metrics = ["gradient", f"{own}:mine"], ["insertion", f"{own}:total"]
    plan = Plan.of(environments=[ENVIRONMENT], methods=methods, metrics=metrics, n_samples=2, save_maps=2)
    assert run_plan(plan, place / "run").n_failed == 0
    own.write_text(EVIL.format(marker=str(place / "marker")), encoding="utf-8")
    return place


@pytest.fixture
def copied(folder, tmp_path):
    """The folder of the run, to be damaged."""
    shutil.copytree(folder / "run", tmp_path / "run")
    return tmp_path / "run"


def edit_plan(path, change):
    stored = json.loads((path / "plan.json").read_bytes())
    change(stored)
    (path / "plan.json").write_text(json.dumps(stored))


def without_facts(path):
    """A run as an earlier version stored it: without declarations, signed truth and directions, with a fact that is no more."""
    edit_plan(path, lambda stored: stored.pop("facts"))
    lines = [decode(line) for _, line, _ in scan(path / RECORDS_FILE)]
    records = list(load_records(path))
    content = []
    for stored, record in zip(lines, records, strict=True):
        line = encode(record.job.key, record)
        body = {name: value for name, value in decode(line).items() if name not in ("higher_is_better", "bounds")}
        assert body.keys() < stored.keys()
        body["scores"] = {name: values for name, values in body["scores"].items() if not name.startswith("signed.")}
        body["facts"] = body["facts"] and {**body["facts"], "perfect_f1": 1.5}
        content.append(_line(body))
    (path / RECORDS_FILE).write_bytes(b"".join(content))


def _line(body):
    import zlib

    import orjson

    text = orjson.dumps(body)
    return b'{"crc32":"%08x","record":' % zlib.crc32(text) + text + b"}\n"


def read_everything(path, target):
    records = load_records(path)
    view = RunView(records)
    summaries = records.summaries(), records.summaries(by="family")
    to_json(run_table(records))
    report_html(records)
    write_figures(records, target, "svg")
    assert view.directions
    return summaries


@pytest.fixture
def unsaved(monkeypatch):
    """Figures are drawn, but not saved, which takes most of the time."""
    monkeypatch.setattr("attributionlab.reports.figures.runs.save_figure", lambda *_, **__: None)


def test_whoever_reads_a_run_imports_nothing_that_it_names(folder, tmp_path):
    summaries, _ = read_everything(folder / "run", tmp_path / "figures")
    assert not (folder / "marker").exists()
    assert [summary.deciding_truth for summary in summaries] == ["signed", "positive"]
    assert RunView(load_records(folder / "run")).directions == {"insertion": 1.0, f"{folder / 'own.py'}:total": -1.0}


@pytest.mark.wide
@pytest.mark.usefixtures("unsaved")
@pytest.mark.filterwarnings("ignore:the declaration of:UserWarning")
def test_a_run_of_an_earlier_version_imports_nothing_either(folder, copied, tmp_path):
    without_facts(copied)
    read_everything(copied, tmp_path / "figures")
    assert not (folder / "marker").exists()
    assert RunView(load_records(copied)).directions == {"insertion": 1.0}


@pytest.mark.usefixtures("unsaved")
@pytest.mark.parametrize("entry", ["methods", "metrics"])
@pytest.mark.filterwarnings("ignore:the declaration of:UserWarning")
def test_a_plan_that_names_a_file_of_its_own_folder_does_not_run_it(copied, tmp_path, monkeypatch, entry):
    marker = tmp_path / "marker"
    (copied / "evil.py").write_text(EVIL.format(marker=str(marker)), encoding="utf-8")
    monkeypatch.chdir(tmp_path)

    def name_it(stored):
        stored.pop("facts")
        stored[entry] = ["gradient", "run/evil.py:m"] if entry == "methods" else ["run/evil.py:m"]

    edit_plan(copied, name_it)
    records = load_records(copied)
    records.summaries()
    report_html(records)
    write_figures(records, tmp_path / "figures", "svg")
    assert not marker.exists()


def test_a_method_whose_declaration_is_not_recorded_is_judged_as_undeclared_with_a_warning(folder, copied):
    without_facts(copied)
    with pytest.warns(UserWarning, match="the declaration of .*:mine is not recorded in this run, which an earlier"):
        summaries = load_records(copied).summaries()
    assert [summary.deciding_truth for summary in summaries] == ["overall", "overall"]
    built_in, recorded = summaries[0], load_records(folder / "run").summaries()[0]
    assert built_in.truths == {**recorded.truths, "signed": None}
    decision = {name: getattr(recorded, name) for name in ("truths", "deciding_truth", "outcome", "n_held")}
    assert replace(built_in, **decision) == recorded


@pytest.mark.filterwarnings("ignore:the declaration of:UserWarning")
def test_records_without_signed_truth_are_decided_on_overall_truth_which_tables_name(copied):
    recorded = load_records(copied).summaries()[0]
    without_facts(copied)
    (row, _) = to_json(run_table(load_records(copied)))["rows"]
    page = report_html(load_records(copied))
    assert (recorded.deciding_truth, row["deciding_truth"]) == ("signed", "overall")
    assert (row["f1"], row["f1_low"]) == (recorded.truths["overall"].f1, recorded.truths["overall"].f1_low)
    assert re.search(r'<tr data-truth="overall"[^>]*data-method="gradient" data-decides>', page)


def test_the_command_that_made_a_run_records_what_an_earlier_version_did_not(tmp_path):
    plan = Plan.of(environments=[ENVIRONMENT], methods=["gradient"], n_samples=1)
    run_plan(plan, tmp_path / "run")
    edit_plan(tmp_path / "run", lambda stored: stored.pop("facts"))
    assert run_plan(plan, tmp_path / "run").n_run == 0
    assert load_records(tmp_path / "run").plan.facts == plan.facts


def test_an_environment_that_is_not_built_in_is_summed_up_but_not_drawn(copied, tmp_path):
    text = (copied / "plan.json").read_text()
    (copied / "plan.json").write_text(text.replace("multi-color-sum", "their-sum"))
    records = load_records(copied)
    assert [one.environment for one in records.summaries()] == ["their-sum[size=16]"] * 2
    with pytest.warns(UserWarning, match=r"the images of their-sum\[size=16\] are not drawn: it is not built in"):
        assert "not run" in report_html(records)


def test_an_environment_that_is_neither_recorded_nor_built_in_is_named(copied):
    text = (copied / "plan.json").read_text()
    (copied / "plan.json").write_text(text.replace("multi-color-sum", "their-sum"))
    edit_plan(copied, lambda stored: stored.pop("facts"))
    with pytest.raises(
        BadOption, match=r"`environment` must be recorded to be read, unless it is built in, got 'their-"
    ):
        load_records(copied).summaries()


def test_records_of_metrics_carry_direction_and_bounds(folder):
    facts = {
        record.measure.rpartition(":")[2]: (record.higher_is_better, record.bounds)
        for record in load_records(folder / "run")
    }
    assert facts == {"agreement": (None, None), "insertion": (True, [None, None]), "total": (False, [0.0, None])}


@pytest.mark.parametrize(
    "change",
    [
        {"methods": "gradient"},
        {"methods": [3]},
        {"environments": []},
        {"n_samples": "many"},
        {"n_samples": 0},
        {"seeds": [-1]},
        {"gamma": None},
        {"truth": "all"},
        {"code": []},
        {"facts": []},
        {"facts": {"environments": {}, "truths": {}}},
        {"methods": ["gradient", "random"]},
    ],
)
def test_a_plan_with_values_that_no_plan_has_is_named(copied, change):
    edit_plan(copied, lambda stored: stored.update(change))
    with pytest.raises(BadOption, match=r"`run` must have an undamaged plan.json"):
        load_records(copied)


def test_a_truth_that_does_not_exist_is_not_taken_from_a_plan(copied):
    text = (copied / "plan.json").read_text()
    (copied / "plan.json").write_text(text.replace('"deciding": "positive"', '"deciding": "beautiful"'))
    with pytest.raises(BadOption, match="`facts` name a truth that does not exist"):
        load_records(copied)


@pytest.mark.wide
@pytest.mark.parametrize("form", ["json", "csv", "table"])
def test_the_table_of_a_run_needs_neither_torch_nor_captum(folder, form):
    code = (
        "import sys\nfrom attributionlab.cli.app import app\n"
        "try:\n    app(sys.argv[1:], standalone_mode=False)\n"
        "finally:\n    print(sorted(set(sys.modules) & {'torch', 'captum', 'matplotlib'}), file=sys.stderr)"
    )
    command = [sys.executable, "-c", code, "report", str(folder / "run"), "--format", form]
    result = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)
    assert result.returncode == 0
    assert result.stderr == "[]\n"
    assert "gradient" in result.stdout


@pytest.mark.wide
@pytest.mark.usefixtures("unsaved")
@pytest.mark.parametrize("n_lines", [0, 1])
def test_a_run_that_is_not_finished_is_shown_with_what_it_has(copied, tmp_path, n_lines):
    lines = (copied / RECORDS_FILE).read_bytes().splitlines(keepends=True)
    (copied / RECORDS_FILE).write_bytes(b"".join(lines[:n_lines]))
    rows = to_json(run_table(load_records(copied)))["rows"]
    assert [row["verdict"] == "not run" for row in rows] == [n_lines == 0, True]
    assert "not run" in report_html(load_records(copied))
    write_figures(load_records(copied), tmp_path / "figures", "svg")


def test_a_family_has_passed_only_when_every_seed_has_been_run(tmp_path):
    plan = Plan.of(environments=[ENVIRONMENT], methods=["truth"], seeds=[0, 1], n_samples=4)
    run_plan(plan, tmp_path / "run")
    (summary,) = load_records(tmp_path / "run").summaries(by="family")
    assert (summary.outcome, summary.n_held, summary.n_seeds) == ("passed", 2, 2)
    lines = (tmp_path / "run" / RECORDS_FILE).read_bytes().splitlines(keepends=True)
    (tmp_path / "run" / RECORDS_FILE).write_bytes(lines[0])
    (summary,) = load_records(tmp_path / "run").summaries(by="family")
    assert summary.truths["signed"].state == "reached"
    assert (summary.outcome, summary.n_held, summary.n_seeds) == ("undecided", 1, 1)


def cut(content):
    return content[:-30]


def flip(content):
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


def other_shape(_content):
    import io

    buffer = io.BytesIO()
    np.savez_compressed(buffer, maps=np.zeros((3, 4, 4), np.float32))
    return buffer.getvalue()


@pytest.mark.parametrize("damage", first_of([flip, cut, other_shape]))
def test_damaged_maps_are_left_out_of_a_report_and_made_again_by_a_resume(tmp_path, damage):
    plan = Plan.of(environments=[ENVIRONMENT], methods=["gradient", "random"], n_samples=2, save_maps=2)
    run_plan(plan, tmp_path / "run")
    file = next(iter(sorted((tmp_path / "run" / "maps").iterdir())))
    content = file.read_bytes()
    file.write_bytes(damage(content))
    records = load_records(tmp_path / "run")
    with pytest.warns(DamagedRecords, match=r"maps are left out: `maps` must be undamaged, got .*\.npz"):
        text = report_html(records)
    assert text.count("data:image/png") == 2 * (1 + 1 + 1), (
        "of each image: itself, the truth, and the map that there is"
    )
    with pytest.warns(DamagedRecords):
        assert len(write_figures(records, tmp_path / "figures", "svg")) == 2
    assert run_plan(plan, tmp_path / "run").n_run == 1
    assert file.read_bytes() == content


def test_maps_of_another_size_are_left_out_of_a_report_and_made_again_by_a_resume(tmp_path):
    plan = Plan.of(environments=[ENVIRONMENT], methods=["gradient"], n_samples=4, images_per_job=2, save_maps=4)
    run_plan(plan, tmp_path / "run")
    (changed, _) = (tmp_path / "run" / "maps").iterdir()
    content = changed.read_bytes()
    np.savez_compressed(changed, maps=np.zeros((2, 5, 5), np.float32))
    with pytest.warns(DamagedRecords, match=r"maps are left out: `maps` must have one shape, got .*\.npz"):
        report_html(load_records(tmp_path / "run"))
    assert run_plan(plan, tmp_path / "run").n_run == 1
    assert changed.read_bytes() == content


def test_a_run_without_records_is_shown_as_not_run(copied, tmp_path):
    (copied / RECORDS_FILE).unlink()
    assert "not run" in report_html(load_records(copied))
    write_figures(load_records(copied), tmp_path / "figures", "svg")


def without(name):
    return lambda stored: stored.pop(name)


def put(**entries):
    return lambda stored: stored.update(entries)


@pytest.mark.parametrize(
    "change",
    [
        *map(
            without, ("scores", "key", "start", "measure", "error", "seconds", "versions", "n_zero_maps", "environment")
        ),
        put(key="00"),
        put(key=3),
        put(start=-1),
        put(stop=0),
        put(stop=1.0),
        put(measure=[]),
        put(error="no"),
        put(error={"type": "A"}),
        put(seconds="1"),
        put(versions=[]),
        put(versions={"torch": 2}),
        put(peak_memory=None),
        put(facts=[]),
        put(facts={"n_maps": "2"}),
        put(facts={"n_stars": 2}),
    ],
)
def test_a_record_whose_checksum_fits_but_whose_fields_do_not_is_damage_and_done_again(copied, change):
    """As damage does, it goes aside with the next run."""
    lines = (copied / RECORDS_FILE).read_bytes().splitlines(keepends=True)
    stored = decode(lines[0])
    change(stored)
    (copied / RECORDS_FILE).write_bytes(_line(stored) + b"".join(lines[1:]))
    with pytest.warns(DamagedRecords, match=r"1 records are damaged, the first: records.jsonl:1 is damaged"):
        load_records(copied).summaries()
    assert len(load_records(copied).damaged) == 1


@pytest.mark.parametrize(
    "change",
    [
        put(scores={"overall.f1": [0.5]}),
        put(scores={"overall.f1": ["a", "b"]}),
        put(scores={"overall.f1": 3}),
        put(curves={"at": [0.0]}),
        put(curves={"at": [0.0, 1.0], "values": [[0.0], [1.0, 2.0]]}),
        put(curves=[3]),
    ],
)
def test_scores_and_curves_that_cannot_be_any_are_named(copied, change):
    lines = (copied / RECORDS_FILE).read_bytes().splitlines(keepends=True)
    stored = decode(lines[0])
    change(stored)
    (copied / RECORDS_FILE).write_bytes(_line(stored) + b"".join(lines[1:]))
    records = load_records(copied)
    with pytest.raises(BadOption, match=r"`run` must have an undamaged records.jsonl, got .*; see byte 0"):
        records.all_scores(stored["environment"], stored["method"], stored["measure"])


def test_records_with_other_scores_than_the_rest_are_summed_up_with_them(tmp_path):
    plan = Plan.of(environments=[ENVIRONMENT], methods=["gradient"], n_samples=2, images_per_job=1)
    run_plan(plan, tmp_path / "run")
    path = tmp_path / "run" / RECORDS_FILE
    first, second = path.read_bytes().splitlines(keepends=True)
    stored = decode(first)
    kept = {name: stored["scores"][name] for name in ("overall.precision", "overall.recall", "overall.f1")}
    path.write_bytes(_line({**stored, "scores": kept}) + second)
    (summary,) = load_records(tmp_path / "run").summaries()
    both = [stored["scores"]["overall.f1"][0], decode(second)["scores"]["overall.f1"][0]]
    assert summary.truths["overall"].f1 == pytest.approx(np.mean(both))
    assert summary.truths["positive"].f1 == decode(second)["scores"]["positive.f1"][0]
