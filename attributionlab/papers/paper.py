"""Paper: the studies that reproduce one publication, as data; its modules are imported when a study begins."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from attributionlab.papers.presets import Preset
from attributionlab.papers.studies import StudyReport, StudySetting
from attributionlab.specs.rules import import_object

if TYPE_CHECKING:
    from attributionlab.papers.figure_catalog import PaperFigure

Study = Callable[[StudySetting], StudyReport]


@dataclass(frozen=True)
class Paper:
    """A publication and its studies; functions are import strings `module:function`.

    Args:
        key: Author and year; on the command line it stands for all studies.
        title: Reference, as reports print it.
        studies: Functions `(StudySetting) -> StudyReport` by name of the study, in the order of the report.
        presets: Amounts of work by name; `paper` is as much as the paper itself measured.
        aliases: Other names of studies, such as the number of a table that stands within another study.
        options: The paper's own options and the help of each; on the command line `own_option` is `--own-option VALUE`, and
            its value is text.
        prepare: Function `(StudySetting, names of studies) -> object` that checks the options before anything is measured;
            studies read its result as `setting.prepared`. Empty if there is none.
        figures: The figures that are drawn from stored runs, a tuple of `PaperFigure`, as an import string. Empty if there are none.
    """

    key: str
    title: str
    studies: Mapping[str, str]
    presets: Mapping[str, Preset]
    aliases: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)
    prepare: str = ""
    figures: str = ""

    @property
    def paper_figures(self) -> tuple[PaperFigure, ...]:
        """The figures that are drawn from stored runs, in the order of the paper."""
        figures: tuple[PaperFigure, ...] = import_object(self.figures) if self.figures else ()
        return figures

    @property
    def size(self) -> int | None:
        """Side of the paper's own images in pixels; None if no preset tells."""
        return self.presets["paper"].size if "paper" in self.presets else None

    def study(self, name: str) -> Study:
        """The function of a study."""
        study: Study = import_object(self.studies[name])
        return study

    def prepared(self, setting: StudySetting, studies: Sequence[str]) -> Any:
        """The result of `prepare`; None if there is none."""
        return import_object(self.prepare)(setting, studies) if self.prepare else None
