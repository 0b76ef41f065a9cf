"""Known answers for tests of metrics."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from attributionlab.environments import Environment
from attributionlab.errors import AttributionLabError
from attributionlab.metrics import AnyMetric, FunctionMetric, MetricFunction, make_metric
from attributionlab.seeding import generator
from attributionlab.testing.moves import MOVES
from attributionlab.testing.subject import COUNTING, Subject
from attributionlab.truth import Batch

ROUNDING = 1e-9
"""Relative error of float64 sums in another order."""

GRADES = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Shares of the truth's pixels in the maps of the graded family; as many other pixels take the place of the rest."""

MANY = 16
"""Least number of images on which noise and equal values are judged: few small scores can be equal by chance."""

_PLACES: dict[str, Callable[[Tensor], Tensor]] = {
    "mirrored": lambda maps: maps.flip(2),
    "upside down": lambda maps: maps.flip(1),
    "with rows and columns swapped": lambda maps: maps.transpose(1, 2).reshape(maps.shape),
    "with a transpose in place of a reshape": lambda maps: maps.reshape(
        len(maps), maps.shape[2], maps.shape[1]
    ).transpose(1, 2),
    **MOVES,
}
"""Changes of the truth, each of which is worse than the truth itself."""


def assert_metric_known_answers(
    metric: str | AnyMetric | MetricFunction, *, n_samples: int = 4, size: int = 16, seed: int = 0
) -> None:
    """A perturbation metric scores known maps correctly where the output is a sum over known pixels.

    The truth is the best possible map, noise is worse, the negated truth is worse than noise, and maps without information
    (equal values, zeros) are worse than the truth. Maps that contain 0, 25, 50, 75 and 100 percent of the truth rise in this order;
    the truth in a half of the image is worse than all of it; moved, mirrored or transposed it is worse than in its place. Pixels of
    equal value are not taken in the order of their places. Scores are numbers, one per image, which depend neither on the scale
    of a map, nor on other images, nor on earlier calls, and the metric does not change its maps.

    Args:
        metric: A name or spec, a function declared by `attributionlab.metric`, or the address of one.
        n_samples: Number of images; they are an eighth wider than high, and the truth reaches all four edges.
        size: Rows of the images.
        seed: Seed of the images and of the noise.

    Raises:
        AssertionError: If one of these does not hold.
        BadOption: If there is no such metric, or it does not declare its direction.
    """
    __tracebackhide__ = True
    subject = Subject.of("constant", COUNTING, n_samples, size, seed)
    answers = _Answers(make_metric(metric), subject.environment, subject.batch, seed)
    answers.assert_unchanged()
    more_images = replace(answers, batch=subject.environment.sample(max(n_samples, MANY)))
    answers.assert_finite()
    answers.assert_truth_is_best()
    answers.assert_reproducible()
    answers.assert_in_place()
    answers.assert_graded()
    more_images.assert_halves()
    answers.assert_scale()
    more_images.assert_ties()
    more_images.assert_signs()


@dataclass(frozen=True, eq=False)
class _Answers:
    """A metric and the images of known answers.

    Args:
        metric: The metric.
        environment: The environment.
        batch: Its images.
        seed: Seed of the noise.
    """

    metric: AnyMetric
    environment: Environment
    batch: Batch
    seed: int

    @property
    def truth(self) -> Tensor:
        """(b, h, w) float64: 1 on the truth."""
        return self.batch.ground_truth.signed.double()

    def noise(self, index: int = 0) -> Tensor:
        """(b, h, w) float64: normal noise."""
        random = generator(self.seed, "known answers", index)
        return torch.from_numpy(random.standard_normal(self.truth.shape))

    def scores(self, name: str, maps: Tensor, rows: slice | None = None) -> Tensor:
        """The scores of maps, (b,) float64."""
        batch = self.batch if rows is None else self.batch[rows]
        try:
            return self.metric.evaluate(self.environment, batch, [maps.clone()])[0].scores.double().cpu()
        except AttributionLabError as error:
            raise AssertionError(f"{self.metric.spec} refuses the {name}: {error}") from error

    def gain(self, better: Tensor, worse: Tensor) -> float:
        """By how much the first scores are better, on the mean over images where both are defined."""
        sign = 1.0 if self.metric.higher_is_better else -1.0
        return float(sign * (better - worse).nanmean())

    def assert_unchanged(self) -> None:
        """The metric writes neither into the maps nor into the images that it is given."""
        __tracebackhide__ = True
        maps, batch = self.noise(), replace(self.batch, inputs=self.batch.inputs.clone())
        with contextlib.suppress(Exception):  # a metric that refuses the maps is told below, by their name
            if isinstance(self.metric, FunctionMetric):  # `evaluate` gives functions a copy
                self.metric.function(self.environment, batch, maps)
            else:
                self.metric.evaluate(self.environment, batch, [maps])
        for name, before, after in (("maps", self.noise(), maps), ("images", self.batch.inputs, batch.inputs)):
            if not torch.equal(before, after):
                raise AssertionError(f"{self.metric.spec} writes into the {name} that it is given; work on a copy")

    def assert_finite(self) -> None:
        """Maps with information have scores."""
        __tracebackhide__ = True
        for name, maps in (("truth", self.truth), ("noise", self.noise()), ("negated truth", -self.truth)):
            scores = self.scores(name, maps)
            if not scores.isfinite().all():
                raise AssertionError(f"{self.metric.spec} has no finite score for the {name}: {_list(scores)}")

    @property
    def maps(self) -> dict[str, Tensor]:
        """Known maps (b, h, w) by name."""
        maps = {"truth": self.truth, "noise": self.noise(), "negated truth": -self.truth}
        return maps | {"equal values": torch.ones_like(self.truth), "zeros": torch.zeros_like(self.truth)}

    def assert_truth_is_best(self) -> None:
        """The truth is better than noise and than maps without information."""
        __tracebackhide__ = True
        scores = {name: self.scores(name, values) for name, values in self.maps.items()}
        if all(bool((values == scores["truth"]).all()) for values in scores.values()):
            problem = "gives every map the same score: all pixels are hidden or shown, or the map is ignored"
            raise AssertionError(f"{self.metric.spec} {problem}\n  truth: {_list(scores['truth'])}")
        for worse in ("noise", "equal values", "zeros"):
            self._assert_better("truth", worse, scores)

    def assert_signs(self) -> None:
        """Noise is better than the negated truth."""
        __tracebackhide__ = True
        self._assert_better(
            "noise", "negated truth", {name: self.scores(name, self.maps[name]) for name in ("noise", "negated truth")}
        )

    def _assert_better(self, better: str, worse: str, scores: dict[str, Tensor]) -> None:
        """One map has better scores than another, on the mean over images."""
        __tracebackhide__ = True
        if not self.gain(scores[better], scores[worse]) > 0 and bool(scores[worse].isfinite().any()):
            direction = "higher" if self.metric.higher_is_better else "lower"
            raise AssertionError(
                f"{self.metric.spec} ranks {worse} at or above {better} ({direction} is better, as declared)\n"
                f"  {better}: {_list(scores[better])}\n  {worse}: {_list(scores[worse])}\n"
                f"-> {self._reason(scores)}"
            )

    def _reason(self, scores: dict[str, Tensor]) -> str:
        """Likely reason of scores in a wrong order."""
        truth, negated = (
            self.scores(name, maps) for name, maps in (("truth", self.truth), ("negated truth", -self.truth))
        )
        if torch.equal(truth, negated):
            return "truth and negated truth have equal scores: look for abs and squares of the map"
        others = [each for name, each in scores.items() if name not in ("truth", "negated truth")]
        opposite = self.gain(negated, truth) > 0 and all(self.gain(each, truth) > 0 for each in others)
        # by the wrong direction the negated truth is better than the truth at any place
        if opposite and all(self.gain(negated, moved) > 0 for moved in self._moved().values()):
            return "with the other direction the truth would be best: look at higher_is_better, and at the order of the pixels"
        return self.misread() or "look at the order of the pixels, at ties, and at the declared direction"

    def _moved(self) -> dict[str, Tensor]:
        """Scores (b,) of the truth at other places, by the change of place."""
        return {name: self.scores(f"truth {name}", change(self.truth)) for name, change in _PLACES.items()}

    def misread(self) -> str | None:
        """The change of place by which the truth gets a better score than in its place, as a hint; None without one."""
        own = self.scores("truth", self.truth)
        gains = {name: self.gain(moved, own) for name, moved in self._moved().items()}
        best = max(gains, key=lambda name: gains[name])
        return (
            None
            if gains[best] <= 0
            else f"the truth {best} has a better score than in its place: maps are read that way"
        )

    def assert_in_place(self) -> None:
        """The truth is best where it is."""
        __tracebackhide__ = True
        misread = self.misread()
        if misread is not None:
            problem = "scores maps at other places than it should"
            raise AssertionError(f"{self.metric.spec} {problem}\n-> {misread}")

    def assert_graded(self) -> None:
        """Scores rise with the share of the truth that a map contains."""
        __tracebackhide__ = True
        scores = [self.scores(f"map with {share:.0%} of the truth", self._grade(share)) for share in GRADES]
        for share, (lower, higher) in zip(GRADES, itertools.pairwise(scores), strict=False):
            if not self.gain(higher, lower) > 0:
                raise AssertionError(
                    f"{self.metric.spec} does not rise with the share of the truth that a map contains\n"
                    + "\n".join(f"  {part:.0%}: {_list(values)}" for part, values in zip(GRADES, scores, strict=True))
                    + f"\n-> look at how many pixels are switched, and at the step from {share:.0%}"
                )

    def assert_halves(self) -> None:
        """A map that has the truth in a half of the image only is worse, on images with truth in both halves."""
        __tracebackhide__ = True
        whole = self.scores("truth", self.truth)
        height, width = self.truth.shape[1:]
        halves = {
            "the upper half": (slice(height // 2), slice(None)),
            "the lower half": (slice(height // 2, None), slice(None)),
            "the left half": (slice(None), slice(width // 2)),
            "the right half": (slice(None), slice(width // 2, None)),
        }
        for name, seen in halves.items():
            part = torch.zeros_like(self.truth)
            part[:, *seen] = self.truth[:, *seen]
            n_pixels, n_all = (maps.flatten(1).sum(dim=1) for maps in (part, self.truth))
            has_both = (n_pixels > 0) & (n_pixels < n_all)
            halved = self.scores(f"truth in {name}", part)
            if bool(has_both.any()) and not self.gain(whole[has_both], halved[has_both]) > 0:
                problem = f"looks at {name} of a map only, and ignores the other half"
                raise AssertionError(f"{self.metric.spec} {problem}")

    def assert_scale(self) -> None:
        """The scale of a map does not matter."""
        __tracebackhide__ = True
        for name, maps in (("truth", self.truth), ("noise", self.noise())):
            once, thrice = self.scores(name, maps), self.scores(f"{name} times three", 3 * maps)
            if ((once - thrice).abs() > 1e-6 * once.abs().clamp(min=1)).any():  # float32: a third of 3x is rounded
                raise AssertionError(
                    f"{self.metric.spec} depends on the scale of a map: times three, the {name} has another score\n"
                    f"  {name}: {_list(once)}\n  times three: {_list(thrice)}\n-> rank the values, or normalize them"
                )

    def assert_ties(self) -> None:
        """Pixels of equal value are not taken in the order of their places."""
        __tracebackhide__ = True
        equal = self.scores("equal values", torch.ones_like(self.truth))
        places = torch.arange(self.truth[0].numel(), dtype=torch.float64).reshape(1, *self.truth.shape[1:])
        orders = {"rows": places.numel() - places, "rows, the last first": places + 1}
        for name, order in orders.items():
            by_place = self.scores(f"order of {name}", order.expand_as(self.truth).contiguous())
            if torch.equal(equal, by_place) and not torch.equal(equal, self.scores("noise", self.noise())):
                raise AssertionError(
                    f"{self.metric.spec} takes pixels of equal value in the order of their places, {name}\n"
                    f"  equal values: {_list(equal)}\n-> break ties at random, or take the mean over their orders"
                )

    def assert_reproducible(self) -> None:
        """The scores of maps depend neither on earlier calls nor on the batch."""
        __tracebackhide__ = True
        maps = self.noise()
        scores = self.scores("noise", maps)
        if not torch.equal(self.scores("noise", maps), scores):
            raise AssertionError(
                f"{self.metric.spec} gives the same maps other scores when it is called again: seed what it draws"
            )
        rows = [slice(row, row + 1) for row in range(len(self.batch))]
        alone = torch.cat([self.scores("noise", maps[row], row) for row in rows])
        if ((alone - scores).abs() > ROUNDING * scores.abs().clamp(min=1)).any():
            raise AssertionError(
                f"{self.metric.spec} depends on the batch: an image has another score alone than with others\n"
                f"  alone: {_list(alone)}\n  together: {_list(scores)}"
            )

    def _grade(self, share: float) -> Tensor:
        """A map of as many pixels as the truth, a share of which are the truth's and the rest others."""
        maps = torch.zeros_like(self.truth)
        for index, truth in enumerate(self.truth.flatten(1)):
            random = generator(self.seed, "graded", index)
            inside, outside = (
                torch.from_numpy(random.permutation(part.nonzero()[:, 0].numpy())) for part in (truth > 0, truth == 0)
            )
            n_right = round(share * len(inside))
            maps[index].flatten()[inside[:n_right]] = 1.0
            maps[index].flatten()[outside[: len(inside) - n_right]] = 1.0
        return maps


def _list(scores: Tensor) -> str:
    """Scores for a message."""
    return ", ".join(f"{score:.4g}" for score in scores.tolist())
