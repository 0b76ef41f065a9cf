"""Inputs are (b, c, *shape) and maps (b, *shape): columns of a table go the same way as pixels."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import attributionlab as al
from attributionlab.environments import NoClosedForm

sys.path.insert(0, str(Path(__file__).parents[1]))
from table_environment import WeightedColumns


def weighted(model, inputs, targets):
    """Exact: weight times value."""
    return model[1].weight[targets][:, None] * inputs


@pytest.fixture
def environment():
    return WeightedColumns()


def test_batches_have_the_shapes_of_the_contract(environment):
    batch = environment.sample(3)
    assert (batch.inputs.shape, batch.inputs.dtype) == ((3, 1, 6), torch.float32)
    assert batch.ground_truth.signed.shape == (3, 6)
    assert batch.ground_truth.patch_ids is None
    assert repr(batch) == "Batch(3 inputs of 1x6)"
    assert len(batch[:2].ground_truth.signed) == 2


def test_it_offers_only_the_options_that_it_has(environment):
    assert environment.spec == "weighted-columns"
    assert WeightedColumns(data_seed=2, network_seed=2, n_columns=4).spec == "weighted-columns[n_columns=4,seed=2]"


def test_it_is_verified(environment):
    verification = al.verify(environment, n_samples=3)
    assert verification.passed
    assert [claim.name for claim in verification.claims] == ["outputs", "closed form", "shapley values", "precision"]


def test_a_wrong_closed_form_is_found():
    class Wrong(WeightedColumns):
        def logits(self, scene, present):
            return super().logits(scene, present) + (present.sum() == 1)

    verification = al.verify(Wrong(), n_samples=2)
    assert [claim.name for claim in verification.claims if not claim.holds] == ["closed form", "shapley values"]


def test_without_a_closed_form_the_verification_says_so():
    class Trained(WeightedColumns):
        logits = al.Environment.logits

    environment = Trained()
    assert not environment.has_logits
    with pytest.raises(
        NoClosedForm, match="`environment` must have its function in closed form, got 'weighted-columns'"
    ):
        environment.logits(environment.scene(0), np.ones(6, bool))
    verification = al.verify(environment, n_samples=2)
    assert verification.passed
    assert "no closed form" in verification.note


def test_it_is_checked(environment):
    verdict = al.check(weighted, environment, n_samples=4)
    (result,) = verdict.environments
    assert result.truths["overall"].f1 > 0
    assert result.truths["positive-smooth"] is None
    assert al.check("truth", environment, n_samples=4).passed


def test_library_methods_without_geometry_explain_it(environment):
    batch = environment.sample(4)
    maps = al.make_method("integrated-gradients[baseline=true]", environment)(
        environment.model, batch.inputs, batch.targets
    )
    assert torch.equal(maps.sign(), batch.ground_truth.signed.float())


def test_the_ground_truth_scores_one_and_smooth_truth_does_not_apply(environment):
    batch = environment.sample(4)
    scores = al.score(batch.ground_truth.signed, batch.ground_truth)
    assert scores.overall.f1.tolist() == [1.0] * 4
    assert scores.positive_smooth.f1.isnan().all()


def test_perturbation_metrics_run_by_forward_passes(environment):
    batch = environment.sample(4)
    maps = weighted(environment.model, batch.inputs, batch.targets)
    curve = al.insertion(environment, batch, maps.detach(), canvas="background")
    assert curve.outputs.shape == (4, 7)
    drop = al.sensitivity_n(environment, batch, maps.detach(), canvas="background", n_orders=8)
    torch.testing.assert_close(drop.mean, torch.ones(4, dtype=torch.float64))
