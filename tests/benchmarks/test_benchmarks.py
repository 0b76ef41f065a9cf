"""Frozen benchmarks: their fingerprints hold, every change is noticed, and verdicts name them."""

import dataclasses
import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

import attributionlab as al
from attributionlab.benchmarks import BENCHMARKS, Benchmark, freeze, load_benchmark
from attributionlab.benchmarks.fingerprints import fingerprint
from attributionlab.cli.app import app
from attributionlab.environments import MultiColorSum
from attributionlab.errors import BadOption, MissingFile, UnknownName
from attributionlab.judging.benchmarking import FREE, NO_LIMIT, check_on_benchmark


@pytest.fixture(scope="module")
def benchmark():
    """Two small environments."""
    return freeze("small-1", ["multi-color-sum[size=16]", "single-color-sum[size=16]"], n_samples=4)


@pytest.fixture(scope="module")
def verdict(benchmark):
    return al.check("input-x-gradient", benchmark=benchmark)


@pytest.mark.parametrize("name", BENCHMARKS)
def test_every_image_truth_and_network_is_as_it_was_frozen(name):
    assert load_benchmark(name).differences() == ()


def test_a_fingerprint_is_the_digest_of_names_dtypes_shapes_and_little_endian_values():
    image, truth = torch.tensor([[1.0, -2.5]]), torch.tensor([-1, 1], dtype=torch.int8)
    content = b"image <f4 (1, 2)\n" + np.array([1.0, -2.5], "<f4").tobytes() + b"truth |i1 (2,)\n\xff\x01"
    assert fingerprint([("image", image), ("truth", truth)]) == hashlib.sha256(content).hexdigest()


def test_a_fingerprint_depends_on_values_and_not_on_how_they_lie_in_memory():
    image = torch.arange(6.0).reshape(2, 3)
    assert fingerprint([("image", image)]) == fingerprint([("image", image.T.contiguous().T)])
    assert fingerprint([("image", torch.zeros(2))]) == fingerprint([("image", -torch.zeros(2))])
    different = [image.double(), image.reshape(3, 2), image + 1]
    assert len({fingerprint([("image", each)]) for each in (image, *different)}) == 4


def flip_one_weight(network):
    with torch.no_grad():
        network.accumulator.layers[4].weight.view(-1)[0] *= -1
    return network


def flip_one_pixel(array):
    array = array.copy()
    array[..., 0, 0] += 1
    return array


@pytest.mark.parametrize(
    ("member", "change", "part"),
    [
        ("build_network", flip_one_weight, "the network of scene 0"),
        ("inputs_of", flip_one_pixel, "the input of scene 0"),
        ("signed_truth_of", flip_one_pixel, "the truth of scene 0"),
        ("predicted", lambda label: (label + 1) % 4, "scene 0 has another target than the benchmark"),
    ],
)
def test_every_change_is_noticed(monkeypatch, benchmark, member, change, part):
    original = getattr(MultiColorSum, member)
    monkeypatch.setattr(MultiColorSum, member, lambda *arguments: change(original(*arguments)))
    (line,) = benchmark.differences()
    assert line.startswith("multi-color-sum[size=16]: ")
    assert part in line


def test_another_second_network_or_computation_is_noticed(monkeypatch, benchmark):
    with monkeypatch.context() as patch:
        patch.setattr(MultiColorSum, "counterpart_temperature", 2.0)
        assert "the second network of scene 0 is not" in benchmark.differences()[0]
    changed = dataclasses.replace(benchmark.environments[0], logits=("0" * 64,) * 4)
    line = changed.difference(al.make_environment(changed.spec))
    assert "the result of the network of scene 0 is not" in line


@pytest.mark.wide
def test_a_verdict_names_the_benchmark(benchmark, verdict):
    assert verdict.benchmark == "small-1"
    assert verdict.to_dict()["benchmark"] == "small-1"
    assert f"finds input-x-gradient {verdict.outcome} on the benchmark small-1 (F1 on" in verdict.report_as
    own = al.check("input-x-gradient", list(benchmark.specs), n_samples=4)
    assert own.benchmark is None
    assert " on the benchmark" not in own.report_as
    assert own.outcome == verdict.outcome
    assert [each.truths for each in own.environments] == [each.truths for each in verdict.environments]


def test_a_verdict_on_another_network_does_not_name_the_benchmark(monkeypatch, benchmark):
    original = MultiColorSum.build_network
    monkeypatch.setattr(MultiColorSum, "build_network", lambda self: flip_one_weight(original(self)))
    with pytest.warns(UserWarning, match=r"this is not small-1: .*the network of scene 0 .*verdict does not name it"):
        verdict = al.check("input-x-gradient", benchmark=benchmark)
    assert verdict.benchmark is None


@pytest.mark.parametrize(
    "option",
    [
        {"environments": "single-color-sum"},
        {"n_samples": 8},
        {"gamma": 0.6},
        {"truth": "overall"},
        {"rule": "point"},
        {"one_network": True},
        {"max_seconds": 5},
    ],
)
def test_what_a_benchmark_fixes_is_refused(benchmark, option):
    (name,) = option
    with pytest.raises(BadOption, match=f"`{name}` must be left out where a benchmark fixes it"):
        al.check("gradient", benchmark=benchmark, **option)


def test_a_benchmark_has_its_own_gamma_and_no_limit_of_time(benchmark, verdict):
    fixed = {}

    def run_check(_method, _environments, **options):
        fixed.update(options)
        return verdict

    stricter = dataclasses.replace(benchmark, gamma=0.75)
    check_on_benchmark("gradient", stricter, dict.fromkeys(FREE), run_check)
    assert fixed == {"n_samples": 4, "gamma": 0.75, "max_seconds": NO_LIMIT, **dict.fromkeys(FREE)}


def test_a_file_holds_all_of_a_benchmark(tmp_path, benchmark):
    first, second = benchmark.environments
    quoted = dataclasses.replace(second, spec='of-a-plugin[text="C:\\new"]')
    stored = dataclasses.replace(benchmark, environments=(first, quoted))
    path = tmp_path / "small.toml"
    path.write_text(stored.to_toml())
    assert load_benchmark(path) == stored


@pytest.mark.parametrize("name", BENCHMARKS)
def test_a_file_of_this_package_is_as_it_was_written(name):
    path = Path(al.benchmarks.__file__).with_name(f"{name.replace('-', '_')}.toml")
    assert path.read_text() == load_benchmark(name).to_toml()


def test_wrong_benchmarks_are_refused_in_a_line(tmp_path, benchmark):
    path = tmp_path / "small.toml"
    with pytest.raises(MissingFile, match="be a file that exists"):
        load_benchmark(path)
    with pytest.raises(UnknownName, match="did you mean attributionlab-1"):
        load_benchmark("attributionlab-2")
    entries = {
        "name = ": "be a TOML file",
        f"a = {'[' * 9999}": "be a TOML file",
        benchmark.to_toml().replace('"small-1"', '""'): "`name` must have letters, digits, dots, - and _ only",
        benchmark.to_toml().replace('"small-1"', "'a\"b'"): "`name` must have letters, digits, dots, - and _ only",
        "name = 'x'\nn_samples = 4\ngamma = 0.5\nenvironments = [3]": "have the entries of a benchmark",
        "name = 'x'": "have the entries of a benchmark, got .'name'.; name, n_samples",
        benchmark.to_toml().replace("small-1", BENCHMARKS[0]): "`name` must be a name of its own",
        benchmark.to_toml().replace("n_samples = 4", "n_samples = 5"): "`targets` must have 5 entries",
        benchmark.to_toml().replace("truths = [", "truths = ['x',", 1): "`truths` must have 4 entries",
    }
    for text, message in entries.items():
        path.write_text(text)
        with pytest.raises(BadOption, match=message):
            load_benchmark(path)


def test_the_commands_know_benchmarks(tmp_path, benchmark):
    path = tmp_path / "small.toml"
    path.write_text(benchmark.to_toml())
    run = CliRunner().invoke
    result = run(app, ["check", "input-x-gradient", "--benchmark", str(path), "--format", "json"])
    assert json.loads(result.stdout)["benchmark"] == "small-1"
    result = run(app, ["check", "gradient", "--benchmark", str(path), "--size", "16"])
    assert result.exit_code == 2
    assert "`size` must be left out where a benchmark fixes it" in result.stderr
    result = run(app, ["verify", "--benchmark", str(path)])
    assert "all fingerprints of small-1 are the same: 2 environments, 8 scenes and networks, 4 second" in result.stdout


def test_the_command_prints_what_differs(tmp_path, benchmark):
    path = tmp_path / "small.toml"
    path.write_text(benchmark.to_toml().replace(benchmark.environments[1].networks[2], "0" * 64))
    run = CliRunner().invoke
    line = "single-color-sum[size=16]: the network of scene 2 is not that of the benchmark"
    result = run(app, ["verify", "--benchmark", str(path)])
    assert (result.exit_code, result.stdout) == (1, f"{line}\n")
    result = run(app, ["verify", "--benchmark", str(path), "--format", "json"])
    assert json.loads(result.stdout)["differences"] == [line]
    result = run(app, ["verify", "--benchmark", str(path), "--format", "csv"])
    assert result.stdout.splitlines() == ["benchmark,difference", f"small-1,{line}"]


def test_a_benchmark_needs_scenes_and_environments():
    with pytest.raises(BadOption, match="`n_samples` must be at least 4"):
        freeze("mine", ["single-color-sum[size=16]"], n_samples=3)
    with pytest.raises(BadOption, match="`environments` must be a list of frozen environments, at least 1"):
        Benchmark("mine", 4, 0.5, ())
