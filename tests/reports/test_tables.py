"""Tables that never trip over their own content, and rows for CSV."""

import csv
import dataclasses
import io

import pytest
from rich.console import Console

from attributionlab.environments import Claim, Verification
from attributionlab.judging import EnvironmentVerdict, Summary, Verdict
from attributionlab.judging.dependence import Dependence
from attributionlab.measuring import Failure
from attributionlab.reports.tables.cells import to_csv
from attributionlab.reports.tables.verdicts import (
    CSV_COLUMNS,
    verdict_rows,
    verdict_table,
    verification_table,
)
from attributionlab.truth import TRUTHS

ODD = ("integrated-gradients[baseline=true]", "a[b]c[/]d[/b]e", "[red]red[/red]", "\\[x]", "file[1].py:f[0]")


def printed(table, width=140):
    console = Console(file=io.StringIO(), width=width, color_system=None, highlight=False)
    console.print(table)
    return console.file.getvalue()


def summary_of(f1, state="reached"):
    return Summary(precision=0.125, recall=0.25, f1=f1, f1_low=f1 - 0.0625, f1_high=f1 + 0.0625, state=state)


def truths_of(f1):
    return {
        "overall": summary_of(f1),
        "signed": summary_of(f1, "open"),
        "positive": summary_of(f1, "below"),
        "negative": None,
        "positive-smooth": summary_of(f1),
    }


def environment_of(**changes):
    usual = EnvironmentVerdict(
        environment="multi-color-sum[size=16]",
        n_samples=4,
        network_seeds=(2, 3, 4, 5),
        seed=7,
        device="cpu",
        seconds_per_image=0.25,
        n_zero_maps=0,
        outcome="passed",
        truths=truths_of(0.75),
        controls={"random": truths_of(0.3125), "constant": truths_of(0.4375), "foreground": truths_of(0.5625)},
        dependence={"overall": Dependence(0.875, 0.5, 1.25), "positive": Dependence(0.375, 0.25, 0.5)},
        n_held=3,
    )
    return dataclasses.replace(usual, **changes)


def verdict_of(*environments, method="gradient", deciding="positive", gamma=0.5, rule="interval"):
    return Verdict(method, gamma, deciding, rule, environments or (environment_of(),), {"python": "3", "torch": "2"})


def test_a_verdict_shows_scores_interval_controls_and_versions():
    text = printed(verdict_table(verdict_of()))
    for part in (
        "0.125",
        "0.250",
        "0.750",
        "0.688",
        "0.812",
        "0.312",
        "0.438",
        "0.562",
        "seed 7",
        "cpu",
        "4 images",
        "4 networks",
        "torch 2",
    ):
        assert part in text


def test_the_controls_stand_in_the_columns_of_their_names():
    lines = printed(verdict_table(verdict_of())).splitlines()
    (header,) = (line for line in lines if "random" in line and "const." in line and "recall" in line)
    assert header.index("const.") < header.index("foregr.")
    (row,) = (line for line in lines if line.startswith("overall"))
    assert header.index("random") < header.index("const.")
    assert row.index("0.312") < row.index("0.438") < row.index("0.562")


def test_a_verdict_marks_the_truth_that_decides_and_no_other():
    lines = printed(verdict_table(verdict_of(deciding="positive"))).splitlines()
    rows = {line.split()[0]: line for line in lines if line.strip().startswith(TRUTHS) and "0." in line}
    assert len(rows) == 4
    assert [truth for truth, row in rows.items() if "(decides)" in row] == ["positive"]


def test_a_verdict_shows_the_state_of_each_truth_in_words():
    lines = printed(verdict_table(verdict_of())).splitlines()
    (header,) = (line for line in lines if "F1 >= 0.5" in line)
    place = header.index("F1 >= 0.5")
    states = {
        line.split()[0]: line[place:].split()[0] for line in lines if line.strip().startswith(TRUTHS) and "-" in line
    }
    expected = {"overall": "reached", "signed": "open", "positive": "below", "negative": "n/a"}
    assert states == {**expected, "positive-smooth": "reached"}


@pytest.mark.parametrize("outcome", ["passed", "undecided", "pixels-only", "blind", "failed"])
def test_a_verdict_says_its_outcome_in_words(outcome):
    text = printed(verdict_table(verdict_of(environment_of(outcome=outcome))))
    assert f"gradient: {outcome.upper()}" in text
    usual = "decided by positive truth: the interval of the mean F1 against 0.5"
    assert ("decided by the network dependence" if outcome == "blind" else usual) in text


def test_a_verdict_by_the_rule_of_the_paper_says_so():
    text = printed(verdict_table(verdict_of(rule="point")))
    assert "decided by the mean F1 on positive truth >= 0.5, under one network" in text


def test_a_verdict_shows_network_dependence_networks_that_held_and_what_to_do_now():
    odd = environment_of(ignores_target=True, advice="use `targets`")
    lines = printed(verdict_table(verdict_of(odd))).splitlines()
    dependence = "network dependence: 0.88 on overall truth (0.50 to 1.25), 0.38 on positive truth (0.25 to 0.50); 1 for the truth"
    assert dependence in " ".join(" ".join(lines).split())
    assert "F1 on positive truth reached 0.5 under 3 of 4 networks" in lines
    assert "note: the maps are the same for another class: `targets` is ignored" in lines
    assert "what now: use `targets`" in lines


def test_a_verdict_on_several_environments_counts_them():
    text = printed(verdict_table(verdict_of(environment_of(), environment_of(outcome="failed"))))
    assert "gradient: FAILED" in text
    assert "in 1 of 2 environments" in text


def test_one_image_is_not_called_images():
    assert "1 image," in printed(verdict_table(verdict_of(environment_of(n_samples=1))))


def test_an_error_and_a_diagnosis_are_shown():
    failed = environment_of(
        truths=dict.fromkeys(TRUTHS),
        seconds_per_image=None,
        outcome="failed",
        error=Failure("MethodRaised", "it raised"),
        diagnosis=("something is odd", "and another thing"),
    )
    text = printed(verdict_table(verdict_of(failed)))
    assert "MethodRaised: it raised" in text
    assert "note: something is odd" in text
    assert "note: and another thing" in text


@pytest.mark.parametrize("text", ODD)
def test_odd_names_are_shown_as_they_are(text):
    odd = environment_of(environment=text, diagnosis=(text,), error=Failure("WrongShape", text))
    verdict = verdict_of(odd, method=text)
    assert printed(verdict_table(verdict)).count(text) == 6
    assert text in printed(verification_table(Verification(text, [Claim("name", text, 1, 0)])))


def test_the_note_of_a_claim_may_have_brackets():
    assert "see [size=16]" in printed(verification_table(Verification("e", [Claim("n", "s", 1, 0, "see [size=16]")])))


@pytest.mark.parametrize("width", [80, 140])
def test_the_table_of_a_verdict_is_not_cut_off(width):
    text = printed(verdict_table(verdict_of()), width)
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= width
    assert ("F1 of maps that ignore the network" in map(str.strip, text.splitlines())) == (width == 80)
    for name in ("0.312", "0.438", "0.562"):
        assert text.count(name) == 4, "a control has a score on each truth that applies"


def test_a_verification_shows_each_claim_and_what_it_found():
    claims = [Claim("a", "the first holds", 1234567, 0, "a note"), Claim("b", "the second does not", 8, 3)]
    text = printed(verification_table(Verification("multi-color-sum[size=16]", claims)))
    first = next(line for line in text.splitlines() if "the first holds" in line)
    second = next(line for line in text.splitlines() if "the second does not" in line)
    assert first.split()[-3:] == ["1,234,567", "0", "yes"]
    assert second.split()[-3:] == ["8", "3", "NO"]
    assert "a note" in text


def test_rows_are_one_per_truth_that_applies_of_the_method_and_of_the_controls():
    rows = verdict_rows(verdict_of(environment_of(), environment_of(environment="other", truths=dict.fromkeys(TRUTHS))))
    assert [(row["method"], row["environment"], row["truth"]) for row in rows] == [
        (method, environment, truth)
        for environment, methods in (
            ("multi-color-sum[size=16]", ("gradient", "random", "constant", "foreground")),
            ("other", ("random", "constant", "foreground")),
        )
        for method in methods
        for truth in ("overall", "signed", "positive", "positive-smooth")
    ]


def test_rows_hold_the_scores_and_say_which_decide():
    row = verdict_rows(verdict_of(deciding="overall"))[0]
    assert tuple(row) == CSV_COLUMNS
    assert (row["precision"], row["recall"], row["f1"], row["f1_low"], row["f1_high"]) == (
        0.125,
        0.25,
        0.75,
        0.6875,
        0.8125,
    )
    rows = verdict_rows(verdict_of(deciding="overall"))[:4]
    assert [(row["deciding"], row["state"]) for row in rows] == [
        (True, "reached"),
        (False, "open"),
        (False, "below"),
        (False, "reached"),
    ]
    assert {row["outcome"] for row in rows} == {"passed"}


def test_rows_say_how_they_came_about_and_what_was_conspicuous():
    odd = environment_of(n_zero_maps=3, diagnosis=("3 of 4 maps, all empty", "dust"), advice="do this")
    rows = verdict_rows(verdict_of(odd, gamma=0.25))
    assert {(row["seed"], row["n_samples"], row["gamma"]) for row in rows} == {(7, 4, 0.25)}
    assert {row["advice"] for row in rows if row["method"] == "gradient"} == {"do this"}
    of_the_method = {(row["n_zero_maps"], row["diagnosis"]) for row in rows if row["method"] == "gradient"}
    assert of_the_method == {(3, "3 of 4 maps, all empty; dust")}
    assert {(row["n_zero_maps"], row["diagnosis"]) for row in rows if row["method"] != "gradient"} == {("", "")}


def test_the_row_of_an_error_has_all_columns_but_the_scores():
    failed = environment_of(truths=dict.fromkeys(TRUTHS), error=Failure("NotFinite", "NaN"))
    row = verdict_rows(verdict_of(failed))[0]
    assert row["error"] == "NotFinite: NaN"
    assert set(CSV_COLUMNS) - set(row) == {"precision", "recall", "f1", "f1_low", "f1_high", "state"}


def test_a_verdict_shows_what_the_method_recorded():
    recorded = {
        "convergence_delta": {"low": -0.5, "high": 0.03125, "median_magnitude": 0.0125, "largest_magnitude": 0.5},
        "odd[b]": dict.fromkeys(["low", "high", "median_magnitude", "largest_magnitude"], 1.0),
    }
    text = printed(verdict_table(verdict_of(environment_of(diagnostics=recorded))))
    assert (
        "recorded by the method: convergence_delta, median magnitude 0.0125, largest 0.5, -0.5 to 0.0312 over the images"
        in text
    )
    assert "odd[b], median magnitude 1, largest 1, 1 to 1 over the images" in text


def test_csv_quotes_what_has_commas_and_can_be_read_back():
    rows = verdict_rows(verdict_of(method="occlusion[stride=1,window=1]"))
    text = to_csv(rows, CSV_COLUMNS)
    read = list(csv.DictReader(io.StringIO(text)))
    assert tuple(read[0]) == CSV_COLUMNS
    assert read[0]["method"] == "occlusion[stride=1,window=1]"
    assert [float(row["f1"]) for row in read] == [row["f1"] for row in rows]
    assert "\r" not in text


def test_csv_of_nothing_is_a_header():
    assert to_csv([], ("a", "b")) == "a,b\n"
