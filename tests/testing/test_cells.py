"""Cells of a CAM at wrong places, on a small random network."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from attributionlab.testing.cells import Cells, cut_out, misplaced


@pytest.fixture(scope="module")
def cam():
    """A network with one layer of 4 x 4 cells, its inputs, and the cells of GradCAM there, written out."""
    drawn = torch.Generator().manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 2, 4, stride=4), nn.Flatten(), nn.Linear(32, 2)).double()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.copy_(torch.rand(parameter.shape, generator=drawn, dtype=torch.float64))
    inputs = torch.rand(2, 3, 16, 16, generator=drawn, dtype=torch.float64)
    slopes = network[2].weight[0].detach().view(2, 4, 4).mean(dim=(1, 2))
    values = (slopes[None, :, None, None] * network[0](inputs).detach()).sum(dim=1)
    return network, inputs, values


def told(cam, change):
    network, inputs, values = cam
    return misplaced(Cells(change(values), "bilinear"), network, inputs, torch.zeros(2, dtype=torch.int64))


def test_cells_in_their_places_have_no_mistake_whatever_their_scale(cam):
    assert told(cam, lambda values: values) is None
    assert told(cam, lambda values: 2 * values - 1) is None


@pytest.mark.parametrize(("rows", "columns"), [(1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, -1)])
def test_cells_that_are_moved_by_one_are_told_so(cam, rows, columns):
    expected = f"the cells of GradCAM at 0, moved by {rows} rows and {columns} columns of cells"
    assert told(cam, lambda values: values.roll((rows, columns), (1, 2))) == expected


def test_cells_of_the_opposite_sign_are_no_cells_of_a_cam(cam):
    assert told(cam, lambda values: values.flip(1)) == "the cells of GradCAM at 0, upside down"
    assert told(cam, lambda values: -values.flip(1)) is None


def test_cells_of_a_grid_that_is_no_layers_are_not_cut_out():
    """4 x 4 cells at 16 pixels have the knots of 6 x 6 cells at 24."""
    cells = torch.rand(2, 1, 4, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    maps = functional.interpolate(cells, size=(16, 18), mode="bilinear")[:, 0]
    assert cut_out(maps, [(6, 6)]) is None
    cells = torch.rand(2, 1, 6, 6, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    maps = functional.interpolate(cells, size=(24, 27), mode="bilinear")[:, 0, :16, 1:19]
    assert cut_out(maps, [(6, 6)]) == "its 6 x 6 cells, enlarged to 24x27 pixels and cropped at row 0 and column 1"
