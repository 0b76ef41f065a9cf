"""The HTML report in a real, headless Chromium: it sorts, filters, opens images, and asks nobody for anything."""

import base64

import pytest
from chromium import as_phone, choose, find, needs_chromium, opened, requested

from attributionlab.reports.page.report import write_report

pytestmark = needs_chromium

DASH = "\N{EN DASH}"
"""What stands where there is no number."""


@pytest.fixture(scope="module")
def address(small_run, tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    write_report(small_run.records, path)
    return path.as_uri()


@pytest.fixture
def page(browser, address):
    """The report, opened anew at the size of a desk, and what happened in the browser since."""
    with opened(browser, address):
        yield browser


def rows(page):
    """What the visible rows of the verdict table say, cell by cell."""
    return page.execute_script(
        "return [...document.querySelectorAll('#verdict-table tbody tr')].filter(row => row.offsetParent !== null)"
        ".map(row => [...row.children].map(cell => cell.innerText.trim()))"
    )


def heading(page, name):
    (found,) = [
        one for one in page.find_elements("css selector", "#verdict-table thead button") if one.text.startswith(name)
    ]
    return found


def test_nothing_is_asked_for_but_the_file_itself(browser, address):
    browser.get_log("performance")
    browser.get(address)
    assert requested(browser) == [address]


def test_a_click_on_a_heading_sorts_and_another_one_turns_it_around(page):
    heading(page, "F1").click()
    shown = [row[2] for row in rows(page)]
    known = [float(value) for value in shown if value != DASH]
    assert known == sorted(known, reverse=True)
    assert shown[: len(known)] == [value for value in shown if value != DASH], "rows without a score come last"
    assert len(known) < len(shown)
    heading(page, "F1").click()
    turned = [row[2] for row in rows(page)]
    assert [float(value) for value in turned if value != DASH] == known[::-1]
    assert turned[-1] == DASH
    assert find(page, "#verdict-table th[aria-sort]").get_attribute("aria-sort") == "ascending"


def test_names_sort_by_the_keyboard_too(page):
    from selenium.webdriver.common.keys import Keys

    heading(page, "method").send_keys(Keys.ENTER)
    names = [row[0].lower() for row in rows(page)]
    assert names == sorted(names)
    assert len(page.find_elements("css selector", "#verdict-table th[aria-sort]")) == 1


def test_at_first_each_method_is_shown_by_the_truth_that_decides(page):
    assert all("★" in row[6] for row in rows(page))
    assert len(rows(page)) == 16


def test_rows_are_filtered_by_truth(page):
    choose(page, "#filter-truth", "positive")
    assert {row[6].split()[0] for row in rows(page)} == {"positive"}
    assert find(page, "#count").text.startswith(f"{len(rows(page))} of ")


def test_rows_images_and_curves_are_filtered_by_environment(page):
    choose(page, "#filter-environment", "single-color-sum[size=16]")
    assert {row[8] for row in rows(page)} == {"single-color-sum[size=16]"}
    visible = page.execute_script(
        "return [...document.querySelectorAll('.card, .chart')].filter(one => one.offsetParent !== null)"
        ".map(one => one.dataset.environment || one.dataset.family)"
    )
    assert set(visible) == {"single-color-sum[size=16]"}


def test_rows_are_filtered_by_method_and_nothing_is_said_to_be_nothing(page):
    choose(page, "#filter-method", "RANDOM")
    assert {row[0] for row in rows(page)} == {"random"}
    choose(page, "#filter-method", "no such method")
    assert rows(page) == []
    assert find(page, "#nothing").is_displayed()


def test_the_slider_fades_between_image_and_map(page):
    from selenium.webdriver.common.keys import Keys

    slider, layer = find(page, ".card input[type=range]"), find(page, ".card .layer")
    assert layer.value_of_css_property("opacity") == "1"
    slider.send_keys(Keys.HOME)
    assert layer.value_of_css_property("opacity") == "0"
    assert slider.get_attribute("aria-valuetext") == "0 % map"


def test_the_chosen_map_is_laid_over_every_image(page):
    choose(page, "#layer", "1")
    for card in page.find_elements("css selector", ".card"):
        dialog = card.find_element("css selector", ".open").get_attribute("data-opens")
        map_of_method = find(page, f"#{dialog} [data-layer='1'] img").get_attribute("src")
        assert card.find_element("css selector", ".layer").get_attribute("src") == map_of_method
        assert card.find_element("css selector", ".layer-name").text.startswith("random: overall F1 0.")


def test_the_image_turns_gray_below_a_map_and_has_its_colors_without(page):
    from selenium.webdriver.common.keys import Keys

    slider, image = find(page, ".card input[type=range]"), find(page, ".card .input")
    assert image.value_of_css_property("filter") == "grayscale(1)"
    slider.send_keys(Keys.HOME)
    assert image.value_of_css_property("filter") == "grayscale(0)"


def test_a_method_without_maps_says_so(page):
    choose(page, "#layer", "3")
    assert find(page, ".card .layer-name").text.endswith("no map")
    assert not find(page, ".card .layer").is_displayed()


def test_an_image_opens_with_its_maps_and_scores_and_closes_with_escape(page):
    from selenium.webdriver.common.keys import Keys

    button = find(page, ".card .open")
    page.execute_script("arguments[0].scrollIntoView({block: 'center'})", button)
    button.click()
    dialog = find(page, "dialog[open]")
    pictures = dialog.find_elements("css selector", ".maps img")
    assert len(pictures) == 5
    assert all(page.execute_script("return arguments[0].naturalWidth", one) == 16 for one in pictures)
    assert len(dialog.find_elements("css selector", "tbody tr")) == 4
    first = dialog.get_attribute("id")
    page.switch_to.active_element.send_keys(Keys.ARROW_RIGHT)
    assert find(page, "dialog[open]").get_attribute("id") != first
    page.switch_to.active_element.send_keys(Keys.ESCAPE)
    assert page.find_elements("css selector", "dialog[open]") == []


def test_a_curve_is_hidden_by_its_name(page):
    button = find(page, ".legend button[data-curve='1']")
    page.execute_script("arguments[0].scrollIntoView({block: 'center'})", button)
    button.click()
    curves = page.find_elements("css selector", ".chart g[data-curve='1']")
    assert curves
    assert not any(one.is_displayed() for one in curves)
    assert button.get_attribute("aria-pressed") == "false"


def test_a_name_brings_its_curves_out_by_the_keyboard_too(page):
    page.execute_script("arguments[0].focus()", find(page, ".legend button[data-curve='1']"))
    opacities = {
        curve.get_attribute("data-curve"): curve.value_of_css_property("opacity")
        for curve in page.find_elements("css selector", ".chart g[data-curve]")
    }
    assert opacities == {"0": "0.15", "1": "1", "2": "0.15"}


def test_a_desk_shows_all_columns_of_the_verdicts(page):
    page.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": 1400, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    )
    wide = "[...document.querySelectorAll('main .scroll')].filter(one => one.scrollWidth > one.clientWidth).length"
    assert page.execute_script(f"return {wide}") == 0


def test_a_phone_says_the_environment_below_the_method(page):
    as_phone(page)
    first = rows(page)[0]
    assert first[0].split() == ["input-x-gradient", "multi-color-sum[size=16]"]


def test_hostile_names_run_nothing(page, small_run):
    assert any(row[0] == small_run.hostile for row in rows(page))
    assert page.execute_script("return document.scripts.length") == 1


@pytest.mark.parametrize("dialog", [False, True])
def test_a_phone_shows_it_without_scrolling_sideways(page, dialog):
    as_phone(page, width=360)
    if dialog:
        page.execute_script("document.querySelector('dialog').showModal()")
    box = "document.querySelector('dialog[open]')" if dialog else "document.documentElement"
    assert page.execute_script(f"return {box}.scrollWidth <= {box}.clientWidth")


def test_paper_has_the_verdicts_and_no_controls(page):
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    for selector in (".filters", ".slider", "nav", ".open"):
        assert not any(one.is_displayed() for one in page.find_elements("css selector", selector))
    assert find(page, "#verdict-table").is_displayed()
    assert page.find_elements("css selector", "#verdict-table thead .print-only")[0].is_displayed()
    printed = page.execute_cdp_cmd("Page.printToPDF", {"printBackground": True})
    assert base64.b64decode(printed["data"]).startswith(b"%PDF-")


def test_the_dark_page_is_dark_and_the_light_one_light(page):
    brightness = {}
    for scheme in ("light", "dark"):
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "screen", "features": features})
        color = page.execute_script("return getComputedStyle(document.body).backgroundColor")
        brightness[scheme] = sum(map(int, color.removeprefix("rgb(").removesuffix(")").split(",")))
    assert (brightness["dark"] < 150, brightness["light"] > 600) == (True, True)


def test_every_control_has_a_name(page):
    nameless = page.execute_script(
        "return [...document.querySelectorAll('button, input, select')].filter(one => "
        "!(one.innerText || one.textContent || one.getAttribute('aria-label') || '').trim() && !(one.labels || []).length).length"
    )
    assert nameless == 0
