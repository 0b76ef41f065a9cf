"""Axes and lines of the figure of a sweep."""

import pytest
from matplotlib.figure import Figure

from attributionlab.judging import SweepCurve
from attributionlab.judging.game_agreement import GameAgreement
from attributionlab.judging.sweep_report import SweepPoint
from attributionlab.reports.figures import sweep


@pytest.mark.parametrize(
    ("values", "scale", "places"),
    [
        ((0.0, 0.1, 0.3, 1.0), "linear", [0.0, 0.1, 0.3, 1.0]),
        ((0.0, 1.0, 9.0), "symlog", [0.0, 1.0, 9.0]),
        ((-20.0, -1.0, 0.0, 235.0), "symlog", [-20.0, -1.0, 0.0, 235.0]),
        (("true", 3.0, "auto"), "linear", [0.0, 1.0, 2.0]),
    ],
)
def test_values_that_lie_unevenly_have_a_logarithmic_axis_and_texts_stand_one_beside_the_other(values, scale, places):
    axis = Figure().subplots()
    assert sweep._scale(axis, values) == places
    assert axis.get_xscale() == scale


def test_games_that_every_value_has_are_drawn_and_the_declared_one_whatever_its_name():
    def point(value, declared, **distances):
        games = {name: GameAgreement({"l1": distance}, distance) for name, distance in distances.items()}
        return SweepPoint(value, "environment", "method", games=games, declared=declared)

    lines = sweep._games(SweepCurve("method", "signed", (point(0, "b", a=0.5, b=0.0), point(1, "c", a=50.0, c=0.2))))
    assert {name: [middle for middle, _, _ in line] for name, line in lines.items()} == {
        sweep.OWN_GAME: [1e-3, 0.2],
        "a": [0.5, 10.0],
    }
