"""`attributionlab attr-percent`: do methods find the manipulation that a trained network must be using?"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from attributionlab.cli.completion import in_list, starting_with
from attributionlab.cli.options import (
    Device,
    DeviceOption,
    Format,
    FormatOption,
    methods_option,
    n_samples_option,
    output_option,
)
from attributionlab.cli.output import (
    EXIT_FAILED,
    build_methods,
    chatter_to_stderr,
    import_torch,
    one_line_errors,
    print_result,
    progress_bar,
    say,
)
from attributionlab.errors import bad_option, unknown_name

QUESTIONS = ("attributions", "accuracy", "visibility", "correlation")
ALL = "all"

DEFAULT_METHODS = "gradient-magnitude,smoothgrad,gradcam,lime,expected-gradients,random"
"""The methods of Zhou et al. 2022, appendix B.2, where SHAP is shap's GradientExplainer, and a random map."""


def attr_percent(
    folders: Annotated[list[Path], typer.Argument(metavar="FOLDERS", help="Folders that `modify` wrote.")],
    model: Annotated[
        str | None,
        typer.Option(
            metavar="FACTORY",
            help="Network: module:function or file.py:function, called with the number of classes.",
            show_default="ours",
        ),
    ] = None,
    methods: Annotated[
        str, methods_option("Methods, separated by commas: names, specs or functions, file.py:name.")
    ] = DEFAULT_METHODS,
    questions: Annotated[
        str,
        typer.Option(
            metavar="QUESTIONS",
            help="attributions, accuracy, visibility, correlation, separated by commas, or all.",
            autocompletion=in_list(lambda incomplete: starting_with((*QUESTIONS, ALL), incomplete)),
        ),
    ] = "attributions",
    n_samples: Annotated[int, n_samples_option("Largest number of test pictures to explain in each class.")] = 16,
    epochs: Annotated[
        int | None,
        typer.Option(help="Largest number of training epochs; 0 uses the network as it is.", show_default="as needed"),
    ] = None,
    output: Annotated[Path | None, output_option("Also write results and figures to this new folder.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of weights and of the order of pictures.")] = 0,
    device: DeviceOption = Device.auto,
    format: FormatOption = Format.table,
) -> None:
    """Train a network on modified pictures, and measure which share of each method's maps lies where the network must look.

    Without an accuracy above p*, the bound for networks that look elsewhere, there is no verdict; exit code 4.
    """
    with one_line_errors():
        from attributionlab.specs.grammar import split_specs

        specs = split_specs(methods)
        chosen_questions = parse_questions(questions)
        if not specs:
            raise bad_option("methods", "name at least 1", methods)

        import_torch()
        from attributionlab.exchange.attr_folder import write_attr_report
        from attributionlab.exchange.modified_folder import read_modified
        from attributionlab.exchange.new_folder import check_new_folder
        from attributionlab.machine import find_device
        from attributionlab.modification.attr_percent import amount_of_work
        from attributionlab.modification.attr_percent import attr_percent as measure
        from attributionlab.modification.networks import load_factory
        from attributionlab.modification.training import MOST_EPOCHS
        from attributionlab.reports.tables.attr_percent import COLUMNS, attr_rows, attr_tables
        from attributionlab.specs.arguments import MOST_IMAGES, whole_number

        whole_number("n_samples", n_samples, 1, MOST_IMAGES)
        whole_number("seed", seed, 0)
        if epochs is not None:
            whole_number("epochs", epochs, 0, MOST_EPOCHS)
        find_device(device.value)
        if output is not None:
            check_new_folder(output)
        with chatter_to_stderr():
            factory = load_factory(model)
            built = build_methods(specs, {})
        names = _names(folders)
        data = {name: read_modified(folder) for name, folder in zip(names, folders, strict=True)}
        work = amount_of_work(data, len(built), chosen_questions, n_samples, epochs)
        with chatter_to_stderr(), progress_bar("training and explaining", work) as advance:
            report = measure(
                data,
                built,
                factory=factory,
                questions=chosen_questions,
                n_per_class=n_samples,
                n_epochs=epochs,
                seed=seed,
                device=device.value,
                progress=advance,
            )
        if output is not None:
            write_attr_report(report, output)
        print_result(report, format, attr_rows(report), COLUMNS, attr_tables(report))
        for network in report.networks:
            if network.question == "attributions" and not network.test.beats_bound:
                say("warning", f"no verdict on {network.data}: {network.test}")
        if output is not None:
            say("figures", str(output))
        if report.failures:
            raise SystemExit(EXIT_FAILED)


def parse_questions(text: str) -> Any:
    """The questions of a list with commas, in their own order; the first is always asked.

    Raises:
        UnknownName: If one does not exist.
        BadOption: If there are none.
    """
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise bad_option("questions", f"name at least one of {', '.join((*QUESTIONS, ALL))}", text)
    for name in names:
        if name not in (*QUESTIONS, ALL):
            raise unknown_name("questions", name, (*QUESTIONS, ALL))
    return tuple(name for name in QUESTIONS if ALL in names or name in names or name == QUESTIONS[0])


def _names(folders: list[Path]) -> list[str]:
    """Short names of folders: their last part, or the whole path where these are equal.

    Raises:
        BadOption: If a folder is given twice.
    """
    absolute = [Path(os.path.abspath(folder)) for folder in folders]  # noqa: PTH100  # resolve() raises at a loop of links
    if len(set(absolute)) < len(folders):
        raise bad_option("folders", "be different", [str(folder) for folder in folders])
    last = [folder.name for folder in absolute]
    return last if len(set(last)) == len(last) else [str(folder) for folder in folders]
