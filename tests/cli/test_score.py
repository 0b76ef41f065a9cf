"""`attributionlab score`: maps from elsewhere, files that are none, folders that are no longer what they were."""

from __future__ import annotations

import json
import pickle
import shutil
from functools import cache

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from skimage.io import imread, imsave
from typer.testing import CliRunner
from wide import first_of

import attributionlab as al
from attributionlab.cli.app import app
from attributionlab.errors import MachineError
from attributionlab.exchange import dataset, model_files

SPEC = "multi-color-sum[height=16,width=24]"


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def failed(code, *arguments):
    """The one line of a call that fails."""
    result = run(*arguments)
    assert result.exit_code == code, result.output
    assert result.stdout == ""
    assert result.stderr.startswith("error: ") and result.stderr.count("\n") == 1
    return result.stderr.removeprefix("error: ").strip()


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    folder = tmp_path_factory.mktemp("generated") / "data"
    assert run("generate", SPEC, "-n", 8, "-o", folder).exit_code == 0
    return folder


@pytest.fixture
def folder(original, tmp_path):
    return shutil.copytree(original, tmp_path / "data")


@pytest.fixture
def truth(folder):
    with np.load(folder / "truth.npz") as stored:
        return stored["signed"].astype(np.float32)


def saved(path, values):
    match path.suffix:
        case ".npy":
            np.save(path, values)
        case ".npz":
            np.savez(path, values)
        case ".pt":
            torch.save(torch.from_numpy(values), path)
    return path


@cache
def verdict_on_the_truth():
    return al.check("truth", SPEC, n_samples=8, one_network=True).to_dict()


@pytest.mark.parametrize(
    ("ending", "layout"),
    [
        *first_of(
            [
                (".pt", lambda maps: np.stack([maps / 2, maps / 4, maps / 4], axis=1)),
                (".npz", lambda maps: maps),
                (".pt", lambda maps: maps),
                (".npy", lambda maps: maps[:, None]),
                (".npz", lambda maps: maps[..., None]),
                (".npy", lambda maps: np.stack([maps / 2, maps / 4, maps / 4], axis=3)),
            ]
        )
    ],
)
def test_maps_of_every_layout_get_the_verdict_of_check(folder, truth, tmp_path, ending, layout):
    path = saved(tmp_path / f"maps{ending}", layout(truth))
    result = run("score", folder, path, "--format", "json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    expected = verdict_on_the_truth()
    assert found["method"] == path.name
    for kind in ("outcome", "truths", "controls", "n_held", "network_seeds", "n_zero_maps", "n_samples", "environment"):
        assert found["environments"][0][kind] == expected["environments"][0][kind]


@pytest.mark.wide
def test_the_declaration_chooses_the_truth_and_a_bad_map_fails(folder, truth, tmp_path):
    path = saved(tmp_path / "maps.npy", np.maximum(truth, 0))
    for options, code, deciding in (
        (("--truth", "negative"), 1, "negative"),
        (("--gamma", "0.9"), 1, "signed"),
        (("--sign", "positive"), 0, "positive"),
        (("--sign", "positive", "--granularity", "coarse"), 0, "positive-smooth"),
        (("--explains", "logit"), 0, "signed"),
        (("--sign", "positive", "--gamma", "0.9"), 4, "positive"),
        (("--sign", "positive", "--gamma", "1", "--rule", "point"), 0, "positive"),
    ):
        result = run("score", folder, path, "--format", "json", *options)
        assert (result.exit_code, json.loads(result.stdout)["deciding_truth"]) == (code, deciding)
    assert "maps.npy: FAILED" in run("score", folder, path, "--gamma", "0.9").stdout
    assert run("score", folder, path, "--format", "csv").stdout.startswith("method,environment,truth")


def test_one_array_of_several_is_chosen_by_its_key(folder, truth, tmp_path):
    np.savez(tmp_path / "both.npz", mine=truth, other=-truth)
    torch.save({"mine": torch.from_numpy(truth), "other": torch.ones(3), "epoch": 3}, tmp_path / "both.pt")
    for name in ("both.npz", "both.pt"):
        message = failed(2, "score", folder, tmp_path / name)
        assert (
            f"`maps` must hold one array, got '{name} with 2'; name one of them with --key: mine (8, 16, 24), other ("
            in message
        )
        assert run("score", folder, tmp_path / name, "--key", "mine").exit_code == 0
        assert "`key` must be a known name, got 'none'; known: mine, other" in failed(
            2, "score", folder, tmp_path / name, "--key", "none"
        )
    assert "got (3,)" in failed(1, "score", folder, tmp_path / "both.pt", "--key", "other")
    path = saved(tmp_path / "one.npy", truth)
    assert "`key` must be left out where there is one array" in failed(2, "score", folder, path, "--key", "mine")


@pytest.mark.wide
def test_a_folder_of_maps_by_the_names_of_the_images_is_judged_and_notes_come_before(folder, truth, tmp_path):
    (tmp_path / "maps").mkdir()
    for index, values in enumerate(truth):
        np.save(tmp_path / "maps" / f"{index:06d}.npy", np.maximum(values, 0))
    result = run("score", folder, tmp_path / "maps", "--format", "json")
    assert (
        result.stderr
        == "note: no value is negative: say --sign positive or --sign magnitude if the method has no signs\n"
    )
    assert json.loads(result.stdout)["environments"][0]["truths"]["positive"]["f1"] == 1
    assert run("score", folder, tmp_path / "maps", "--sign", "positive").stderr == ""


class Bomb:
    def __reduce__(self):
        return (print, ("it ran",))


@pytest.mark.parametrize("ending", [".npy", ".npz", ".pt"])
def test_pickled_objects_are_never_loaded(folder, tmp_path, ending, capfd):
    path = tmp_path / f"maps{ending}"
    if ending == ".pt":
        torch.save(Bomb(), path)
    else:
        {".npy": np.save, ".npz": np.savez}[ending](path, np.array([Bomb()] * 8, dtype=object))
    assert "files with pickled objects are not loaded" in failed(2, "score", folder, path)
    (tmp_path / "bare.npy").write_bytes(pickle.dumps(Bomb()))
    failed(2, "score", folder, tmp_path / "bare.npy")
    assert "it ran" not in capfd.readouterr().out


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        (
            lambda maps: maps[:2],
            1,
            "`maps` must have shape (8, 16, 24), (8, 3, 16, 24) or (8, 16, 24, 3), got (2, 16, 24)",
        ),
        (lambda maps: maps.transpose(0, 2, 1).copy(), 1, "got (8, 24, 16); rows and columns may be swapped"),
        (lambda maps: maps * np.nan, 1, "must be finite values, got NaN values in 8 of 8 maps"),
        (lambda maps: maps / 0 if maps.any() else maps, 1, "must be finite values"),
        (lambda maps: maps.astype(complex), 2, "`maps` must be an array of real numbers, got complex128"),
        (lambda maps: maps.astype(str), 2, "`maps` must be an array of real numbers, got <U"),
    ],
)
def test_maps_that_do_not_fit_are_refused_with_the_reason(folder, truth, tmp_path, change, code, message):
    with np.errstate(all="ignore"):
        path = saved(tmp_path / "maps.npy", change(truth))
    assert message in failed(code, "score", folder, path)


def test_files_that_are_not_there_or_not_whole_are_named(folder, truth, tmp_path):
    assert "`maps` must name a file that exists" in failed(2, "score", folder, tmp_path / "none.npy")
    assert "`maps` must end in .npy or .npz or .pt or .pth or .safetensors or .h5" in failed(
        2, "score", folder, folder / "manifest.json"
    )
    path = saved(tmp_path / "maps.npy", truth)
    path.write_bytes(path.read_bytes()[:-100])
    assert "`maps` must be an undamaged .npy file" in failed(2, "score", folder, path)


def test_a_folder_that_is_no_longer_what_its_manifest_says_is_named(folder, truth, tmp_path):
    path = saved(tmp_path / "maps.npy", truth)

    def rewritten(**changes):
        manifest = json.loads((folder / "manifest.json").read_text())
        (folder / "manifest.json").write_text(json.dumps({**manifest, **changes}))
        line = failed(2, "score", folder, path)
        (folder / "manifest.json").write_text(json.dumps(manifest))
        return line

    assert "`inputs` differs from what manifest.json says" in rewritten(
        environment="multi-color-sum[height=16,seed=1,width=24]"
    )
    assert "`folder` must name an environment in manifest.json" in rewritten(environment="multi-colour-sum")
    assert "`folder` must have format 1, got 9" in rewritten(format=9)
    assert "`samples` must be 2, as `n_samples` says, got 8" in rewritten(n_samples=2)
    assert "must have an undamaged manifest.json" in rewritten(start=None)
    image = imread(folder / "images" / "000001.png")
    image[0, 0] = 255
    imsave(folder / "images" / "000001.png", image, check_contrast=False)
    assert "000001.png" in failed(2, "score", folder, path)
    (folder / "images" / "000002.png").unlink()
    assert "got none called 'images/000002.png'" in failed(2, "score", folder, path)
    (folder / "truth.npz").write_bytes(b"PK")
    (folder / "images" / "000002.png").write_bytes(b"")
    assert "must hold an undamaged truth.npz" in failed(2, "score", folder, path)
    assert "it has no manifest.json" in failed(2, "score", tmp_path, path)


def test_check_maps_refuses_what_does_not_fit():
    environment = al.make_environment("multi-color-sum", size=16)
    batch = environment.sample(8)
    assert al.check_maps(batch.ground_truth.signed, environment, batch).passed
    for options, message in (
        ({"gamma": 2}, "`gamma` must be"),
        ({"truth": "all"}, "`truth` must be auto, overall, signed"),
        ({"truth": "negative", "declaration": al.Declaration(sign="positive")}, "`truth` must apply in"),
    ):
        with pytest.raises(ValueError, match=message):
            al.check_maps(batch.ground_truth.signed, environment, batch, **options)


def test_the_network_is_written_and_gives_the_same_outputs(folder):
    model = al.make_environment(SPEC).build_network()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    model.load_state_dict(load_file(folder / "model.safetensors"))
    batch = al.make_environment(SPEC).sample(3)
    assert torch.equal(model(batch.inputs), al.make_environment(SPEC).model(batch.inputs))
    assert SPEC in (folder / "README.md").read_text()
    assert not (folder / "model.onnx").exists()


@pytest.mark.parametrize(
    "spec",
    [
        pytest.param("single-color-modulo[size=16]", marks=pytest.mark.wide),
        pytest.param("multi-color-sum[size=16]", marks=pytest.mark.wide),
        pytest.param(
            "multi-color-sum[output=logit,size=16]", marks=pytest.mark.slow
        ),  # the network of the line above without its last layer
    ],
)
def test_the_network_runs_as_onnx_with_equal_outputs(spec, tmp_path):
    onnxruntime = pytest.importorskip("onnxruntime")
    result = run("generate", spec, "-n", 2, "-o", tmp_path / "data", "--onnx")
    assert result.exit_code == 0, result.output
    session = onnxruntime.InferenceSession(str(tmp_path / "data" / "model.onnx"), providers=["CPUExecutionProvider"])
    environment = al.make_environment(spec)
    inputs = environment.sample(5).inputs  # another batch size than it was exported with
    (found,) = session.run(None, {session.get_inputs()[0].name: inputs.numpy()})
    expected = environment.model(inputs).detach()
    if environment.explains == "probability":
        torch.testing.assert_close(torch.from_numpy(found), expected, rtol=0, atol=model_files.SOFTMAX_ROUNDING)
    else:
        assert torch.equal(torch.from_numpy(found), expected)


def test_an_export_that_changes_the_function_is_refused(tmp_path):
    pytest.importorskip("onnxruntime")

    class Drifting(torch.nn.Module):
        """Another function while it is exported than afterwards."""

        def forward(self, inputs):
            return inputs.flatten(1) * (1.0 if torch.compiler.is_compiling() else 2.0)

    with pytest.raises(MachineError, match="`onnx` must give the same outputs, got a difference of 1"):
        model_files.write_onnx(Drifting().eval(), torch.ones(2, 1, 2, 2), tmp_path / "model.onnx")
    model_files.write_onnx(torch.nn.Flatten().eval(), torch.ones(2, 1, 2, 2), tmp_path / "flat.onnx")
    assert (tmp_path / "flat.onnx").exists()


def test_the_network_is_exported_on_request(tmp_path, monkeypatch):
    """The export itself is in `make test-wide`."""
    pytest.importorskip("onnxruntime")
    exported = []
    monkeypatch.setattr(
        dataset, "write_onnx", lambda model, inputs, path: exported.append((model, len(inputs), path.name))
    )
    result = run("generate", SPEC, "-n", 1, "-o", tmp_path / "data", "--onnx")
    assert result.exit_code == 0, result.output
    ((model, n_images, name),) = exported
    assert isinstance(model, torch.nn.Module)
    assert (n_images, name) == (2, "model.onnx")


def test_a_missing_extra_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr(model_files, "NEEDS", ("onnx", "no_such_package"))
    line = failed(2, "generate", "multi-color-sum", "--size", 16, "-n", 1, "-o", tmp_path / "data", "--onnx")
    assert line == "`onnx` needs no_such_package; pip install 'attributionlab[onnx]'"
    assert not (tmp_path / "data").exists()
