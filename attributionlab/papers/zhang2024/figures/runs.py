"""The stored runs that figures read, and the maps that they show."""

from __future__ import annotations

from attributionlab.papers.stored import FirstMaps, StoredRun, first_maps, read_run
from attributionlab.papers.studies import StudySetting
from attributionlab.papers.zhang2024 import modulo, priors, unseen_data

N_SHOWN = 2
"""Images whose maps are shown."""

MAPS = "figures/maps"
"""Folder of the maps, below that of the reproduction."""


def section4_run(setting: StudySetting) -> StoredRun:
    """Scores of section 4, which are those with the Unseen Data Effect."""
    return effect_run(setting, unseen_data.WITH, "section4")


def priors_run(setting: StudySetting) -> StoredRun:
    """Scores of LIME with every prior; with SAM if its weights are given."""
    folder, _, methods = priors.planned(setting)
    return read_run(setting, "appendix-k", folder, methods)


def effect_run(setting: StudySetting, name: str, study: str = "") -> StoredRun:
    """Scores and metrics of a reading of the Unseen Data Effect; the study is for messages."""
    table = "table5" if name == unseen_data.WITH else "table6"
    metrics = unseen_data.perturbation_metrics(setting)
    return read_run(setting, study or table, unseen_data.folder_of(name), unseen_data.METHODS, metrics)


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
