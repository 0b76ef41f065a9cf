"""Known answers for people who write metrics."""

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
"""Float64 sums in another order."""


def assert_metric_known_answers(
    metric: str | AnyMetric | MetricFunction, *, n_samples: int = 4, size: int = 16, seed: int = 0
) -> None:
    """A perturbation metric ranks known maps as it must where the output is a sum over known pixels.

    The truth is the best map there is: noise is worse, its negation is worse than noise, and maps without any
    information (equal values, zeros) are worse than the truth. Scores are numbers, one per image, that depend neither on the other
    images nor on earlier calls, and the metric leaves its maps alone.

    Args:
        metric: A name or spec, a function declared by `attributionlab.metric`, or where to find one.
        n_samples: Images.
        size: Side of the images.
        seed: Seed of the images and of the noise.

    Raises:
        AssertionError: If one of this does not hold.
        BadOption: If there is no such metric, or it does not declare in which direction it is better.
    """
    __tracebackhide__ = True
    found = make_metric(metric)
    environment = Subject.of("constant", COUNTING, n_samples, size, seed).environment
    batch = environment.sample(n_samples)
    truth = batch.ground_truth.signed.double()
    noise = torch.from_numpy(generator(seed, "known answers").standard_normal(truth.shape))
    maps = {"truth": truth, "noise": noise, "negated truth": -truth}
    maps |= {"equal values": torch.ones_like(truth), "zeros": torch.zeros_like(truth)}
    scores = {name: _scores(found, environment, batch, name, values) for name, values in maps.items()}
    for name in ("truth", "noise", "negated truth"):
        if not scores[name].isfinite().all():
            raise AssertionError(f"{found.spec} has no finite score for the {name}: {_list(scores[name])}")
    sign = 1.0 if found.higher_is_better else -1.0
    for better, worse in (
        ("truth", "noise"),
        ("truth", "equal values"),
        ("truth", "zeros"),
        ("noise", "negated truth"),
    ):
        gain = sign * (scores[better] - scores[worse]).nanmean()  # a map without information may have no score
        if not gain > 0 and bool(scores[worse].isfinite().any()):
            direction = "higher" if found.higher_is_better else "lower"
            raise AssertionError(
                f"{found.spec} ranks {worse} at or above {better} ({direction} is better, as declared)\n"
                f"  {better}: {_list(scores[better])}\n  {worse}: {_list(scores[worse])}\n"
                "-> look at the order of the pixels, at ties, and at the declared direction"
            )
    again = _scores(found, environment, batch, "noise", noise)
    if not torch.equal(again, scores["noise"]):
        raise AssertionError(
            f"{found.spec} gives the same maps other scores when it is called again: seed what it draws"
        )
    alone = torch.cat(
        [_scores(found, environment, batch[row : row + 1], "noise", noise[row : row + 1]) for row in range(n_samples)]
    )
    if ((alone - scores["noise"]).abs() > ROUNDING * scores["noise"].abs().clamp(min=1)).any():
        raise AssertionError(
            f"{found.spec} depends on the batch: an image has another score alone than with others\n"
            f"  alone: {_list(alone)}\n  together: {_list(scores['noise'])}"
        )


def _scores(metric: AnyMetric, environment: Environment, batch: Batch, name: str, maps: Tensor) -> Tensor:
    """The scores of maps, (b,) float64, of a metric that leaves them alone."""
    given = maps.clone()
    try:
        scores = metric.evaluate(environment, batch, [given])[0].scores.double().cpu()
    except AttributionLabError as error:
        raise AssertionError(f"{metric.spec} refuses the {name}: {error}") from error
    if not torch.equal(given, maps):
        raise AssertionError(f"{metric.spec} writes into the maps that it is given; work on a copy")
    return scores


def _list(scores: Tensor) -> str:
    return ", ".join(f"{score:.4g}" for score in scores.tolist())
