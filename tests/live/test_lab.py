"""The page computes what torch computes, needs nothing else, and can be used by mouse, finger and keyboard."""

import re

import numpy as np
import pytest
import torch
from chromium import needs_chromium, opened

import attributionlab as al
from attributionlab.errors import BadOption
from attributionlab.live.export import export_lab
from attributionlab.live.page import lab_page
from attributionlab.truth.softmax_shapley import softmax_shapley

SEED = 1
COLORS = np.array([[20, 20, 20], [255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 0], [0, 0, 0]])

RUN = """
const network = new Network(spec, arguments[1], true);
return arguments[0].map(pixels => {
  const image = Float64Array.from(pixels), run = network.forward(image), target = run.counts.indexOf(Math.max(...run.counts));
  return [run.counts, run.probabilities, Array.from(network.gradientMap(image, target, "logit")), Array.from(network.gradientMap(image, target, "probability"))];
});
"""


def environment_of(**options):
    return al.make_environment("multi-color-sum", size=32).changed(network_seed=SEED, **options)


def random_images(n):
    """Scenes, known colors at random, and colors that nobody knows: (n, 3, 32, 32)."""
    random = np.random.default_rng(0)
    images = environment_of().sample(n).inputs.numpy().astype(int)
    for index in range(n):
        if index % 3 == 1:
            images[index] = COLORS[random.integers(0, 6, (32, 32))].transpose(2, 0, 1)
        elif index % 3 == 2:
            unknown = random.random((32, 32)) < 0.1
            images[index, :, unknown] = random.integers(0, 256, (int(unknown.sum()), 3))
    return torch.from_numpy(images)


def gradients(model, images, targets):
    images = images.clone().requires_grad_()
    return torch.autograd.grad(model(images).gather(1, targets[:, None]).sum(), images)[0].sum(dim=1)


def compare(browser, page, n):
    images = random_images(n)
    with opened(browser, page.as_uri()):
        parts = [browser.execute_script(RUN, part.flatten(1).tolist(), SEED) for part in images.split(50)]
    counts, probabilities, logits, slopes = (
        torch.tensor([row[index] for part in parts for row in part], dtype=torch.float64) for index in range(4)
    )
    model = environment_of().model
    expected = model.counts(images.float())
    targets = expected.argmax(dim=1)
    assert torch.equal(counts, expected.double())
    by_logit = gradients(environment_of(output="logit").model, images.float(), targets)
    assert torch.equal(logits.view(-1, 32, 32), by_logit.double())
    model = model.double()
    torch.testing.assert_close(
        probabilities, model(images.double()).detach(), rtol=1e-12, atol=0
    )  # exp differs in its last bits
    torch.testing.assert_close(
        slopes.view(-1, 32, 32), gradients(model, images.double(), targets), rtol=1e-11, atol=1e-100
    )


@needs_chromium
def test_the_page_computes_what_torch_computes(browser, page):
    compare(browser, page, 24)


@needs_chromium
@pytest.mark.slow
def test_the_page_computes_what_torch_computes_on_a_thousand_images(browser, page):
    compare(browser, page, 1000)


@needs_chromium
def test_maps_of_the_page_are_those_of_literal_loops(browser, page):
    image, model = random_images(2)[1:].double(), environment_of().model.double()
    target = model(image).argmax(dim=1)
    program = """
    const network = new Network(spec, arguments[1], true), image = Float64Array.from(arguments[0]), target = arguments[2];
    return [Array.from(network.integratedGradients(image, [0, 0, 0], 100, target, "probability")), Array.from(network.occlusion(image, [255, 255, 255], target, "logit"))];
    """
    with opened(browser, page.as_uri()):
        path, occluded = browser.execute_script(program, image.flatten().tolist(), SEED, int(target))
    total = sum(_slope(model, image * (step + 0.5) / 100, target) for step in range(100)) / 100
    expected = (total * image).sum(dim=1)[0]
    torch.testing.assert_close(torch.tensor(path, dtype=torch.float64).view(32, 32), expected, rtol=1e-9, atol=1e-30)
    network = environment_of(output="logit").model
    for place in range(0, 1024, 101):
        changed = image.float()
        changed[0, :, place // 32, place % 32] = 255
        lost = network(image.float())[0, target] - network(changed)[0, target]
        assert occluded[place] == float(lost.detach())


def _slope(model, point, target):
    point = point.clone().requires_grad_()
    return torch.autograd.grad(model(point)[0, target], point)[0]


@needs_chromium
def test_shapley_values_of_the_page_are_exact(browser, page):
    cases = [[28, 43, 40, 23], [0, 5, 3, 1], [200, 100, 50, 201], [1, 1, 0, 0], [0, 1, 0, 0]]
    with opened(browser, page.as_uri()):
        found = browser.execute_script(
            "return arguments[0].map(counts => softmaxShapley(counts, 1, spec.scale));", cases
        )
    for counts, values in zip(cases, found, strict=True):
        expected = np.nan_to_num(softmax_shapley(counts, 1, 1 / 4))
        np.testing.assert_allclose(values, expected, rtol=0, atol=1e-11)  # the page stops at a completeness of 1e-11


@needs_chromium
def test_a_stroke_changes_what_is_shown(browser, page):
    from selenium.webdriver.common.action_chains import ActionChains

    with opened(browser, page.as_uri()):
        browser.find_element("id", "clear").click()
        assert "cannot decide" in browser.find_element("id", "answer").text
        image = browser.find_element("id", "image")
        browser.find_element("id", "color-3").click()
        ActionChains(browser).click_and_hold(image).move_by_offset(60, 0).release().perform()
        browser.execute_script("showFast()")
        assert "blue" in browser.find_element("id", "answer").text
        painted = browser.execute_script("return state.pixels.reduce((sum, pixel) => sum + (pixel === 3), 0)")
        assert f"{painted} pixels" in browser.find_element("id", "answer").text


@needs_chromium
def test_the_keyboard_paints(browser, page):
    from selenium.webdriver.common.keys import Keys

    with opened(browser, page.as_uri()):
        browser.find_element("id", "clear").click()
        image = browser.find_element("id", "image")
        image.send_keys("5", Keys.ARROW_RIGHT, " ")
        assert browser.execute_script("return state.pixels.filter(pixel => pixel === 4).length") > 0


def press(browser, within, text):
    """Click a button where it is, without waiting until the page has scrolled to it."""
    button = next(made for made in within.find_elements("tag name", "button") if made.text == text)
    browser.execute_script("arguments[0].click()", button)


@needs_chromium
def test_the_quiz_ends_with_points(browser, page):
    with opened(browser, page.as_uri()):
        for right in ("Map B", "Map C", "Map A"):
            quiz = browser.find_element("id", "quiz")
            press(browser, quiz, right)
            assert "Right." in quiz.text
            press(browser, quiz, "Next")
        assert "3 of 3 right" in browser.find_element("id", "quiz").text


@needs_chromium
@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_wider_than_the_window(browser, page, width):
    with opened(browser, page.as_uri()):
        browser.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500},
        )
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width


def test_every_control_has_a_label():
    page = lab_page()
    controls = re.findall(r"<(?:select|input|canvas)[^>]*>", page)
    labels = set(re.findall(r'for="([^"]+)"', page))
    for control in controls:
        place = page.index(control)
        is_wrapped = page.rfind("<label", 0, place) > page.rfind("</label>", 0, place)
        name = re.search(r'id="([^"]+)"', control)
        assert is_wrapped or "aria-label" in control or (name and name[1] in labels), control


def test_the_page_asks_for_nothing():
    page = lab_page()
    assert not re.search(r"""(?:src|href)\s*=\s*["'](?!#)""", page)
    assert "default-src 'none'" in page
    assert not re.search(r"\b(?:fetch|XMLHttpRequest|import|eval|innerHTML)\b", page[page.index("<script>") :])


def test_exported_weights_are_those_of_the_network():
    spec = export_lab(16, 2, 1)
    network = al.make_environment("multi-color-sum", size=16).changed(network_seed=1).model
    kernels = network.accumulator.layers[0]
    for kernel, weight, bias in zip(spec["accumulators"][1][0]["kernels"], kernels.weight, kernels.bias, strict=True):
        dense = torch.zeros_like(weight)
        for channel, row, column, value in kernel["terms"]:
            dense[channel, row, column] = value
        assert torch.equal(dense, weight.detach())
        assert kernel["bias"] == float(bias.detach())


def test_the_command_writes_the_page_and_nothing_else(tmp_path, monkeypatch):
    from typer.testing import CliRunner

    from attributionlab.cli.app import app

    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(app, ["demo", "-o", "lab.html"]).exit_code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["lab.html"]
    assert (tmp_path / "lab.html").read_text().startswith("<!doctype html>")
    result = CliRunner().invoke(app, ["demo", "-o", "lab.txt"])
    assert isinstance(result.exception, BadOption) or result.exit_code == 2
