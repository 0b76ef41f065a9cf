"""Pictures of the site as links."""

from __future__ import annotations

import importlib.util
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "scripts" / "site_links.py"


def test_a_picture_alone_opens_in_its_own_size_and_a_linked_one_stays_as_it_is():
    spec = importlib.util.spec_from_file_location("site_links", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    alone = '<p><img alt="maps" src="maps.png" /></p>'
    linked = '<p><a href="page.html"><img alt="maps" src="maps.png" /></a></p>'
    assert module.on_page_content(alone + linked) == f'<p><a href="maps.png">{alone[3:-4]}</a></p>{linked}'
