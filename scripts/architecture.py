"""The rooms of the package and the imports between them: checks the direction, draws `docs/architecture.svg`.

python scripts/architecture.py
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "attributionlab"
PICTURE = ROOT / "docs" / "architecture.svg"

ROWS: tuple[tuple[str, ...], ...] = (
    ("printable", "errors", "seeding", "files", "machine", "tabular"),
    ("specs",),
    ("scenes", "networks", "truth"),
    ("environments", "benchmarks", "perturbation", "games"),
    ("methods", "metrics"),
    ("measuring",),
    ("judging",),
    ("runs",),
    ("training", "modification", "text"),
    ("reports",),
    ("exchange", "papers", "live"),
    ("testing", "pytest_plugin", "cli"),
)
"""Rooms from the bottom to the top. A room imports rooms of its own row to its left, and of lower rows."""

RANK = {room: (row, place) for row, rooms in enumerate(ROWS) for place, room in enumerate(rooms)}


@dataclass(frozen=True)
class Import:
    """One module imports from another.

    Args:
        importer: Dotted name of the importing module, without the package.
        imported: Dotted name of the imported one.
    """

    importer: str
    imported: str

    @property
    def rooms(self) -> tuple[str, str]:
        """The rooms of both."""
        return room_of(self.importer), room_of(self.imported)

    @property
    def goes_up(self) -> bool:
        """Whether it goes against the direction."""
        above, below = (RANK[room] for room in self.rooms)
        return below > above

    def __str__(self) -> str:
        return f"{self.importer} imports {self.imported}"


def room_of(module: str) -> str:
    """The room that a module lies in."""
    return module.partition(".")[0]


def read_imports(package: Path = PACKAGE) -> list[Import]:
    """All imports inside of the package; those for type checkers alone are left out."""
    imports = []
    for file in sorted(package.rglob("*.py")):
        parts = file.relative_to(package).with_suffix("").parts
        importer = ".".join(part for part in parts if part != "__init__")
        if importer == "__main__":  # the command line, run by python -m
            continue
        names = _imported(ast.parse(file.read_text(encoding="utf-8")), package.name)
        imports += [Import(importer, name) for name in names if importer and room_of(importer) != room_of(name)]
    return imports


def _imported(tree: ast.Module, package: str) -> list[str]:
    """Modules of the package that a module imports at run time, without the package's name."""
    skipped = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and "TYPE_CHECKING" in ast.dump(block.test)
        for child in block.body
        for node in ast.walk(child)
    }
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and id(node) not in skipped:
            whole = [f"{node.module}.{alias.name}" for alias in node.names] if node.module == package else [node.module]
            names += [name.removeprefix(f"{package}.") for name in whole if name.startswith(f"{package}.")]
    return [name for name in names if room_of(name) in RANK]


def class_names(package: Path = PACKAGE) -> dict[str, list[str]]:
    """By name of a public class: the files that define one of it."""
    files = defaultdict(list)
    for file in sorted(package.rglob("*.py")):
        for node in ast.parse(file.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                files[node.name].append(str(file.relative_to(package.parent)))
    return files


def counted(imports: list[Import]) -> dict[tuple[str, str], int]:
    """By pair of rooms, the number of imports."""
    counts: dict[tuple[str, str], int] = defaultdict(int)
    for each in imports:
        counts[each.rooms] += 1
    return counts


def reduced(pairs: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """The pairs that no longer path implies: the transitive reduction of a graph without cycles."""
    below: dict[str, set[str]] = defaultdict(set)
    for above, room in pairs:
        below[above].add(room)

    def reachable(room: str) -> set[str]:
        return below[room].union(*map(reachable, below[room]))

    return {
        (above, room) for above, room in pairs if not any(room in reachable(other) for other in below[above] - {room})
    }


def draw(imports: list[Import], path: Path = PICTURE) -> None:
    """Draw rooms as boxes and imports as arrows, the thicker the more there are; arrows that a longer path implies are left out."""
    import matplotlib as mpl  # noqa: PLC0415  # the test of directions needs no figure
    from matplotlib.backends.backend_svg import FigureCanvasSVG  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    figure = Figure(figsize=(8, 7.5))
    FigureCanvasSVG(figure)
    axis = figure.add_axes((0, 0, 1, 1))
    axis.set_axis_off()
    axis.set(xlim=(0, 1), ylim=(-0.7, len(ROWS) - 0.4))
    places = {
        room: ((place + 1) / (len(rooms) + 1), row)
        for row, rooms in enumerate(ROWS)
        for place, room in enumerate(rooms)
    }
    counts = counted(imports)
    for above, below in sorted(reduced(set(counts))):
        arrow = {"arrowstyle": "-|>", "color": "#5f7183", "linewidth": 0.6 + 0.08 * min(counts[above, below], 20)}
        axis.annotate("", places[below], places[above], arrowprops={**arrow, "shrinkA": 14, "shrinkB": 20})
    for room, (x, y) in places.items():
        style = {"boxstyle": "round,pad=0.45", "facecolor": "#eef3f8", "edgecolor": "#33475b"}
        axis.text(x, y, room, ha="center", va="center", fontsize=10, bbox=style)
    with mpl.rc_context({"svg.hashsalt": "attributionlab", "svg.fonttype": "none"}):
        figure.savefig(path, metadata={"Date": None})
    path.write_text(re.sub(r"[ \t]+$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE), encoding="utf-8")


def main() -> None:
    """Draw the picture; say which imports go up."""
    imports = read_imports()
    draw(imports)
    print(f"{PICTURE.relative_to(ROOT)}: {len(imports)} imports between {len(RANK)} rooms")
    for each in imports:
        if each.goes_up:
            print(f"goes up: {each}")


if __name__ == "__main__":
    main()
