"""`attributionlab reproduce`: calls that are wrong, and one tiny run from records to the three files."""

import json
import os
import re
import signal
import time

import pytest
import torch
from typer.testing import CliRunner

from attributionlab.cli.app import app
from attributionlab.cli.output import INTERRUPTED_RUN
from attributionlab.methods.segments import SEGMENTERS

CLEAN = {key: value for key, value in os.environ.items() if key not in ("FORCE_COLOR", "PYTHONWARNINGS")}
TINY = ["--size", "32", "--n-samples", "2", "--network-seeds", "1"]


def run(*arguments):
    return CliRunner().invoke(app, ["reproduce", *map(str, arguments)])


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["table9"], 2, "`study` must be a known name, got 'table9'; did you mean"),
        (["tabel1"], 2, "`study` must be a known name, got 'tabel1'; did you mean table1"),
        (["zhang2023"], 2, "`study` must be a known name, got 'zhang2023'; did you mean zhang2024?"),
        (["table1", "--preset", "slow"], 2, "`preset` must be a known name, got 'slow'"),
        (["table1", "--scheduler", "tcp://x:1"], 2, "`scheduler` must go with --backend dask, got 'tcp://x:1'"),
        (["table1", "--workers", "0"], 2, "`workers` must be at least 1, got 0"),
        (["table1", "--n-samples", "0"], 2, "`n_samples` must be at least 1, got 0"),
        (["table1", "--sam-model", "vit_b"], 2, "`sam_model` must go with --sam-checkpoint"),
        (["table1", "--sam-checkpoint", "none.pth"], 2, "`sam_checkpoint` must name a file that exists"),
    ],
)
def test_a_wrong_call_gets_one_line(tmp_path, arguments, code, message):
    result = run(*arguments, "-o", tmp_path / "new")
    assert result.exit_code == code
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("below", ["", "folder"])
def test_an_output_that_is_a_file_is_refused(tmp_path, below):
    file = tmp_path / "file"
    file.write_text("mine")
    result = run("table1", "-o", file / below)
    assert result.exit_code == 2
    assert "`output` must name a folder" in result.stderr
    assert file.read_text() == "mine"


def test_table_1_writes_markdown_json_and_html(tmp_path):
    result = run("table1", "-o", tmp_path)
    assert result.exit_code == 0, result.stderr
    assert "675,033" in result.stdout
    assert "675,033" in (tmp_path / "reproduction.md").read_text()
    assert "675,033" in (tmp_path / "reproduction.html").read_text()
    assert json.loads((tmp_path / "reproduction.json").read_text())["claim_counts"]["fitted"] == 4


@pytest.mark.wide
def test_a_tiny_run_measures_says_how_little_and_resumes(tmp_path):
    result = run("table4", "-o", tmp_path, *TINY)
    assert result.exit_code == 0, result.stderr
    first = {path.name: path.read_bytes() for path in tmp_path.glob("reproduction.*")}
    found = json.loads(first["reproduction.json"])
    assert found["preset"] == {"name": "quick, changed", "size": 32, "n_samples": 2, "n_network_seeds": 1}
    areas = {claim["id"]: claim["findings"][0] for claim in found["studies"][0]["claims"]}
    assert areas["table4.insertion.lrp"]["ours"]["value"] > areas["table4.insertion.random"]["ours"]["value"] + 0.3
    assert "32x32 pixels, 2 images, 1 network; the paper has 224x224" in first["reproduction.md"].decode()
    again = run("table4", "-o", tmp_path, *TINY)
    assert again.exit_code == 0, again.stderr
    assert {path.name: path.read_bytes() for path in tmp_path.glob("reproduction.*")} == first


def test_another_preset_needs_another_folder_and_leaves_the_report_alone(tmp_path):
    assert run("table1", "-o", tmp_path).exit_code == 0
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    for arguments in (["--preset", "paper"], ["--n-samples", "3"]):
        result = run("table1", "-o", tmp_path, *arguments)
        assert result.exit_code == 2
        assert "`output` must be a new folder, or that of the same preset" in result.stderr
        assert "use another folder" in result.stderr
        assert len(result.stderr.splitlines()) == 1
        assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


CNN = """
import attributionlab as al
import torch
from torch import nn

def cnn():
    layers = (nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(64, 4))
    with torch.random.fork_rng():
        torch.manual_seed(0)
        images = nn.functional.interpolate(255 * torch.rand(1, 3, 4, 4), 24, mode="nearest").round()
        model = nn.Sequential(*layers).eval()
    return al.TrainedNetwork(model, torch.zeros(3)), al.LabeledImages(images, torch.tensor([2]))
"""


@pytest.mark.wide
def test_sam_and_an_own_network_answer_what_else_cannot_be_checked(tmp_path, checkpoint):
    (tmp_path / "mine.py").write_text(CNN)
    out, mine = tmp_path / "out", f"{tmp_path / 'mine.py'}:cnn"
    tiny = ["-o", out, "--size", "16", "--n-samples", "1", "--network-seeds", "1", "--device", "cpu"]
    sam = ["--sam-checkpoint", checkpoint, "--sam-model", "vit_b"]
    result = run("section4", "appendix-k", *tiny, *sam, "--vgg16", mine, "--vit", mine)
    assert result.exit_code == 0, result.stderr
    found = json.loads((out / "reproduction.json").read_text())
    assert found["counts"]["cannot be checked here"] == 0
    pictures = [figure["file"] for study in found["studies"] for figure in study["figures"]]
    assert pictures == [
        f"{name}.png" for name in ("section4-vgg16", "section4-vgg16-coarse", "appendix-k-vgg16", "appendix-k-vit-b-16")
    ]
    assert all((out / name).read_bytes().startswith(b"\x89PNG") for name in pictures)
    records = out / "appendix-k-sam" / "records.jsonl"
    assert all(json.loads(line)["record"]["error"] is None for line in records.read_text().splitlines())

    before = records.read_bytes()
    assert run("appendix-k", *tiny, *sam).exit_code == 0
    assert records.read_bytes() == before
    report = (out / "reproduction.md").read_bytes()
    (tmp_path / "moved.pth").write_bytes((tmp_path / "weights.pth").read_bytes())
    weights = torch.load(checkpoint)
    weights["image_encoder.pos_embed"] += 1
    torch.save(weights, checkpoint)  # other weights under the same name
    for file in (checkpoint, tmp_path / "moved.pth"):
        refused = run("table1", "appendix-k", *tiny, "--sam-checkpoint", file, "--sam-model", "vit_b")
        assert refused.exit_code == 2
        assert (
            f"`sam_checkpoint` must be the file, unchanged, that {out / 'appendix-k-sam'} was measured"
            in refused.stderr
        )
        assert len(refused.stderr.splitlines()) == 1
    assert (records.read_bytes(), (out / "reproduction.md").read_bytes()) == (before, report)


def test_weights_that_are_none_are_found_before_anything_is_measured(tmp_path, checkpoint):
    (tmp_path / "text.pth").write_text("no weights")
    sam = ["--sam-checkpoint", tmp_path / "text.pth", "--sam-model", "vit_b"]
    result = run("table4", "appendix-k", "-o", tmp_path / "out", *TINY, *sam)
    assert result.exit_code == 2
    assert "`sam_checkpoint` must hold the weights of sam_model=vit_b" in result.stderr
    assert not (tmp_path / "out").exists()


def test_jobs_that_failed_are_counted_and_tried_again(tmp_path, monkeypatch):
    tiny = ["-o", tmp_path, "--size", "16", "--n-samples", "1", "--network-seeds", "1"]
    with monkeypatch.context() as broken:  # as where memory ran out
        broken.setitem(SEGMENTERS.entries, "grid", lambda _: 1 / 0)
        result = run("appendix-k", *tiny)
    assert result.exit_code == 0
    assert "3 of 15 jobs in" in result.stderr
    assert re.search(r"(lime\[\S*segments=grid\S*\]) MethodRaised: \1 raised ZeroDivisionError", result.stderr)
    assert "| LIME (grid) | - |" in (tmp_path / "reproduction.md").read_text()
    again = run("appendix-k", *tiny)
    assert "jobs in" not in again.stderr
    assert "| LIME (grid) | - |" not in (tmp_path / "reproduction.md").read_text()


WAITING = """
import itertools
import signal
import time

from attributionlab.runs.store import Journal

append, numbers = Journal.append, itertools.count(1)


def append_and_wait(journal, record):
    append(journal, record)
    if next(numbers) == 3:
        time.sleep(600)


Journal.append = append_and_wait
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs inherit that it is ignored
"""
"""So that the run is stopped when it has three records, however busy the machine is."""


def test_what_was_stopped_goes_on_with_nothing_lost_and_nothing_done_twice(tmp_path, warm_python):
    arguments = ["appendix-k", "-o", str(tmp_path), "--size", "16", "--n-samples", "1", "--network-seeds", "3"]
    program = f"{WAITING}\nfrom attributionlab.cli.app import app\napp(['reproduce', *{arguments!r}])"
    records = tmp_path / "appendix-k" / "records.jsonl"

    def keys():
        lines = records.read_text().splitlines(keepends=True) if records.exists() else []
        return [json.loads(line)["record"]["key"] for line in lines if line.endswith("\n")]

    seen = []
    for stop in (signal.SIGKILL, signal.SIGINT):
        with warm_python.start(program, env=CLEAN) as process:
            deadline = time.monotonic() + 120
            while len(keys()) < len(seen) + 3 and process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.01)
            process.send_signal(stop)
            said = process.communicate()[1]
        assert len(keys()) == len(seen) + 3
        assert keys()[: len(seen)] == seen
        assert not list(tmp_path.glob("reproduction.*"))
        seen = keys()
    assert (process.returncode, said) == (130, f"error: {INTERRUPTED_RUN}\n")
    assert run(*arguments).exit_code == 0
    assert keys()[: len(seen)] == seen
    assert len(keys()) == len(set(keys())) == 45
