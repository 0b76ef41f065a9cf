"""Attr% of methods on trained and designed networks: the four questions, tables, figures, failures."""

import csv
import io
import json
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import nn

from attributionlab.errors import BadOption, BelowBound
from attributionlab.exchange.attr_folder import write_attr_report
from attributionlab.methods import make_method
from attributionlab.modification import (
    attr_percent,
    builtin_pictures,
    flat_pictures,
    modify,
    reference_network,
    region_network,
    train,
)
from attributionlab.modification.attr_percent import amount_of_work
from attributionlab.modification.attr_study import KEPT
from attributionlab.modification.explaining import PictureBackground, bind
from attributionlab.modification.manipulation import StoredManipulation, Visibility
from attributionlab.modification.uninformative import Spot
from attributionlab.reports.tables.attr_percent import COLUMNS


@dataclass(frozen=True, kw_only=True)
class GraySpot(Spot):
    """A spot that is more or less visible."""

    name: ClassVar[str] = "gray-spot"
    visibility: ClassVar[Visibility | None] = Visibility("value", (200, 220, 255))


METHODS = [make_method(spec) for spec in ("gradient", "random", "expected-gradients[n_draws=4]")]


@pytest.fixture(scope="module")
def data():
    return modify(flat_pictures(40), GraySpot(), noninformative="border")


@pytest.fixture(scope="module")
def report(data):
    """All questions about the positive control, which needs no training."""
    done = []
    questions = ("correlation", "visibility", "accuracy")
    result = attr_percent(
        {"spots": data},
        METHODS,
        factory=lambda _k: region_network(data.region),
        questions=questions,
        n_per_class=4,
        n_epochs=0,
        progress=done.append,
    )
    assert 0 < sum(done) <= amount_of_work({"spots": data}, 3, questions, 4, 0)
    return result


def test_the_positive_control_has_attr_1_and_a_random_map_the_share_of_the_region(report, data):
    share = data.region.mean()
    for point in report.of("attributions"):
        assert point.region_share == share
        if point.method == "gradient":
            assert (point.attr.mean, point.relation) == (1.0, "above")
            assert point.attr.noninformative == 0.0
        if point.method == "random":
            assert point.attr.mean == pytest.approx(share, abs=0.02)  # 1,024 draws per map
            assert point.relation == "as"
    assert [point.is_manipulated for point in report.of("attributions")] == [False, True] * 3


def test_an_equally_accurate_network_with_a_reference_has_half(data):
    result = attr_percent({"spots": data}, METHODS[:1], factory=lambda _k: reference_network(data.region), n_epochs=0)
    assert result.networks[0].test.accuracy == 1.0
    assert [point.attr.mean for point in result.points] == [0.5, 0.5]


def test_every_level_and_every_r_has_a_network(report):
    assert [network.level for network in report.networks if network.question == "visibility"] == [200, 220, 255]
    assert [network.reassign for network in report.networks if network.question == "correlation"] == list(KEPT)
    assert {network.pair for network in report.networks if network.question == "correlation"} == {"similar"}
    by_r = {network.reassign: network for network in report.networks if network.question == "correlation"}
    assert by_r[1.0].test.bound == 1.0
    assert not by_r[1.0].test.beats_bound
    for r, network in by_r.items():
        assert network.original_accuracy == pytest.approx(
            r**2 + (1 - r) ** 2
        )  # predictions follow the manipulation alone
        assert network.bounds.manipulated == pytest.approx(1.5 - r)
        assert network.shares.manipulated >= network.bounds.manipulated - 1e-12  # rounding
    assert len(report.of("correlation")) == 6 * 3 * 2
    assert len(report.of("visibility")) == 3 * 3 * 2


@pytest.mark.wide
def test_the_way_of_the_training_is_explained_at_every_checkpoint():
    data = modify(flat_pictures(40, size=16), "spot")
    result = attr_percent({"spots": data}, METHODS[:2], questions=["accuracy"], n_per_class=3)
    epochs = [point.epoch for point in result.of("accuracy") if point.method == "gradient" and point.is_manipulated]
    assert epochs[0] == 0
    assert epochs == sorted(set(epochs))
    assert epochs[-1] == result.networks[0].n_epochs
    last = [point.attr for point in result.of("accuracy") if point.epoch == epochs[-1]]
    assert last == [point.attr for point in result.of("attributions")]


def test_the_report_is_json_csv_and_tables(report, data, tmp_path):
    stored = json.loads(json.dumps(report.to_dict(), allow_nan=False))
    assert stored["questions"] == ["attributions", "accuracy", "visibility", "correlation"]
    assert len(stored["points"]) == len(report.points)
    text = str(report)
    for words in ("section 5.1", "section 5.4", "no verdict", "r=0.9 similar", "no exact truth", "F_N"):
        assert words in " ".join(text.split())
    write_attr_report(report, tmp_path / "report")
    names = sorted(path.name for path in (tmp_path / "report").iterdir())
    assert names == [
        "attr-percent.csv",
        "attr-percent.json",
        "examples-1.png",
        "figure5-region.png",
        "figure6-accuracy.png",
        "figure7-visibility.png",
        "figure8-correlation.png",
    ]
    rows = list(csv.DictReader(io.StringIO((tmp_path / "report" / "attr-percent.csv").read_text())))
    assert tuple(rows[0]) == COLUMNS
    assert len(rows) == len(report.points)
    with pytest.raises(BadOption, match="must be a new or an empty folder"):
        write_attr_report(report, tmp_path / "report")
    assert len(data) == 80


def test_without_an_accuracy_above_p_star_there_is_no_verdict(data):
    with pytest.raises(
        BelowBound, match=r"`model` must beat p\* for a verdict, got spots: accuracy 0\..* does not beat p\* = 0.5"
    ) as caught:
        attr_percent({"spots": data}, METHODS[:1], factory=lambda _k: blind_network(), n_epochs=0)
    assert caught.value.exit_code == 4
    assert "\n" not in str(caught.value)


def blind_network():
    model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 2))
    return model.requires_grad_(True)


def test_of_two_data_sets_the_one_that_is_learned_has_points(data):
    other = modify(flat_pictures(40), GraySpot(top=20.0))
    result = attr_percent(
        {"a": data, "b": other}, METHODS[:1], factory=lambda _k: region_network(data.region), n_epochs=0
    )
    assert [network.test.beats_bound for network in result.networks] == [True, False]
    assert {point.network for point in result.points} == {0}


def broken(model, inputs, targets):
    raise ValueError("no idea")


def test_a_method_that_fails_does_not_stop_the_others(data):
    methods = [make_method(broken), make_method("gradcam"), make_method("lrp-epsilon"), METHODS[0]]
    done = []
    result = attr_percent(
        {"spots": data},
        methods,
        factory=lambda _k: region_network(data.region),
        n_per_class=2,
        n_epochs=0,
        progress=done.append,
    )
    assert sum(done) == 4 * 4
    assert {point.method for point in result.points} == {"gradient"} | ({"lrp-epsilon"} - result.failures.keys())
    assert "no idea" in next(failure.message for method, failure in result.failures.items() if "broken" in method)
    assert "`layer` must be" in result.failures["gradcam"].message
    assert "no idea" in str(result)


def test_methods_get_a_background_and_the_last_layer():
    data = modify(builtin_pictures(n_per_class=10, size=16), "noise")
    model, background = train(data, n_epochs=0).model, PictureBackground.of(data)
    assert bind(make_method("gradcam"), model, background).layer == "model.5"
    assert bind(make_method("gradcam[layer=model.4]"), model, background).layer == "model.4"
    assert bind(make_method(broken), model, background).spec.endswith("broken")
    assert background.sample(40).inputs.shape == (40, 3, 16, 16)
    inputs = torch.from_numpy(data.values[:2]).permute(0, 3, 1, 2).contiguous().float()
    for spec in (
        "integrated-gradients[baseline=true,n_steps=4]",
        "lime[n_samples=20]",
        "deepshap",
        "occlusion[baseline=true]",
    ):
        maps = bind(make_method(spec), model, background)(model, inputs, torch.tensor([0, 1]))
        assert maps.shape == (2, 16, 16)


def test_a_stored_manipulation_has_no_original_accuracy(data):
    stored = StoredManipulation(stored=data.region, address="mine.py:f")
    from dataclasses import replace

    kept = replace(data, manipulations=(data.manipulations[0], stored))
    result = attr_percent({"x": kept}, METHODS[:1], factory=lambda _k: region_network(data.region), n_epochs=0)
    assert result.networks[0].original_accuracy is None
    with pytest.raises(BadOption, match="correlation needs two classes and known manipulations, got 'x'"):
        attr_percent({"x": kept}, METHODS, questions=["correlation"])


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (({}, METHODS), {}, "`data` must be at least one"),
        (({"x": None}, METHODS), {}, "`data` must be modified pictures by name"),
        (([], METHODS), {}, "`data` must be a dictionary"),
        (("data", []), {}, "`methods` must be at least one"),
        (("data", METHODS), {"questions": ["accuracies"]}, "`questions` must be attributions, accuracy"),
        (("data", METHODS), {"n_per_class": 0}, "`n_per_class` must be at least 1"),
        (("data", METHODS), {"n_epochs": -1}, "`n_epochs` must be at least 0"),
        (("data", METHODS), {"device": "tpu"}, "`device` must be auto, cpu or cuda"),
        (("plain", METHODS), {"questions": ["visibility"]}, "its manipulation has no levels of visibility, got 'x'"),
    ],
)
def test_what_does_not_fit_is_refused(data, arguments, options, message):
    pictures, methods = arguments
    if pictures == "data":
        pictures = {"x": data}
    if pictures == "plain":
        pictures = {"x": modify(flat_pictures(5), "spot")}
    with pytest.raises(BadOption, match=message):
        attr_percent(pictures, methods, **options)


def test_a_region_that_decides_nothing_is_refused():
    with pytest.warns(UserWarning, match="is empty"):
        empty = modify(flat_pictures(5), "blank")
    with pytest.raises(BadOption, match="must have a region that is neither empty nor the whole picture"):
        attr_percent({"x": empty}, METHODS)
    assert not np.any(empty.region)
