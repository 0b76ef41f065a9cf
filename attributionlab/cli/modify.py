"""`attributionlab modify`: pictures whose labels only a manipulation predicts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from attributionlab.cli.completion import in_list, names_of, starting_with
from attributionlab.cli.options import n_samples_option, output_option, refused_early
from attributionlab.cli.output import chatter_to_stderr, one_line_errors, print_line, progress_bar, say
from attributionlab.errors import bad_option
from attributionlab.modification.factory import MANIPULATIONS
from attributionlab.specs.grammar import split_specs

BUILT_IN = ("builtin", "flat")
"""Pictures that need no folder."""

DEFAULT_SIZE, DEFAULT_SAMPLES = 64, 500


def require_built_in(images: str) -> None:
    """Refuse pictures that are not built in.

    Raises:
        BadOption: If they are not.
    """
    if images not in BUILT_IN:
        hint = "pictures of your own are named before the options: `attributionlab modify FOLDER ...`"
        raise bad_option("images", f"be {' or '.join(BUILT_IN)}", images, hint)


def manipulation_specs(text: str) -> list[str]:
    """The specs of `--manipulation`; an empty one stays, so that it is refused."""
    return split_specs(text) or [text]


def require_manipulations(text: str) -> None:
    """Refuse a list of manipulations with a name that does not exist.

    Raises:
        UnknownName: If one does not exist.
        BadOption: If one is not a spec.
    """
    for spec in manipulation_specs(text):
        MANIPULATIONS.require(spec)


def modify(
    folder: Annotated[
        Path | None,
        typer.Argument(
            metavar="IMAGES", help="A folder with a folder of pictures for each class.", show_default="none"
        ),
    ] = None,
    output: Annotated[Path, output_option("The new folder.")] = ...,  # type: ignore[assignment]  # typer's mark of what must be given
    images: Annotated[
        str | None,
        typer.Option(
            metavar="|".join(BUILT_IN),
            help="Instead of IMAGES: crops of photographs, or pictures of one gray level.",
            autocompletion=lambda incomplete: starting_with(BUILT_IN, incomplete),
            callback=refused_early(require_built_in),
        ),
    ] = None,
    manipulation: Annotated[
        str,
        typer.Option(
            metavar="MANIPULATIONS",
            help="Manipulation of the second class, or one per class, separated by commas; blank changes nothing.",
            autocompletion=in_list(lambda incomplete: names_of("manipulations", incomplete)),
            callback=refused_early(require_manipulations),
        ),
    ] = "watermark",
    reassign: Annotated[
        str,
        typer.Option(metavar="R", help="Probability that a label is kept, or a matrix 0.9,0.1;0.2,0.8."),
    ] = "0.5",
    noninformative: Annotated[
        str | None,
        typer.Option(
            metavar="MANIPULATION",
            help="Manipulation of half of the pictures, whatever their label.",
            show_default="none",
            callback=refused_early(MANIPULATIONS.require),
        ),
    ] = None,
    classes: Annotated[
        str | None,
        typer.Option(metavar="NAMES", help="Classes, separated by commas.", show_default="all, or cat,coffee"),
    ] = None,
    size: Annotated[
        int | None, typer.Option(help="Side of the pictures in pixels.", show_default="that of the files, or 64")
    ] = None,
    n_samples: Annotated[int | None, n_samples_option("Pictures per class.", show_default="all, or 500")] = None,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Leave out files that cannot be read, and count them.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Seed of crops, labels, manipulations and splits.")] = 0,
) -> None:
    """Reassign labels at random, and manipulate pictures by their new labels: a network that classifies well uses the manipulation."""
    with one_line_errors():
        names = None if classes is None else [name.strip() for name in classes.split(",")]
        matrix = parse_reassignment(reassign)
        _check_source(folder, images)

        from attributionlab.exchange.modified_folder import write_modified
        from attributionlab.exchange.new_folder import check_new_folder
        from attributionlab.modification import make_manipulation
        from attributionlab.modification import modify as run_modify

        check_new_folder(output)
        with chatter_to_stderr():
            built = [make_manipulation(spec) for spec in manipulation_specs(manipulation)]
            extra = None if noninformative is None else make_manipulation(noninformative)
            pictures = _pictures(folder, images, names, size, n_samples, seed, skip_bad=skip_bad)
            data = run_modify(pictures, built, reassign=matrix, noninformative=extra, seed=seed)
        with progress_bar("writing", len(data)) as advance:
            write_modified(data, output, progress=advance)
        bound = f"p* = {data.accuracy_bound:g}, {data.region.mean():.1%} of the pixels in the joint region"
        print_line(
            f"wrote {len(data)} pictures of {len(data.classes)} classes to {output}: {bound}; see {output / 'preview.png'}"
        )


def parse_reassignment(text: str) -> object:
    """A probability, or the rows of a matrix, separated by semicolons.

    Raises:
        BadOption: If the text is neither.
    """
    try:
        rows = [[float(number) for number in row.split(",")] for row in text.split(";")]
    except ValueError:
        raise bad_option("reassign", "be a number, or rows of numbers like 0.9,0.1;0.2,0.8", text) from None
    return rows[0][0] if len(rows) == len(rows[0]) == 1 else rows


def _check_source(folder: Path | None, images: str | None) -> None:
    """Refuse both sources of pictures, or none.

    Raises:
        BadOption: If not exactly one is given.
    """
    if (folder is None) == (images is None):
        sources = "none" if folder is None else "both"
        raise bad_option("images", "be a folder, or --images builtin", sources)


def _pictures(
    folder: Path | None,
    images: str | None,
    classes: list[str] | None,
    size: int | None,
    n_samples: int | None,
    seed: int,
    *,
    skip_bad: bool,
) -> Any:
    """The pictures to modify."""
    from attributionlab.exchange.image_folder import read_pictures
    from attributionlab.modification.builtin import SIMILAR, builtin_pictures, flat_pictures

    if folder is not None:
        with progress_bar("reading", None) as advance:
            read = read_pictures(
                folder, size=size, classes=classes or (), n_per_class=n_samples, skip_bad=skip_bad, progress=advance
            )
        if read.skipped:
            more = f", and {len(read.skipped) - 1} more" if len(read.skipped) > 1 else ""
            say(
                "warning",
                f"{len(read.skipped)} of {len(read.pictures) + len(read.skipped)} files were left out: {read.skipped[0]}{more}",
            )
        return read.pictures
    if skip_bad:
        raise bad_option("skip_bad", "go with a folder of pictures", True)
    side, n = DEFAULT_SIZE if size is None else size, DEFAULT_SAMPLES if n_samples is None else n_samples
    if images == "flat":
        if classes is not None:
            raise bad_option("classes", "be left out with --images flat", classes)
        return flat_pictures(n, size=side, seed=seed)
    return builtin_pictures(classes or SIMILAR, n_per_class=n, size=side, seed=seed)
