"""A reproduction whose jobs failed says so, instead of saying that nothing is reproduced."""

import itertools
import json

import pytest
import torch
from typer.testing import CliRunner

from attributionlab.cli.app import app
from attributionlab.papers.catalog import PAPERS
from attributionlab.papers.claims import (
    JudgedClaim,
    NotMeasured,
    PublishedClaim,
    Status,
    attempt,
    judge_evidence,
    within,
)
from attributionlab.papers.evidence import average_networks
from attributionlab.papers.measuring import measure_plan
from attributionlab.papers.paper import Paper
from attributionlab.papers.presets import Preset
from attributionlab.papers.reports import to_html, to_markdown
from attributionlab.papers.running import reproduce as reproduce_paper
from attributionlab.papers.studies import StudyReport, StudySetting

QUICK = Preset("quick", size=16, n_samples=3, n_network_seeds=2, images_per_job=1)


CALLS = itertools.count(1)


def broken(model, inputs, targets):
    raise RuntimeError("nothing works")


def breaks_once(model, inputs, targets):
    """Right, but for one image of one network."""
    if next(CALLS) == 4:
        raise RuntimeError("one job broke")
    return inputs


METHODS = {"Truth": "truth", "Broken": f"{__name__}:broken", "Once": f"{__name__}:breaks_once"}


def measured(setting, *methods):
    environment = {"sum": setting.preset.sized("single-color-sum")}
    chosen = {name: METHODS[name] for name in methods}
    with pytest.warns(UserWarning, match="jobs in .* failed and have no scores"):
        return measure_plan(setting, "+".join(methods), environment, chosen)["sum"]


def judged(scores, method):
    claim = PublishedClaim(f"fake.{method}", "Table 9", f"{method} is perfect", "1", "equal")

    def judge():
        return judge_evidence(scores.mean(method, "overall.f1"), within(1, 0))

    return JudgedClaim(claim, (attempt("", judge),))


def all_fail(setting):
    return StudyReport("all-fail", "Nothing", (judged(measured(setting, "Broken"), "Broken"),))


def some_fail(setting):
    scores = measured(setting, "Truth", "Broken")
    return StudyReport("some-fail", "Something", (judged(scores, "Truth"), judged(scores, "Broken")))


def broken2000():
    studies = {"all-fail": f"{__name__}:all_fail", "some-fail": f"{__name__}:some_fail"}
    return Paper("broken2000", "Broken 2000", studies, {"quick": QUICK})


@pytest.fixture
def registered(monkeypatch):
    monkeypatch.setitem(PAPERS.entries, "broken2000", broken2000)


def reproduce(folder, study):
    result = CliRunner().invoke(app, ["reproduce", study, "-o", str(folder)])
    stored = json.loads((folder / "reproduction.json").read_text())
    return result, {claim["id"]: claim for claim in stored["studies"][0]["claims"]}


def test_a_study_that_measured_nothing_is_no_verdict_and_exits_with_1(registered, tmp_path):
    result, claims = reproduce(tmp_path, "all-fail")
    assert result.exit_code == 1
    assert "could not measure: all-fail: all jobs failed" in result.stderr
    assert claims["fake.Broken"]["status"] == "could not be measured"
    assert "nothing works" in claims["fake.Broken"]["findings"][0]["reason"]


def test_claims_without_failed_jobs_are_judged_as_usual(registered, tmp_path):
    result, claims = reproduce(tmp_path, "some-fail")
    assert result.exit_code == 0, result.stderr
    assert [claim["status"] for claim in claims.values()] == ["reproduced", "could not be measured"]


def test_one_failed_job_is_enough(tmp_path):
    scores = measured(StudySetting(tmp_path, QUICK, device="cpu"), "Once")
    assert torch.tensor(scores.records.scores(scores.environments[1], scores.methods["Once"])).isfinite().any()
    assert judged(scores, "Once").status is Status.unmeasured


def test_a_failed_method_leaves_the_others_of_a_ranking(tmp_path):
    scores = measured(StudySetting(tmp_path, QUICK, device="cpu"), "Truth", "Broken")
    ranked = scores.ranked({"a": "Truth", "b": "Broken"}, "overall")
    assert ranked.column("F1", ["a"]).min() == 1
    with pytest.raises(NotMeasured, match=r"Broken: .*nothing works"):
        ranked.correlation("F1", "F1")
    assert scores.cells("Broken", "overall.f1") == (None, None, None)


def some_task_failed(setting):
    setting.failures.append("1 of 3 networks failed; RuntimeError: no")
    holds, arithmetic = (
        JudgedClaim(
            PublishedClaim("fake.key", "page 1", "It holds", "1", "equal", is_arithmetic=flag),
            (judge_evidence(average_networks([1.0]), within(1, 0)),),
        )
        for flag in (False, True)
    )
    return StudyReport("some-task-failed", "Tasks", (holds, arithmetic))


def test_failures_that_belong_to_no_claim_leave_none_but_the_arithmetic_of_the_paper(tmp_path):
    paper = Paper("tasks2000", "Tasks", {"some-task-failed": f"{__name__}:some_task_failed"}, {"quick": QUICK})
    report = reproduce_paper(paper, ["some-task-failed"], StudySetting(tmp_path, QUICK, device="cpu"))
    (study,) = report.studies
    assert [judged.status for judged in study.claims] == [Status.unmeasured, Status.reproduced]
    assert (report.claim_counts["could not be measured"], sum(report.claim_counts.values())) == (1, 1)
    assert report.unmeasured_studies == ["some-task-failed"]
    assert "Arithmetic of the paper" in to_markdown(report)
    assert "Arithmetic of the paper" in to_html(report)
