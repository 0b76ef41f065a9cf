"""`attributionlab exact`: numbers, pictures, and one line for bad input."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from matplotlib.image import imread
from typer.testing import CliRunner

import attributionlab as al
from attributionlab.cli.app import app
from attributionlab.exchange.maps_file import read_maps


def run(*arguments):
    return CliRunner().invoke(app, ["exact", *map(str, arguments)])


def test_numbers_are_those_of_the_library_with_their_samples(tmp_path):
    path = tmp_path / "values.npz"
    result = run(
        "multi-color-sum", "--size", 16, "-n", 2, "--seed", 3, "--baseline", "black", "--n-orders", 4, "-o", path
    )
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == f"wrote {path}: ExactValues(shapley@black, 2x16x16, from 4 orders)\n"
    environment = al.make_environment("multi-color-sum", size=16, seed=3)
    batch = environment.sample(2)
    exact = al.exact_values(environment, batch, "shapley", "black", n_orders=4, seed=3)
    with np.load(path, allow_pickle=False) as arrays:
        assert set(arrays) == {"values", "standard_error", "total", "inputs", "targets", "signed"}
        assert (arrays["values"] == exact.values.numpy()).all()
        assert (arrays["standard_error"] == exact.standard_error.numpy()).all()
        assert (arrays["total"] == exact.total.numpy()).all()
        assert (arrays["inputs"] == batch.inputs.numpy()).all()
        assert (arrays["targets"] == batch.targets.numpy()).all()
        assert (arrays["signed"] == batch.ground_truth.signed.numpy()).all()


def test_exact_numbers_have_no_standard_errors_and_can_be_scored_as_maps(tmp_path):
    path = tmp_path / "values.npz"
    assert run("single-color-sum", "--size", 16, "-n", 1, "--game", "removal", "-o", path).exit_code == 0
    with np.load(path, allow_pickle=False) as arrays:
        assert set(arrays) == {"values", "inputs", "targets", "signed"}
        assert (arrays["values"] == arrays["signed"]).all()
    assert torch.equal(
        read_maps(path, (1, 1, 16, 16), key="values")[0] > 0,
        al.make_environment("single-color-sum", size=16).sample(1).ground_truth.positive_mask[0],
    )


@pytest.mark.parametrize("name", ["values.png", "a/new folder/values.svg"])
def test_pictures_show_image_mask_and_values(tmp_path, name):
    path = tmp_path / name
    result = run("multi-color-sum", "--size", 16, "-n", 1, "--game", "aumann-shapley", "-o", path)
    assert (result.exit_code, result.stderr) == (0, "")
    if path.suffix == ".png":
        assert imread(path).ndim == 3
    else:
        assert "aumann-shapley@true" in path.read_text()


def test_files_of_its_own_are_replaced_and_others_only_by_force(tmp_path):
    path, foreign = tmp_path / "values.npz", tmp_path / "foreign.npz"
    np.savez(foreign, values=np.zeros(3))
    before = foreign.read_bytes()
    arguments = ("single-color-sum", "--size", 16, "-n", 1, "-o")
    assert [run(*arguments, path).exit_code for _ in range(2)] == [0, 0]
    refused = run(*arguments, foreign)
    assert refused.exit_code == 2
    assert refused.stderr.startswith(f"error: `output` must be a new file, got '{foreign}'")
    assert foreign.read_bytes() == before
    assert run(*arguments, foreign, "--force").exit_code == 0
    assert foreign.read_bytes() != before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("multi-colour-sum",),
            "`environment` must be a known name, got 'multi-colour-sum'; did you mean multi-color-sum?",
        ),
        (("multi-color-sum", "--game", "nash"), "`game` must be removal, alone, shapley or aumann-shapley, got 'nash'"),
        (
            ("multi-color-sum", "--baseline", "white"),
            "`baseline` must be black or true or a list of numbers or a tensor, got 'white'",
        ),
        (("multi-color-sum", "--baseline", "1,2,300"), "`baseline` must have values in 0..255, got (1, 2, 300)"),
        (("single-color-sum", "--baseline", "1,2,3"), "`baseline` must have 1 channels, got (1, 2, 3)"),
        (("multi-color-sum", "--n-orders", 1), "`n_orders` must be at least 2, got 1"),
        (("multi-color-sum", "--target-error", 0), "`target_error` must be above 0, got 0"),
        (
            ("multi-color-sum", "--n-orders", 9, "--game", "alone"),
            "`n_orders` must be none for the game alone, whose values are exact, got 9",
        ),
        (
            ("multi-color-sum", "--n-orders", 9, "--target-error", "0.001"),
            "`target_error` must be reached within 9 orders",
        ),
        (("multi-color-sum", "-n", 0), "`n` must be at least 1, got 0"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(tmp_path, arguments, message):
    result = run(*arguments, "--size", 16, "-o", tmp_path / "values.npz")
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"error: {message}")
    assert result.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_an_ending_that_is_neither_numbers_nor_a_picture_is_refused(tmp_path):
    result = run("multi-color-sum", "--size", 16, "-o", tmp_path / "values.csv")
    assert (
        result.exit_code,
        result.stderr.startswith("error: `output` must end in .npz, .png, .svg or .pdf, got "),
    ) == (2, True)


def test_an_interrupted_estimate_says_how_to_go_on(tmp_path, monkeypatch):
    def interrupted(*_, progress, **__):
        progress(1)
        raise KeyboardInterrupt

    monkeypatch.setattr("attributionlab.games.exact_values", interrupted)
    arguments = ("multi-color-sum", "--size", 16, "--baseline", "black", "-o", tmp_path / "values.npz")
    for options, told in (((), False), (("--checkpoint", tmp_path / "sums.npz"), True)):
        result = run(*arguments, *options)
        assert result.exit_code == 130
        assert ("run the same command again to continue" in " ".join(result.stderr.split())) == told
