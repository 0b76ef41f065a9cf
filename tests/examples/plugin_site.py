"""Installs a package of pure Python into a folder, as pip does, but without pip: needs no network and no build tools."""

from __future__ import annotations

import shutil
import tomllib
from collections.abc import Mapping
from pathlib import Path

PLUGIN = Path(__file__).parents[2] / "examples" / "plugin"


def install(project: Path, site: Path) -> None:
    """Copy the package of a project into `site`, with the metadata that its pyproject.toml declares."""
    declared = tomllib.loads((project / "pyproject.toml").read_text(encoding="utf-8"))
    for package in declared["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]:
        shutil.copytree(project / package, site / package, ignore=shutil.ignore_patterns("__pycache__"))
    write_metadata(
        site, declared["project"]["name"], declared["project"]["version"], declared["project"]["entry-points"]
    )


def write_metadata(site: Path, name: str, version: str, entry_points: Mapping[str, Mapping[str, str]]) -> None:
    """Write the folder `*.dist-info` of a package."""
    folder = site / f"{name.replace('-', '_')}-{version}.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text(f"Metadata-Version: 2.3\nName: {name}\nVersion: {version}\n", encoding="utf-8")
    lines = [
        line for group, points in entry_points.items() for line in (f"[{group}]", *map(" = ".join, points.items()), "")
    ]
    (folder / "entry_points.txt").write_text("\n".join(lines), encoding="utf-8")
