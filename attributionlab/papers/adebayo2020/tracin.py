"""TracIn by captum: how much each training image lowered the loss at an image, by the gradients at checkpoints of the training.

References:
    Pruthi et al. 2020, Estimating Training Data Influence by Tracing Gradient Descent.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import TensorDataset

from attributionlab.methods.base import captum_quiet
from attributionlab.papers.adebayo2020.networks import TrainedCourse
from attributionlab.training.loop import State
from attributionlab.truth import LabeledImages

BATCH_SIZE = 64
CHECKPOINTS, LAST = "checkpoints", "last network"


@dataclass(frozen=True, eq=False)
class TracIn:
    """Influences of the training images of a network: sum over checkpoints of the product of two gradients of the loss.

    Every checkpoint has the weight 1: the learning rate, which TracIn takes, is nearly 0 at the end of a cycle. The training itself
    is AdamW's and not the plain gradient descent from which TracIn is derived.

    Args:
        model: The network, which is copied.
        images: Its training images.
        checkpoints: Weights at which gradients are taken.
    """

    model: nn.Module
    images: LabeledImages
    checkpoints: Sequence[State]

    def influences(self, inputs: LabeledImages) -> Tensor:
        """(b, n) float64: influence of each of the n training images on the loss at the targets of b images; positive lowers it."""
        tracer = self._tracer()
        with captum_quiet():
            values: Tensor = tracer.influence((inputs.inputs, inputs.targets))
        return values.double()

    def self_influences(self, inputs: LabeledImages | None = None) -> Tensor:
        """(n,) float64: influence of images on themselves, at least 0; of the training images by default."""
        images = inputs or self.images
        tracer = self._tracer()
        with captum_quiet():
            parts = [
                tracer.self_influence(batch)
                for batch in zip(images.inputs.split(BATCH_SIZE), images.targets.split(BATCH_SIZE), strict=True)
            ]
        return torch.cat(parts).double()

    @torch.no_grad()
    def losses(self, inputs: LabeledImages | None = None) -> Tensor:
        """(n,) float64: loss of images, summed over the checkpoints; of the training images by default."""
        images, model = inputs or self.images, copy.deepcopy(self.model)
        total = torch.zeros(len(images), dtype=torch.float64)
        for state in self.checkpoints:
            load_checkpoint(model, state)
            logits = torch.cat([model(part) for part in images.inputs.split(BATCH_SIZE)]).double()
            total += nn.functional.cross_entropy(logits, images.targets, reduction="none")
        return total

    def _tracer(self) -> Any:
        from captum.influence import TracInCP  # noqa: PLC0415  # it imports matplotlib, which takes a second

        return TracInCP(
            copy.deepcopy(self.model),
            TensorDataset(self.images.inputs, self.images.targets),
            list(self.checkpoints),
            checkpoints_load_func=load_checkpoint,
            loss_fn=nn.CrossEntropyLoss(reduction="sum"),
            batch_size=BATCH_SIZE,
            sample_wise_grads_per_batch=True,
        )


def load_checkpoint(model: nn.Module, state: State) -> float:
    """Load weights into a network; the weight of the checkpoint."""
    model.load_state_dict(state)
    return 1.0


def readings(course: TrainedCourse) -> Mapping[str, TracIn]:
    """TracIn over all checkpoints, and at the trained network alone."""
    return {
        CHECKPOINTS: TracIn(course.model, course.images, course.checkpoints),
        LAST: TracIn(course.model, course.images, course.checkpoints[-1:]),
    }
