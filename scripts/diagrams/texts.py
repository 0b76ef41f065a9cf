"""The classifier of texts: its rooms with the shapes of their weights, and where a trained one attends."""

from __future__ import annotations

import torch

from attributionlab.text import article_texts, generated_paragraphs
from attributionlab.text.articles import ArticleTexts
from attributionlab.text.attention import AttentionClassifier
from attributionlab.text.word_training import train_text
from diagrams.canvas import Canvas, number

WORD, BAR = 66.0, 84.0
TITLE = "Where a trained classifier of texts attends"
DESCRIPTION = "Rooms of the classifier with the shapes of their weights, and bars of attention over the words of a text of each label. The articles follow the label."
NOTE = (
    "Trained on texts whose articles follow a random label, so that only they predict it. It attends to every 'a' of the first text, and to no "
    "particular word of the second: a text without 'a' must have label 1. It is right about both. Another machine may differ in the last digit."
)


def draw_attention() -> str:
    """The SVG of a classifier trained for some seconds."""
    data = article_texts(generated_paragraphs(60, n_words=12), "article")
    model = train_text(data, n_epochs=8).model
    tests = data.rows("test")
    rows = [next(row for row in tests if data.labels[row] == label) for label in (0, 1)]
    width = 32 + WORD * max(len(data.words[row]) for row in rows)
    canvas = Canvas(width, 470, TITLE, DESCRIPTION)
    _draw_rooms(canvas, model, width)
    for index, row in enumerate(rows):
        _draw_text(canvas, data, model, row, 150 + 140 * index)
    canvas.note((16, 428), NOTE, width - 32)
    return canvas.svg()


def _draw_rooms(canvas: Canvas, model: AttentionClassifier, width: float) -> None:
    """The parts in their order, with the shapes of their weights."""
    n_ids, size = model.embedding.weight.shape
    rooms = (
        ("words", "ids"),
        ("embedding", f"{n_ids} words \u00d7 {size}"),
        ("Bi-LSTM", f"{size} \u2192 2 \u00d7 {model.states.hidden_size}"),
        ("keys", f"tanh, {model.key.in_features} \u2192 {model.key.out_features}"),
        ("scores", f"key \u00b7 query ({len(model.query)})"),
        ("softmax", "attention, sums to 1"),
        ("weighted sum", f"{model.head.in_features} numbers"),
        ("linear", f"{model.head.in_features} \u2192 {model.head.out_features} logits"),
    )
    step = (width - 32 + 14) / len(rooms)
    for index, (name, shape) in enumerate(rooms):
        left = 16 + index * step
        canvas.rect((left, 46), (step - 14, 50), "room", rx=6)
        canvas.text((left + (step - 14) / 2, 66), name, "head small")
        canvas.text((left + (step - 14) / 2, 84), shape.split(",")[0] if len(shape) > 17 else shape, "small soft")
        if index:
            canvas.arrow((left - 14, 71), (left, 71))


@torch.no_grad()
def _draw_text(canvas: Canvas, data: ArticleTexts, model: AttentionClassifier, row: int, top: float) -> None:
    """A text with a bar of attention over each word, and its logits."""
    ids = data.ids([row])
    attention, logits = model.attend(ids)[0].tolist(), model(ids)[0].tolist()
    values = " and ".join(number(round(value, 2)) for value in logits)
    canvas.text(
        (16, top - 22), f"a text of label {data.labels[row]}; its logits are {values}", "head small", anchor="start"
    )
    for index, (word, share) in enumerate(zip(data.words[row], attention, strict=True)):
        left, height = 16 + index * WORD, BAR * share / 0.6
        canvas.rect(
            (left + 14, top + BAR - height - 4), (WORD - 28, height), "lit" if data.roles[row][index] else "plus-fill"
        )
        canvas.text((left + WORD / 2, top + BAR - height - 9), f"{round(100 * share)} %", "small")
        canvas.text((left + WORD / 2, top + BAR + 10), word, "head small" if data.roles[row][index] else "small")
