"""Find accessibility faults of pages by axe-core in a headless Chromium, and take screenshots of them.

    npm pack axe-core && tar xzf axe-core-*.tgz
    python scripts/accessibility.py package/axe.min.js site lab.html report.html --screenshots shots

Each page is opened as on a desk (1280 pixels wide) and as on a phone (390), in light and in dark. Prints one line for each kind of fault of each
page. The exit code is 1 if a fault is serious or critical. Needs selenium, Chromium and its driver; the package itself never loads axe-core.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

WIDTHS = {"desk": 1280, "phone": 390}
SCHEMES = ("light", "dark")
SEVERE = ("serious", "critical")
FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--allow-file-access-from-files")

RUN = """
const done = arguments[arguments.length - 1];
axe.run(document, {resultTypes: ['violations']}).then(
  result => done(result.violations.map(fault => ({
    id: fault.id, impact: fault.impact, help: fault.help,
    nodes: fault.nodes.map(node => node.target.join(' ') + ' | ' + (node.any[0] || node.all[0] || node.none[0] || {}).message),
  }))),
  error => done([{id: 'axe', impact: 'critical', help: String(error), nodes: []}]));
"""
"""Run axe-core; each fault with the selectors of its elements."""


def pages(paths: list[Path]) -> Iterator[Path]:
    """The HTML files of folders, and files."""
    for path in paths:
        files = sorted(path.rglob("*.html")) if path.is_dir() else [path]
        yield from (file for file in files if file.name != "404.html")  # its files are at the root of a server


def browser() -> webdriver.Chrome:
    """A headless Chromium."""
    options = Options()
    options.binary_location = "/usr/bin/chromium"
    for flag in FLAGS:
        options.add_argument(flag)
    driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
    driver.set_script_timeout(120)
    return driver


def show(driver: webdriver.Chrome, page: Path, width: int, scheme: str) -> None:
    """Open a page at a width, in a color scheme."""
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": features})
    driver.get(page.resolve().as_uri())
    driver.execute_script("localStorage.clear()")  # pages remember the colors of the last visit
    driver.refresh()
    time.sleep(0.5)  # scripts of the page choose its colors


def faults(driver: webdriver.Chrome, axe: str) -> list[dict[str, Any]]:
    """The faults of the page that is open."""
    driver.execute_script(axe)
    violations: list[dict[str, Any]] = driver.execute_async_script(RUN)
    return violations


def main() -> int:
    """Open all pages in all ways; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("axe", type=Path, help="axe.min.js")
    parser.add_argument("pages", nargs="+", type=Path, help="HTML files, or folders of them")
    parser.add_argument("--screenshots", type=Path, help="folder for a picture of each page, width and scheme")
    parser.add_argument(
        "--only", default="", help="widths and schemes, such as desk-light,phone-dark; default: all four"
    )
    arguments = parser.parse_args()
    axe, counts = arguments.axe.read_text(encoding="utf-8"), Counter[str]()
    ways = [
        (name, scheme)
        for name in WIDTHS
        for scheme in SCHEMES
        if f"{name}-{scheme}" in (arguments.only or f"{name}-{scheme}")
    ]
    driver = browser()
    try:
        for page in pages(arguments.pages):
            for name, scheme in ways:
                show(driver, page, WIDTHS[name], scheme)
                for fault in faults(driver, axe):
                    counts[fault["impact"]] += 1
                    where = "; ".join(fault["nodes"][:3])
                    print(
                        f"{fault['impact']}: {page.name}, {name}, {scheme}: {fault['id']} ({len(fault['nodes'])}): {where}"
                    )
                if arguments.screenshots:
                    arguments.screenshots.mkdir(parents=True, exist_ok=True)
                    driver.save_screenshot(str(arguments.screenshots / f"{page.stem}-{name}-{scheme}.png"))
    finally:
        driver.quit()
    print("faults by severity:", dict(counts) or "none")
    return int(any(counts[severity] for severity in SEVERE))


if __name__ == "__main__":
    sys.exit(main())
