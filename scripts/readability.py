"""Print how hard texts are to read: words in a sentence, and the grade level of Flesch and Kincaid.

    python scripts/readability.py                      the project's own texts
    python scripts/readability.py FILE_OR_FOLDER ...   others (.md, .rst, docstrings of .py)
    python scripts/readability.py --sentences 20       the longest sentences as well
    python scripts/readability.py --check              fails where the first pages are hard to read

Code, tables and headings are left out; a name in code counts as one short word. Grade 9 is a text for readers of 14 to 15 years. Needs
the extra `docs` (textstat).
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import textstat

ROOT = Path(__file__).parents[1]
GROUPS: dict[str, list[str]] = {
    "README": ["README.md"],
    "tutorials": ["docs/tutorials"],
    "how-tos": ["docs/howto"],
    "explanation": ["docs"],
    "lesson": ["lesson"],
    "changelog": ["CHANGELOG.md"],
    "contributing": ["CONTRIBUTING.md"],
    "docstrings": ["attributionlab"],
    "messages and help": ["attributionlab"],
}
"""The project's texts by kind."""

GENERATED = ("docs/reproduction", "docs/standing")
"""Pages that scripts write, most of them tables."""

MOST_WORDS = {
    "README": 16,
    "tutorials": 16,
    "how-tos": 16,
    "explanation": 16,
    "lesson": 14,
    "changelog": 16,
    "contributing": 14,
}
"""Words in a sentence that these texts have at most on average; scikit-learn's guide has 14, zuko's README 16."""

RIDDLES = re.compile(r"\b(?:comes?|came) out\b|\bin parts of\b|\bfor want of\b")
"""Phrases that readers stumbled over."""

REPLACED = [
    (re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL), ""),  # code blocks of Markdown
    (re.compile(r"::\n\n(?:(?:[ \t]+.*)?\n)+"), ".\n\n"),  # code blocks of reStructuredText
    (re.compile(r"^\.\. .*$|^:\w+:.*$", re.MULTILINE), ""),  # directives
    (re.compile(r"^\s*(\||>>>|\.\.\. ).*$", re.MULTILINE), ""),  # tables, examples
    (re.compile(r"^#.*$|^.*\n[=\-~.^]{4,}$", re.MULTILINE), "\n"),  # headings
    (re.compile(r"!\[[^\]]*\]\([^)]*\)|</?[a-zA-Z!][^>\n]*>"), ""),  # pictures, HTML
    (re.compile(r"\[([^\]]*)\]\([^)]*\)"), r"\1"),  # links of Markdown
    (re.compile(r":[\w:]+:`([^`<]*?)\s*(?:<[^`>]*>)?`"), r"\1"),  # roles of reStructuredText
    (re.compile(r"``[^`]*``|`[^`]*`_*"), "code"),
    (re.compile(r"^\s*(?:[*\-+]|\d+\.)\s+", re.MULTILINE), "\n\n"),  # an item of a list begins a sentence
    (re.compile(r"\*{1,3}(?=\S)|(?<=\S)\*{1,3}"), ""),  # emphasis
]
"""Patterns of what is not prose, and what stands in for them."""

SECTION = re.compile(r"^\s*(Args|Returns|Raises|References|Example|Attributes|Yields):\s*$", re.MULTILINE)
SENTENCE_END = re.compile(r"(?<=[.!?])[\"')]*\s+(?=[A-Z\"'(]|(?:code|captum|shap|zennit)\b)")


def prose(text: str) -> list[str]:
    """The sentences of a page."""
    for pattern, replacement in REPLACED:
        text = pattern.sub(replacement, text)
    paragraphs = (" ".join(part.split()) for part in re.split(r"\n\s*\n", text))
    sentences = (sentence for paragraph in paragraphs for sentence in SENTENCE_END.split(paragraph))
    return [sentence for sentence in sentences if len(sentence.split()) > 2]


def docstrings(source: str) -> Iterator[str]:
    """The docstrings of a module without their sections."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and (text := ast.get_docstring(node)):
            yield SECTION.split(text)[0]


def messages(source: str) -> Iterator[str]:
    """The texts of a module that users read: help, errors, advice, legends; a value counts as one short word."""
    tree = ast.parse(source)
    inner = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    inner |= {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if id(node) in inner or not isinstance(node, ast.JoinedStr | ast.Constant):
            continue
        parts = node.values if isinstance(node, ast.JoinedStr) else [node]
        text = "".join(str(part.value) if isinstance(part, ast.Constant) else "code" for part in parts)
        if len(text.split()) > 3 and " -> " not in text and "\n" not in text:
            yield text


def sentences_of(paths: list[Path], texts_of: Callable[[str], Iterator[str]] = docstrings) -> list[tuple[Path, str]]:
    """All sentences of files and folders, with their files."""
    sentences = []
    for path in paths:
        files = sorted(file for file in path.rglob("*.*") if file.suffix in {".md", ".rst", ".py"})
        for file in files if path.is_dir() else [path]:
            text = file.read_text(encoding="utf-8")
            parts = "\n\n".join(texts_of(text)) if file.suffix == ".py" else text
            sentences += [(file, sentence) for sentence in prose(parts)]
    return sentences


def row(name: str, sentences: list[str]) -> str:
    """The line of a table."""
    lengths = np.array([len(sentence.split()) for sentence in sentences])
    text = " ".join(sentence if sentence.endswith((".", "!", "?")) else f"{sentence}." for sentence in sentences)
    mean, largest = lengths.mean(), np.percentile(lengths, 90)
    grade = 0.39 * mean + 11.8 * textstat.avg_syllables_per_word(text) - 15.59  # Flesch-Kincaid, our sentences
    return f"| {name} | {lengths.sum():,} | {mean:.1f} | {largest:.0f} | {grade:.1f} |"


def own_texts() -> dict[str, list[tuple[Path, str]]]:
    """The project's sentences by kind of text."""
    texts = {}
    for name, places in GROUPS.items():
        paths = [ROOT / place for place in places]
        if name == "explanation":
            pages = sorted((ROOT / "docs").glob("*.md"))
            paths = [page for page in pages if not str(page.relative_to(ROOT)).startswith(GENERATED)]
        texts[name] = sentences_of(paths, messages if name == "messages and help" else docstrings)
        if paths == [ROOT / "attributionlab"]:
            texts[name] = [pair for pair in texts[name] if pair[0].suffix == ".py"]
    return texts


def problems(texts: dict[str, list[tuple[Path, str]]]) -> Iterator[str]:
    """What is hard to read in the project's texts."""
    for name, most in MOST_WORDS.items():
        mean = np.mean([len(sentence.split()) for _, sentence in texts[name]])
        if mean > most:
            yield f"{name}: {mean:.1f} words in a sentence, at most {most} are easy to read"
    for name, sentences in texts.items():
        if name in MOST_WORDS or name == "explanation":
            yield from (f"{file.name}: {sentence}" for file, sentence in sentences if RIDDLES.search(sentence))


def main() -> int:
    """Print the table and, if asked, the longest sentences; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="*", type=Path)
    parser.add_argument("--sentences", type=int, default=0, metavar="N", help="print the N longest sentences")
    parser.add_argument("--pages", action="store_true", help="a line for each page")
    parser.add_argument(
        "--check", action="store_true", help="print only what is hard to read, and exit with 1 if there is any"
    )
    arguments = parser.parse_args()
    if arguments.check:
        hard = list(problems(own_texts()))
        print(*hard, sep="\n", end="\n" if hard else "")
        return int(bool(hard))
    texts = {str(path): sentences_of([path]) for path in arguments.paths} or own_texts()
    print("| text | words | words in a sentence, mean | 90 % have at most | grade level |\n|---|---:|---:|---:|---:|")
    for name, sentences in texts.items():
        print(row(name, [sentence for _, sentence in sentences]))
        pages = dict.fromkeys(file for file, _ in sentences)
        for page in pages if arguments.pages and len(pages) > 1 else ():
            print(row(f"- {page.name}", [sentence for file, sentence in sentences if file == page]))
    ranked = sorted((pair for text in texts.values() for pair in text), key=lambda pair: -len(pair[1].split()))
    for file, sentence in ranked[: arguments.sentences]:
        print(f"\n{file.name}, {len(sentence.split())} words: {sentence}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
