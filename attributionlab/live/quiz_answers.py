"""Answers of the quiz's participants, read from CSV files that the page exports."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from attributionlab.errors import BadOption, bad_option, missing_file
from attributionlab.files import is_file

COLUMNS = (
    "participant",
    "experience",
    "place",
    "condition",
    "environment",
    "method",
    "repeat",
    "answer",
    "reason",
    "comment",
)
"""Columns of the CSV: `place` is the number of the question in the participant's order, `repeat` 1 for the repeated question."""

REASONS = {
    "right-prediction": "The predictions are correct.",
    "wrong-prediction": "The predictions are wrong.",
    "expected-map": "The maps highlight what I expected.",
    "unexpected-map": "The maps do not highlight what I expected.",
    "other": "Another reason:",
}
"""Reasons for an answer, as in Figure 5 B: four prepared ones, and free text."""

CONDITIONS = ("normal", "top-layer", "spurious", "mislabeled", "out-of-distribution")
"""Conditions of the models."""

MOST_BYTES = 1_000_000
"""Largest size of a file; an exported one has a few kilobytes."""

MOST_LETTERS = 200
"""Largest length of names of participants and methods."""


@dataclass(frozen=True)
class QuizAnswer:
    """An answer.

    Args:
        participant: Name or code of the participant.
        place: Number of the question in the participant's order, from 1.
        condition: Condition of the model.
        method: Spec of the method.
        is_repeat: Whether the question repeats an earlier one.
        answer: 1 (definitely not) to 5 (definitely ready to be sold).
        reason: Key of the reason.
    """

    participant: str
    place: int
    condition: str
    method: str
    is_repeat: bool
    answer: int
    reason: str


def read_answers(files: Sequence[Path]) -> list[QuizAnswer]:
    """Read the answers of several files.

    Raises:
        BadOption: If a file is not a CSV of the quiz, a value is not valid, or an answer appears twice. The message names file and row.
        MissingFile: If a file does not exist.
    """
    answers: list[QuizAnswer] = []
    places: set[tuple[str, int]] = set()
    for file in files:
        for row, answer in _answers_of(file):
            place = (answer.participant, answer.place)
            if place in places:
                raise _bad(file, row, "hold each answer of a participant once", f"{place[0]}, place {place[1]}")
            places.add(place)
            answers.append(answer)
    return answers


def _answers_of(file: Path) -> Iterator[tuple[int, QuizAnswer]]:
    """Answers of a file with their rows; the header is row 1."""
    reader = csv.reader(io.StringIO(_text_of(file), newline=""), strict=True)
    try:
        if tuple(next(reader, ())) != COLUMNS:
            raise _bad(file, 1, f"have the columns {','.join(COLUMNS)}", "another header")
        n_rows = 1
        for n_rows, cells in enumerate(reader, start=2):
            if len(cells) != len(COLUMNS):
                raise _bad(file, n_rows, f"have {len(COLUMNS)} cells in each row", len(cells))
            yield n_rows, _answer_of(file, n_rows, dict(zip(COLUMNS, cells, strict=True)))
        if n_rows == 1:
            raise _bad(file, 1, "have answers below the header", "no row")
    except csv.Error as error:
        raise _bad(file, reader.line_num, "be CSV", str(error)) from error


def _text_of(file: Path) -> str:
    if not is_file(file):
        raise missing_file("files", "be CSV files of the quiz", str(file))
    try:
        if file.stat().st_size > MOST_BYTES:
            raise _bad(file, 1, f"have at most {MOST_BYTES} bytes", file.stat().st_size)
        return file.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _bad(file, error.object[: error.start].count(b"\n") + 1, "be UTF-8 text", "other bytes") from None
    except OSError as error:
        raise missing_file("files", "be readable", str(file), error.strerror or "") from error


def _answer_of(file: Path, row: int, cells: dict[str, str]) -> QuizAnswer:
    """The answer of a row."""
    for name in ("participant", "method"):
        if not 0 < len(cells[name].strip()) <= MOST_LETTERS:
            raise _bad(file, row, f"have a {name} of 1 to {MOST_LETTERS} letters", cells[name])
    for name, choices in CHOICES.items():
        if cells[name] not in choices:
            raise _bad(file, row, f"have as {name} one of {', '.join(choices)}", cells[name])
    if not (cells["place"].isascii() and cells["place"].isdigit() and 0 < len(cells["place"]) < 5):
        raise _bad(file, row, "have a number as place", cells["place"])
    return QuizAnswer(
        participant=cells["participant"].strip(),
        place=int(cells["place"]),
        condition=cells["condition"],
        method=cells["method"].strip(),
        is_repeat=cells["repeat"] == "1",
        answer=int(cells["answer"]),
        reason=cells["reason"],
    )


CHOICES = {
    "condition": CONDITIONS,
    "repeat": ("0", "1"),
    "answer": ("1", "2", "3", "4", "5"),
    "reason": tuple(REASONS),
}
"""Values of the columns that have few."""


def _bad(file: Path, row: int, expectation: str, value: object) -> BadOption:
    return bad_option("files", expectation, value, f"{file}, row {row}")
