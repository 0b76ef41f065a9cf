"""Paragraphs, and the data sets Article, CN and NC."""

import numpy as np
import pytest

from attributionlab.errors import BadOption, MissingFile
from attributionlab.text import article_texts, generated_paragraphs, read_paragraphs
from attributionlab.text.articles import Role
from attributionlab.text.paragraphs import ARTICLES


@pytest.fixture(scope="module")
def paragraphs():
    return generated_paragraphs(60)


def test_the_documentation_of_python_has_enough_paragraphs_with_articles():
    paragraphs = read_paragraphs()
    assert len(paragraphs) > 300
    assert 0.05 < paragraphs.article_share < 0.2
    assert (paragraphs.source, len(paragraphs.digest)) == ("pydoc_data.topics", 64)
    assert all(25 <= len(words) <= 80 for words in paragraphs.words)


def test_files_and_folders_are_read(tmp_path):
    text = "The cat saw a dog, and the fox didn't stop.\n\nToo short.\n\nHere is no such word at all. None, never!"
    (tmp_path / "b.txt").write_text(text)
    (tmp_path / "a.txt").write_text("A bird met the fox.\n")
    (tmp_path / "other.md").write_text("A bird met the fox.\n")
    cat = ("the", "cat", "saw", "a", "dog", ",", "and", "the", "fox", "didn't", "stop", ".")
    fox = ("a", "bird", "met", "the", "fox", ".")
    assert read_paragraphs(tmp_path / "b.txt", shortest=3).words == (cat,)
    assert read_paragraphs(tmp_path, shortest=3).words == (fox, cat)


def test_generated_paragraphs_belong_to_seed_and_index(paragraphs):
    assert generated_paragraphs(3).words == paragraphs.words[:3]
    assert generated_paragraphs(3, seed=1).words != paragraphs.words[:3]
    assert generated_paragraphs(3).digest != paragraphs.digest


@pytest.mark.parametrize("kind", ["article", "cn", "nc"])
def test_articles_follow_the_label_where_they_should(paragraphs, kind):
    data = article_texts(paragraphs, kind)
    independent = []
    for before, words, label, roles in zip(paragraphs.words, data.words, data.labels, data.roles, strict=True):
        middle = len(words) // 2
        for place, (old, new, role) in enumerate(zip(before, words, roles, strict=True)):
            correlates = {"article": True, "cn": place < middle, "nc": place >= middle}[kind]
            if old not in ARTICLES:
                assert (new, role) == (old, Role.other)
            elif correlates:
                assert (new, role) == ("the" if label else "a", Role.correlating)
            else:
                assert role == Role.non_correlating
                independent.append((new == "the") == bool(label))
        own = {word for word, role in zip(words, roles, strict=True) if role == Role.non_correlating}
        assert len(own) == (kind != "article")
    assert not independent or 0.2 < np.mean(independent) < 0.8
    assert 0.3 < data.labels.mean() < 0.7
    assert [len(data.rows(split)) for split in ("train", "validation", "test")] == [42, 6, 12]


def test_ids_are_padded_and_words_that_training_has_not_seen_are_unknown(paragraphs):
    data = article_texts(paragraphs)
    rows = data.rows("train")[:2]
    ids = data.ids(rows)
    assert ids.shape[0] == 2
    assert [data.vocabulary[int(place) - 2] for place in ids[0][: len(data.words[rows[0]])]] == list(
        data.words[rows[0]]
    )
    assert sum(data.frequency(role) for role in Role) == pytest.approx(1)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda path: read_paragraphs(path / "none.txt"), MissingFile, "`text` must be a text file"),
        (read_paragraphs, MissingFile, "`text` must be a text file, or a folder of .txt"),
        (
            lambda path: read_paragraphs(path / "bare.md"),
            BadOption,
            "with an article in each half, got .*; none of its 1 has",
        ),
        (lambda path: read_paragraphs(path / "bytes.md"), BadOption, "`text` must be readable UTF-8"),
        (lambda _path: read_paragraphs(shortest=9, longest=3), BadOption, "`longest` must be at least 9"),
        (lambda _path: generated_paragraphs(0), BadOption, "`n` must be at least 1"),
        (lambda _path: article_texts(generated_paragraphs(5)), BadOption, "`paragraphs` must be at least 20, got 5"),
        (lambda _path: article_texts(generated_paragraphs(30), "nn"), BadOption, "`kind` must be article, cn or nc"),
        (lambda _path: article_texts(None), BadOption, "`paragraphs` must be Paragraphs"),
    ],
)
def test_what_does_not_fit_is_refused(call, error, message, tmp_path):
    (tmp_path / "bare.md").write_text("words " * 30)
    (tmp_path / "bytes.md").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(error, match=message):
        call(tmp_path)
