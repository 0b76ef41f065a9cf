"""Estimates that are interrupted and go on."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import torch

import attributionlab as al
from attributionlab.errors import BadOption, MissingFile
from attributionlab.games import checkpoint as module
from attributionlab.games import permutations


@cache
def environment_and_batch():
    environment = al.make_environment("multi-color-sum[size=16]")
    return environment, environment.sample(2)


def estimate(path, n_orders, **options):
    environment, batch = environment_and_batch()
    return al.exact_values(environment, batch, "shapley", "black", n_orders=n_orders, checkpoint=path, **options)


def same(one, two):
    torch.testing.assert_close(one.values, two.values, rtol=0, atol=1e-15)  # the order of a sum
    torch.testing.assert_close(one.standard_error, two.standard_error, rtol=1e-9, atol=1e-12)
    assert one.n_orders == two.n_orders


def test_more_orders_go_on_from_fewer(tmp_path):
    path, finished = tmp_path / "sums.npz", []
    estimate(path, 6)
    longer = estimate(path, 10, progress=finished.append)
    same(longer, estimate(None, 10))
    assert finished == [6, 4, 6, 4], "what was done before, and what was added, of two samples"


def test_an_interrupted_estimate_loses_nothing_that_was_kept(tmp_path, monkeypatch):
    path = tmp_path / "sums.npz"
    monkeypatch.setattr(permutations, "CHUNK", 1)  # one order at a time
    monkeypatch.setattr(module, "SECONDS", 0)
    finished = []

    def interrupt(n_orders):
        finished.append(n_orders)
        if sum(finished) == 13:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        estimate(path, 8, progress=interrupt)
    finished.clear()
    same(estimate(path, 8, progress=finished.append), estimate(None, 8))
    assert finished == [8, 5, 1, 1, 1]


def test_what_is_done_is_not_done_again(tmp_path, monkeypatch):
    path = tmp_path / "sums.npz"
    first = estimate(path, 5)
    monkeypatch.setattr(permutations, "random_orders", None)
    same(estimate(path, 5), first)
    assert estimate(path, 3).n_orders == 5, "more orders than are asked for are used"


@pytest.mark.wide
@pytest.mark.parametrize("change", [{"seed": 1}, {"baseline": (1, 2, 3)}, {"network": 1}, {"targets": 1}, {"start": 2}])
def test_other_questions_have_sums_of_their_own(tmp_path, change):
    path = tmp_path / "sums.npz"
    environment, batch = environment_and_batch()
    estimate(path, 5)
    baseline = change.pop("baseline", "black")
    if change.pop("network", 0):
        environment = environment.changed(network_seed=1)
    if change.pop("targets", 0):
        batch = type(batch)(batch.inputs, 3 - batch.targets, batch.labels, batch.ground_truth, batch.scenes)
    batch = environment.sample(2, change.pop("start")) if "start" in change else batch
    arguments = (environment, batch, "shapley", baseline)
    with_file = al.exact_values(*arguments, n_orders=4, checkpoint=path, **change)
    assert with_file.n_orders == 4
    same(with_file, al.exact_values(*arguments, n_orders=4, **change))


def test_sums_are_written_every_few_seconds(tmp_path):
    times = iter([0.0, 0.0, 3.0, 6.0, 6.0])
    kept = module.Checkpoint(tmp_path / "sums.npz", clock=lambda: next(times))
    kept.contributions(7, 3).add(np.ones((1, 3)))
    written = []
    for _ in range(3):
        kept.keep()
        written.append(kept.path.exists())
        kept.path.unlink(missing_ok=True)
    assert written == [True, False, True]


def test_exact_values_need_no_checkpoint(tmp_path):
    environment, batch = environment_and_batch()
    al.exact_values(environment, batch, "removal", checkpoint=tmp_path / "sums.npz")
    assert list(tmp_path.iterdir()) == []


def test_inputs_of_another_size_need_a_file_of_their_own(tmp_path):
    path = tmp_path / "sums.npz"
    estimate(path, 3)
    larger = al.make_environment("multi-color-sum[size=17]")
    with pytest.raises(BadOption, match="`checkpoint` must hold sums of inputs with 289 features"):
        al.exact_values(larger, larger.sample(1), "shapley", "black", n_orders=3, checkpoint=path)


def test_files_that_are_no_checkpoints_are_refused_and_kept(tmp_path):
    (tmp_path / "text.npz").write_text("no archive")
    np.savez(tmp_path / "other.npz", values=np.zeros(3))
    np.savez(tmp_path / "objects.npz", keys=np.array([object()]), n_orders=[1], sums=[[1]], squares=[[1]])
    for path in sorted(tmp_path.iterdir()):
        before = path.read_bytes()
        with pytest.raises(BadOption, match="`checkpoint` must be a file that an estimate wrote"):
            estimate(path, 4)
        assert path.read_bytes() == before
    with pytest.raises(BadOption, match=r"`checkpoint` must end in \.npz"):
        estimate(tmp_path / "sums.txt", 4)
    with pytest.raises(BadOption, match="`checkpoint` must lie in a folder"):
        estimate(tmp_path / "text.npz" / "sums.npz", 4)
    (tmp_path / "folder.npz").mkdir()
    with pytest.raises(MissingFile, match="`checkpoint` must be a file"):
        estimate(tmp_path / "folder.npz", 4)
    with pytest.raises(BadOption, match="`checkpoint` must be a path"):
        estimate(3, 4)
