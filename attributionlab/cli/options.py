"""Options that several commands share, declared once."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Format(StrEnum):
    """Output format of results."""

    table = "table"
    json = "json"
    csv = "csv"


class Device(StrEnum):
    """Device to compute on."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


class Rule(StrEnum):
    """What decides a verdict."""

    interval = "interval"
    point = "point"


FormatOption = Annotated[Format, typer.Option("--format", help="How to print the result.")]
DeviceOption = Annotated[Device, typer.Option(help="Where to compute; auto takes a GPU if there is one.")]
SeedOption = Annotated[int | None, typer.Option(help="Seed of scenes and random weights.", show_default="0")]
SizeOption = Annotated[
    int | None, typer.Option(help="Side of the images in pixels, for specs that do not say.", show_default="224")
]
SamCheckpointOption = Annotated[
    Path | None, typer.Option(help="File of SAM's weights, for methods with segments=sam that do not say.")
]
SamModelOption = Annotated[
    str | None, typer.Option(help="Which SAM they belong to: vit_h, vit_l or vit_b.", show_default="vit_h")
]


def output_path(text: str) -> Path:
    """The path of an output; an empty one, which often is a variable that is not set, would be the current folder."""
    if not text or "\0" in text:
        raise typer.BadParameter("it must not be empty")
    return Path(text)


OutputOption = Annotated[
    Path, typer.Option("--output", "-o", help="Where to write.", parser=output_path, metavar="PATH")
]
ForceOption = Annotated[bool, typer.Option("--force", help="Overwrite files, too, that this program did not write.")]


def environment_defaults(size: int | None, seed: int | None) -> dict[str, object]:
    """Options for environments whose spec does not set them."""
    return {name: value for name, value in (("size", size), ("seed", seed)) if value is not None}


def sam_defaults(checkpoint: Path | None, model: str | None) -> dict[str, object]:
    """Options for methods with segments=sam whose spec does not set them."""
    options = {"sam_checkpoint": checkpoint and str(checkpoint), "sam_model": model}
    return {name: value for name, value in options.items() if value is not None}
