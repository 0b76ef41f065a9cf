"""`attributionlab score`: the verdict on maps that were computed elsewhere."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from attributionlab.cli.options import Format, FormatOption, Rule
from attributionlab.cli.output import one_line_errors, print_verdict


class Sign(StrEnum):
    """Meaning of the signs of values."""

    signed = "signed"
    positive = "positive"
    magnitude = "magnitude"


class Granularity(StrEnum):
    """Whether neighboring pixels are told apart."""

    pixel = "pixel"
    coarse = "coarse"


class Explains(StrEnum):
    """Quantity that the maps explain."""

    output = "output"
    logit = "logit"


def score(
    folder: Annotated[Path, typer.Argument(help="A folder that `attributionlab generate` wrote.")],
    maps: Annotated[Path, typer.Argument(help="Its maps: .npy, .npz or .pt; (n,h,w), (n,c,h,w) or (n,h,w,c).")],
    key: Annotated[str | None, typer.Option(help="Which array of a file with several.")] = None,
    sign: Annotated[Sign, typer.Option(help="What the method's signs mean.")] = Sign.signed,
    granularity: Annotated[Granularity, typer.Option(help="Whether it tells pixels apart.")] = Granularity.pixel,
    explains: Annotated[Explains, typer.Option(help="What was explained.")] = Explains.output,
    gamma: Annotated[float, typer.Option(help="The least mean F1 that passes.")] = 0.5,
    truth: Annotated[
        str, typer.Option(help="The truth that decides: auto, overall, signed, positive, negative or positive-smooth.")
    ] = "auto",
    rule: Annotated[
        Rule, typer.Option(help="interval decides, or point: the mean alone, as in the paper.")
    ] = Rule.interval,
    format: FormatOption = Format.table,
) -> None:
    """Judge maps from any framework as `check` judges a method. Exit code 0: passed, 1: failed, 4: undecided."""
    with one_line_errors():
        from attributionlab.exchange.dataset_folder import open_folder
        from attributionlab.exchange.maps_file import read_maps
        from attributionlab.judging import check_maps
        from attributionlab.methods import Declaration

        environment, batch = open_folder(folder)
        verdict = check_maps(
            read_maps(maps, tuple(batch.inputs.shape), key=key),
            environment,
            batch,
            name=maps.name,
            declaration=Declaration(sign=sign.value, granularity=granularity.value, explains=explains.value),
            gamma=gamma,
            truth=truth,
            rule=rule.value,
        )
        print_verdict(verdict, format.value)
