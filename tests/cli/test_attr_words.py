"""`attributionlab attr-words`: forms, the folder, exit codes, one line for each mistake, nothing half-written."""

import csv
import io
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from attributionlab.cli.app import app
from attributionlab.cli.attr_words import DATA, METHODS, SELECTORS
from attributionlab.text import generated_paragraphs
from attributionlab.text.articles import KINDS
from attributionlab.text.rationales import SELECTORS as RATIONALES
from attributionlab.text.word_shares import WORD_METHODS

QUICK = ("--methods", "attention", "--networks", "1", "-n", "2")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("work")
    texts = [" ".join(words) for words in generated_paragraphs(120).words]
    (folder / "lines.txt").write_text("\ufeff" + "\n".join(texts), encoding="utf-8")
    (folder / "few.txt").write_text("\n\n".join(texts[:19]))
    (folder / "many").mkdir()
    (folder / "many" / "A.TXT").write_text("\n\n".join(texts[:20]))
    (folder / "bare.txt").write_text("words without any of them, " * 9)
    (folder / "latin.txt").write_bytes("Ein Käse".encode("latin-1"))
    (folder / "utf16.txt").write_bytes("The cat saw a dog".encode("utf-16"))
    (folder / "empty").mkdir()
    return folder


@pytest.fixture(autouse=True)
def _there(folder, monkeypatch):
    monkeypatch.chdir(folder)


def call(*arguments):
    return CliRunner().invoke(app, ["attr-words", *map(str, arguments)])


@pytest.fixture(scope="module")
def written(folder):
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        result = call("lines.txt", *QUICK, "--rationales", "hardkuma", "-o", "out", "--format", "json")
    return result, folder / "out"


def test_the_names_are_those_of_the_library():
    assert (DATA, SELECTORS) == (KINDS, RATIONALES)
    assert tuple(name.replace("-", " ") for name in METHODS) == tuple(WORD_METHODS)


def test_the_report_is_printed_and_written(written):
    result, out = written
    assert result.exit_code == 0, result.stderr
    report = json.loads(result.stdout)
    assert report == json.loads((out / "attr-words.json").read_text())
    assert report["data"][0]["n_texts"] == 120
    attention = {row["role"]: row for row in report["shares"]}
    assert attention["correlating"]["mean"] + attention["other"]["mean"] == pytest.approx(1)
    assert attention["correlating"]["deviation"] is None
    assert report["rationales"][0]["selector"] == "hardkuma"
    rows = list(csv.DictReader(io.StringIO((out / "attr-words.csv").read_text())))
    assert [row["role"] for row in rows] == ["other", "correlating"]
    assert (out / "rationales.png").read_bytes().startswith(b"\x89PNG")


def test_the_changed_texts_are_written(written):
    lines = [json.loads(line) for line in (written[1] / "article.jsonl").read_text().splitlines()]
    assert len(lines) == 120
    for line in lines:
        articles = {word for word, role in zip(line["words"], line["roles"], strict=True) if role == "correlating"}
        assert articles == {"the" if line["label"] else "a"}
    assert {line["split"] for line in lines} == {"train", "validation", "test"}


def test_a_folder_that_exists_is_refused_before_anything_is_trained(written):
    result = call("lines.txt", *QUICK, "-o", "out")
    assert result.exit_code == 2
    assert "`output` must" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_network_that_is_not_accurate_enough_gives_no_verdict():
    result = call("many", *QUICK, "--data", "nc", "-o", "none")
    assert result.exit_code == 4
    assert "`model` must beat p* for a verdict" in result.stderr
    assert len(result.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.txt"], "`text` must be a text file, or a folder of .txt files, got 'none.txt'"),
        (["empty"], "`text` must be a text file, or a folder of .txt files, got 'empty'"),
        (["bare.txt"], "`text` must have paragraphs of 25 to 80 words with an article in each half"),
        (["few.txt"], "`paragraphs` must be at least 20, got 19"),
        (["latin.txt"], "`text` must be readable UTF-8, got 'latin.txt'"),
        (["utf16.txt"], "`text` must be readable UTF-8, got 'utf16.txt'"),
        (["--data", "nn"], "`data` must be a known name, got 'nn'"),
        (["--data", ","], "`data` must name at least one of article, cn, nc, all"),
        (["--methods", "atention"], "`methods` must be a known name, got 'atention'; did you mean attention?"),
        (["--rationales", "rl"], "`rationales` must be a known name, got 'rl'"),
        (["lines.txt", "--networks", "0"], "`n_networks` must be at least 1, got 0"),
        (["lines.txt", "-n", "0"], "`n_texts` must be at least 1, got 0"),
        (["lines.txt", "--seed", "-1"], "`seed` must be at least 0, got -1"),
        (["lines.txt", "--rationales", "all", "--selection", "2"], "`selection` must be"),
        (["lines.txt", "--longest", "3"], "`longest` must be at least 25, got 3"),
    ],
)
def test_a_wrong_call_gets_one_line(arguments, message):
    result = call(*arguments, "-o", "new")
    assert result.exit_code == 2
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not Path("new").exists()
