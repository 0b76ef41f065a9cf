"""What the network answers to an image, as captions say it."""

import pytest
from table_environment import WeightedColumns

from attributionlab.environments import make_environment
from attributionlab.reports.answers import answers_of, truth_text
from attributionlab.scenes.color_names import color_name


def answer_to(spec, target="winner"):
    environment = make_environment(spec)
    return environment, answers_of(environment, environment.sample(1, 2, target=target), 2)[0]


def test_a_class_has_counts_a_winner_and_its_probability():
    environment, answer = answer_to("multi-color-sum[size=64]")
    counts = environment.scene(2).n_pixels
    names = ("red", "green", "blue", "yellow")
    assert answer.image == "image 2"
    assert answer.counts == ", ".join(f"{name} {n}" for name, n in zip(names, counts, strict=True))
    assert answer.outcome == f"{names[counts.index(max(counts))]} wins, probability {answer.output:.3g}"
    assert 0 < answer.output < 1
    assert answer.n_features == sum(counts)


def test_another_target_is_named():
    environment, answer = answer_to("multi-color-sum[size=64]", target=1)
    assert "wins; explained: green, probability " in answer.outcome
    assert answer.logit == environment.counts(environment.scene(2))[1] / environment.counts_per_logit


def test_a_logit_is_called_a_logit():
    assert ", logit " in answer_to("multi-color-sum[output=logit,size=16]")[1].outcome


def test_a_regression_has_its_value():
    environment, answer = answer_to("single-color-modulo[size=64]")
    n_white = sum(environment.scene(2).n_pixels)
    assert answer.lines == ("image 2", f"white {n_white}", f"value {n_white % 30}")


def test_an_environment_that_counts_nothing_names_the_class():
    environment = WeightedColumns()
    batch = environment.sample(1)
    assert answers_of(environment, batch)[0].lines == ("image 0", f"class {int(batch.labels[0])} wins, logit 0.75")
    assert all("features" in text for text in truth_text(batch, 0))


def test_a_network_without_a_closed_form_is_asked():
    environment = make_environment("multi-color-sum[size=16]")
    batch = environment.sample(1)
    (expected,) = answers_of(environment, batch)

    class Opaque(type(environment)):
        has_logits = False

    assert answers_of(Opaque(**{name: getattr(environment, name) for name in ("height", "width")}), batch) == [expected]


@pytest.mark.parametrize(("output", "text"), [(0.9999, "1 - 1e-04"), (0.98, "0.98"), (1.0, "1"), (1e-7, "1e-07")])
def test_a_probability_near_one_is_not_rounded_to_it(output, text):
    from attributionlab.reports.answers import _number

    assert _number(output) == text


@pytest.mark.parametrize(("color", "name"), [((0, 255, 0), "green"), ((1,), "white"), ((9, 8, 7), "(9, 8, 7)")])
def test_colors_have_names(color, name):
    assert color_name(color) == name
