"""A typo in a name is reported before an option that is missing, in one line, with exit code 2."""

import pytest
from typer.testing import CliRunner

from attributionlab.cli import app as program
from attributionlab.cli import completion

TYPOS = {
    "answers --env nosuch": "`environment` must be a known name, got 'nosuch'",
    "attr-percent --methods gradeint": "did you mean gradient?",
    "audit --references truht": "did you mean truth?",
    "check --env multi-colour-sum": "did you mean multi-color-sum?",
    "check --benchmark attributionlab-2": "did you mean attributionlab-1?",
    "compare gradeint": "did you mean gradient?",
    "compare --truth signd": "`truth` must be auto, overall, signed, positive, negative or positive-smooth, got 'signd'",
    "debug --bug mislabled": "did you mean mislabeled?",
    "exact multi-color-su": "did you mean multi-color-sum?",
    "exact multi-color-sum --game shaply": "`game` must be removal, alone, shapley or aumann-shapley, got 'shaply'",
    "generate multi-color-su": "did you mean multi-color-sum?",
    "modify --images buitlin": "`images` must be builtin or flat, got 'buitlin'",
    "modify --manipulation watermrk": "did you mean watermark?",
    "modify --noninformative watermrk": "did you mean watermark?",
    "quiz --methods gradeint": "did you mean gradient?",
    "reproduce tabel2": "`study` must be a known name, got 'tabel2'; did you mean table2?",
    "reproduce table2 --preset quik": "did you mean quick?",
    "reproduce table2 --sam-modl vit_b": "did you mean --sam-model?",
    "reproduce zhang2023 --figures 2": "did you mean zhang2024?",
    "reproduce --figures 99": "or all, got '99'",
    "run nosuch.toml": "`plan` must be a file that exists, got 'nosuch.toml'",
    "score nosuch": "`folder` must be one that `attributionlab generate` wrote, got 'nosuch'",
    "show nosuch": "`environment` must be a known name, got 'nosuch'; known: ",
    "show multi-color-sum --methods gradeint": "did you mean gradient?",
    "sweep gradeint": "did you mean gradient?",
    "sweep --metrics insertin": "did you mean insertion?",
}


@pytest.mark.parametrize("words", TYPOS)
def test_a_typo_is_reported_before_a_missing_option(words):
    result = CliRunner().invoke(program.app, words.split())
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("error: ")
    assert TYPOS[words] in result.stderr


@pytest.mark.parametrize("words", ["show multi-color-sum", "reproduce table2", "compare gradient", "demo"])
def test_without_a_typo_the_missing_option_is_reported(words):
    result = CliRunner().invoke(program.app, words.split())
    assert result.exit_code == 2
    assert "Missing " in result.stderr


@pytest.mark.parametrize("words", ["show multi --n-sa", "reproduce tab --pres"])
def test_incomplete_names_do_not_keep_options_from_being_completed(words, monkeypatch, capsys):
    monkeypatch.setenv(completion.VARIABLE, "complete_bash")
    monkeypatch.setenv("COMP_WORDS", f"attributionlab {words}")
    monkeypatch.setenv("COMP_CWORD", "3")
    monkeypatch.setattr("sys.argv", ["attributionlab"])
    completion.prepare_completion()
    assert program._program() == 0
    assert capsys.readouterr().out.split() in (["--n-samples"], ["--preset"])
