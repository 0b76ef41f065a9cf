"""What methods record of their own work, against captum's own figures and against definitions."""

from __future__ import annotations

import pytest
import torch
from captum.attr import DeepLift, IntegratedGradients
from torch import nn

import attributionlab as al
from attributionlab.judging.diagnosis import diagnose
from attributionlab.measuring.facts import MapFacts
from attributionlab.methods.base import captum_quiet
from attributionlab.methods.diagnostics import collecting, record

SPEC = "multi-color-sum[size=16]"


def recorded_by(spec, environment, batch, model=None):
    with collecting() as recorded:
        maps = al.make_method(spec, environment)(model or environment.model, batch.inputs, batch.targets)
    return recorded, maps


def test_values_are_collected_by_name_one_per_image():
    with collecting() as recorded:
        record("a", torch.tensor([1.0, 2.0], requires_grad=True))
        record("b", 0.5)
        record("a", torch.tensor(3))
    assert recorded == {"a": [1.0, 2.0, 3.0], "b": [0.5]}


def test_nothing_is_kept_where_nobody_collects():
    record("a", 1.0)
    with collecting() as recorded:
        pass
    record("a", 1.0)
    assert recorded == {}


def test_collections_keep_their_values_to_themselves_even_after_an_error():
    with collecting() as outer:
        with pytest.raises(RuntimeError), collecting():
            record("a", None)
        with collecting() as inner:
            record("a", 1.0)
        record("a", 2.0)
    assert (outer, inner) == ({"a": [2.0]}, {"a": [1.0]})


@pytest.mark.parametrize(
    ("spec", "captum"),
    [
        ("integrated-gradients[baseline=true,n_steps=7]", IntegratedGradients),
        ("deeplift[baseline=true,rule=captum]", DeepLift),
        ("deepshap[baseline=true,rule=captum]", DeepLift),  # equal baselines: DeepLIFT's delta
    ],
)
def test_the_convergence_delta_is_captums(spec, captum):
    environment = al.make_environment(SPEC)
    batch = environment.sample(3)
    recorded, _ = recorded_by(spec, environment, batch)
    blank = environment.true_baseline[None, :, None, None].expand(1, 3, 16, 16).contiguous()
    options = {"n_steps": 7} if spec.startswith("integrated") else {}
    expected = []
    for image, target in zip(batch.inputs.split(1), batch.targets.split(1), strict=True):
        explainer = captum(environment.model)
        with captum_quiet():
            _, delta = explainer.attribute(image, blank, target=target, return_convergence_delta=True, **options)
        expected.append(float(delta.detach()))
    assert list(recorded) == ["convergence_delta"]
    assert any(abs(value) > 1e-3 for value in expected)
    assert recorded["convergence_delta"] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("name", ["integrated-gradients[n_steps=7]", "deeplift", "deepshap"])
def test_where_nobody_collects_the_model_is_not_run_for_the_delta(name):
    environment = al.make_environment(SPEC)
    batch, calls = environment.sample(1), []
    model = nn.Sequential(environment.model)
    model.register_forward_hook(lambda *_: calls.append(1))
    method = al.make_method(name, environment)
    method(model, batch.inputs, batch.targets)
    n_alone = len(calls)
    recorded_by(name, environment, batch, model)
    assert len(calls) - n_alone == n_alone + 2


def test_the_area_reached_is_the_mean_of_the_mask():
    environment = al.make_environment(SPEC)
    recorded, maps = recorded_by("extremal-perturbation[n_steps=5]", environment, environment.sample(2))
    areas = maps.double().mean(dim=(1, 2))
    assert recorded == {
        "area_reached": pytest.approx(areas.tolist()),
        "area_error": pytest.approx((areas / 0.1 - 1).tolist(), abs=1e-6),
    }


def test_an_area_that_is_missed_is_told():
    facts = MapFacts()
    assert diagnose(facts, {"area_error": [0.1, -0.1]}) == ()
    (line,) = diagnose(facts, {"area_error": [0.05, -0.5, 0.3]})
    assert line.startswith("2 of 3 masks miss their area by more than 10% (by up to -50%): the area is only a penalty")


def test_the_fit_of_a_model_that_adds_up_over_segments_is_perfect():
    environment = al.make_environment("single-color-sum[size=16]")
    batch = environment.sample(2)
    recorded, _ = recorded_by("kernel-shap[segments=grid,n_samples=200]", environment, batch)
    assert recorded == {"r_squared": pytest.approx([1.0, 1.0], abs=1e-4)}
