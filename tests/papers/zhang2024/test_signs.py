"""Signs of maps on the background."""

import torch

import attributionlab as al
from attributionlab.papers.zhang2024.signs import positive_background


def test_the_share_of_positive_background_leaves_out_zeros_and_colored_pixels():
    environment = al.make_environment("multi-color-sum[size=16]")
    batch = environment.sample(3)
    background = ~batch.ground_truth.overall_mask
    maps = torch.where(background, 0.0, 7.0)
    for image, (n_positive, n_negative) in enumerate(((3, 1), (0, 2), (0, 0))):
        places = background[image].nonzero()[: n_positive + n_negative]
        signs = torch.tensor([0.5] * n_positive + [-2.0] * n_negative)
        maps[image].index_put_(tuple(places.T), signs)
    shares = positive_background(environment, batch, maps)
    assert shares[:2].tolist() == [0.75, 0.0]
    assert shares[2].isnan()
