"""Tasks of sections 6 and 7: classifiers with attention, and rationale models, on texts whose labels only their articles predict."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from attributionlab.papers.studies import StudySetting
from attributionlab.runs import Task
from attributionlab.text import (
    ArticleTexts,
    article_texts,
    read_paragraphs,
    score_rationale,
    train_rationale,
    train_text,
)
from attributionlab.text.articles import Role
from attributionlab.text.word_shares import WORD_METHODS, mean_shares

FOLDER = "zhou-texts"

KINDS = ("article", "cn", "nc")

SOURCE = (
    "The paper's texts are 12,000 reviews of beer with embeddings of 200 dimensions; ours are paragraphs of Python's language reference (SHA-256 "
    "{digest}), and embeddings of 32 dimensions that are trained. Texts and splits are the same for all networks, which differ in their weights."
)


def attention_task(setting: StudySetting, kind: str, seed: int) -> Task:
    """A classifier with attention, and Attr% of all methods on it."""
    details = setting.preset.details
    arguments = {"kind": kind, "seed": seed, "longest": details["longest_text"], "n_texts": details["texts"]}
    return Task(f"{__name__}:measure_attention", {**arguments, "methods": list(WORD_METHODS)})


def measure_attention(
    *, kind: str, seed: int, longest: int, n_texts: int, methods: Sequence[str], device: str
) -> dict[str, Any]:
    """Train a classifier and measure Attr% by role.

    Returns:
        `test`: right texts, all, p*; `shares`: by method and name of the role; `frequency`: by name of the role.
    """
    del device  # recurrent networks of this size are not faster elsewhere
    data = texts_of(kind, longest)
    training = train_text(data, seed=seed)
    shares: dict[str, dict[str, float]] = {method: {} for method in methods}
    for (method, role), value in mean_shares(training.model, data, methods, data.rows("test")[:n_texts]).items():
        shares[method][role.name] = value
    test = training.test
    frequency = {role.name: data.frequency(role) for role in Role}
    return {"test": [test.n_correct, test.n, test.bound], "shares": shares, "frequency": frequency}


def rationale_task(setting: StudySetting, kind: str, selector: str, target: float) -> Task:
    """A rationale model."""
    details = setting.preset.details
    arguments = {"kind": kind, "selector": selector, "target": target, "longest": details["longest_text"]}
    return Task(f"{__name__}:measure_rationale", {**arguments, "n_epochs": details["rationale_epochs"]})


def measure_rationale(
    *, kind: str, selector: str, target: float, longest: int, n_epochs: int, device: str
) -> dict[str, Any]:
    """Train a rationale model and score its rationales; the fields of `RationaleScores`, and `accuracy`."""
    del device  # as above
    data = texts_of(kind, longest)
    scores = score_rationale(data, train_rationale(data, selector, target=target, n_epochs=n_epochs))
    return {**dataclasses.asdict(scores), "accuracy": scores.test.accuracy}


def texts_of(kind: str, longest: int) -> ArticleTexts:
    """The data set."""
    return article_texts(read_paragraphs(longest=longest), kind)
