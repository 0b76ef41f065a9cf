"""`attributionlab demo`: the page in which students paint, as one file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from attributionlab.cli.options import ForceOption, output_option
from attributionlab.cli.output import one_line_errors, print_line


def demo(output: Annotated[Path, output_option("The page (.html).")], force: ForceOption = False) -> None:
    """Write a page in which you paint an image and see what the network computes, what is true, and what methods say."""
    with one_line_errors():
        from attributionlab.errors import bad_option
        from attributionlab.files import whole_file
        from attributionlab.live.page import lab_page
        from attributionlab.reports.marks import check_replaceable

        if output.suffix.lower() != ".html":
            raise bad_option("output", "end in .html", str(output))
        check_replaceable(output, force=force)
        page = lab_page()
        with whole_file(output) as file:
            file.write(page.encode())
        print_line(f"wrote {output}: open it in a browser; it needs no network")
