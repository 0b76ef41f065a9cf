"""SAM as a segmentation prior: its real mask generator with a tiny random model, painting, and every way to call it wrongly."""

from __future__ import annotations

import builtins
import os
import sys

import numpy as np
import pytest
import torch
from sam_models import SIDE, tiny_sam
from torch import nn
from typer.testing import CliRunner

import attributionlab as al
from attributionlab.cli.app import app
from attributionlab.errors import BadOption, MachineError, MissingFile
from attributionlab.methods import sam
from attributionlab.methods.segments import SEGMENTERS, segment
from attributionlab.seeding import generator


def literal_paint(masks, height, width):
    """Pixel by pixel: the smallest mask over it, of equally large ones the later."""
    ids = np.zeros((height, width), dtype=np.int64)
    for row in range(height):
        for column in range(width):
            over = [(-int(mask.sum()), index) for index, mask in enumerate(masks) if mask[row, column]]
            ids[row, column] = 0 if not over else 1 + max(over)[1]
    return ids


def same_segments(first, second):
    pairs = np.unique(np.stack([first.ravel(), second.ravel()]), axis=1).shape[1]
    return pairs == len(np.unique(first)) == len(np.unique(second))


@pytest.mark.parametrize("seed", range(8))
def test_small_masks_lie_on_large_ones_and_what_none_covers_is_one_segment(seed):
    random = generator(seed, "masks")
    masks = [random.random((7, 9)) < part for part in (0.5, 0.2, 0.2, 0.7, 0.05)]
    masks += [np.roll(masks[1], 1, axis=0)]  # as large as another
    picture = np.zeros((7, 9, 3), dtype=np.uint8)
    painted = sam.paint(masks, picture)
    assert same_segments(painted, literal_paint(masks, 7, 9))
    bare = ~np.any(masks, axis=0)
    assert (painted[bare] == 0).all() and (painted[~bare] > 0).all()
    assert (sam.paint([], picture) == 0).all()


def test_the_real_mask_generator_segments_a_picture(checkpoint):
    batch = al.make_environment("multi-color-sum", size=SIDE).sample(1)
    segmenter = sam.sam_segmenter(checkpoint, "vit_b", torch.device("cpu"))
    mask = segment(batch.inputs[0], "sam", None, segmenter)
    assert mask.shape == (SIDE, SIDE) and mask.dtype == torch.int64
    assert mask.unique().tolist() == list(range(int(mask.max()) + 1))
    assert int(mask.max()) >= 1, "the random model gives masks"
    assert torch.equal(mask, segment(batch.inputs[0], "sam", None, segmenter))
    from segment_anything import SamAutomaticMaskGenerator

    picture = batch.inputs[0].permute(1, 2, 0).byte().numpy()
    found = SamAutomaticMaskGenerator(tiny_sam()).generate(picture)
    assert same_segments(mask.numpy(), literal_paint([one["segmentation"] for one in found], SIDE, SIDE))


@pytest.mark.wide
@pytest.mark.parametrize("name", ["lime", "kernel-shap"])
def test_surrogates_explain_with_it(checkpoint, name):
    environment = al.make_environment("multi-color-sum", size=SIDE)
    spec = f"{name}[n_samples=20,sam_checkpoint={checkpoint},sam_model=vit_b,segments=sam]"
    state = torch.random.get_rng_state()
    verdict = al.check(spec, environment, n_samples=2, rule="point")
    assert torch.equal(state, torch.random.get_rng_state())
    assert verdict.method == spec
    assert verdict.environments[0].error is None
    batch = environment.sample(1)
    maps = al.make_method(spec, environment)(environment.model, batch.inputs, batch.targets)[0]
    mask = segment(batch.inputs[0], "sam", None, sam.sam_segmenter(checkpoint, "vit_b", torch.device("cpu")))
    assert all(len(maps[mask == index].unique()) == 1 for index in mask.unique())


def test_the_weights_are_loaded_once_until_the_file_changes(checkpoint, monkeypatch):
    loads = []
    real = torch.load
    monkeypatch.setattr(torch, "load", lambda *args, **kwargs: loads.append(kwargs) or real(*args, **kwargs))
    state = torch.random.get_rng_state()
    for _ in range(3):
        sam.sam_segmenter(checkpoint, "vit_b", torch.device("cpu"))
    assert torch.equal(state, torch.random.get_rng_state())
    assert [load["weights_only"] for load in loads] == [True]
    weights = tiny_sam().state_dict()
    torch.save(weights, checkpoint)
    os.utime(checkpoint, ns=(1, 1))
    sam.sam_segmenter(checkpoint, "vit_b", torch.device("cpu"))
    assert len(loads) == 2


@pytest.mark.parametrize(
    ("spec", "error", "message"),
    [
        (
            "lime[segments=sam]",
            BadOption,
            "`sam_checkpoint` must name the file of SAM's weights.*--sam-checkpoint FILE",
        ),
        ("lime[segments=sam,sam_checkpoint=none.pth]", MissingFile, "`sam_checkpoint` must name a file that exists"),
        ("lime[sam_checkpoint=none.pth]", BadOption, "`sam_checkpoint` must be left out where segments=quickshift"),
        ("kernel-shap[sam_model=vit_b]", BadOption, "`sam_model` must be left out where segments=quickshift"),
        ("lime[segments=sam,sam_model=vit_x]", BadOption, "`sam_model` must be vit_h or vit_l or vit_b, got 'vit_x'"),
    ],
)
def test_options_that_do_not_go_together_are_named(spec, error, message):
    with pytest.raises(error, match=message):
        al.make_method(spec)


def test_a_file_that_holds_something_else_is_named(checkpoint, tmp_path):
    wrong = [tmp_path / "text.pth", tmp_path / "other.pth", tmp_path / "list.pth"]
    wrong[0].write_text("no weights")
    torch.save(nn.Linear(2, 2).state_dict(), wrong[1])
    torch.save([1, 2], wrong[2])
    for path in wrong:
        with pytest.raises(BadOption, match=f"`sam_checkpoint` must hold the weights of sam_model=vit_b.*{path.name}"):
            sam.sam_segmenter(str(path), "vit_b", torch.device("cpu"))


def test_a_pickle_runs_nothing(checkpoint, tmp_path):
    class Trap:
        def __reduce__(self):
            return (builtins.exec, (f"open({str(tmp_path / 'sprung')!r}, 'w').close()",))

    torch.save(Trap(), tmp_path / "trap.pth")
    with pytest.raises(BadOption, match="`sam_checkpoint` must hold the weights"):
        sam.sam_segmenter(str(tmp_path / "trap.pth"), "vit_b", torch.device("cpu"))
    assert not (tmp_path / "sprung").exists()


def test_a_missing_extra_says_what_to_install(checkpoint, monkeypatch):
    monkeypatch.setitem(sys.modules, "segment_anything", None)
    with pytest.raises(BadOption, match=r'segment_anything is not installed.*pip install "attributionlab\[sam\]"'):
        sam.sam_segmenter(checkpoint, "vit_b", torch.device("cpu"))


def test_a_torchvision_that_does_not_fit_torch_is_named(checkpoint, monkeypatch):
    def broken(name):
        raise RuntimeError("operator torchvision::nms does not exist")

    monkeypatch.setattr(sam.importlib, "import_module", broken)
    with pytest.raises(MachineError, match=r"fits torch .*operator torchvision::nms does not exist"):
        sam.sam_segmenter(checkpoint, "vit_b", torch.device("cpu"))


@pytest.mark.parametrize(
    "wrong",
    [np.zeros((3, 4), dtype=np.int64), np.full((16, 16), -1), np.zeros((16, 16)), np.zeros((16, 16, 1), dtype=int)],
)
def test_segments_that_do_not_cover_the_image_are_refused(monkeypatch, wrong):
    monkeypatch.setitem(SEGMENTERS.entries, "grid", lambda _: wrong)
    with pytest.raises(BadOption, match=r"`segments` must cover the image \(16, 16\) with integers from 0 on"):
        segment(torch.zeros(3, 16, 16), "grid", None)


def run(*arguments):
    return CliRunner().invoke(
        app, ["check", *arguments, "--size", str(SIDE), "--n-samples", "1", "--rule", "point", "--format", "json"]
    )


def test_the_command_line_takes_the_file_beside_the_spec(checkpoint):
    result = run("lime[segments=sam,n_samples=10]", "--sam-checkpoint", checkpoint, "--sam-model", "vit_b")
    assert result.exit_code in (0, 1), result.stderr
    assert f"sam_checkpoint={checkpoint},sam_model=vit_b,segments=sam" in result.stdout
    for arguments, message in (
        (["gradient", "--sam-checkpoint", checkpoint], "`sam_checkpoint` must go with a method that has segments=sam"),
        (["lime[segments=sam]"], "--sam-checkpoint FILE"),
        (["lime[segments=sam]", "--sam-checkpoint", "none.pth"], "`sam_checkpoint` must name a file that exists"),
        (["lime[segments=sam]", "--sam-checkpoint", checkpoint, "--sam-model", "b"], "`sam_model` must be vit_h or"),
    ):
        refused = run(*arguments)
        assert refused.exit_code == 2
        assert message in refused.stderr
        assert refused.stderr.count("\n") == 1
