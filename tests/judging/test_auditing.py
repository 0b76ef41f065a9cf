"""The audit of metrics: what it reports, also of methods that fail."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import attributionlab as al
from attributionlab.errors import BadOption, UnknownName
from attributionlab.judging import expand
from attributionlab.judging.ranking import paired_difference

LINEAR = "multi-color-sum[n_redundant=0,output=logit,size=16]"


def negated(model, inputs, targets):
    maps = al.make_method("input-x-gradient")(model, inputs, targets)
    return -maps


def broken(model, inputs, targets):
    raise ValueError("no map today")


def test_metrics_rank_the_truth_first_and_its_opposite_last():
    report = al.audit(["truth", "random", negated], environments=LINEAR, n_samples=4)
    (environment,) = report.environments
    assert report.f1_truth == "positive"
    assert environment.environment == al.make_environment(LINEAR).spec
    scores = list(environment.methods.values())
    assert scores[0].f1 == 1
    assert scores[0].metrics["insertion"] > scores[1].metrics["insertion"] > scores[2].metrics["insertion"]
    assert scores[0].metrics["deletion"] < scores[1].metrics["deletion"] < scores[2].metrics["deletion"]
    assert scores[0].metrics["sensitivity-n"] == pytest.approx(1)
    assert {both.kendall for both in environment.correlations.values()} == {1.0}


@pytest.mark.wide
def test_scores_are_those_of_the_metrics_whatever_the_batch_size():
    environment = al.make_environment("multi-color-sum", size=16)
    batch = environment.sample(3)
    maps = al.make_method("gradient", environment)(environment.model, batch.inputs, batch.targets)
    reports = [
        al.audit(["gradient", "random"], environments=environment, n_samples=3, truth="overall", batch_size=size)
        for size in (1, 3)
    ]
    assert reports[0].to_dict() == reports[1].to_dict()
    scores = reports[0].environments[0].methods["gradient"]
    assert scores.f1 == pytest.approx(float(al.score(maps, batch.ground_truth).overall.f1.mean()))
    expected = al.insertion(environment, batch, maps).auc
    assert torch.equal(torch.from_numpy(scores.image_scores["insertion"]), expected)
    assert scores.metrics["insertion"] == pytest.approx(float(expected.mean()))


def test_a_method_that_fails_is_named_and_the_others_go_on():
    report = al.audit(["truth", broken, "random"], ["deletion"], LINEAR, n_samples=2)
    (environment,) = report.environments
    failed = next(scores for spec, scores in environment.methods.items() if "broken" in spec)
    assert failed.error.type == "MethodRaised"
    assert "no map today" in failed.error.message
    assert environment.correlations["deletion"].kendall == 1
    every = al.audit([broken, also_broken], ["deletion"], LINEAR, n_samples=2)
    assert every.environments[0].correlations["deletion"].spearman is None


def also_broken(model, inputs, targets):
    raise ValueError("none either")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"truth": "negative"}, "`truth` must be auto, overall or positive, got 'negative'"),
        ({"n_samples": 0}, "`n_samples` must be at least 1, got 0"),
        ({"methods": ["truth"]}, "`methods` must be a list of methods, at least 2"),
        ({"metrics": []}, "`metrics` must be a list of metrics, at least 1"),
        ({"references": "exact"}, "`references` must be a list of methods, or auto"),
        ({"references": ["exact", "exact"]}, "`references` must name each one once, got 'exact'"),
        ({"environments": []}, "`environments` must be a list of environments or their specs, at least 1"),
        ({"max_memory": "2GB"}, "`max_memory` must be an integer, got '2GB'"),
        ({"seed": -1}, "`seed` must be at least 0, got -1"),
    ],
)
def test_bad_options_are_named(options, message):
    with pytest.raises(BadOption, match=message):
        al.audit(**{"methods": ["truth", "random"], "environments": LINEAR, "n_samples": 1, **options})


def test_unknown_metrics_are_named():
    with pytest.raises(UnknownName, match="insertion"):
        al.audit(["truth", "random"], ["insertoin"], LINEAR)


@al.metric(higher_is_better=False)
def distance(environment, batch, attribution):
    return (attribution - batch.ground_truth.signed).abs().flatten(1).sum(dim=1)


@al.metric(higher_is_better=True)
def raising(environment, batch, attribution):
    raise ValueError("no score today")


@al.metric(higher_is_better=True)
def misshapen(environment, batch, attribution):
    return attribution


def test_functions_are_metrics_and_one_that_fails_is_named_while_the_others_go_on():
    report = al.audit(["truth", "random", "constant"], ["deletion", distance, raising, misshapen], LINEAR, n_samples=3)
    (environment,) = report.environments
    names = list(environment.correlations)
    assert names[0] == "deletion" and names[1].endswith(":distance")
    assert environment.methods["truth"].metrics[names[1]] == 0
    assert environment.correlations[names[1]].spearman > 0
    assert "raised ValueError: no score today" in environment.metric_errors[names[2]]
    assert "must return one number per image, shape (3,), got (3, 16, 16)" in environment.metric_errors[names[3]]
    assert environment.correlations[names[2]].spearman is None
    assert report.to_dict()["environments"][0]["metric_errors"] == environment.metric_errors


def test_options_of_metrics_reach_them():
    specs = ["insertion[canvas=background]", "sensitivity-n[n_orders=5]"]
    environment = al.make_environment("multi-color-sum", size=16)
    report = al.audit(["gradient", "random"], specs, environment, n_samples=2)
    batch = environment.sample(2)
    maps = al.make_method("gradient", environment)(environment.model, batch.inputs, batch.targets)
    scores = report.environments[0].methods["gradient"].image_scores
    assert torch.equal(
        torch.from_numpy(scores[specs[0]]), al.insertion(environment, batch, maps, canvas="background").auc
    )
    assert torch.equal(torch.from_numpy(scores[specs[1]]), al.sensitivity_n(environment, batch, maps, n_orders=5).mean)


def test_seeds_and_the_counterpart_without_redundant_channels_see_the_same_images():
    methods = ["gradient", "integrated-gradients[n_steps=9]", "deeplift", "gradcam", "occlusion", "constant", "random"]
    environment = al.make_environment("multi-color-sum", size=16, data_seed=3)
    report = al.audit(methods, ["deletion"], environment, n_samples=3, network_seeds=2, paired=True)
    assert [one.environment for one in report.environments] == [
        "multi-color-sum[data_seed=3,size=16]",
        "multi-color-sum[data_seed=3,network_seed=1,size=16]",
        "multi-color-sum[data_seed=3,n_redundant=0,size=16]",
        "multi-color-sum[data_seed=3,n_redundant=0,network_seed=1,size=16]",
    ]
    rhos = [one.correlations["deletion"].spearman for one in report.environments]
    assert len(set(rhos)) > 2, "or the means below say nothing"
    (comparison,) = report.comparisons
    assert comparison.effect.first == pytest.approx((rhos[0] + rhos[1]) / 2)
    assert comparison.effect.second == pytest.approx((rhos[2] + rhos[3]) / 2)
    assert comparison.effect.n_pairs == 2
    assert report.to_dict()["comparisons"][0]["difference"] == comparison.effect.difference
    scores = [both_scores(one) for one in report.environments]
    assert comparison.effect == paired_difference([(scores[0], scores[2]), (scores[1], scores[3])])


def both_scores(environment):
    """F1 and the metric, turned so that higher is better, (methods, images) each."""
    rows = [row.image_scores for row in environment.methods.values()]
    return np.stack([row["f1"] for row in rows]), -np.stack([row["deletion"] for row in rows])


def only_without_redundancy(model, inputs, targets):
    if model.detect(inputs).shape[1] > len(model.classes):
        raise ValueError("redundant channels")
    return inputs


@pytest.mark.wide
def test_a_method_that_fails_in_one_of_two_settings_is_compared_in_neither():
    environment = al.make_environment("multi-color-sum", size=16)
    methods = ["gradient", "deeplift", "random", "constant"]
    options = {"metrics": ["deletion"], "environments": environment, "n_samples": 2, "paired": True}
    report = al.audit([*methods, only_without_redundancy], **options)
    failed = [one.methods[next(spec for spec in one.methods if "only" in spec)].error for one in report.environments]
    assert failed[0] is not None and failed[1] is None
    assert report.comparisons == al.audit(methods, **options).comparisons


def spoils_its_model(model, inputs, targets):
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    return inputs


@pytest.mark.wide
def test_what_a_method_does_to_its_model_is_no_others_business():
    methods = ["gradient", "occlusion", "random"]
    spoiled = al.audit([spoils_its_model, *methods], ["deletion"], LINEAR, n_samples=2).environments[0]
    clean = al.audit(methods, ["deletion"], LINEAR, n_samples=2).environments[0]
    assert next(iter(spoiled.methods.values())).error.type == "ModelChanged"
    for method in methods:
        assert spoiled.methods[method].metrics == clean.methods[method].metrics


def test_a_metric_that_fails_later_has_no_scores_and_is_asked_about_no_map_twice():
    asked = []

    @al.metric(higher_is_better=True)
    def tired(environment, batch, attribution):
        asked.append(len(batch))
        if len(asked) > 2:
            raise ValueError("no more")
        return [1.0] * len(batch)

    report = al.audit(["truth", "random"], ["deletion", tired], LINEAR, n_samples=4, batch_size=1)
    (environment,) = report.environments
    name = next(name for name in environment.metric_errors if "tired" in name)
    assert len(asked) <= 2 * 4
    assert all(scores.metrics[name] is None for scores in environment.methods.values())
    assert all(list(scores.image_scores) == ["f1", "deletion"] for scores in environment.methods.values())


def test_progress_counts_every_map():
    steps = []
    environments = [LINEAR, "single-color-sum[size=16]"]
    al.audit(["truth", broken], ["deletion"], environments, references=[], n_samples=5, progress=steps.append)
    assert steps == [4, 4, 1, 1] * 2


@pytest.mark.wide
def test_exact_values_are_rows_beside_the_methods_that_raise_no_correlation():
    """On probabilities exact values are better than any method here, by F1 and by each metric."""
    environment, methods = "multi-color-sum[size=16]", ["gradient", "occlusion", "random"]
    beside, without, among = (
        al.audit(names, ["deletion"], environment, references=references, n_samples=3).environments[0]
        for names, references in (
            (methods, ("exact", "exact[game=removal]")),
            (methods, ()),
            ([*methods, "exact"], ("exact",)),
        )
    )
    assert list(beside.references) == ["exact", "exact[game=removal]"] and without.references == among.references == {}
    assert beside.methods["gradient"].metrics == without.methods["gradient"].metrics
    assert beside.correlations == without.correlations
    assert beside.references["exact"].metrics == among.methods["exact"].metrics
    assert beside.correlations["deletion"].n_methods == 3
    assert (among.correlations["deletion"].n_methods, among.correlations["deletion"].n_images) == (4, 3)


def test_a_counterpart_has_the_same_network_but_for_the_redundant_channels():
    for accumulator in ("nonnegative", "signed", "uniform"):
        (_, first), (_, second) = expand(
            [al.make_environment("multi-color-sum", size=32, accumulator=accumulator)], paired=True
        )
        batch = first.sample(4)
        assert torch.equal(batch.inputs, second.sample(4).inputs)
        assert torch.equal(first.model.logits(batch.inputs), second.model.logits(batch.inputs))
        n_shared = second.model.accumulator.layers[0].weight.shape[0]
        assert n_shared <= first.model.accumulator.layers[0].weight.shape[0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"environments": LINEAR, "paired": True}, "`paired` must be left out where no environment has redundant"),
        ({"network_seeds": 0}, "`network_seeds` must be at least 1, got 0"),
        ({"methods": ["truth", "random", "truth"]}, "`methods` must name each one once, got 'truth'"),
        ({"metrics": ["deletion", "deletion"]}, "`metrics` must name each one once, got 'deletion'"),
        ({"max_memory": 1000}, "`max_memory` must be at least .* bytes, for one order, got 1000"),
    ],
)
def test_more_bad_options_are_named(options, message):
    with pytest.raises(BadOption, match=message):
        al.audit(**{"methods": ["truth", "random"], "environments": LINEAR, "n_samples": 1, **options})


@pytest.mark.wide
def test_results_do_not_depend_on_the_memory():
    reports = [
        al.audit(["truth", "random"], environments="multi-color-sum[size=16]", n_samples=2, max_memory=memory).to_dict()
        for memory in (200_000, 2_000_000_000)
    ]
    assert reports[0] == reports[1]


def test_an_environment_moves_with_a_copy_of_its_network():
    environment = al.make_environment("multi-color-sum", size=16)
    there = environment.to("cpu")
    assert there == environment and there.model is not environment.model
    assert all(
        torch.equal(one, other)
        for one, other in zip(there.model.parameters(), environment.model.parameters(), strict=True)
    )


@al.metric(higher_is_better=True)
def overwriting(environment, batch, attribution):
    attribution.zero_()
    return attribution.sum(dim=(1, 2))


def test_what_a_metric_does_to_its_maps_is_no_others_business():
    first = al.audit(["truth", "random"], [overwriting, "deletion"], LINEAR, n_samples=2).environments[0]
    alone = al.audit(["truth", "random"], ["deletion"], LINEAR, n_samples=2).environments[0]
    for method in ("truth", "random"):
        assert first.methods[method].metrics["deletion"] == alone.methods[method].metrics["deletion"]


@pytest.mark.parametrize(("metric", "n_points"), [("deletion[steps=20]", 21), ("deletion", 101)])
def test_curves_are_kept_from_the_first_step_to_the_last(metric, n_points):
    """All points where they are few, some where they are many."""
    environment = al.make_environment(LINEAR)
    report = al.audit(["truth", "random"], [metric], environment, n_samples=2)
    found = report.environments[0].methods["truth"].curves[metric]
    batch = environment.sample(2)
    curve = al.deletion(environment, batch, batch.ground_truth.signed)
    assert len(found.at) == n_points
    assert (found.at[0], found.at[-1]) == (0, 1)
    kept = np.searchsorted(curve.steps.numpy() / 256, found.at)
    assert np.array_equal(found.values, curve.outputs.double().numpy()[:, kept])


def ignoring(model, inputs, _targets):
    """The gradient of the winner, whatever the target."""
    leaf = inputs.clone().requires_grad_()
    return torch.autograd.grad(model(leaf).amax(dim=1).sum(), leaf)[0]


def test_another_target_reaches_truth_metrics_and_exact_values_and_a_method_that_ignores_it_is_named():
    environment = al.make_environment(LINEAR)
    report = al.audit(["gradient", ignoring], ["deletion"], environment, n_samples=2, target="loser")
    (audited,) = report.environments
    following, ignorant = audited.methods.values()
    assert (following.f1, following.ignores_target) == (1, False)
    assert (ignorant.f1, ignorant.ignores_target) == (0, True)
    assert [scores.f1 for scores in audited.references.values()] == [1, 1]
    batch = environment.sample(2, target="loser")
    best = al.deletion(environment, batch, batch.ground_truth.signed).auc
    assert following.metrics["deletion"] == pytest.approx(float(best.mean()))
    assert report.to_dict()["target"] == "loser"
    assert not any(
        scores.ignores_target
        for scores in al.audit([ignoring, "random"], ["deletion"], environment, n_samples=2)
        .environments[0]
        .methods.values()
    ), "of the winner nothing can be told"
    with pytest.raises(BadOption, match=r"^`target` must be winner, loser or the index of a color from 0 to 3, got 4"):
        al.audit(["gradient", "random"], environments=environment, target=4)
