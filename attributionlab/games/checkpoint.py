"""Sums over random orders in a file, so that an estimate can be interrupted and continued."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np
from torch import Tensor, nn

from attributionlab.errors import bad_option, missing_file
from attributionlab.files import check_parents, is_file, whole_file
from attributionlab.games.permutations import Contributions
from attributionlab.specs.arguments import require_path

SECONDS = 5.0
"""Time between two writes: at most so much work is lost."""

NAMES = ("keys", "n_orders", "sums", "squares")
"""Arrays of the file."""


def estimate_key(model: nn.Module, start: Tensor, end: Tensor, *facts: object) -> int:
    """A 64-bit fingerprint of everything that the orders' sums depend on.

    Args:
        model: The network.
        start: The baseline.
        end: The input.
        *facts: The explained output and the seed.
    """
    digest = hashlib.blake2b(repr(facts).encode(), digest_size=8)
    for tensor in (*model.state_dict().values(), start, end):
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return int.from_bytes(digest.digest(), "little")


@dataclass(eq=False)
class Checkpoint:
    """Sums over orders of several inputs, by fingerprint, kept in a .npz file.

    Args:
        path: The file.
        stored: Sums by fingerprint.
        clock: Seconds.
    """

    path: Path
    stored: dict[int, Contributions] = field(default_factory=dict)
    clock: Callable[[], float] = time.monotonic
    _last: float = field(default=-np.inf, init=False)

    @classmethod
    def read(cls, path: object) -> Self:
        """The sums of a file, none if it does not exist yet.

        Raises:
            BadOption: If the path cannot be written, or holds another file.
            MissingFile: If it is a folder.
        """
        file = require_path("checkpoint", path)
        if file.suffix != ".npz":
            raise bad_option("checkpoint", "end in .npz", str(file))
        check_parents(file, "checkpoint")
        if not file.exists():
            return cls(file)
        if not is_file(file):
            raise missing_file("checkpoint", "be a file", str(file))
        try:
            with np.load(file, allow_pickle=False) as arrays:
                keys, *numbers = (arrays[name] for name in NAMES)
            rows = zip(keys.tolist(), *numbers, strict=True)
            return cls(file, {key: Contributions(int(n), sums, squares) for key, n, sums, squares in rows})
        except Exception as error:
            hint = "choose a new file"
            raise bad_option("checkpoint", "be a file that an estimate wrote", str(file), hint) from error

    def contributions(self, key: int, n_features: int) -> Contributions:
        """The sums of an input so far.

        Raises:
            BadOption: If the file has sums of inputs of another size.
        """
        sizes = {len(each.sums) for each in self.stored.values()}
        if sizes - {n_features}:
            raise bad_option("checkpoint", f"hold sums of inputs with {n_features} features", str(self.path))
        if key not in self.stored:
            self.stored[key] = Contributions(0, np.zeros(n_features), np.zeros(n_features))
        return self.stored[key]

    def keep(self, *, now: bool = False) -> None:
        """Write all sums, if the last time is some seconds ago or it must be `now`.

        Raises:
            MachineError: If the file cannot be written.
        """
        if not now and self.clock() - self._last < SECONDS:
            return
        self._last = self.clock()
        values = self.stored.values()
        with whole_file(self.path) as file:
            np.savez(
                file,
                keys=np.array(list(self.stored), dtype=np.uint64),
                n_orders=np.array([each.n_orders for each in values]),
                sums=np.stack([each.sums for each in values]),
                squares=np.stack([each.squares for each in values]),
            )
