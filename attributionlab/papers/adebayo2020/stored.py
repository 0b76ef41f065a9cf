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


@dataclass(frozen=True)
class Store:
    """A folder with networks and measurements.

    Args:
        folder: The folder of the reproduction.
    """

    folder: Path

    def network(self, name: str, model: nn.Module, train: Callable[[nn.Module], object]) -> nn.Module:
        """A trained network in evaluation mode: its stored weights, or those that it has after training.

        Args:
            name: Name of the file.
            model: The untrained network.
            train: Trains it in place.
        """
        file = self.folder / "networks" / f"{name}.pt"
        if file.exists():
            model.load_state_dict(torch.load(io.BytesIO(file.read_bytes()), weights_only=True))
            return model.eval()
        train(model)
        buffer = io.BytesIO()
        torch.save(model.state_dict(), buffer)
        write_whole(file, buffer.getvalue(), KEPT)
        return model.eval()

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


def as_values(rows: list[list[float | None]]) -> Values:
    """Stored rows (networks, images) as numbers, null as NaN."""
    return np.array([[np.nan if value is None else value for value in row] for row in rows], dtype=np.float64)
