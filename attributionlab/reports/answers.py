"""The network's answer to each image, for captions: what it counted, which class wins, and the explained output."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from attributionlab.environments import Environment
from attributionlab.truth import Batch

SIGNS = {1: "+", -1: "\N{MINUS SIGN}"}
"""Signs of effects on the output, for readers who do not see the colors."""


@dataclass(frozen=True)
class Answer:
    """The network's answer to an image.

    Args:
        image: The image by its number, as text.
        counts: Facts that decide the answer, as text: the pixels of each color; empty if the environment states none.
        outcome: The winner or the value, the explained output, and the target if it is not the winner, as text.
        output: The explained output.
        logit: The logit of the target; the value of a regression.
        n_features: Features on which the output depends: those of the overall truth.
    """

    image: str
    counts: str
    outcome: str
    output: float
    logit: float
    n_features: int

    @property
    def lines(self) -> tuple[str, ...]:
        """The texts that are not empty, for a caption."""
        return tuple(text for text in (self.image, self.counts, self.outcome) if text)


def answers_of(environment: Environment, batch: Batch, start: int | Sequence[int] = 0) -> list[Answer]:
    """State the network's answer to each image of a batch.

    Args:
        environment: The environment of the images.
        batch: The images.
        start: Number of the first image, or the numbers of all of them.
    """
    logits, n_features = _logits(environment, batch), batch.ground_truth.overall_mask.flatten(1).sum(dim=1)
    numbers = range(start, start + len(batch)) if isinstance(start, int) else start
    answers = []
    for row, scene in enumerate(batch.scenes):
        target = int(batch.targets[row])
        output = environment.explained(logits[row], target)
        if environment.explains == "value":
            outcome = f"value {output:.6g}"
        else:
            explained = f"{environment.explains} {_number(output)}"
            outcome = _winner(environment, scene, int(batch.labels[row]), target) + f", {explained}"
        counts = ", ".join(f"{name} {n}" for name, n in environment.counted(scene).items())
        answers.append(
            Answer(f"image {numbers[row]}", counts, outcome, output, float(logits[row][target]), int(n_features[row]))
        )
    return answers


def _winner(environment: Environment, scene: Any, label: int, target: int) -> str:
    """The class that the network predicts, the correct one if it errs, and the explained one if it is another."""
    predicted, name = environment.predicted(scene), environment.output_name
    error = "" if predicted == label else f" (correct: {name(label)})"
    return f"{name(predicted)} wins{error}" + ("" if target == predicted else f"; explained: {name(target)}")


def truth_text(batch: Batch, row: int) -> list[str]:
    """Numbers of features that raise and that lower the output of an image, as texts with their sign."""
    truth, features = batch.ground_truth, "pixels" if batch.inputs.ndim == 4 else "features"
    effects = ((1, truth.positive_mask, "raise"), (-1, truth.negative_mask, "lower"))
    counts = [(SIGNS[sign], int(mask[row].sum()), verb) for sign, mask, verb in effects]
    return [f"{sign} {n} {features} {verb} the output" for sign, n, verb in counts if n]


def _logits(environment: Environment, batch: Batch) -> Sequence[npt.NDArray[np.float64]]:
    """Logits (k,) of every image, in closed form where there is one."""
    if environment.has_logits:
        present = np.ones(batch.inputs.shape[2:], dtype=bool)
        return [environment.logits(scene, present) for scene in batch.scenes]
    logits = getattr(environment.model, "logits", environment.model)
    with torch.no_grad():
        rows: npt.NDArray[np.float64] = logits(batch.inputs).double().cpu().numpy()
    return list(rows)


def _number(output: float) -> str:
    """Three digits; of a probability that they would round to 1, the distance from 1 instead."""
    text = f"{output:.3g}"
    return f"1 - {1 - output:.0e}" if text == "1" and 0 < 1 - output < 0.1 else text
