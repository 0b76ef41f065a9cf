"""Methods, metrics, environments and segmenters that are registered, by a call, a decorator or an entry point."""

from __future__ import annotations

import importlib.metadata
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

import attributionlab as al
from attributionlab.cli.app import app
from attributionlab.environments import ENVIRONMENTS, SingleColorSum, complete_environment
from attributionlab.errors import BadOption, BrokenEnvironment, UnknownName
from attributionlab.methods import METHODS, SEGMENTERS
from attributionlab.metrics import METRICS
from attributionlab.modification import MANIPULATIONS
from attributionlab.specs.rules import import_object

CATALOGS = (METHODS, METRICS, ENVIRONMENTS, SEGMENTERS, MANIPULATIONS)


def double(model, inputs, targets):
    """Twice the inputs."""
    return inputs * 2


def halves(picture):
    """The left and the right half."""
    return np.tile(np.arange(picture.shape[1]) * 2 // picture.shape[1], (picture.shape[0], 1))


@dataclass(frozen=True, kw_only=True)
class Scaled(al.Method):
    """The inputs, scaled."""

    name: ClassVar[str] = "scaled"
    declaration: ClassVar[al.Declaration] = al.Declaration(family="test")
    factor: int = 2

    def attribute(self, model, inputs, targets):  # noqa: ARG002  # it needs no model
        return inputs * self.factor


@dataclass(frozen=True, kw_only=True)
class WhiteCount(SingleColorSum):
    """White pixels under another name."""

    name: ClassVar[str] = "white-count"


@pytest.fixture(autouse=True)
def _unregistered_afterwards(fresh_catalogs):
    pass


@pytest.mark.parametrize("catalog", CATALOGS, ids=lambda catalog: catalog.kind)
def test_our_own_entries_follow_the_rules_for_those_of_others(catalog):
    for name in catalog.built_in:
        catalog.rules.check(catalog.kind, name, import_object(catalog.built_in[name]))


@pytest.mark.parametrize("catalog", CATALOGS, ids=lambda catalog: catalog.kind)
def test_hints_name_only_what_exists(catalog):
    names = {name for names in catalog.aliases.values() for name in names}
    assert {name for name in names if ":" not in name} <= set(catalog.built_in)
    assert all(alias == alias.lower() and alias.isalnum() for alias in catalog.aliases)
    assert not set(catalog.aliases) & {name.replace("-", "") for name in catalog.built_in}


def test_a_method_may_be_registered_as_a_class_with_options():
    assert al.register_method(Scaled) is Scaled
    assert al.make_method("scaled[factor=3]") == Scaled(factor=3)
    assert al.make_method("scaled[factor=3]").spec == "scaled[factor=3]"
    assert "scaled" in list(METHODS)


def test_a_method_may_be_registered_as_a_function():
    al.register_method("double", double)
    method = al.make_method("double")
    assert method.spec == "double"
    assert method(None, torch.ones(1, 1, 2, 2), torch.tensor([0])).flatten().tolist() == [2.0] * 4


def test_a_metric_may_be_registered():
    @al.register_metric("total")
    @al.metric(higher_is_better=False)
    def total(environment, batch, attribution):
        return attribution.flatten(1).sum(dim=1)

    assert al.make_metric("total").spec == "total"
    assert not al.make_metric("total").higher_is_better


def test_a_metric_without_a_direction_is_refused_when_it_is_registered():
    with pytest.raises(BadOption, match=r"^`metric` must declare in which direction it is better, got 'total'"):
        al.register_metric("total", double)


def test_an_environment_may_be_registered():
    al.register_environment(WhiteCount)
    environment = al.make_environment("white-count[size=16]")
    assert environment == WhiteCount(height=16, width=16)
    assert environment.spec == "white-count[size=16]"


@dataclass(frozen=True, kw_only=True)
class Even(SingleColorSum):
    """An environment with a size of its own, which refuses odd lengths by an exception of Python's."""

    name: ClassVar[str] = "even"
    size: int = 20
    length: int = 2
    shorthands: ClassVar = {}

    def __post_init__(self):
        if self.length % 2:
            raise ValueError(f"odd: {self.length}")
        super().__post_init__()

    def prove(self):
        return 1 / (self.length - 4)


def test_what_a_constructor_raises_is_a_bad_option():
    al.register_environment(Even)
    for build in (lambda: al.make_environment("even[length=3]"), lambda: al.make_environment(Even, length=3)):
        with pytest.raises(
            BadOption, match=r"^`environment` must accept its options, got 'even\[length=3\]'; ValueError: odd: 3$"
        ):
            build()
    with pytest.raises(BadOption, match=r"got 'even\[length=5\]'"):
        al.make_environment(Even(), length=5)


def test_what_the_check_of_options_raises_names_it():
    with pytest.raises(BrokenEnvironment, match=r"^`prove` of even raised ZeroDivisionError: division by zero"):
        al.make_environment(Even(length=4))


def test_an_option_called_size_takes_the_default_for_sizes():
    al.register_environment(Even)
    assert complete_environment("even", size=32, seed=1).spec == "even[size=32]"
    assert complete_environment("even[size=48]", size=32).spec == "even[size=48]"


def test_a_segmenter_may_be_registered_and_explained_with():
    al.register_segmenter(halves)
    environment = al.make_environment("single-color-sum", size=16)
    batch = environment.sample(1)
    for name in ("lime", "kernel-shap"):
        method = al.make_method(f"{name}[n_samples=10,segments=halves]", environment)
        assert method.spec == f"{name}[n_samples=10,segments=halves]"
        (left, right) = method(environment.model, batch.inputs, batch.targets)[0].split(8, dim=1)
        assert left.unique().numel() == right.unique().numel() == 1


@pytest.mark.parametrize(("segments", "hint"), [("halfs", r"did you mean halves\?"), ("zzz", "known: felzenszwalb, ")])
def test_an_unknown_segmenter_is_refused_with_the_closest_one(segments, hint):
    al.register_segmenter(halves)
    with pytest.raises(UnknownName, match=rf"^`segments` must be a known name, got '{segments}'; {hint}"):
        al.make_method("lime", segments=segments)


@pytest.mark.parametrize("name", ["grid", "oracle", "sam"])
def test_a_segmenter_cannot_take_the_name_of_a_prior_of_ours(name):
    with pytest.raises(BadOption, match=r"it is taken by attributionlab itself$"):
        al.register_segmenter(name, halves)


def test_a_registered_segmenter_is_listed_among_the_values_of_the_option():
    al.register_segmenter(halves)
    result = CliRunner().invoke(app, ["list", "methods", "lime", "--format", "json"])
    assert "(quickshift or felzenszwalb or slic or grid or oracle or sam or halves)" in result.stdout


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("IntegratedGradients", "integrated-gradients"),
        ("ig", "integrated-gradients"),
        ("DeepLiftShap", "deepshap"),
        ("GradCAM", "gradcam"),
        ("LayerGradCam", "gradcam"),
        ("Saliency", "gradient-magnitude or gradient"),
        ("LRP", "lrp-epsilon or lrp-z or lrp-alpha-beta or lrp-gamma"),
        ("InputXGradient", "input-x-gradient"),
        ("FeatureAblation", "occlusion"),
        ("KernelShap", "kernel-shap"),
        ("GuidedGradCam", "guided-gradcam"),
        ("NoiseTunnel", "smoothgrad or smoothgrad-squared or vargrad"),
        ("LayerLRP", "lrp-epsilon or lrp-z or lrp-alpha-beta or lrp-gamma"),
        ("NeuronDeconvolution", "deconvnet"),
        ("grad*input", "input-x-gradient"),
        ("LOO", "occlusion"),
        ("KernelExplainer", "kernel-shap"),
        ("guided", "guided-gradcam or guided-backprop"),
    ],
)
def test_names_of_captum_and_usual_abbreviations_are_suggested(name, hint):
    with pytest.raises(UnknownName, match=rf"; did you mean {hint}\?$"):
        al.make_method(name)


@pytest.mark.parametrize("name", ["rollout", "mean", "xyz"])
def test_a_name_that_is_like_none_gets_the_command_that_lists_all(name):
    with pytest.raises(UnknownName, match=r"; `attributionlab list methods` lists them$"):
        al.make_method(name)


def test_every_class_of_captum_that_attributes_gets_a_hint_or_the_command_that_lists_all():
    import captum.attr

    for name in captum.attr.__all__:
        with pytest.raises(UnknownName, match=r"; (did you mean .*\?|`attributionlab list methods` lists them)$"):
            al.make_method(name)


# Entry points, on the command line


@dataclass
class Point:
    """An entry point of the package `orchard`."""

    name: str
    entry: object = None

    @property
    def value(self):
        return f"orchard:{self.name}"

    def load(self):
        if self.entry is None:
            raise ImportError("No module named 'orchard'")
        return self.entry


@pytest.fixture
def installed(monkeypatch):
    """Entry points of the group of methods, to be filled by the test."""
    points = []
    ours = importlib.metadata.entry_points

    def entry_points(*, group):
        return list(points) if group == "attributionlab.methods" else ours(group=group)

    monkeypatch.setattr(importlib.metadata, "entry_points", entry_points)
    return points


def test_a_broken_entry_point_costs_the_command_line_one_warning_line(installed):
    installed.extend([Point("broken"), Point("scaled", Scaled)])
    first = CliRunner().invoke(app, ["list", "methods", "--format", "csv"])
    assert first.exit_code == 0
    assert first.stderr == (
        "warning: the method 'broken' of an installed package (orchard:broken) cannot be used: "
        "ImportError: No module named 'orchard'\n"
    )
    assert first.stdout.splitlines()[-1].startswith("methods,scaled,")
    second = CliRunner().invoke(app, ["list", "methods", "--format", "csv"])
    assert (second.stdout, second.stderr) == (first.stdout, "")


def test_a_broken_entry_point_is_the_reason_given_for_its_own_name(installed):
    installed.append(Point("broken"))
    for _ in range(2):
        with pytest.raises(UnknownName, match=r"^`method` must be usable, got 'broken'; .*orchard"):
            al.make_method("broken")


def test_names_of_ours_work_without_loading_entry_points(installed):
    installed.append(Point("broken"))
    assert al.make_method("gradient").spec == "gradient"


def test_a_method_of_an_installed_package_is_used_like_ours(installed):
    installed.append(Point("scaled", Scaled))
    assert al.make_method("scaled", factor="5") == Scaled(factor=5)
