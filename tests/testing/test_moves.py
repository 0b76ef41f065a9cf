"""Moves of maps do what their descriptions say."""

import torch

from attributionlab.testing.moves import MOVES


def test_a_move_has_its_rows_and_columns():
    maps = torch.zeros(1, 4, 5)
    maps[0, 1, 1] = 1
    for rows in (-1, 0, 1):
        for columns in (-1, 0, 1):
            if (rows, columns) != (0, 0):
                place = MOVES[f"moved by {rows} rows and {columns} columns"](maps)[0].nonzero().tolist()
                assert place == [[1 + rows, 1 + columns]]
    assert len(MOVES) == 8
