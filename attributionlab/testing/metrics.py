"""Known answers for tests of metrics."""

from __future__ import annotations

import torch
from torch import Tensor

from attributionlab.environments import Environment
from attributionlab.errors import AttributionLabError
from attributionlab.metrics import AnyMetric, MetricFunction, make_metric
from attributionlab.seeding import generator
from attributionlab.testing.subject import COUNTING, Subject
from attributionlab.truth import Batch

ROUNDING = 1e-9
"""Relative error of float64 sums in another order."""


def assert_metric_known_answers(
    metric: str | AnyMetric | MetricFunction, *, n_samples: int = 4, size: int = 16, seed: int = 0
) -> None:
    """A perturbation metric ranks known maps correctly where the output is a sum over known pixels.

    The truth is the best possible map, noise is worse, the negated truth is worse than noise, and maps without information
    (equal values, zeros) are worse than the truth. Scores are numbers, one per image, which depend neither on other
    images nor on earlier calls, and the metric does not change its maps.

    Args:
        metric: A name or spec, a function declared by `attributionlab.metric`, or the address of one.
        n_samples: Number of images.
        size: Side of the images.
        seed: Seed of the images and of the noise.

    Raises:
        AssertionError: If one of these does not hold.
        BadOption: If there is no such metric, or it does not declare its direction.
    """
    __tracebackhide__ = True
    built = make_metric(metric)
    environment = Subject.of("constant", COUNTING, n_samples, size, seed).environment
    batch = environment.sample(n_samples)
    truth = batch.ground_truth.signed.double()
    noise = torch.from_numpy(generator(seed, "known answers").standard_normal(truth.shape))
    maps = {"truth": truth, "noise": noise, "negated truth": -truth}
    maps |= {"equal values": torch.ones_like(truth), "zeros": torch.zeros_like(truth)}
    scores = {name: _scores(built, environment, batch, name, values) for name, values in maps.items()}
    for name in ("truth", "noise", "negated truth"):
        if not scores[name].isfinite().all():
            raise AssertionError(f"{built.spec} has no finite score for the {name}: {_list(scores[name])}")
    _assert_ranks(built, scores)
    _assert_reproducible(built, environment, batch, noise, scores["noise"])


def _assert_ranks(metric: AnyMetric, scores: dict[str, Tensor]) -> None:
    """The metric ranks known maps correctly."""
    __tracebackhide__ = True
    sign = 1.0 if metric.higher_is_better else -1.0
    for better, worse in (
        ("truth", "noise"),
        ("truth", "equal values"),
        ("truth", "zeros"),
        ("noise", "negated truth"),
    ):
        gain = sign * (scores[better] - scores[worse]).nanmean()  # a map without information may have no score
        if not gain > 0 and bool(scores[worse].isfinite().any()):
            direction = "higher" if metric.higher_is_better else "lower"
            raise AssertionError(
                f"{metric.spec} ranks {worse} at or above {better} ({direction} is better, as declared)\n"
                f"  {better}: {_list(scores[better])}\n  {worse}: {_list(scores[worse])}\n"
                "-> look at the order of the pixels, at ties, and at the declared direction"
            )


def _assert_reproducible(
    metric: AnyMetric, environment: Environment, batch: Batch, maps: Tensor, scores: Tensor
) -> None:
    """The scores of maps depend neither on earlier calls nor on the batch."""
    __tracebackhide__ = True
    repeated = _scores(metric, environment, batch, "noise", maps)
    if not torch.equal(repeated, scores):
        raise AssertionError(
            f"{metric.spec} gives the same maps other scores when it is called again: seed what it draws"
        )
    alone = torch.cat(
        [_scores(metric, environment, batch[row : row + 1], "noise", maps[row : row + 1]) for row in range(len(batch))]
    )
    if ((alone - scores).abs() > ROUNDING * scores.abs().clamp(min=1)).any():
        raise AssertionError(
            f"{metric.spec} depends on the batch: an image has another score alone than with others\n"
            f"  alone: {_list(alone)}\n  together: {_list(scores)}"
        )


def _scores(metric: AnyMetric, environment: Environment, batch: Batch, name: str, maps: Tensor) -> Tensor:
    """The scores of maps, (b,) float64, of a metric that must not change them."""
    copied = maps.clone()
    try:
        scores = metric.evaluate(environment, batch, [copied])[0].scores.double().cpu()
    except AttributionLabError as error:
        raise AssertionError(f"{metric.spec} refuses the {name}: {error}") from error
    if not torch.equal(copied, maps):
        raise AssertionError(f"{metric.spec} writes into the maps that it is given; work on a copy")
    return scores


def _list(scores: Tensor) -> str:
    """Scores for a message."""
    return ", ".join(f"{score:.4g}" for score in scores.tolist())
