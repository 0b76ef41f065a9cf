"""Exercise 4: a window is replaced by black whatever is asked for. Mend `method`."""

import torch

import attributionlab as al


def method(model, inputs, targets, baseline, side=4):
    """For each window: how much the output falls if the window is replaced by the baseline, a color (c,)."""
    maps = torch.zeros(len(inputs), *inputs.shape[2:])
    with torch.no_grad():
        before = model(inputs).gather(1, targets[:, None])[:, 0]
        for row in range(0, inputs.shape[2], side):
            for column in range(0, inputs.shape[3], side):
                window = (slice(None), slice(None), slice(row, row + side), slice(column, column + side))
                changed = inputs.clone()
                changed[window] = 0
                after = model(changed).gather(1, targets[:, None])[:, 0]
                maps[:, row : row + side, column : column + side] = (before - after)[:, None, None]
    return maps


def test_the_background_does_nothing():
    environment = al.make_environment("multi-color-sum[size=16,output=logit]")
    batch = environment.sample(2)
    maps = method(environment.model, batch.inputs, batch.targets, environment.true_baseline)
    background = environment.true_baseline[:, None, None]
    is_colored = (batch.inputs != background).any(dim=1)[:, None].float()
    is_empty = torch.nn.functional.max_pool2d(is_colored, 4).repeat_interleave(4, 2).repeat_interleave(4, 3)[:, 0] == 0
    assert is_empty.any()
    largest = maps[is_empty].abs().max().item()
    assert largest == 0, f"windows of the background have values of up to {largest}: what replaces them?"
    assert maps[~is_empty].max() > 0, "no window lowers the output: are the windows with colors replaced?"
