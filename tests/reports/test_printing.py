"""Results as text, in a notebook and as data frames."""

import importlib.util
import re
import sys
from pathlib import Path

import pytest
import torch

import attributionlab as al
from attributionlab.errors import BadOption
from attributionlab.measuring.failure import Failure
from attributionlab.metrics import SoftScores, soft_scores
from attributionlab.metrics.insertion import Curve
from attributionlab.metrics.sensitivity import SensitivityCurve
from attributionlab.truth.kinds import TRUTHS

SPEC = "multi-color-sum[size=16]"


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """One result of each public kind by name."""
    environment = al.make_environment(SPEC)
    batch = environment.sample(2)
    maps = batch.ground_truth.signed.float()
    folder = tmp_path_factory.mktemp("run") / "run"
    al.run_plan(al.Plan.of(environments=[SPEC], methods=["truth"], metrics=["deletion"], n_samples=4), folder)
    return {
        "verdict": al.check("truth", environment, n_samples=4),
        "audit": al.audit(["truth", "constant"], ["deletion"], environment, n_samples=2),
        "verification": al.verify(environment, n_samples=1, n_pixels=1),
        "agreement": al.score(maps, batch.ground_truth),
        "scores": al.score(maps, batch.ground_truth).overall,
        "curve": al.insertion(environment, batch, maps),
        "sensitivity": al.sensitivity_n(environment, batch, maps, n_orders=2),
        "records": al.load_records(folder),
    }


SHOWN = {
    "verdict": ("truth: PASSED", "positive-smooth"),
    "audit": ("deletion", "spearman"),
    "verification": (SPEC, "the output is correct for every image"),
    "agreement": ("overall", "signed", "1.000"),
    "scores": ("precision", "mean"),
    "curve": ("257 points", "normalized"),
    "sensitivity": ("255 sizes of subsets", "mean correlation"),
    "records": ("decides", "95 % CI", "passed"),
}

COLUMNS = {
    "verdict": {"method", "environment", "truth", "f1"},
    "audit": {"method", "score", "value"},
    "verification": {"name", "n_checked", "holds"},
    "agreement": {"truth", "image", "f1"},
    "scores": {"image", "precision", "recall", "f1"},
    "curve": {"image", "step", "output"},
    "sensitivity": {"image", "size", "correlation"},
    "records": {"method", "sample", "overall.f1", "deletion"},
}


@pytest.mark.parametrize("name", SHOWN)
def test_a_result_prints_as_a_table_of_80_columns_without_codes(results, name):
    text = str(results[name])
    assert all(word in text for word in SHOWN[name])
    assert max(map(len, text.splitlines())) <= 80
    assert "\x1b" not in text
    assert text == text.rstrip()


@pytest.mark.parametrize("name", SHOWN)
def test_a_notebook_shows_the_same_table(results, name):
    html = results[name]._repr_html_()
    assert html.startswith("<pre")
    assert html.endswith("</pre>")
    assert all(word in re.sub("<[^>]*>", "", html) for word in SHOWN[name])


@pytest.mark.parametrize("name", COLUMNS)
def test_a_result_becomes_a_data_frame(results, name):
    frame = results[name].to_pandas()
    assert COLUMNS[name] <= set(frame.columns)
    assert len(frame) > 0


@pytest.mark.parametrize("name", COLUMNS)
def test_a_data_frame_without_pandas_is_refused_in_one_line(results, name, monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(BadOption, match=r"^`pandas` must be installed for this, got none; pip install pandas$"):
        results[name].to_pandas()


def test_the_rows_of_a_data_frame_are_the_numbers_of_the_result(results):
    curve, agreement = results["curve"], results["agreement"]
    frame = curve.to_pandas()
    assert frame[frame.image == 1].output.tolist() == curve.outputs[1].tolist()
    frame = agreement.to_pandas()
    assert list(frame.truth.unique()) == list(TRUTHS)
    assert frame[frame.truth == "negative"].f1.tolist() == agreement.negative.f1.tolist()


def test_text_of_others_is_escaped_in_a_notebook(results):
    text = "<script>alert(1)</script> [bold]&"
    verdict = results["verdict"]
    environment = vars(verdict.environments[0]) | {"error": Failure("Raised", text)}
    changed = type(verdict)(
        **vars(verdict) | {"method": text, "environments": (type(verdict.environments[0])(**environment),)}
    )
    html = changed._repr_html_()
    assert "<script" not in html
    assert html.count("&lt;script&gt;alert(1)&lt;/script&gt; [bold]&amp;") == 3
    assert text in str(changed)


def test_scores_of_a_truth_that_does_not_apply_are_a_dash_and_not_counted():
    scores = soft_scores(torch.ones(1, 4), torch.zeros(1, 4, dtype=torch.bool))
    assert str(scores).splitlines()[-1].split() == ["mean", "-", "-", "-"]
    text = str(al.Agreement(*[scores] * len(TRUTHS)))
    assert text.splitlines()[-1].split() == ["positive-smooth", "-", "-", "-", "0"]


def test_many_images_are_cut_short_after_twenty():
    ones = torch.ones(25)
    lines = str(SoftScores(ones, ones, ones)).splitlines()
    assert lines[-2].strip() == "and 5 more"
    assert len(lines) == 2 + 20 + 2


def test_numbers_of_curves_are_shown():
    half = torch.tensor([0.5])
    curve = Curve(torch.tensor([0, 1]), torch.tensor([[0.0, 1.0]]), half, half, half * torch.nan)
    assert str(curve).splitlines()[-1].split() == ["mean", "0.500", "0.500", "-"]
    assert str(SensitivityCurve.of(torch.tensor([1]), torch.tensor([[0.25]]))).splitlines()[-1].split() == [
        "mean",
        "0.250",
    ]


def test_the_comparison_of_the_demo_names_what_decides_and_explains_every_column(results):
    path = Path(__file__).parents[2] / "scripts" / "demo.py"
    spec = importlib.util.spec_from_file_location("demo", path)
    demo = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(demo)
    table = demo.comparison_table([results["verdict"]], "checks in multi-color-sum[size=16]")
    cells = [list(column.cells) for column in table.columns]
    scores = results["verdict"].environments[0].truths["signed"]
    interval = f"{scores.f1_low:.3f} to 1.000"
    assert cells == [["truth"], ["signed"], ["1.000"], [interval], ["4"], ["4/4"], ["1.00"], ["[green]passed[/]"]]
    explained, _ = (list(column.cells) for column in demo.explanation(demo.EXPLANATION).columns)
    assert ["method", *explained] == [column.header for column in table.columns]
    more = demo.truths_table([results["verdict"]])
    ((name,), *states, (answers,)) = [list(column.cells) for column in more.columns]
    assert (name, [cell[0][:5] for cell in states[:2]], answers) == ("truth", ["1.000", "1.000"], "none")
    assert all(cell[0][-2:] in (" +", " ?", " -") for cell in states)
