"""Stored runs of a reproduction: their scores and curves, and the maps of their first images."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import torch
from torch import Tensor

from attributionlab.environments import Environment, make_environment
from attributionlab.errors import BadOption, bad_option
from attributionlab.judging.audit_report import ImageCurves
from attributionlab.methods import make_method
from attributionlab.metrics import make_metric
from attributionlab.papers.evidence import Values
from attributionlab.papers.measuring import MeasuredScores
from attributionlab.papers.reports import FILES
from attributionlab.papers.studies import StudySetting
from attributionlab.reports.run_view import pooled
from attributionlab.runs import Plan, Records, load_records, run_plan
from attributionlab.truth import Batch


@dataclass(frozen=True, eq=False)
class StoredRun:
    """The results of one environment, read from the folder of its run.

    Args:
        measured: Scores by the paper's names.
        folder: Folder of the run.
    """

    measured: MeasuredScores
    folder: Path

    def scores(self, method: str, name: str) -> Values:
        """An agreement with the truth, (networks x images,), those that are undefined left out."""
        values: Values = self.measured.scores(method, name).ravel()
        defined: Values = values[~np.isnan(values)]
        return defined

    def curves(self, method: str, column: str) -> ImageCurves | None:
        """Curves of a metric over the images of all networks; None if there are none."""
        measured = self.measured
        spec, metric = measured.methods[method], measured.metrics[column]
        parts = [measured.records.curves(network, spec, metric) for network in measured.environments]
        quantity = measured.records.quantities.get(metric, "")
        curves = [ImageCurves(*part, quantity) for part in parts if part is not None]
        return pooled(curves) if curves else None

    @property
    def n_images(self) -> int:
        """Number of images over all networks."""
        return len(self.measured.environments) * self.measured.records.plan.n_samples

    @property
    def scope(self) -> str:
        """Numbers of images and networks in words."""
        n_samples, n_networks = self.measured.records.plan.n_samples, len(self.measured.environments)
        images = f"{n_samples} image{'s' if n_samples > 1 else ''}"
        return f"{images} under {f'each of {n_networks} networks' if n_networks > 1 else 'one network'}"


def read_run(
    setting: StudySetting,
    study: str,
    folder: str,
    methods: Mapping[str, str],
    metrics: Mapping[str, str] | None = None,
) -> StoredRun:
    """Read the run that a study made; nothing is measured.

    Args:
        setting: Folder of the reproduction.
        study: Name of the study, for messages.
        folder: Name of the sub-folder.
        methods: Specs by the paper's names.
        metrics: Specs by columns of the paper.

    Raises:
        BadOption: If there is no such run, or it lacks one of the methods or metrics.
    """
    path = setting.folder / folder
    hint = f"`attributionlab reproduce {study} -o FOLDER` measures them"
    try:
        records = load_records(path)
    except BadOption as error:
        raise bad_option("output", f"hold the runs of {study}", str(setting.folder), hint) from error
    names = {name: make_method(spec).spec for name, spec in methods.items()}
    columns = {column: make_metric(spec).spec for column, spec in (metrics or {}).items()}
    missing = [name for name, spec in names.items() if spec not in records.plan.methods]
    missing += [column for column, spec in columns.items() if spec not in records.plan.metrics]
    if missing:
        raise bad_option("output", f"hold runs of {missing[0]}", str(path), hint)
    return StoredRun(MeasuredScores(tuple(records.plan.expanded), names, columns, records), path)


def stored_claims(setting: StudySetting, study: str) -> list[dict[str, Any]]:
    """The claims of a study in the stored report, as in its JSON.

    Raises:
        BadOption: If there is no report, or it does not hold this study.
    """
    file = setting.folder / FILES["json"]
    report = orjson.loads(file.read_bytes()) if file.is_file() else {"studies": []}
    for entry in report["studies"]:
        if entry["study"] == study:
            claims: list[dict[str, Any]] = entry["claims"]
            return claims
    hint = f"`attributionlab reproduce {study} -o FOLDER` writes it"
    raise bad_option("output", f"hold a report of {study}", str(setting.folder), hint)


@dataclass(frozen=True, eq=False)
class FirstMaps:
    """The first images of an environment, and maps of them under one network.

    Args:
        environment: The environment, with its network.
        batch: The images.
        maps: Maps (b, h, w) by the paper's names, or a text that says why there are none.
    """

    environment: Environment
    batch: Batch
    maps: Mapping[str, Tensor | str]


def first_maps(
    setting: StudySetting, folder: str, environment: str, methods: Mapping[str, str], n_images: int
) -> FirstMaps:
    """Maps of the first images under the network of seed 0, from a run that stores them; missing ones are computed once.

    Args:
        setting: Folder, device and workers.
        folder: Name of the sub-folder of the run, below the folder of the figures.
        environment: Spec without seeds.
        methods: Specs by the paper's names.
        n_images: Number of images.
    """
    plan, path = maps_plan(setting, folder, environment, methods, n_images)
    with setting.watch(folder, plan.n_jobs) as advance:
        run_plan(plan, path, workers=setting.workers, device=setting.device, retry_failed=True, progress=advance)
    records = load_records(path)
    (network,) = plan.expanded
    built = make_environment(network)
    canonical = {name: make_method(spec).spec for name, spec in methods.items()}
    maps = {name: _map_or_reason(records, network, spec) for name, spec in canonical.items()}
    return FirstMaps(built, built.sample(n_images), maps)


def maps_plan(
    setting: StudySetting, folder: str, environment: str, methods: Mapping[str, str], n_images: int
) -> tuple[Plan, Path]:
    """The plan of `first_maps`, and its folder, whose name differs between plans: maps of other options are never shown."""
    plan = Plan.of(
        name=folder,
        environments=[environment],
        methods=list(dict.fromkeys(make_method(spec).spec for spec in methods.values())),
        network_seeds=[0],
        n_samples=n_images,
        images_per_job=n_images,
        save_maps=n_images,
    )
    digest = hashlib.sha256(repr(plan).encode()).hexdigest()[:8]
    return plan, setting.folder / f"{folder}-{digest}"


def _map_or_reason(records: Records, network: str, spec: str) -> Tensor | str:
    """Stored maps, or the reason why there are none."""
    maps = records.maps(network, spec)
    if maps is not None:
        return torch.from_numpy(maps)
    errors = [record.error for record in records.of(network, spec) if record.error is not None]
    return errors[0].message if errors else "no map"
