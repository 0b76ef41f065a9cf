"""Every method on a network with real weights: what it returns, how complete it is, or why it refuses.

python scripts/pretrained_methods.py

Writes the table of docs/own_networks.md between its marks. Needs the extra `pretrained`; takes some minutes on two cores.
"""

from __future__ import annotations

import argparse
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
from attributionlab.methods.base import CONTROLS
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


@dataclass(frozen=True)
class Outcome:
    """What a method returns: processor seconds, sum of the map relative to what it explains, and the reason of a refusal."""

    seconds: float | None = None
    completeness: float | None = None
    refusal: str = ""

    def cells(self) -> tuple[str, str, str]:
        """Cells of the table."""
        shown = ("-" if value is None else f"{value:.2g}" for value in (self.seconds, self.completeness))
        return *shown, f"refused: {self.refusal}" if self.refusal else "a map"


def explain(name: str, trained: Pretrained, index: int) -> Outcome:
    """The outcome of a method with its default options on one photograph."""
    model, image, label = trained.model, trained.photographs[[index]], trained.labels[[index]]
    references = References(photographs=trained.photographs)
    begin = time.process_time()
    try:
        method = al.make_method(name, references, **OPTIONS.get(name, {}))
        maps = method(model, image, label)
    except AttributionLabError as error:
        return Outcome(refusal=str(error).replace("|", "/"))
    seconds = time.process_time() - begin
    if not name.startswith(CONSERVING):
        return Outcome(seconds)
    with torch.no_grad():
        explained = model(image)[0, label]
        if "baseline" in method.declaration.needs:
            baseline = method.baseline_like(image, getattr(method, "baseline", "black"))
            explained = explained - model(baseline)[0, label]
        elif name == "expected-gradients":
            explained = explained - model(method.references)[:, label].mean()
    return Outcome(seconds, float(maps.double().sum() / explained.double()))


def table(size: int, index: int) -> str:
    """Markdown, with a row for each method but controls."""
    trained = al.pretrained(size=size)
    lines = ["| method | processor seconds | sum / explained | |", "|---|---|---|---|"]
    for name in METHODS:
        if al.make_method(name).declaration.family != CONTROLS:
            lines.append(f"| {' | '.join((f'`{name}`', *explain(name, trained, index).cells()))} |")
            print(lines[-1], flush=True)
    return "\n".join(lines)


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--index", type=int, default=0, help="photograph")
    arguments = parser.parse_args()
    text = table(arguments.size, arguments.index)
    page = PAGE.read_text(encoding="utf-8")
    pattern = re.compile(f"{re.escape(BEGIN)}.*{re.escape(END)}", re.DOTALL)
    PAGE.write_text(pattern.sub(lambda _: f"{BEGIN}\n{text}\n{END}", page), encoding="utf-8")


if __name__ == "__main__":
    main()
