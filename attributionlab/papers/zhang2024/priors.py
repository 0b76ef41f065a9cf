"""Appendix K: LIME sees what a segmentation prior makes of the image."""

from __future__ import annotations

import itertools
from typing import cast

import torch

from attributionlab.errors import bad_option
from attributionlab.methods.sam import SamModel, sam_segmenter
from attributionlab.papers.claims import Claim, Finding, Result, judge, unchecked
from attributionlab.papers.study import Cell, ReportTable, Setting, StudyReport
from attributionlab.papers.zhang2024.measuring import Measured, mean_of, measure, plan_of
from attributionlab.papers.zhang2024.own_maps import NO_SAM, appendix_k
from attributionlab.papers.zhang2024.published import published
from attributionlab.runs.store import PLAN_FILE, stored_plan
from attributionlab.specs.grammar import format_spec

KEY = "appendix-k"
FREE = ("quickshift", "felzenszwalb", "slic", "grid", "oracle")
"""Priors that need no weights."""

BASELINES = {"LIME": "black", "LIME*": "true"}
"""What hidden segments show, which the paper does not say; the star is that of IG* and Occlusion*."""

NAMES = tuple(f"{name} ({prior})" for prior in (*FREE, "sam") for name in BASELINES)
TRUTHS = ("positive", "overall")


def measure_priors(setting: Setting) -> Measured:
    """LIME with every prior that there is; with SAM in a folder of its own, because that is another plan."""
    return measure(setting, *_planned(setting))["default"]


def check_sam(setting: Setting, device: torch.device) -> None:
    """Refuse weights that do not load, and a folder whose records came from other weights.

    Raises:
        BadOption: If the weights are no such weights, SAM is not installed, or the folder is such a folder.
        MachineError: If torchvision does not fit torch.
    """
    folder, environments, methods = _planned(setting)
    plan, where = plan_of(setting, folder, environments, methods, {}), setting.folder / folder
    if (where / PLAN_FILE).exists():
        stored = stored_plan(where)
        if (stored.methods, stored.code) != (plan.methods, plan.code):
            wanted = f"be the file, unchanged, that {where} was measured with"
            raise bad_option("sam_checkpoint", wanted, setting.sam["sam_checkpoint"], "use another folder")
    model = cast("SamModel", setting.sam.get("sam_model", "vit_h"))
    sam_segmenter(str(setting.sam["sam_checkpoint"]), model, device)


def _planned(setting: Setting) -> tuple[str, dict[str, str], dict[str, str]]:
    """Folder, environments and methods."""
    priors: dict[str, dict[str, object]] = {prior: {"segments": prior} for prior in FREE}
    if setting.sam:
        priors["sam"] = {"segments": "sam", **setting.sam}
    methods = {
        f"{name} ({prior})": format_spec("lime", {**options, "baseline": baseline})
        for prior, options in priors.items()
        for name, baseline in BASELINES.items()
    }
    environment = {"default": setting.preset.sized("multi-color-sum")}
    return f"{KEY}-sam" if setting.sam else KEY, environment, methods


def study(setting: Setting) -> StudyReport:
    """SAM against the two classical priors, and what an oracle would give."""
    found = measure_priors(setting)
    own = appendix_k(setting)
    results = [*(_better(found, prior) for prior in published()[KEY]["worse"]), *own.results]
    columns = ("prior", *(f"{truth}{what}" for truth in TRUTHS for what in ("", ", low", ", high")))
    rows: list[tuple[Cell, ...]] = []
    for name in found.methods:
        cells: list[Cell] = [name]
        for truth in TRUTHS:
            f1 = found.mean(name, f"{truth}.f1")
            cells += [f1.value, f1.low, f1.high]
        rows.append(tuple(cells))
    table = ReportTable("Mean F1 of LIME, with 95 % intervals over images", columns, tuple(rows))
    notes = (
        (
            "`oracle` is the scene's own patches: what a perfect prior would give. Half of a patch is background, so that no map that is "
            "constant on it has an F1 above about 0.67."
        ),
        "LIME's hidden segments are black, those of LIME\\* show the true background; the paper does not say which.",
    )
    title = "Appendix K: segmentation priors of LIME"
    return StudyReport(KEY, title, tuple(results), (table, *own.tables), notes, own.figures)


def _better(found: Measured, prior: str) -> Result:
    claim = Claim(
        key=f"{KEY}.sam-{prior.lower()}",
        source=published()[KEY]["source"],
        statement=f"LIME is more faithful with SAM than with {prior}",
        published="F1 above",
        test="the difference of F1 is above 0",
    )
    readings = itertools.product(TRUTHS, BASELINES)
    return Result(claim, tuple(_better_on(found, prior.lower(), truth, name) for truth, name in readings))


def _better_on(found: Measured, other: str, truth: str, method: str) -> Finding:
    setting, name = f"{truth} truth, {BASELINES[method]} baseline", f"{truth}.f1"
    worse = found.scores(f"{method} ({other})", name)
    if f"{method} (sam)" in found.methods:
        difference = mean_of(found.scores(f"{method} (sam)", name) - worse)
        return judge(difference, lambda value: value > 0, setting=setting)
    gain = mean_of(found.scores(f"{method} (oracle)", name) - worse).value
    return unchecked(
        f"{NO_SAM}; the oracle's F1 is {abs(gain):.2f} {'higher' if gain > 0 else 'lower'}", setting=setting
    )
