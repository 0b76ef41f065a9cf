"""Draw how each network computes, from the weights of the built modules: SVG files in `docs/diagrams`.

    python scripts/network_diagrams.py            all but those of trained networks
    python scripts/network_diagrams.py --trained  those as well

A drawing of a designed network is the same on every machine, byte for byte.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from diagrams.pictures import DESIGNED, TRAINED

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "diagrams"


def write(pictures: dict[str, Callable[[], str]], folder: Path) -> None:
    """Write an SVG file for each picture."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, draw in pictures.items():
        (folder / f"{name}.svg").write_text(draw(), encoding="utf-8")
        print(folder / f"{name}.svg")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trained", action="store_true", help="draw trained networks as well")
    parser.add_argument("-o", "--output", type=Path, default=FOLDER, help="folder of the files")
    arguments = parser.parse_args()
    write(DESIGNED | (TRAINED if arguments.trained else {}), arguments.output)
