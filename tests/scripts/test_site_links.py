"""Pictures of the site as links."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import SimpleNamespace

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "site_links.py"


@pytest.fixture(scope="module")
def module():
    spec = importlib.util.spec_from_file_location("site_links", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Files:
    """A site that has every file."""

    def get_file_from_path(self, path):
        return path


def page(path):
    return SimpleNamespace(file=SimpleNamespace(src_uri=path), meta={})


def test_a_search_lists_pages_for_users_before_tables_of_results(module):
    pages = [page(path) for path in ("tutorials/your_method.md", "networks.md", "reproduction-tables.md")]
    for each in pages:
        module.on_page_markdown("", page=each, files=Files())
    assert [each.meta["search"]["boost"] for each in pages] == [4, 1, 0.1]


def test_scripts_of_the_examples_are_links(module):
    table = "| Is my method right? | `own_method.py` | yes |"
    shown = module.on_page_markdown(table, page=page("tutorials/examples.md"), files=Files())
    assert shown == "| Is my method right? | [`own_method.py`](../examples/own_method.py) | yes |"
    assert module.on_page_markdown(table, page=page("testing.md"), files=Files()) == table


def test_a_picture_alone_opens_in_its_own_size_and_a_linked_one_stays_as_it_is(module):
    alone = '<p><img alt="maps" src="maps.png" /></p>'
    linked = '<p><a href="page.html"><img alt="maps" src="maps.png" /></a></p>'
    assert module.on_page_content(alone + linked) == f'<p><a href="maps.png">{alone[3:-4]}</a></p>{linked}'
