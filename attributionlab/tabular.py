"""Results as tables: printed, in a notebook, and as a data frame.

`attributionlab.reports` draws the tables, and imports the classes of results from the rooms below it. So a result names the functions
by import strings, and imports them when it is printed.
"""

from __future__ import annotations

import importlib
import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, ClassVar

from attributionlab.errors import BadOption

if TYPE_CHECKING:
    import pandas as pd

TEXT_WIDTH = 80
HTML_WIDTH = 120
"""Width of tables in characters."""

HTML = '<pre style="white-space:pre;overflow-x:auto;line-height:normal">{code}</pre>'


class Tabular:
    """Base of results that print as tables; `repr` shows their fields."""

    _table: ClassVar[str]
    """Import string of the function that draws the result for rich, as one or several renderables."""
    _rows: ClassVar[str]
    """Import string of the function that lists the rows of the data frame as mappings."""

    def __str__(self) -> str:
        """The table as plain text of 80 columns."""
        text: str = _drawn(self._table, self, TEXT_WIDTH).export_text()
        return "\n".join(line.rstrip() for line in text.splitlines())

    def _repr_html_(self) -> str:
        """The table for notebooks, with all text escaped."""
        html: str = _drawn(self._table, self, HTML_WIDTH).export_html(inline_styles=True, code_format=HTML)
        return html

    def to_pandas(self) -> pd.DataFrame:
        """The result as a data frame.

        Raises:
            BadOption: If pandas is not installed.
        """
        pandas = import_pandas()
        return pandas.DataFrame(list(_function(self._rows)(self)))


def import_pandas() -> Any:
    """The module pandas, which is an extra.

    Raises:
        BadOption: If it is not installed.
    """
    try:
        import pandas  # noqa: ICN001, PLC0415  # an extra
    except ImportError as error:
        raise BadOption("`pandas` must be installed for this, got none; pip install pandas") from error
    return pandas


def _drawn(address: str, result: object, width: int) -> Any:
    """A console that has recorded the tables of a result."""
    from rich.console import Console  # noqa: PLC0415  # importing results stays cheap

    console = Console(file=io.StringIO(), record=True, width=width, highlight=False, emoji=False, force_jupyter=False)
    tables = _function(address)(result)
    for table in tables if isinstance(tables, Iterator) else [tables]:
        console.print(table)
    return console


def _function(address: str) -> Any:
    """The function of an import string `module:function`."""
    module, _, name = address.partition(":")
    return getattr(importlib.import_module(module), name)
