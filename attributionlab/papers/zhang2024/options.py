"""The paper's own options: SAM's weights and a user's trained networks, checked before anything is measured."""

from __future__ import annotations

from collections.abc import Sequence

from attributionlab.papers.studies import StudySetting
from attributionlab.papers.zhang2024.own_networks import OwnMaps, explain_networks
from attributionlab.papers.zhang2024.priors import check_sam
from attributionlab.papers.zhang2024.sam import sam_options

WITH_SAM = ("section4", "appendix-k")
"""Studies that use SAM."""


def prepare(setting: StudySetting, studies: Sequence[str]) -> dict[str, OwnMaps]:
    """The maps on a user's networks that these studies show, by the paper's name of the network.

    Raises:
        AttributionLabError: If SAM's weights do not fit, or a network cannot be loaded or explained.
    """
    if sam_options(setting) and any(name in studies for name in WITH_SAM):
        check_sam(setting)
    return explain_networks(setting, studies)
