"""The commands in this process: results on stdout, one line per error on stderr, exit codes by kind."""

import csv
import errno
import io
import json
import re
import textwrap

import pytest
import torch
from matplotlib.figure import Figure
from skimage.io import imread
from typer.testing import CliRunner
from wide import some_of

import attributionlab as al
from attributionlab import __version__
from attributionlab.cli.app import app
from attributionlab.environments import ENVIRONMENTS, make_environment
from attributionlab.exchange import dataset
from attributionlab.methods import METHODS, SEGMENTERS
from attributionlab.metrics import METRICS
from attributionlab.modification import MANIPULATIONS
from attributionlab.reports.tables.verdicts import CSV_COLUMNS

SMALL = ("--size", "16", "--n-samples", "1")
POINT = (*SMALL, "--rule", "point")
"""A check of one image: its score decides."""
ANSI = re.compile(r"\x1b\[")

MINE = """
import sys
import torch
from attributionlab import declares

@declares(needs=["batch"])
def honest(model, inputs, targets, *, batch):
    return batch.ground_truth.signed.float()

def sums(model, inputs, targets):
    return inputs

def raises(model, inputs, targets):
    raise ValueError("two\\nlines")

def nan(model, inputs, targets):
    return inputs * torch.nan

def wrong_shape(model, inputs, targets):
    return inputs[:, :, :3]

def lists(model, inputs, targets):
    return inputs.tolist()

def ruins(model, inputs, targets):
    next(iter(model.parameters())).data.add_(1)
    return inputs

def trains(model, inputs, targets):
    model.train()
    return inputs

def writes(model, inputs, targets):
    inputs += 1
    return inputs

def leaves(model, inputs, targets):
    sys.exit(0)

number = 3
"""


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def failed(code, *arguments):
    """The one line on stderr of a command that ends with this exit code."""
    result = run(*arguments)
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    lines = result.stderr.splitlines()
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("error: ")
    assert result.stdout == ""
    return lines[0].removeprefix("error: ")


def json_of(*arguments, code=0):
    result = run(*arguments, "--format", "json")
    assert result.exit_code == code, result.output
    assert result.stderr == ""
    return json.loads(result.stdout, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))


def csv_of(*arguments, code=0):
    result = run(*arguments, "--format", "csv")
    assert result.exit_code == code, result.output
    return list(csv.DictReader(io.StringIO(result.stdout)))


@pytest.fixture
def mine(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(textwrap.dedent(MINE), encoding="utf-8")
    return path


# General


@pytest.mark.parametrize("name", al.__all__)
def test_a_public_name_is_imported_when_it_is_used(name):
    assert getattr(al, name).__name__.removeprefix("attributionlab.") == name
    assert name in dir(al)


def test_a_name_that_the_package_does_not_have_is_an_attribute_error():
    with pytest.raises(AttributeError, match="attribute chekc"):
        _ = al.chekc


def test_the_version_is_printed():
    result = run("--version")
    assert (result.exit_code, result.stdout) == (0, f"{__version__}\n")


@pytest.mark.parametrize("command", ["list", "verify", "generate", "show", "check"])
def test_every_command_has_help(command):
    assert command in run("--help").stdout
    assert run(command, "--help").exit_code == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("no-such-command",),
        ("check",),
        ("check", "truth", "--n-samples", "many"),
        ("check", "truth", "--device", "tpu"),
        ("check", "truth", "--format", "xml"),
        ("check", "truth", "--no-such-option"),
        ("generate", "multi-color-sum"),
        ("list", "papers"),
        ("list", "methods", "lime", "rise"),
    ],
)
def test_what_the_parser_refuses_is_a_usage_error(arguments):
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "Traceback" not in result.stderr


# list


def test_list_shows_everything_there_is():
    text = run("list").stdout
    for name in (*ENVIRONMENTS, *METHODS, *METRICS):
        assert name in text


def test_list_shows_one_entry_with_all_its_options():
    text = run("list", "methods", "lime").stdout
    assert text.startswith("lime: A weighted linear model of the output around the image")
    for word in ("Ribeiro et al. 2016", "baseline, segments", "quickshift or felzenszwalb", "seconds per image"):
        assert word in text
    assert "kernel-shap" not in text
    assert [entry["name"] for entry in json_of("list", "metrics", "insertion")["metrics"]] == ["insertion"]


def test_list_refuses_a_name_that_is_not_there():
    result = run("list", "methods", "lim")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "error: `method` must be a known name, got 'lim'; did you mean lime?\n"


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("environments", ENVIRONMENTS),
        ("methods", METHODS),
        ("metrics", METRICS),
        ("segmenters", SEGMENTERS),
        ("manipulations", MANIPULATIONS),
    ],
)
def test_list_shows_one_kind(kind, names):
    assert [entry["name"] for entry in json_of("list", kind)[kind]] == list(names)


def test_list_as_json_has_all_kinds():
    assert list(json_of("list")) == ["environments", "methods", "metrics", "segmenters", "manipulations"]


def test_list_as_csv_says_the_kind_of_each_row():
    rows = csv_of("list")
    assert [(row["kind"], row["name"]) for row in rows] == [
        *(("environments", name) for name in ENVIRONMENTS),
        *(("methods", name) for name in METHODS),
        *(("metrics", name) for name in METRICS),
        *(("segmenters", name) for name in SEGMENTERS),
        *(("manipulations", name) for name in MANIPULATIONS),
    ]


def test_list_as_csv_is_plain_text():
    rows = {row["name"]: row for row in csv_of("list")}
    assert rows["integrated-gradients"]["needs"] == "baseline; gradients"
    assert rows["gradcam"]["options"].startswith("layer = 5 (an integer or a text); relu = true (true or false); ")
    assert rows["gradient"]["options"] == ""
    assert rows["multi-color-sum"]["sign"] == ""
    assert float(rows["gradient"]["seconds_64"]) > 0
    assert rows["insertion"]["seconds_64"] == ""
    cells = " ".join(" ".join(row.values()) for row in rows.values())
    for repr_of_python in ("[", "{", "frozenset", "None"):
        assert repr_of_python not in cells


# verify


def test_verify_proves_the_claims_of_an_environment():
    (found,) = json_of("verify", "single-color-sum", *SMALL, "--n-pixels", "4")
    assert found["environment"] == "single-color-sum[size=16]"
    assert found["passed"] is True
    assert all(claim["holds"] and claim["n_checked"] > 0 for claim in found["claims"])
    assert list(found["claims"][0]) == ["name", "statement", "n_checked", "n_violations", "note", "holds"]


@pytest.mark.wide
def test_verify_prints_a_table_per_environment():
    result = run("verify", "single-color-sum", "single-color-modulo", *SMALL, "--n-pixels", "2")
    assert result.exit_code == 0
    assert "single-color-sum[size=16]" in result.stdout
    assert "single-color-modulo[size=16]" in result.stdout
    assert "yes" in result.stdout


def test_verify_takes_all_environments_if_none_is_named():
    rows = csv_of("verify", *SMALL, "--n-pixels", "1")
    assert list(dict.fromkeys(row["environment"].partition("[")[0] for row in rows)) == list(ENVIRONMENTS)


def test_verify_fails_where_a_claim_does_not_hold(monkeypatch):
    usual = make_environment("single-color-sum", size=16)
    usual.model.head[0].bias.data += 1
    monkeypatch.setattr("attributionlab.environments.complete_environment", lambda _spec, **_options: usual)
    (found,) = json_of("verify", "single-color-sum", *SMALL, "--n-pixels", "1", code=1)
    assert found["passed"] is False
    assert "NO" in run("verify", "single-color-sum", *SMALL, "--n-pixels", "1").stdout


@pytest.mark.parametrize("option", ["n-samples", "n-pixels"])
def test_verify_refuses_numbers_below_one(option):
    line = failed(2, "verify", "single-color-sum", "--size", 16, f"--{option}", 0)
    assert line == f"`{option.replace('-', '_')}` must be at least 1, got 0"


# check


def test_check_passes_with_exit_code_zero():
    result = run("check", "truth", *POINT)
    assert (result.exit_code, result.stderr) == (0, "")
    assert "truth: PASSED" in result.stdout
    assert "multi-color-sum[size=16]" in result.stdout


def test_check_fails_with_exit_code_one():
    result = run("check", "constant", *POINT)
    assert (result.exit_code, result.stderr) == (1, "")
    assert "constant: FAILED" in result.stdout
    result = run("check", "constant", "--env", "single-color-sum", *POINT)
    assert (result.exit_code, result.stderr) == (1, "")
    assert "constant: FAILED" in result.stdout


def test_check_that_is_undecided_has_exit_code_four():
    """Of 4 perfect scores the interval begins at 0.57."""
    result = run("check", "truth", "--size", "16", "--n-samples", "4", "--gamma", "0.9")
    assert (result.exit_code, result.stderr) == (4, "")
    assert "truth: UNDECIDED" in result.stdout
    assert "what now: the interval of the mean contains 0.9" in result.stdout


@pytest.mark.wide
def test_check_looks_until_it_is_decided_by_default():
    (environment,) = json_of("check", "truth", "--env", "single-color-sum", "--size", "16")["environments"]
    assert (environment["n_samples"], environment["network_seeds"]) == (8, list(range(8)))
    arguments = ("check", "truth", "--env", "single-color-sum", "--size", "16", "-n", "auto", "--gamma", "0.8")
    (environment,) = json_of(*arguments, "--max-seconds", "0", code=4)["environments"]
    assert (environment["n_samples"], environment["out_of_time"]) == (8, True)


def test_check_under_one_network_has_its_seed():
    arguments = ("check", "truth", "--env", "single-color-sum", "--size", "16", "-n", "4", "--network-seed", "7")
    (environment,) = json_of(*arguments)["environments"]
    assert (environment["network_seeds"], environment["seed"]) == ([7], 0)
    assert environment["environment"] == "single-color-sum[network_seed=7,size=16]"


@pytest.mark.wide
def test_check_shows_which_truth_decides():
    text = run("check", "gradcam", *POINT).stdout
    assert "positive-smooth truth" in text
    (line,) = (line for line in text.splitlines() if line.startswith("positive-smooth"))
    assert line.startswith("positive-smooth (decides)")


def test_check_as_json_is_the_verdict():
    verdict = json_of("check", "truth", *POINT, "--seed", "3")
    assert verdict["method"] == "truth"
    assert verdict["passed"] is True
    assert verdict["environments"][0]["environment"] == "multi-color-sum[seed=3,size=16]"
    assert verdict["environments"][0]["seed"] == 3
    assert verdict["environments"][0]["truths"]["overall"]["f1"] == 1.0


def test_check_as_json_has_the_same_exit_code_where_it_fails():
    assert json_of("check", "constant", *POINT, code=1)["passed"] is False


def test_check_as_csv_says_why_there_are_no_scores(tmp_path):
    (tmp_path / "mine.py").write_text("def broken(model, inputs, targets): raise ValueError('no, thanks')")
    rows = csv_of("check", f"{tmp_path / 'mine.py'}:broken", *POINT, code=1)
    assert rows[0]["error"].startswith("MethodRaised: ")
    assert rows[0]["error"].endswith("raised ValueError: no, thanks")
    assert (rows[0]["outcome"], rows[0]["f1"]) == ("failed", "")
    assert {row["method"] for row in rows[1:]} == {"random", "constant", "foreground"}


def test_check_as_csv_has_a_row_per_truth():
    rows = csv_of("check", "truth", *POINT)
    assert tuple(rows[0]) == CSV_COLUMNS
    assert [row["truth"] for row in rows if row["method"] == "truth"] == [
        "overall",
        "signed",
        "positive",
        "negative",
        "positive-smooth",
    ]
    assert [row["truth"] for row in rows if row["deciding"] == "True"] == ["signed"] * 4
    assert [row["state"] for row in rows if row["method"] == "truth" and row["truth"] == "signed"] == ["reached"]
    assert {row["method"] for row in rows} == {"truth", "random", "constant", "foreground"}


def test_environments_may_be_repeated_and_all_must_pass():
    verdict = json_of(
        "check",
        "input-x-gradient",
        "--env",
        "multi-color-sum",
        "--env",
        "single-color-sum",
        *POINT,
        "--gamma",
        "0.9",
        code=1,
    )
    assert [one["environment"] for one in verdict["environments"]] == [
        "multi-color-sum[size=16]",
        "single-color-sum[size=16]",
    ]
    assert [one["passed"] for one in verdict["environments"]] == [False, True]


def test_options_of_the_method_may_stand_apart():
    arguments = (
        "check",
        "integrated-gradients",
        "--option",
        "baseline=true",
        "--option",
        "n_steps=3",
        "--env",
        "single-color-sum",
        *POINT,
        "--gamma",
        "0",
    )
    assert json_of(*arguments)["method"] == "integrated-gradients[baseline=true,n_steps=3]"


def test_an_option_may_be_a_color():
    arguments = (
        "check",
        "integrated-gradients",
        "--option",
        "baseline=1,2,3",
        "--option",
        "n_steps=3",
        "--env",
        "multi-color-sum[output=logit]",
        *POINT,
        "--gamma",
        0,
    )
    assert json_of(*arguments)["method"] == "integrated-gradients[baseline=1,2,3,n_steps=3]"


def test_options_in_the_spec_of_the_method_and_apart_are_joined():
    arguments = (
        "check",
        "integrated-gradients[baseline=true]",
        "--option",
        "n_steps=3",
        "--env",
        "single-color-sum",
        *POINT,
        "--gamma",
        "0",
    )
    assert json_of(*arguments)["method"] == "integrated-gradients[baseline=true,n_steps=3]"


@pytest.mark.parametrize(
    ("spec", "expected"),
    some_of(
        [
            ("multi-color-sum", "multi-color-sum[seed=3,size=16]"),
            ("multi-color-sum[size=17]", "multi-color-sum[seed=3,size=17]"),
            ("multi-color-sum[height=17,width=18]", "multi-color-sum[height=17,seed=3,width=18]"),
            ("multi-color-sum[seed=5]", "multi-color-sum[seed=5,size=16]"),
            ("multi-color-sum[data_seed=5]", "multi-color-sum[data_seed=5,size=16]"),
            ("multi-color-sum[network_seed=5]", "multi-color-sum[network_seed=5,size=16]"),
        ],
        ("multi-color-sum", "multi-color-sum[seed=3,size=16]"),
        ("multi-color-sum[height=17,width=18]", "multi-color-sum[height=17,seed=3,width=18]"),
        ("multi-color-sum[seed=5]", "multi-color-sum[seed=5,size=16]"),
    ),
)
def test_size_and_seed_are_for_specs_that_do_not_say(spec, expected):
    verdict = json_of("check", "truth", "--env", spec, *POINT, "--seed", "3")
    assert verdict["environments"][0]["environment"] == expected


@pytest.mark.wide
def test_check_gives_the_batch_size_and_the_device_on():
    verdict = json_of("check", "truth", "--size", 16, "--n-samples", 4, "--batch-size", 2, "--device", "cpu")
    assert (verdict["environments"][0]["n_samples"], verdict["environments"][0]["device"]) == (4, "cpu")


def test_the_truth_that_decides_can_be_chosen():
    assert json_of("check", "truth", *POINT, "--truth", "negative")["deciding_truth"] == "negative"


def test_a_function_of_a_file_is_a_method(mine):
    verdict = json_of("check", f"{mine}:honest", *POINT, "--gamma", "1")
    assert verdict["method"] == f"{mine}:honest"


def test_a_function_of_a_file_without_facts_is_judged_with_signs(mine):
    arguments = ("check", f"{mine}:sums", "--env", "single-color-sum", *POINT, "--gamma", "0")
    assert json_of(*arguments)["deciding_truth"] == "signed"


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("raises", "MethodRaised", "raised ValueError: two"),
        ("nan", "NotFinite", "must return finite values, got NaN values in 1 of 1 maps"),
        (
            "wrong_shape",
            "WrongShape",
            "must return real values of shape (1, 16, 16) or (1, 3, 16, 16), got (1, 3, 3, 16)",
        ),
        ("lists", "WrongShape", "must return a torch.Tensor, got list"),
        ("ruins", "ModelChanged", "changed the model: the values of detector.layers.0.weight are different"),
        ("trains", "ModelChanged", "changed the model: training mode of "),
        ("writes", "InputsChanged", "wrote into its inputs"),
        ("leaves", "MethodRaised", "raised SystemExit: 0"),
    ],
)
def test_a_method_that_misbehaves_fails_with_its_error(mine, name, kind, message):
    (found,) = json_of("check", f"{mine}:{name}", *POINT, code=1)["environments"]
    assert found["error"]["type"] == kind
    assert found["error"]["message"].startswith(f"{mine}:{name} {message}")
    result = run("check", f"{mine}:{name}", *POINT)
    assert result.exit_code == 1
    assert f"{kind}: {mine}:{name}" in " ".join(result.stdout.split())
    assert "Traceback" not in result.output


# Bad input


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("check", "integrated-gradient"), "`method` must be a known name, got 'integrated-gradient'; did you mean integrated-gradients"),
        (("check", "truth", "--env", "multi-colour-sum"), "`environment` must be a known name, got 'multi-colour-sum'; did you mean multi-color-sum"),
        (("check", "gradient", "--option", "steps=3"), "`option` must be a known name, got 'steps'"),
        (("check", "integrated-gradients", "--option", "n_step=3"), "`option` must be a known name, got 'n_step'; did you mean n_steps"),
        (("check", "integrated-gradients", "--option", "n_steps"), "`spec` must list options as option=value, got 'n_steps'"),
        (("check", "integrated-gradients", "--option", "n_steps=x"), "`n_steps` must be auto or an integer, got 'x'"),
        (("check", "occlusion[baseline=1,2]"), "`baseline` must have 3 channels, got (1, 2)"),
        (("check", "gradient["), "`spec` must look like name[option=value,option=value], got 'gradient['"),
        (("check", "truth", "--gamma", "1.5"), "`gamma` must be in [0, 1], got 1.5"),
        (("check", "truth", "--gamma", "-0.1"), "`gamma` must be in [0, 1], got -0.1"),
        (("check", "truth", "--gamma", "nan"), "`gamma` must be in [0, 1], got nan"),
        (("check", "truth", "--truth", "none"), "`truth` must be auto, overall, signed, positive, negative or positive-smooth, got 'none'"),
        (("check", "gradcam", "--truth", "negative"), "`truth` must apply in multi-color-sum[size=16], got 'negative'"),
        (("check", "gradcam[layer=99]"), "`layer` must be an index from 0 to 11, got 99"),
        (("check", "truth", "--n-samples", "0"), "`n_samples` must be at least 4, got 0"),
        (("check", "truth", "--n-samples", "0", "--rule", "point"), "`n_samples` must be at least 1, got 0"),
        (("check", "truth", "--max-seconds", "-1"), "`max_seconds` must be a finite number of at least 0, got -1"),
        (("check", "truth", "--network-seed", "-1"), "`network_seed` must be at least 0, got -1"),
        (("check", "truth", "--batch-size", "0"), "`batch_size` must be at least 1, got 0"),
        (("check", "truth", "--seed", "-1"), "`seed` must be at least 0, got -1"),
        (("check", "truth", "--env", "multi-color-sum[size=15]"), "`size` must be at least 16, got 15"),
        (("check", "truth", "--env", "multi-color-sum[height=8]"), "`height` must be at least 16, got 8"),
        (("check", "truth", "--env", "multi-color-sum[colors=1,2,3;1,2,3]"), "`colors` must be distinct, got "),
        (("check", "truth", "--env", "multi-color-sum[background=255,0,0]"), "`colors` must differ from the background, got (255, 0, 0)"),
        (("check", "truth", "--env", "single-color-sum[max_count=1]"), "`max_count` must be at least what the scenes draw on average, "),
        (("check", ""), "`method` must be a name, file.py:function or package.module:function, got ''"),
        (("check", "mine.py"), "`method` must be a name, file.py:function or package.module:function, got 'mine.py'"),
        (("check", "GradCAM"), "`method` must be a known name, got 'GradCAM'; did you mean gradcam"),
        (("check", "gradient[x=1]"), "`option` must be a known name, got 'x'; gradient takes no options"),
        (("check", "nowhere.py:method"), "`method` must name a file that exists, got 'nowhere.py'"),
        (("check", "no_such_module:method"), "`method` must name a module that exists, got 'no_such_module'"),
        (("check", "math:sinus"), "`method` must name a function that exists, got 'math:sinus'; math has no 'sinus'"),
        (("check", "math:pi"), "`method` must name a function, got 'math:pi'"),
        (("check", "math:sin", "--option", "a=1"), "`options` must be empty for a function (math:sin), got "),
        (("verify", "multi-color-sun"), "`environment` must be a known name, got 'multi-color-sun'; did you mean"),
        (("verify", "single-color-modulo[modulus=1]"), "`modulus` must be at least 2, got 1"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line_and_a_usage_error(arguments, message):
    size = () if any("size=" in part or "height=" in part for part in arguments) else ("--size", "16")
    assert failed(2, *arguments, *size).startswith(message)


def test_a_file_without_the_function_is_one_line(mine):
    assert failed(2, "check", f"{mine}:nothing", *POINT).endswith("has no 'nothing'")
    assert failed(2, "check", f"{mine}:number", *POINT) == f"`method` must name a function, got '{mine}:number'"


@pytest.mark.parametrize(("text", "said"), [("def (", "SyntaxError"), ("1/0", "ZeroDivisionError: division by zero")])
def test_a_file_that_is_no_module_is_one_line(tmp_path, text, said):
    path = tmp_path / "mine.py"
    path.write_text(text)
    assert said in failed(2, "check", f"{path}:method", *POINT)


def test_a_missing_gpu_is_the_machines_fault(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    line = failed(3, "check", "truth", *POINT, "--device", "cuda")
    assert line == "`device` must be one that this machine has, got 'cuda'; torch sees no GPU here"


@pytest.mark.wide
def test_a_warning_is_one_line_on_stderr():
    spec = "multi-color-sum[max_margin=none,temperature=1/4]"
    result = run("check", "truth", "--env", spec, *POINT)
    assert result.exit_code == 0
    (line,) = result.stderr.splitlines()
    assert line.startswith("warning: the softmax saturates where the winner leads by more than 4 pixels")


def test_an_interrupted_command_says_so(monkeypatch):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("attributionlab.judging.check", interrupted)
    assert failed(130, "check", "truth", *POINT) == "interrupted"


@pytest.mark.parametrize("error", [OSError(errno.EIO, "Input/output error"), MemoryError("too much")])
def test_a_machine_that_refuses_is_one_line(monkeypatch, error):
    def refuses(*arguments, **options):
        raise error

    monkeypatch.setattr("attributionlab.judging.check", refuses)
    assert failed(3, "check", "truth", *POINT) == f"the system reported an error: {error}"


@pytest.mark.parametrize("message", ["a [bold]name[/bold]", "an end [/red] without a start", "two\nlines", "x" * 500])
def test_an_error_of_any_text_is_one_line(monkeypatch, message):
    def refuses(*arguments, **options):
        raise OSError(message)

    monkeypatch.setattr("attributionlab.judging.check", refuses)
    assert failed(3, "check", "truth", *POINT) == f"the system reported an error: {' '.join(message.split())}"


# generate


def test_generate_writes_a_folder(tmp_path):
    folder = tmp_path / "set"
    result = run("generate", "multi-color-sum", "-n", 2, "--start", 3, "--size", 16, "--seed", 1, "-o", folder)
    assert (result.exit_code, result.stderr) == (0, "")
    manifest = json.loads((folder / "manifest.json").read_text())
    assert (manifest["environment"], manifest["start"], manifest["n_samples"]) == (
        "multi-color-sum[seed=1,size=16]",
        3,
        2,
    )


def test_generate_says_what_it_wrote_and_where(tmp_path):
    folder = tmp_path / "set"
    text = run("generate", "multi-color-sum", "-n", 1, "--size", 16, "-o", folder).stdout
    said = f"wrote 1 images of multi-color-sum[size=16] to {folder}: see {folder / 'preview.png'}"
    assert "".join(text.split()) == "".join(said.split())


@pytest.mark.wide
@pytest.mark.parametrize("name", ["a [bold] set", "an end [/red]", "[size=16]"])
def test_generate_takes_folders_of_any_name(tmp_path, name):
    result = run("generate", "single-color-sum", "-n", 1, "--size", 16, "-o", tmp_path / name)
    assert (result.exit_code, result.stderr) == (0, "")
    assert (tmp_path / name / "manifest.json").is_file()
    assert "".join(name.split()) in "".join(result.stdout.split())


def test_generate_refuses_to_overwrite_and_does_so_by_force(tmp_path):
    arguments = ("generate", "single-color-sum", "-n", 1, "--size", 16, "-o", tmp_path / "set")
    assert run(*arguments).exit_code == 0
    assert failed(2, *arguments).endswith("use --force to replace it")
    assert run(*arguments, "--force").exit_code == 0


def test_generate_never_replaces_a_folder_of_another_kind(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    assert "manifest.json" in failed(
        2, "generate", "single-color-sum", "-n", 1, "--size", 16, "-o", tmp_path, "--force"
    )
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("multi-color-sun",), "`environment` must be a known name, got 'multi-color-sun'"),
        (("multi-color-sum", "--start", "-1"), "`start` must be at least 0, got -1"),
        (("multi-color-sum", "-n", "0"), "`n_samples` must be at least 1, got 0"),
        (("multi-color-sum[max_radius=9]",), "`max_radius` must let a patch fit into 16x16 pixels, got 9"),
    ],
)
def test_generate_writes_nothing_for_bad_input(tmp_path, arguments, message):
    assert failed(2, "generate", *arguments, "--size", 16, "-o", tmp_path / "set").startswith(message)
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_no_file_can_have_is_a_usage_error(tmp_path):
    for arguments in (
        ("report", tmp_path / ("x" * 300)),
        ("show", "multi-color-sum", "-o", tmp_path / f"{'x' * 300}.png"),
    ):
        assert failed(2, *map(str, arguments)).startswith("a path must be short enough for the file system, got '")


def test_limits_and_places_are_looked_at_also_where_they_would_not_matter(tmp_path):
    assert failed(2, "reproduce", "table1", "-o", str(tmp_path / "p"), "--workers", "1000000").startswith(
        "`workers` must be at most"
    )
    assert failed(2, "report", str(tmp_path), "--figures", "/") == "`figures` must be a folder below the root, got '/'"


def test_generate_on_a_full_disk_is_the_machines_fault(tmp_path, monkeypatch):
    def full(*arguments, **options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(dataset, "write_png", full)
    line = failed(3, "generate", "single-color-sum", "-n", 1, "--size", 16, "-o", tmp_path / "set")
    assert line == f"`output` must be writable, got '{tmp_path / 'set'}'; No space left on device"
    assert list(tmp_path.iterdir()) == []


# show


@pytest.mark.wide
@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_show_writes_a_figure(tmp_path, ending):
    path = tmp_path / f"figure.{ending}"
    result = run("show", "multi-color-sum", "--size", 16, "-n", 1, "--methods", "gradient,truth", "-o", path)
    assert (result.exit_code, result.stderr) == (0, "")
    assert "".join(result.stdout.split()) == f"wrote{path}"
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


@pytest.mark.wide
@pytest.mark.parametrize(("command", "name"), [("show", "figure.png"), ("generate", "images")])
def test_folders_on_the_way_to_the_output_are_made(tmp_path, command, name):
    path = tmp_path / "a" / "b" / name
    assert run(command, "single-color-sum", "--size", 16, "-n", 1, "-o", path).exit_code == 0
    assert path.exists()


@pytest.mark.parametrize(("command", "name"), [("show", "figure.png"), ("generate", "images")])
def test_an_output_below_a_file_is_refused_before_any_work(tmp_path, command, name):
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "a" / name
    line = failed(2, command, "single-color-sum", "--size", 16, "-n", 1, "-o", path)
    assert line == f"`output` must lie in a folder, got '{path}'; {tmp_path / 'file'} is a file"


def test_show_without_methods_draws_images_and_truth(tmp_path):
    path = tmp_path / "figure.png"
    assert run("show", "single-color-sum", "--size", 16, "-n", 1, "-o", path).exit_code == 0
    assert imread(path).ndim == 3


@pytest.mark.wide
def test_show_takes_specs_with_commas(tmp_path, monkeypatch):
    titles = []
    usual = Figure.savefig
    monkeypatch.setattr(
        Figure,
        "savefig",
        lambda self, *a, **k: titles.extend(axis.get_title() for axis in self.axes) or usual(self, *a, **k),
    )
    methods = "gradient,occlusion[baseline=true,window=6]"
    assert (
        run("show", "multi-color-sum", "--size", 16, "-n", 1, "--methods", methods, "-o", tmp_path / "f.png").exit_code
        == 0
    )
    assert "".join(titles[3].split()) == "occlusion[baseline=true,window=6]"


@pytest.mark.wide
def test_show_draws_what_it_can_and_fails_where_a_method_did(tmp_path, mine):
    path = tmp_path / "figure.png"
    result = run("show", "multi-color-sum", "--size", 16, "-n", 1, "--methods", f"truth,{mine}:raises", "-o", path)
    assert result.exit_code == 1
    assert path.is_file()
    assert "raised ValueError: two" in " ".join(result.output.split())


@pytest.mark.parametrize("name", ["a [bold] figure.png", "an end [/red].png"])
def test_show_takes_files_of_any_name(tmp_path, name):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    result = run("show", "single-color-sum", "--size", 16, "-n", 1, "-o", tmp_path / name)
    assert (result.exit_code, result.stderr) == (0, "")
    assert "".join(name.split()) in "".join(result.stdout.split())


def test_show_reports_messages_of_any_text(tmp_path):
    (tmp_path / "mine.py").write_text("def odd(model, inputs, targets): raise ValueError('no [/red] here')")
    methods = f"{tmp_path / 'mine.py'}:odd"
    result = run("show", "single-color-sum", "--size", 16, "-n", 1, "--methods", methods, "-o", tmp_path / "f.png")
    assert result.exit_code == 1
    assert "no [/red] here" in " ".join(result.output.split())


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("figure.jpg", (), "`output` must end in .png or .svg or .pdf, got "),
        (
            "figure.png",
            ("--methods", "gradeint"),
            "`method` must be a known name, got 'gradeint'; did you mean gradient",
        ),
        ("figure.png", ("-n", "0"), "`n` must be at least 1, got 0"),
        ("figure.png", ("--start", "-2"), "`start` must be at least 0, got -2"),
        (
            "figure.png",
            ("--methods", "occlusion[window=17]"),
            "`window` must be at most the image's smaller side (16), got 17",
        ),
    ],
)
def test_show_writes_nothing_for_bad_input(tmp_path, name, arguments, message):
    assert failed(2, "show", "multi-color-sum", "--size", 16, *arguments, "-o", tmp_path / name).startswith(message)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_colored_in_a_pipe():
    for arguments in (
        ("list",),
        ("check", "truth", *POINT),
        ("check", "nothing"),
        ("verify", "single-color-sum", *SMALL),
    ):
        assert not ANSI.search(run(*arguments).output)


@pytest.mark.wide
def test_what_a_method_prints_stays_out_of_the_results(tmp_path):
    text = "print('imported')\ndef prints(model, inputs, targets):\n    print('called')\n    return inputs\n"
    (tmp_path / "mine.py").write_text(text)
    result = run("check", f"{tmp_path / 'mine.py'}:prints", *POINT, "--format", "json")
    assert json.loads(result.stdout)["method"].endswith("mine.py:prints")
    assert "imported" in result.stderr
    assert "called" in result.stderr


def test_an_option_cannot_contradict_the_spec():
    message = failed(2, "check", "gradcam[layer=5]", "--option", "layer=7", *POINT)
    assert message == "`layer` must agree with gradcam[layer=5], got 7"


@pytest.mark.parametrize(
    ("command", "example"), [("generate", "multi-color-sum[size=64]"), ("show", "[baseline=true]")]
)
def test_help_shows_the_brackets_of_its_examples(command, example):
    assert example in "".join(run(command, "--help").output.replace("│", "").split())
