"""What is kept in the folder of a reproduction: trained networks, and the measurements of each seed, so that it can be resumed."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import torch
from torch import nn

from attributionlab.files import KEPT, write_whole
from attributionlab.papers.evidence import Values
from attributionlab.training import Course
from attributionlab.training.loop import State


@dataclass(frozen=True)
class Store:
    """A folder with networks and measurements.

    Args:
        folder: The folder of the reproduction.
    """

    folder: Path

    def network(self, name: str, model: nn.Module, train: Callable[[nn.Module], Course]) -> nn.Module:
        """A trained network in evaluation mode: its stored weights, or those that it has after training.

        Args:
            name: Name of the file.
            model: The untrained network.
            train: Trains it in place.
        """
        file = self._network_file(name)
        if file.exists():
            model.load_state_dict(_load(file))
        else:
            self._train(name, model, train)
        return model.eval()

    def checkpoints(self, name: str, model: nn.Module, train: Callable[[nn.Module], Course]) -> list[State]:
        """Weights after training began, from the first checkpoint to the trained network; trained again if only the last are stored."""
        file = self._checkpoints_file(name)
        if not file.exists():
            self._train(name, model, train)
        states: list[State] = _load(file)
        return states

    def _train(self, name: str, model: nn.Module, train: Callable[[nn.Module], Course]) -> None:
        """Train a network, and store it with its checkpoints."""
        course = train(model)
        states = [snapshot.state for snapshot in course.checkpoints if snapshot.epoch]
        for file, content in ((self._network_file(name), model.state_dict()), (self._checkpoints_file(name), states)):
            buffer = io.BytesIO()
            torch.save(content, buffer)
            write_whole(file, buffer.getvalue(), KEPT)

    def _network_file(self, name: str) -> Path:
        return self.folder / "networks" / f"{name}.pt"

    def _checkpoints_file(self, name: str) -> Path:
        return self.folder / "networks" / f"{name}-checkpoints.pt"

    def measurement(self, study: str, name: str, measure: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """A measurement as JSON: the stored one, or a new one. NaN is stored as null."""
        file = self.folder / study / f"{name}.json"
        if not file.exists():
            write_whole(file, orjson.dumps(measure()), KEPT)
        stored: dict[str, Any] = orjson.loads(file.read_bytes())
        return stored

    def picture(self, study: str, name: str, draw: Callable[[], bytes]) -> bytes:
        """A picture: the stored one, or a new one."""
        file = self.folder / study / f"{name}.png"
        if not file.exists():
            write_whole(file, draw(), KEPT)
        return file.read_bytes()


def _load(file: Path) -> Any:
    """The content of a file that `torch.save` wrote."""
    return torch.load(io.BytesIO(file.read_bytes()), weights_only=True)


def as_values(rows: list[list[float | None]]) -> Values:
    """Stored rows (networks, images) as numbers, null as NaN."""
    return np.array([[np.nan if value is None else value for value in row] for row in rows], dtype=np.float64)
