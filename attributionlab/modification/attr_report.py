"""The report of Attr%: networks, points and examples."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

import torch

from attributionlab.machine import versions
from attributionlab.measuring import Failure
from attributionlab.modification.explaining import AttrMean
from attributionlab.modification.labels import MeasuredAccuracy
from attributionlab.modification.shapley import FeatureShares
from attributionlab.tabular import Tabular

Question = Literal["attributions", "accuracy", "visibility", "correlation"]
QUESTIONS: tuple[Question, ...] = ("attributions", "accuracy", "visibility", "correlation")
"""Sections 5.1 to 5.4."""


@dataclass(frozen=True)
class TrainedPictures:
    """A network that was trained, and what its accuracy says.

    Args:
        data: Name of the data set.
        question: The question that it was trained for.
        manipulations: Specs of the manipulations of the classes.
        level: Level of visibility, where that is asked, or None.
        reassign: r, or None for another matrix.
        n_epochs: Epochs of training.
        test: Accuracy on the test pictures.
        original_accuracy: a(F_O) of Eq. 9, or None if a manipulation cannot be applied again.
        shares: Shapley shares by Eq. 1 and 2 with a(F_O), for two balanced classes; else None.
        bounds: The range of Eq. 3 and 4, for two classes and r >= 1/2; else None.
        pair: `similar` or `distinct` classes, where the correlation is asked; else None.
    """

    data: str
    question: Question
    manipulations: tuple[str, ...]
    level: float | None
    reassign: float | None
    n_epochs: int
    test: MeasuredAccuracy
    original_accuracy: float | None = None
    shares: FeatureShares | None = None
    bounds: FeatureShares | None = None
    pair: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The documented JSON."""
        test = {name: getattr(self.test, name) for name in ("accuracy", "n", "bound", "luck", "beats_bound")}
        return {**dataclasses.asdict(self), "test": test}


@dataclass(frozen=True)
class AttrPoint:
    """Mean Attr% of a method on one network and one new class.

    Args:
        network: Index of the network in the report.
        epoch: Epochs after which it was explained.
        accuracy: Its accuracy then: on the test pictures at the end, on the validation pictures on the way.
        method: Spec of the method.
        region_share: %ER of the joint effective region.
        class_name: Name of the class.
        is_manipulated: Whether pictures of this class are manipulated.
        attr: The mean, and what it comes from.
    """

    network: int
    epoch: int
    accuracy: float
    method: str
    region_share: float
    class_name: str
    is_manipulated: bool
    attr: AttrMean

    @property
    def relation(self) -> str:
        """`above`, `as` or `below` a random map: whether the interval of the mean excludes %ER."""
        if self.attr.low > self.region_share:
            return "above"
        return "below" if self.attr.high < self.region_share else "as"

    def to_dict(self) -> dict[str, Any]:
        """The documented JSON."""
        return {**dataclasses.asdict(self), "relation": self.relation}


@dataclass(frozen=True, eq=False)
class AttrExamples:
    """Test pictures with their maps, for a figure.

    Args:
        pictures: (n, h, w, 3) uint8.
        names: Names of their classes.
        region: bool (h, w).
        maps: (n, h, w) by method.
    """

    pictures: Any
    names: tuple[str, ...]
    region: Any
    maps: Mapping[str, torch.Tensor]


@dataclass(frozen=True, eq=False)
class AttrReport(Tabular):
    """Attr% of several methods.

    Args:
        questions: The questions.
        networks: The networks that were trained.
        points: Attr% of the networks that are accurate enough.
        failures: Methods that failed, with the first reason.
        examples: Pictures and maps by name of the data set.
    """

    _table: ClassVar[str] = "attributionlab.reports.tables.attr_percent:attr_tables"
    _rows: ClassVar[str] = "attributionlab.reports.tables.attr_percent:attr_rows"

    questions: tuple[Question, ...]
    networks: tuple[TrainedPictures, ...]
    points: tuple[AttrPoint, ...]
    failures: Mapping[str, Failure]
    examples: Mapping[str, AttrExamples] = field(default_factory=dict)

    def of(self, question: Question) -> list[AttrPoint]:
        """The points of one question."""
        return [point for point in self.points if self.networks[point.network].question == question]

    def to_dict(self) -> dict[str, Any]:
        """The documented JSON."""
        return {
            "schema": 1,
            "questions": list(self.questions),
            "networks": [network.to_dict() for network in self.networks],
            "points": [point.to_dict() for point in self.points],
            "failures": {method: dataclasses.asdict(failure) for method, failure in self.failures.items()},
            "versions": versions(),
        }
