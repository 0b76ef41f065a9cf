"""From a name, a spec, a function or the address of a function to a method."""

import re
import sys
import textwrap

import pytest
import torch

import attributionlab as al
from attributionlab.environments import make_environment
from attributionlab.errors import BadOption, MissingFile, UnknownName
from attributionlab.methods import METHODS, FunctionMethod, make_method
from attributionlab.methods.gradients import Gradient, IntegratedGradients

DOUBLE = """
def double(model, inputs, targets):
    return inputs * 2
"""


def write(folder, text, name="mine.py"):
    path = folder / name
    path.write_text(textwrap.dedent(text), encoding="utf-8")
    return path


def apply(method):
    return method(None, torch.ones(1, 1, 2, 2), torch.tensor([0])).flatten().tolist()


@pytest.fixture
def module_folder(tmp_path, monkeypatch):
    """A folder whose modules can be imported, and are forgotten afterwards."""
    monkeypatch.syspath_prepend(str(tmp_path))
    known = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - known:
        del sys.modules[name]


def test_the_methods_of_the_papers_are_registered():
    assert set(METHODS) >= {
        "gradient",
        "gradient-magnitude",
        "input-x-gradient",
        "smoothgrad",
        "smoothgrad-squared",
        "vargrad",
        "integrated-gradients",
        "expected-gradients",
        "guided-backprop",
        "deconvnet",
        "deeplift",
        "deepshap",
        "lrp-epsilon",
        "lrp-z",
        "lrp-alpha-beta",
        "lrp-gamma",
        "lrp-epsilon-plus-flat",
        "lrp-epsilon-alpha2-beta1-flat",
        "deep-taylor",
        "pattern-net",
        "pattern-attribution",
        "gradcam",
        "guided-gradcam",
        "iba",
        "occlusion",
        "rise",
        "extremal-perturbation",
        "lime",
        "kernel-shap",
        "random",
        "constant",
        "edge",
        "input",
        "truth",
        "exact",
    }


NOISE = {"n_draws": 50, "noise": 0.15}
PUBLISHED = {
    "smoothgrad": NOISE,
    "smoothgrad-squared": NOISE,
    "vargrad": NOISE,
    "integrated-gradients": {"baseline": "black"},
    "deepshap": {"baseline": "black"},
    "gradcam": {"layer": 5, "relu": True},
    "guided-gradcam": {"layer": 5},
    "iba": {"layer": 7, "information_weight": 20.0},
    "lrp-alpha-beta": {"alpha": 2.0},
    "lrp-gamma": {"gamma": 0.25},
    "occlusion": {"baseline": "black", "window": 5, "stride": 3},
    "rise": {"cells": 7, "probability": 0.5},
    "extremal-perturbation": {"area": 0.1, "baseline": "blur", "blur": 20.0, "area_weight": 300.0},
}
"""Settings of the papers (appendix G.2, Adebayo et al. 2018, Montavon et al. 2019, Petsiuk et al. 2018, Fong et al. 2019)."""


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_defaults_are_those_of_the_papers(name):
    method = make_method(name)
    assert {option: getattr(method, option) for option in PUBLISHED[name]} == PUBLISHED[name]


def test_a_name_makes_the_method():
    assert make_method("gradient") == Gradient()


def test_options_may_come_from_the_spec_or_as_keywords():
    expected = IntegratedGradients(baseline="true", n_steps=7)
    assert make_method("integrated-gradients[baseline=true,n_steps=7]") == expected
    assert make_method("integrated-gradients[baseline=true]", n_steps=7) == expected
    assert make_method("integrated-gradients", baseline="true", n_steps="7") == expected


def test_keywords_must_not_contradict_the_spec():
    message = r"^`n_steps` must agree with integrated-gradients\[n_steps=7\], got 9$"
    with pytest.raises(BadOption, match=message):
        make_method("integrated-gradients[n_steps=7]", n_steps=9)
    assert make_method("integrated-gradients[n_steps=7]", n_steps="7").n_steps == 7


def test_a_baseline_of_numbers_needs_no_quotes():
    method = make_method("integrated-gradients[baseline=1,2,3,n_steps=7]")
    assert method.baseline == (1, 2, 3)
    assert method.spec == "integrated-gradients[baseline=1,2,3,n_steps=7]"


def test_a_method_is_bound_to_its_environment():
    environment = make_environment("multi-color-sum", size=16)
    assert make_method("gradient", environment).environment is environment
    assert make_method(make_method("gradient", environment)).environment is environment


def test_a_method_can_be_bound_to_another_environment_with_other_options():
    first, second = make_environment("multi-color-sum", size=16), make_environment("single-color-sum", size=16)
    method = make_method("integrated-gradients", first, n_steps=7)
    again = make_method(method, second, baseline="true")
    assert again.environment is second
    assert again == IntegratedGradients(n_steps=7, baseline="true")
    assert method.environment is first


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("integrated-gradient", "did you mean integrated-gradients"),
        ("gradeint", "did you mean gradient"),
        ("zzz", "`attributionlab list methods` lists them"),
    ],
)
def test_an_unknown_method_is_refused_with_a_hint(name, hint):
    with pytest.raises(UnknownName, match=rf"^`method` must be a known name, got {name!r}; {hint}"):
        make_method(name)


def test_an_unknown_option_is_refused_with_a_hint():
    message = "^`option` must be a known name, got 'n_step'; did you mean n_steps"
    with pytest.raises(UnknownName, match=message):
        make_method("integrated-gradients[n_step=7]")


@pytest.mark.parametrize("name", ["gradient", "constant", "truth"])
def test_a_method_without_options_refuses_any(name):
    message = rf"^`option` must be a known name, got 'seed'; {name} takes no options$"
    with pytest.raises(UnknownName, match=message):
        make_method(name, seed=1)


def test_the_environment_is_not_an_option():
    with pytest.raises(UnknownName, match=r"^`option` must be a known name, got 'environment'"):
        make_method("gradient[environment=none]")


@pytest.mark.parametrize("value", ["many", "1.5", True, None])
def test_an_option_of_another_type_is_refused(value):
    with pytest.raises(BadOption, match=rf"^`n_steps` must be auto or an integer, got {re.escape(repr(value))}$"):
        make_method("integrated-gradients", n_steps=value)


def test_an_option_outside_of_its_choices_is_refused():
    with pytest.raises(BadOption, match=r"^`quadrature` must be gausslegendre or riemann_left or"):
        make_method("integrated-gradients[quadrature=simpson]")


@pytest.mark.parametrize("text", ["gradient[", "gradient]", "[]", "gradient[a=1]b", "gradient[[a=1]]"])
def test_text_that_is_no_spec_is_refused(text):
    with pytest.raises(BadOption, match=r"^`spec` must look like name\[option=value,option=value\], got "):
        make_method(text)


@pytest.mark.parametrize("method", [3, None, 2.5, ["gradient"]])
def test_what_is_neither_text_nor_function_is_refused(method):
    with pytest.raises(BadOption, match=r"^`method` must be a spec or a function \(model, inputs, targets\) -> Tensor"):
        make_method(method)


def test_a_function_that_is_declared_as_a_metric_is_refused():
    @al.metric(higher_is_better=True)
    def mass(_environment, _batch, attribution):
        return attribution.flatten(1).sum(dim=1)

    with pytest.raises(BadOption, match=r"^`method` must be declared as a method, got '.*mass'; it has a MetricDecl"):
        make_method(mass)


def test_a_function_takes_no_options():
    with pytest.raises(BadOption, match=r"^`options` must be empty for a function, got \{'n_steps': 3\}$"):
        make_method(lambda _model, inputs, _targets: inputs, n_steps=3)


def test_a_registered_function_is_a_method_under_its_name(monkeypatch):
    monkeypatch.setitem(METHODS.entries, "double", lambda _model, inputs, _targets: inputs * 2)
    method = make_method("double")
    assert isinstance(method, FunctionMethod)
    assert method.spec == "double"
    assert apply(method) == [2.0] * 4


@pytest.mark.parametrize(("text", "options"), [("double[a=1]", {}), ("double", {"a": 1})])
def test_a_registered_function_takes_no_options(monkeypatch, text, options):
    monkeypatch.setitem(METHODS.entries, "double", lambda _model, inputs, _targets: inputs * 2)
    with pytest.raises(BadOption, match=r"^`options` must be empty for double, which is a function, got \{'a': "):
        make_method(text, **options)


def test_a_function_is_loaded_from_a_file(tmp_path):
    path = write(tmp_path, DOUBLE)
    method = make_method(f"{path}:double")
    assert method.spec == f"{path}:double"
    assert apply(method) == [2.0] * 4


def test_a_function_is_loaded_from_a_file_by_a_relative_path(tmp_path, monkeypatch):
    write(tmp_path, DOUBLE)
    monkeypatch.chdir(tmp_path)
    assert apply(make_method("mine.py:double")) == [2.0] * 4


def test_a_function_is_loaded_from_a_folder_with_odd_characters(tmp_path):
    folder = tmp_path / "a folder: with [odd] names"
    folder.mkdir()
    assert apply(make_method(f"{write(folder, DOUBLE)}:double")) == [2.0] * 4


def test_two_files_of_the_same_name_do_not_get_in_each_others_way(tmp_path):
    for name, factor in (("a", 2), ("b", 3)):
        (tmp_path / name).mkdir()
        write(tmp_path / name, f"def times(model, inputs, targets): return inputs * {factor}")
    first, second = (make_method(f"{tmp_path / name / 'mine.py'}:times") for name in "ab")
    assert apply(first) == [2.0] * 4
    assert apply(second) == [3.0] * 4


def test_a_file_called_like_a_module_that_is_already_imported_hides_nothing(tmp_path):
    path = write(tmp_path, DOUBLE, "json.py")
    assert apply(make_method(f"{path}:double")) == [2.0] * 4
    import json

    assert json.loads("1") == 1


def test_a_file_may_define_dataclasses(tmp_path):
    path = write(
        tmp_path,
        """
        from __future__ import annotations
        from dataclasses import dataclass

        @dataclass
        class Options:
            factor: float = 2.0

        def double(model, inputs, targets):
            return inputs * Options().factor
        """,
    )
    assert apply(make_method(f"{path}:double")) == [2.0] * 4


def test_a_function_of_a_file_brings_its_declaration(tmp_path):
    path = write(
        tmp_path,
        """
        from attributionlab import declares

        @declares(sign="positive")
        def positive(model, inputs, targets):
            return inputs
        """,
    )
    assert make_method(f"{path}:positive").declaration.sign == "positive"


def test_a_function_is_loaded_from_a_module(module_folder):
    write(module_folder, DOUBLE, "a_module_of_mine.py")
    assert apply(make_method("a_module_of_mine:double")) == [2.0] * 4


def test_a_function_is_loaded_from_a_module_in_a_package(module_folder):
    (module_folder / "a_package_of_mine").mkdir()
    write(module_folder / "a_package_of_mine", "", "__init__.py")
    write(module_folder / "a_package_of_mine", DOUBLE, "inner.py")
    assert apply(make_method("a_package_of_mine.inner:double")) == [2.0] * 4


def test_a_module_in_the_current_folder_is_found(module_folder, monkeypatch):
    write(module_folder, DOUBLE, "a_module_next_to_me.py")
    monkeypatch.setattr(sys, "path", [entry for entry in sys.path if entry not in ("", str(module_folder))])
    monkeypatch.chdir(module_folder)
    assert apply(make_method("a_module_next_to_me:double")) == [2.0] * 4


@pytest.mark.parametrize("text", ["mine.py:double", "sub/mine.py:double"])
def test_a_file_that_is_not_there_is_reported(tmp_path, monkeypatch, text):
    monkeypatch.chdir(tmp_path)
    path = text.partition(":")[0]
    with pytest.raises(MissingFile, match=rf"^`method` must name a file that exists, got '{path}'$"):
        make_method(text)


def test_a_folder_is_no_file(tmp_path):
    (tmp_path / "mine.py").mkdir()
    with pytest.raises(MissingFile, match=r"^`method` must name a file that exists"):
        make_method(f"{tmp_path / 'mine.py'}:double")


def test_a_function_that_is_not_in_the_file_is_reported(tmp_path):
    path = write(tmp_path, DOUBLE)
    message = f"`method` must name a function that exists, got '{path}:triple'; {path} has no 'triple'"
    with pytest.raises(MissingFile, match=rf"^{re.escape(message)}$"):
        make_method(f"{path}:triple")


@pytest.mark.parametrize("text", ["mine.py", "mine.py:", "mine.txt:double", ":double", "", ".:double", "a:b:double"])
def test_what_names_neither_a_file_nor_a_module_is_told_what_to_write(tmp_path, monkeypatch, text):
    write(tmp_path, DOUBLE, "mine.txt")
    write(tmp_path, DOUBLE)
    monkeypatch.chdir(tmp_path)
    message = f"`method` must be a name, file.py:function or package.module:function, got {text!r}"
    with pytest.raises(BadOption, match=rf"^{re.escape(message)}$"):
        make_method(text)


def test_options_after_the_address_of_a_function_are_refused(tmp_path):
    path = write(tmp_path, DOUBLE)
    message = f"`options` must be empty for a function ({path}:double), got 'a=1'"
    with pytest.raises(BadOption, match=rf"^{re.escape(message)}$"):
        make_method(f"{path}:double[a=1]")


@pytest.mark.parametrize(
    "text", ["no_such_module:double", "attributionlab.no_such_module:double", "no_such_file.txt:double"]
)
def test_a_module_that_is_not_there_is_reported(text):
    module = text.rpartition(":")[0]
    message = f"`method` must name a module that exists, got '{module}'; a file is written file.py:function"
    with pytest.raises(MissingFile, match=rf"^{re.escape(message)}$"):
        make_method(text)


def test_a_function_that_is_not_in_the_module_is_reported():
    with pytest.raises(MissingFile, match=r"^`method` must name a function that exists, got 'math:sinus'; math has no"):
        make_method("math:sinus")


@pytest.mark.parametrize("text", ["math:pi", "sys:path"])
def test_what_is_not_callable_is_refused(text):
    with pytest.raises(BadOption, match=rf"^`method` must name a function, got '{text}'$"):
        make_method(text)


BROKEN = {
    "syntax": ("def (", "SyntaxError: "),
    "exception": ("raise ValueError('broken')", "ValueError: broken"),
    "missing dependency": ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_file_that_cannot_be_imported_is_reported(tmp_path, case):
    path = write(tmp_path, BROKEN[case][0])
    message = f"`method` must be importable, got '{path}'; {BROKEN[case][1]}"
    with pytest.raises(BadOption, match=rf"^{re.escape(message)}"):
        make_method(f"{path}:double")


@pytest.mark.parametrize("case", BROKEN)
def test_a_module_that_cannot_be_imported_is_reported(module_folder, case):
    write(module_folder, BROKEN[case][0], "a_broken_module.py")
    message = f"`method` must be importable, got 'a_broken_module'; {BROKEN[case][1]}"
    with pytest.raises(BadOption, match=rf"^{re.escape(message)}"):
        make_method("a_broken_module:double")


def test_a_missing_dependency_whose_name_begins_like_the_module_is_not_taken_for_it(module_folder):
    """`quantus_methods.py` that imports a `quantus` that is not installed: the dependency is missing, not the file."""
    write(module_folder, "import a_library", "a_library_methods.py")
    message = "`method` must be importable, got 'a_library_methods'; ModuleNotFoundError: No module named 'a_library'"
    with pytest.raises(BadOption, match=rf"^{re.escape(message)}$"):
        make_method("a_library_methods:double")


def test_a_file_that_exits_the_program_cannot_be_imported(tmp_path):
    """A script without `if __name__ == "__main__"` must not end ours, least of all with exit code 0."""
    path = write(tmp_path, "import sys\nsys.exit(0)")
    with pytest.raises(BadOption, match=r"^`method` must be importable, got .*; SystemExit: 0$"):
        make_method(f"{path}:double")


def test_a_loaded_function_takes_no_options(tmp_path):
    path = write(tmp_path, DOUBLE)
    with pytest.raises(
        BadOption, match=r"^`options` must be empty for a function \(.*mine\.py:double\), got \{'a': 1\}$"
    ):
        make_method(f"{path}:double", a=1)
