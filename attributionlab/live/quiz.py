"""The user study of Adebayo et al. 2020 (sections 2.3 to 5, appendix H) as a quiz in one HTML file, for classes."""

from __future__ import annotations

import hashlib
import json
from importlib.metadata import version
from typing import Any

import jinja2

from attributionlab.live.quiz_answers import COLUMNS, REASONS
from attributionlab.live.quiz_content import QuizSetting, quiz_models
from attributionlab.measuring.progress import Progress, no_progress
from attributionlab.reports.page.assets import asset, policy

PACKAGE = "attributionlab.live"

SCALE = ("Definitely not", "Probably not", "Not sure", "Probably", "Definitely")
"""Answers 1 to 5 to the question whether the model is ready to be sold (Figure 5)."""

EXPERIENCE = ("none", "I took a course", "I trained networks", "I work with networks")
"""Experience with machine learning, as participants report it."""

EXPLANATIONS = {
    "normal": "A healthy model: it counts the pixels of each color.",
    "top-layer": "The weights of its last layer are random.",
    "spurious": "It counts the pixels of the background and ignores the objects. On these images both give the same answers.",
    "mislabeled": "Two of its classes are exchanged, as if it had learned from wrong labels.",
    "out-of-distribution": "The model is healthy, but has never seen these colors.",
}
"""Explanation of each condition, shown after the last question."""


def quiz_page(setting: QuizSetting, progress: Progress = no_progress) -> str:
    """The HTML of the quiz; equal settings give equal pages.

    Raises:
        MethodError: If a method fails.
    """
    spec = _spec(setting, progress)
    css = asset(PACKAGE, "lab.css") + asset(PACKAGE, "quiz.css")
    js = asset(PACKAGE, "quiz.js")
    environment = jinja2.Environment(autoescape=False, undefined=jinja2.StrictUndefined, keep_trailing_newline=True)  # noqa: S701  # `<` is escaped in the JSON, the only text of users
    return environment.from_string(asset(PACKAGE, "quiz.html.j2")).render(
        policy=policy(css, js),
        css=css,
        js=js,
        spec=json.dumps(spec, separators=(",", ":")).replace("<", "\\u003c"),
        n_questions=len(spec["models"]) * len(setting.methods) + 1,
        n_images=setting.n_samples,
        version=f"attributionlab {version('attributionlab')}",
    )


def _spec(setting: QuizSetting, progress: Progress) -> dict[str, Any]:
    """All data of the page as JSON."""
    models = quiz_models(setting, progress)
    return {
        "id": hashlib.sha256(json.dumps([setting.seed, models]).encode()).hexdigest()[:12],
        "seed": setting.seed,
        "methods": list(setting.methods),
        "models": models,
        "columns": COLUMNS,
        "scale": SCALE,
        "reasons": REASONS,
        "experience": EXPERIENCE,
        "explanations": EXPLANATIONS,
    }
