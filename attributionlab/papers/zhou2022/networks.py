"""Measured networks as data: Attr% by method and class, and the report that tables and figures of `attr-percent` take."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from attributionlab.machine import find_device
from attributionlab.modification import AttrPoint, AttrReport, MeasuredAccuracy
from attributionlab.modification.attr_report import Question, TrainedPictures
from attributionlab.modification.explaining import AttrMean
from attributionlab.papers.studies import Cell, ReportTable, StudySetting
from attributionlab.papers.zhou2022.pictures import ACCURATE
from attributionlab.runs import Task, run_tasks
from attributionlab.runs.executors import Executor

Values = npt.NDArray[np.float64]

LEFT_ALONE, MANIPULATED = 0, 1
"""The classes: absence and presence of the manipulation."""


@dataclass(frozen=True, eq=False)
class MeasuredNetwork:
    """A trained network and the shares of its maps.

    Args:
        arguments: Arguments of its task.
        value: Result of its task.
    """

    arguments: dict[str, Any]
    value: dict[str, Any]

    @property
    def manipulation(self) -> str:
        """Name of the manipulation."""
        return str(self.arguments["manipulation"])

    @property
    def level(self) -> float:
        """Level of visibility."""
        return float(self.arguments["level"])

    @property
    def reassign(self) -> float:
        """R."""
        return float(self.arguments["reassign"])

    @property
    def seed(self) -> int:
        """Seed of everything."""
        return int(self.arguments["seed"])

    @property
    def test(self) -> MeasuredAccuracy:
        """Accuracy on the test pictures, beside p*."""
        return MeasuredAccuracy(*self.value["test"])

    @property
    def is_accurate(self) -> bool:
        """Whether it is as accurate as the paper asks for."""
        return self.test.accuracy > ACCURATE

    @property
    def region_share(self) -> float:
        """%ER."""
        return float(self.value["region"])

    def attr(self, method: str, label: int) -> float:
        """Mean Attr% over the pictures of a class; NaN if the method failed."""
        means = self.value["attr"].get(method)
        return float("nan") if means is None else float(means[label]["mean"])

    def mean_attr(self, method: str) -> float:
        """Mean Attr% over both classes."""
        return (self.attr(method, LEFT_ALONE) + self.attr(method, MANIPULATED)) / 2


def measure_networks(setting: StudySetting, tasks: Sequence[Task], title: str) -> list[MeasuredNetwork]:
    """Run or resume tasks of networks, in a folder that all studies of pictures share; those that fail are left out, with a warning."""
    unique = list({task.key: task for task in tasks}.values())
    results = run_all(setting, unique, "zhou-pictures", title)
    return [MeasuredNetwork(dict(task.arguments), results[task.key]) for task in tasks if task.key in results]


def run_all(setting: StudySetting, tasks: Sequence[Task], folder: str, title: str) -> dict[str, Any]:
    """Values of tasks by key; warns of those that failed."""
    device = find_device(setting.device).type
    executor = Executor(setting.workers, setting.backend, setting.address, device)
    with setting.watch(title, len(tasks)) as advance:
        results = run_tasks(tasks, setting.folder / folder, executor=executor, progress=advance)
    failed = [result for result in results if result.error is not None]
    for result in failed[:1]:
        assert result.error is not None, "they failed"
        text = f"{len(failed)} of {len(tasks)} networks failed; {result.error.type}: {result.error.message}"
        warnings.warn(text, stacklevel=2)
        setting.failures.append(text)
    return {result.key: result.value for result in results if result.error is None}


def attr_report(
    networks: Sequence[MeasuredNetwork], question: Question, pair_of: Mapping[tuple[str, ...], str] | None = None
) -> AttrReport:
    """The networks as a report of `attr_percent`, which its figures take; points are those of networks that are accurate enough."""
    trained, points = [], []
    for network in networks:
        pair = None if pair_of is None else pair_of[tuple(network.arguments["classes"])]
        trained.append(_trained(network, question, pair))
        if not network.is_accurate:
            continue
        last = {"epoch": network.value["epochs"][0], "accuracy": network.test.accuracy, "attr": network.value["attr"]}
        for state in network.value["way"] if question == "accuracy" else [last]:
            for method, means in state["attr"].items():
                points += [
                    AttrPoint(
                        len(trained) - 1,
                        state["epoch"],
                        state["accuracy"],
                        method,
                        network.region_share,
                        network.arguments["classes"][mean["label"]],
                        mean["label"] == MANIPULATED,
                        AttrMean(**mean),
                    )
                    for mean in means
                ]
    return AttrReport((question,), tuple(trained), tuple(points), {})


def _trained(network: MeasuredNetwork, question: Question, pair: str | None) -> TrainedPictures:
    name = f"{network.manipulation} {'/'.join(network.arguments['classes'])} {network.seed}"
    is_level = question == "visibility"
    trained = TrainedPictures(
        data=name,
        question=question,
        manipulations=(network.manipulation,),
        level=network.level if is_level else None,
        reassign=network.reassign,
        n_epochs=network.value["epochs"][0],
        test=network.test,
        original_accuracy=network.value["original"],
    )
    return replace(trained, pair=pair)


def attr_table(networks: Sequence[MeasuredNetwork], methods: Sequence[str], title: str) -> ReportTable:
    """Attr% of each method, with the manipulation and without, averaged over networks of one setting."""
    rows: list[tuple[Cell, ...]] = []
    settings = dict.fromkeys((network.manipulation, network.level, network.reassign) for network in networks)
    for setting in settings:
        group = [each for each in networks if (each.manipulation, each.level, each.reassign) == setting]
        accuracy = float(np.mean([network.test.accuracy for network in group]))
        cells: list[Cell] = [setting[0], f"{setting[1]:g}", f"{setting[2]:g}", str(len(group)), accuracy]
        cells.append(float(np.mean([network.region_share for network in group])))
        for method in methods:
            values = [np.mean([network.attr(method, label) for network in group]) for label in (1, 0)]
            cells.append(" / ".join(f"{value:.2f}" for value in values))
        rows.append(tuple(cells))
    columns = ("manipulation", "level", "r", "networks", "accuracy", "%ER", *methods)
    return ReportTable(title, columns, tuple(rows))
