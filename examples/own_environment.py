"""An environment of your own: a task whose answer is known, and a network with weights written by hand.

A row has six numbers. The network adds three of them, subtracts two and ignores the last. `verify` tests that the network does what
`logits` says; then any method can be judged on it, by `check` in Python or by name on the command line.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch

import attributionlab as al
from attributionlab.seeding import generator

SIGNS = np.array([1, 1, 1, -1, -1, 0])


@al.register_environment
@dataclass(frozen=True, kw_only=True)
class SignedSum(al.Environment):
    """The sum of three columns minus the sum of two others."""

    name: ClassVar[str] = "signed-sum"
    summary: ClassVar[str] = "what is the sum of three columns minus the sum of two others?"
    explains: ClassVar[str] = "value"
    true_baseline: ClassVar[torch.Tensor] = torch.zeros(1)

    def scene(self, index: int) -> Any:  # noqa: D102
        return generator(self.data_seed, "signed-sum", index).integers(1, 10, 6)

    def inputs_of(self, scene: Any) -> Any:  # noqa: D102
        return scene[None]

    def label(self, scene: Any) -> int:  # noqa: D102
        return int(SIGNS @ scene)

    def signed_truth(self, scene: Any) -> Any:  # noqa: D102, ARG002
        return SIGNS

    def logits(self, scene: Any, present: Any) -> Any:  # noqa: D102
        return np.array([(SIGNS * scene * present).sum()])

    def build_network(self) -> torch.nn.Module:  # noqa: D102
        linear = torch.nn.Linear(6, 1, bias=False)
        linear.weight.data.copy_(torch.from_numpy(SIGNS))
        return torch.nn.Sequential(torch.nn.Flatten(), linear)


if __name__ == "__main__":
    for claim in al.verify("signed-sum").claims:
        print("holds:" if claim.holds else "does not hold:", claim.statement)
    for method in ("gradient", "input-x-gradient"):
        print(f"{method}: {al.check(method, 'signed-sum').outcome}")
