"""Networks trained on modified pictures for the four questions, and the Attr% of maps of them, collected step by step."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch

from attributionlab.errors import bad_option
from attributionlab.measuring import Failure, Maps
from attributionlab.measuring.progress import Progress
from attributionlab.methods import AnyMethod
from attributionlab.modification.attr_report import AttrExamples, AttrPoint, Question, TrainedPictures
from attributionlab.modification.explaining import (
    ExplainedPictures,
    PictureBackground,
    attr_means,
    explain_pictures,
)
from attributionlab.modification.networks import ModelFactory
from attributionlab.modification.percentages import region_share
from attributionlab.modification.pictures import ModifiedPictures
from attributionlab.modification.shapley import accuracy_of_original_features, shapley_range, shapley_shares
from attributionlab.modification.training import Training, budget, pixels_to_inputs, train
from attributionlab.specs.arguments import require_instance
from attributionlab.training.loop import MOST_CHECKPOINTS, predict

KEPT = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
"""Probabilities r of section 5.4."""

SIMILAR_BELOW = 0.9
"""Accuracy on original labels, without a manipulation, below which a pair of classes counts as similar."""

N_EXAMPLES = 2
"""Pictures of each class whose maps are kept for a figure."""


@dataclass(eq=False)
class AttrStudy:
    """Networks trained so far, and what their maps show.

    Args: as `attr_percent`; networks, points, failures and examples are added by the questions.
    """

    data: Mapping[str, ModifiedPictures]
    methods: tuple[AnyMethod, ...]
    factory: ModelFactory
    questions: tuple[Question, ...]
    n_per_class: int
    n_epochs: int | None
    seed: int
    device: torch.device
    progress: Progress
    networks: list[TrainedPictures] = field(default_factory=list)
    points: list[AttrPoint] = field(default_factory=list)
    failures: dict[str, Failure] = field(default_factory=dict)
    examples: dict[str, AttrExamples] = field(default_factory=dict)

    def check(self) -> None:
        """Refuse arguments that no network could be measured with.

        Raises:
            BadOption: If there are none, or a question does not fit a data set.
        """
        if not self.data:
            raise bad_option("data", "be at least one", "none")
        if not self.methods:
            raise bad_option("methods", "be at least one", "none")
        for name, pictures in self.data.items():
            require_instance("data", pictures, ModifiedPictures, "be modified pictures by name")
            if not pictures.region.any() or pictures.region.all():
                raise bad_option("data", "have a region that is neither empty nor the whole picture", name)
            if "visibility" in self.questions and all(each.visibility is None for each in pictures.manipulations):
                raise bad_option("questions", "fit the data: its manipulation has no levels of visibility", name)
            if "correlation" in self.questions and (len(pictures.classes) != 2 or self._is_stored(pictures)):
                raise bad_option(
                    "questions", "fit the data: correlation needs two classes and known manipulations", name
                )

    @staticmethod
    def _is_stored(pictures: ModifiedPictures) -> bool:
        """Whether a manipulation cannot be applied again."""
        return any(each.name == "stored" for each in pictures.manipulations)

    def explain_data(self, name: str, pictures: ModifiedPictures) -> None:
        """Train on a data set, and explain the network, also on the way if that is asked."""
        training = self._trained(pictures)
        self._record(name, "attributions", pictures, training)
        if not training.test.beats_bound:
            return
        self._explain(pictures, training, name)
        if "accuracy" in self.questions:
            self._explain_checkpoints(name, pictures, training)

    def ask(self, question: Question, name: str, pictures: ModifiedPictures) -> None:
        """Train and explain networks at each level of visibility, or for each r."""
        if question == "visibility":
            levels = next(each.visibility.levels for each in pictures.manipulations if each.visibility is not None)
            for level in levels:
                changed = pictures.at_level(level)
                training = self._trained(changed)
                self._record(name, question, changed, training, level=level)
                if training.test.beats_bound:
                    self._explain(changed, training)
            return
        pair = self._pair(pictures)
        for r in KEPT:
            changed = pictures.reassigned(r)
            training = self._trained(changed)
            self._record(name, question, changed, training, pair=pair)
            if training.test.beats_bound or training.test.accuracy >= SIMILAR_BELOW:  # at r = 1 nothing beats p* = 1
                self._explain(changed, training)

    def _trained(self, pictures: ModifiedPictures) -> Training:
        """A trained network."""
        training = train(
            pictures, self.factory, n_epochs=self.n_epochs, seed=self.seed, device=self.device, progress=self.progress
        )
        epochs = budget(pictures) if self.n_epochs is None else self.n_epochs
        self.progress(epochs - len(training.validation))
        return training

    def _record(
        self,
        name: str,
        question: Question,
        pictures: ModifiedPictures,
        training: Training,
        *,
        level: float | None = None,
        pair: str | None = None,
    ) -> None:
        """Add a network to the report."""
        original = None if self._is_stored(pictures) else original_accuracy(training, pictures)
        r, p = pictures.reassign, training.test.accuracy
        is_balanced = r is not None and len(pictures.classes) == 2 and p > 0.5
        self.networks.append(
            TrainedPictures(
                data=name,
                question=question,
                manipulations=tuple(each.spec for each in pictures.manipulations),
                level=level,
                reassign=r,
                n_epochs=len(training.validation),
                test=training.test,
                original_accuracy=original,
                shares=shapley_shares(0.5, p, original, p) if is_balanced and original is not None else None,
                bounds=shapley_range(p, r) if is_balanced and r is not None and r >= 0.5 else None,
                pair=pair,
            )
        )

    def _pair(self, pictures: ModifiedPictures) -> str:
        """Whether the classes are similar: a network hardly tells them apart without a manipulation."""
        originals = pictures.originals
        plain = dataclasses.replace(pictures, values=originals.values, labels=originals.labels, matrix=np.eye(2))
        training = self._trained(plain)
        return "similar" if training.test.accuracy < SIMILAR_BELOW else "distinct"

    def _explain(self, pictures: ModifiedPictures, training: Training, examples_of: str | None = None) -> None:
        """Add the points of a trained network, and its examples."""
        explained = ExplainedPictures.of(pictures, training.model, self.n_per_class)
        results = self._maps(pictures, training, explained)
        self._add(pictures, results, explained, len(training.validation), training.test.accuracy)
        if examples_of is not None:
            labels = explained.labels
            rows = np.concatenate([np.flatnonzero(labels == label)[:N_EXAMPLES] for label in np.unique(labels)])
            self.examples[examples_of] = AttrExamples(
                pictures=pictures.values[explained.rows[rows]],
                names=tuple(pictures.classes[label] for label in labels[rows]),
                region=pictures.region,
                maps={spec: maps.values[rows].cpu() for spec, maps in results.items()},
            )

    def _explain_checkpoints(self, name: str, pictures: ModifiedPictures, training: Training) -> None:
        """Add the points of the states on the way."""
        self._record(name, "accuracy", pictures, training)
        final = training.model.state_dict()
        final = {key: tensor.clone() for key, tensor in final.items()}
        for checkpoint in training.checkpoints:
            training.model.load_state_dict(checkpoint.state)
            explained = ExplainedPictures.of(pictures, training.model, self.n_per_class)
            results = self._maps(pictures, training, explained)
            self._add(pictures, results, explained, checkpoint.epoch, checkpoint.accuracy)
        training.model.load_state_dict(final)
        self.progress((MOST_CHECKPOINTS - len(training.checkpoints)) * len(self.methods) * len(explained.batch))

    def _maps(self, pictures: ModifiedPictures, training: Training, explained: ExplainedPictures) -> dict[str, Maps]:
        """The maps of the methods that do not fail."""
        background = PictureBackground.of(pictures)
        results = explain_pictures(self.methods, training.model, background, explained, progress=self.progress)
        for spec, result in results.items():
            if isinstance(result, Failure):
                self.failures.setdefault(spec, result)
        return {spec: result for spec, result in results.items() if isinstance(result, Maps)}

    def _add(
        self,
        pictures: ModifiedPictures,
        results: Mapping[str, Maps],
        explained: ExplainedPictures,
        epoch: int,
        accuracy: float,
    ) -> None:
        """Add the points of the last network."""
        share = region_share(explained.region)
        for spec, maps in results.items():
            for mean in attr_means(explained, maps.values):
                is_manipulated = not pictures.manipulations[mean.label].is_blank
                name = pictures.classes[mean.label]
                self.points.append(
                    AttrPoint(len(self.networks) - 1, epoch, accuracy, spec, share, name, is_manipulated, mean)
                )


def original_accuracy(training: Training, pictures: ModifiedPictures) -> float:
    """a(F_O) of Eq. 9 on the test pictures, each in the version of every class."""
    rows = pictures.rows("test")
    columns = [
        predict(training.model, pixels_to_inputs(np.stack([pictures.version(int(row), label) for row in rows])))
        for label in range(len(pictures.classes))
    ]
    return accuracy_of_original_features(np.stack(columns, axis=1), pictures.originals.labels[rows], pictures.matrix)
