"""Values of maps, not only their ranks: exact on the affine network, where all games and the gradient are known."""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor

from attributionlab.errors import bad_option
from attributionlab.specs.arguments import number
from attributionlab.specs.options import convert
from attributionlab.testing.affine import AFFINE, N_OUTPUTS, exact_gradients
from attributionlab.testing.cells import ALIGNED, cells_of, cut_out, grids_of, misplaced
from attributionlab.testing.factors import advice, is_normalized, is_power, of_outputs, of_targets
from attributionlab.testing.failure import failure
from attributionlab.testing.mistakes import mistaken
from attributionlab.testing.own_network import require_truth
from attributionlab.testing.paths import wrong_path
from attributionlab.testing.references import FIT, Known, Match, matching
from attributionlab.testing.sight import inputs_of, shows_other_images
from attributionlab.testing.subject import AnySubject, Subject, first_colors
from attributionlab.truth.baselines import Baseline, baseline_color

TOLERANCE = 0.01
"""Largest deviation of a common factor from 1: a rule of relevance propagation with an epsilon loses some of it."""


def assert_values(
    method: AnySubject,
    environment: str = AFFINE,
    *,
    tolerance: float = TOLERANCE,
    n_samples: int = 6,
    size: int = 16,
    seed: int = 0,
) -> None:
    """Maps have the values of the gradient, or of a game relative to a baseline, where these are known exactly.

    On the affine network f(x) = W x the gradient is W, and all games relative to a baseline z have the value W (x - z).
    Maps that are proportional to one of these, with one factor for all images, must have the factor 1. Maps that are
    normalized have a factor of their own in each image. If a mistake turns the known values into the maps (another reduction of
    channels, another output, squares, a shift), the message names it. All other values pass, because a method may compute
    something else. Methods that give all pixels of a segment one value are compared segment by segment.

    Args:
        method: A name or spec, a function `(model, inputs, targets) -> Tensor`, or the address of one.
        environment: `affine`.
        tolerance: Largest deviation of a common factor from 1.
        n_samples: Number of images.
        size: Rows of the images.
        seed: Seed of images and weights.

    Raises:
        AssertionError: If the values are known ones with a factor or after a mistake, or are not those of the declared game.
        MethodError: If the method cannot be run.
        BadOption: If `environment` is another one.
    """
    __tracebackhide__ = True
    require_truth(environment, "assert_values")
    tolerance = number("tolerance", tolerance, 0)
    if environment != AFFINE:
        raise bad_option("environment", f"be {AFFINE}, where values are known", environment)
    subject = Subject.of(method, environment, n_samples, size, seed)
    if subject.network is None:
        return
    if subject.method.declaration.granularity == "coarse":
        _assert_cells(subject)
        return
    maps = _maps_of_shown(subject).cpu().double()
    known = Known(
        exact_gradients(subject.model, subject.batch),
        subject.batch.inputs.double(),
        subject.environment.true_baseline.double(),
    )
    if subject.method.declaration.granularity == "segment":
        maps, known = _by_segment(maps, known)
    judged = _Judged(subject, maps, known)
    positive = subject.batch.targets % 2 == 0
    match = matching(maps[positive], known.at(positive)) if bool((maps[positive] != 0).any()) else None
    if match is None:
        judged.assert_no_mistake(positive)
    else:
        judged.assert_factor(match, tolerance, positive)
        judged.assert_signs(match, ~positive)
        judged.assert_baseline(match)
    judged.assert_declared_game(tolerance)


def _maps_of_shown(subject: Subject) -> Tensor:
    """Maps of a method that shows the network the images themselves, or several others in their place."""
    __tracebackhide__ = True
    model = subject.model
    shown = inputs_of(model)
    maps = subject.maps(model=model)
    difference = shows_other_images(subject, shown)
    if difference is not None:
        raise failure(
            subject,
            f"shows the network other images than those that it is to explain: {difference}",
            hint="networks take images as they are given; leave out what prepares pictures for another network",
        )
    return maps


def _assert_cells(subject: Subject) -> None:
    """Cells of coarse maps are enlarged in their places."""
    __tracebackhide__ = True
    positive = subject.batch.targets % 2 == 0
    inputs, targets = subject.batch.inputs[positive], subject.batch.targets[positive]
    maps = subject.maps().cpu().double()[positive]
    grids = grids_of(subject.model, inputs) if bool((maps != 0).any()) else []
    cells = cells_of(maps, grids)
    problem = cut_out(maps, grids) if cells is None else misplaced(cells, subject.model, inputs, targets)
    if cells is not None and cells.mode == ALIGNED:
        problem = f"its {cells.shape[0]} x {cells.shape[1]} cells, enlarged with aligned corners"
    if problem is not None:
        hint = (
            "each cell belongs where its window is: functional.interpolate(cells, mode='bilinear', align_corners=False)"
        )
        raise failure(subject, f"has its values at wrong places: it has {problem}", hint=hint)


@dataclasses.dataclass(frozen=True, eq=False)
class _Judged:
    """Maps with what is known about them.

    Args:
        subject: The method.
        maps: Its maps (b, h, w) float64.
        known: Weights and images.
    """

    subject: Subject
    maps: Tensor
    known: Known

    def assert_factor(self, match: Match, tolerance: float, positive: Tensor) -> None:
        """A common factor is 1, and the same for all channels."""
        __tracebackhide__ = True
        if self.subject.method.declaration.sign == "magnitude":
            return
        if match.shares is not None and bool(((match.shares - 1).abs() > tolerance).any()):
            shares = ", ".join(f"{value:.3g}" for value in match.shares.where(match.shares.abs() > FIT, 0).tolist())
            raise self._wrong(f"has {match.name} with its channels weighted ({shares}) where they count alike")
        factor = match.common
        if (
            factor is None
            and not is_normalized(self.maps)
            and (reason := self._reason_for(match.factors, positive)) is not None
        ):
            raise self._wrong(
                f"has {match.name}, {reason}",
                hint="look for outputs * targets, a square, a logarithm, or a relevance that starts too large",
            )
        if factor is None or is_normalized(self.maps) or abs(factor - 1) <= tolerance or is_power(factor):
            return
        raise self._wrong(
            f"has {factor:.4g} times the values of {match.name}, in all images", expected=match, hint=advice(factor)
        )

    def assert_signs(self, match: Match, rows: Tensor) -> None:
        """Where weights have both signs, so have the values."""
        __tracebackhide__ = True
        if self.subject.method.declaration.sign != "signed" or not rows.any():
            return
        known, maps = self.known.at(rows), self.maps[rows]
        expected = match.expected(known)
        terms = match.terms(known)
        wrong = {
            "absolute values": expected.abs(),
            "positive values alone": expected.clamp(min=0),
            "absolute values of each channel": terms.abs().sum(dim=1),
            "positive values alone of each channel": terms.clamp(min=0).sum(dim=1),
        }
        for text, values in wrong.items():
            if _proportional(maps, values) and not _proportional(maps, expected):
                raise self._wrong(f"has the {text} of {match.name}", hint="look for abs, a square or a ReLU on the way")

    def assert_baseline(self, match: Match) -> None:
        """A baseline is not that of the first images; and a path from it is covered as a whole."""
        __tracebackhide__ = True
        if match.colors is None:
            return
        if bool(((match.colors - match.colors[0]).abs() < 1).all()):
            for name, color in first_colors(self.subject.method).items():
                if bool(((match.colors[0] - color).abs() < 1).all()):
                    text = ", ".join(f"{value:.1f}" for value in color.tolist())
                    raise self._wrong(
                        f"remembers its first call: the baseline of all images is ({text}), {name} of the first images it was given",
                        hint="compute the baseline from the images of each call",
                    )
        mistake = wrong_path(self.subject, match.colors.mean(dim=0))
        if mistake is not None:
            raise self._wrong(
                mistake, hint="look at the positions of the steps, at their weights, and at where they begin"
            )

    def assert_no_mistake(self, rows: Tensor) -> None:
        """The values are not known ones after a mistake."""
        __tracebackhide__ = True
        if self.subject.method.declaration.granularity != "pixel" or not (self.maps[rows] != 0).any():
            return
        if self.subject.method.declaration.sign == "magnitude":
            return
        mistake = mistaken(self.maps[rows], self.known.at(rows), self._other_outputs(rows))
        if mistake is not None:
            hint = "a method that works on cells declares granularity='coarse'" if "averaged" in mistake else None
            raise self._wrong(f"has wrong values: it has those of {mistake}", hint=hint)

    def assert_declared_game(self, tolerance: float) -> None:
        """The values are those of the game that the method declares to answer, relative to its baseline."""
        __tracebackhide__ = True
        game, _, baseline = (self.subject.method.answers or "").partition("@")
        colors = _color(baseline, self.known.baseline)
        if not game or colors is None or self.subject.method.declaration.randomness != "none":
            return
        expected = (self.known.weights * (self.known.images - colors[:, None, None])).sum(dim=1)
        error = (self.maps - expected).abs().flatten(1).sum(dim=1) / expected.abs().flatten(1).sum(dim=1)
        if (error > 5 * tolerance).any():  # errors of both signs, which cancel in a sum, add up here
            positive = self.subject.batch.targets % 2 == 0
            match = matching(self.maps[positive], self.known.at(positive))
            actual = "" if match is None else f": it has those of {match.name}"
            raise self._wrong(
                f"declares to answer {game}@{baseline}, and differs from its values by up to {error.max():.2g} of them{actual}",
                hint="look at the baseline: the path, and the difference by which gradients are multiplied, begin there",
            )

    def _reason_for(self, factors: Tensor, rows: Tensor) -> str | None:
        """How the factors (b,) of images depend on the explained outputs, or on their numbers."""
        return of_targets(factors, self.subject.batch.targets[rows]) or of_outputs(factors, self._outputs(rows))

    def _outputs(self, rows: Tensor) -> Tensor:
        """The explained outputs (b,) of some images, float64."""
        batch = self.subject.batch
        with torch.no_grad():
            outputs: Tensor = self.subject.model.double().eval()(batch.inputs[rows].double())
        return outputs.gather(1, batch.targets[rows][:, None])[:, 0]

    def _other_outputs(self, rows: Tensor) -> dict[str, Tensor]:
        """Weights of other outputs, by description."""
        batch = self.subject.batch
        chosen = {
            "of the next output": (batch.targets + 1) % N_OUTPUTS,
            "of the output before": (batch.targets - 1) % N_OUTPUTS,
        }
        chosen |= {
            f"of output {index} for every image": torch.full_like(batch.targets, index) for index in range(N_OUTPUTS)
        }
        changed = {name: dataclasses.replace(batch, targets=targets) for name, targets in chosen.items()}
        weights = {name: exact_gradients(self.subject.model, each) for name, each in changed.items()}
        total = torch.stack([weights[f"of output {index} for every image"] for index in range(N_OUTPUTS)]).sum(dim=0)
        own = exact_gradients(self.subject.model, batch)
        weights["of the sum of all outputs"] = total
        weights["of the output less the mean of the others"] = own - (total - own) / (N_OUTPUTS - 1)
        weights["of the output less the sum of the others"] = own - (total - own)
        return {name: values[rows] for name, values in weights.items()}

    def _wrong(self, problem: str, *, expected: Match | None = None, hint: str | None = None) -> AssertionError:
        """The failure, with a picture of the first images."""
        drawn = None if expected is None or self.maps.ndim != 3 else expected.expected(self.known)  # (b, h, w)
        error = torch.ones(len(self.maps))
        shown = {} if drawn is None else {"worst": error, "maps": self.maps, "expected": drawn}
        return failure(self.subject, problem, hint=hint, **shown)  # type: ignore[arg-type]  # tensors


def _by_segment(maps: Tensor, known: Known) -> tuple[Tensor, Known]:
    """Maps with a row for every segment, each weight the sum over the segment; pixels of equal value are a segment."""
    # the value of a segment is compared with the sum over its pixels, spread over them
    weights, images = torch.zeros_like(known.weights), torch.zeros_like(known.images)
    for index, values in enumerate(maps):
        _, segments = values.unique(return_inverse=True)
        ids = segments.flatten()
        for channel in range(weights.shape[1]):
            weight, image = known.weights[index, channel].flatten(), known.images[index, channel].flatten()
            total = torch.zeros(int(ids.max()) + 1, dtype=maps.dtype).index_add_(0, ids, weight)
            product = torch.zeros_like(total).index_add_(0, ids, weight * image)
            weights[index, channel] = total[segments]
            images[index, channel] = (product / total)[segments]
    return maps, Known(weights, images, known.baseline)


def _proportional(maps: Tensor, expected: Tensor) -> bool:
    """Whether every map is proportional to the expected one."""
    values, reference = maps.flatten(1), expected.flatten(1)
    factors = (values * reference).sum(dim=1) / (reference**2).sum(dim=1).clamp(min=torch.finfo(values.dtype).tiny)
    return bool(((values - factors[:, None] * reference).norm(dim=1) <= TOLERANCE * values.norm(dim=1)).all())


def _color(baseline: str, true_baseline: Tensor) -> Tensor | None:
    """The color (c,) of a declared baseline; None if it is no color."""
    if not baseline or baseline == "samples":
        return None
    value = convert("baseline", baseline, Baseline)
    if not isinstance(value, (str, tuple)):
        return None
    return baseline_color(value, len(true_baseline), true_baseline.float(), are_colors=True).double()
