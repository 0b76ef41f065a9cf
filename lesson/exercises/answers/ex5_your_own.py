"""A solution. Exercise 5: write occlusion, pixel by pixel."""

import torch

import attributionlab as al


def method(model, inputs, targets, baseline):
    """For each pixel: how much the output falls if this pixel is replaced by the baseline, a color (c,)."""
    batch, _, height, width = inputs.shape
    maps = torch.zeros(batch, height, width)
    with torch.no_grad():
        before = model(inputs).gather(1, targets[:, None])[:, 0]
        for row in range(height):
            for column in range(width):
                changed = inputs.clone()
                changed[:, :, row, column] = baseline
                maps[:, row, column] = before - model(changed).gather(1, targets[:, None])[:, 0]
    return maps


def test_it_is_what_removal_does():
    environment = al.make_environment("multi-color-sum[size=16,output=logit]")
    batch = environment.sample(1)
    maps = method(environment.model, batch.inputs, batch.targets, environment.true_baseline)
    exact = al.exact_values(environment, batch, "removal").values.float()
    assert maps.shape == exact.shape, (
        f"the maps have the shape {tuple(maps.shape)}, not (b, h, w) = {tuple(exact.shape)}"
    )
    assert not torch.equal(maps, -exact), "the signs are the other way round: before minus after is what is lost"
    n_wrong, (row, column) = int((maps != exact).sum()), (maps != exact).nonzero()[:1, 1:].flatten().tolist() or (0, 0)
    assert n_wrong == 0, (
        f"{n_wrong} pixels are wrong; the first one is row {row}, column {column}: {maps[0, row, column]:g}, not "
        f"{exact[0, row, column]:g}: which output is explained, what replaces the pixel, and is only this pixel replaced?"
    )
