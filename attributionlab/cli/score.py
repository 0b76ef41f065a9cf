"""`attributionlab score`: the verdict on maps that were computed elsewhere."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from attributionlab.cli.options import Format, FormatOption, Rule, RuleOption, refused_early, truth_option
from attributionlab.cli.output import import_torch, one_line_errors, print_verdict, say
from attributionlab.exchange.generated_folder import require_generated


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
    folder: Annotated[
        Path,
        typer.Argument(
            help="A folder that `attributionlab generate` wrote.", callback=refused_early(require_generated)
        ),
    ],
    maps: Annotated[
        Path,
        typer.Argument(
            help="Maps of its images: .npy, .npz, .pt, .safetensors or .h5, or a folder with one for each image; (n,h,w), (n,c,h,w) or (n,h,w,c)."
        ),
    ],
    key: Annotated[
        str | None, typer.Option(metavar="NAME", help="Name of the array, in a file with several; nested ones as a/0.")
    ] = None,
    counterpart_maps: Annotated[
        Path | None,
        typer.Option(
            metavar="MAPS", help="Maps of the same images under their second networks (generate --counterparts)."
        ),
    ] = None,
    counterpart_key: Annotated[
        str | None, typer.Option(metavar="NAME", help="Name of the array in the files of --counterpart-maps.")
    ] = None,
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
    """Judge maps from any framework, as `check` judges a method; exit code 0: passed, 1: failed, 4: undecided."""
    with one_line_errors():
        import_torch()
        from attributionlab.errors import bad_option
        from attributionlab.exchange.dataset_folder import open_folder
        from attributionlab.exchange.map_notes import notes_on
        from attributionlab.exchange.maps_file import read_maps, read_values, summed
        from attributionlab.judging import check_maps
        from attributionlab.methods import Declaration

        if counterpart_key is not None and counterpart_maps is None:
            raise bad_option("counterpart_key", "go with `counterpart_maps`", counterpart_key)
        data = open_folder(folder)
        shape, second = tuple(data.batch.inputs.shape), None
        if counterpart_maps is not None:
            if not data.has_counterparts:
                hint = "its data set has no second networks; generate it with --counterparts"
                raise bad_option("counterpart_maps", "be left out here", str(counterpart_maps), hint)
            second = read_maps(counterpart_maps, shape, key=counterpart_key, names=data.names)
        declaration = Declaration(sign=sign.value, granularity=granularity.value, explains=explains.value)
        values = read_values(maps, shape, key=key, names=data.names)
        has_negative_truth = bool(data.batch.ground_truth.negative_mask.any())
        for note in notes_on(
            values, declaration, has_negative_truth=has_negative_truth and explains is Explains.output
        ):
            say("note", note)
        verdict = check_maps(
            summed(values, shape, maps),
            data.environment,
            data.batch,
            counterpart_maps=second,
            name=maps.name,
            declaration=declaration,
            gamma=gamma,
            truth=truth,
            rule=rule.value,
        )
        print_verdict(verdict, format.value)
