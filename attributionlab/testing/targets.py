"""The target is used: an image has another map for another output, and every image that of its own target."""

from __future__ import annotations

import dataclasses
import itertools
from unittest import SkipTest

import torch
from torch import Tensor

from attributionlab.specs.arguments import number
from attributionlab.testing.affine import N_OUTPUTS
from attributionlab.testing.contracts import ENVIRONMENT, TOLERANCE
from attributionlab.testing.failure import failure, per_image
from attributionlab.testing.subject import AnyEnvironment, AnySubject, Subject, gaps


def assert_target_used(
    method: AnySubject,
    environment: AnyEnvironment = ENVIRONMENT,
    *,
    tolerance: float = TOLERANCE,
    n_samples: int = 4,
    size: int = 16,
    seed: int = 0,
) -> None:
    """Maps follow the target: other targets give other maps, and in a batch every image has the map of its own target.

    Args:
        method: A name or spec, a function `(model, inputs, targets) -> Tensor`, or the address of one.
        environment: An environment with several outputs, or its spec, or `affine`.
        tolerance: Smallest difference of maps for two targets, relative to a map's largest magnitude.
        n_samples: Number of images.
        size: Rows of the images, unless the environment sets it.
        seed: Seed of environments that do not set it.

    Raises:
        AssertionError: If the maps are those of another target.
        MethodError: If the method cannot be run.
        unittest.SkipTest: If the network has one output, or the method needs the batch.
    """
    __tracebackhide__ = True
    tolerance = number("tolerance", tolerance, 0)
    subject = Subject.of(method, environment, n_samples, size, seed)
    if subject.method.needs_batch:
        raise SkipTest("the method is given the scenes, whose truth is that of one target")
    with torch.no_grad():
        outputs = subject.model.eval()(subject.batch.inputs)
    if outputs.shape[1] < 2:  # one output
        raise SkipTest("the network has one output")
    maps = _by_target(subject, outputs.shape[1])
    own = subject.maps()
    if not any(bool((values != 0).any()) for values in maps):
        return
    same = torch.stack([gaps(maps[0], values) for values in maps[1:]]).amax(dim=0)
    if (same <= tolerance).all():
        raise failure(
            subject,
            f"ignores its target: the maps are the same, whichever of {outputs.shape[1]} outputs is to be explained; they may be those "
            "of the prediction, of one fixed output, or of their sum",
            columns=("image", "largest difference between targets"),
            rows=per_image(same),
            hint="explain output targets[i] of image i: model(inputs).gather(1, targets[:, None])",
        )
    _assert_all_differ(subject, maps, tolerance)
    _assert_own_targets(subject, own, maps, tolerance)


def _by_target(subject: Subject, n_outputs: int) -> list[Tensor]:
    """Maps of all images for each target, in which every image has the same."""
    targets = [torch.full_like(subject.batch.targets, index) for index in range(min(n_outputs, N_OUTPUTS))]
    return [subject.maps(batch=dataclasses.replace(subject.batch, targets=each)) for each in targets]


def _assert_all_differ(subject: Subject, maps: list[Tensor], tolerance: float) -> None:
    """No two outputs have the same maps, unless these are zero."""
    __tracebackhide__ = True
    for (first, values), (second, others) in itertools.combinations(enumerate(maps), 2):
        if bool((values != 0).any()) and bool((gaps(values, others) <= tolerance).all()):
            raise failure(
                subject,
                f"confuses outputs: the maps of outputs {first} and {second} are the same",
                hint="look for targets that are clamped, cut to a range or a type, or looked up in a table",
            )


def _assert_own_targets(subject: Subject, own: Tensor, maps: list[Tensor], tolerance: float) -> None:
    """In a batch with several targets, every image has the map of its own one."""
    __tracebackhide__ = True
    targets = subject.batch.targets.tolist()
    if max(targets) >= len(maps):
        return
    expected = _with_targets(maps, targets)
    gap = gaps(expected, own)
    if (gap <= tolerance).all():
        return
    summed = torch.stack([maps[target] for target in targets]).sum(dim=0) / len(targets)
    # with equal targets each map is the sum of as many equal ones
    if len(set(targets)) > 1 and bool((gaps(summed, own) <= tolerance).all()):
        raise failure(
            subject,
            f"confuses the targets of images: every map is the sum of the maps of outputs {', '.join(map(str, targets))}, "
            "the targets of all images",
            columns=("image", "difference"),
            rows=per_image(gap),
            worst=gap,
            maps=own,
            expected=expected,
            hint="outputs[:, targets] has a column for every image: use outputs.gather(1, targets[:, None])",
        )
    explained = _explained_outputs(own, maps, tolerance)
    if explained is None or not _is_of_images(subject, maps[targets[0]], targets[0], tolerance):
        return  # a batch that matters otherwise is the business of assert_batch_invariant
    orders = {
        "the first image's target": [targets[0]] * len(targets),
        "the last image's target": [targets[-1]] * len(targets),
        "the targets in ascending order": sorted(targets),
        "the target of the image before it": [targets[-1], *targets[:-1]],
        "the target of the image after it": [*targets[1:], targets[0]],
        "the targets in reversed order": targets[::-1],
    }
    named = [name for name, each in orders.items() if (gaps(_with_targets(maps, each), own) <= tolerance).all()]
    outputs = f"of outputs {', '.join(map(str, explained))} where the targets are {', '.join(map(str, targets))}"
    raise failure(
        subject,
        f"confuses the targets of images: the maps are those {outputs}" + (f" ({named[0]})" if named else ""),
        columns=("image", "difference"),
        rows=per_image(gap),
        worst=gap,
        maps=own,
        expected=expected,
        hint="index the outputs by image: outputs.gather(1, targets[:, None]), not outputs[:, targets[0]]",
    )


def _with_targets(maps: list[Tensor], targets: list[int]) -> Tensor:
    """Of each image the map of one output."""
    return torch.stack([maps[target][row] for row, target in enumerate(targets)])


def _explained_outputs(own: Tensor, maps: list[Tensor], tolerance: float) -> list[int] | None:
    """The output that each image's map explains; None if one explains none."""
    same = torch.stack([gaps(values, own) <= tolerance for values in maps])  # (k, b)
    return same.int().argmax(dim=0).tolist() if bool(same.any(dim=0).all()) else None


def _is_of_images(subject: Subject, maps: Tensor, target: int, tolerance: float) -> bool:
    """Whether every image has its own map where all targets are equal."""
    batch = dataclasses.replace(subject.batch, targets=torch.full_like(subject.batch.targets, target))
    alone = dataclasses.replace(subject, batch=batch).one_by_one()
    return bool((gaps(alone, maps) <= tolerance).all())
