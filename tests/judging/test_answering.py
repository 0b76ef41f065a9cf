"""`answers`: declared games against computed ones, printing, bad input."""

from __future__ import annotations

import dataclasses
import json

import pytest
import torch

import attributionlab as al
from attributionlab.errors import BadOption
from attributionlab.methods import context_for
from attributionlab.methods.factory import METHODS

DECLARED = [
    # n_steps: the ramp of a color is 1/255 of the path from black
    ("integrated-gradients", "multi-color-sum[size=16,temperature=4]", "aumann-shapley@black"),
    ("integrated-gradients[baseline=true,n_steps=300]", "single-color-sum[size=16]", "aumann-shapley@true"),
    ("occlusion[baseline=true,stride=1,window=1]", "multi-color-sum[size=16]", "removal@true"),
    ("occlusion[baseline=5,6,7,stride=1,window=1]", "multi-color-sum[size=16]", "removal@5,6,7"),
    (
        "kernel-shap[n_samples=1000,segments=oracle]",
        "multi-color-sum[size=16,temperature=4]",
        "shapley[segments=oracle]@true",
    ),
    (
        "kernel-shap[baseline=black,n_samples=300,segments=oracle]",
        "single-color-sum[size=16]",
        "shapley[segments=oracle]@black",
    ),
    ("deeplift", "multi-color-sum[n_redundant=0,output=logit,size=16]", "aumann-shapley@black"),
    ("deepshap[baseline=true]", "single-color-modulo[size=16]", "aumann-shapley@true"),
    ("deepshap[baseline=samples,n_baselines=2]", "single-color-sum[size=16]", "aumann-shapley@samples"),
    ("expected-gradients[n_baselines=2]", "single-color-sum[size=16]", "aumann-shapley@samples"),
]


@pytest.mark.parametrize(("method", "environment", "game"), DECLARED)
def test_methods_answer_the_games_that_they_declare(method, environment, game):
    environment = al.make_environment(environment)
    batch, method = environment.sample(1), al.make_method(method, environment)
    maps = method(environment.model, batch.inputs, batch.targets, **context_for(method, batch))
    agreement = al.score_values(maps, method.exact_answer(environment, batch))
    assert method.answers == game
    assert agreement.l1 < 0.05


def test_what_a_method_declares_is_compared_beside_all_games():
    result = al.answers("deeplift", "single-color-sum[size=16]", n_samples=2)
    assert result.declared == "aumann-shapley@black"
    assert result.declared in result.answers
    assert result.exit_code == 0
    segments = al.answers("kernel-shap[n_samples=50,segments=oracle]", "single-color-sum[size=16]", n_samples=1)
    assert segments.declared in segments.answers
    assert "shapley[segments=oracle]@true" in str(segments)


def test_no_other_method_declares_a_game():
    declaring = {name for name in METHODS if getattr(METHODS.get(name), "declaration", al.Declaration()).answers}
    assert declaring == {al.make_method(spec).name for spec, *_ in DECLARED}
    environment = al.make_environment("multi-color-sum", size=16)
    for spec in ("occlusion", "deeplift", "deepshap[baseline=true]"):
        assert al.make_method(spec, environment).answers is None


@pytest.mark.wide
def test_a_method_that_misses_what_it_declares_says_so():
    result = al.answers("integrated-gradients[n_steps=2]", "multi-color-sum[size=16]", n_samples=2)
    assert (result.exit_code, result.answers) == (1, [])
    assert "declares to answer aumann-shapley@black and misses its values" in " ".join(str(result).split())


@pytest.mark.wide
def test_methods_that_explain_the_logit_are_compared_with_its_values():
    environment = al.make_environment("multi-color-sum", size=16)
    result = al.answers("occlusion[stride=1,window=1]", environment, n_samples=1)
    logit = al.answers("occlusion[stride=1,window=1]", environment.changed(output="logit"), n_samples=1)
    assert (result.explains, result.games["removal@black"].largest_l1) == ("logit", 0)
    assert result.games["removal@true"].scores["l1"] == pytest.approx(logit.games["removal@true"].scores["l1"])


@pytest.mark.wide
def test_estimated_values_are_answered_within_their_errors():
    spec = "exact[baseline=black,n_orders=400]"
    result = al.answers(spec, "multi-color-sum[size=16]", baselines="black", n_samples=2, n_orders=100)
    agreement = result.games["shapley@black"]
    assert 0 < agreement.scores["l1"] <= agreement.noise < 0.5
    assert "shapley@black" in result.answers
    assert agreement.scores["dummy"] is None
    assert "~" in str(result)


def test_results_print_as_tables_frames_and_json():
    result = al.answers(
        "occlusion[stride=1,window=1]", "multi-color-sum[size=16]", baselines=["true", (1, 2, 3)], n_samples=1
    )
    assert str(result).splitlines()[2].split() == [
        "game",
        "from",
        "true",
        "from",
        "1,2,3",
        "from",
        "black",
        "answers",
    ]  # black, because it is declared
    assert "<pre" in result._repr_html_()
    frame = result.to_pandas()
    assert frame["game"].tolist() == list(result.games)
    stored = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert stored["answers"] == ["removal@1,2,3", "removal@black"]
    assert stored["declared"] == "removal@black"
    assert list(stored["games"]["removal@1,2,3"]) == [
        "cosine",
        "rank",
        "sign",
        "l1",
        "l1_rescaled",
        "dummy",
        "completeness",
    ]


def test_a_method_that_breaks_is_named():
    @al.declares(answers="shapley@true")
    def broken(*_):
        raise RuntimeError("no map")

    result = al.answers(broken, "single-color-sum[size=16]")
    assert (result.exit_code, result.games, result.declared) == (1, {}, "shapley@true")
    assert "no map" in str(result)
    assert result.to_dict()["error"]["type"]


def test_functions_declare_games():
    @al.declares(answers="removal@true")
    def white(_model, inputs, _targets):
        return inputs

    assert al.answers(white, "single-color-sum[size=16]", n_samples=2).exit_code == 0

    @al.declares(answers="shapley@samples")
    def undefined(_model, inputs, _targets):
        return inputs

    assert al.answers(undefined, "single-color-sum[size=16]", n_samples=1).exit_code == 0, "nothing to compare with"


@pytest.mark.parametrize("answers", ["shapley", "shaply@true", "shapley@red", "@true", 3])
def test_wrong_declarations_are_refused(answers):
    with pytest.raises(BadOption, match="`answers` must be"):
        al.declares(answers=answers)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"baselines": []}, "`baselines` must be a list of baselines, at least 1"),
        ({"baselines": ["red"]}, "`baselines` must be black or true or a list of numbers or a tensor, got 'red'"),
        ({"baselines": [(1, 2)]}, "`baseline` must have 3 channels"),
        ({"n_samples": 0}, "`n_samples` must be at least 1, got 0"),
        ({"n_orders": 1}, "`n_orders` must be at least 2, got 1"),
    ],
)
def test_bad_options_get_one_line(options, message):
    with pytest.raises(BadOption, match=message.replace("(", r"\(")):
        al.answers("gradient", "multi-color-sum[size=16]", **options)


def test_an_environment_without_games_says_so():
    @dataclasses.dataclass(frozen=True, kw_only=True)
    class Unknown(type(al.make_environment("single-color-sum[size=16]"))):
        name = "unknown"

        def build_network(self):
            return torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64 * 65, 1))

        def set_function(self, *_):
            return None

    environment = Unknown(height=64, width=65)  # more features than forward passes
    result = al.answers("gradient", environment, n_samples=1)
    assert (result.games, result.exit_code) == ({}, 0)
    assert "no game has exact values here" in str(result)
