"""Maps of several methods on the same images."""

from functools import cache

import pytest
import torch

from attributionlab.environments import make_environment
from attributionlab.errors import BadOption, MachineError
from attributionlab.measuring.galleries import gallery
from attributionlab.methods import make_method
from attributionlab.metrics import score
from attributionlab.reports.figures.maps import attribution_figure


@cache
def environment():
    return make_environment("multi-color-sum[size=16]")


def bound(*methods):
    return [make_method(method, environment()) for method in methods]


def raises(model, inputs, targets):
    raise ValueError("not today")


def ruins(model, inputs, targets):
    for parameter in model.parameters():
        parameter.data.zero_()
    return inputs


def test_every_method_explains_the_same_images():
    drawn = gallery(environment(), bound("gradient", "truth", "constant"), n_samples=2, start=3)
    assert drawn.environment == "multi-color-sum[size=16]"
    assert torch.equal(drawn.batch.inputs, environment().sample(2, 3).inputs)
    assert list(drawn.maps) == ["gradient", "truth", "constant"]
    assert torch.equal(drawn.maps["truth"], drawn.batch.ground_truth.signed.float())
    assert all(maps.shape == (2, 16, 16) for maps in drawn.maps.values())
    assert drawn.failures == {}


def test_every_method_is_shown_on_the_truth_that_fits_it():
    drawn = gallery(environment(), bound("gradient", "guided-backprop", "gradcam"), n_samples=1)
    assert drawn.truths == {"gradient": "signed", "guided-backprop": "positive", "gradcam": "positive-smooth"}


def test_a_method_that_fails_is_noted_and_the_others_go_on():
    drawn = gallery(environment(), bound("constant", raises, "truth"), n_samples=1)
    assert list(drawn.maps) == ["constant", "truth"]
    ((name, message),) = drawn.failures.items()
    assert name.endswith(":raises")
    assert message.endswith("raised ValueError: not today")


def test_a_method_that_ruins_its_model_does_not_reach_the_next_one():
    fresh = make_environment("multi-color-sum[size=16]")
    drawn = gallery(fresh, [make_method(ruins), make_method("gradient")], n_samples=1)
    assert "changed the model" in next(iter(drawn.failures.values()))
    alone = gallery(environment(), bound("gradient"), n_samples=1)
    assert torch.equal(drawn.maps["gradient"], alone.maps["gradient"])


def test_no_methods_give_a_gallery_of_images():
    drawn = gallery(environment(), [], n_samples=2)
    assert (len(drawn.batch), drawn.maps) == (2, {})


def test_progress_is_told_of_every_method():
    done = []
    gallery(environment(), bound("constant", raises), n_samples=1, progress=done.append)
    assert done == [1, 1]


@pytest.mark.parametrize(
    ("option", "message"), [("n_samples", "^`n` must be at least 1"), ("start", "^`start` must be at")]
)
def test_samples_that_do_not_exist_are_refused(option, message):
    with pytest.raises(BadOption, match=message):
        gallery(environment(), [], **{option: -1})


def test_a_missing_gpu_is_the_machines_fault(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(MachineError, match=r"^`device` must be one that this machine has"):
        gallery(environment(), [], device="cuda")


def test_methods_that_explain_the_logit_are_drawn_with_the_score_by_which_they_are_judged():
    drawn = gallery(environment(), bound("occlusion", "gradient"), n_samples=1)
    logit = environment().ground_truth(drawn.batch.scenes, drawn.batch.targets.tolist(), "logit")
    assert torch.equal(drawn.judged["occlusion"].signed, logit.signed)
    assert drawn.judged["gradient"] is drawn.batch.ground_truth
    figure = attribution_figure(drawn.batch, drawn.maps, captions=drawn.truths, judged=drawn.judged)
    labels = [axis.get_xlabel() for axis in figure.axes if "F1" in axis.get_xlabel()]
    of_logit, of_output = (
        float(score(drawn.maps["occlusion"], truth).signed.f1) for truth in (logit, drawn.batch.ground_truth)
    )
    assert labels[0].splitlines()[0] == f"signed F1 {of_logit:.2f}" != f"signed F1 {of_output:.2f}"
