"""Figures of the paper from stored runs: the panels show the recorded numbers, and what is missing is named.

The runs are invented, so that nothing is measured here: each score, curve and map is a number of its own.
"""

import json
import warnings
import zlib

import numpy as np
import pytest
import torch
from matplotlib.collections import LineCollection, PathCollection
from typer.testing import CliRunner

from attributionlab.cli.app import app
from attributionlab.environments import TrainedNetwork
from attributionlab.errors import bad_option
from attributionlab.methods import make_method
from attributionlab.papers.measuring import plan_study
from attributionlab.papers.presets import Preset
from attributionlab.papers.stored import maps_plan
from attributionlab.papers.studies import StudySetting
from attributionlab.papers.zhang2024 import modulo, priors, unseen_data
from attributionlab.papers.zhang2024.figures import panels, photographs, real, runs
from attributionlab.papers.zhang2024.figures.catalog import FIGURES
from attributionlab.papers.zhang2024.own_networks import OwnMaps
from attributionlab.reports.figures.pictures import relative
from attributionlab.runs.records import RECORDS_FILE, Record
from attributionlab.runs.store import Journal, RunFolder
from attributionlab.specs.rules import import_object

SIZE, N_IMAGES, N_NETWORKS = 16, 2, 2
PRESET = Preset("quick", SIZE, N_IMAGES, N_NETWORKS, details={"sensitivity_orders": 2})
TRUTHS = ("overall", "positive", "negative", "positive-smooth")
AT = np.linspace(0, 1, 5)
KINDS = {
    "convolutions": {"edge": [1, 1, 1], "center": [1, 0.5, 0.5]},
    "pixels": {"edge": [0.5, 0.5, 0.5], "center": [1, 0.5, 0.5]},
}


def number(*names):
    """An invented number in 0..0.9 that belongs to these names."""
    return zlib.crc32(repr(names).encode()) % 9000 / 10000


def score_of(job, name):
    """The invented score of the first image; the next one is 0.05 higher."""
    return number(job.environment, job.method, job.measure, name)


def record_of(job, plan):
    values = {
        f"{truth}.{part}": [score_of(job, (truth, part)) + 0.05 * image for image in range(N_IMAGES)]
        for truth in TRUTHS
        for part in ("precision", "recall", "f1")
    }
    if job.measure == "agreement":
        return Record(job, scores=values, n_maps=plan.save_maps)
    curve = score_of(job, "curve") + 0.1 * AT
    curves = {"at": AT.tolist(), "values": [curve.tolist(), (curve + 0.02).tolist()]}
    return Record(job, scores={"score": [score_of(job, "score")] * N_IMAGES}, curves=curves, quantity="correlation")


def invent(plan, folder, side=SIZE):
    with RunFolder.opened(folder, plan), Journal(folder / RECORDS_FILE) as journal:
        opened = RunFolder(folder, plan)
        for unit in plan.units():
            for job in unit.jobs:
                if unit.n_maps:
                    generator = np.random.default_rng(zlib.crc32(job.method.encode()))
                    opened.write_maps(job.key, generator.normal(size=(unit.n_maps, side, side)).astype(np.float32))
                journal.append(record_of(job, plan))


@pytest.fixture(scope="module")
def setting(tmp_path_factory):
    """A reproduction whose runs are invented."""
    stored = StudySetting(tmp_path_factory.mktemp("stored"), PRESET, device="cpu", options={"vgg16": "mine.py:net"})
    colored = PRESET.sized("multi-color-sum")
    orders = unseen_data.perturbation_metrics(stored)
    for name, options in unseen_data.ENVIRONMENTS.items():
        environment = {name: PRESET.sized("multi-color-sum", **options)}
        folder = unseen_data.folder_of(name)
        invent(plan_study(stored, folder, environment, unseen_data.METHODS, orders), stored.folder / folder)
    gray = {"modulo": PRESET.sized("single-color-modulo")}
    plan = plan_study(stored, modulo.FOLDER, gray, modulo.METHODS, modulo.metrics_of(stored))
    invent(plan, stored.folder / modulo.FOLDER)
    folder, environments, methods = priors.planned(stored)
    invent(plan_study(stored, folder, environments, methods, {}), stored.folder / folder)
    for name, environment, shown in (
        ("multi-color-sum", colored, unseen_data.METHODS),
        ("single-color-modulo", gray["modulo"], modulo.METHODS),
        (folder, colored, methods),
    ):
        invent(*maps_plan(stored, f"{runs.MAPS}/{name}", environment, shown, runs.N_SHOWN))
    (stored.folder / "preset.json").write_text(json.dumps({"paper": "zhang2024", **PRESET.to_dict()}))
    claims = [
        {"id": f"figure3.{half}", "findings": [finding(kind, values[half]) for kind, values in KINDS.items()]}
        for half in ("edge", "center")
    ]
    report = {"studies": [{"study": "figure3", "claims": claims}]}
    (stored.folder / "reproduction.json").write_text(json.dumps(report))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(photographs, "load_network", lambda *_: (TrainedNetwork, None))
        patch.setattr(photographs, "explain_images", lambda *_, **__: own_maps())
        yield stored


def finding(kind, accuracies):
    return {"setting": kind, "ours": {"by_seed": accuracies}}


def own_maps():
    generator = torch.Generator().manual_seed(0)
    fine = ("DeepSHAP", "LIME (quickshift)", "LIME (felzenszwalb)")
    fine += tuple(f"{name}, {color}" for name in ("IG", "Occlusion") for color in ("black", "1,2,3"))
    maps = {name: torch.randn(2, SIZE, SIZE, generator=generator) for name in (*fine, "GradCAM", "ExPerturb", "IBA")}
    images = (255 * torch.rand(2, 3, SIZE, SIZE, generator=generator)).round()
    coarse = {name: maps.pop(name) for name in ("GradCAM", "ExPerturb", "IBA")}
    return OwnMaps("mine.py:net", images, torch.tensor([3, 4]), maps, (1, 2, 3), coarse)


@pytest.fixture(scope="module")
def drawn(setting):
    """Every figure, by its number."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return {figure.number: import_object(figure.draw)(setting) for figure in FIGURES}


def axes_of(drawn, title):
    return next(axis for axis in drawn.figure.axes if axis.get_title() == title)


def marks(axis):
    """Heights of the bars of violins."""
    lines = [each for each in axis.collections if isinstance(each, LineCollection)]
    return {round(float(y), 6) for line in lines for segment in line.get_segments() for y in segment[:, 1]}


def pooled(spec, environment, truth, part):
    networks = [environment, environment.replace("[", "[network_seed=1,")]
    return [
        number(network, make_method(spec).spec, "agreement", (truth, part)) + 0.05 * image
        for network in networks
        for image in range(N_IMAGES)
    ]


@pytest.mark.parametrize(
    ("figure", "title", "environment", "spec", "scored"),
    [
        (17, "recall", "single-color-modulo[size=16]", modulo.METHODS["LRP"], ("overall", "recall")),
        (23, "precision", "multi-color-sum[size=16]", unseen_data.METHODS["IBA"], ("overall", "precision")),
        (7, "F1", "multi-color-sum[size=16]", unseen_data.METHODS["IG*"], ("overall", "f1")),
        (8, "recall", "multi-color-sum[size=16]", unseen_data.METHODS["GradCAM"], ("positive-smooth", "recall")),
    ],
)
def test_violins_show_the_recorded_scores_of_all_networks(drawn, figure, title, environment, spec, scored):
    scores = pooled(spec, environment, *scored)
    expected = {round(value, 6) for value in (max(scores), float(np.mean(scores)), min(scores))}
    assert expected <= marks(axes_of(drawn[figure], title))


@pytest.mark.parametrize(("figure", "method"), [(18, "LRP"), (20, "DeepSHAP"), (9, "LIME")])
def test_curves_show_the_mean_over_images_and_networks(drawn, figure, method):
    environment, specs = (
        ("single-color-modulo[size=16]", modulo.METHODS)
        if figure == 18
        else (
            "multi-color-sum[size=16]",
            unseen_data.METHODS,
        )
    )
    column = {9: "insertion", 18: "sensitivity-n[measure=correct-steps,n_orders=2]", 20: "sensitivity-n[n_orders=2]"}
    networks = [environment, environment.replace("[", "[network_seed=1,")]
    spec = make_method(specs[method]).spec
    starts = [number(network, spec, column[figure], "curve") for network in networks]
    expected = np.mean(starts) + 0.1 * AT + 0.01
    axis = next(axis for axis in drawn[figure].figure.axes if axis.lines)
    np.testing.assert_allclose(
        [line.get_ydata() for line in axis.lines if np.allclose(line.get_ydata(), expected)], [expected]
    )


@pytest.mark.parametrize("figure", [2, 7, 16, 19, 24])
def test_galleries_show_the_stored_maps(setting, drawn, figure):
    shown = {16: runs.modulo_maps, 24: runs.prior_maps}.get(figure, runs.multi_color_maps)(setting)
    name = {16: "LRP", 24: "LIME (oracle)"}.get(figure, "IG*")
    expected = relative(shown.maps[name][0]).numpy()
    pictures = [image.get_array() for axis in drawn[figure].figure.axes for image in axis.images]
    assert any(np.array_equal(expected, values) for values in pictures)
    assert any(np.array_equal(shown.batch.ground_truth.signed[0].numpy(), values) for values in pictures)


@pytest.mark.parametrize(
    ("figure", "name"), [(5, "DeepSHAP"), (6, "LIME (quickshift)"), (7, "IG, 1,2,3"), (25, "LIME (felzenszwalb)")]
)
def test_maps_on_a_real_network_end_at_their_99th_percentile(drawn, figure, name):
    expected = panels.bright(own_maps().maps[name][1]).numpy()
    pictures = [image.get_array() for axis in drawn[figure].figure.axes for image in axis.images]
    assert any(np.array_equal(expected, values) for values in pictures)
    assert "mine.py:net" in (
        drawn[25].shows
        if figure == 25
        else "".join(text.get_text() for axis in drawn[figure].figure.axes for text in axis.texts)
    )


def test_one_pixel_that_outshines_all_does_not_hide_the_others():
    values = torch.arange(-200.0, 200.0).view(20, 20)
    values[0, 0] = 1e6
    shown = panels.bright(values)
    assert shown[0, 0] == 1
    assert shown.abs().flatten().kthvalue(200).values > 0.4
    assert torch.equal(panels.bright(torch.zeros(2, 2)), torch.zeros(2, 2).double())


def test_boundaries_stand_between_pixels_of_two_segments():
    assert panels.boundaries(torch.tensor([[0, 1], [0, 1]])) == [((0.5, -0.5), (0.5, 0.5)), ((0.5, 0.5), (0.5, 1.5))]


def test_figure_3_counts_the_networks_of_the_stored_report(drawn):
    axis = next(
        axis for axis in drawn[3].figure.axes if any(isinstance(each, PathCollection) for each in axis.collections)
    )
    points = [tuple(map(float, point)) for each in axis.collections for point in each.get_offsets()]
    assert sorted(x for x, _ in points) == [0.5, 0.5, 0.5, 1, 1, 1]
    assert "Of 6 networks of 2 kinds, 2 are right on the edge and guess in the center" in drawn[3].shows
    assert "1 the other way round, 1 are right on both, and 2 guess on both" in drawn[3].shows


def test_captions_hold_the_measured_means(drawn):
    scores = pooled(unseen_data.METHODS["IG*"], "multi-color-sum[size=16]", "overall", "precision")
    assert f"IG* {np.mean(scores):.2f}" in drawn[7].shows
    assert drawn[9].shows.count("areas") == 3


@pytest.fixture
def figures(setting):
    def run(*words, folder=setting.folder):
        return CliRunner().invoke(app, ["reproduce", *map(str, words), "-o", str(folder)])

    return run


def test_one_command_writes_pictures_and_pages(setting, figures):
    result = figures("--figures", "17", "24")
    assert result.exit_code == 0, result.stderr
    names = ["figure17.png", "figure24.png", "figures.md", "figures.html"]
    assert [line.rsplit("/", 1)[1] for line in result.stdout.splitlines()] == names
    written = {name: (setting.folder / "figures" / name).read_bytes() for name in names}
    assert all(written[name].startswith(b"\x89PNG") for name in names[:2])
    page = written["figures.md"].decode()
    assert (
        "The paper (appendix F.3.2): \N{LEFT DOUBLE QUOTATION MARK}LRP, DeepSHAP, and IG (equivalent to IG\\* in"
        in page
    )
    assert "16x16 pixels, 2 images, 2 networks; the paper has 224x224" in page
    assert written["figures.html"].decode().count("data:image/png;base64,") == 2
    assert figures("--figures", "17").exit_code == 0
    assert (setting.folder / "figures" / names[0]).read_bytes() == written[names[0]]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["--figures", "4"],
            "`figures` must be of 2, 3, 5, 6, 7, 8, 9, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25 or all, got '4'",
        ),
        (["--figures", "2", "99"], "got '99'"),
        (["--figures", ""], "or all, got ''"),
        (["zhou2022", "--figures", "2"], "`figures` must be left out for zhou2022, whose figures are not drawn"),
        (["zhang2042", "--figures", "2"], "`paper` must be a known name, got 'zhang2042'; did you mean zhang2024?"),
        (["--figures", "2", "--size", "64"], "`size` must be left out with --figures, which shows stored runs, got 64"),
        (["--figures", "2", "--vgg17", "x"], "did you mean --vgg16?"),
    ],
)
def test_a_wrong_call_gets_one_line(figures, words, message):
    result = figures(*words)
    assert result.exit_code == 2
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_what_is_not_measured_is_named_with_the_command_that_measures_it(setting, figures, tmp_path):
    nothing = figures("--figures", "2", folder=tmp_path)
    assert (nothing.exit_code, "`attributionlab reproduce zhang2024 -o" in nothing.stderr) == (2, True)
    (tmp_path / "preset.json").write_bytes((setting.folder / "preset.json").read_bytes())
    for figure, study in (("5", "section4"), ("9", "table5"), ("17", "table3"), ("6", "appendix-k"), ("3", "figure3")):
        missing = figures("--figures", figure, folder=tmp_path)
        assert (missing.exit_code, f"`attributionlab reproduce {study} -o" in missing.stderr) == (2, True), (
            missing.stderr
        )
    (tmp_path / "preset.json").write_text("{}")
    assert "hold a preset.json as `reproduce` writes it" in figures("--figures", "2", folder=tmp_path).stderr
    other = json.dumps({"paper": "zhou2022", **PRESET.to_dict()})
    (tmp_path / "preset.json").write_text(other)
    assert "they are of zhou2022" in figures("--figures", "2", folder=tmp_path).stderr


def test_without_the_extra_the_real_network_is_left_out_and_named(setting, figures, monkeypatch):
    def missing():
        raise bad_option("pretrained", "be installed", "nothing")

    monkeypatch.setattr(photographs, "pretrained", missing)
    bare = StudySetting(setting.folder, PRESET, device="cpu")
    assert "must be installed" in real.own_maps_or_reason(bare)
    result = figures("--figures", "17,25")
    assert result.exit_code == 2
    assert result.stderr == "left out: figure 25: `pretrained` must be installed, got 'nothing'\n"
    assert [line.rsplit("/", 1)[1] for line in result.stdout.splitlines()] == [
        "figure17.png",
        "figures.md",
        "figures.html",
    ]
    page = (setting.folder / "figures" / "figures.md").read_text()
    assert "Not drawn: `pretrained` must be" in page
    assert figures("--figures", "25").exit_code == 2
    assert (setting.folder / "figures" / "figures.md").read_text() == page, "a failure overwrites nothing"


def test_all_figures_of_a_folder_without_their_runs_are_a_failure_with_a_line_for_each(
    setting, figures, tmp_path, monkeypatch
):
    def missing():
        raise bad_option("pretrained", "be installed", "nothing")

    monkeypatch.setattr(photographs, "pretrained", missing)
    (tmp_path / "preset.json").write_bytes((setting.folder / "preset.json").read_bytes())
    result = figures("--figures", "all", folder=tmp_path)
    assert result.exit_code == 1
    assert [line.split(":")[0] for line in result.stderr.splitlines()] == ["left out"] * len(FIGURES)


def test_maps_on_a_real_network_are_computed_once(setting, drawn, monkeypatch):
    def again(*_, **__):
        raise AssertionError("computed again")

    monkeypatch.setattr(photographs, "explain_images", again)
    stored = real.own_maps(setting)
    assert torch.equal(stored.coarse["IBA"], own_maps().coarse["IBA"])
    assert torch.equal(stored.images, own_maps().images)
    assert (stored.color, stored.targets.tolist()) == ((1, 2, 3), [3, 4])
    assert drawn[8].shows


def test_every_figure_has_a_sentence_of_the_paper_and_a_function():
    assert [figure.number for figure in FIGURES] == [2, 3, *range(5, 10), *range(16, 26)]
    assert all(figure.statement and figure.source and callable(import_object(figure.draw)) for figure in FIGURES)
