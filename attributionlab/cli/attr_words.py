"""`attributionlab attr-words`: do methods find the words that a trained network must be using?"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from attributionlab.cli.completion import in_list, starting_with
from attributionlab.cli.options import Format, FormatOption, n_samples_option, output_option
from attributionlab.cli.output import one_line_errors, print_json, print_table, print_text, progress_bar, say
from attributionlab.errors import bad_option, unknown_name

DATA = ("article", "cn", "nc")
METHODS = ("attention", "gradient-x-embedding", "integrated-gradients", "lime", "shapley-sampling")
SELECTORS = ("reinforce", "hardkuma")
BUILT_IN = "builtin"
ALL = "all"


def attr_words(
    text: Annotated[
        str,
        typer.Argument(
            metavar="TEXT", help="A text file, a folder of .txt files, or builtin: Python's language reference."
        ),
    ] = BUILT_IN,
    data: Annotated[
        str,
        typer.Option(
            metavar="DATA",
            help="article (all articles follow the label), cn (the first half does), nc (the second half does), or all.",
            autocompletion=in_list(lambda incomplete: starting_with((*DATA, ALL), incomplete)),
        ),
    ] = "article",
    methods: Annotated[
        str,
        typer.Option(
            metavar="METHODS",
            help="Methods, separated by commas.",
            autocompletion=in_list(lambda incomplete: starting_with(METHODS, incomplete)),
        ),
    ] = ",".join(METHODS),
    rationales: Annotated[
        str | None,
        typer.Option(
            metavar="SELECTORS",
            help="Also train rationale models: reinforce, hardkuma, or all.",
            show_default="none",
            autocompletion=in_list(lambda incomplete: starting_with((*SELECTORS, ALL), incomplete)),
        ),
    ] = None,
    selection: Annotated[float, typer.Option(help="Share of the words that rationales should select.")] = 0.1,
    networks: Annotated[int, typer.Option(help="Networks with attention for each data set.")] = 3,
    n_samples: Annotated[int, n_samples_option("Largest number of test texts to explain.")] = 8,
    shortest: Annotated[int, typer.Option(help="Smallest number of words in a paragraph.")] = 25,
    longest: Annotated[int, typer.Option(help="Largest number of words in a paragraph.")] = 80,
    output: Annotated[
        Path | None, output_option("Also write results and the changed texts to this new folder.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of labels, articles and splits.")] = 0,
    format: FormatOption = Format.table,
) -> None:
    """Let only the articles of texts predict their labels, train networks, and measure which share of each method's values lies on them.

    Without an accuracy above p* = 1/2 there is no verdict; exit code 4.
    """
    with one_line_errors():
        kinds = parse_names("data", data, DATA)
        names = [name.replace("-", " ") for name in parse_names("methods", methods, METHODS)]
        selectors = [] if rationales is None else parse_names("rationales", rationales, SELECTORS)

        from attributionlab.exchange.new_folder import check_new_folder
        from attributionlab.exchange.words_folder import write_word_report
        from attributionlab.reports.tables.cells import to_csv
        from attributionlab.reports.tables.words import COLUMNS, word_rows, word_tables
        from attributionlab.text import read_paragraphs
        from attributionlab.text.word_report import word_attributions

        if output is not None:
            check_new_folder(output)
        source = None if text == BUILT_IN else Path(text)
        paragraphs = read_paragraphs(source, shortest=shortest, longest=longest)
        with progress_bar("training and explaining", len(kinds) * (networks + len(selectors))) as advance:
            report = word_attributions(
                paragraphs,
                kinds,
                names,
                selectors=selectors,
                selection=selection,
                n_networks=networks,
                n_texts=n_samples,
                seed=seed,
                progress=advance,
            )
        if output is not None:
            write_word_report(report, output)
        if format is Format.json:
            print_json(report.to_dict())
        elif format is Format.csv:
            print_text(to_csv(word_rows(report), COLUMNS))
        else:
            for table in word_tables(report):
                print_table(table)
        for rationale in report.rationales:
            if not rationale.test.beats_bound:
                say(
                    "warning",
                    f"no verdict on the rationales of {rationale.selector} on {rationale.kind}: {rationale.test}",
                )
        if output is not None:
            say("results", str(output))


def parse_names(option: str, text: str, choices: tuple[str, ...]) -> list[str]:
    """The names of a list with commas, each once; `all` stands for all of them.

    Raises:
        UnknownName: If one does not exist.
        BadOption: If there are none.
    """
    names = list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if not names:
        raise bad_option(option, f"name at least one of {', '.join((*choices, ALL))}", text)
    for name in names:
        if name not in (*choices, ALL):
            raise unknown_name(option, name, (*choices, ALL))
    return list(choices) if ALL in names else names
