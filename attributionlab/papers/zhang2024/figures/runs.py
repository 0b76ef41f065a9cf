"""The stored runs that figures read, and the maps that they show."""

from __future__ import annotations

from attributionlab.papers.stored import FirstMaps, StoredRun, first_maps, read_run
from attributionlab.papers.studies import StudySetting
from attributionlab.papers.zhang2024 import modulo, priors, section4, unseen_data

N_SHOWN = 2
"""Images whose maps are shown."""

MAPS = "figures/maps"
"""Folder of the maps, below that of the reproduction."""


def section4_run(setting: StudySetting) -> StoredRun:
    """Scores of section 4."""
    methods = {name: unseen_data.METHODS[name] for name in section4.SHOWN}
    return read_run(setting, "section4", section4.FOLDER, methods)


def priors_run(setting: StudySetting) -> StoredRun:
    """Scores of LIME with every prior; with SAM if its weights are given."""
    folder, _, methods = priors.planned(setting)
    return read_run(setting, "appendix-k", folder, methods)


def effect_run(setting: StudySetting, name: str) -> StoredRun:
    """Scores and metrics of a reading of the Unseen Data Effect."""
    study = "table5" if name == unseen_data.WITH else "table6"
    return read_run(setting, study, unseen_data.folder_of(name), unseen_data.METHODS, unseen_data.metrics_of(setting))


def modulo_run(setting: StudySetting) -> StoredRun:
    """Scores and metrics in single-color-modulo."""
    return read_run(setting, "table3", modulo.FOLDER, modulo.METHODS, modulo.metrics_of(setting))


def multi_color_maps(setting: StudySetting) -> FirstMaps:
    """Maps in multi-color-sum by every method."""
    return first_maps(
        setting, f"{MAPS}/multi-color-sum", setting.preset.sized("multi-color-sum"), unseen_data.METHODS, N_SHOWN
    )


def modulo_maps(setting: StudySetting) -> FirstMaps:
    """Maps in single-color-modulo."""
    return first_maps(
        setting,
        f"{MAPS}/single-color-modulo",
        setting.preset.sized("single-color-modulo"),
        modulo.METHODS,
        N_SHOWN,
    )


def prior_maps(setting: StudySetting) -> FirstMaps:
    """LIME's maps in multi-color-sum with every prior."""
    folder, environments, methods = priors.planned(setting)
    return first_maps(setting, f"{MAPS}/{folder}", environments["default"], methods, N_SHOWN)
