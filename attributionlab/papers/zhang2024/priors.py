"""Appendix K: the segmentation prior decides how faithful LIME is."""

from __future__ import annotations

import itertools

from attributionlab.errors import bad_option
from attributionlab.methods import make_method
from attributionlab.papers.claims import (
    Finding,
    JudgedClaim,
    PublishedClaim,
    attempt,
    judge_evidence,
    unchecked,
)
from attributionlab.papers.evidence import average_images
from attributionlab.papers.measuring import MeasuredScores, measure_plan, plan_study
from attributionlab.papers.studies import Cell, ReportTable, StudyReport, StudySetting
from attributionlab.papers.zhang2024.lime import LIME_OF_CAPTUM
from attributionlab.papers.zhang2024.own_maps import compare_noise
from attributionlab.papers.zhang2024.published import published
from attributionlab.papers.zhang2024.sam import NO_SAM, check_weights, sam_options
from attributionlab.runs import load_records

KEY = "appendix-k"
FREE = ("quickshift", "felzenszwalb", "slic", "grid", "oracle")
"""Priors that need no weights."""

BASELINES = {"LIME": "black", "LIME*": "true"}
"""Colors of hidden segments, which the paper does not give; the star is that of IG* and Occlusion*."""

VARIANTS: dict[str, dict[str, object]] = {
    **{name: {"baseline": baseline, **LIME_OF_CAPTUM} for name, baseline in BASELINES.items()},
    "LIME of its package": {},
}
"""Options of LIME: captum's regression by color, and the defaults, which are those of the package `lime`."""

READINGS = {
    **{name: f"{baseline} baseline" for name, baseline in BASELINES.items()},
    "LIME of its package": "the package's choices",
}
"""Words for the variants in findings."""

NAMES = tuple(f"{name} ({prior})" for prior in (*FREE, "sam") for name in VARIANTS)
TRUTHS = ("positive", "overall")


def measure_priors(setting: StudySetting) -> MeasuredScores:
    """LIME with every available prior; with SAM in a folder of its own, because that is another plan."""
    return measure_plan(setting, *planned(setting))["default"]


def check_sam(setting: StudySetting) -> None:
    """Refuse weights that cannot be loaded, and a folder whose records came from other weights.

    Raises:
        BadOption: If the file does not hold the weights of this model, SAM is not installed, or the folder is refused.
        MachineError: If torchvision does not fit torch, or there is no such device.
    """
    folder, environments, methods = planned(setting)
    plan, path = plan_study(setting, folder, environments, methods, {}), setting.folder / folder
    if (path / "plan.json").exists():
        stored = load_records(path).plan
        if (stored.methods, stored.code) != (plan.methods, plan.code):
            expectation = f"be the file, unchanged, that {path} was measured with"
            raise bad_option("sam_checkpoint", expectation, setting.options["sam_checkpoint"], "use another folder")
    check_weights(setting)


def planned(setting: StudySetting) -> tuple[str, dict[str, str], dict[str, str]]:
    """Folder of the records, environments, and methods by name."""
    priors: dict[str, dict[str, object]] = {prior: {"segments": prior} for prior in FREE}
    if sam_options(setting):
        priors["sam"] = {"segments": "sam", **sam_options(setting)}
    methods = {
        f"{name} ({prior})": make_method("lime", **options, **choices).spec
        for prior, options in priors.items()
        for name, choices in VARIANTS.items()
    }
    environment = {"default": setting.preset.sized("multi-color-sum")}
    return f"{KEY}-sam" if "sam" in priors else KEY, environment, methods


def appendix_k(setting: StudySetting) -> StudyReport:
    """SAM against the two classical priors and against an oracle."""
    measured = measure_priors(setting)
    trained = compare_noise(setting)
    claims = (*(_better(measured, prior) for prior in published()[KEY]["worse"]), *trained.claims)
    title = "Appendix K: segmentation priors of LIME"
    return StudyReport(KEY, title, claims, (_table(measured), *trained.tables), NOTES, trained.figures)


NOTES = (
    (
        "`oracle` takes the scene's own patches as segments, as a perfect prior would. Half of a patch is background. So a map that is "
        "constant on each patch has an F1 of at most about 0.67."
    ),
    (
        "The paper does not say what hidden segments show. For LIME they are black, for LIME* they show the true background. Both are fitted by "
        "captum's Lasso, which gives most segments the value 0. LIME of its package is fitted by the authors' ridge regression, and its hidden "
        "segments show their own mean color."
    ),
)


def _table(measured: MeasuredScores) -> ReportTable:
    rows: list[tuple[Cell, ...]] = []
    for name in measured.methods:
        cells: list[Cell] = [name]
        for truth in TRUTHS:
            cells += measured.cells(name, f"{truth}.f1")
        rows.append(tuple(cells))
    columns = ("prior", *(f"{truth}{end}" for truth in TRUTHS for end in ("", ", low", ", high")))
    return ReportTable("Mean F1 of LIME, with 95 % intervals over images", columns, tuple(rows))


def _better(measured: MeasuredScores, prior: str) -> JudgedClaim:
    claim = PublishedClaim(
        key=f"{KEY}.sam-{prior.lower()}",
        source=published()[KEY]["source"],
        statement=f"LIME is more faithful with SAM than with {prior}",
        published="F1 above",
        test="the difference of F1 is above 0",
    )
    findings = [
        attempt(reading, _better_on, measured, prior.lower(), truth, name, reading)
        for truth, name in itertools.product(TRUTHS, READINGS)
        for reading in (f"{truth} truth, {READINGS[name]}",)
    ]
    return JudgedClaim(claim, tuple(findings))


def _better_on(measured: MeasuredScores, prior: str, truth: str, method: str, reading: str) -> Finding:
    name = f"{truth}.f1"
    worse = measured.scores(f"{method} ({prior})", name)
    if f"{method} (sam)" in measured.methods:
        difference = average_images(measured.scores(f"{method} (sam)", name) - worse)
        return judge_evidence(difference, lambda value: value > 0, reading=reading)
    gain = average_images(measured.scores(f"{method} (oracle)", name) - worse).value
    comparison = f"the oracle's F1 is {abs(gain):.2f} {'higher' if gain > 0 else 'lower'}"
    return unchecked(f"{NO_SAM}; {comparison}", reading=reading)
