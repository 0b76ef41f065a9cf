"""Zhou et al. 2022: claims follow from measured networks; two tiny networks are measured."""

import dataclasses

import pytest

from attributionlab.papers.claims import Status
from attributionlab.papers.reports import ReproductionReport, to_html, to_json, to_markdown
from attributionlab.papers.studies import StudySetting
from attributionlab.papers.zhou2022 import networks
from attributionlab.papers.zhou2022.paper import PRESETS, zhou2022
from attributionlab.papers.zhou2022.pictures import MANIPULATIONS, measure_network, methods_of, network_task
from attributionlab.papers.zhou2022.texts import attention_task, measure_attention, measure_rationale, rationale_task
from attributionlab.runs import Task, TaskResult

PAPER = zhou2022()
TINY = dataclasses.replace(
    PRESETS["quick"],
    size=16,
    n_samples=12,
    n_network_seeds=1,
    details={
        **PRESETS["quick"].details,
        "explained": 1,
        "draws": 2,
        "lime_samples": 10,
        "longest_text": 26,
        "text_networks": 2,
        "texts": 1,
        "rationale_epochs": 1,
    },
)


def mean(label, value):
    return {"label": label, "n": 4, "n_zero": 0, "mean": value, "low": value, "high": value, "noninformative": None}


def picture_result(arguments):
    """A network as the paper describes it: SHAP is the best, and follows watermarks; presence is found better than absence."""
    is_watermark = arguments["manipulation"] == "watermark"
    region = 0.3
    base = {"Gradient": 0.35, "SmoothGrad": 0.4, "GradCAM": 0.5, "LIME": 0.32, "SHAP": 0.6, "random": 0.3}
    base["SHAP"] += 0.3 * (arguments["level"] / 15 - 1) * is_watermark  # its font sizes are 7 to 15
    base["SHAP"] -= 0.4 * (arguments["reassign"] - 0.5) * is_watermark
    shift = 0.06 * (MANIPULATIONS.index(arguments["manipulation"]) - 2)

    def attr(progress):
        values = {name: value + (shift if name not in ("random", "SHAP") else 0) for name, value in base.items()}
        values["SHAP"] += 0.2 * progress * is_watermark + shift
        gap = {name: 0.0 if name == "random" else 0.1 for name in values}
        return {name: [mean(0, value - gap[name]), mean(1, value + gap[name])] for name, value in values.items()}

    way = [{"epoch": epoch, "accuracy": 0.5 + epoch / 10, "attr": attr(epoch / 5)} for epoch in range(6)]
    return {
        "test": [99, 100, max(arguments["reassign"], 0.5)],
        "original": arguments["reassign"],
        "region": region,
        "epochs": [5, 20],
        "attr": attr(1.0),
        "way": way if arguments["on_the_way"] else [],
        "failures": {},
    }


def attention_result(arguments):
    table = {
        "article": {"correlating": 0.103, "other": 0.897},
        "cn": {"correlating": 0.159, "non_correlating": 0.059, "other": 0.782},
        "nc": {"correlating": 0.12, "non_correlating": 0.126, "other": 0.754},
    }[arguments["kind"]]
    sign = 1 if arguments["seed"] % 2 else -1
    shares = {**table, "correlating": table["correlating"] + 0.05 * sign * (arguments["kind"] != "article")}
    frequency = {"article": {"correlating": 0.079, "other": 0.921, "non_correlating": 0.0}}
    half = {"correlating": 0.04, "non_correlating": 0.039, "other": 0.921}
    return {
        "test": [99, 100, 0.5],
        "shares": dict.fromkeys(arguments["methods"], shares),
        "frequency": frequency.get(arguments["kind"], half),
    }


def rationale_result(arguments):
    is_article, is_rl = arguments["kind"] == "article", arguments["selector"] == "reinforce"
    precision = 0.97 if is_article else 0.6 if is_rl else 0.75
    return {
        "kind": arguments["kind"],
        "selector": arguments["selector"],
        "target": arguments["target"],
        "test": {},
        "accuracy": 0.99,
        "selected": arguments["target"],
        "precision": precision,
        "recall": 0.97,
        "non_correlating": 0.0 if is_article else 0.95 - precision,
        "covered": 1.0,
        "right_uncovered": 0.5,
        "first_words": 0.8 if arguments["target"] == 0.07 and not is_rl else 0.1,
        "optimum": {"precision": 1.0, "recall": 1.0},
        "optimum_per_text": {"precision": 0.9, "recall": 0.9},
    }


FAKES = {
    "measure_network": picture_result,
    "measure_attention": attention_result,
    "measure_rationale": rationale_result,
}


@pytest.fixture(scope="module")
def studies(tmp_path_factory):
    """The reports on networks that behave as the paper says."""

    def do(tasks, _folder, **_):
        return [TaskResult(task, FAKES[task.function.partition(":")[2]](task.arguments)) for task in tasks]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(networks, "run_tasks", do)
        setting = StudySetting(tmp_path_factory.mktemp("zhou"), TINY, device="cpu")
        return {name: PAPER.study(name)(setting) for name in PAPER.studies}


def test_networks_that_behave_as_the_paper_says_reproduce_its_claims(studies):
    findings = {
        (judged.claim.key, finding.reading): (finding.status, finding.reason)
        for study in studies.values()
        for judged in study.claims
        for finding in judged.findings
    }
    other = {key: value for key, value in findings.items() if value[0] is not Status.reproduced}
    assert len(findings) > 80
    assert other.keys() == {
        ("zhou-attr.accurate-runs", ""),  # all are accurate here, 70 % there
    }
    assert {status for status, _ in other.values()} == {Status.direction}


def test_keys_are_unique_and_reports_have_the_paper_s_figures(studies):
    keys = [judged.claim.key for study in studies.values() for judged in study.claims]
    assert len(set(keys)) == len(keys)
    files = [figure.file for study in studies.values() for figure in study.figures]
    assert files == [f"zhou-{name}.png" for name in ("attr", "accuracy", "visibility", "correlation", "rationale")]
    report = ReproductionReport(PAPER, tuple(studies.values()), TINY, "cpu", {})
    assert "| cn correlating | 15.9 | 25.7 | 4.1 | 15.9 |" in to_markdown(report)
    assert "zhou-rationale.absence" in to_json(report)
    assert to_html(report).count("data:image/png;base64,") == len(files)


def test_networks_that_are_not_accurate_leave_claims_unmeasured(tmp_path, monkeypatch):
    def do(tasks, _folder, **_):
        return [TaskResult(task, picture_result(task.arguments) | {"test": [60, 100, 0.5]}) for task in tasks]

    monkeypatch.setattr(networks, "run_tasks", do)
    for name in ("zhou-attr", "zhou-accuracy", "zhou-visibility", "zhou-correlation"):
        report = PAPER.study(name)(StudySetting(tmp_path, TINY, device="cpu"))
        statuses = {finding.status for judged in report.claims for finding in judged.findings}
        assert Status.unmeasured in statuses
        assert statuses <= {Status.unmeasured, Status.not_reproduced, Status.reproduced}


@pytest.mark.wide
def test_a_rationale_of_nothing_has_no_precision_and_is_reported(tmp_path, monkeypatch):
    def do(tasks, _folder, **_):
        nothing = {"selected": 0.0, "precision": None, "recall": 0.0, "non_correlating": None, "first_words": None}
        optimum = {
            "optimum": {"precision": None, "recall": 0.0},
            "optimum_per_text": {"precision": None, "recall": 0.0},
        }
        return [TaskResult(task, rationale_result(task.arguments) | nothing | optimum) for task in tasks]

    monkeypatch.setattr(networks, "run_tasks", do)
    report = PAPER.study("zhou-rationale")(StudySetting(tmp_path, TINY, device="cpu"))
    findings = {judged.claim.key: judged.findings for judged in report.claims}
    assert findings["zhou-rationale.articles-alone"][0].status is Status.unmeasured
    assert findings["zhou-rationale.accurate"][0].status is Status.reproduced


def test_failed_networks_are_left_out_with_a_warning(tmp_path):
    setting = StudySetting(tmp_path, TINY, device="cpu")
    bad = Task("attributionlab.papers.zhou2022.texts:measure_attention", {"kind": "none"})
    with pytest.warns(UserWarning, match=r"1 of 1 networks failed; TypeError: measure_attention\(\) missing"):
        assert networks.run_all(setting, [bad], "texts", "texts") == {}


def test_measured_networks_have_the_fields_that_studies_read(tmp_path):
    setting = StudySetting(tmp_path, TINY, device="cpu")
    task = network_task(setting, "noise")
    measured = measure_network(**{**task.arguments, "methods": {"random": "random"}}, device="cpu")
    assert measured.keys() == picture_result(task.arguments).keys()
    assert measured["attr"]["random"][0].keys() == mean(0, 0.0).keys()
    assert measured["way"][0].keys() == {"epoch", "accuracy", "attr"}
    assert measured["way"][-1]["attr"] == measured["attr"]
    text = attention_task(setting, "cn", 0)
    assert measure_attention(**{**text.arguments, "methods": ["attention"]}, device="cpu").keys() == {
        "test",
        "shares",
        "frequency",
    }
    rationale = rationale_task(setting, "cn", "hardkuma", 0.1)
    assert measure_rationale(**rationale.arguments, device="cpu").keys() == rationale_result(rationale.arguments).keys()


def test_networks_of_several_studies_are_the_same_tasks(tmp_path):
    setting = StudySetting(tmp_path, TINY)
    assert network_task(setting, "watermark").key == network_task(setting, "watermark", level=15).key
    assert network_task(setting, "watermark").key != network_task(setting, "watermark", seed=1).key
    assert list(methods_of(setting))[-1] == "random"
