"""The second networks of a data set: maps under both tell whether a method looks at the network."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from typer.testing import CliRunner

import attributionlab as al
from attributionlab.cli.app import app
from attributionlab.errors import BadOption
from attributionlab.exchange import dataset
from attributionlab.exchange.dataset import generate
from attributionlab.exchange.dataset_folder import open_folder

SPEC = "multi-color-sum[size=16]"
N = 4


def arrays_of(path):
    """The arrays of an archive, which is closed again."""
    with np.load(path) as stored:
        return dict(stored)


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("counterparts") / "set"
    assert run("generate", SPEC, "-n", N, "--counterparts", "-o", path).exit_code == 0
    return path


@pytest.fixture(scope="module")
def maps(folder):
    """Gradients under both networks, computed as the folder's README says."""
    stored, second = arrays_of(folder / "truth.npz"), arrays_of(folder / "counterparts" / "truth.npz")
    inputs, targets = torch.from_numpy(stored["inputs"]), torch.from_numpy(stored["targets"])
    model, gradient = al.make_environment(SPEC).model, al.make_method("gradient")
    model.load_state_dict(load_file(folder / "model.safetensors"))
    own, others = gradient(model, inputs, targets), []
    for row, network in enumerate(second["networks"]):
        model.load_state_dict(load_file(folder / "counterparts" / f"model-{network:02d}.safetensors"))
        others.append(gradient(model, inputs[row : row + 1], targets[row : row + 1]))
    path = folder.parent / "maps.npz"
    foreground = (inputs != inputs[:, :, :1, :1]).any(dim=1).float()
    np.savez(path, own=own, other=torch.cat(others), foreground=foreground)
    return path


def scored(folder, maps, own, other, *options):
    arguments = ["score", folder, maps, "--key", own, "--format", "json", *options]
    if other is not None:
        arguments += ["--counterpart-maps", maps, "--counterpart-key", other]
    result = run(*arguments)
    (environment,) = json.loads(result.stdout)["environments"]
    return result.exit_code, environment


def test_the_manifest_and_the_instructions_name_the_second_networks(folder):
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["files"]["counterparts"] == "counterparts/"
    networks = arrays_of(folder / "counterparts" / "truth.npz")["networks"]
    assert [sample["counterpart"] for sample in manifest["samples"]] == [
        f"counterparts/model-{network:02d}.safetensors" for network in networks
    ]
    instructions = (folder / "README.md").read_text()
    for text in ("--counterpart-maps", "counterparts/truth.npz", "`networks[i]`", "counterparts/model-00.safetensors"):
        assert text in instructions


def test_stored_weights_are_those_of_the_counterparts_and_so_is_their_truth(folder):
    environment, second = al.make_environment(SPEC), arrays_of(folder / "counterparts" / "truth.npz")
    batch = environment.sample(N)
    for row, scene in enumerate(batch.scenes):
        expected = environment.counterpart(scene)
        stored = load_file(folder / "counterparts" / f"model-{second['networks'][row]:02d}.safetensors")
        assert stored.keys() == expected.network.state_dict().keys()
        assert all(torch.equal(stored[name], weights) for name, weights in expected.network.state_dict().items())
        assert np.array_equal(second["signed"][row], expected.truth.signed[0])
        assert np.array_equal(second["smooth_positive_mask"][row], expected.truth.smooth_positive_mask[0])


def test_maps_under_both_networks_have_the_dependence_that_check_measures(folder, maps):
    code, environment = scored(folder, maps, "own", "other")
    expected = al.check("gradient", SPEC, n_samples=N, one_network=True).to_dict()["environments"][0]
    assert environment["network_dependence"] == expected["network_dependence"]
    assert environment["outcome"] == expected["outcome"] and code == {"passed": 0, "undecided": 4}[expected["outcome"]]


def test_maps_that_are_the_same_under_both_networks_are_blind(folder, maps):
    code, environment = scored(folder, maps, "foreground", "foreground")
    assert (code, environment["outcome"]) == (1, "blind")
    dependence = environment["network_dependence"]["overall"]
    assert (dependence["value"], dependence["low"], dependence["high"]) == (0, 0, 0)
    assert scored(folder, maps, "foreground", "foreground", "--rule", "point")[1]["outcome"] != "blind"
    code, environment = scored(folder, maps, "foreground", None)
    assert environment["network_dependence"] is None and environment["outcome"] != "blind", "without a second file"


@pytest.mark.wide
def test_maps_of_the_logit_are_compared_with_the_logits_truth_of_both_networks(folder, maps):
    own, second = (arrays_of(path)["signed"] for path in (folder / "truth.npz", folder / "counterparts" / "truth.npz"))
    np.savez(maps.parent / "logit.npz", own=own > 0, other=second > 0)
    _, environment = scored(folder, maps.parent / "logit.npz", "own", "other", "--explains", "logit")
    assert environment["network_dependence"]["signed"]["value"] == 1


def test_a_folder_with_counterparts_is_replaced_by_force(tmp_path, folder):
    copied = shutil.copytree(folder, tmp_path / "set")
    generate(al.make_environment(SPEC), copied, n_samples=1, force=True)
    assert not (copied / "counterparts").exists()


def test_wrong_calls_get_one_line(tmp_path, folder, maps, monkeypatch):
    monkeypatch.setattr(dataset, "N_PREVIEW", 1)
    plain = generate(al.make_environment(SPEC), tmp_path / "plain", n_samples=N)
    second = ("--counterpart-maps", maps, "--counterpart-key", "other")
    for message, arguments in {
        "`counterparts` must be left out where an environment has none, got 'single-color-sum'": (
            *("generate", "single-color-sum", "--counterparts"),
            *("-o", tmp_path / "none"),
        ),
        "`counterparts` must be left out where the target is not the winner, got 'loser'": (
            *("generate", SPEC, "--counterparts", "--target", "loser"),
            *("-o", tmp_path / "none"),
        ),
        "its data set has no second networks; generate it with --counterparts": ("score", plain, maps, *second),
        "`counterpart_key` must go with `counterpart_maps`, got 'b'": ("score", folder, maps, "--counterpart-key", "b"),
        "`maps` must name a file that exists": (
            *("score", folder, maps, "--key", "own"),
            *("--counterpart-maps", tmp_path / "no.npy"),
        ),
    }.items():
        result = run(*arguments)
        assert result.exit_code == 2 and message in result.stderr and result.stderr.count("\n") == 1, result.output


def test_other_truth_of_counterparts_than_the_environments_is_refused(tmp_path, folder):
    copied = shutil.copytree(folder, tmp_path / "set")
    path = copied / "counterparts" / "truth.npz"
    arrays = arrays_of(path)
    np.savez(path, **{**arrays, "signed": -arrays["signed"]})
    with pytest.raises(BadOption, match=r"`signed` differs from what manifest\.json says"):
        open_folder(copied)
    path.unlink()
    with pytest.raises(al.errors.MissingFile, match=r"got none called .counterparts/truth\.npz."):
        open_folder(copied)


@pytest.mark.wide
def test_a_data_set_of_another_target_is_scored_by_its_truth(tmp_path, monkeypatch):
    monkeypatch.setattr(dataset, "N_PREVIEW", 1)
    environment = al.make_environment(SPEC)
    loser, first = (
        generate(environment, tmp_path / str(target), n_samples=N, target=target) for target in ("loser", 0)
    )
    stored = arrays_of(loser / "truth.npz")
    assert np.array_equal(stored["signed"], environment.sample(N, target="loser").ground_truth.signed)
    assert open_folder(first).batch.targets.tolist() == [0] * N
    result = run("score", loser, loser / "truth.npz", "--key", "signed", "--format", "json")
    assert json.loads(result.stdout)["environments"][0]["truths"]["signed"]["f1"] == 1
