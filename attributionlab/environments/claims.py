"""Claims: statements about an environment, tested by intervention, and the generic ones of all environments."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from attributionlab.environments.members import read_label, read_logits
from attributionlab.networks.copying import copy_network
from attributionlab.networks.designed import logits_of
from attributionlab.seeding import generator
from attributionlab.truth.batch import Batch

if TYPE_CHECKING:
    from attributionlab.environments.base import Environment, Logits, Present

CHUNK_FEATURES = 2**18
"""Features per forward pass; in larger batches memory allocation takes longer."""

ALL_FEATURES = 32 * 32
"""Largest input whose features are all shown alone and removed, unless `exhaustive` is set."""

N_COALITIONS = 32
"""Random coalitions per input."""


@dataclass
class Claim:
    """One claim, with the numbers of tested and of violating cases.

    Args:
        name: Short name.
        statement: The claim as a sentence.
        n_checked: Number of tested cases.
        n_violations: Number of cases that contradict the claim.
        note: A remark on the test.
    """

    name: str
    statement: str
    n_checked: int = 0
    n_violations: int = 0
    note: str = ""

    @property
    def holds(self) -> bool:
        """Whether it was tested and never contradicted."""
        return self.n_checked > 0 and self.n_violations == 0

    def test(self, holds: Tensor, describe: Callable[[int], str] | None = None) -> None:
        """Count one case per element.

        Args:
            holds: True where the claim holds.
            describe: Function from the index of a case to its description, called for the first violation, which is noted.
        """
        if describe is not None and not self.n_violations and not holds.all():
            self.note = f"first violation: {describe(int((~holds).flatten().nonzero()[0]))}"
        self.n_checked += holds.numel()
        self.n_violations += int((~holds).sum())


@dataclass(frozen=True)
class Case:
    """Samples on which claims are tested, and the extent of the tests.

    Args:
        batch: The samples.
        n_pixels: Features per sample that are changed, one at a time, for each kind of change.
        exhaustive: Whether every feature is changed.
        device: Another device on which the logits must be equal.
        seed: Seed of the choice of features.
    """

    batch: Batch
    n_pixels: int
    exhaustive: bool
    device: torch.device
    seed: int

    def choose(self, mask: Tensor, index: int, purpose: str) -> Tensor:
        """Choose features in a mask (*shape) of sample `index`: (n, dimensions) positions."""
        positions = mask.nonzero()
        if self.exhaustive or len(positions) <= self.n_pixels:
            return positions
        order = generator(self.seed, purpose, index).random(len(positions)).argsort()
        return positions[torch.from_numpy(order[: self.n_pixels].copy())]


def in_chunks(function: Callable[[Tensor], Tensor], inputs: Tensor) -> Tensor:
    """Apply `function` to inputs (b, c, *shape) in parts."""
    size = max(1, CHUNK_FEATURES // math.prod(inputs.shape[2:]))
    return torch.cat([function(part) for part in inputs.split(size)])


def output_claim(environment: Environment, case: Case) -> Claim:
    """The network solves the task, or fails as its bug makes it."""
    claim = Claim("outputs", "the output is correct for every image, or as wrong as the bug makes it")
    outputs = in_chunks(environment.model, case.batch.inputs)
    predictions = torch.tensor([read_label(environment, scene, "predicted") for scene in case.batch.scenes])
    if environment.explains == "value":
        results = outputs[:, 0].double()
        holds = _near(environment, results, predictions.double())
    else:
        results = outputs.argmax(dim=1)
        holds = results == predictions
    claim.test(holds, lambda row: f"sample {row}: the network gives {results[row]:g}, `label` {predictions[row]}")
    return claim


def closed_form_claim(environment: Environment, case: Case) -> Claim:
    """The network computes the closed form that was written from the task.

    Tested on random coalitions of features, and on single features shown alone and removed: all features of small
    inputs, a random choice for larger ones.
    """
    statement = (
        "logits are those of the closed form while features are removed or shown alone, and for random coalitions"
    )
    claim = Claim("closed form", statement + ("" if environment.tolerance else ", exactly"))
    for index, scene in enumerate(case.batch.scenes):
        inputs = case.batch.inputs[index : index + 1]
        for coalitions in _coalitions(case, index, tuple(inputs.shape[2:])):
            shown = environment.shown(inputs.expand(len(coalitions), *inputs.shape[1:]), coalitions)
            logits = in_chunks(logits_of(environment.model), shown)
            n = logits.shape[1]
            expected = np.stack([read_logits(environment, scene, present, n) for present in coalitions.numpy()])
            holds = _near(environment, logits.double(), torch.from_numpy(expected).double()).all(dim=1)
            claim.test(holds, partial(_difference, index, coalitions, logits, expected))
    return claim


def _difference(index: int, coalitions: Tensor, logits: Tensor, expected: Logits, row: int) -> str:
    """Description of a coalition for which network and closed form differ."""
    shown, form = coalitions[row], ", ".join(f"{value:g}" for value in expected[row])
    network = ", ".join(f"{value:g}" for value in logits[row].tolist())
    return (
        f"sample {index}, {int(shown.sum())} of {shown.numel()} features shown: network ({network}), `logits` ({form})"
    )


def truth_claim(environment: Environment, case: Case) -> Claim:
    """The truth follows from the closed form.

    Each feature is shown alone, and removed from the whole input. A positive feature of the truth must raise the explained output
    at least once and never lower it, a negative one the reverse; any other feature must not change it.
    """
    claim = Claim("truth", "features of the truth change the output with its sign, alone or removed; others never do")
    n = logits_of(environment.model)(case.batch.inputs[:1]).shape[1]
    for index, (scene, signed) in enumerate(zip(case.batch.scenes, case.batch.ground_truth.signed, strict=True)):
        target, logits = int(case.batch.targets[index]), partial(read_logits, environment, scene, n=n)
        for kind, mask in (("truth", signed != 0), ("rest", signed == 0)):
            positions = case.choose(mask, index, kind)
            effects = _effects(environment, logits, target, positions, tuple(signed.shape))
            signs = signed[tuple(positions.T)][:, None]
            agree = torch.where(signs != 0, effects * signs, -effects.abs())
            resolved = effects.isfinite()
            holds = ((agree >= 0) | ~resolved).all(dim=1) & ((signs == 0) | (effects != 0)).any(dim=1)
            claim.test(holds, partial(_contradiction, index, positions, signs, effects))
    return claim


def _effects(
    environment: Environment,
    logits: Callable[[Present], Logits],
    target: int,
    positions: Tensor,
    shape: tuple[int, ...],
) -> Tensor:
    """(n, 2) float64: increase of the explained output by each feature, alone and added to all others.

    NaN for an effect on a probability that float64 does not resolve, although the logits change.
    """
    none = np.zeros(shape, bool)
    empty, full, rows = logits(none), logits(~none), []
    for position in map(tuple, positions.tolist()):
        alone = none.copy()
        alone[position] = True
        for before, after in ((empty, logits(alone)), (logits(~alone), full)):
            effect = environment.difference(before, after, target)
            lost = effect == 0 and environment.explains == "probability" and bool((before != after).any())
            small = abs(effect) <= environment.tolerance
            rows.append(math.nan if lost else 0.0 if small else effect)
    return torch.tensor(rows, dtype=torch.float64).reshape(-1, 2)


def _contradiction(index: int, positions: Tensor, signs: Tensor, effects: Tensor, row: int) -> str:
    """Description of a feature whose effects contradict the truth."""
    alone, removed = effects[row].tolist()
    where = tuple(positions[row].tolist())
    return f"sample {index}, feature {where}: truth {int(signs[row]):+d}, effect {alone:g} alone and {removed:g} in the whole"


def _coalitions(case: Case, index: int, shape: tuple[int, ...]) -> Iterator[Tensor]:
    """Masks (n, *shape) of present features: none, all, random coalitions, singletons, removals."""
    n_features = math.prod(shape)
    draws = generator(case.seed, "coalitions", index)
    shares = draws.random((N_COALITIONS, 1))
    random = draws.random((N_COALITIONS, n_features)) < shares
    yield torch.from_numpy(np.stack([np.zeros(n_features, bool), np.ones(n_features, bool), *random])).view(-1, *shape)
    if case.exhaustive or n_features <= ALL_FEATURES:
        features = torch.arange(n_features)
    else:
        features = torch.from_numpy(draws.permutation(n_features)[: case.n_pixels].copy())
    for part in features.split(max(1, CHUNK_FEATURES // n_features)):
        alone = torch.zeros(len(part), n_features, dtype=torch.bool).scatter_(1, part[:, None], value=True)
        yield alone.view(-1, *shape)
        yield ~alone.view(-1, *shape)


def shapley_claim(environment: Environment, case: Case) -> Claim | None:
    """The mask has the signs of the exact Shapley values; None if they have no closed form."""
    claim = Claim(
        "shapley values", "exact Shapley values have the sign of the truth at every feature, and are 0 elsewhere"
    )
    baseline = tuple(environment.true_baseline.tolist())
    signed = case.batch.ground_truth.signed
    for scene, target, signs in zip(case.batch.scenes, case.batch.targets.tolist(), signed, strict=True):
        function = environment.set_function(scene, target, baseline)
        values = None if function is None else function.shapley()
        if function is not None and values is not None:
            claim.test(torch.from_numpy(function.spread(values)).sign() == signs)
    return claim if claim.n_checked else None


def precision_claim(environment: Environment, case: Case) -> Claim:
    """Logits do not depend on the precision or on the batch."""
    unfamiliar = environment.unfamiliar_inputs(len(case.batch))
    also = "" if unfamiliar is None else ", on designed images and on images of random colors"
    exactly = "within the tolerance" if environment.tolerance else "bit for bit"
    claim = Claim("precision", f"logits are equal in float32 and float64, alone and in a batch, {exactly}{also}")
    inputs = case.batch.inputs if unfamiliar is None else torch.cat([case.batch.inputs, unfamiliar])
    logits_in_batch = in_chunks(logits_of(environment.model), inputs)
    precise = logits_of(copy_network(environment.model).double())
    claim.test(_near(environment, logits_in_batch.double(), in_chunks(precise, inputs.double())))
    alone = torch.cat([logits_of(environment.model)(single) for single in inputs.split(1)])
    claim.test(_near(environment, logits_in_batch, alone))
    return claim


def device_claim(environment: Environment, case: Case) -> Claim:
    """Logits do not depend on the device."""
    claim = Claim("device", f"logits are equal on the CPU and on {case.device.type}, bit for bit")
    unfamiliar = environment.unfamiliar_inputs(len(case.batch))
    inputs = case.batch.inputs if unfamiliar is None else torch.cat([case.batch.inputs, unfamiliar])
    on_device = logits_of(copy_network(environment.model).to(case.device))
    expected = in_chunks(logits_of(environment.model), inputs)
    claim.test(_near(environment, expected, in_chunks(on_device, inputs.to(case.device)).cpu()))
    return claim


def variant_claim(environment: Environment, case: Case) -> Claim | None:
    """Every variant of the network computes the same function; None if there are no variants."""
    claim = Claim("variants", "logits are equal however the network is put together, bit for bit")
    unfamiliar = environment.unfamiliar_inputs(len(case.batch))
    inputs = case.batch.inputs if unfamiliar is None else torch.cat([case.batch.inputs, unfamiliar])
    expected = in_chunks(logits_of(environment.model), inputs)
    variants = list(environment.variants())
    for variant in variants:
        claim.test(in_chunks(logits_of(variant.model), inputs) == expected)
    return claim if variants else None


def generic_claims(environment: Environment, case: Case) -> Iterator[Claim]:
    """Generic claims of all environments."""
    yield output_claim(environment, case)
    if environment.has_logits:
        yield closed_form_claim(environment, case)
        yield truth_claim(environment, case)
    yield from filter(None, [shapley_claim(environment, case)])
    yield precision_claim(environment, case)
    if case.device.type != "cpu":
        yield device_claim(environment, case)
    yield from filter(None, [variant_claim(environment, case)])


def _near(environment: Environment, values: Tensor, expected: Tensor) -> Tensor:
    """Whether values are equal up to the environment's tolerance."""
    if environment.tolerance == 0:
        return values == expected
    return (values - expected).abs() <= environment.tolerance * (1 + expected.abs())
