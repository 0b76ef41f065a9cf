"""`attributionlab score`: the verdict on maps that were computed elsewhere."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from attributionlab.cli.options import Format, FormatOption, Rule, RuleOption, truth_option
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
    maps: Annotated[
        Path, typer.Argument(help="Maps of its images: .npy, .npz or .pt; (n,h,w), (n,c,h,w) or (n,h,w,c).")
    ],
    key: Annotated[str | None, typer.Option(metavar="NAME", help="Name of the array, in a file with several.")] = None,
    sign: Annotated[Sign, typer.Option(help="Meaning of the signs of the method's values.")] = Sign.signed,
    granularity: Annotated[
        Granularity, typer.Option(help="Whether the method tells neighboring pixels apart.")
    ] = Granularity.pixel,
    explains: Annotated[Explains, typer.Option(help="Quantity that the maps explain.")] = Explains.output,
    gamma: Annotated[float, typer.Option(help="Mean F1 that must be reached.")] = 0.5,
    truth: Annotated[str, truth_option("Truth that decides; auto fits the method.")] = "auto",
    rule: RuleOption = Rule.interval,
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
