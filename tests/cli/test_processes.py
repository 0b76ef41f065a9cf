"""The command as other programs run it: a few real processes."""

import inspect
import json
import os
import subprocess
import sys
import warnings
from functools import partial
from pathlib import Path

import pytest
from joblib.externals.loky import process_executor

from attributionlab import __version__
from attributionlab.cli.output import one_line_errors

CLEAN = {
    key: value for key, value in os.environ.items() if key not in ("FORCE_COLOR", "PYTHONWARNINGS", "TTY_COMPATIBLE")
}


@pytest.fixture
def run(warm_python):
    return partial(warm_python.run, "from attributionlab.cli.app import app; app()", env=CLEAN)


def python(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=CLEAN)


def test_the_entry_point_is_installed():
    command = Path(sys.executable).parent / "attributionlab"
    result = subprocess.run([command, "--version"], capture_output=True, text=True, check=False, env=CLEAN)
    assert result.returncode == 0
    assert result.stdout.count(".") >= 2


HEAVY = "print(sorted(set(sys.modules) & {'torch', 'numpy', 'captum', 'matplotlib', 'scipy', 'skimage'}))"


def test_importing_the_package_does_not_import_torch():
    assert (
        python(f"import sys, attributionlab; attributionlab.__version__; dir(attributionlab); {HEAVY}").stdout == "[]\n"
    )


@pytest.mark.parametrize("arguments", ["--help", "--version", "check --help", "generate --help"])
def test_help_does_not_import_torch(arguments):
    code = (
        f"import sys\nfrom attributionlab.cli.app import app\ntry:\n    app({arguments.split()})\nfinally:\n    {HEAVY}"
    )
    result = python(code)
    assert result.returncode == 0
    assert result.stdout.endswith("[]\n")
    assert result.stderr == ""


@pytest.mark.wide
def test_checking_the_gradient_imports_no_library_that_it_does_not_use_and_spares_the_collector_its_objects():
    libraries = {
        "captum",
        "joblib",
        "matplotlib",
        "pandas",
        "numpy.f2py",
        "scipy",
        "skimage",
        "sklearn",
        "sympy",
    }
    code = (
        "import gc, sys\nfrom attributionlab.cli.app import app\n"
        "app('check gradient --size 16 --n-samples 4 --gamma 0'.split(), standalone_mode=False)\n"
        f"print(sorted(set(sys.modules) & {libraries}), gc.isenabled(), gc.get_freeze_count() > 0)"
    )
    result = python(code)
    assert result.stderr == ""
    assert result.stdout.splitlines()[-1] == "[] True True"


def test_that_loky_replaces_a_process_is_not_worth_a_line(capsys):
    text = "A worker stopped while some jobs were given to the "
    assert text in inspect.getsource(process_executor)
    with one_line_errors():
        warnings.warn(text, UserWarning, stacklevel=1)
        warnings.warn("this one is", UserWarning, stacklevel=1)
    assert capsys.readouterr().err == "warning: this one is\n"


def test_check_of_a_function_in_a_file_passes(tmp_path, run):
    (tmp_path / "mine.py").write_text(
        "from attributionlab import declares\n"
        "@declares(needs=['batch'])\n"
        "def honest(model, inputs, targets, *, batch):\n"
        "    return batch.ground_truth.signed\n"
    )
    result = run("check", "mine.py:honest", "--size", 16, "--n-samples", 4, "--format", "json", cwd=tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert json.loads(result.stdout)["method"] == "mine.py:honest"


def test_check_of_a_bad_method_fails_in_a_pipe_without_colors(run):
    result = run("check", "constant", "--size", 16, "--n-samples", 4)
    assert (result.returncode, result.stderr) == (1, "")
    assert "BLIND" in result.stdout
    assert "\x1b" not in result.stdout


def test_a_usage_error_is_one_line():
    result = python("from attributionlab.cli.app import app; app(['check', 'gradeint', '--size', '16'])")
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("error: `method` must be a known name, got 'gradeint'; did you mean gradient")
    assert result.stderr.count("\n") == 1


@pytest.mark.slow
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_behind_stdout_is_the_machines_fault():
    command = [sys.executable, "-c", "from attributionlab.cli.app import app; app()", "list", "--format", "json"]
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False, env=CLEAN)
    assert result.returncode == 3
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("workers", [1, 2])
def test_what_methods_print_stays_out_of_the_results_of_a_run(tmp_path, run, workers):
    (tmp_path / "mine.py").write_text(
        "import os\n\n\ndef loud(model, inputs, targets):\n"
        "    print('loud')\n    os.write(1, b'raw\\n')\n    return inputs\n"
    )
    (tmp_path / "plan.toml").write_text('environments = ["multi-color-sum[size=16]"]\nmethods = ["mine.py:loud"]\n')
    result = run("run", "plan.toml", "-o", "run", "--workers", workers, "--format", "json", cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)["n_run"] == 4
    assert result.stderr.count("raw\n") == result.stderr.count("loud\n") == 4


@pytest.mark.wide
def test_python_can_run_the_package():
    command = [sys.executable, "-m", "attributionlab", "--version"]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout == f"{__version__}\n"
