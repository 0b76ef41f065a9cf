"""Features on whose sign games disagree, against the definition."""

import pytest
import torch

import attributionlab as al
from attributionlab.games.contested import signs_disagree
from attributionlab.truth import ExactValues


def values_of(*rows):
    games = ("removal", "alone", "shapley")
    return {
        game: ExactValues(torch.tensor([row], dtype=torch.float64), None, None, game, "true")
        for game, row in zip(games, rows, strict=False)
    }


def test_only_strictly_opposite_signs_disagree():
    games = values_of([1.0, 0.0, -1.0, 1.0, 0.0], [-1e-300, -1.0, -2.0, 2.0, 0.0])
    assert signs_disagree(games).tolist() == [[True, False, False, False, False]]
    assert signs_disagree({}) is None


@pytest.mark.parametrize(
    ("options", "is_contested"),
    [("output=logit,n_redundant=0", False), ("n_redundant=0", False), ("n_redundant=2", True)],
)
def test_only_unknown_colors_on_the_path_are_contested(options, is_contested):
    environment = al.make_environment(f"multi-color-sum[size=16,{options}]")
    batch = environment.sample(4)
    mask = al.contested_mask(environment, batch)
    games = ("removal", "alone", "shapley", "aumann-shapley")
    values = torch.stack([al.exact_values(environment, batch, game).values for game in games])
    assert torch.equal(mask, (values.amax(dim=0) > 0) & (values.amin(dim=0) < 0))
    assert bool(mask.any()) is is_contested
