"""Figures: what is in them, and that files appear whole or not at all."""

import errno
from functools import cache

import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from wide import first_of

from attributionlab.environments import make_environment
from attributionlab.errors import BadOption, MachineError
from attributionlab.reports.answers import answers_of
from attributionlab.reports.figures.maps import attribution_figure
from attributionlab.reports.figures.pictures import picture
from attributionlab.reports.figures.saving import check_path, save_figure

pytestmark = pytest.mark.usefixtures("layout")

MAGIC = {".png": b"\x89PNG\r\n\x1a\n", ".svg": b"<?xml", ".pdf": b"%PDF-"}


@cache
def batch_of(spec="multi-color-sum[size=16]", n=2):
    return make_environment(spec).sample(n)


def maps_of(scale=1.0):
    return batch_of().ground_truth.signed.float() * scale


def panels(figure, n):
    """Axes of the panels, by row; the color bar comes last."""
    return np.array(figure.axes[:-1]).reshape(-1, n)


@pytest.mark.parametrize("n_maps", [0, 1, 3])
def test_a_figure_has_a_row_per_image_and_a_column_per_method_beside_image_and_truth(n_maps):
    figure = attribution_figure(batch_of(), {f"map {index}": maps_of() for index in range(n_maps)})
    assert len(figure.axes) == 2 * (2 + n_maps) + 1
    titles = [axis.get_title() for axis in panels(figure, 2 + n_maps)[0]]
    assert titles == ["image", "ground truth", *(f"map {index}" for index in range(n_maps))]


def test_every_map_has_the_same_limits_around_zero():
    figure = attribution_figure(batch_of(), {"large": maps_of(1e6), "small": maps_of(1e-6)})
    for axis in panels(figure, 4)[:, 1:].flat:
        (image,) = axis.get_images()
        assert image.get_clim() == (-1, 1)
        assert image.get_cmap().name == "signed"
        assert image.get_array().min() >= -1
        assert image.get_array().max() <= 1


def test_zero_is_white():
    figure = attribution_figure(batch_of(), {"zero": maps_of(0)})
    (image,) = panels(figure, 3)[0, 2].get_images()
    assert image.to_rgba(np.zeros((1, 1)))[0, 0].tolist() == pytest.approx([1, 1, 1, 1], abs=0.02)


def test_maps_are_scaled_by_their_largest_magnitude_and_its_value_is_stated():
    maps = torch.zeros(2, 16, 16)
    maps[:, 0, 0], maps[:, 0, 1], maps[:, 1, 1] = 4.0, 2.0, -8.0
    panel = panels(attribution_figure(batch_of(), {"mine": maps}, captions={}), 3)[0, 2]
    assert panel.get_images()[0].get_array()[:2, :2].tolist() == [[0.5, 0.25], [0.0, -1.0]]
    assert panel.get_xlabel() == "-8 to +4"


def test_the_truth_stands_beside_the_image():
    figure = attribution_figure(batch_of(), {})
    for row, (image, truth) in enumerate(panels(figure, 2)):
        assert np.array_equal(image.get_images()[0].get_array(), picture(batch_of().inputs[row]))
        assert np.array_equal(truth.get_images()[0].get_array(), batch_of().ground_truth.signed[row].numpy())


@pytest.mark.parametrize(("n", "spec"), [(1, "multi-color-sum[size=16]"), (2, "single-color-sum[height=16,width=20]")])
def test_any_environment_can_be_drawn(n, spec):
    batch = batch_of(spec, n)
    figure = attribution_figure(batch, {"truth": batch.ground_truth.signed.float()}, title=spec)
    assert len(figure.axes) == 3 * n + 1
    assert figure.get_suptitle() == spec


def test_maps_are_captioned_with_their_overall_f1():
    figure = attribution_figure(batch_of(), {"truth": maps_of(), "zero": maps_of(0)})
    labels = [axis.get_xlabel() for axis in panels(figure, 4)[0, 2:]]
    assert labels == ["overall F1 1.00\n-1 to +1", "overall F1 0.00\n0 everywhere"]


@pytest.mark.parametrize(
    ("truth", "caption"),
    [("positive", "positive F1 1.00"), ("negative", "negative: does not apply")],
)
def test_maps_are_captioned_with_the_truth_that_fits(truth, caption):
    batch = batch_of("multi-color-sum[output=logit,size=16]")
    maps = {"truth": batch.ground_truth.signed.float()}
    figure = attribution_figure(batch, maps, captions={"truth": truth})
    assert [axis.get_xlabel() for axis in panels(figure, 3)[:, 2]] == [f"{caption}\n0 to +1"] * 2


def test_maps_without_a_caption_are_not_scored():
    figure = attribution_figure(batch_of(), {"truth": maps_of()}, captions={})
    assert [axis.get_xlabel() for axis in panels(figure, 3)[:, 2]] == ["-1 to +1"] * 2


def test_pictures_name_the_answer_and_the_effects_of_pixels():
    environment, batch = make_environment("multi-color-sum[size=16]"), batch_of()
    answers = answers_of(environment, batch, 5)
    figure = attribution_figure(batch, {}, answers=answers)
    image, truth = panels(figure, 2)[0]
    assert " ".join(image.get_xlabel().split()) == " ".join(answers[0].lines)
    assert "image 5" in image.get_xlabel()
    raising, lowering = (
        int(mask[0].sum()) for mask in (batch.ground_truth.positive_mask, batch.ground_truth.negative_mask)
    )
    assert (
        truth.get_xlabel() == f"+ {raising} pixels raise the output\n\N{MINUS SIGN} {lowering} pixels lower the output"
    )


def test_signs_stand_on_the_patches_of_the_truth():
    axis = panels(attribution_figure(batch_of(), {}), 2)[0, 1]
    signed, ids = (getattr(batch_of().ground_truth, name)[0] for name in ("signed", "patch_ids"))
    signs = [int(signed[(ids == patch) & (signed != 0)][0]) for patch in range(1, int(ids.max()) + 1)]
    assert [text.get_text() for text in axis.texts] == ["+" if sign > 0 else "\N{MINUS SIGN}" for sign in signs]
    assert set(signs) == {1, -1}


def test_values_are_stated_relative_to_the_output_and_negligible_maps_are_faint():
    batch = batch_of()
    answers = answers_of(make_environment("multi-color-sum[size=16]"), batch)
    maps = {"usual": maps_of(answers[0].output / 2), "tiny": maps_of(1e-8)}
    figure = attribution_figure(batch, maps, captions={}, answers=answers)
    usual, tiny = panels(figure, 4)[0, 2:]
    assert usual.get_xlabel() == "-0.5 to +0.5"
    assert tiny.get_xlabel().endswith("(faint)")
    assert usual.get_images()[0].get_alpha() == 1.0
    assert tiny.get_images()[0].get_alpha() == 0.25
    notes = " ".join(figure.get_supxlabel().split())
    assert "divided by the explained output" in notes
    assert "Faint:" in notes


def test_color_bars_have_numbers_and_magnitudes_have_their_own():
    maps = {"signed": maps_of(), "magnitude": maps_of().abs()}
    figure = attribution_figure(batch_of(), maps, captions={"signed": "signed", "magnitude": "overall"})
    ticks = [[label.get_text() for label in axis.get_xticklabels()] for axis in figure.axes[-2:]]
    assert [bar[0] for bar in ticks] == ["-1\nlowers the output", "0"]
    assert [bar[-1] for bar in ticks] == ["1\nraises the output", "1\naffects the output"]
    magnitude = np.array(figure.axes[:-2]).reshape(-1, 4)[0, 3].get_images()[0]
    assert (magnitude.get_cmap().name, magnitude.get_clim()) == ("magnitude", (0, 1))


def test_headings_stand_above_the_maps_of_their_group():
    headings = {"a1": ("network a", "method"), "a2": ("network a", "other"), "b1": ("network b", "method")}
    figure = attribution_figure(batch_of(), dict.fromkeys(headings, maps_of()), headings=headings)
    above = [axis for axis in figure.axes if not axis.get_images() and axis.texts]
    assert [axis.texts[0].get_text() for axis in above] == ["network a", "network b"]
    spans = [axis.get_subplotspec().colspan for axis in above]
    assert [(span.start, span.stop) for span in spans] == [(2, 4), (4, 5)]
    titles = [axis.get_title() for axis in figure.axes if axis.get_title()]
    assert titles == ["image", "ground truth", "method", "other", "method"]


def test_a_text_instead_of_maps_is_shown():
    figure = attribution_figure(batch_of(), {"mine": "it raised ValueError"})
    axis = panels(figure, 3)[0, 2]
    assert axis.get_images() == []
    assert "it raised" in axis.texts[0].get_text()


@pytest.mark.wide
def test_a_long_text_does_not_leave_its_panel():
    figure = attribution_figure(batch_of(), {"mine": "it raised ValueError " * 100})
    renderer = figure.canvas.get_renderer()
    figure.draw(renderer)
    axis = panels(figure, 3)[0, 2]
    text, panel = axis.texts[0].get_window_extent(renderer), axis.get_window_extent(renderer)
    assert text.height < panel.height
    assert text.width < panel.width


@pytest.mark.parametrize(
    "name",
    first_of(["a$b$c{", "$\\frac$", "x^2_{1}", "integrated-gradients[baseline=true,n_steps=50]", "a_b$c", "100 %"], 3),
)
def test_odd_names_can_be_drawn(tmp_path, name):
    figure = attribution_figure(batch_of(), {name: maps_of(), f"{name} 2": name}, title=name)
    save_figure(figure, tmp_path / "figure.png")
    shown = panels(figure, 4)[0, 2].get_title().replace("\n", "").replace(" ", "").replace("\\$", "$")
    assert shown == name.replace(" ", "")


def test_a_color_image_is_shown_as_it_is():
    image = torch.tensor([[[0.0, 255.0]], [[20.0, 3.0]], [[7.0, 9.0]]])
    assert picture(image).tolist() == [[[0, 20, 7], [255, 3, 9]]]
    assert picture(image).dtype == np.uint8


def test_a_gray_image_of_zeros_and_ones_is_shown_black_and_white():
    assert picture(torch.tensor([[[0.0, 1.0]]])).tolist() == [[[0, 0, 0], [255, 255, 255]]]


@pytest.mark.parametrize(
    ("values", "levels"), [([0.0, 128.0, 255.0], [0, 128, 255]), ([1.0, 3.0], [1, 3]), ([0.0, 510.0], [0, 255])]
)
def test_a_gray_image_of_values_above_one_keeps_its_levels(values, levels):
    assert picture(torch.tensor([[values]]))[0, :, 0].tolist() == levels


def small_figure():
    figure = Figure(figsize=(1, 1))
    figure.subplots().plot([1, 2])
    return figure


@pytest.mark.wide
@pytest.mark.parametrize("ending", [".png", ".svg", ".pdf", ".PNG"])
def test_figures_are_written_in_the_format_of_their_ending(tmp_path, ending):
    path = tmp_path / f"figure{ending}"
    save_figure(small_figure(), path)
    assert path.read_bytes().startswith(MAGIC[ending.lower()])
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]
    assert path.stat().st_mode & 0o777 == 0o644


@pytest.mark.wide
@pytest.mark.parametrize("ending", first_of([".svg", ".png", ".pdf"]))
def test_the_same_figure_is_the_same_file(tmp_path, ending):
    first, second = tmp_path / f"a{ending}", tmp_path / f"b{ending}"
    for path in (first, second):
        save_figure(attribution_figure(batch_of(), {"truth": maps_of()}, title="twice"), path)
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("ending", [".png", ".svg", ".pdf"])
def test_a_figure_has_no_date(tmp_path, ending):
    save_figure(small_figure(), tmp_path / f"figure{ending}")
    assert b"date" not in (tmp_path / f"figure{ending}").read_bytes().lower()


EARLIER = b"Software\0attributionlab"
"""The mark by which an earlier figure of ours is known."""


def test_an_earlier_figure_is_replaced(tmp_path):
    path = tmp_path / "figure.png"
    path.write_bytes(EARLIER)
    save_figure(small_figure(), path)
    assert path.read_bytes().startswith(MAGIC[".png"])


@pytest.mark.parametrize("name", ["figure.jpg", "figure", ".png", "figure.png.txt"])
def test_another_ending_is_refused(tmp_path, name):
    for function in (check_path, lambda path: save_figure(small_figure(), path)):
        with pytest.raises(BadOption, match=r"^`output` must end in \.png or \.svg or \.pdf, got "):
            function(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_made_with_the_figure(tmp_path):
    path = tmp_path / "nowhere" / "yet" / "figure.png"
    check_path(path)
    assert list(tmp_path.iterdir()) == []
    save_figure(small_figure(), path)
    assert [entry.name for entry in path.parent.iterdir()] == ["figure.png"]


def test_a_path_below_a_file_is_refused(tmp_path):
    (tmp_path / "file").touch()
    for function in (check_path, lambda path: save_figure(small_figure(), path)):
        with pytest.raises(BadOption, match=r"^`output` must lie in a folder, got .*file is a file$"):
            function(tmp_path / "file" / "figure.png")


def test_a_full_disk_leaves_the_earlier_figure_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "figure.png"
    path.write_bytes(EARLIER)

    def full(self, target, **options):
        target.write(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Figure, "savefig", full)
    with pytest.raises(
        MachineError, match=r"^`output` must be writable, got '.*figure\.png'; No space left on device$"
    ):
        save_figure(small_figure(), path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["figure.png"]
    assert path.read_bytes() == EARLIER


def test_a_figure_cannot_replace_a_folder(tmp_path):
    (tmp_path / "figure.png").mkdir()
    with pytest.raises(BadOption, match=r"^`output` must be a file, or nothing yet"):
        save_figure(small_figure(), tmp_path / "figure.png")
    assert [entry.name for entry in tmp_path.iterdir()] == ["figure.png"]


def test_an_error_that_is_not_the_disks_leaves_nothing_half_written(tmp_path, monkeypatch):
    def broken(self, target, **options):
        raise ValueError("a bad label")

    monkeypatch.setattr(Figure, "savefig", broken)
    with pytest.raises(ValueError, match="a bad label"):
        save_figure(small_figure(), tmp_path / "figure.png")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.wide
def test_many_methods_go_into_bands_below_each_other():
    batch = make_environment("single-color-sum", size=16).sample(2)
    maps = {f"method {index}": torch.ones(2, 16, 16) for index in range(11)}
    figure = attribution_figure(batch, maps)
    titles = [axis.get_title() for axis in figure.axes if axis.get_title()]
    assert titles == ["image", "ground truth", *list(maps)[:6], "image", "ground truth", *list(maps)[6:]]
    drawn = [axis for axis in figure.axes if axis.get_images()]
    assert len(drawn) == 2 * (2 + 8) + 2 * (2 + 3)
