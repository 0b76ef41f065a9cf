"""The quiz shows every model with every method once, keeps answers in the browser, and exports what the analysis reads."""

import json
import re
import time

import pytest
from chromium import as_phone, needs_chromium, opened

from attributionlab.errors import BadOption, MethodError
from attributionlab.live.quiz import EXPLANATIONS, quiz_page
from attributionlab.live.quiz_answers import CONDITIONS, read_answers
from attributionlab.live.quiz_content import MODELS, QuizSetting

METHODS = ("gradient", "input-x-gradient")

ANSWER_ALL = """
while (state.answers.length < arguments[0]) {
  const place = state.answers.length;
  document.querySelectorAll("[name=answer]")[place % 5].click();
  document.querySelectorAll("[name=reason]")[place % 5].click();
  byId("comment").value = "=a, \\"b\\"";
  document.querySelector("[type=submit]").click();
}
"""


@pytest.fixture(scope="module")
def html():
    return quiz_page(QuizSetting(METHODS, n_samples=4, size=16))


@pytest.fixture(scope="module")
def quiz(html, tmp_path_factory):
    path = tmp_path_factory.mktemp("quiz") / "quiz.html"
    path.write_text(html)
    return path


@pytest.fixture(scope="module")
def spec(html):
    return json.loads(re.search(r'id="spec">(.*?)</script>', html, re.DOTALL)[1])


def begin(browser, participant):
    browser.execute_script(
        "localStorage.clear(); state = empty(); showNext(); byId('participant').value = arguments[0]; document.querySelector('[type=submit]').click()",
        participant,
    )


def reload_until(browser, heading):
    """Reload the page until it shows this heading: Chromium hands its storage to the process of the new page a moment later."""
    for _ in range(30):
        browser.refresh()
        if browser.find_element("id", "heading").text == heading:
            return
        time.sleep(0.1)
    assert browser.find_element("id", "heading").text == heading


def test_every_condition_has_a_model_and_an_explanation():
    assert {condition for condition, _ in MODELS} == set(CONDITIONS) == set(EXPLANATIONS)


def test_models_answer_as_their_bugs_make_them(spec):
    wrong = [sum(pair["correct"] != pair["predicted"] for pair in model["answers"]) for model in spec["models"]]
    normal, on_background, _, spurious, mislabeled, unknown = wrong
    assert normal == on_background == spurious == 0
    assert mislabeled == 2  # two of four classes are exchanged, and each class has one image
    assert unknown == 4


def test_the_maps_are_of_the_class_that_the_model_predicts(spec):
    """The gradient of the logit is exact: positive on the truth's pixels, and equal there for healthy networks."""
    for model in spec["models"][:2]:
        assert [each["picture"] for each in model["maps"]["gradient"]] == model["truths"]


def test_the_quiz_asks_for_nothing(html):
    assert not re.search(r"""(?:src|href)\s*=\s*["'](?!#)""", html)
    assert "default-src 'none'" in html
    assert not re.search(r"\b(?:fetch|XMLHttpRequest|import|eval|innerHTML)\b", html[html.index("<script>") :])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"methods": ("gradient", "gradient")}, "`methods` must be distinct, got 'gradient'"),
        ({"methods": ()}, "`methods` must be a list of methods, at least 1"),
        ({"methods": tuple("abcdefghi")}, "`methods` must be at most 8 methods, got 9"),
        ({"n_samples": 13}, "`n_samples` must be at most 12, got 13"),
        ({"size": 65}, "`size` must be at most 64, got 65"),
        ({"seed": -1}, "`seed` must be"),
    ],
)
def test_settings_out_of_range_are_refused(options, message):
    with pytest.raises(BadOption) as raised:
        QuizSetting(**options)
    assert message in str(raised.value)


def test_a_method_that_fails_is_named(tmp_path):
    (tmp_path / "broken.py").write_text("def broken(model, inputs, targets):\n    raise ValueError('no idea')\n")
    with pytest.raises(MethodError, match=r"broken\.py:broken raised .*no idea"):
        quiz_page(QuizSetting((f"{tmp_path}/broken.py:broken",), n_samples=1, size=16))


@needs_chromium
def test_the_order_depends_on_the_participant_and_repeats_the_first_question(browser, quiz):
    with opened(browser, quiz.as_uri()):
        orders = browser.execute_script("return ['anna', 'anna', 'bert'].map(name => questionsOf(name))")
    assert orders[0] == orders[1] != orders[2]
    for order in orders:
        asked = sorted((question["model"], question["method"]) for question in order[:-1])
        assert asked == sorted((model, method) for model in range(len(MODELS)) for method in METHODS)
        assert order[-1] == {**order[0], "repeat": 1}


@needs_chromium
def test_the_export_is_what_the_analysis_reads(browser, quiz, spec, tmp_path):
    count = len(MODELS) * len(METHODS) + 1
    with opened(browser, quiz.as_uri()):
        begin(browser, '=Anna "B", C')
        browser.execute_script(ANSWER_ALL, count)
        questions = browser.execute_script("return questionsOf(state.participant)")
        text = browser.execute_script("return document.querySelector('textarea').value")
        assert browser.find_element("id", "heading").text == "Thank you"
    (tmp_path / "a.csv").write_text(text)
    answers = read_answers([tmp_path / "a.csv"])
    assert {answer.participant for answer in answers} == {'\'=Anna "B", C'}
    assert [answer.answer for answer in answers] == [1 + place % 5 for place in range(count)]
    assert [answer.method for answer in answers] == [question["method"] for question in questions]
    assert [answer.condition for answer in answers] == [
        spec["models"][question["model"]]["condition"] for question in questions
    ]


@needs_chromium
def test_answers_survive_a_reload_and_can_be_taken_back(browser, quiz):
    with opened(browser, quiz.as_uri()):
        begin(browser, "anna")
        browser.execute_script(ANSWER_ALL, 3)
        reload_until(browser, "Question 4 of 13")
        browser.execute_script(
            "[...document.querySelectorAll('button')].find(button => button.textContent === 'Back').click()"
        )
        assert browser.find_element("id", "heading").text == "Question 3 of 13"
        assert browser.execute_script("return JSON.parse(localStorage.getItem(KEY)).answers.length") == 2


@needs_chromium
def test_a_question_is_answered_by_keyboard_on_a_phone(browser, quiz):
    from selenium.webdriver.common.keys import Keys

    with opened(browser, quiz.as_uri()):
        as_phone(browser)
        begin(browser, "anna")
        assert browser.execute_script("return document.documentElement.scrollWidth") <= 390
        heading = browser.find_element("id", "heading")
        assert browser.execute_script("return document.activeElement.id") == "heading"
        heading.send_keys(Keys.TAB)
        keys = (" ", Keys.ARROW_RIGHT, Keys.TAB, " ", Keys.TAB, Keys.ENTER)
        for key in keys:
            browser.switch_to.active_element.send_keys(key)
        assert browser.find_element("id", "heading").text == "Question 2 of 13"
        assert browser.execute_script("return state.answers") == [
            {"answer": "2", "reason": "right-prediction", "comment": ""}
        ]


@needs_chromium
def test_another_reason_needs_words(browser, quiz):
    with opened(browser, quiz.as_uri()):
        begin(browser, "anna")
        browser.execute_script(
            "document.querySelector('[name=answer]').click(); document.querySelector('[value=other]').click(); document.querySelector('[type=submit]').click()"
        )
        assert browser.find_element("id", "heading").text == "Question 1 of 13"
