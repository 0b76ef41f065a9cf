"""The plugin through its whole life: fixtures, marker, options, table, pictures, workers."""

from __future__ import annotations

import subprocess
import sys

import pytest

from attributionlab.judging import check  # noqa: F401  # once for all tests, with torch and NumPy, which a process cannot import
from attributionlab.reports.figures.saving import save_figure  # noqa: F401  # anew after pytester has forgotten them
from attributionlab.reports.tables.descriptions import CATALOGS
from attributionlab.testing import assert_all  # noqa: F401  # as above

pytest_plugins = ["pytester"]

OPTIONS = ("-p", "no:randomly", "-p", "no:cacheprovider", "-p", "no:hypothesispytest")
"""Without plugins that take seconds to import in every process."""


@pytest.fixture(scope="module", autouse=True)
def everything_in_catalogs_is_imported():
    """pytester forgets modules that are imported inside a run; catalogs would keep classes whose annotations nobody can read."""
    for catalog in CATALOGS.values():
        for name in catalog:
            catalog.get(name)


USING = """
    import pytest
    from attributionlab.testing import assert_faithful

    def test_default(attribution_environment, attribution_batch):
        assert attribution_environment.spec == "multi-color-sum[size=32]"
        assert attribution_batch.inputs.shape == (4, 3, 32, 32)

    @pytest.mark.parametrize("attribution_environment", ["single-color-sum[size=16]"], indirect=True)
    def test_indirect(attribution_environment, attribution_batch):
        assert attribution_environment.name == "single-color-sum"
        assert len(attribution_batch) == 4

    @pytest.mark.attributionlab(environments=["multi-color-sum", "single-color-sum[size=20]"], seeds=[0, 7], n_samples=2)
    def test_matrix(attribution_environment, attribution_batch):
        assert len(attribution_batch) == 2
        assert_faithful("input-x-gradient", attribution_environment, rule="point", n_samples=2)
"""

FAILING = """
    from attributionlab.testing import assert_dummy, assert_faithful

    def test_constant():
        assert_faithful("constant", size=16, gamma=0.9, n_samples=4)

    def test_dummy():
        assert_dummy("random", size=16, n_samples=2)

    def test_nothing():
        pass
"""


DUMMY = """
    from attributionlab.testing import assert_dummy

    def test_dummy():
        assert_dummy("random", size=16, n_samples=2)
"""

SENT = """
    import pytest
    from attributionlab.testing import assert_faithful

    @pytest.mark.attributionlab(environments=["single-color-sum[size=20]"], seeds=[0, 7], n_samples=1)
    def test_matrix(attribution_environment, attribution_batch):
        assert_faithful("input-x-gradient", attribution_environment, rule="point", n_samples=1)
"""


def test_the_marker_makes_a_matrix_and_the_summary_a_table(pytester):
    pytester.makepyfile(USING)
    result = pytester.runpytest_inprocess("-v", "--strict-markers", *OPTIONS)
    result.assert_outcomes(passed=6)
    result.stdout.fnmatch_lines(
        [
            "*test_matrix?multi-color-sum-seed0? PASSED*",
            "*test_matrix?multi-color-sum-seed7? PASSED*",
            "*test_matrix?single-color-sum?size=20?-seed0? PASSED*",
            "*test_matrix?single-color-sum?size=20?-seed7? PASSED*",
            "*faithfulness (attributionlab)*",
            "method *environment *decided by *F1 *95 % CI *networks *s per image *verdict",
            "input-x-gradient *multi-color-sum?seed=7,size=32? *signed *passed",
            "input-x-gradient *multi-color-sum?size=32? *signed *passed",
            "    overall reached, signed reached, *; answers *",
        ]
    )


@pytest.mark.wide
@pytest.mark.parametrize("n_workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_workers_send_what_they_find(pytester, n_workers):
    pytester.makepyfile(SENT)
    result = pytester.runpytest_subprocess("-n", str(n_workers), *OPTIONS)
    result.assert_outcomes(passed=2)
    result.stdout.fnmatch_lines(
        ["*faithfulness (attributionlab)*", "input-x-gradient *single-color-sum?seed=7,size=20? *passed"]
    )


@pytest.mark.wide
def test_failures_say_what_is_wrong_and_leave_pictures_in_the_folder(pytester):
    pytester.makepyfile(FAILING)
    result = pytester.runpytest_inprocess("--attributionlab-artifacts", "pictures/of/failures", *OPTIONS)
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(
        [
            "E *AssertionError: constant does not follow the network: F1 on overall truth is 0.?? (0.?? to 0.??), gamma 0.9*",
            "E *image *precision *recall *F1 *expected",
            "E *picture of the worst images: *test_constant*constant-does-not-follow-the-network*.png",
            "constant *multi-color-sum?height=16,width=18? *overall *0.??-0.?? *blind",
            "    overall below, *; answers no game; what now: the maps do not depend on the network, *attributionlab show *",
        ],
        consecutive=False,
    )
    module = "test_failures_say_what_is_wrong_and_leave_pictures_in_the_folder.py"
    pictures = sorted(path.relative_to(pytester.path).parts for path in pytester.path.rglob("*.png"))
    assert [parts[:4] for parts in pictures] == [
        ("pictures", "of", "failures", f"{module}-test_constant"),
        ("pictures", "of", "failures", f"{module}-test_dummy"),
    ]


@pytest.mark.wide
def test_pictures_go_to_a_temporary_folder_of_the_session_otherwise(pytester):
    pytester.makepyfile(DUMMY)
    result = pytester.runpytest_inprocess("--basetemp", "temporary", *OPTIONS)
    result.assert_outcomes(failed=1)
    assert len(list((pytester.path / "temporary").rglob("*.png"))) == 1


@pytest.mark.wide
def test_it_is_silent_where_it_is_not_used(pytester):
    pytester.makepyfile("import sys\n\ndef test_nothing():\n    assert 'torch' not in sys.modules\n")
    result = pytester.runpytest_subprocess(*OPTIONS)
    result.assert_outcomes(passed=1)
    assert "faithfulness" not in result.stdout.str()


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("@pytest.mark.attributionlab(environment=['x'])", "has no option 'environment'; known: environments, seeds"),
        ("@pytest.mark.attributionlab(['x'])", "takes options by name, got"),
        (
            "@pytest.mark.attributionlab(seeds=[])",
            "`seeds` of the marker attributionlab must be a list of at least one",
        ),
        ("@pytest.mark.attributionlab(environments='multi-color-sum')", "`environments` of the marker"),
    ],
)
def test_a_marker_with_a_mistake_is_named(pytester, code, message):
    pytester.makepyfile(f"import pytest\n\n{code}\ndef test_it(attribution_batch):\n    pass\n")
    result = pytester.runpytest_inprocess(*OPTIONS)
    assert result.ret in (pytest.ExitCode.INTERRUPTED, pytest.ExitCode.USAGE_ERROR)
    assert message in result.stdout.str() + result.stderr.str()


def test_a_marked_test_without_the_fixtures_is_named(pytester):
    pytester.makepyfile("import pytest\n\n@pytest.mark.attributionlab\ndef test_it():\n    pass\n")
    result = pytester.runpytest_inprocess(*OPTIONS)
    assert (
        "a marked test must take attribution_environment or attribution_batch"
        in result.stdout.str() + result.stderr.str()
    )


def test_a_marker_of_a_class_or_module_does_not_concern_tests_without_the_fixtures(pytester):
    pytester.makepyfile(
        "import pytest\n\npytestmark = pytest.mark.attributionlab(seeds=[0, 1])\n\ndef test_other():\n    pass\n\n"
        "class TestIt:\n    def test_it(self, attribution_environment):\n        pass\n\n    def test_other(self):\n        pass\n"
    )
    pytester.runpytest_inprocess(*OPTIONS).assert_outcomes(passed=4)


def test_a_marked_test_case_of_unittest_says_what_to_do(pytester):
    pytester.makepyfile(
        "import unittest\nimport pytest\n\n@pytest.mark.attributionlab\nclass TestIt(unittest.TestCase):\n    def test_it(self):\n        pass\n\n"
        "class TestOther(unittest.TestCase):\n    @pytest.mark.attributionlab\n    def test_marked(self):\n        pass\n\n"
        "    def test_other(self):\n        pass\n"
    )
    result = pytester.runpytest_inprocess(*OPTIONS)
    result.assert_outcomes(passed=1, errors=2)
    result.stdout.fnmatch_lines(["*has no effect on a unittest.TestCase*loop: for seed in (0, 1): with self.subTest*"])


SAME_NAMES = """
    import functools
    from attributionlab.testing import assert_dummy, assert_faithful

    def method(model, inputs, targets, factor=1):
        return factor * inputs[:, 0]

    class TestFirst:
        def test_it(self):
            assert_dummy(method, size=16, n_samples=2)

    class TestSecond:
        def test_it(self):
            for _ in range(2):
                try:
                    assert_dummy(method, size=16, n_samples=2)
                except AssertionError as error:
                    last = error
            raise last

    def test_partials():
        for factor in (1, -1):
            try:
                assert_faithful(functools.partial(method, factor=factor), size=16, rule="point", n_samples=1)
            except AssertionError:
                pass
"""


def test_tests_and_methods_of_one_name_are_told_apart(pytester):
    pytester.makepyfile(SAME_NAMES)
    result = pytester.runpytest_inprocess("--attributionlab-artifacts", "pictures", *OPTIONS)
    result.assert_outcomes(passed=1, failed=2)
    result.stdout.fnmatch_lines(["*:method(factor=-1) *", "*:method(factor=1) *"], consecutive=False)
    pictures = [
        path.relative_to(pytester.path / "pictures").parts for path in (pytester.path / "pictures").rglob("*.png")
    ]
    dummy = sorted(name for name in pictures if "Test" in name[0])
    assert [folder.rpartition(".py-")[2] for folder, _ in dummy] == [
        "TestFirst-test_it",
        "TestSecond-test_it",
        "TestSecond-test_it",
    ]
    assert len(set(dummy)) == 3


CHANGING = """
    import pytest
    from attributionlab.testing import assert_maps_unchanged

    @pytest.mark.parametrize("method", ["gradient", "input-x-gradient"])
    def test_it(method):
        from os import environ
        assert_maps_unchanged(lambda *call: int(environ["FACTOR"]) * __import__("attributionlab").make_method(method)(*call), size=16)
"""


def test_a_baseline_is_stored_once_and_fails_where_maps_change(pytester, monkeypatch):
    pytester.makepyfile(CHANGING)
    options = ("--attributionlab-baseline", "maps.npz", *OPTIONS)
    for factor, outcomes, counts in (("1", {"passed": 2}, "0 compared, 2 stored"), ("1", {"passed": 2}, "2 compared, 0 stored"), ("2", {"failed": 2}, "2 compared, 0 stored")):  # fmt: skip
        monkeypatch.setenv("FACTOR", factor)
        result = pytester.runpytest_inprocess(*options)
        result.assert_outcomes(**outcomes)
        result.stdout.fnmatch_lines([f"attributionlab baseline maps.npz: {counts} for the first time"])
    result.stdout.fnmatch_lines(
        [
            "E *gives other maps than the baseline: they differ by up to 1 of its largest value",
            "E *-> if the change is meant, delete*",
        ]
    )
    pytester.runpytest_inprocess(*OPTIONS).assert_outcomes(skipped=2)
    (pytester.path / "maps.npz").write_text("no maps")
    result = pytester.runpytest_inprocess(*options)
    result.stdout.fnmatch_lines(
        ["E *BadOption: `--attributionlab-baseline` must be a .npz file that the plugin wrote*"]
    )


def test_an_unknown_environment_is_one_line(pytester):
    pytester.makepyfile(
        "import pytest\n\n@pytest.mark.attributionlab(environments=['multi-colour-sum'])\n"
        "def test_it(attribution_environment):\n    pass\n"
    )
    result = pytester.runpytest_inprocess(*OPTIONS)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["attribution_environment: `environment` must be a known name*did you mean multi-color-sum*"]
    )
    assert "Traceback" not in result.stdout.str()


def test_options_that_do_not_fit_are_refused(pytester):
    pytester.makepyfile("def test_it(attribution_batch):\n    pass\n")
    both = pytester.runpytest_inprocess("--attributionlab-quick", "--attributionlab-full", *OPTIONS)
    assert "give --attributionlab-quick or --attributionlab-full, not both" in both.stderr.str()
    pytester.makefile(".txt", taken="")
    blocked = pytester.runpytest_inprocess("--attributionlab-artifacts", "taken.txt/below", *OPTIONS)
    assert blocked.ret == pytest.ExitCode.USAGE_ERROR
    assert "--attributionlab-artifacts must be a folder that can be written" in blocked.stderr.str()


def test_the_full_matrix_has_more_environments_and_seeds(pytester):
    pytester.makepyfile(
        "import pytest\n\n@pytest.mark.attributionlab\ndef test_it(attribution_environment):\n"
        "    assert attribution_environment.height == 64\n"
    )
    pytester.runpytest_inprocess("--attributionlab-full", *OPTIONS).assert_outcomes(passed=9)


def test_the_plugin_imports_nothing_heavy():
    code = (
        "import sys, attributionlab.pytest_plugin; print(sorted({'torch', 'numpy', 'matplotlib'} & set(sys.modules)))"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed == "[]\n"
