"""Paragraphs of English: from files, from the documentation that comes with Python, or generated."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from attributionlab.errors import bad_option, missing_file
from attributionlab.files import is_file
from attributionlab.printable import error_line
from attributionlab.seeding import generator
from attributionlab.specs.arguments import MOST_IMAGES, whole_number

ARTICLES = ("a", "an", "the")

SHORTEST, LONGEST = 25, 80
"""Words of a paragraph."""

MOST_BYTES = 100_000_000
"""Largest size of all files."""

_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)?|\d+|[^\w\s]")
_APOSTROPHE = "\N{RIGHT SINGLE QUOTATION MARK}"
_NOUNS = ["engine", "river", "letter", "garden", "window", "signal", "market", "bridge", "winter", "answer"]
_VERBS = ["moves", "keeps", "finds", "opens", "follows", "changes"]
_OTHERS = ["slowly", "often", "and", "with", "near", "under", "red", "small", "old", "then"]


@dataclass(frozen=True)
class Paragraphs:
    """Paragraphs as words in lower case; signs are words, too.

    Args:
        words: The words of each paragraph.
        source: Where they come from.
        digest: SHA-256 of all words: the documentation differs between versions of Python.
    """

    words: tuple[tuple[str, ...], ...]
    source: str
    digest: str

    def __len__(self) -> int:
        """Number of paragraphs."""
        return len(self.words)

    @property
    def article_share(self) -> float:
        """Share of articles among all words."""
        return sum(word in ARTICLES for words in self.words for word in words) / sum(map(len, self.words))


def read_paragraphs(path: Path | None = None, *, shortest: int = SHORTEST, longest: int = LONGEST) -> Paragraphs:
    """Read the paragraphs of a text file, or of all `.txt` files of a folder, which have an article in both halves.

    Paragraphs are separated by empty lines; in a file without empty lines every line is one.

    Args:
        path: A file in UTF-8, with or without a byte order mark, or a folder; by default the language reference in Python's own `pydoc_data.topics`, some 64,000 words.
        shortest: Smallest number of words in a paragraph.
        longest: Most words.

    Raises:
        MissingFile: If there is no such file or folder.
        BadOption: If a file is no UTF-8 text, there is too much of it, or no paragraph of this length has articles.
    """
    whole_number("shortest", shortest, 2)
    whole_number("longest", longest, shortest)
    text = _documentation() if path is None else "\n\n".join(map(_read, _files(path)))
    split = [tuple(_WORD.findall(part.lower().replace(_APOSTROPHE, "'"))) for part in re.split(r"\n\s*\n", text)]
    words = [part for part in split if shortest <= len(part) <= longest and _has_articles(part)]
    source = "pydoc_data.topics" if path is None else str(path)
    if not words:
        expectation = f"have paragraphs of {shortest} to {longest} words with an article in each half"
        raise bad_option("text", expectation, source, f"none of its {len(split):,} has; see shortest and longest")
    return _paragraphs(words, source)


def generated_paragraphs(n: int = 200, *, n_words: int = 30, seed: int = 0) -> Paragraphs:
    """Draw paragraphs of random words, a tenth of them articles, at least one in each half.

    Args:
        n: Number of paragraphs.
        n_words: Words of each.
        seed: Seed of the words.
    """
    n, n_words = whole_number("n", n, 1, MOST_IMAGES), whole_number("n_words", n_words, 10, 1000)
    whole_number("seed", seed, 0)
    words = []
    for index in range(n):
        random = generator(seed, "paragraph", index)
        drawn = [str(random.choice(kind)) for kind in (_NOUNS, _VERBS, _OTHERS) for _ in range(-(-n_words // 3))]
        paragraph = [drawn[place] for place in random.permutation(len(drawn))[:n_words]]
        for half in (0, n_words // 2):
            for place in random.choice(n_words // 2, max(1, n_words // 20), replace=False):
                paragraph[half + int(place)] = str(random.choice(ARTICLES))
        words.append(tuple(paragraph))
    return _paragraphs(words, f"generated with seed {seed}")


def _paragraphs(words: list[tuple[str, ...]], source: str) -> Paragraphs:
    text = "\n".join(" ".join(paragraph) for paragraph in words)
    return Paragraphs(tuple(words), source, hashlib.sha256(text.encode()).hexdigest())


def _has_articles(words: tuple[str, ...]) -> bool:
    """Whether both halves have an article."""
    middle = len(words) // 2
    return all(any(word in ARTICLES for word in half) for half in (words[:middle], words[middle:]))


def _documentation() -> str:
    """The topics that `help` prints."""
    from pydoc_data.topics import topics  # noqa: PLC0415  # half a megabyte of text

    return "\n\n".join(topics[name] for name in sorted(topics))


def _files(path: Path) -> list[Path]:
    """The file, or the text files of a folder in the order of their names."""
    files = (
        sorted(each for each in path.iterdir() if each.suffix.lower() == ".txt" and is_file(each))
        if path.is_dir()
        else [path]
    )
    if not files or not is_file(files[0]):
        raise missing_file("text", "be a text file, or a folder of .txt files", str(path))
    if sum(each.stat().st_size for each in files) > MOST_BYTES:
        raise bad_option("text", f"have at most {MOST_BYTES:,} bytes", str(path))
    return files


def _read(path: Path) -> str:
    """The text of a file.

    Raises:
        BadOption: If it is no UTF-8.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        raise bad_option("text", "be readable UTF-8", str(path), error_line(error)) from error
    return text if re.search(r"\n\s*\n", text.strip()) else text.replace("\n", "\n\n")
